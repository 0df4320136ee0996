"""A fitted estimator as a graph of NIR, and the spikes that enter it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._typing import Array
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier, TTFSRegressor
from ..export.json import plain
from ..export.real import real_data
from ..export.scalers import split, transform, warn_of_steps
from .library import check_dt, load, synapse_factors, unit_factors

# How far below any other membrane neurons are reset that shall not fire again.
_RESET_MARGIN = 1e3


def to_nir(
    estimator: TTFSClassifier | TTFSRegressor | Pipeline, *, dt: float | None = None
) -> Any:
    r"""A fitted estimator as a graph of NIR.

    A layer is a `Linear` node with the weights and a `CubaLIF` node with the neurons;
    without leak, which that node cannot have, an `LI` and an `IF` node. Biases and the
    read-out are further inputs of the graph, which fire at known times. They reach the
    layers through `Linear` nodes of their own. Axonal delays are `Delay` nodes.
    docs/guide/interchange.md has the equations, and what other simulators make of it.

    Parameters
    ----------
    estimator : TTFSClassifier, TTFSRegressor or Pipeline
        Fitted, in real numbers; of a pipeline the last step.
    dt : float, default=None
        How long a spike lasts. None: it is an impulse, as in NIR's equations.
        Simulators with time steps take it for a pulse of the height 1 and the width of
        a step: name that width, 1e-4 for snnTorch.

    Returns
    -------
    graph : nir.NIRGraph
        ``nir.write(path, graph)`` writes a file. Its ``metadata`` are ``t_max``, the
        end of the experiment; ``max_spikes`` of a neuron; ``decision``, what of the
        outputs decides: "first", their first spikes, "count", "peak" or "mean", see
        `read_out` of :class:`ttfs.TTFSClassifier`, or "times" for a regressor; ``dt``,
        0 for impulses; and ``ttfs``, all else as JSON, the ranges of the encoder and
        the classes for example. The metadata of the node "input" are ``n_channels``,
        and ``bias_times`` and ``bias_layers`` of the inputs after those.

    Raises
    ------
    ImportError
        If the package nir is missing.
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If it is no such estimator, or NIR cannot express it: synaptic delays, a
        refractory time of neurons that fire several times, integers, a substrate.

    Warns
    -----
    UserWarning
        If a pipeline has other steps, which the graph does not hold.

    See Also
    --------
    from_nir : The estimator of a graph.
    input_times : The spikes that enter the graph.
    ttfs.export.to_json : The whole model as JSON.

    Notes
    -----
    NIR does not limit the spikes of a neuron. Where neurons fire once they are reset so
    far below 0 that they do not reach the threshold again before `t_max`; simulators
    that ignore `v_reset` need another way, or only the first spikes count. Where they
    fire several times the reset is 0, and ``max_spikes`` in the metadata is a rule on
    top.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, interchange
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=1, random_state=0).fit(X, y)
    >>> graph = interchange.to_nir(clf)  # doctest: +SKIP
    >>> nir.write("yin_yang.nir", graph)  # doctest: +SKIP
    """
    nir = load()
    check_dt(dt)
    steps, estimator = split(estimator)
    data = real_data(estimator)
    network = estimator.network_
    _refuse(estimator, network)
    warn_of_steps(steps, "the graph")
    engine = estimator.engine_
    decision = "first" if engine.decides_by_first_spike else engine.decision
    if "classes" not in data["targets"]:
        decision = "times"
    fires = decision not in ("peak", "mean")
    max_spikes = engine.structure.max_spikes
    writer = _Writer(nir, network, dt)
    for k, layer in enumerate(network.layers):
        is_output = k == len(network.layers) - 1
        once = max_spikes == 1 or (is_output and decision in ("first", "times"))
        writer.add_layer(k, layer, fires=fires or not is_output, once=once)
    for layer in data["layers"]:
        del layer["weights"], layer["delays"]  # which nodes hold
    metadata = {
        "ttfs": json.dumps(plain(data), allow_nan=False),
        "decision": decision,
        "t_max": float(network.t_max),
        "max_spikes": int(max_spikes),
        "dt": 0.0 if dt is None else float(dt),
    }
    return writer.graph(metadata)


def _refuse(estimator, network):
    """Raise ValueError where NIR has no words for an estimator."""
    if any(np.ndim(layer.delays) == 2 for layer in network.layers):
        raise ValueError(
            "NIR cannot express delays='synaptic': its Delay node delays an input for "
            "all neurons alike; delays='axonal' can be exported"
        )
    if estimator.max_spikes > 1 and estimator.refractory > 0:
        raise ValueError(
            f"NIR cannot express refractory={estimator.refractory:g}: its neurons have "
            "no refractory time"
        )


class _Writer:
    """Makes the nodes and edges of a graph, layer by layer."""

    def __init__(self, nir, network, dt):
        self.nir, self.network, self.dt = nir, network, dt
        counts = [layer.n_bias for layer in network.layers]
        # Columns of the biases of each layer, among all inputs of the graph.
        ends = network.n_channels + np.cumsum(counts)
        self.columns = [np.arange(e - n, e) for e, n in zip(ends, counts, strict=True)]
        self.n_inputs = int(ends[-1])
        shape = {"input": np.array([self.n_inputs])}
        node = nir.Input(input_type=shape)
        node.metadata = {
            "n_channels": int(network.n_channels),
            "bias_times": _bias_times(network),
            "bias_layers": np.repeat(np.arange(len(counts)), counts),
        }
        self.nodes, self.edges = {"input": node}, []
        self.source = "input"

    def add_layer(self, k, layer, *, fires, once):
        """The neurons of a layer, and the ways of its inputs and biases to them."""
        neurons = f"neurons_{k}"
        entry = self._add_neurons(neurons, k, layer, fires, once)
        inputs = np.arange(layer.n_in)
        if k == 0:
            rows = np.concatenate([inputs, self.columns[0]])
            self._connect("input", entry, layer, rows, slice(None), f"_{k}")
        else:
            self._connect(self.source, entry, layer, inputs, slice(layer.n_in), f"_{k}")
            if layer.n_bias:
                columns, rows = self.columns[k], slice(layer.n_in, None)
                self._connect("input", entry, layer, columns, rows, f"_of_biases_{k}")
        self.source = neurons

    def _connect(self, source, target, layer, columns, rows, suffix):
        """A way from the outputs `columns` of a node, which are `rows` of a layer."""
        n_columns = self.n_inputs if source == "input" else layer.n_in
        weights = np.zeros((layer.n_out, n_columns), layer.weights.dtype)
        weights[:, columns] = layer.unrolled[rows].T
        if layer.delays is not None:
            delays = np.zeros(n_columns, layer.delays.dtype)
            delays[columns] = layer.delays[rows]
            self._add(f"delays{suffix}", self.nir.Delay(delay=delays), source)
            source = f"delays{suffix}"
        self._add(f"weights{suffix}", self.nir.Linear(weight=weights), source)
        self.edges.append((f"weights{suffix}", target))

    def _add(self, name, node, source=None):
        self.nodes[name] = node
        if source is not None:
            self.edges.append((source, name))

    def _add_neurons(self, name, k, layer, fires, once):
        """The neurons of a layer; returns the name of the node that takes inputs."""
        nir, neuron = self.nir, layer.neuron

        def full(value):
            return np.full(layer.n_out, float(value))

        spiking = {}
        if fires:
            reset = self._reset(layer) if once else 0.0
            spiking = {"v_threshold": full(neuron.threshold), "v_reset": full(reset)}
        if np.isfinite(neuron.tau_mem):
            r, w_in = unit_factors(neuron, self.dt)
            cls = nir.CubaLIF if fires else nir.CubaLI
            taus = {"tau_syn": full(neuron.tau_syn), "tau_mem": full(neuron.tau_mem)}
            numbers = {"r": full(r), "v_leak": full(0), "w_in": full(w_in)}
            self._add(name, cls(**taus, **numbers, **spiking))
            return name
        r_syn, r = synapse_factors(neuron.tau_syn, self.dt)
        synapse = nir.LI(tau=full(neuron.tau_syn), r=full(r_syn), v_leak=full(0))
        self._add(f"synapses_{k}", synapse)
        node = (nir.IF if fires else nir.I)(r=full(r), **spiking)
        self._add(name, node, f"synapses_{k}")
        return f"synapses_{k}"

    def _reset(self, layer):
        """A membrane from which no neuron of a layer reaches the threshold by t_max.

        Kappa is below 1, so that inputs lift a membrane by less than their positive
        weights together; the reset decays as exp(-t / tau_mem).
        """
        lift = np.maximum(layer.unrolled, 0).sum(axis=0, dtype=np.float64).max()
        decay = np.exp(-self.network.t_max / layer.neuron.tau_mem)
        reset = -_RESET_MARGIN * (lift + layer.neuron.threshold) / max(decay, 1e-300)
        if reset < -1e30:
            raise ValueError(
                f"tau_mem={layer.neuron.tau_mem:g} is too short a part of "
                f"t_max={self.network.t_max:g} for NIR: no reset keeps a neuron from "
                "firing a second time"
            )
        return reset

    def graph(self, metadata):
        """The whole graph."""
        shape = {"output": np.array([self.network.n_outputs])}
        self._add("output", self.nir.Output(output_type=shape), self.source)
        return self.nir.NIRGraph(self.nodes, self.edges, metadata=metadata)


def input_times(
    estimator: TTFSClassifier | TTFSRegressor | Pipeline, X: Features
) -> Array:
    """The spikes that enter the graph of :func:`to_nir`.

    Parameters
    ----------
    estimator : TTFSClassifier, TTFSRegressor or Pipeline
        Fitted; a pipeline transforms `X` first.
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features. Channels that fire more than once in a sample are not supported.

    Returns
    -------
    times : ndarray of shape (n_samples, n_inputs)
        Spike times of the inputs of the graph: those of the channels, +inf where there
        is none, and of the biases of all layers, the read-out among them. In the unit
        of the time constants, from the start of the inputs.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the data are not valid, or a channel fires more than once.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, interchange
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=1, random_state=0).fit(X, y)
    >>> interchange.input_times(clf, X[:1])[0, -10:].round(2)
    array([0.9, 0.9, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1])
    """
    steps, estimator = split(estimator)
    spikes = estimator.encode(transform(steps, X))
    network = estimator.network_
    channels = np.asarray(spikes.dense(network.n_channels), np.float64)
    n_first = np.isfinite(channels).sum()
    n_biases = len(spikes) * np.sum(network.layers[0].bias_times < network.t_max)
    if spikes.n_spikes > n_first + n_biases:
        raise ValueError("X has channels that fire more than once in a sample")
    return np.hstack([channels, np.tile(_bias_times(network), (len(spikes), 1))])


def _bias_times(network):
    """The times of the biases of all layers."""
    return np.concatenate([layer.bias_times for layer in network.layers])
