"""Checks of what a substrate is asked, what it is made of, and what it answers.

The functions that ask a substrate, :func:`measure`, :func:`weight_limits` and
:func:`weight_steps`, return checked answers or raise a SubstrateError, whatever the
substrate does.
"""

from numbers import Integral, Real

import numpy as np

from ..model.checks import TIME_LIMIT, check_times
from .protocol import NetworkError, SubstrateError

# The greatest value of a parameter that must be finite: far from overflow.
_MAX_FINITE = 1e20
_MAX_NAME = 80  # characters


# -- Requests and parameters -----------------------------------------------------------


def check_request(times, network):
    """Spike times (n_samples, n_in) as a contiguous array, or a ValueError."""
    if np.ma.isMaskedArray(times):
        raise ValueError("times is a masked array: +inf stands for no spike")
    times = np.asarray(times)
    if times.ndim != 2 or times.dtype not in (np.float32, np.float64):
        raise ValueError(
            "times must be a float32 or float64 array of shape (n_samples, n_in), got "
            f"{times.dtype} of shape {times.shape}"
        )
    check_times(times, "times")
    if not network.t_max > 0:
        raise ValueError(f"t_max must be a positive number, got {network.t_max}")
    if not network.layers:
        raise ValueError("a network must have at least one layer")
    n_in = times.shape[1]
    for k, layer in enumerate(network.layers):
        if getattr(layer, "delays", None) is not None:
            raise ValueError(f"layer {k} has delays, which a substrate does not have")
        if np.ndim(layer.weights) != 2 or np.ndim(layer.bias_times) != 1:
            raise ValueError(
                f"layer {k} must have a 2-d array of weights and a 1-d one of "
                f"bias_times, got {np.ndim(layer.weights)} and "
                f"{np.ndim(layer.bias_times)} dimension(s)"
            )
        if not np.isfinite(layer.weights).all():
            raise ValueError(f"weights of layer {k} must be finite")
        # Weights below the limit are finite in single precision too.
        if np.any(np.abs(layer.weights) >= TIME_LIMIT):
            raise ValueError(f"weights of layer {k} must be below {TIME_LIMIT:g}")
        check_times(layer.bias_times, f"bias_times of layer {k}")
        n_rows, n_out = layer.unrolled.shape
        if n_rows != n_in + layer.n_bias:
            raise ValueError(
                f"layer {k} has weights for {n_rows} inputs, but sees {n_in} and "
                f"{layer.n_bias} biases"
            )
        n_in = n_out
    return np.ascontiguousarray(times)


def check_number(name, value, minimum, maximum=_MAX_FINITE, *, is_open=False):
    """A parameter in [minimum, maximum], or (minimum, maximum] if open, as a float."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    is_inside = is_real and minimum <= value <= maximum
    if not is_inside or (is_open and value == minimum):
        bound = f"greater than {minimum:g}" if is_open else f"at least {minimum:g}"
        if maximum < _MAX_FINITE:
            bound += f" and at most {maximum:g}"
        elif maximum == _MAX_FINITE:
            bound += " and finite"
        raise ValueError(f"{name} must be a number, {bound}; got {value!r}")
    return float(value)


def check_count(name, value, minimum):
    """Return a parameter of at least `minimum` as an int, or raise a ValueError."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
        raise ValueError(
            f"{name} must be an integer, at least {minimum}; got {value!r}"
        )
    return int(value)


# -- Answers ---------------------------------------------------------------------------


def name_of(substrate):
    """The short name of a substrate, for messages to people."""
    name = repr(substrate)
    if len(name) > _MAX_NAME:
        name = name[: _MAX_NAME - 3] + "..."
    return name


def text_of(error):
    """The text of an error, even where making it raises another one."""
    try:
        return str(error)
    except Exception:
        return "an error without a text"


def ask(substrate, method, *arguments):
    """Return what a method of a substrate returns.

    An error of the method that is not of this package becomes a SubstrateError.
    """
    try:
        return getattr(substrate, method)(*arguments)
    except (NetworkError, SubstrateError):
        raise
    except Exception as error:
        raise SubstrateError(
            f"{name_of(substrate)} failed: {type(error).__name__}: {text_of(error)}"
        ) from error


def measure(substrate, times, network):
    """Ask a substrate for the spike times of every layer, and check its answer.

    New arrays have the dtype of `times`; neurons that are silent, and those that fire
    at or after `network.t_max`, have +inf. An answer that is unusable and any error but
    a NetworkError become a SubstrateError.
    """
    returned = ask(substrate, "forward", times, network)
    spikes = check_spikes(returned, times, network, substrate)
    for array in spikes:
        array[array >= array.dtype.type(network.t_max)] = np.inf
    return spikes


def check_spikes(returned, times, network, substrate):
    """Spike times that a substrate returned, as new arrays of the dtype of `times`."""

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
        shape = len(times), layer.n_out
        if array.dtype.kind not in "fiu":
            reject(f"{array.dtype} for layer {k}, not real numbers")
        if array.shape != shape:
            reject(f"an array of shape {array.shape} for layer {k}, not {shape}")
        with np.errstate(over="ignore"):
            array = array.astype(times.dtype, order="C")
        if not np.all(array > -TIME_LIMIT):
            what = "NaN" if np.isnan(array).any() else f"a spike at {array.min():g}"
            reject(f"{what} for layer {k}; times must be finite, or +inf where silent")
        spikes.append(array)
    return spikes


def _of_layers(substrate, method, layers, default, is_valid, wanted):
    """The numbers that a method of a substrate gives for layers, in thresholds."""
    if not hasattr(substrate, method):
        return [default] * len(layers)
    numbers = []
    for k in range(len(layers)):
        number = ask(substrate, method, k)
        try:
            number = float(number)
        except (TypeError, ValueError):
            number = np.nan
        if not is_valid(number):
            raise SubstrateError(
                f"{method}({k}) of {name_of(substrate)} must be {wanted}, in "
                f"thresholds, got {number!r}"
            )
        numbers.append(number)
    return numbers


def weight_limits(substrate, layers):
    """The greatest weight that the substrate has in each layer; inf: no limit.

    It is rounded down to the precision of the weights.
    """
    limits = _of_layers(
        substrate, "weight_limit", layers, np.inf, lambda x: x > 0, "a positive number"
    )
    for k, layer in enumerate(layers):
        limit = limits[k] * layer.neuron.threshold
        with np.errstate(over="ignore"):
            rounded = layer.weights.dtype.type(limit)
        if float(rounded) > limit:
            rounded = np.nextafter(rounded, rounded.dtype.type(0))
        limits[k] = float(rounded)
    return limits


def weight_steps(substrate, layers):
    """The step of which the weights of each layer are multiples; 0: any number."""
    steps = _of_layers(
        substrate,
        "weight_step",
        layers,
        0.0,
        lambda x: 0 <= x < np.inf,
        "a number, not negative",
    )
    return [
        step * layer.neuron.threshold for step, layer in zip(steps, layers, strict=True)
    ]
