"""What one method does on one split of the data: counts, costs, curves.

A dense network is counted in multiply-accumulates; spikes and synaptic events are those
of :class:`ttfs.energy.Activity`, until the decision. A training sample is counted as it
would run on hardware that skips what does not happen, in three parts:

- forward: causal events, without an early stop, since training needs all spikes
- back: over each synapse of the layers after the first that had a causal event an error
  passes; target projection instead gives each hidden neuron one number
- change: of each weight that had a causal event

The dense network has the same three parts in multiply-accumulates: 3 for each weight,
but 2 in the first layer, over which nothing passes back.
"""

import copy
import time
from dataclasses import dataclass, field, replace

import numpy as np

from ...baselines import S4NNClassifier
from ...energy import CostModel
from ..runs import attempt
from .methods import METHODS

STEPS = (4, 8, 16, 32, 64, 128)  # of the rate code, by default
_N_MOMENTS = 61  # moments of the curve of a method with first spikes
_N_TRAINING = 1000  # training samples, at most, whose events are counted
# Where a cost model has no time of its own, times are in tau_syn, and this many steps
# are one: the choice of the presets, see docs/guide/energy.md.
_STEPS = 16


@dataclass(frozen=True)
class Settings:
    """The settings that all methods have in common.

    Without `max_iter` each method has the epochs that it has by default; with
    `event_cost` energies are also estimated for events that cost so many times as much.
    """

    seed: int
    cost_model: CostModel
    hidden: tuple = (100,)
    max_iter: int | None = None
    steps: tuple = STEPS  # after which the rate code is stopped, increasing
    event_cost: float | None = None

    @property
    def latency_unit(self):
        """The unit of latencies: that of the cost model, if it has a time."""
        return "tau_syn" if self.cost_model.tau_syn is None else "s"


@dataclass(frozen=True)
class Point:
    """A row of the table, of one split: numbers per sample, means.

    None stands for what a method does not have, or nobody knows. Shares are of samples;
    spikes, events and the decision are counted until the decision.
    """

    label: str  # which of the points of the method it is; "" if it has one
    accuracy: float  # by spikes, where there are any
    fit_seconds: float
    epochs: int | None
    dense_macs: int  # multiply-accumulates of a dense network of this shape
    undecided: float | None = None  # share without an output spike
    by_read_out: float | None = None  # share whose first output spike it makes
    # Accuracy of S4NN if outputs that are first together are right, or wrong.
    published: float | None = None
    strict: float | None = None
    hidden_spikes: float | None = None
    spikes: float | None = None  # of inputs, hidden and output neurons
    events: float | None = None  # synaptic ones
    macs: float = 0.0  # multiply-accumulates that are no events
    decision: float | None = None  # in the unit, "tau_syn" or "steps"
    unit: str = ""
    energy: float | None = None  # in J
    latency: float | None = None  # in s, or in tau_syn if the cost model has no time
    energy_at_event_cost: float | None = None
    break_even: float | None = None  # see `_break_even`
    training_spikes: float | None = None  # of a training sample: see the module
    training_events: float | None = None
    training_macs: float = 0.0

    @property
    def operations(self):
        """Events, and multiply-accumulates that are no events."""
        return (self.events or 0.0) + self.macs


@dataclass(frozen=True)
class Curve:
    """What is decided by any moment, of one split.

    The label is that of the point at its end; "" if it is the curve of all points. The
    lists have an element for each moment; latencies may be None.
    """

    label: str
    unit: str
    times: list
    accuracy: list
    events: list
    latency: list


@dataclass(frozen=True)
class Measured:
    """What a method did on one split; without points if it failed."""

    points: list = field(default_factory=list)
    curves: list = field(default_factory=list)
    error: str = ""
    warning: str = ""


def measure(task):
    """Fit a method to one split of the data, and count what it does.

    The name of the task is the key of a method, its model are the `Settings`.
    """
    return attempt(_measure, task, Measured)


def _measure(task):
    method, settings, data = METHODS[task.name], task.model, task.data
    train, test = data.splits[task.split]
    prepare = data.preprocessor()
    X, X_test = prepare.fit_transform(data.X[train]), prepare.transform(data.X[test])
    samples = X, data.y[train], X_test, data.y[test]
    parts = [
        _measure_variant(method, settings, label, parameters, *samples)
        for label, parameters in method.variants.items()
    ]
    return Measured(
        [point for part in parts for point in part.points],
        [curve for part in parts for curve in part.curves],
    )


def _measure_variant(method, settings, label, parameters, X, y, X_test, y_test):
    """Fit and count one of the models of a method."""
    if settings.max_iter is not None:
        parameters = {**parameters, "max_iter": settings.max_iter}
    model = method.make(settings.hidden, settings.seed, len(X), **parameters)
    start = time.perf_counter()
    model.fit(X, y)
    n_classes = len(model.classes_)
    hidden = model.hidden_layer_sizes
    sizes = (X.shape[1], *hidden, 1 if n_classes == 2 else n_classes)
    dense = np.multiply(sizes[:-1], sizes[1:])
    about = {
        "label": label,
        "fit_seconds": time.perf_counter() - start,
        "epochs": getattr(model, "n_iter_", None),
        "dense_macs": int(dense.sum()),
    }
    if method.learns_by_spikes:
        sampled = X[:: -(-len(X) // _N_TRAINING)]
        about |= training_counts(model.activity(sampled), method.passes_errors_back)
    else:
        about["training_macs"] = int(2 * dense.sum() + dense[1:].sum())
    return _POINTS[method.kind](model, X_test, y_test, settings, about)


def training_counts(activity, passes_errors_back):
    """Spikes and events of a training sample: see the module."""
    causal = activity.n_causal_events.mean(axis=0)
    back = causal[1:].sum() if passes_errors_back else sum(activity.sizes[1:-1])
    return {
        "training_spikes": float(activity.n_spikes.sum(axis=1).mean()),
        "training_events": float(2 * causal.sum() + back),
    }


def _measure_dense(model, X, y, settings, about):
    """The dense network: one point, no spikes, no curve."""
    energy = None
    if settings.cost_model.mac_energy is not None:
        energy = settings.cost_model.mac_energy * about["dense_macs"]
    point = Point(
        accuracy=model.score(X, y),
        macs=about["dense_macs"],
        energy=energy,
        energy_at_event_cost=energy,
        **about,
    )
    return Measured([point])


def _measure_first_spikes(model, X, y, settings, about):
    """A code of first spikes: one point at the decision, and a curve up to it."""
    activity = model.activity(X)
    moments = activity.t_max * np.linspace(0, 1, _N_MOMENTS)[1:]
    curve = _curve(model.anytime(X, y, moments), activity, settings, about["label"])
    accuracy = model.first_spike_score(X, y)
    if isinstance(model, S4NNClassifier):
        about["published"] = model.published_score(X, y)
        about["strict"] = model.strict_score(X, y)
    return Measured([_point(accuracy, activity, settings, about)], [curve])


def _measure_steps(model, X, y, settings, about):
    """A code that one may stop at any step: a point for each number of steps."""
    curve = model.anytime(X, y, settings.steps)
    points = []
    for n_steps, accuracy in zip(settings.steps, curve.accuracy, strict=True):
        activity = copy.copy(model).set_params(n_steps=n_steps).activity(X)
        labelled = {**about, "label": f"T = {n_steps}"}
        points.append(_point(accuracy, activity, settings, labelled))
    return Measured(points, [_curve(curve, activity, settings)])


_POINTS = {
    "dense": _measure_dense,
    "first spikes": _measure_first_spikes,
    "steps": _measure_steps,
}


def _point(accuracy, activity, settings, about):
    """The point of the activity of a spiking network."""
    spikes = activity.n_spikes_to_decision.mean(axis=0)
    model = settings.cost_model
    energies = [
        _mean(model.with_event_cost(factor).energy(activity))
        for factor in (0, 1, settings.event_cost or 1)
    ]
    # With a clock decision times are in steps.
    unit = 1 if activity.step else activity.tau_syn
    return Point(
        accuracy=float(accuracy),
        undecided=float(activity.is_undecided.mean()),
        by_read_out=float(activity.is_read_out.mean()),
        hidden_spikes=float(spikes[1:-1].sum()),
        spikes=float(spikes.sum()),
        events=float(activity.n_events_to_decision.sum(axis=1).mean()),
        macs=float(activity.n_macs.mean()),
        decision=float(activity.decision_times.mean() / unit),
        unit="steps" if activity.step else "tau_syn",
        energy=energies[1],
        latency=_mean(with_time(model).latency(activity)),
        energy_at_event_cost=energies[2],
        break_even=_break_even(model.mac_energy, about["dense_macs"], *energies[:2]),
        **about,
    )


def _mean(values):
    """The mean of finite values; None if a cost model does not know them."""
    mean = float(np.mean(values))
    return mean if np.isfinite(mean) else None


def with_time(model):
    """A cost model of which times are known: in tau_syn if it has none of its own."""
    if model.tau_syn is not None:
        return model
    return replace(model, tau_syn=1.0, steps=model.steps or _STEPS)


def _break_even(mac_energy, n_macs, others, energy):
    """The factor of the cost of events at which a dense network takes the same energy.

    `others` is the energy without events, in which it is linear. None: it is not known,
    or no factor would do, as events cost nothing.
    """
    if None in (mac_energy, others, energy) or energy <= others:
        return None
    return (mac_energy * n_macs - others) / (energy - others)


def _curve(anytime, activity, settings, label=""):
    """The curve of an Anytime; a moment has the latency of a decision then."""
    model, n_samples = with_time(settings.cost_model), activity.n_samples
    latency = [
        _mean(
            model.latency(replace(activity, decision_times=np.full(n_samples, moment)))
        )
        for moment in anytime.times
    ]
    return Curve(
        label,
        "steps" if activity.step else "tau_syn",
        *(
            np.asarray(values, float).tolist()
            for values in (anytime.times, anytime.accuracy, anytime.n_events)
        ),
        latency,
    )
