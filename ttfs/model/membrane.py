"""Membranes of the neurons of a layer, at any times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .checks import (
    TIME_LIMIT,
    check_matrix,
    check_not_negative,
    check_several,
    check_times,
    common_dtype,
)
from .lif import LIF, check_lif

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Floats


def membrane_traces(
    times: ArrayLike,
    weights: ArrayLike,
    neuron: LIF = LIF(),
    *,
    at: ArrayLike,
    bias_times: ArrayLike = (),
    delays: ArrayLike | None = None,
    spikes: ArrayLike | None = None,
    refractory: float = 0.0,
) -> Floats:
    r"""Membranes of a layer of neurons at given times.

    Without `spikes`, no neuron is reset: its membrane is the sum of the responses to
    its inputs, as if it had no threshold [1]_,

    .. math:: F_j(t) = \sum_{t_i < t} w_{ij} \, \kappa(t - t_i - d_{ij})

    with kappa as in :meth:`LIF.kappa`. It crosses the threshold for the first time
    where :func:`first_spike` says; a neuron that fires once is done then, and what its
    membrane does later is of no effect.

    With `spikes`, the membrane stays at 0 from each of them until :math:`t_r`, the end
    of the refractory time, and the synaptic current goes on. What a reset takes from
    the membrane decays with the membrane [2]_: after the last reset

    .. math:: u_j(t) = F_j(t) - F_j(t_r) \, e^{-(t - t_r) / \tau_{mem}}

    These are closed forms, exact at any time to the rounding of float64; there is no
    grid of times.

    Parameters
    ----------
    times : array-like of shape (n_samples, n_in) or (n_samples, n_in, n_spikes)
        Spike times of the inputs, in any order, in the unit of the neuron's time
        constants; +inf = absent.
    weights : array-like of shape (n_in + n_bias, n_out)
        Weights, in the unit of the threshold; those of biases in the last rows.
    neuron : LIF, default=LIF()
        Neuron parameters, common to the layer.
    at : array-like of shape (n_times,)
        The times at which the membranes are wanted, in any order.
    bias_times : array-like of shape (n_bias,), default=()
        Times at which biases spike in every sample.
    delays : array-like, default=None
        What an input spike takes to arrive: axonal, of shape (n_in + n_bias,), or
        synaptic, in the shape of the weights. None: no delays.
    spikes : array-like of shape (n_samples, n_out, max_spikes), default=None
        Spikes that reset their neuron, from :func:`spike_trains` or measured; +inf
        after the last one. At the very time of a spike the membrane is the one before
        the reset. None: no resets.
    refractory : float, default=0.0
        Time after a spike for which the membrane stays at 0.

    Returns
    -------
    traces : ndarray of shape (n_samples, n_out, n_times)
        Membranes, float64, in the unit of the threshold.

    Raises
    ------
    ValueError
        If shapes do not match, times or spikes have NaN or -inf, or weights, delays or
        `at` are not finite, or `refractory` is out of range.
    TypeError
        If `neuron` is no LIF, or an array is sparse.

    See Also
    --------
    first_spike : The first time at which a membrane is at the threshold.
    spike_trains : All of them, with resets.
    ttfs.plotting.MembraneDisplay : Draws membranes of a fitted network.

    References
    ----------
    .. [1] W. Gerstner, W. M. Kistler, "Spiking Neuron Models", Cambridge University
       Press (2002), section 4.2: the spike response model.
    .. [2] T. C. Wunderlich, C. Pehle, "Event-based backpropagation can compute exact
       gradients for spiking neural networks", Scientific Reports 11, 12829 (2021).

    Examples
    --------
    >>> from ttfs import first_spike, membrane_traces
    >>> times, weights = [[0.0, 0.5]], [[2.0], [1.5]]
    >>> membrane_traces(times, weights, at=[0.5, 1.0, 1.5]).round(3)
    array([[[0.607, 1.191, 1.221]]])
    >>> spike = first_spike(times, weights)[0, 0]
    >>> float(membrane_traces(times, weights, at=[spike])[0, 0, 0].round(12))
    1.0
    """
    check_lif(neuron)
    times, weights, delays = _check_layer(times, weights, bias_times, delays)
    at = np.asarray(at)
    if at.ndim != 1 or at.dtype.kind not in "iuf" or not np.isfinite(at).all():
        raise ValueError("at must be finite times in one dimension, (n_times,)")
    at = at.astype(np.float64)
    check_not_negative("refractory", refractory, TIME_LIMIT)
    n_out = weights.shape[1]
    if spikes is not None:
        spikes = _check_spikes(spikes, (len(times), n_out))
    traces = np.empty((len(times), n_out, len(at)))
    for sample, sent in enumerate(times):
        layer = _Inputs(sent, weights, delays, neuron)
        traces[sample] = layer.free(at)
        if spikes is not None:
            for j in range(n_out):
                _reset(traces[sample, j], at, layer, j, spikes[sample, j], refractory)
    return traces


def _check_layer(times, weights, bias_times, delays):
    """Valid arrays in float64; the spikes of biases are the last rows of the times."""
    common_dtype(times=times, weights=weights)
    times = check_several(times, np.float64)
    if times.ndim == 2:
        times = times[:, :, np.newaxis]
    weights = check_matrix(weights, "weights", np.float64)
    bias_times = np.asarray(bias_times, np.float64)
    if bias_times.ndim != 1:
        raise ValueError("bias_times must have one dimension, (n_bias,)")
    check_times(bias_times, "bias_times")
    n_samples, n_in, n_spikes = times.shape
    if n_in + len(bias_times) != len(weights):
        raise ValueError(
            f"times has {n_in} inputs and bias_times has {len(bias_times)}, but "
            f"weights has {len(weights)} rows"
        )
    biases = np.full((n_samples, len(bias_times), max(n_spikes, 1)), np.inf)
    biases[:, :, 0] = bias_times
    if n_spikes == 0:
        times = np.full((n_samples, n_in, 1), np.inf)
    times = np.concatenate([times, biases], axis=1)
    if delays is None:
        return times, weights, np.zeros((len(weights), 1))
    delays = np.asarray(delays, np.float64)
    if delays.shape not in ((len(weights),), weights.shape):
        raise ValueError(
            f"delays must have shape {(len(weights),)} or {weights.shape}, got "
            f"{delays.shape}"
        )
    if not np.isfinite(delays).all():
        raise ValueError("delays must be finite; found NaN or infinity")
    return times, weights, delays.reshape(len(weights), -1)


def _check_spikes(spikes, shape):
    """The spikes that reset, in float64 and in ascending order."""
    spikes = np.asarray(spikes, np.float64)
    if spikes.ndim != 3 or spikes.shape[:2] != shape:
        raise ValueError(
            f"spikes must have shape {(*shape, 'max_spikes')}, got {spikes.shape}"
        )
    check_times(spikes, "spikes")
    return np.sort(spikes, axis=2)


class _Inputs:
    """The input spikes of a layer in one sample, and what they make of membranes."""

    def __init__(self, sent, weights, delays, neuron):
        rows, places = np.nonzero(sent < np.inf)
        self.sent, self.delays = sent[rows, places], delays[rows]
        self.weights, self.neuron = weights[rows], neuron

    def free(self, at):
        """The membranes (n_out, n_times) without resets."""
        n_out = self.weights.shape[1]
        if self.delays.shape[1] == 1:  # a spike arrives everywhere at the same time
            since = at - (self.sent + self.delays[:, 0])[:, np.newaxis]
            return self.weights.T @ self.neuron.kappa(since)
        return np.stack([self.free_of(j, at) for j in range(n_out)])

    def free_of(self, j, at):
        """The membrane (n_times,) of neuron j without resets."""
        arrivals = self.sent + self.delays[:, min(j, self.delays.shape[1] - 1)]
        since = at - arrivals[:, np.newaxis]
        return self.weights[:, j] @ self.neuron.kappa(since)


def _reset(trace, at, layer, j, spikes, refractory):
    """Put the resets of neuron j at its spikes into a trace without any."""
    spikes = spikes[spikes < np.inf]
    last = np.searchsorted(spikes, at, side="left") - 1  # of the spikes before
    is_after = last >= 0
    ends = spikes + refractory
    taken = layer.free_of(j, ends)[last[is_after]]
    since = at[is_after] - ends[last[is_after]]
    tau_mem = layer.neuron.tau_mem
    left = trace[is_after] - taken * np.exp(-np.maximum(since, 0) / tau_mem)
    trace[is_after] = np.where(since > 0, left, 0.0)
