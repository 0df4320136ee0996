"""Spikes, synaptic events and decision times of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import Array, Floats


@dataclass(frozen=True, eq=False)
class Activity:
    """What a network does with samples; made by :meth:`ttfs.TTFSClassifier.activity`.

    ``print`` shows it as a table. Times are in the unit of the time constants, from the
    start of the inputs; in steps where the code has a clock. What happens at or after
    `t_max` is not counted.

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
        synapse, of whatever weight.
    n_causal_events : ndarray of int of shape (n_samples, n_layers)
        Synaptic events that arrive before the neuron has fired, or, if it fires several
        times, before it has done so as often as it may: no others can matter.
    decision_times : ndarray of shape (n_samples,)
        First spike of the outputs; `t_max` if there is none, or if the number of output
        spikes or membranes decide. A code that decides otherwise says when it does.
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
    n_spikes_to_decision : ndarray of int of shape (n_samples, n_layers + 1), \
default=None
        Those of `n_spikes` that are not after the decision; the output spike that
        decides is one of them. None: all of them.
    n_events_to_decision : ndarray of int of shape (n_samples, n_layers), default=None
        Synaptic events until the decision: a spike, of a bias too, that arrives over a
        weight that is not 0 at a neuron which has not fired, before the first output
        spike. Neurons that spike several times take events after a spike too. None:
        `n_causal_events`.
    n_macs : ndarray of int of shape (n_samples,), default=None
        Multiply-accumulates that are no events, such as those of input currents, until
        the decision. None: there are none.
    step : float, default=None
        Duration of a step of a code with a clock, in the unit of the times: 1.0, as
        times are in steps. None: there is no clock.

    Raises
    ------
    ValueError
        If counts do not have the shapes above, or `step` is not positive.

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
    cost_model: Any = None  # a CostModel, whose module knows this one
    n_spikes_to_decision: Array | Any = None
    n_events_to_decision: Array | Any = None
    n_macs: Array | Any = None
    step: float | None = None

    def __post_init__(self) -> None:
        if self.step is not None and not 0 < self.step < np.inf:
            raise ValueError(f"step must be None, or positive; got {self.step!r}")
        defaults = {
            "n_spikes_to_decision": self.n_spikes,
            "n_events_to_decision": self.n_causal_events,
            "n_macs": np.zeros(len(self.n_spikes), int),
        }
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        n_samples, n_layers = len(self.n_spikes), len(self.sizes) - 1
        shapes = dict.fromkeys(("n_spikes", "n_spikes_to_decision"), (n_layers + 1,))
        for name in ("bias_spikes", "events", "causal_events", "events_to_decision"):
            shapes[f"n_{name}"] = (n_layers,)
        for name in ("n_macs", "decision_times", "is_undecided", "is_read_out"):
            shapes[name] = ()
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != (n_samples, *shape):
                raise ValueError(
                    f"{name} must have the shape {(n_samples, *shape)}, got "
                    f"{np.shape(getattr(self, name))}"
                )

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # what older versions stored lacks the last fields

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

    @property
    def break_even(self) -> float | Any:
        """How many times as much an event may cost until a dense network needs as much.

        Below 1 the dense network needs less already, and below 0 it would if events
        cost nothing. None where the energy of a dense network is not known; inf where
        events cost nothing.
        """
        if self.dense_energy is None:
            return None
        others = self.cost_model.with_event_cost(0).energy(self).mean()
        events = self.energy.mean() - others
        return float((self.dense_energy - others) / events) if events else np.inf

    def summary(self) -> dict[str, float]:
        """Means of the samples.

        Returns
        -------
        means : dict of str to float
            Means of the numbers of spikes ("input", "bias", "hidden" and "output"), of
            the events of all layers, of decision times in `tau_syn`, or in steps, and
            of energy and latency if there is a cost model; "share of dense events" is
            what "events until the decision" and "multiply-accumulates" are together
            in relation to a dense network; "undecided" and "decided by the read-out"
            are fractions of the samples.
        """
        n = self.n_spikes.mean(axis=0)
        n_until = self.n_events_to_decision.sum(axis=1).mean()
        n_macs, n_dense = self.n_macs.mean(), sum(self.n_dense_events)
        means = {
            "input spikes": n[0],
            "bias spikes": self.n_bias_spikes.sum(axis=1).mean(),
            "hidden spikes": n[1:-1].sum(),
            "hidden spikes until the decision": self.n_spikes_to_decision[:, 1:-1]
            .sum(axis=1)
            .mean(),
            "output spikes": n[-1],
            "synaptic events": self.n_events.sum(axis=1).mean(),
            "causal events": self.n_causal_events.sum(axis=1).mean(),
            "events until the decision": n_until,
            "multiply-accumulates": n_macs,
            "dense events": n_dense,
            "share of dense events": (n_until + n_macs) / n_dense,
            "decision time": self.decision_times.mean() / (self.step or self.tau_syn),
            "undecided": self.is_undecided.mean(),
            "decided by the read-out": self.is_read_out.mean(),
        }
        if self.cost_model is not None:
            means["energy"] = self.energy.mean()
            means["latency"] = self.latency.mean()
        return {name: float(mean) for name, mean in means.items()}

    def __str__(self) -> str:
        names = [f"hidden {k}" for k in range(1, len(self.sizes) - 1)] + ["output"]
        counts = (
            *(self.n_spikes[:, 1:], self.n_spikes_to_decision[:, 1:]),
            *(self.n_bias_spikes, self.n_events, self.n_causal_events),
            self.n_events_to_decision,
        )
        means = np.mean(counts, axis=1).T
        titles = "size spikes until biases events causal until dense".split()
        lines = [
            f"network {'-'.join(map(str, self.sizes))}, {self.n_samples:,} samples, "
            "means (until: until the decision)",
            "layer".ljust(10) + "".join(title.rjust(10) for title in titles),
            f"{'input':10}{self.sizes[0]:10,}{self.n_spikes[:, 0].mean():10,.1f}"
            f"{self.n_spikes_to_decision[:, 0].mean():10,.1f}",
        ]
        layers = zip(names, self.sizes[1:], means, self.n_dense_events, strict=True)
        for name, size, row, n_dense in layers:
            cells = "".join(f"{mean:10,.1f}" for mean in row)
            lines.append(f"{name:10}{size:10,}{cells}{n_dense:10,}")
        means = self.summary()
        macs = f" and {means['multiply-accumulates']:,.0f} multiply-accumulates"
        unit = "tau_syn" if self.step is None else "steps"
        lines += [
            f"{means['synaptic events']:,.0f} events, {means['causal events']:,.0f} "
            f"causal, {means['dense events']:,.0f} in a dense network",
            f"until the decision {means['hidden spikes until the decision']:,.1f} "
            f"hidden spikes, {means['events until the decision']:,.0f} synaptic events"
            f"{macs if self.n_macs.any() else ''}: "
            f"{means['share of dense events']:.3g} of a dense network",
            f"decision after {means['decision time']:.3g} {unit}, "
            f"{100 * means['decided by the read-out']:.3g} % by the read-out, "
            f"{100 * means['undecided']:.3g} % without an output spike",
        ]
        if self.cost_model is not None:
            line = f"{self.cost_model.name}: {quantity(means['energy'], 'J')}"
            if not np.isnan(means["latency"]):
                line += f", decision after {quantity(means['latency'], 's')}"
            if self.dense_energy is not None:
                line += f"; dense: {quantity(self.dense_energy, 'J')}, as much if an "
                line += f"event cost {self.break_even:.3g} times as much"
            lines.append(line)
        return "\n".join(lines)


def quantity(value, unit):
    """A number with its unit, 1 to 1000 of it."""
    power = int(np.clip(np.floor(np.log10(value) / 3), -5, 0)) if value > 0 else 0
    return f"{value / 1000.0**power:.3g} {['', 'm', 'µ', 'n', 'p', 'f'][-power]}{unit}"
