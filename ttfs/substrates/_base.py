"""What a substrate is asked, and what it answers."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Protocol, runtime_checkable

import numpy as np

from ..model import Layer
from ..model.checks import check_times

# Of a parameter that must be finite: far from overflow.
_MOST = 1e20


class SubstrateError(RuntimeError):
    """A substrate failed: it could not be reached, or what it sent is unusable."""


class NetworkError(ValueError):
    """A substrate cannot run the network, which does not fit, for example.

    Of all that a substrate raises, the estimator passes on this and
    :class:`SubstrateError`; anything else is a failure of the substrate.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import AnalogChip, Layer, Network
    >>> layer = Layer(np.ones((4, 3)), np.empty(0), LIF())
    >>> AnalogChip(max_neurons=2).forward(np.zeros((1, 4)), Network((layer,)))
    Traceback (most recent call last):
    ttfs.substrates._base.NetworkError: the network has 3 neurons, and the chip 2
    """


@dataclass(frozen=True)
class Network:
    """The network that a substrate is asked to run. It reads it, and never writes.

    Parameters
    ----------
    layers : sequence of Layer
        Each has `weights` (n_in + n_bias, n_out) [threshold], `bias_times` (n_bias,)
        [time] of input channels that fire at fixed times and take the last rows of
        `weights`, and `neuron`, a :class:`ttfs.LIF`: the nominal parameters.
    t_max : float, default=inf
        Nobody looks at spikes at or after this time: a substrate may stop there.
    """

    layers: tuple[Layer, ...]
    t_max: float = float("inf")


@runtime_checkable
class Substrate(Protocol):
    """Protocol of substrates: any object with this method is one.

    A substrate that is shared by clones of an estimator also defines
    ``__deepcopy__`` to return itself, and is pickled as the address of the chip: what
    another process needs to reach the same one. Two more methods are used where they
    are there, for layer k, in thresholds: ``weight_limit(k)``, the greatest weight, inf
    without a limit; and ``weight_step(k)``, of which weights are multiples, 0 if any
    weight is possible.
    """

    def forward(self, times, network):
        """Spike times of every layer.

        Parameters
        ----------
        times : ndarray of shape (n_samples, n_in)
            Spike times of the input channels, without biases; +inf = no spike.
        network : Network
            The layers, with nominal parameters.

        Returns
        -------
        spikes : list of ndarray of shape (n_samples, n_out)
            One array for each layer, in the unit of `times`; +inf = silent.

        Raises
        ------
        NetworkError
            If it cannot run the network. All else that it raises is a failure.
        """


class Shared:
    """A substrate that `sklearn.clone` and `copy` leave as it is: a chip is not copied.

    Pickles hold its parameters, which are its address: they make the same chip again.
    """

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def calibrate(self, times, network, **parameters):
        """Estimate the parameters of all neurons, see :func:`calibrate`."""
        from ttfs.substrates._calibration import calibrate

        return calibrate(self, times, network, **parameters)


def check_request(times, network):
    """Times as a contiguous float32 or float64 array; raise unless all is in order."""
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
        check_times(layer.bias_times, f"bias_times of layer {k}")
        wanted = n_in + len(layer.bias_times)
        if layer.weights.shape[0] != wanted:
            raise ValueError(
                f"layer {k} has weights for {layer.weights.shape[0]} inputs, but sees "
                f"{n_in} and {len(layer.bias_times)} biases"
            )
        n_in = layer.weights.shape[1]
    return np.ascontiguousarray(times)


def check_number(name, value, least, most=_MOST, *, is_open=False):
    """A float in [least, most]; is_open: greater than least."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    if not is_real or not least <= value <= most or (is_open and value == least):
        bound = f"greater than {least:g}" if is_open else f"at least {least:g}"
        if most < _MOST:
            bound += f" and at most {most:g}"
        elif most == _MOST:
            bound += " and finite"
        raise ValueError(f"{name} must be a number, {bound}; got {value!r}")
    return float(value)


def check_count(name, value, least):
    """An int that is at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer, at least {least}; got {value!r}")
    return int(value)
