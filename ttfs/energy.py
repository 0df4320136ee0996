"""What a network does, counted in spikes and events, and what that costs on a chip.

- :class:`Activity` - spikes, synaptic events and decision times of samples; made by
  :meth:`ttfs.TTFSClassifier.activity`
- :class:`CostModel` - joules and seconds of a chip for each of them
- :data:`COST_MODELS` - cost models of published figures, by name

docs/guide/energy.md says what each cost model covers, and what it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._typing import Array, Floats

__all__ = ["COST_MODELS", "Activity", "CostModel"]


@dataclass(frozen=True)
class CostModel:
    r"""What a chip needs for an inference, in joules and seconds.

    With the counts of an :class:`Activity`, an inference takes the energy

    .. math::

        E = E_{event} n_{events} + E_{spike} n_{spikes}
            + E_{update} n_{neurons} n_{steps} + P T + E_0

    where T is its duration, or the least one if that is longer.

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
        Whether an inference ends with the first output spike; else with `t_max`.
    is_causal : bool, default=False
        Whether neurons that have fired ignore events, at no cost.
    mac_energy : float, default=None
        Energy of a multiply-accumulate of a dense network in the same technology [J];
        None: not known.

    Raises
    ------
    ValueError
        If a figure is negative or not finite; or if there is power without a time, or
        `update_energy` without `steps`.

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

    def __post_init__(self) -> None:
        for field in fields(self)[2:]:
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
        events = activity.n_causal_events if self.is_causal else activity.n_events
        n_spikes = activity.n_spikes.sum(axis=1) + activity.n_bias_spikes.sum(axis=1)
        n_steps = self.steps * self._end(activity) / activity.tau_syn
        energy = (
            self.event_energy * events.sum(axis=1)
            + self.spike_energy * n_spikes
            + self.update_energy * sum(activity.sizes[1:]) * n_steps
            + self.inference_energy
        )
        if self.power > 0:
            energy = energy + self.power * self.duration(activity)
        return energy

    def _end(self, activity):
        """The end of the experiment, in the unit of `activity`."""
        if self.stops_early:
            return _decided(activity)
        return np.full(activity.n_samples, activity.t_max)

    def _seconds(self, activity, times):
        if self.tau_syn is None:
            return np.full(activity.n_samples, np.nan)
        return self.fixed_latency + self.tau_syn * times / activity.tau_syn


def _decided(activity):
    """Decision times, from 0: noise on a chip may spike before the inputs start."""
    return np.maximum(activity.decision_times, 0)


_STEPS = 16  # of a tau_syn, on chips with a clock: our choice, see docs/guide/energy.md
_HOROWITZ = (
    "M. Horowitz, 'Computing's energy problem (and what we can do about it)', ISSCC "
    "(2014): 45 nm, 0.9 V"
)
_HOEPPNER = (
    "S. Höppner et al., 'Dynamic power management for neuromorphic many-core systems', "
    "IEEE Transactions on Circuits and Systems I 66, 2973-2986 (2019)"
)

#: Cost models by name: see docs/guide/energy.md for what they cover.
COST_MODELS = {
    model.name: model
    for model in (
        CostModel(
            "brainscales2",
            "J. Göltz, L. Kriener et al., Nature Machine Intelligence 3, 823-835 "
            "(2021): 20,800 images/s at 8.4 µJ, which is 0.175 W; 256-246-10",
            power=8.4e-6 * 20_800,
            min_duration=1 / 20_800,
            tau_syn=6e-6,
        ),
        CostModel(
            "loihi",
            "M. Davies et al., 'Loihi: a neuromorphic manycore processor with on-chip "
            "learning', IEEE Micro 38, 82-99 (2018): of simulations before fabrication",
            event_energy=23.6e-12,
            update_energy=81e-12,
            steps=_STEPS,
        ),
        CostModel(
            "truenorth",
            "P. A. Merolla et al., 'A million spiking-neuron integrated circuit with a "
            "scalable communication network and interface', Science 345, 668-673 "
            "(2014): the power of the whole chip by its events, at 20 Hz",
            event_energy=26e-12,
            tau_syn=_STEPS * 1e-3,
        ),
        CostModel(
            "spinnaker",
            _HOEPPNER,
            event_energy=13.3e-9,
            update_energy=26e-9,
            steps=_STEPS,
            tau_syn=_STEPS * 1e-3,
        ),
        CostModel(
            "spinnaker2",
            f"{_HOEPPNER}: a prototype",
            event_energy=450e-12,
            update_energy=2.19e-9,
            steps=_STEPS,
            tau_syn=_STEPS * 1e-3,
        ),
        CostModel(
            "cmos45-float32",
            f"{_HOROWITZ}; an event is an add",
            event_energy=0.9e-12,
            is_causal=True,
            mac_energy=(0.9 + 3.7) * 1e-12,
        ),
        CostModel(
            "cmos45-int32",
            f"{_HOROWITZ}; an event is an add",
            event_energy=0.1e-12,
            is_causal=True,
            mac_energy=(0.1 + 3.1) * 1e-12,
        ),
    )
}


def check_cost_model(model):
    """A cost model, or None, from one or from its name."""
    if model is None or isinstance(model, CostModel):
        return model
    if not isinstance(model, str):
        raise TypeError(
            "cost_model must be a CostModel, the name of one, or None; got "
            f"{type(model).__name__}"
        )
    if model not in COST_MODELS:
        raise ValueError(
            f"unknown cost_model {model!r}: choose from {', '.join(COST_MODELS)}, or "
            "make a ttfs.energy.CostModel"
        )
    return COST_MODELS[model]


@dataclass(frozen=True, eq=False)
class Activity:
    """What a network does with samples; made by :meth:`ttfs.TTFSClassifier.activity`.

    ``print`` shows it as a table. Times are in the unit of the time constants, from the
    start of the inputs. What happens at or after `t_max` is not counted.

    Parameters
    ----------
    sizes : tuple of int
        Input channels without biases, and neurons of each layer.
    n_spikes : ndarray of int of shape (n_samples, n_layers + 1)
        Spikes of the input channels, and of the neurons of each layer.
    n_bias_spikes : ndarray of int of shape (n_samples, n_layers)
        Spikes of the biases of each layer.
    n_events : ndarray of int of shape (n_samples, n_layers)
        Synaptic events of each layer: an input spike, of biases too, that arrives at a
        synapse.
    n_causal_events : ndarray of int of shape (n_samples, n_layers)
        Synaptic events that arrive before the neuron has fired: no others can matter.
    decision_times : ndarray of shape (n_samples,)
        First spike of the outputs; `t_max` if there is none.
    is_undecided : ndarray of bool of shape (n_samples,)
        Whether no output fires in a sample: then the peaks of the membranes decide.
    is_read_out : ndarray of bool of shape (n_samples,)
        Whether the first output fires after the read-out, which makes it fire.
    t_max : float
        End of the experiment.
    tau_syn : float
        Synaptic time constant, in the same unit.
    cost_model : CostModel, default=None
        What the spikes and events cost.

    See Also
    --------
    ttfs.export.cost_sheet : Operations and memory of a model in integers.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> activity = clf.activity(X, "brainscales2")
    >>> int(activity.n_spikes[0, 0])  # each of the four features is complemented
    8
    >>> activity.n_dense_events  # 8 times 20, 20 times 3
    (160, 60)
    >>> float(activity.energy.mean().round(7))
    8.4e-06
    """

    sizes: tuple[int, ...]
    n_spikes: Array
    n_bias_spikes: Array
    n_events: Array
    n_causal_events: Array
    decision_times: Floats
    is_undecided: NDArray[np.bool_]
    is_read_out: NDArray[np.bool_]
    t_max: float
    tau_syn: float
    cost_model: CostModel | None = None

    @property
    def n_samples(self) -> int:
        return len(self.n_spikes)

    @property
    def n_dense_events(self) -> tuple[int, ...]:
        """Multiply-accumulates of each layer of a dense network of this shape."""
        return tuple(int(n) for n in np.multiply(self.sizes[:-1], self.sizes[1:]))

    # None without a cost model: "Any", because who passes one need not check.

    @property
    def energy(self) -> Floats | Any:
        """Energy of each sample in J, (n_samples,); None without a cost model."""
        return self.cost_model and self.cost_model.energy(self)

    @property
    def latency(self) -> Floats | Any:
        """Time to the decision in s, (n_samples,); None without a cost model."""
        return self.cost_model and self.cost_model.latency(self)

    @property
    def dense_energy(self) -> float | Any:
        """Energy of a dense network of this shape in J; None where it is not known."""
        if self.cost_model is None or self.cost_model.mac_energy is None:
            return None
        return self.cost_model.mac_energy * sum(self.n_dense_events)

    def summary(self) -> dict[str, float]:
        """Means of the samples.

        Returns
        -------
        means : dict of str to float
            Means of the numbers of spikes ("input", "bias", "hidden" and "output"), of
            the events of all layers, of decision times in `tau_syn`, and of energy and
            latency if there is a cost model; "undecided" and "decided by the read-out"
            are fractions.
        """
        n = self.n_spikes.mean(axis=0)
        means = {
            "input spikes": n[0],
            "bias spikes": self.n_bias_spikes.sum(axis=1).mean(),
            "hidden spikes": n[1:-1].sum(),
            "output spikes": n[-1],
            "synaptic events": self.n_events.sum(axis=1).mean(),
            "causal events": self.n_causal_events.sum(axis=1).mean(),
            "dense events": sum(self.n_dense_events),
            "decision time": self.decision_times.mean() / self.tau_syn,
            "undecided": self.is_undecided.mean(),
            "decided by the read-out": self.is_read_out.mean(),
        }
        if self.cost_model is not None:
            means["energy"] = self.energy.mean()
            means["latency"] = self.latency.mean()
        return {name: float(mean) for name, mean in means.items()}

    def __str__(self) -> str:
        names = [f"hidden {k}" for k in range(1, len(self.sizes) - 1)] + ["output"]
        counts = np.column_stack(
            [
                self.n_spikes[:, 1:].mean(axis=0),
                self.n_bias_spikes.mean(axis=0),
                self.n_events.mean(axis=0),
                self.n_causal_events.mean(axis=0),
                self.n_dense_events,
            ]
        )
        titles = ("size", "spikes", "bias spikes", "events", "causal", "dense")
        lines = [
            f"network {'-'.join(map(str, self.sizes))}, {self.n_samples:,} samples, "
            "means",
            "layer".ljust(10) + "".join(title.rjust(13) for title in titles),
            f"{'input':10}{self.sizes[0]:13,}{self.n_spikes[:, 0].mean():13,.1f}",
        ]
        for name, size, row in zip(names, self.sizes[1:], counts, strict=True):
            cells = "".join(f"{count:13,.1f}" for count in row[:-1])
            lines.append(f"{name:10}{size:13,}{cells}{row[-1]:13,.0f}")
        means = self.summary()
        lines += [
            f"{means['synaptic events']:,.0f} events, {means['causal events']:,.0f} "
            f"causal, {means['dense events']:,.0f} in a dense network",
            f"decision after {means['decision time']:.3g} tau_syn, "
            f"{100 * means['decided by the read-out']:.3g} % by the read-out, "
            f"{100 * means['undecided']:.3g} % without an output spike",
        ]
        if self.cost_model is not None:
            line = f"{self.cost_model.name}: {_quantity(means['energy'], 'J')}"
            if not np.isnan(means["latency"]):
                line += f", decision after {_quantity(means['latency'], 's')}"
            if self.dense_energy is not None:
                line += f"; dense: {_quantity(self.dense_energy, 'J')}"
            lines.append(line)
        return "\n".join(lines)


def _quantity(value, unit):
    """A number with its unit, 1 to 1000 of it."""
    power = int(np.clip(np.floor(np.log10(value) / 3), -5, 0)) if value > 0 else 0
    return f"{value / 1000.0**power:.3g} {['', 'm', 'µ', 'n', 'p', 'f'][-power]}{unit}"
