"""The compiled core in both precisions: the dtype of the arrays chooses the module.

`ttfs._float32` and `ttfs._float64` are made of one text, pyx/real, and each takes
arrays and objects of its own precision alone. The spikes, batches, networks and
trainers that are made here belong to one of them and cannot be mixed with those of the
other.
"""

from types import SimpleNamespace

import numpy as np

from . import _float32, _float64
from ._float64 import (
    TIME_LIMIT,
    __version__,
    check_n_channels,
    check_neuron,
    has_openmp,
    in_units,
    n_threads,
    powers_of,
    shift,
    simd,
    simd_available,
)

__all__ = [
    "TIME_LIMIT",
    "LayerBatch",
    "LayerSpikes",
    "LayerTrains",
    "NeuronMismatch",
    "Simulator",
    "Spikes",
    "Trainer",
    "__version__",
    "check_n_channels",
    "check_neuron",
    "encode",
    "has_openmp",
    "in_units",
    "loss",
    "n_threads",
    "powers_of",
    "precision",
    "shift",
    "simd",
    "simd_available",
    "spikes_at",
    "use_simd",
]

_PRECISIONS = {np.dtype(np.float32): _float32, np.dtype(np.float64): _float64}


def precision(array):
    """The compiled module for the dtype of an array."""
    dtype = getattr(array, "dtype", None)
    if dtype not in _PRECISIONS:
        kind = type(array).__name__ if dtype is None else f"dtype {dtype}"
        raise TypeError(f"the core needs an array of float32 or float64, not {kind}")
    return _PRECISIONS[dtype]


def use_simd(name):
    """Choose an instruction set for both precisions; None means the best.

    What has been made before - networks, trainers - must not be used afterwards.
    """
    for module in _PRECISIONS.values():
        module.use_simd(name)


class _OfBoth(type):
    """The type of the classes that both precisions have: of either is an instance."""

    def __instancecheck__(cls, instance):
        return isinstance(
            instance,
            tuple(getattr(module, cls.__name__) for module in _PRECISIONS.values()),
        )


class Spikes(metaclass=_OfBoth):
    """The sorted spikes that enter a layer or network, in the precision of `times`."""

    def __new__(cls, times, inputs, begin, end, n_in):
        return precision(times).Spikes(times, inputs, begin, end, n_in)


def encode(encoder, X, bias_times, t_max):
    """Spikes of features X and of biases, in the precision of `bias_times`."""
    return precision(bias_times).encode(encoder, X, bias_times, t_max)


def spikes_at(times, bias_times, t_max=np.inf):
    """Spikes at given times, and of biases, in the precision of `times`."""
    return precision(times).spikes_at(times, bias_times, t_max)


class LayerBatch(metaclass=_OfBoth):
    """The input spikes of a batch, in the precision of `times`."""

    def __new__(cls, times, neuron, t_max=np.inf):
        array = times.times if isinstance(times, Spikes) else times
        return precision(array).LayerBatch(times, neuron, t_max)


class LayerTrains(metaclass=_OfBoth):
    """The input spikes of a layer of several spikes per neuron, in their precision."""

    def __new__(cls, spikes, neuron, refractory=0.0, t_max=np.inf):
        return precision(spikes.times).LayerTrains(spikes, neuron, refractory, t_max)


class LayerSpikes(metaclass=_OfBoth):
    """Spike times of every layer in some samples, which a `Simulator` has made."""


class Simulator(metaclass=_OfBoth):
    """A network with packed weights, in the precision of the first layer's weights."""

    def __new__(cls, layers, *horizon, **parameters):
        return _of_layers(layers).Simulator(layers, *horizon, **parameters)


class Trainer(Simulator):
    """A network in training, in the precision of the first layer's weights."""

    def __new__(cls, layers, *horizon, **parameters):
        return _of_layers(layers).Trainer(layers, *horizon, **parameters)


def _of_layers(layers):
    """The module for a list of layers; one that is empty is refused by either."""
    return precision(layers[0].weights) if len(layers) else _float64


def loss(times, targets, factors, **parameters):
    """Loss and its gradient with respect to times, in the precision of `times`."""
    return precision(times).loss(times, targets, factors, **parameters)


class NeuronMismatch:
    """How the neurons of a chip differ from those of a layer; see `ttfs_mismatch`.

    Time constants and `is_dead` are arrays of shape (n_out,), both time constants or
    none. `threshold_jitter` is a part of the threshold, other numbers are times and
    rates.
    """

    def __init__(
        self,
        *,
        tau_mem=None,
        tau_syn=None,
        is_dead=None,
        threshold_jitter=0.0,
        spike_jitter=0.0,
        spurious_rate=0.0,
        resolution=0.0,
    ):
        if (tau_mem is None) != (tau_syn is None):
            raise ValueError("tau_mem and tau_syn must be given together")
        self.tau_mem = self.tau_syn = self.is_dead = None
        if tau_mem is not None:
            self.tau_mem = np.ascontiguousarray(tau_mem, np.float64)
            self.tau_syn = np.ascontiguousarray(tau_syn, np.float64)
        if is_dead is not None:
            self.is_dead = np.ascontiguousarray(is_dead, np.uint8)
        self.threshold_jitter, self.spike_jitter = threshold_jitter, spike_jitter
        self.spurious_rate, self.resolution = spurious_rate, resolution

    def check(self, n_out, threshold):
        """Raise ValueError unless a layer of n_out neurons can have this mismatch."""
        for name in ("threshold_jitter", "spike_jitter", "spurious_rate", "resolution"):
            if not 0 <= getattr(self, name) < TIME_LIMIT:
                raise ValueError(f"{name} must not be negative, and finite")
        for name in ("tau_mem", "tau_syn", "is_dead"):
            array = getattr(self, name)
            if array is not None and array.shape != (n_out,):
                raise ValueError(f"{name} must have shape ({n_out},)")
        if self.tau_mem is None:
            return
        for mem, syn in zip(self.tau_mem, self.tau_syn, strict=True):
            check_neuron(SimpleNamespace(tau_mem=mem, tau_syn=syn, threshold=threshold))
