"""An estimator from a graph of NIR."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..encoders import SpikeTimesEncoder
from ..encoders.base import BaseEncoder
from ..estimators import TTFSClassifier, TTFSRegressor
from ..estimators.learned import Learned, rebuild
from ..export.real import layer_data, real_estimator
from ..export.records import parse
from ..model import LIF, Layer, Network
from .chain import Graph, refuse
from .library import check_dt, load, synapse_factors, unit_factors

# What weights are in the precisions of a classifier.
_DTYPES = {"float32": np.float32, "float64": np.float64}

# What of a layer the nodes of a graph say, and not its metadata.
_READ = "weights", "delays", "tau_mem", "tau_syn", "threshold", "bias_times"


def from_nir(
    graph: Any,
    *,
    t_max: float | None = None,
    classes: ArrayLike | None = None,
    encoder: BaseEncoder | None = None,
    read_out: str | None = None,
    max_spikes: int = 1,
    arithmetic: str = "float64",
    dt: float | None = None,
) -> TTFSClassifier | TTFSRegressor:
    """An estimator from a graph of NIR.

    A graph of :func:`to_nir` gives an estimator equal to the one that was exported:
    with weights and delays of the nodes, and all else from the metadata. It takes no
    other argument. A graph from elsewhere gives a classifier, which the arguments
    complete.

    Parameters
    ----------
    graph : nir.NIRGraph
        What ``nir.read(path)`` returns, for example. A chain of dense layers: `Linear`,
        `Affine` and `Scale` nodes, then `CubaLIF`, or an `LI` and an `IF` or `LIF`
        node; `Delay` nodes before the weights. The last layer may be a `CubaLI`, or an
        `LI` and an `I` or `LI` node, whose membranes decide. `NIRGraph` nodes may hold
        parts of the chain; `Flatten` nodes are passed.
    t_max : float, default=None
        End of the experiment. A graph from elsewhere needs it.
    classes : array-like of shape (n_outputs,), default=None
        Labels of the outputs, in increasing order. None: 0, 1, ...
    encoder : encoder of :mod:`ttfs.encoders`, default=None
        A fitted encoder that makes the inputs of the graph from features. None: `X`
        holds spike times, counted from 0.
    read_out : {"count", "peak", "mean"} or None, default=None
        What of the outputs decides, see :class:`ttfs.TTFSClassifier`. None: the first
        spike, or the peak of outputs that do not fire.
    max_spikes : int, default=1
        Spikes of a neuron, at most. With 1 resets do not matter; with more they must be
        to 0.
    arithmetic : {"float32", "float64"}, default="float64"
        Precision of the classifier.
    dt : float, default=None
        How long a spike lasts, see :func:`to_nir`: the step of the simulator that wrote
        the graph. None: a spike is an impulse. With `dt` biases of `Affine` nodes,
        which act in every step, become as many bias spikes.

    Returns
    -------
    estimator : TTFSClassifier or TTFSRegressor
        Fitted: it predicts, and `partial_fit` trains it further.

    Raises
    ------
    ImportError
        If the package nir is missing.
    TypeError, ValueError
        If `graph` is no graph, or has a node that a network of ttfs cannot have, which
        the message names: recurrent layers, convolutions, neurons without a synaptic
        current, different time constants in a layer, leak to another potential than 0.

    See Also
    --------
    to_nir : Writes graphs.

    Examples
    --------
    >>> import nir  # doctest: +SKIP
    >>> from ttfs import interchange
    >>> clf = interchange.from_nir(nir.read("yin_yang.nir"))  # doctest: +SKIP
    """
    nir = load()
    if not isinstance(graph, nir.NIRGraph):
        raise TypeError(f"graph must be a nir.NIRGraph, got {type(graph).__name__}")
    if "ttfs" in graph.metadata:
        if not (t_max is classes is encoder is read_out is dt is None):
            raise ValueError(
                "a graph of to_nir says itself what other arguments of from_nir say"
            )
        return _restored(graph)
    check_dt(dt)
    if _DTYPES.get(arithmetic) is None:
        raise ValueError(f"arithmetic must be one of {[*_DTYPES]}, got {arithmetic!r}")
    if not isinstance(encoder, BaseEncoder | None):
        raise TypeError(f"encoder must be one of ttfs.encoders, got {encoder!r}")
    if t_max is None or not 0 < t_max < np.inf:
        raise ValueError(
            "t_max must be the end of the experiment, a positive number, which NIR "
            f"does not tell; got {t_max!r}"
        )
    return _foreign(
        graph, float(t_max), classes, encoder, read_out, max_spikes, arithmetic, dt
    )


def _restored(graph):
    """The estimator that `to_nir` has exported."""
    data = parse(str(graph.metadata["ttfs"]))
    dt = float(graph.metadata.get("dt", 0.0)) or None
    try:
        stored = data["layers"]
        threshold = float(stored[0]["threshold"])
        layers = _layers(graph, dt, np.float64, threshold=threshold)
        if len(stored) != len(layers):
            raise ValueError(f"{len(layers)} layers, but {len(stored)} in the metadata")
        for entry, layer in zip(stored, layers, strict=True):
            read = layer_data(layer)
            entry |= {name: read[name] for name in _READ}
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"metadata 'ttfs' are not those of to_nir: {error}") from error
    return real_estimator(data, "metadata")


def _foreign(graph, t_max, classes, encoder, read_out, max_spikes, arithmetic, dt):
    """A classifier with the layers of a graph from elsewhere."""
    layers = _layers(graph, dt, _DTYPES[arithmetic], t_max=t_max, max_spikes=max_spikes)
    if Graph(graph).chain()[-1].fires:
        does, possible = "fire", (None, "count")
    else:
        does, possible = "do not fire", ("peak", "mean")
        read_out = "peak" if read_out is None else read_out
    if read_out not in possible:
        raise ValueError(f"read_out={read_out!r}, but outputs of the graph {does}")
    network = Network(tuple(layers), t_max)
    if encoder is None:
        encoder = SpikeTimesEncoder(begin=0.0, duration=t_max)
        encoder.fit(np.zeros((1, network.n_channels)))
    check_is_fitted(encoder)
    n_outputs = network.n_outputs
    labels = np.arange(n_outputs) if classes is None else np.asarray(classes)
    is_sorted = np.array_equal(np.unique(labels), labels)
    if n_outputs < 2 or labels.shape != (n_outputs,) or not is_sorted:
        raise ValueError(
            f"{n_outputs} outputs need as many different classes, at least 2, in "
            f"increasing order; got {classes!r}"
        )
    parameters = {
        "hidden_layer_sizes": network.sizes[1:-1],
        "tau_mem": tuple(layer.neuron.tau_mem for layer in layers),
        "tau_syn": network.neuron.tau_syn,
        "threshold": network.neuron.threshold,
        "delays": None if layers[0].delays is None else "axonal",
        "t_max": t_max,
        "read_out": read_out,
        "max_spikes": max_spikes,
        "encoder": clone(encoder),
        "arithmetic": arithmetic,
    }
    learned = Learned(
        network=network,
        encoder=encoder,
        targets=labels,
        feature_names=getattr(encoder, "feature_names_in_", None),
    )
    return rebuild(TTFSClassifier, parameters, learned)


# -- Layers ----------------------------------------------------------------------------


def _layers(graph, dt, dtype, *, threshold=1.0, t_max=None, max_spikes=None):
    """The layers of a graph; with t_max and max_spikes one from elsewhere.

    All have the threshold of the nodes if that is one, or else that which is given.
    """
    graph = Graph(graph)
    chain = graph.chain()
    inputs = _Inputs(graph)
    read = [_neuron(layer, dt, max_spikes) for layer in chain]
    thresholds = [numbers[-1] for numbers in read if numbers[-1] is not None]
    common = threshold
    if thresholds and len(np.unique(np.concatenate(thresholds))) == 1:
        common = float(thresholds[0][0])
    if len({tau_syn for tau_syn, *_ in read}) > 1:
        raise ValueError("all layers must have the same tau_syn")
    for neurons in chain[:-1]:
        if not neurons.fires:
            raise neurons.refused("only outputs may not fire")
    layers, before = [], graph.input
    for k, (neurons, (tau_syn, tau_mem, gain, threshold)) in enumerate(
        zip(chain, read, strict=True)
    ):
        # A threshold of its own is a factor of all weights of a neuron.
        scale = gain if threshold is None else gain * (common / threshold)
        weights, times, delays = inputs.split(neurons, k, before, dt, t_max)
        if np.any(scale != 1):
            weights = weights * scale[:, None]
        if not np.isfinite(weights).all():
            raise neurons.refused("its weights are not finite")
        layers.append(
            Layer(
                weights=np.ascontiguousarray(weights.T, dtype),
                bias_times=times,
                neuron=LIF(tau_mem, tau_syn, common),
                delays=delays,
                n_active=float(weights.shape[1]),
            )
        )
        before = neurons.name
    if any(layer.delays is not None for layer in layers):
        for layer in layers:
            if layer.delays is None:
                layer.delays = np.zeros(layer.n_in + layer.n_bias)
            layer.delays = layer.delays.astype(dtype)
    return layers


def _single(node, name, field):
    """The value that all neurons of a node have."""
    values = np.unique(getattr(node, field))
    if len(values) != 1:
        raise refuse(name, node, f"neurons of a layer must have the same {field}")
    return float(values[0])


def _neuron(layer, dt, max_spikes):
    """tau_syn, tau_mem, gain and threshold of a layer; threshold None: no spikes.

    gain (n,) is what weights are multiplied by to be those of ttfs.
    """
    node, name = layer.membrane, layer.name
    for part in (node, layer.synapse):
        if np.any(getattr(part, "v_leak", 0.0)):
            raise refuse(name, part, "v_leak must be 0")
    if layer.synapse is None:
        tau_syn = _single(node, name, "tau_syn")
        tau_mem = _single(node, name, "tau_mem")
        r, w_in = unit_factors(LIF(tau_mem, tau_syn), dt)
        gain = (node.r / r) * (node.w_in / w_in)
    else:
        tau_syn = _single(layer.synapse, name, "tau")
        r_syn, r = synapse_factors(tau_syn, dt)
        tau_mem = np.inf
        if hasattr(node, "tau"):
            tau_mem = _single(node, name, "tau")
            r = tau_mem / tau_syn
        gain = (layer.synapse.r / r_syn) * (node.r / r)
    gain = np.ravel(np.asarray(gain, np.float64))
    if not layer.fires:
        return tau_syn, tau_mem, gain, None
    threshold = np.ravel(np.asarray(node.v_threshold, np.float64))
    if not (threshold > 0).all():
        raise refuse(name, node, "v_threshold must be positive")
    if max_spikes not in (None, 1) and np.any(node.v_reset):
        raise refuse(name, node, "v_reset must be 0 where neurons fire several times")
    return tau_syn, tau_mem, gain, threshold


class _Inputs:
    """Inputs of a graph; those that are biases fire at times that its metadata tell."""

    def __init__(self, graph):
        node = graph.nodes[graph.input]
        self.input, self.metadata = graph.input, getattr(node, "metadata", None) or {}
        self.n_inputs = int(np.prod(node.input_type["input"]))
        self.n_channels = int(self.metadata.get("n_channels", self.n_inputs))
        times = np.asarray(self.metadata.get("bias_times", ()), np.float64)
        layers = np.asarray(self.metadata.get("bias_layers", ()), np.intp)
        if times.shape != layers.shape or self.n_channels + times.size != self.n_inputs:
            raise ValueError(
                "the metadata n_channels, bias_times and bias_layers of the input do "
                f"not make up its {self.n_inputs} inputs"
            )
        self.times, self.layers = times, layers

    def split(self, neurons, k, before, dt, t_max):
        """Weights (n_out, n_in + n_bias), times of biases, and delays of a layer."""
        of_layer = self.layers == k
        columns = self.n_channels + np.flatnonzero(of_layer)
        parts = {}
        constant = 0.0
        for way in neurons.ways:
            self._check(neurons, way)
            if way.constant is not None:
                constant = constant + way.constant
            if way.source in parts or way.source not in (before, self.input):
                raise neurons.refused("two ways lead to it from one node")
            none = np.zeros(way.weights.shape[1])
            parts[way.source] = way.weights, none if way.delays is None else way.delays
        if before not in parts:
            raise neurons.refused("nothing leads to it from the layer before")
        weights, delays = parts[before]
        no_biases = np.zeros((len(weights), self.n_inputs), weights.dtype)
        of_biases, their_delays = parts.get(self.input, (no_biases, no_biases[0]))
        n_own = self.n_channels if k == 0 else 0
        if k == 0:
            weights, delays = weights[:, :n_own], delays[:n_own]
        if np.any(np.delete(of_biases, [*range(n_own), *columns], axis=1)):
            raise neurons.refused(
                "an input of the graph reaches it that is no bias of the layer"
            )
        weights = np.hstack([weights, of_biases[:, columns]])
        delays = np.concatenate([delays, their_delays[columns]])
        if all(way.delays is None for way in neurons.ways):
            delays = None
        times = self.times[of_layer]
        if not np.any(constant):
            return weights, times, delays
        # A bias of Affine nodes becomes a spike in each step.
        if dt is None or t_max is None:
            raise neurons.refused(
                "the bias of an Affine node is a constant current; with dt, the step "
                "in which it is added, it becomes spikes"
            )
        n_steps = int(np.ceil(t_max / dt))
        if n_steps * weights.shape[0] > 10_000_000:
            raise neurons.refused(f"{n_steps} bias spikes are too many")
        steps = np.repeat(np.asarray(constant)[:, None], n_steps, axis=1)
        times = np.concatenate([times, dt * np.arange(n_steps)])
        if delays is not None:
            delays = np.concatenate([delays, np.zeros(n_steps)])
        return np.hstack([weights, steps]), times, delays

    def _check(self, neurons, way):
        """Raise ValueError unless a way fits the neurons and what it comes from."""
        if way.weights is None:
            raise neurons.refused("a layer needs a Linear or an Affine node")
        n_out, n_in = way.weights.shape
        n_neurons = np.size(neurons.membrane.r)
        if n_neurons not in (1, n_out):  # one value may stand for all neurons
            raise neurons.refused(f"{n_out} outputs lead to {n_neurons} neurons")
        if way.source == self.input and n_in != self.n_inputs:
            raise neurons.refused(f"{self.n_inputs} inputs meet {n_in} columns")
        if way.delays is None:
            return
        if way.delays.shape != (n_in,):
            raise neurons.refused(f"{way.delays.size} delays are not one per input")
        if not ((way.delays >= 0) & np.isfinite(way.delays)).all():
            raise neurons.refused("delays must be finite and not negative")
