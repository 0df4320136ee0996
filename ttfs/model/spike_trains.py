"""Spikes of one layer whose neurons fire several times, and their derivatives."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from .. import core as _core
from .checks import (
    TIME_LIMIT,
    blocks,
    check_not_negative,
    check_several,
    check_times,
    check_weights,
    common_dtype,
)
from .lif import LIF, check_lif

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Array

# Samples that are sorted and worked on at a time: bounds the memory of event lists.
_BLOCK = 256
# Spikes of a neuron that there is room for at first.
ROOM = 32


def spike_trains(
    times: ArrayLike,
    weights: ArrayLike,
    neuron: LIF = LIF(),
    *,
    max_spikes: int,
    refractory: float = 0.0,
    t_max: float = np.inf,
) -> Array:
    r"""Spikes of a layer of neurons that fire several times.

    Neuron j fires whenever its membrane

    .. math::

        u_j(t) = \sum_{t_i < t} w_{ij} \, \kappa(t - t_i)
            - \vartheta \sum_{t_z < t} e^{-(t - t_z) / \tau_{mem}}

    equals the threshold :math:`\vartheta`. The second sum, over the earlier spikes of
    the neuron itself, resets the membrane to 0; the synaptic current is not reset.
    Spike times are exact to rounding, as those of :func:`first_spike` are.

    For one spike :func:`first_spike` is the function: with `max_spikes` = 1 this one
    takes several times as long, and times differ by rounding, in float32 by up to 1e-4
    tau_syn in long experiments. Estimators with ``max_spikes=1`` use
    :func:`first_spike`, and keep the bits that they have without several spikes.

    Parameters
    ----------
    times : array-like of shape (n_samples, n_in) or (n_samples, n_in, n_spikes)
        Spike times of the inputs, in any order, in the unit of the neuron's time
        constants; +inf = absent. What this function returns can be the `times` of the
        next layer.
    weights : array-like of shape (n_in, n_out)
        Weights, in the unit of the threshold.
    neuron : LIF, default=LIF()
        Neuron parameters, common to the layer.
    max_spikes : int
        Spikes after which a neuron is silent.
    refractory : float, default=0.0
        Time after a spike for which the membrane stays at 0, in the same unit.
    t_max : float, default=inf
        End of the experiment: later spikes of inputs and neurons do not exist.

    Returns
    -------
    spikes : ndarray of shape (n_samples, n_out, max_spikes)
        Spike times of each neuron, ascending; +inf after the last one. float32 if both
        `times` and `weights` are, else float64.

    Raises
    ------
    ValueError
        If shapes do not match, `times` has NaN or -inf, `weights` is not finite, or
        another parameter is out of range; or if the units are so extreme that a number
        is.

    See Also
    --------
    spike_trains_vjp : Derivatives of spike times.
    first_spike : The first of these spikes.

    References
    ----------
    T. C. Wunderlich, C. Pehle, "Event-based backpropagation can compute exact gradients
    for spiking neural networks", Scientific Reports 11, 12829 (2021).

    Examples
    --------
    >>> from ttfs import spike_trains
    >>> spike_trains([[0.0, 0.5]], [[4.0], [3.0]], max_spikes=3).round(4)
    array([[[0.3574, 0.6505, 0.9353]]])
    """
    dtype = common_dtype(times=times, weights=weights)
    times = check_several(times, dtype)
    weights = check_weights(weights, dtype, times.shape[1])
    check_lif(neuron)
    if not isinstance(max_spikes, Integral) or isinstance(max_spikes, bool):
        raise TypeError(f"max_spikes must be an integer, got {max_spikes!r}")
    if max_spikes < 1:
        raise ValueError(f"max_spikes must be at least 1, got {max_spikes}")
    _check_span(refractory, t_max)
    spikes = np.full((len(times), weights.shape[1], max_spikes), np.inf, dtype)
    room = ROOM
    for rows in blocks(len(times), _BLOCK):
        layer, _ = _layer(times[rows], neuron, refractory, t_max)
        fired, _, _ = fired_spikes(layer, weights, int(max_spikes), room)
        spikes[rows, :, : fired.shape[2]] = fired
        room = max(room, fired.shape[2])
    return spikes


def fired_spikes(layer, weights, max_spikes, room):
    """Spikes of a `core.LayerTrains`, their slopes and rises, without empty columns.

    Time and memory are those of the spikes that fired, however great `max_spikes` is: a
    layer is run with little room, and again with more where a neuron has filled it.
    Room cuts trains off, and changes nothing else. The last column of times is +inf
    unless a neuron has fired as often as it may.
    """
    room = min(room, max_spikes)
    while True:
        arrays = layer.spike_trains(weights, room)
        n = n_columns(arrays[0])
        if n <= room or room == max_spikes:
            break
        room = min(4 * room, max_spikes)
    if n >= room:
        return arrays
    return tuple(np.ascontiguousarray(array[:, :, :n]) for array in arrays)


def n_columns(spikes):
    """One more than the most spikes of a neuron among (n_samples, n_out, n)."""
    counts = np.isfinite(spikes).any(axis=(0, 1))
    return 1 + int(np.count_nonzero(counts))


def spike_trains_vjp(
    times: ArrayLike,
    weights: ArrayLike,
    spikes: ArrayLike,
    grad_spikes: ArrayLike,
    neuron: LIF = LIF(),
    *,
    refractory: float = 0.0,
    t_max: float = np.inf,
    min_slope: float = 0.0,
) -> tuple[Array, Array]:
    r"""Vector-Jacobian product of the spikes of :func:`spike_trains`.

    A spike depends on the inputs before it, and on the earlier spikes of its neuron.
    One walk backward in time finds all derivatives [1]_, in a number of steps that is
    linear in the number of spikes. It needs spike times and weights only: `spikes` may
    have been measured.

    Parameters
    ----------
    times : array-like of shape (n_samples, n_in) or (n_samples, n_in, n_spikes)
        Spike times of the inputs; +inf = absent.
    weights : array-like of shape (n_in, n_out)
        Weights, in the unit of the threshold.
    spikes : array-like of shape (n_samples, n_out, max_spikes)
        Spike times of the neurons, ascending, from :func:`spike_trains` or measured;
        +inf after the last one. Two spikes of a neuron are `refractory` apart, up to
        rounding, and not at the same time unless its inputs are so strong that rounding
        makes them so.
    grad_spikes : array-like of shape (n_samples, n_out, max_spikes)
        Gradient of a scalar with respect to `spikes`. Entries of spikes that are +inf
        have no effect.
    neuron : LIF, default=LIF()
        Neuron parameters, common to the layer.
    refractory : float, default=0.0
        Time after a spike for which the membrane stays at 0.
    t_max : float, default=inf
        End of the experiment.
    min_slope : float, default=0.0
        Floor of the membrane's slope at a spike, in units of threshold / tau_syn. 0
        gives the exact product.

    Returns
    -------
    grad_times : ndarray of the shape of `times`
        Gradient with respect to `times`; 0 for inputs that are absent or not causal.
    grad_weights : ndarray of shape (n_in, n_out)
        Gradient with respect to `weights`, summed over samples.

    Raises
    ------
    ValueError
        If shapes do not match, times or spikes have NaN or -inf, spikes of a neuron are
        not ascending, at the same time or closer than `refractory`, weights or
        grad_spikes are not finite, or another parameter is out of range; or if the
        units are so extreme that a number is.

    References
    ----------
    .. [1] T. C. Wunderlich, C. Pehle, "Event-based backpropagation can compute exact
       gradients for spiking neural networks", Scientific Reports 11, 12829 (2021).

    Examples
    --------
    >>> from ttfs import spike_trains, spike_trains_vjp
    >>> times, weights = [[0.0, 0.5]], [[4.0], [3.0]]
    >>> spikes = spike_trains(times, weights, max_spikes=2)
    >>> grad_times, _ = spike_trains_vjp(times, weights, spikes, [[[0.0, 1.0]]])
    >>> grad_times.round(4)  # the sum of a row is 1: all move together
    array([[0.4023, 0.5977]])
    """
    dtype = common_dtype(
        times=times, weights=weights, spikes=spikes, grad_spikes=grad_spikes
    )
    times = check_several(times, dtype)
    weights = check_weights(weights, dtype, times.shape[1])
    precision = np.result_type(np.asarray(spikes).dtype, np.float32)
    spikes = np.require(spikes, dtype, ["C", "A"])
    grad_spikes = np.require(grad_spikes, dtype, ["C", "A"])
    shape = (len(times), weights.shape[1])
    if spikes.ndim != 3 or spikes.shape[:2] != shape or spikes.shape[2] == 0:
        raise ValueError(
            f"spikes must have shape {(*shape, 'max_spikes')}, got {spikes.shape}"
        )
    if grad_spikes.shape != spikes.shape:
        raise ValueError(
            f"grad_spikes must have shape {spikes.shape}, got {grad_spikes.shape}"
        )
    check_times(spikes, "spikes")
    if not np.isfinite(grad_spikes).all():
        raise ValueError("grad_spikes must be finite; found NaN or infinity")
    check_lif(neuron)
    _check_span(refractory, t_max)
    _check_order(times, weights, spikes, neuron, refractory, np.finfo(precision).eps)
    check_not_negative("min_slope", min_slope)
    spikes = np.where(spikes < t_max, spikes, dtype.type(np.inf))
    n = min(n_columns(spikes), spikes.shape[2])
    spikes = np.ascontiguousarray(spikes[:, :, :n])
    grad_spikes = np.ascontiguousarray(grad_spikes[:, :, :n])
    grad_times = np.zeros_like(times)
    grad_weights = np.zeros_like(weights)
    for rows in blocks(len(times), _BLOCK):
        layer, places = _layer(times[rows], neuron, refractory, t_max)
        slopes, rises = layer.slopes(weights, spikes[rows])
        adjoint, grad_events = layer.adjoint(
            weights, spikes[rows], slopes, rises, grad_spikes[rows], min_slope
        )
        grad_times[rows].reshape(len(spikes[rows]), -1)[places] = grad_events
        layer.grad_weights(spikes[rows], adjoint, grad_weights)
    return grad_times, grad_weights


def _check_span(refractory, t_max):
    check_not_negative("refractory", refractory, TIME_LIMIT)
    if not isinstance(t_max, Real):
        raise TypeError(f"t_max must be a real number, got {t_max!r}")
    if not (abs(t_max) < TIME_LIMIT or t_max == np.inf):
        raise ValueError(f"t_max must be finite or +inf, got {t_max}")


def _check_order(times, weights, spikes, neuron, refractory, epsilon):
    """Raise ValueError where a neuron cannot have fired so, given rounding."""
    before, after = spikes[..., :-1], spikes[..., 1:]
    if np.any(after < before):
        raise ValueError("the spikes of a neuron must be in ascending order")
    is_pair = np.isfinite(after)
    apart = np.subtract(after, before, where=is_pair, out=np.full_like(after, np.inf))
    size = np.maximum(np.abs(before), np.abs(after))
    rounding = 8 * epsilon * np.where(is_pair, size, 0)
    if np.any(apart < refractory - rounding):
        raise ValueError(
            f"two spikes of a neuron are closer than refractory={refractory}: "
            f"{apart.min()} apart"
        )
    if not np.any(apart == 0):
        return
    # u' is at most I / tau_syn, and I at most the sum of all weights above 0.
    n_spikes = np.isfinite(times).reshape(*times.shape[:2], -1).sum(axis=2)
    current = n_spikes @ np.maximum(weights, 0).astype(np.float64)
    with np.errstate(divide="ignore"):
        least = neuron.threshold * neuron.tau_syn / current[:, :, np.newaxis]
    if np.any((apart == 0) & (least > rounding)):
        raise ValueError("two spikes of a neuron are at the same time")


def _layer(times, neuron, refractory, t_max):
    """The `core.LayerTrains` of input spikes, and where `times` has each of these."""
    n_samples, n_in = times.shape[:2]
    repeats = times.shape[2] if times.ndim == 3 else 1
    spikes = _core.spikes_at(times.reshape(n_samples, n_in * repeats), (), t_max)
    begin, end = spikes.begin.astype(np.intp), spikes.end.astype(np.intp)
    kept = [np.arange(b, e) for b, e in zip(begin, end, strict=True)]
    counts = end - begin
    kept = np.concatenate(kept) if kept else np.empty(0, np.intp)
    ends = np.cumsum(counts).astype(np.uintp)
    flat = spikes.inputs[kept]
    layer = _core.LayerTrains(
        _core.Spikes(
            spikes.times[kept],
            (flat // repeats).astype(np.uint32),
            ends - counts.astype(np.uintp),
            ends,
            n_in,
        ),
        neuron,
        refractory,
        t_max,
    )
    return layer, (np.repeat(np.arange(n_samples), counts), flat.astype(np.intp))
