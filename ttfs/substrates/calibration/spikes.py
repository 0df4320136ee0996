"""The spikes of one neuron as evidence about its parameters."""

import numpy as np

from .model import phi_of, response

# Spike times near a tangent crossing say little: a spike counts if u has at least this
# slope there.
MIN_SLOPE = 0.2  # in thresholds per tau_syn


class NeuronSpikes:
    """The spikes of one neuron, and the inputs that may have caused them.

    A residual is a measured spike time less that of the model. One step of Newton's
    method in each pass follows the spike times of the model, at most `margin` away from
    the measured ones: derivatives at measured times would depend on the noise of these,
    and the estimates would be biased.
    """

    def __init__(self, times, weights, fired, trials, margin):
        # A spike that precedes all inputs has no cause, and does not count.
        explained = np.isfinite(fired) & (times.min(axis=1) < fired)
        times, self.trials = times[explained], trials[explained]
        self.measured = fired[explained]
        before = times < self.measured[:, np.newaxis] + margin
        self.spikes, inputs = np.nonzero(before)
        counts = before.sum(axis=1)
        self.starts = np.cumsum(counts) - counts
        self.times = times[self.spikes, inputs]
        self.weights = weights[self.trials[self.spikes], inputs]
        self.margin = margin
        self.model = self.measured.copy()

    def __len__(self):
        return len(self.measured)

    def sums(self, m, v):
        """Sums over the inputs of f, f', df/dm, df/dv at the model's spikes."""
        delays = self.model[self.spikes] - self.times
        terms = np.stack(response(np.maximum(delays, 0), m, v))
        terms *= np.where(delays > 0, self.weights, 0.0)
        return np.add.reduceat(terms, self.starts, axis=1)


def effective_threshold(spikes, neuron, prior):
    """Log of the threshold factor at which nominal time constants fit best; its error.

    The estimate is the weighted median of u / threshold at the spikes. Errors of spike
    times count, so that the weights are 1 / u'^2.
    """
    (phi,), _ = phi_of(np.zeros((1, 3)), neuron)
    spikes.model = spikes.measured
    f, slope, *_ = spikes.sums(phi[1], phi[2])
    psi = neuron.threshold * neuron.tau_syn
    counts = (slope > MIN_SLOPE * psi / neuron.tau_syn) & (f > 0)
    if not counts.any():
        return 0.0, np.inf
    value, weight = np.log(f[counts] / psi), slope[counts] ** -2.0
    center = _weighted_median(value, weight)
    deviation = 1.4826 * _weighted_median(np.abs(value - center), weight)
    # The variance of a median has the factor pi / 2; spikes whose weights differ count
    # as fewer spikes.
    variance = np.pi / 2 * deviation**2 * (weight**2).sum() / weight.sum() ** 2
    return center / (1 + variance / prior**2), np.sqrt(variance)


def _weighted_median(values, weights):
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return values[order][np.searchsorted(below, below[-1] / 2)]
