"""Neurons that fire several times, slow and readable: what the C core must do.

From the last release r - the end of the refractory time of the last spike, or the
beginning - the membrane is 0 at r and then

    u(t) = I(r) kappa(t - r) + sum over r < t_j < t of  w_j kappa(t - t_j)
    I(r) = sum over t_j <= r of  w_j exp(-(r - t_j) / tau_syn)

Everything here is that, in float64, and its derivatives.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import bisect

LONG = 60.0  # time constants after the last input within which a neuron fires, or never


@dataclass
class Neuron:
    """A neuron with its input spikes.

    Parameters
    ----------
    times, weights : ndarray of shape (n,)
        Input spikes, and the weight of each.
    tau_mem, tau_syn, threshold, refractory : float
        Parameters of the neuron.
    """

    times: np.ndarray
    weights: np.ndarray
    tau_mem: float
    tau_syn: float
    threshold: float
    refractory: float = 0.0

    # -- The kernel of an input --------------------------------------------------------

    def kappa(self, d):
        """The membrane a time d after an input of weight 1; an ndarray."""
        if self.tau_mem == self.tau_syn:
            return d / self.tau_syn * np.exp(-d / self.tau_syn)
        # (exp(-d / tau_mem) - exp(-d / tau_syn)) / (1 - tau_syn / tau_mem), in which
        # nearly equal exponentials do not cancel.
        if np.isinf(self.tau_mem):
            gap = 1 / self.tau_syn
        else:
            gap = (self.tau_mem - self.tau_syn) / (self.tau_mem * self.tau_syn)
        slowest = np.exp(-d / max(self.tau_mem, self.tau_syn))
        return slowest * np.expm1(-abs(gap) * d) / (-abs(gap) * self.tau_syn)

    def kappa_slope(self, d):
        """Its derivative: du/dt = -u / tau_mem + I / tau_syn."""
        return np.exp(-d / self.tau_syn) / self.tau_syn - self.kappa(d) / self.tau_mem

    # -- The membrane after a release --------------------------------------------------

    def shares(self, r, t, kernel):
        """(n,): d u(t) / d w_j, or d u'(t) / d w_j with kernel = kappa_slope."""
        shares = np.zeros(len(self.times))
        for j, t_j in enumerate(self.times):
            if t_j >= t:
                continue
            if t_j <= r:
                shares[j] = np.exp(-(r - t_j) / self.tau_syn) * kernel(t - r)
            else:
                shares[j] = kernel(t - t_j)
        return shares

    def membrane(self, r, t):
        return self.shares(r, t, self.kappa) @ self.weights

    def slope(self, r, t):
        """u'(t), from the left."""
        return self.shares(r, t, self.kappa_slope) @ self.weights

    def current(self, r):
        """I(r)."""
        past = self.times <= r
        return self.weights[past] @ np.exp(-(r - self.times[past]) / self.tau_syn)

    # -- Spikes ------------------------------------------------------------------------

    def spikes(self, max_spikes, t_max=np.inf):
        """Spike times (max_spikes,), +inf after the last."""
        spikes, r = np.full(max_spikes, np.inf), -np.inf
        for k in range(max_spikes):
            t = self.first_crossing(r)
            if t >= t_max:
                break
            spikes[k], r = t, t + self.refractory
        return spikes

    def first_crossing(self, r):
        """The first time after r at which the membrane is the threshold, or inf.

        Between two inputs a membrane has one maximum at most.
        """
        inputs = np.unique(self.times[np.isfinite(self.times)])
        starts = [r, *inputs[inputs > r]] if np.isfinite(r) else list(inputs)
        if not starts:
            return np.inf
        slowest = self.tau_syn if np.isinf(self.tau_mem) else self.tau_mem
        ends = [*starts[1:], starts[-1] + LONG * max(slowest, self.tau_syn)]
        for a, b in zip(starts, ends, strict=True):
            after = np.nextafter(a, b)
            if b <= after or self.slope(r, after) <= 0:
                continue
            top = b
            if self.slope(r, b) < 0:
                top = bisect(lambda t: self.slope(r, t), after, b, xtol=1e-15)
            if self.membrane(r, top) >= self.threshold:
                return bisect(
                    lambda t: self.membrane(r, t) - self.threshold, a, top, xtol=1e-15
                )
        return np.inf

    # -- Derivatives -------------------------------------------------------------------

    def jacobians(self, spikes, min_slope=0.0):
        """Derivatives (n_spikes, n) of spikes by input times, and by weights.

        A spike moves so that u(t_k) stays the threshold:

            u'(t_k) dt_k = -(du/dx dx + du/dr dr),    dr = dt_(k-1)

        A membrane released later misses what it would have risen, u'(r) dr with
        u'(r) = I(r) / tau_syn, of which exp(-(t - r) / tau_mem) is left.
        """
        floor = min_slope * self.threshold / self.tau_syn
        spikes = spikes[np.isfinite(spikes)]
        by_time = np.zeros((len(spikes), len(self.times)))
        by_weight = np.zeros_like(by_time)
        r = -np.inf
        for k, t in enumerate(spikes):
            slope = max(self.slope(r, t), floor)
            by_weight[k] = self.shares(r, t, self.kappa)
            # Inputs before the release move the current, later ones the membrane.
            earlier = by_weight[k] / self.tau_syn
            later = -self.shares(r, t, self.kappa_slope)
            by_time[k] = self.weights * np.where(self.times <= r, earlier, later)
            if k > 0:
                by_release = -self.current(r) / self.tau_syn
                by_release *= np.exp(-(t - r) / self.tau_mem)
                by_weight[k] += by_release * by_weight[k - 1]
                by_time[k] += by_release * by_time[k - 1]
            by_weight[k] /= -slope
            by_time[k] /= -slope
            r = t + self.refractory
        return by_time, by_weight

    def gradient_by_subtraction(self, spikes, grad):
        """The gradient by input times and weights, of neurons that reset by -threshold:

            u(t) = sum_j w_j kappa(t - t_j) - threshold sum_z exp(-(t - t_z) / tau_mem)

        without refractory time, backward from the last spike.
        """
        by_time, by_weight = np.zeros((2, len(self.times)))
        spikes = spikes[np.isfinite(spikes)]
        total = 0.0  # sum over later spikes, relative to the spike at hand
        for k in reversed(range(len(spikes))):
            t = spikes[k]
            if k + 1 < len(spikes):
                total *= np.exp(-(spikes[k + 1] - t) / self.tau_mem)
            causal = self.times < t
            d, w = t - self.times[causal], self.weights[causal]
            resets = np.exp(-(t - spikes[:k]) / self.tau_mem).sum()
            slope = w @ self.kappa_slope(d) + self.threshold / self.tau_mem * resets
            push = grad[k] + total
            total += push * self.threshold / self.tau_mem / slope
            by_weight[causal] -= push * self.kappa(d) / slope
            by_time[causal] += push * w * self.kappa_slope(d) / slope
        return by_time, by_weight


def neurons(times, weights, lif, refractory):
    """Yields (sample, number, Neuron) of a layer."""
    times = times.reshape(*times.shape[:2], -1)
    for s, j in np.ndindex(len(times), weights.shape[1]):
        yield (
            s,
            j,
            Neuron(
                times[s].ravel(),
                np.repeat(weights[:, j], times.shape[2]),
                lif.tau_mem,
                lif.tau_syn,
                lif.threshold,
                refractory,
            ),
        )


def spike_trains(times, weights, lif, max_spikes, refractory=0.0, t_max=np.inf):
    """The same as `ttfs.spike_trains`."""
    spikes = np.empty((len(times), weights.shape[1], max_spikes))
    for s, j, neuron in neurons(times, weights, lif, refractory):
        spikes[s, j] = neuron.spikes(max_spikes, t_max)
    return spikes


def spike_trains_vjp(times, weights, spikes, grad, lif, refractory=0.0, min_slope=0.0):
    """The same as `ttfs.spike_trains_vjp`."""
    grad_times, grad_weights = np.zeros(times.shape), np.zeros(weights.shape)
    for s, j, neuron in neurons(times, weights, lif, refractory):
        by_time, by_weight = neuron.jacobians(spikes[s, j], min_slope)
        mine = grad[s, j, : len(by_time)]
        grad_times[s] += (mine @ by_time).reshape(times.shape[1:])
        grad_weights[:, j] += (mine @ by_weight).reshape(len(weights), -1).sum(axis=1)
    return grad_times, grad_weights
