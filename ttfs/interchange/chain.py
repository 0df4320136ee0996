"""A graph of NIR as a chain of layers: from its input to its output, without branches.

Only graphs that are such a chain can be networks of ttfs. Inputs of the graph that are
biases may reach every layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_SYNAPTIC = "CubaLIF", "CubaLI"  # with a synapse of their own
_MEMBRANES = "LIF", "IF", "LI", "I"  # that need an LI before them
_FIRING = "CubaLIF", "LIF", "IF"


@dataclass
class Way:
    """What is between a layer, or the input of the graph, and the next layer.

    Parameters
    ----------
    source : str
        Name of the node that it begins at.
    weights : ndarray of shape (n_out, n_in), optional
        None: there are none.
    constant : ndarray of shape (n_out,), optional
        What is added at all times.
    delays : ndarray of shape (n_in,), optional
    """

    source: str
    weights: Any = None
    constant: Any = None
    delays: Any = None


@dataclass
class Neurons:
    """The neurons of a layer.

    Parameters
    ----------
    name : str
    membrane : object
        The node whose output is that of the layer.
    synapse : object or None
        An LI node before it; None: the membrane has a synapse of its own.
    ways : list of Way
        Where its inputs come from.
    """

    name: str
    membrane: Any
    synapse: Any
    ways: list

    @property
    def kind(self):
        """The type of the membrane's node."""
        return type(self.membrane).__name__

    @property
    def fires(self):
        """Whether they fire; else their output is the membrane."""
        return self.kind in _FIRING


def refuse(name, node, reason):
    """The error of a node that no network of ttfs has."""
    kind = type(node).__name__
    return ValueError(f"the node {name!r} ({kind}) cannot be imported: {reason}")


class Graph:
    """The nodes of a `nir.NIRGraph`, those of its subgraphs among them."""

    def __init__(self, graph):
        self.nodes, self.before = {}, {}
        self._add(graph, "")
        ends = {}
        for kind in ("Input", "Output"):
            names = [n for n, node in graph.nodes.items() if _kind(node) == kind]
            if len(names) != 1:
                raise ValueError(
                    f"a graph with one {kind} node is needed, this one has {len(names)}"
                )
            ends[kind] = names[0]
        self.input, self.output = ends["Input"], ends["Output"]

    def _add(self, graph, prefix):
        """Add nodes under their path; a subgraph passes on what enters it."""
        inside = {}
        for name, node in graph.nodes.items():
            path = prefix + name
            if _kind(node) == "NIRGraph":
                self._add(node, f"{path}/")
                ends = [
                    [f"{path}/{n}" for n, x in node.nodes.items() if _kind(x) == kind]
                    for kind in ("Input", "Output")
                ]
                if list(map(len, ends)) != [1, 1]:
                    raise refuse(path, node, "it needs one Input and one Output")
                inside[name] = ends[0][0], ends[1][0]
            else:
                self.nodes[path] = node
                inside[name] = path, path
        for source, target in graph.edges:
            before = self.before.setdefault(inside[target][0], [])
            before.append(inside[source][1])

    def chain(self):
        """The layers, a list of Neurons, from the first one to the last."""
        found, name = [], self._single(self.output)
        while True:
            layer = self._neurons(self._skipped(name))
            if any(layer.name == other.name for other in found):
                raise refuse(layer.name, layer.membrane, "it is recurrent")
            found.append(layer)
            sources = {way.source for way in layer.ways}
            if layer.name in sources:
                raise refuse(layer.name, layer.membrane, "it is recurrent")
            hidden = sources - {self.input}
            if not hidden:
                break
            if len(hidden) > 1:
                raise refuse(layer.name, layer.membrane, "it follows several layers")
            name = hidden.pop()
        used = {layer.name for layer in found}
        for name, node in self.nodes.items():
            if _kind(node) in _FIRING and name not in used:
                raise refuse(name, node, "it is not on the way from input to output")
        return found[::-1]

    def _single(self, name):
        """The only node before one."""
        before = self.before.get(name, [])
        if len(before) != 1:
            node = self.nodes[name]
            raise refuse(name, node, f"{len(before)} edges lead to it, not one")
        return before[0]

    def _skipped(self, name):
        """The first node, from this one backwards, that does anything."""
        seen = set()
        while self._passes(name):
            if name in seen:
                raise refuse(name, self.nodes[name], "it is recurrent")
            seen.add(name)
            name = self._single(name)
        return name

    def _passes(self, name):
        kind = _kind(self.nodes[name])
        return kind in ("Flatten", "Output", "Identity") or (
            kind == "Input" and name != self.input
        )

    def _neurons(self, name):
        node = self.nodes[name]
        kind = _kind(node)
        if kind in _SYNAPTIC:
            return Neurons(name, node, None, self._ways(name))
        if kind not in _MEMBRANES:
            raise refuse(name, node, _reason(kind, "is not a layer of neurons"))
        before = self.before.get(name, [])
        synapse = self._skipped(before[0]) if len(before) == 1 else None
        if synapse is None or _kind(self.nodes[synapse]) != "LI":
            raise refuse(
                name,
                node,
                "its inputs move the membrane itself; neurons of ttfs have a synaptic "
                "current, as CubaLIF has, or an LI node before it",
            )
        return Neurons(name, node, self.nodes[synapse], self._ways(synapse))

    def _ways(self, name):
        """The ways that lead to a node."""
        ways = [self._way(before) for before in self.before.get(name, [])]
        if not ways:
            raise refuse(name, self.nodes[name], "nothing leads to it")
        return ways

    def _way(self, name):
        """The way that ends in a node, walked backwards."""
        way, seen = Way(""), set()
        while True:
            node = self.nodes[name]
            kind = _kind(node)
            is_source = kind in (*_SYNAPTIC, *_MEMBRANES)
            if name == self.input or is_source:
                way.source = name
                return way
            if name in seen:
                raise refuse(name, node, "it is recurrent")
            seen.add(name)
            self._walk(way, name, node, kind)
            name = self._single(name)

    def _walk(self, way, name, node, kind):
        """Add a node to a way, before what it has already."""
        if self._passes(name):
            return
        if kind == "Delay":
            delays = np.ravel(node.delay)
            way.delays = delays if way.delays is None else way.delays + delays
            return
        if kind not in ("Linear", "Affine", "Scale"):
            raise refuse(name, node, _reason(kind, "is not part of a dense network"))
        if way.delays is not None:
            raise refuse(
                name,
                node,
                "a Delay follows it; only what enters a layer is delayed, before its "
                "weights",
            )
        matrix = np.ravel(node.scale) if kind == "Scale" else np.asarray(node.weight)
        if kind == "Affine" and np.any(node.bias):
            bias = np.ravel(node.bias)
            bias = bias if way.weights is None else way.weights @ bias
            way.constant = bias if way.constant is None else way.constant + bias
        if kind == "Scale":
            way.weights = (
                np.diag(matrix) if way.weights is None else way.weights * matrix
            )
        elif matrix.ndim != 2:
            raise refuse(name, node, f"its weights have {matrix.ndim} axes, not 2")
        else:
            way.weights = matrix if way.weights is None else way.weights @ matrix


def _kind(node):
    return type(node).__name__


def _reason(kind, otherwise):
    """Why nodes of a kind are refused."""
    if kind.startswith("Conv") or kind.endswith("Pool2d"):
        return "layers of ttfs are dense"
    if kind == "Threshold":
        return "neurons of ttfs have a membrane"
    return f"{kind} {otherwise}"
