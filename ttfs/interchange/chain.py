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
    """What is between a layer, or the input of the graph, and the next layer."""

    source: str  # name of the node that it begins at
    weights: Any = None  # (n_out, n_in)
    constant: Any = None  # (n_out,), what is added at all times
    delays: Any = None  # (n_in,)


@dataclass
class Neurons:
    """The neurons of a layer, and the ways by which its inputs come."""

    name: str
    membrane: Any  # the node whose output is that of the layer
    synapse: Any  # an LI node before it; None: the membrane has one of its own
    ways: list[Way]

    @property
    def fires(self):
        """Whether they fire; else their output is the membrane."""
        return _kind(self.membrane) in _FIRING

    def refused(self, reason):
        """The error of neurons that no network of ttfs has."""
        return refuse(self.name, self.membrane, reason)


def refuse(name, node, reason):
    """The error of a node that no network of ttfs has."""
    return ValueError(f"the node {name!r} ({_kind(node)}) cannot be imported: {reason}")


class Graph:
    """The nodes of a `nir.NIRGraph`, those of its subgraphs among them."""

    def __init__(self, graph):
        self.nodes, self.before = {}, {}
        self._add(graph, "")
        ends = _ends(graph, "")
        for kind, names in ends.items():
            if len(names) != 1:
                raise ValueError(
                    f"a graph with one {kind} node is needed, this one has {len(names)}"
                )
        (self.input,), (self.output,) = ends.values()

    def _add(self, graph, prefix):
        """Add nodes under their path; a subgraph passes on what enters it."""
        inside = {}
        for name, node in graph.nodes.items():
            path = prefix + name
            if _kind(node) == "NIRGraph":
                self._add(node, f"{path}/")
                ends = _ends(node, f"{path}/").values()
                if list(map(len, ends)) != [1, 1]:
                    raise refuse(path, node, "it needs one Input and one Output")
                inside[name] = tuple(names[0] for names in ends)
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
            sources = {way.source for way in layer.ways}
            if layer.name in sources | {other.name for other in found}:
                raise layer.refused("it is recurrent")
            found.append(layer)
            hidden = sources - {self.input}
            if not hidden:
                break
            if len(hidden) > 1:
                raise layer.refused("it follows several layers")
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

    def _backwards(self, name):
        """The names of the nodes that lead to one, beginning with its own."""
        seen = set()
        while True:
            if name in seen:
                raise refuse(name, self.nodes[name], "it is recurrent")
            yield name
            seen.add(name)
            name = self._single(name)

    def _skipped(self, name):
        """The first node, from this one backwards, that does anything."""
        return next(name for name in self._backwards(name) if not self._passes(name))

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

    def _way(self, end):
        """The way that ends in a node, walked backwards."""
        way = Way("")
        for name in self._backwards(end):
            node = self.nodes[name]
            if name == self.input or _kind(node) in (*_SYNAPTIC, *_MEMBRANES):
                way.source = name
                break
            if not self._passes(name):
                self._walk(way, name, node)
        return way

    def _walk(self, way, name, node):
        """Add a node to a way, before what it has already."""
        kind = _kind(node)
        if kind == "Delay":
            delays = np.ravel(node.delay)
            way.delays = delays if way.delays is None else way.delays + delays
            return
        if kind not in ("Linear", "Affine", "Scale"):
            raise refuse(name, node, _reason(kind, "is not part of a dense network"))
        if way.delays is not None:
            reason = "only what enters a layer is delayed, before its weights"
            raise refuse(name, node, f"a Delay follows it; {reason}")
        if kind == "Affine" and np.any(node.bias):
            bias = np.ravel(node.bias)
            bias = bias if way.weights is None else way.weights @ bias
            way.constant = bias if way.constant is None else way.constant + bias
        if kind == "Scale":
            scale = np.ravel(node.scale)
            way.weights = np.diag(scale) if way.weights is None else way.weights * scale
            return
        matrix = np.asarray(node.weight)
        if matrix.ndim != 2:
            raise refuse(name, node, f"its weights have {matrix.ndim} axes, not 2")
        way.weights = matrix if way.weights is None else way.weights @ matrix


def _ends(graph, prefix):
    """The paths of the Input nodes and of the Output nodes of a graph."""
    return {
        kind: [prefix + name for name, x in graph.nodes.items() if _kind(x) == kind]
        for kind in ("Input", "Output")
    }


def _kind(node):
    return type(node).__name__


def _reason(kind, otherwise):
    """Why nodes of a kind are refused."""
    if kind.startswith("Conv") or kind.endswith("Pool2d"):
        return "layers of ttfs are dense"
    if kind == "Threshold":
        return "neurons of ttfs have a membrane"
    return f"{kind} {otherwise}"
