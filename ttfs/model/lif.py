"""Parameters of a neuron."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from .. import core as _core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Floats


@dataclass(frozen=True)
class LIF:
    r"""Parameters of leaky integrate-and-fire neurons with exponential synapses.

    The membrane u and the synaptic current I of a neuron follow

    .. math::

        \frac{du}{dt} &= -\frac{u}{\tau_{mem}} + \frac{I}{\tau_{syn}} \\
        \frac{dI}{dt} &= -\frac{I}{\tau_{syn}} + \sum_i w_i \delta(t - t_i)

    and the neuron fires at the first time at which u equals the threshold, once [1]_.

    Parameters
    ----------
    tau_mem : float, default=1.0
        Membrane time constant; ``float("inf")`` gives a membrane without leak.
    tau_syn : float, default=1.0
        Synaptic time constant, in the unit of `tau_mem`. All times share that unit.
    threshold : float, default=1.0
        Threshold of the membrane, in the unit of the weights.

    Raises
    ------
    ValueError
        If a parameter is not positive, if `tau_syn` or `threshold` is not finite, or
        if the time constants are too small or too far apart to compute with.
    TypeError
        If a parameter is not a real number.

    Notes
    -----
    Without leak, spike times are those of [2]_: with z = exp(t / tau_syn), and sums
    over the inputs before the spike,

    .. math:: z_{out} = \frac{\sum_i w_i z_i}{\sum_i w_i - \vartheta}

    where theta is the threshold.

    References
    ----------
    .. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
       learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).
    .. [2] H. Mostafa, "Supervised learning based on temporal coding in spiking neural
       networks", IEEE Transactions on Neural Networks and Learning Systems 29,
       3227-3235 (2018).

    Examples
    --------
    >>> from ttfs import LIF
    >>> neuron = LIF(tau_mem=2.0, tau_syn=1.0)
    >>> float(neuron.kappa(1.0).round(6))
    0.477302
    """

    tau_mem: float = 1.0
    tau_syn: float = 1.0
    threshold: float = 1.0

    def __post_init__(self) -> None:
        for name in ("tau_mem", "tau_syn", "threshold"):
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, (bool, np.bool_)):
                raise TypeError(f"{name} must be a real number, got {value!r}")
            object.__setattr__(self, name, float(value))
        _core.check_neuron(self)

    def kappa(self, delay: ArrayLike) -> Floats:
        """Membrane response to one input spike of weight 1.

        Parameters
        ----------
        delay : array-like
            Time since the input spike, in the unit of the time constants; scalar or
            of any shape.

        Returns
        -------
        kappa : ndarray of the shape of `delay`
            Membrane in units of the weight; 0 before the input spike.
        """
        d = np.maximum(np.asarray(delay, dtype=np.float64), 0.0)
        if self.tau_mem == self.tau_syn:
            d = np.minimum(d, 1e3 * self.tau_syn)  # exp() is 0 there; not inf * 0
            return d / self.tau_syn * np.exp(-d / self.tau_syn)
        if np.isinf(self.tau_mem):
            return -np.expm1(-d / self.tau_syn)
        longer = max(self.tau_mem, self.tau_syn)
        shorter = min(self.tau_mem, self.tau_syn)
        # The exponential that lasts longer stands in front, so that nothing overflows.
        gap = (longer - shorter) / longer / shorter
        return -np.exp(-d / longer) * np.expm1(-gap * d) / (gap * self.tau_syn)

    @property
    def peak_delay(self) -> float:
        """Time from an input spike to the peak of `kappa`; inf without leak."""
        if np.isinf(self.tau_mem):
            return float("inf")
        ratio = self.tau_mem / self.tau_syn
        if ratio == 1:
            return self.tau_syn
        # log(ratio) / (1/tau_syn - 1/tau_mem), stable where the two are close
        excess = (self.tau_mem - self.tau_syn) / self.tau_syn
        return float(np.log1p(excess) / excess * self.tau_mem)


def check_lif(neuron):
    """Raise TypeError unless it is a LIF."""
    if not isinstance(neuron, LIF):
        raise TypeError(f"neuron must be a ttfs.LIF, got {type(neuron).__name__}")
