"""What the substrates that the C core simulates have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from .. import core as _core
from ..model import Layer
from .calibration import CalibrationMixin
from .checks import ask, check_request
from .protocol import SharedSubstrate

if TYPE_CHECKING:
    from .._typing import Array
    from ..model import Network

# The horizon of a network without a horizon: spikes at any time count.
FOREVER = 0.5 * _core.TIME_LIMIT


class Simulated(CalibrationMixin, SharedSubstrate, ABC):
    """Base of the substrates that the C core simulates.

    A subclass says with `_fire` what fires. Training asks for it too, so that spikes
    need not leave the core; :meth:`forward` is for everyone else.
    """

    # Whether a `core.Simulator` fires as it is.
    _is_ideal = False

    @abstractmethod
    def _fire(self, spikes, network):
        """The `core.LayerSpikes` of `core.Spikes`, in place of a `core.Simulator`."""

    def forward(self, times: Array, network: Network) -> list[Array]:
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        times = check_request(times, network)
        t_max = min(network.t_max, FOREVER)
        layers = [
            Layer(
                np.asarray(layer.unrolled, times.dtype), layer.bias_times, layer.neuron
            )
            for layer in network.layers
        ]
        spikes = _core.spikes_at(times, layers[0].bias_times, t_max)
        return self._fire(spikes, _core.Simulator(layers, t_max, 0.0)).times()


def is_simulated(substrate):
    """Whether the core alone computes what a substrate does.

    A class or an object that has a `forward` of its own, or that of another substrate,
    is asked for that.
    """
    if not isinstance(substrate, Simulated):
        return False
    forward = substrate.forward
    function, owner = (getattr(forward, a, None) for a in ("__func__", "__self__"))
    return function is Simulated.forward and owner is substrate


def is_ideal(substrate):
    """Whether a substrate fires as the `core.Simulator` does that it runs."""
    return is_simulated(substrate) and substrate._is_ideal


def fire(substrate, spikes, network):
    """The `core.LayerSpikes` of `core.Spikes` on a substrate that is simulated."""
    return ask(substrate, "_fire", spikes, network)
