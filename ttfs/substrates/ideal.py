"""The ideal simulator as a substrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import core as _core
from ..model import Layer
from .calibration import CalibrationMixin
from .checks import check_request
from .protocol import SharedSubstrate

if TYPE_CHECKING:
    from .._typing import Array
    from ..model import Network

# The horizon of a network without a horizon: spikes at any time count.
_FOREVER = 0.5 * _core.TIME_LIMIT


def core_network(network, dtype, *, weights=None, t_max=np.inf):
    """The network in the C core, optionally with other weights and an earlier end."""
    if weights is None:
        weights = [layer.weights for layer in network.layers]
    layers = [
        Layer(np.asarray(w, dtype), layer.bias_times, layer.neuron)
        for layer, w in zip(network.layers, weights, strict=True)
    ]
    return _core.Network(layers, min(t_max, network.t_max, _FOREVER), 0.0)


def as_spikes(times, network):
    """The sorted spikes that enter the first layer, biases included."""
    return _core.spikes_at(times, network.layers[0].bias_times)


class Ideal(CalibrationMixin, SharedSubstrate):
    """The ideal simulator: exact spike times, nominal parameters.

    What ``substrate=None`` computes, behind the protocol of :class:`Substrate`.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import Ideal, Layer, Network
    >>> layer = Layer(np.array([[4.0], [0.0]]), np.array([0.9]), LIF())
    >>> (spikes,) = Ideal().forward(np.array([[0.0]]), Network((layer,)))
    >>> spikes.round(3)
    array([[0.357]])
    """

    def forward(self, times: Array, network: Network) -> list[Array]:
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        times = check_request(times, network)
        core = core_network(network, times.dtype)
        return core.spike_times(as_spikes(times, network))

    def __repr__(self) -> str:
        return "Ideal()"
