"""Joules and seconds of a chip for each spike, event, step and second."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from .._typing import Floats
    from .activity import Activity

KINDS = "derived", "published", "measured"


@dataclass(frozen=True)
class CostModel:
    r"""What a chip needs for an inference, in joules and seconds.

    With the counts of an :class:`Activity`, an inference takes the energy

    .. math::

        E = E_{event} n_{events} + E_{mac} n_{macs} + E_{spike} n_{spikes}
            + E_{update} n_{neurons} n_{steps} + P T + E_0

    where T is its duration, or the least one if that is longer.

    Counts of codes with a clock have their times in steps. A step of them is one of the
    chip, which lasts `tau_syn` / `steps`; a chip without `steps` has no latency then.

    Parameters
    ----------
    name : str
        Name of the chip.
    source : str, default=""
        The publication that the figures come from.
    event_energy : float, default=0.0
        Energy of a synaptic event: an input spike at one of the synapses that it goes
        to [J].
    spike_energy : float, default=0.0
        Energy of a spike, of input channels and biases too [J].
    update_energy : float, default=0.0
        Energy of a time step of a neuron, on chips with a clock [J].
    steps : float, default=0.0
        Number of time steps of a `tau_syn` on such chips.
    inference_energy : float, default=0.0
        Energy of an inference, whatever happens in it [J].
    power : float, default=0.0
        Power that the chip draws all the time, whatever happens [W].
    tau_syn : float, default=None
        Synaptic time constant on the chip, which is the unit of all times [s]. None:
        not known; there is no latency.
    fixed_latency : float, default=0.0
        Time of an inference before and after the spikes [s].
    min_duration : float, default=0.0
        Least time from one inference to the next [s].
    stops_early : bool, default=False
        Whether an inference ends with the decision; else with `t_max`. Spikes after
        it then cost nothing; with `is_causal` neither do events after it, nor those
        over weights that are 0.
    is_causal : bool, default=False
        Whether neurons that have fired ignore events, at no cost.
    mac_energy : float, default=None
        Energy of a multiply-accumulate of a dense network in the same technology [J];
        None: not known; those of an :class:`Activity` then cost as much as events.
    kind : {"derived", "published", "measured"}, default="derived"
        What the figures are: "measured" on a chip by those who publish them;
        "published" otherwise, of simulations for example; or "derived" from such.

    Raises
    ------
    ValueError
        If a figure is negative or not finite, or `kind` is not known; or if there is
        power without a time, or `update_energy` without `steps`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from ttfs.energy import COST_MODELS
    >>> chip = COST_MODELS["loihi"]
    >>> finer = replace(chip, name="loihi, 64 steps", steps=64)
    """

    name: str
    source: str = ""
    event_energy: float = 0.0
    spike_energy: float = 0.0
    update_energy: float = 0.0
    steps: float = 0.0
    inference_energy: float = 0.0
    power: float = 0.0
    tau_syn: float | None = None
    fixed_latency: float = 0.0
    min_duration: float = 0.0
    stops_early: bool = False
    is_causal: bool = False
    mac_energy: float | None = None
    kind: Literal["derived", "published", "measured"] = "derived"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"kind must be one of {', '.join(KINDS)}; got {self.kind!r}"
            )
        for field in fields(self)[2:-1]:
            value = getattr(self, field.name)
            if isinstance(field.default, bool) or (
                value is None and field.default is None
            ):
                continue
            is_real = isinstance(value, Real) and not isinstance(value, bool)
            if not is_real or not 0 <= value < np.inf:
                raise ValueError(
                    f"{field.name} must be a finite number, not negative; got {value!r}"
                )
        if self.power > 0 and self.tau_syn is None and self.min_duration == 0:
            raise ValueError(
                f"power={self.power:g} needs a time in which it is drawn: tau_syn, or "
                "min_duration"
            )
        if self.update_energy > 0 and self.steps == 0:
            raise ValueError(
                f"update_energy={self.update_energy:g} needs steps, those of a tau_syn"
            )

    def latency(self, activity: Activity) -> Floats:
        """Time from the start of the inputs to the decision, per sample.

        Parameters
        ----------
        activity : Activity
            Counts of n_samples samples.

        Returns
        -------
        latency : ndarray of shape (n_samples,)
            Latencies in seconds; NaN if `tau_syn` is None. A sample without an output
            spike is decided at the end of the experiment.
        """
        return self._seconds(activity, _decided(activity))

    def duration(self, activity: Activity) -> Floats:
        """Time from one inference to the next, per sample.

        Parameters
        ----------
        activity : Activity
            Counts of n_samples samples.

        Returns
        -------
        duration : ndarray of shape (n_samples,)
            Durations in seconds; NaN if nothing is known.
        """
        seconds = self._seconds(activity, self._end(activity))
        if self.tau_syn is None:
            seconds[:] = self.min_duration or np.nan
        return np.maximum(seconds, self.min_duration)

    def energy(self, activity: Activity) -> Floats:
        """Energy of inferences.

        Parameters
        ----------
        activity : Activity
            Counts of n_samples samples.

        Returns
        -------
        energy : ndarray of shape (n_samples,)
            Energies in joules.
        """
        early, n_steps = self.stops_early, self._end(activity) / self._step(activity)
        n_spikes = activity.n_spikes_to_decision if early else activity.n_spikes
        mac_energy = self.event_energy if self.mac_energy is None else self.mac_energy
        energy = (
            self.event_energy * self._events(activity).sum(axis=1)
            + mac_energy * activity.n_macs
            + self.spike_energy
            * (n_spikes.sum(axis=1) + activity.n_bias_spikes.sum(axis=1))
            + self.update_energy * sum(activity.sizes[1:]) * n_steps
            + self.inference_energy
        )
        if self.power > 0:
            energy = energy + self.power * self.duration(activity)
        return energy

    def with_event_cost(self, factor: float) -> CostModel:
        """The same chip, if a synaptic event cost so many times as much.

        Parameters
        ----------
        factor : float
            Factor of `event_energy`.

        Returns
        -------
        model : CostModel
            A copy with another `event_energy` and name; it is "derived".
        """
        return replace(
            self,
            name=f"{self.name}, events x {factor:g}",
            kind="derived",
            event_energy=factor * self.event_energy,
        )

    def _events(self, activity):
        """The events (n_samples, n_layers) that cost something."""
        if not self.is_causal:
            return activity.n_events
        early = self.stops_early
        return activity.n_events_to_decision if early else activity.n_causal_events

    def _step(self, activity):
        """A step of the chip in the unit of times of `activity`; inf if it has none."""
        if activity.step is not None:
            return activity.step
        return activity.tau_syn / self.steps if self.steps else np.inf

    def _end(self, activity):
        """The end of the experiment, in the unit of `activity`."""
        if self.stops_early:
            return _decided(activity)
        return np.full(activity.n_samples, activity.t_max)

    def _seconds(self, activity, times):
        if self.tau_syn is None or (activity.step is not None and self.steps == 0):
            return np.full(activity.n_samples, np.nan)
        if activity.step is None:
            return self.fixed_latency + self.tau_syn * times / activity.tau_syn
        return self.fixed_latency + self.tau_syn / self.steps * times / activity.step


def _decided(activity):
    """Decision times, from 0: noise on a chip may spike before the inputs start."""
    return np.maximum(activity.decision_times, 0)
