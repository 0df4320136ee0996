"""The protocol of substrates: what they are asked, what they answer, how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from .._typing import Array
    from ..model import Network


class SubstrateError(RuntimeError):
    """A substrate failed: it could not be reached, or its answer is unusable."""


class NetworkError(ValueError):
    """A substrate cannot run a network, for example because the network does not fit.

    The estimator passes on this error and :class:`SubstrateError`; it takes any other
    error that a substrate raises for a failure of the substrate.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import AnalogChip, Layer, Network
    >>> layer = Layer(np.ones((4, 3)), np.empty(0), LIF())
    >>> AnalogChip(max_neurons=2).forward(np.zeros((1, 4)), Network((layer,)))
    Traceback (most recent call last):
    ttfs.substrates.protocol.NetworkError: the network has 3 neurons, and the chip 2
    """


@runtime_checkable
class Substrate(Protocol):
    """Protocol of substrates: any object with the method `forward` is a substrate.

    A substrate that the clones of an estimator share also defines ``__deepcopy__`` to
    return itself, and its pickle holds the address of the chip: what another process
    needs to reach the same chip. Two more methods are used where a substrate has them:
    ``weight_limit(k)`` is the greatest weight of layer k in thresholds, inf without a
    limit, and ``weight_step(k)`` is the step of which the weights of layer k are
    multiples, in thresholds, 0 if every weight is possible.
    """

    def forward(self, times: Array, network: Network) -> list[Array]:
        """Spike times of every layer.

        Parameters
        ----------
        times : ndarray of shape (n_samples, n_in)
            Spike times of the input channels, without biases; +inf = no spike.
        network : Network
            The layers, with nominal parameters.

        Returns
        -------
        spikes : list of ndarray of shape (n_samples, n_out)
            One array for each layer, in the unit of `times`; +inf = silent.

        Raises
        ------
        NetworkError
            If the substrate cannot run the network. All other errors are failures.
        """


class SharedSubstrate:
    """Base of substrates that `sklearn.clone` and `copy` pass on: chips have no copies.

    The pickle of such a substrate holds its parameters, which are the address of the
    chip: unpickling makes the same chip again.
    """

    def _changed(self, cls):
        """The keyword parameters that are not the default of a class, as in a call."""
        default = cls.__init__.__kwdefaults__
        return [
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if name in default and value != default[name]
        ]

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self
