"""A digital simulator with time steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .calibration import CalibrationMixin
from .checks import check_number, check_request
from .ideal import as_spikes, core_network
from .protocol import SharedSubstrate

if TYPE_CHECKING:
    from .._typing import Array
    from ..model import Network

# Where nothing else ends an experiment, it ends so long after the last input.
_DURATION = 20.0  # in tau_syn
_MAX_STEPS = 1e7  # of an experiment, which nobody can interrupt


class Clocked(CalibrationMixin, SharedSubstrate):
    r"""Simulator with time steps: forward Euler, as digital chips and frameworks do it.

    On the grid :math:`t_n = n \Delta`, with :math:`\Delta` the step,

    .. math::

        u_{n+1} &= u_n + \Delta (-u_n / \tau_{mem} + I_n / \tau_{syn}) \\
        I_{n+1} &= I_n - \Delta I_n / \tau_{syn} + \sum_{t_n < t_i \le t_{n+1}} w_i

    A neuron fires at the first grid point at which u reaches the threshold. As the step
    goes to 0, spike times tend to those of :class:`Ideal`.

    Parameters
    ----------
    step : float, default=0.01
        Length of a time step, in `tau_syn`; below 1, and below `tau_mem`.
    duration : float, default=None
        Length of an experiment, in `tau_syn`, from time 0: later spikes are lost. None:
        an experiment ends at the `t_max` of the network, or, if that is infinite, 20
        `tau_syn` after the last input.

    Raises
    ------
    ValueError
        By `forward`: if there are more than 10 million steps from the first spike to
        the end.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs import LIF
    >>> from ttfs.substrates import Clocked, Layer, Network
    >>> layer = Layer(np.array([[4.0], [0.0]]), np.array([0.9]), LIF())
    >>> (spikes,) = Clocked(0.01).forward(np.array([[0.0]]), Network((layer,)))
    >>> spikes
    array([[0.36]])
    """

    def __init__(self, step: float = 0.01, *, duration: float | None = None) -> None:
        self.step = check_number("step", step, 0, 1, is_open=True)
        self.duration = duration
        if duration is not None:
            self.duration = check_number("duration", duration, 0, is_open=True)

    def __repr__(self) -> str:
        more = "" if self.duration is None else f", duration={self.duration!r}"
        return f"Clocked({self.step!r}{more})"

    def forward(self, times: Array, network: Network) -> list[Array]:
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        times = check_request(times, network)
        tau_syn = network.layers[0].neuron.tau_syn
        t_max = network.t_max
        if self.duration is not None:
            t_max = min(t_max, self.duration * tau_syn)
        biases = [layer.bias_times for layer in network.layers]
        inputs = np.concatenate([times.ravel(), *biases])
        inputs = inputs[np.isfinite(inputs)]
        if np.isinf(t_max):
            t_max = float(inputs.max(initial=0)) + _DURATION * tau_syn
        step, first = self.step * tau_syn, inputs.min(initial=t_max)
        n_steps = (t_max - first) / step
        if n_steps > _MAX_STEPS:
            raise ValueError(
                f"there are {n_steps:.2g} steps of {step:g} from the first spike, at "
                f"{first:g}, to the end, at {t_max:g}: more than {_MAX_STEPS:g}"
            )
        core = core_network(network, times.dtype, t_max=t_max)
        return core.clocked(as_spikes(times, network), step)
