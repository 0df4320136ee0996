"""The ideal simulator as a substrate."""

from ttfs import _core
from ttfs.substrates._base import Shared, check_request

# Spikes at any time count where a network has no horizon.
FOREVER = 0.5 * _core.TIME_LIMIT


def as_spikes(times, network):
    """The sorted spikes that enter the first layer, biases included."""
    return _core.spikes_at(times, network.layers[0].bias_times)


class Ideal(Shared):
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

    def forward(self, times, network):
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        times = check_request(times, network)
        core = _core.Network(network.layers, min(network.t_max, FOREVER), 0.0)
        return core.spike_times(as_spikes(times, network))

    def __repr__(self):
        return "Ideal()"
