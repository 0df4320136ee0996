"""Spike times of one layer, and their vector-Jacobian product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import core as _core
from .checks import (
    TIME_LIMIT,
    blocks,
    check_matrix,
    check_not_negative,
    check_weights,
    common_dtype,
)
from .lif import LIF, check_lif

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Array

# Samples that are sorted and worked on at a time: bounds the memory of event lists.
_BLOCK = 256


def first_spike(times: ArrayLike, weights: ArrayLike, neuron: LIF = LIF()) -> Array:
    r"""First spike times of a layer of neurons.

    Neuron j fires at the first t at which its membrane

    .. math:: u_j(t) = \sum_{t_i < t} w_{ij} \, \kappa(t - t_i)

    equals the threshold, with kappa as in :meth:`LIF.kappa`. Spike times are exact to
    rounding: they are the roots of this equation, not of a time grid.

    Parameters
    ----------
    times : array-like of shape (n_samples, n_in)
        Spike times of the inputs, in the unit of the neuron's time constants;
        +inf = absent.
    weights : array-like of shape (n_in, n_out)
        Weights, in the unit of the threshold.
    neuron : LIF, default=LIF()
        Neuron parameters, common to the layer.

    Returns
    -------
    spikes : ndarray of shape (n_samples, n_out)
        Spike times; +inf = silent. float32 if both `times` and `weights` are, else
        float64.

    Raises
    ------
    ValueError
        If an array is not two-dimensional, the shapes do not match, `times` has NaN
        or -inf, or `weights` is not finite; or if the units are so extreme that a
        number is out of range.

    See Also
    --------
    first_spike_vjp : Derivatives of spike times.

    References
    ----------
    J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep learning
    with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF, first_spike
    >>> times = [[0.0, 0.5], [0.0, np.inf]]
    >>> first_spike(times, [[2.0], [2.0]], LIF(tau_mem=np.inf)).round(6)
    array([[0.568612],
           [0.693147]])
    """
    dtype = common_dtype(times=times, weights=weights)
    times = check_matrix(times, "times", dtype, inf_is_absent=True)
    weights = check_weights(weights, dtype, times.shape[1])
    check_lif(neuron)
    spikes = np.empty((times.shape[0], weights.shape[1]), dtype)
    for rows in blocks(len(times), _BLOCK):
        spikes[rows] = _core.LayerBatch(times[rows], neuron).first_spike(weights)
    return spikes


def first_spike_vjp(
    times: ArrayLike,
    weights: ArrayLike,
    spikes: ArrayLike,
    grad_spikes: ArrayLike,
    neuron: LIF = LIF(),
    *,
    min_slope: float = 0.0,
) -> tuple[Array, Array]:
    r"""Vector-Jacobian product of the spike times of a layer.

    For each causal input, :math:`t_i < t_k`, of a neuron that fired at :math:`t_k`,
    the implicit function theorem gives

    .. math::

        \frac{dt_k}{dw_i} = -\frac{\kappa(t_k - t_i)}{u'(t_k)}, \qquad
        \frac{dt_k}{dt_i} = \frac{w_i \, \kappa'(t_k - t_i)}{u'(t_k)}, \qquad
        u'(t_k) = \sum_i w_i \, \kappa'(t_k - t_i)

    which needs spike times and weights only: `spikes` may have been measured on a
    chip whose parameters are not known exactly.

    Parameters
    ----------
    times : array-like of shape (n_samples, n_in)
        Spike times of the inputs; +inf = absent.
    weights : array-like of shape (n_in, n_out)
        Weights, in the unit of the threshold.
    spikes : array-like of shape (n_samples, n_out)
        Spike times of the neurons, from :func:`first_spike` or measured;
        +inf = silent.
    grad_spikes : array-like of shape (n_samples, n_out)
        Gradient of a scalar with respect to `spikes`. Entries of silent neurons have
        no effect.
    neuron : LIF, default=LIF()
        Neuron parameters, common to the layer.
    min_slope : float, default=0.0
        Floor of u', in units of threshold / tau_syn. 0 gives the exact product. A
        positive floor bounds the gradient near tangent crossings, and lets a
        measured spike learn at which the model's membrane does not rise.

    Returns
    -------
    grad_times : ndarray of shape (n_samples, n_in)
        Gradient with respect to `times`; 0 for inputs that are absent or not causal.
    grad_weights : ndarray of shape (n_in, n_out)
        Gradient with respect to `weights`, summed over samples.

    Raises
    ------
    ValueError
        If shapes do not match, times or spikes have NaN or -inf, weights or
        grad_spikes are not finite, or `min_slope` is negative or not finite; or if the
        units are so extreme that a number is out of range.

    Notes
    -----
    The derivative is infinite where the membrane only touches the threshold. Where u'
    is exactly 0 and there is no floor, the result is 0.

    References
    ----------
    J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep learning
    with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).

    Examples
    --------
    >>> from ttfs import first_spike, first_spike_vjp
    >>> times, weights = [[0.0, 0.2]], [[2.0], [2.0]]
    >>> spikes = first_spike(times, weights)
    >>> grad_times, grad_weights = first_spike_vjp(times, weights, spikes, [[1.0]])
    >>> grad_times.round(4)
    array([[0.3728, 0.6272]])
    """
    dtype = common_dtype(
        times=times, weights=weights, spikes=spikes, grad_spikes=grad_spikes
    )
    times = check_matrix(times, "times", dtype, inf_is_absent=True)
    weights = check_weights(weights, dtype, times.shape[1])
    spikes = check_matrix(spikes, "spikes", dtype, inf_is_absent=True)
    grad_spikes = check_matrix(grad_spikes, "grad_spikes", dtype)
    shape = (times.shape[0], weights.shape[1])
    for name, array in (("spikes", spikes), ("grad_spikes", grad_spikes)):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    check_lif(neuron)
    check_not_negative("min_slope", min_slope)

    # In the units of the core, factors c are far from the limits of float32.
    time, threshold = _core.powers_of(neuron)
    neuron = _core.in_units(neuron, time, threshold)
    times = _core.shift(times, -time, "times")
    spikes = _core.shift(spikes, -time, "spikes")
    weights = _core.shift(weights, -threshold, "weights")
    floor = min_slope * neuron.threshold / neuron.tau_syn
    grad_times = np.empty_like(times)
    grad_weights = np.zeros_like(weights)
    for rows in blocks(len(times), _BLOCK):
        events = _core.LayerBatch(times[rows], neuron)
        slope = events.slope(weights, spikes[rows])
        c = over_slope(grad_spikes[rows], slope, floor)
        grad_times[rows] = events.grad_times(weights, spikes[rows], c)
        events.grad_weights(spikes[rows], c, grad_weights)
    grad_weights = _core.shift(grad_weights, time - threshold, "gradients", np.inf)
    return grad_times, grad_weights


def over_slope(grad, slope, floor):
    """grad / max(slope, floor); 0 where the slope is too small to divide by."""
    if floor > 0:
        slope = np.maximum(slope, slope.dtype.type(floor))
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1 / slope
    return grad * np.where(np.abs(inverse) < TIME_LIMIT, inverse, 0)
