"""The geometry of a layer: which input meets which neuron over which weight.

Geometries are plain frozen values without arrays. Whoever wants to know how many inputs
and neurons a layer has, which inputs a neuron sees, or how weights map to synapses asks
the geometry, and not the shape of the weights. The full matrix, `unrolled`, is the slow
twin of every geometry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Array


@dataclass(frozen=True)
class Geometry(ABC):
    """The synapses between the inputs and the neurons of a layer.

    Biases are inputs that reach every neuron; they are not counted here.

    Parameters
    ----------
    n_in : int
        Number of inputs, without biases.
    n_out : int
        Number of neurons.
    """

    kind: ClassVar[str]  # name of its table of functions, see src/real/layer/kinds.h

    n_in: int
    n_out: int

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape in which the neurons lie, the last axis fastest."""
        return (self.n_out,)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers besides n_in and n_out that its kind in the core reads."""
        return ()

    @abstractmethod
    def weight_shape(self, n_bias: int) -> tuple[int, int]:
        """The shape of the weights: inputs of a neuron and biases, kinds of neurons."""

    @abstractmethod
    def inputs_of(self, neuron: int) -> Array:
        """The inputs that a neuron sees, ascending, as an array of int."""

    @abstractmethod
    def unrolled(self, weights: Array) -> Array:
        """The full matrix (n_in + n_bias, n_out); 0 where there is no synapse."""

    @abstractmethod
    def folded(self, matrix: Array) -> Array:
        """What a full matrix (n_in + n_bias, n_out) adds up to for each weight.

        It is the transpose of :meth:`unrolled`: of the gradients of all synapses it
        makes those of the weights that they share.
        """

    @property
    def n_synapses(self) -> int:
        """Number of synapses, those of biases not counted."""
        return sum(len(self.inputs_of(neuron)) for neuron in range(self.n_out))

    @property
    def fan_out(self) -> Array:
        """Number (n_in,) of the neurons that each input reaches."""
        inputs = [self.inputs_of(neuron) for neuron in range(self.n_out)]
        return np.bincount(np.concatenate(inputs), minlength=self.n_in)

    def active_inputs(self, n_active: float, n_bias: int) -> float:
        """Mean number of active inputs that a neuron sees, of so many of the layer.

        Biases are active, and counted in both.
        """
        seen = self.n_synapses / (self.n_in * self.n_out)
        return n_bias + seen * (n_active - n_bias)

    def of_inputs(self, n_in: int) -> Geometry:
        """The geometry in which so many inputs are left.

        Raises
        ------
        TypeError
            If inputs cannot be left out.
        """
        raise TypeError(f"no inputs of {self!r} can be left out")


@dataclass(frozen=True)
class Full(Geometry):
    """Every input reaches every neuron over a weight of its own.

    Examples
    --------
    >>> from ttfs.model.geometry import Full
    >>> Full(3, 2).weight_shape(n_bias=1)
    (4, 2)
    """

    kind = "full"

    @classmethod
    def of_weights(cls, weights: Array, n_bias: int) -> Full:
        """The geometry of weights (n_in + n_bias, n_out)."""
        n_rows, n_out = weights.shape
        return cls(n_rows - n_bias, n_out)

    def weight_shape(self, n_bias: int) -> tuple[int, int]:
        """The shape (n_in + n_bias, n_out) of the weights."""
        return self.n_in + n_bias, self.n_out

    def inputs_of(self, neuron: int) -> Array:
        """All inputs."""
        return np.arange(self.n_in)

    def unrolled(self, weights: Array) -> Array:
        """The weights themselves."""
        return weights

    def folded(self, matrix: Array) -> Array:
        """The matrix itself."""
        return matrix

    @property
    def n_synapses(self) -> int:
        """The product of n_in and n_out."""
        return self.n_in * self.n_out

    @property
    def fan_out(self) -> Array:
        """n_out for each input."""
        return np.full(self.n_in, self.n_out)

    def active_inputs(self, n_active: float, n_bias: int) -> float:
        """All of them."""
        return n_active

    def of_inputs(self, n_in: int) -> Full:
        """The full geometry with so many inputs."""
        return replace(self, n_in=n_in)


def geometries_of(n_in: int, layers: Sequence[int | Geometry]) -> list[Geometry]:
    """The geometries of layers that see each other, from the first one on.

    Parameters
    ----------
    n_in : int
        Number of inputs of the first layer, without biases.
    layers : sequence of int or Geometry
        A number is that of the neurons of a full layer.

    Raises
    ------
    ValueError
        If a geometry is of another number of inputs than there are.

    Examples
    --------
    >>> from ttfs.model.geometry import geometries_of
    >>> geometries_of(4, (3, 2))
    [Full(n_in=4, n_out=3), Full(n_in=3, n_out=2)]
    """
    geometries: list[Geometry] = []
    for layer in layers:
        geometry = layer if isinstance(layer, Geometry) else Full(n_in, layer)
        if geometry.n_in != n_in:
            raise ValueError(f"{geometry!r} stands where a layer has {n_in} inputs")
        geometries.append(geometry)
        n_in = geometry.n_out
    return geometries
