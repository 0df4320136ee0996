"""The fit of neurons to their spikes.

The fit is a Gauss-Newton iteration on the times by which spikes miss the model, g / g'.
Each pass over the spikes of a neuron gives a quadratic form in phi, see
:mod:`ttfs.substrates.calibration.model`. The minimum of the form together with a prior,
in the parameters x, is found for all neurons at once.
"""

import numpy as np

from .model import exchanged, phi_of, response

_MAX_PASSES = 15  # over the data
_MAX_STEPS = 40  # of the minimisation after each pass
_SETTLED_STEP = 0.2  # a smaller step of phi ends the passes, in standard deviations
_MIN_NOISE = 1e-6  # the precision of spike times, in tau_syn
_OUTLIER = 4.0  # a greater residual hardly counts, in standard deviations
# Spike times near a tangent crossing say little: a spike counts if u has at least this
# slope there.
_MIN_SLOPE = 0.2  # in thresholds per tau_syn


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
    counts = (slope > _MIN_SLOPE * psi / neuron.tau_syn) & (f > 0)
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


def _quadratic_form(spikes, phi, psi, neuron):
    """The quadratic form of the data about phi, and the noise of spike times.

    Half the sum of squared residuals, in units of their variance, is about d @ form @ d
    / 2 + gradient @ d for a step d from phi. `between` is the sum of the outer products
    of the trials' gradients, less their mean: independent spikes would make it `form`;
    errors that the spikes of a trial share make it greater.
    """
    f, slope, df_dm, df_dv = spikes.sums(phi[1], phi[2])
    psi = psi * np.exp(phi[0])
    min_slope = _MIN_SLOPE * psi / neuron.tau_syn
    # Spikes near a tangent crossing count little.
    steepness = np.clip(slope / min_slope - 1, 0, 1)
    slope = np.maximum(slope, min_slope)
    spikes.model = np.clip(
        spikes.model - (f - psi) / slope,
        spikes.measured - spikes.margin,
        spikes.measured + spikes.margin,
    )
    r = spikes.measured - spikes.model
    noise = max(1.4826 * np.median(np.abs(r)), _MIN_NOISE * neuron.tau_syn)
    jacobian = np.stack([np.full_like(f, -psi), df_dm, df_dv], axis=1) / slope[:, None]
    weight = steepness / (noise * (1 + (r / (_OUTLIER * noise)) ** 2)) ** 2
    scores = jacobian * (weight * r)[:, None]
    form = (jacobian * weight[:, None]).T @ jacobian
    gradient = scores.sum(axis=0)
    n_trials = spikes.trials.max() + 1
    of_trials = np.zeros((n_trials, 3))
    np.add.at(of_trials, spikes.trials, scores - gradient / len(f))
    return form, gradient, of_trials.T @ of_trials, noise


def _objective(x, neuron, phi, form, gradient, prior):
    """Negative log posterior (n,) of x (n, 3), but for a constant."""
    step = phi_of(x, neuron)[0] - phi
    data = np.einsum("ni,nij,nj->n", step, form, step) / 2
    return data + (gradient * step).sum(axis=1) + (x**2).sum(axis=1) / (2 * prior**2)


def _minimise(x, *problem):
    """Minima (n, 3) of `_objective` and their values, by Levenberg and Marquardt."""
    neuron, phi, form, gradient, prior = problem
    damping = np.full(len(x), 1e-3)
    value = _objective(x, *problem)
    for _ in range(_MAX_STEPS):
        at, jacobian = phi_of(x, neuron)
        transposed = jacobian.transpose(0, 2, 1)
        slope = form @ (at - phi)[..., None] + gradient[..., None]
        slope = (transposed @ slope)[..., 0] + x / prior**2
        hessian = transposed @ form @ jacobian + np.eye(3) / prior**2
        diagonal = np.einsum("nii->ni", hessian)
        damped = hessian + (damping[:, None] * diagonal)[..., None] * np.eye(3)
        step = -np.linalg.solve(damped, slope[..., None])[..., 0]
        new = np.clip(x + step, -2, 2)
        new_value = _objective(new, *problem)
        better = new_value < value
        x = np.where(better[:, None], new, x)
        value = np.where(better, new_value, value)
        damping = np.where(better, damping / 5, damping * 4).clip(1e-12, 1e12)
    return x, value


def fit(spikes, neuron, prior):
    """Log factors of (threshold, tau_mem, tau_syn), their errors, and spikes' noise.

    Each of the neurons, nominally alike, has its `NeuronSpikes`; the prior is the
    expected spread of parameters, relative to nominal.
    """
    n = len(spikes)
    half = 0.5 * prior if np.isfinite(neuron.tau_mem) else 0.0
    x = np.tile([0.0, half, -half], (n, 1))  # not at the saddle of equal time constants
    error, noise = np.empty((n, 3)), np.empty(n)
    moving = np.arange(n)
    for _ in range(_MAX_PASSES):
        x[moving], error[moving], noise[moving], step = _pass(
            [spikes[j] for j in moving], x[moving], neuron, prior
        )
        moving = moving[step > _SETTLED_STEP]
        if len(moving) == 0:
            break
    return x, error, noise


def _pass(spikes, x, neuron, prior):
    """One pass over the spikes of all neurons: new x, standard errors, noise, step.

    The step is the change of phi, in standard deviations of what the data say.
    """
    phi, jacobian = phi_of(x, neuron)
    psi = neuron.threshold * neuron.tau_syn
    parts = [
        _quadratic_form(s, p, psi, neuron) for s, p in zip(spikes, phi, strict=True)
    ]
    form, gradient, between, noise = map(np.array, zip(*parts, strict=True))
    # Rounded weights are errors that the spikes of a trial have in common: such spikes
    # count as fewer spikes.
    covariance = _covariance(jacobian, form, prior)
    common = _trace(covariance, jacobian, between)
    excess = common / np.maximum(_trace(covariance, jacobian, form), 1e-300)
    excess = np.maximum(excess, 1.0)
    form, gradient = form / excess[:, None, None], gradient / excess[:, None]
    problem = neuron, phi, form, gradient, prior
    one, value_one = _minimise(x, *problem)
    two, value_two = _minimise(exchanged(one, neuron), *problem)
    swaps = (value_two < value_one)[:, None]
    best, other = np.where(swaps, two, one), np.where(swaps, one, two)
    variance = np.einsum("nii->ni", _covariance(phi_of(best, neuron)[1], form, prior))
    # The variance contains the distance to the other solution if that is as likely.
    odds = np.exp(-np.abs(value_one - value_two))[:, None]
    variance = variance + odds / (1 + odds) * (other - best) ** 2
    step = phi_of(best, neuron)[0] - phi
    step = np.sqrt(np.einsum("ni,nij,nj->n", step, form, step))
    return best, np.sqrt(variance), noise, step


def _covariance(jacobian, form, prior):
    """Covariance of x under the data and the prior."""
    hessian = jacobian.transpose(0, 2, 1) @ form @ jacobian
    return np.linalg.inv(hessian + np.eye(3) / prior**2)


def _trace(covariance, jacobian, form):
    """Trace of the covariance of x times a quadratic form in phi."""
    return np.einsum(
        "nij,nji->n", covariance, jacobian.transpose(0, 2, 1) @ form @ jacobian
    )
