"""The ideal simulator as a substrate."""

from __future__ import annotations

from .simulated import Simulated


class Ideal(Simulated):
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

    _is_ideal = True

    def _fire(self, spikes, network):
        return network.fire(spikes)

    def __repr__(self) -> str:
        return "Ideal()"
