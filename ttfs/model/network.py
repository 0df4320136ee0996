"""A network: layers of neurons that see the spikes of the layer before.

The model and its gradient are those of :func:`ttfs.first_spike` and
:func:`ttfs.first_spike_vjp`. Training adds a horizon, t_max, and a use for the membrane
of silent neurons: its peak, u_peak at t_peak, is differentiable where the spike time
does not exist,

    du_peak/dw_i = kappa(t_peak - t_i)      du_peak/dt_i = -w_i kappa'(t_peak - t_i)

which is the gradient of a spike at t_peak with u' = -1. (Where the peak is a kink, at
the very time of an input, it moves with that input: u'(t_peak) more for du_peak/dt_i.)
The backward pass treats spikes and peaks alike: each neuron has one time at which it is
looked at, and one factor, c = dL/dt / u' or -dL/du_peak.

All of it happens in the C core (src/real/network, src/real/training).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from . import read_out as _read_out
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .._typing import Array
    from .lif import LIF

PSEUDO_SLOPE = 2.0  # delay of a silent output [tau_syn] for each threshold it misses


@dataclass(frozen=True, eq=False)
class Network:
    """Layers of neurons, and the end of the experiment.

    A substrate is asked to run one. It reads the network, and never writes.

    Parameters
    ----------
    layers : sequence of Layer
        Each has `weights` (n_in + n_bias, n_out) [threshold], `bias_times` (n_bias,)
        [time] of input channels that fire at fixed times and take the last rows of
        `weights`, and `neuron`, a :class:`ttfs.LIF`: the nominal parameters.
    t_max : float, default=inf
        Nobody looks at spikes at or after this time: a substrate may stop there.
    read_out : float, default=inf
        The time at which biases of the output layer make all outputs fire, see
        ``ttfs/model/read_out.py``; +inf: they do not.
    """

    layers: tuple[Layer, ...]
    t_max: float = float("inf")
    read_out: float = float("inf")

    @property
    def weights(self) -> list[Array]:
        """The weights (n_in + n_bias, n_out) of each layer."""
        return [layer.weights for layer in self.layers]

    @property
    def weight_values(self) -> list[Array]:
        """The weights of each layer as real numbers, in the unit of the threshold."""
        return self.weights

    @property
    def neuron(self) -> LIF:
        """A neuron of the output layer: all layers have its tau_syn and threshold."""
        return self.layers[-1].neuron

    @property
    def n_channels(self) -> int:
        """Number of input channels, without biases."""
        return self.layers[0].n_in

    @property
    def n_outputs(self) -> int:
        """Number of output neurons."""
        return self.layers[-1].n_out

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of input channels, then of the neurons of each layer."""
        return self.n_channels, *(layer.n_out for layer in self.layers)

    @property
    def pseudo_slope(self) -> float:
        """Delay of a silent output for each unit that its peak misses the threshold by.

        Silent outputs are given such a pseudo-time, counted from `t_max`.
        """
        return PSEUDO_SLOPE * self.neuron.tau_syn / self.neuron.threshold

    @property
    def stretch(self) -> float:
        """How many times as fast decision times go on after the read-out."""
        if self.read_out == float("inf"):
            return 1.0
        return _read_out.stretch(self.neuron, self.pseudo_slope)

    def stretched(self, times: Array) -> Array:
        """Decision times of spikes at these times, see `infer` in C.

        Parameters
        ----------
        times : ndarray of float64
            Spike times of outputs, in the unit of the time constants; +inf = silent.

        Returns
        -------
        times : ndarray of float64
            Times that go on `stretch` times as fast after the read-out.
        """
        if self.read_out == float("inf"):
            return times
        # As the bias has it, in the precision of spike times.
        precision = np.result_type(self.layers[-1].weights.dtype, np.float32)
        read_out = float(precision.type(self.read_out))
        return times + (self.stretch - 1) * np.maximum(times - read_out, 0)

    @property
    def core_parameters(self) -> tuple[Any, ...]:
        """The arguments of `core.Simulator` and `core.Trainer` for this network."""
        return self.layers, self.t_max, self.pseudo_slope, self.read_out, self.stretch

    def with_layers(self, **values: Iterable[Any]) -> Network:
        """The same network with other values of some fields of its layers.

        Parameters
        ----------
        **values
            For the name of a field of :class:`Layer`, the values of all layers, in
            their order.

        Returns
        -------
        network : Network
            A new network, which shares all else with this one.

        Raises
        ------
        ValueError
            If a field has not one value for each layer.

        Examples
        --------
        >>> import numpy as np
        >>> from ttfs import LIF
        >>> from ttfs.model import Layer, Network
        >>> network = Network((Layer(np.ones((2, 1)), np.zeros(1), LIF()),))
        >>> network.with_layers(weights=[np.array([[3.0], [4.0]])]).weights
        [array([[3.],
               [4.]])]
        """
        layers = self.layers
        for name, of_layers in values.items():
            layers = [
                replace(layer, **{name: value})
                for layer, value in zip(layers, of_layers, strict=True)
            ]
        return replace(self, layers=tuple(layers))

    def of_inputs(self, rows: Array) -> Network:
        """The network without inputs that never spike.

        Parameters
        ----------
        rows : ndarray of int of shape (n,)
            The inputs of the first layer that remain, in their order; the last ones are
            all of its biases.

        Returns
        -------
        network : Network
            A new network, which shares all layers but the first with this one.
        """
        first, *others = self.layers
        return replace(self, layers=(first.of_inputs(rows), *others))

    def outline(self) -> Network:
        """The same network without its weights: with zeros that take no memory."""
        weights = [
            np.broadcast_to(np.zeros(1, weights.dtype), weights.shape)
            for weights in self.weights
        ]
        return self.with_layers(weights=weights)

    def check_finite(self) -> None:
        """Raise ValueError unless weights and delays are finite."""
        for layer in self.layers:
            check_finite("weights", layer.weights)
            if layer.delays is not None:
                check_finite("delays", layer.delays)


def check_finite(name, array):
    """Raise ValueError unless what training has produced is finite."""
    # A NaN is the smallest and the greatest number of an array that has one.
    if not np.isfinite([array.min(initial=0), array.max(initial=0)]).all():
        raise ValueError(
            f"training produced {name} that are not finite; lower learning_rate_init "
            "or raise min_slope of the gradient"
        )
