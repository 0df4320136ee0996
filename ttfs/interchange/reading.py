"""An estimator from a graph of NIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..encoders import SpikeTimesEncoder
from ..encoders.base import BaseEncoder
from ..estimators import TTFSClassifier
from ..estimators.learned import Learned, rebuild
from ..export.real import real_estimator
from ..export.records import parse
from ..model import LIF, Layer, Network
from .chain import Graph, refuse
from .library import check_dt, load, synapse_factors, unit_factors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..estimators import TTFSRegressor


# What weights are in the precisions of a classifier.
_DTYPES = {"float32": np.float32, "float64": np.float64}


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
    metadata = graph.metadata
    if "ttfs" in metadata:
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
            is_inf = np.isinf(layer.neuron.tau_mem)
            entry["weights"], entry["delays"] = layer.weights, layer.delays
            entry["tau_mem"] = "inf" if is_inf else layer.neuron.tau_mem
            entry["tau_syn"] = layer.neuron.tau_syn
            entry["threshold"] = layer.neuron.threshold
            entry["bias_times"] = layer.bias_times
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"metadata 'ttfs' are not those of to_nir: {error}") from error
    return real_estimator(data, "metadata")


def _foreign(graph, t_max, classes, encoder, read_out, max_spikes, arithmetic, dt):
    """A classifier with the layers of a graph from elsewhere."""
    layers = _layers(graph, dt, _DTYPES[arithmetic], t_max=t_max, max_spikes=max_spikes)
    last = Graph(graph).chain()[-1]
    if not last.fires:
        read_out = "peak" if read_out is None else read_out
    if read_out not in ((None, "count") if last.fires else ("peak", "mean")):
        does = "fire" if last.fires else "do not fire"
        raise ValueError(f"read_out={read_out!r}, but outputs of the graph {does}")
    network = Network(tuple(layers), t_max)
    if encoder is None:
        encoder = SpikeTimesEncoder(begin=0.0, duration=t_max)
        fitted = clone(encoder).fit(np.zeros((1, network.n_channels)))
    else:
        check_is_fitted(encoder)
        fitted = encoder
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
        encoder=fitted,
        targets=labels,
        feature_names=getattr(fitted, "feature_names_in_", None),
    )
    return rebuild(TTFSClassifier, parameters, learned)


# -- Layers ----------------------------------------------------------------------------


def _layers(graph, dt, dtype, *, threshold=1.0, t_max=None, max_spikes=None):
    """The layers of a graph; with t_max and max_spikes one from elsewhere.

    All have the threshold of the nodes if that is one, or else that which is given.
    """
    graph = Graph(graph)
    chain = graph.chain()
    biases = _Biases(graph)
    read = [_neuron(layer, dt, max_spikes) for layer in chain]
    thresholds = [gains[1] for _, gains in read if gains[1] is not None]
    common = threshold
    if thresholds and len(np.unique(np.concatenate(thresholds))) == 1:
        common = float(thresholds[0][0])
    if len({tau_syn for (tau_syn, _), _ in read}) > 1:
        raise ValueError("all layers must have the same tau_syn")
    layers = []
    for k, (neurons, ((tau_syn, tau_mem), (gain, threshold))) in enumerate(
        zip(chain, read, strict=True)
    ):
        # A threshold of its own is a factor of all weights of a neuron.
        scale = gain if threshold is None else gain * (common / threshold)
        lif = LIF(tau_mem, tau_syn, common)
        is_first = k == 0
        before = graph.input if is_first else chain[k - 1].name
        if k and not chain[k - 1].fires:
            raise refuse(before, chain[k - 1].membrane, "only outputs may not fire")
        weights, times, delays = biases.split(neurons, k, before, dt, t_max)
        if np.any(scale != 1):
            weights = weights * scale[:, None]
        if not np.isfinite(weights).all():
            raise refuse(neurons.name, neurons.membrane, "its weights are not finite")
        layers.append(
            Layer(
                weights=np.ascontiguousarray(weights.T, dtype),
                bias_times=times,
                neuron=lif,
                delays=delays,
                n_active=float(weights.shape[1]),
            )
        )
    if any(layer.delays is not None for layer in layers):
        for layer in layers:
            if layer.delays is None:
                layer.delays = np.zeros(len(layer.weights))
            layer.delays = layer.delays.astype(dtype)
    return layers


def _single(node, name, field):
    """The value that all neurons of a node have."""
    values = np.unique(getattr(node, field))
    if len(values) != 1:
        raise refuse(name, node, f"neurons of a layer must have the same {field}")
    return float(values[0])


def _neuron(layer, dt, max_spikes):
    """((tau_syn, tau_mem), (gain, threshold)) of a layer; threshold None: no spikes.

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
        return (tau_syn, tau_mem), (gain, None)
    threshold = np.ravel(np.asarray(node.v_threshold, np.float64))
    if not (threshold > 0).all():
        raise refuse(name, node, "v_threshold must be positive")
    if max_spikes not in (None, 1) and np.any(node.v_reset):
        raise refuse(name, node, "v_reset must be 0 where neurons fire several times")
    return (tau_syn, tau_mem), (gain, threshold)


class _Biases:
    """Inputs of a graph that fire at known times, by the metadata of its input."""

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
        inputs = biases = None
        constant = 0.0
        for way in neurons.ways:
            weights = self._weights(neurons, way)
            parts = weights, self._delays(neurons, way, weights)
            if way.constant is not None:
                constant = constant + way.constant
            if way.source == before and inputs is None:
                inputs = parts
            elif way.source == self.input and biases is None and k > 0:
                biases = parts
            else:
                raise self._refused(neurons, "two ways lead to it from one node")
        if inputs is None:
            raise self._refused(neurons, "nothing leads to it from the layer before")
        if k == 0:
            biases = inputs
            own = slice(self.n_channels)
            inputs = tuple(None if x is None else x[..., own] for x in inputs)
        if biases is None:
            n_out = len(inputs[0])
            biases = np.zeros((n_out, self.n_inputs), inputs[0].dtype), None
        n_own = self.n_channels if k == 0 else 0
        others = np.delete(biases[0], [*range(n_own), *columns], axis=1)
        if np.any(others):
            raise self._refused(
                neurons, "an input of the graph reaches it that is no bias of the layer"
            )
        n_in = inputs[0].shape[1]
        delays = None
        if not (inputs[1] is None and biases[1] is None):
            delays = np.zeros(n_in + len(columns))
            if inputs[1] is not None:
                delays[:n_in] = inputs[1]
            if biases[1] is not None:
                delays[n_in:] = biases[1][columns]
        weights = np.hstack([inputs[0], biases[0][:, columns]])
        times = self.times[of_layer]
        if np.any(constant):
            return self._with_constant(
                neurons, weights, times, delays, constant, dt, t_max
            )
        return weights, times, delays

    def _with_constant(self, neurons, weights, times, delays, constant, dt, t_max):
        """A bias of Affine nodes as a spike in each step."""
        if dt is None or t_max is None:
            raise self._refused(
                neurons,
                "the bias of an Affine node is a constant current; with dt, the step "
                "in which it is added, it becomes spikes",
            )
        n_steps = int(np.ceil(t_max / dt))
        if n_steps * weights.shape[0] > 10_000_000:
            raise self._refused(neurons, f"{n_steps} bias spikes are too many")
        steps = np.repeat(np.asarray(constant)[:, None], n_steps, axis=1)
        times = np.concatenate([times, dt * np.arange(n_steps)])
        if delays is not None:
            delays = np.concatenate([delays, np.zeros(n_steps)])
        return np.hstack([weights, steps]), times, delays

    def _weights(self, neurons, way):
        if way.weights is None:
            raise self._refused(neurons, "a layer needs a Linear or an Affine node")
        n_out, n_in = way.weights.shape
        n_neurons = np.size(neurons.membrane.r)
        if n_neurons not in (1, n_out):  # one value may stand for all neurons
            raise self._refused(neurons, f"{n_out} outputs lead to {n_neurons} neurons")
        if way.source == self.input and n_in != self.n_inputs:
            raise self._refused(neurons, f"{self.n_inputs} inputs meet {n_in} columns")
        return way.weights

    def _delays(self, neurons, way, weights):
        if way.delays is None:
            return None
        if way.delays.shape != weights.shape[1:]:
            raise self._refused(
                neurons, f"{way.delays.size} delays are not one per input"
            )
        if not ((way.delays >= 0) & np.isfinite(way.delays)).all():
            raise self._refused(neurons, "delays must be finite and not negative")
        return way.delays

    @staticmethod
    def _refused(neurons, reason):
        return refuse(neurons.name, neurons.membrane, reason)
