"""Asking a substrate: whatever it does, the answer is checked, or a SubstrateError."""

import numpy as np

from ttfs import _core
from ttfs.substrates._base import NetworkError, SubstrateError

_LONGEST_NAME = 80


def name_of(substrate):
    """What to call it in a message."""
    name = repr(substrate)
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 3] + "..."
    return name


def _asked(substrate, method, *arguments):
    """What a method returns; what it raises is one of our errors, or becomes one."""
    try:
        return getattr(substrate, method)(*arguments)
    except (NetworkError, SubstrateError):
        raise
    except Exception as error:
        raise SubstrateError(
            f"{name_of(substrate)} failed: {type(error).__name__}: {error}"
        ) from error


def measure(substrate, times, network):
    """Spike times of every layer, as the substrate returns them, checked.

    Parameters
    ----------
    substrate : Substrate
    times : ndarray of shape (n_samples, n_in)
    network : ttfs.substrates.Network

    Returns
    -------
    spikes : list of ndarray of shape (n_samples, n_out)
        New arrays of the dtype of `times`; +inf = silent, from `network.t_max` on.

    Raises
    ------
    NetworkError
        If the substrate does: it cannot run the network.
    SubstrateError
        If the substrate raises anything else, or what it returns is not that.
    """
    returned = _asked(substrate, "forward", times, network)

    def reject(what):
        raise SubstrateError(f"{name_of(substrate)} returned {what}")

    if not isinstance(returned, list | tuple):
        reject(f"{type(returned).__name__}, not a list of one array for each layer")
    if len(returned) != len(network.layers):
        reject(f"spike times of {len(returned)} layers, not {len(network.layers)}")
    spikes = []
    for k, (array, layer) in enumerate(zip(returned, network.layers, strict=True)):
        if np.ma.isMaskedArray(array):
            reject(f"a masked array for layer {k}; +inf stands for no spike")
        try:
            array = np.asarray(array)
        except (TypeError, ValueError) as error:
            reject(f"something for layer {k}, which is no array: {error}")
        shape = len(times), layer.weights.shape[1]
        if array.dtype.kind not in "fiu":
            reject(f"{array.dtype} for layer {k}, not real numbers")
        if array.shape != shape:
            reject(f"an array of shape {array.shape} for layer {k}, not {shape}")
        with np.errstate(over="ignore"):
            array = array.astype(times.dtype, order="C")
        if not np.all(array > -_core.TIME_LIMIT):
            what = "NaN" if np.isnan(array).any() else f"a spike at {array.min():g}"
            reject(f"{what} for layer {k}; times must be finite, or +inf where silent")
        array[array >= array.dtype.type(network.t_max)] = np.inf
        spikes.append(array)
    return spikes


def weight_limits(substrate, layers):
    """The greatest weights that the substrate has, of each layer; inf: no limit.

    A substrate may have a method ``weight_limit(k)``, for layer k, in thresholds. The
    limits are rounded down to the precision of the weights.
    """
    if not hasattr(substrate, "weight_limit"):
        return [np.inf] * len(layers)
    limits = []
    for k, layer in enumerate(layers):
        limit = _asked(substrate, "weight_limit", k)
        try:
            limit = float(limit)
        except (TypeError, ValueError):
            limit = np.nan
        if not limit > 0:
            raise SubstrateError(
                f"weight_limit({k}) of {name_of(substrate)} must be a positive number, "
                f"in thresholds, got {limit!r}"
            )
        limit *= layer.neuron.threshold
        with np.errstate(over="ignore"):
            rounded = layer.weights.dtype.type(limit)
        if float(rounded) > limit:
            rounded = np.nextafter(rounded, rounded.dtype.type(0))
        limits.append(float(rounded))
    return limits


def weight_steps(substrate, layers):
    """What the weights of a substrate are multiples of, of each layer; 0: any number.

    A substrate may have a method ``weight_step(k)``, for layer k, in thresholds.
    """
    if not hasattr(substrate, "weight_step"):
        return [0.0] * len(layers)
    steps = []
    for k, layer in enumerate(layers):
        step = _asked(substrate, "weight_step", k)
        try:
            step = float(step)
        except (TypeError, ValueError):
            step = np.nan
        if not 0 <= step < np.inf:
            raise SubstrateError(
                f"weight_step({k}) of {name_of(substrate)} must be a number, not "
                f"negative, in thresholds, got {step!r}"
            )
        steps.append(step * layer.neuron.threshold)
    return steps
