"""A layer of neurons: its weights, biases and delays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .._typing import Array
from .geometry import Full, Geometry
from .lif import LIF


@dataclass(eq=False)
class Layer:
    """Weights between input channels and neurons, in the shape of the geometry.

    In a full layer that is (n_in + n_bias, n_out). Biases are channels that spike at
    `bias_times` (n_bias,) in every sample; their weights are the last rows.

    A spike at t arrives at t + delay. Delays are axonal, (n_in + n_bias,), or synaptic,
    in the shape of the weights; None: there are none. They are trained like weights:
    the gradient of a delay is that of the time at which its input arrives [1]_.

    Parameters
    ----------
    weights : ndarray of shape (n_in + n_bias, n_out)
        Weights in the unit of the threshold.
    bias_times : ndarray of shape (n_bias,)
        Spike times of the biases, in the unit of the neuron's time constants.
    neuron : LIF
        Parameters of all neurons of the layer.
    delays : ndarray of shape (n_in + n_bias,) or (n_in + n_bias, n_out), default=None
        Delays in the unit of the neuron's time constants.
    n_active : float, default=None
        Mean number of inputs, biases included, that spike in a sample before training:
        initial weights and step sizes follow from it.
    n_fixed : int, default=0
        So many of the last biases are not trained: neither their weights nor delays.
    feedback : ndarray, default=None
        Fixed random weights by which errors return to the inputs, see
        ``feedback_weights`` of ``ttfs/model/initial_weights.py``.
    geometry : Geometry, default=None
        Which input meets which neuron over which weight; None: a full matrix.

    References
    ----------
    .. [1] J. Göltz, J. Weber, L. Kriener et al., "DelGrad: exact event-based gradients
       for training delays and weights on spiking neuromorphic hardware", Nature
       Communications 16 (2025), doi 10.1038/s41467-025-63120-y.
    """

    weights: Array
    bias_times: Array
    neuron: LIF
    delays: Array | None = None
    n_active: float | None = None
    n_fixed: int = 0
    feedback: Array | None = None
    geometry: Geometry = None  # type: ignore[assignment]  # of the weights, at first

    def __post_init__(self) -> None:
        if self.geometry is None:
            self.geometry = Full.of_weights(self.weights, self.n_bias)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles of older versions have no geometry: all their layers were full.
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def n_bias(self) -> int:
        """Number of biases."""
        return len(self.bias_times)

    @property
    def n_in(self) -> int:
        """Number of inputs, without biases."""
        return self.geometry.n_in

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return self.geometry.n_out

    @property
    def unrolled(self) -> Array:
        """The full matrix (n_in + n_bias, n_out) of the weights of all synapses."""
        return self.geometry.unrolled(self.weights)

    def of_inputs(self, rows: Array) -> Layer:
        """The layer without inputs that never spike.

        Parameters
        ----------
        rows : ndarray of int of shape (n,)
            The rows of the inputs that remain; the last ones are those of all biases.

        Returns
        -------
        layer : Layer
            A layer whose weights and delays are copies; the rest is shared.

        Examples
        --------
        >>> import numpy as np
        >>> from ttfs import LIF
        >>> from ttfs.model import Layer
        >>> layer = Layer(np.array([[1.0], [2.0], [3.0]]), np.zeros(1), LIF())
        >>> layer.of_inputs(np.array([1, 2])).weights
        array([[2.],
               [3.]])
        """
        delays = None if self.delays is None else self.delays[rows]
        weights = self.weights.take(rows, axis=0)
        geometry = self.geometry.of_inputs(len(rows) - self.n_bias)
        return replace(self, weights=weights, delays=delays, geometry=geometry)


def check_full(layers: Iterable[Layer], what: str) -> None:
    """Raise ValueError unless all layers are full: `what` can hold no others."""
    for layer in layers:
        if layer.geometry.kind != Full.kind:
            raise ValueError(
                f"{what} holds full layers only, not the geometry {layer.geometry!r}"
            )
