"""A digital simulator with time steps."""

from __future__ import annotations

import numpy as np

from .checks import check_number
from .simulated import FOREVER, Simulated

# Where nothing else ends an experiment, it ends so long after the last input.
_DURATION = 20.0  # in tau_syn
_MAX_STEPS = 1e7  # of an experiment, which nobody can interrupt


class Clocked(Simulated):
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
        return f"Clocked({', '.join([repr(self.step), *self._changed(Clocked)])})"

    def _fire(self, spikes, network):
        tau_syn, t_max = network.neurons[0].tau_syn, network.t_max
        if self.duration is not None:
            t_max = min(t_max, self.duration * tau_syn)
        step = self.step * tau_syn
        biases = np.concatenate(network.bias_times())
        biases = biases[np.isfinite(biases)]
        if t_max >= FOREVER:
            last = max(spikes.last(), biases.max(initial=0))
            t_max = float(last) + _DURATION * tau_syn
        first = min(spikes.first(), biases.min(initial=t_max))
        n_steps = (t_max - first) / step
        if n_steps > _MAX_STEPS:
            raise ValueError(
                f"there are {n_steps:.2g} steps of {step:g} from the first spike, at "
                f"{first:g}, to the end, at {t_max:g}: more than {_MAX_STEPS:g}"
            )
        return network.clocked(spikes, step, t_max=t_max)
