"""What the layers of a network do in some samples, and the way back through them.

Each has ``run(events, layer)``, which returns what it does, and ``back(...)``, which
returns the gradients of weights (n_rows, n_out) and of the times of the events.
"""

import numpy as np

from ... import core as _core
from ...model.first_spike import over_slope
from ...model.spike_trains import ROOM, fired_spikes


def mean_kernel(neuron, d):
    """The integral of kappa from 0 to d: what a spike adds to the mean membrane."""
    tau_mem, tau_syn = neuron.tau_mem, neuron.tau_syn
    syn = -np.expm1(-d / tau_syn)
    if np.isinf(tau_mem):
        return d - tau_syn * syn
    if abs(tau_mem - tau_syn) < 1e-4 * tau_syn:  # to first order in the difference
        tau = 0.5 * (tau_mem + tau_syn)
        return tau_mem * (1 - np.exp(-d / tau) * (1 + d / tau))
    mem = -np.expm1(-d / tau_mem)
    return tau_mem / (tau_mem - tau_syn) * (tau_mem * mem - tau_syn * syn)


class Spiking:
    """Neurons that fire up to max_spikes times."""

    def __init__(self, max_spikes, refractory, t_max, min_slope=0.0):
        self.max_spikes, self.refractory = max_spikes, refractory
        self.t_max, self.min_slope = t_max, min_slope
        self._room = ROOM  # of the next run: enough for those before

    def run(self, events, layer):
        """(spikes, what `back` needs); spikes are (n_samples, n_out, n).

        n is one more than the most spikes of a neuron, but at most `max_spikes`.
        """
        core = _core.LayerTrains(
            events.spikes(), layer.neuron, self.refractory, self.t_max
        )
        times, slopes, rises = fired_spikes(
            core, layer.weights, self.max_spikes, self._room
        )
        self._room = max(self._room, times.shape[2])
        return times, (core, slopes, rises)

    def back(self, layer, times, kept, grad, *, with_times=True):
        """Gradients from those of the spikes; that of times only if it is wanted."""
        core, slopes, rises = kept
        adjoint, by_time = core.adjoint(
            layer.weights, times, slopes, rises, grad, self.min_slope, with_times
        )
        by_weight = np.zeros_like(layer.weights)
        core.grad_weights(times, adjoint, by_weight)
        return by_weight, by_time


class MeanMembrane:
    """Outputs that do not fire: the mean of their membranes, per threshold.

    The membrane is linear in the weights, so one matrix product has all of it:
    ``mean_j = sum_i w_ij sum_z K(t_max - t_iz) / t_max``, K the integral of kappa.
    """

    def __init__(self, t_max):
        self.t_max = t_max

    def features(self, events, layer):
        """What each row adds to the mean membranes, (n_samples, n_rows)."""
        unit = self.t_max * layer.neuron.threshold
        return events.by_row(
            mean_kernel(layer.neuron, self.t_max - events.times) / unit
        )

    def run(self, events, layer):
        """(scores, what `back` needs)."""
        features = self.features(events, layer)
        return features @ layer.weights, features

    def back(self, layer, events, features, grad):
        """Gradients from those of the scores."""
        unit = self.t_max * layer.neuron.threshold
        by_row = grad @ layer.weights.T
        slope = layer.neuron.kappa(self.t_max - events.times) / unit
        by_time = -by_row[events.samples, events.rows] * slope
        return features.T @ grad, by_time.astype(grad.dtype)


class FirstOrPeak:
    """Outputs that fire once, or not at all: when, or how high their membranes rise.

    If they fire the score is -time, and a silent one has the pseudo-time t_max +
    pseudo_slope (threshold - u_peak). If not, the score is u_peak / threshold.
    """

    def __init__(self, t_max, *, fires, pseudo_slope=0.0, min_slope=0.0):
        self.t_max, self.fires = t_max, fires
        self.pseudo_slope, self.min_slope = pseudo_slope, min_slope

    @staticmethod
    def _wide(events, layer):
        """The weights of each slot, (n_slots, n_out)."""
        n_in = layer.n_in
        n_bias = len(layer.bias_times)
        repeats = (events.n_slots - n_bias) // n_in
        inputs = np.repeat(layer.weights[:n_in], repeats, axis=0)
        return np.concatenate([inputs, layer.weights[n_in:]])

    def run(self, events, layer):
        """(scores, what `back` needs)."""
        events = events.slotted(len(layer.bias_times))
        batch = _core.LayerBatch(events.spikes(by_slot=True), layer.neuron, self.t_max)
        weights = self._wide(events, layer)
        shape = events.n_samples, layer.n_out
        times = np.full(shape, np.inf, weights.dtype)
        if self.fires:
            times = batch.first_spike(weights)
        u_peak, t_peak = batch.peak(weights, times)
        if self.fires:
            missed = layer.neuron.threshold - u_peak
            late = self.t_max + self.pseudo_slope * missed
            scores = -np.where(times < np.inf, times, late)
        else:
            scores = u_peak / layer.neuron.threshold
        return scores, (batch, weights, times, t_peak, events)

    def back(self, layer, events, kept, grad):
        """Gradients from those of the scores."""
        batch, weights, times, t_peak, events = kept
        has_fired = times < np.inf
        slope = batch.slope(weights, t_peak)
        if self.fires:
            floor = self.min_slope * layer.neuron.threshold / layer.neuron.tau_syn
            c = np.where(
                has_fired, over_slope(-grad, slope, floor), -self.pseudo_slope * grad
            )
        else:
            c = -grad / layer.neuron.threshold
        # A peak at an input moves with it.
        is_kink = ~has_fired & (t_peak < self.t_max)
        kink = np.where(is_kink, -c * slope, 0).astype(weights.dtype)
        c = np.ascontiguousarray(c, weights.dtype)
        by_slot = batch.grad_times(weights, t_peak, c, kink)
        wide = np.zeros_like(weights)
        batch.grad_weights(t_peak, c, wide)
        n_in, n_bias = layer.n_in, len(layer.bias_times)
        n_times = len(wide) - n_bias
        by_weight = np.concatenate(
            [wide[:n_times].reshape(n_in, -1, layer.n_out).sum(axis=1), wide[n_times:]]
        )
        return by_weight, by_slot[events.samples, events.slots]


class Count:
    """Outputs that fire: how often, and of two that fire as often, the earlier one.

    The score is sum_k (1 - t_k / t_max) over the spikes, which grows with their number,
    and has a gradient. That of a silent output is what it misses,
    u_peak / threshold - 1, without which it would never learn to fire.
    """

    def __init__(self, spiking):
        self.spiking = spiking
        self.peaks = FirstOrPeak(spiking.t_max, fires=False)

    def run(self, events, layer):
        """(scores, what `back` needs)."""
        times, of_spikes = self.spiking.run(events, layer)
        left = np.where(times < np.inf, 1 - times / self.spiking.t_max, 0)
        # Term by term: no sum depends on how often neurons of other samples have fired.
        total = left.cumsum(axis=2)[:, :, -1]
        heights, of_peaks = self.peaks.run(events, layer)
        scores = np.where(np.isinf(times[:, :, 0]), heights - 1, total)
        return scores, (times, of_spikes, of_peaks)

    def back(self, layer, events, kept, grad):
        """Gradients from those of the scores."""
        times, of_spikes, of_peaks = kept
        of_silent = grad * np.isinf(times[:, :, 0])
        by_peaks = self.peaks.back(layer, events, of_peaks, of_silent)
        grad = np.repeat(grad[:, :, None] / -self.spiking.t_max, times.shape[2], axis=2)
        by_spikes = self.spiking.back(
            layer, times, of_spikes, np.ascontiguousarray(grad)
        )
        return tuple(a + b for a, b in zip(by_peaks, by_spikes, strict=True))
