"""Rows of the comparison, means over splits; what a reader must know; the figure."""

from dataclasses import asdict, dataclass, fields

import numpy as np

from ...energy.activity import quantity
from ..runs import about_threads
from ..terminal import Table, accuracy_text, percent
from .measure import Point, Settings, with_time
from .methods import METHODS

_FIELDS = [field.name for field in fields(Point)]

# The figure. A method looks the same whatever else is in it: colour and mark.
_STYLES = {
    key: (f"C{k}", mark)
    for k, (key, mark) in enumerate(zip(METHODS, "*osD^<hvPX", strict=True))
}
_TICKS = 0, 50, 70, 80, 85, 90, 93, 95, 96, 97, 98, 99, 100  # of accuracies
_BELOW = 10  # % of accuracy that are shown below the best point of the worst method

_MEANINGS = """\
accuracy by spikes: of the first output spike, or the count of spikes (rate code)
by read-out: samples in which no output fires until the read-out, which makes them fire
spikes: of inputs, hidden and output neurons until the decision, without biases
events: spikes, of biases too, that arrive at a neuron which has not fired, over a
  weight that is not 0, before the first output spike; of a rate code all
MACs: multiply-accumulates that are no events; the rate code has input currents
train events: of one training sample in one epoch: causal events, without an early stop;
  one for each weight that changes; one for each weight that an error passes over"""


@dataclass(frozen=True)
class Row:
    """A row of the table: a point of a method on a data set for each split.

    Where an error ended the method there are no points.
    """

    data: str
    method: str
    points: list
    settings: Settings
    error: str = ""
    warning: str = ""

    @property
    def method_title(self):
        """What the figure calls the method."""
        return METHODS[self.method].title

    @property
    def title(self):
        """What the table calls the row."""
        labels = [point.label for point in self.points[:1]]
        return " ".join([self.method_title, *filter(None, labels)])

    @property
    def accuracies(self):
        """The accuracy on each split."""
        return [point.accuracy for point in self.points]

    def mean(self, name):
        """The mean of a number of the points; None if a split does not have it."""
        values = [getattr(point, name) for point in self.points]
        return None if not values or None in values else float(np.mean(values))

    def cells(self):
        """The columns of the table as texts."""
        if self.error:
            return [self.data, self.title, f"error: {self.error}"]
        costs = [_quantity(self.mean("energy"), "J")]
        if self.settings.event_cost:
            costs.append(_quantity(self.mean("energy_at_event_cost"), "J"))
        unit = self.settings.latency_unit
        write = _quantity if unit == "s" else _time
        costs.append(write(self.mean("latency"), unit))
        epochs, training = self.mean("epochs"), _count(self.mean("training_events"))
        if training == "-":
            training = f"{_count(self.mean('training_macs'))} MACs"
        return [
            self.data,
            self.title,
            accuracy_text(self.accuracies),
            percent(self.mean("by_read_out")),
            *(_count(self.mean(name)) for name in ("spikes", "events", "macs")),
            _time(self.mean("decision"), self.points[0].unit),
            *costs,
            training,
            "-" if epochs is None else f"{epochs:.0f}",
            f"{self.mean('fit_seconds'):.2f}",
        ]

    def results(self):
        """The row as dictionaries for a file, one for each split."""
        head = {"data": self.data, "method": self.method, "title": self.title}
        tail = {"error": self.error, "warning": self.warning}
        if self.error:
            return [{**head, "split": None, **dict.fromkeys(_FIELDS), **tail}]
        return [
            {**head, "split": k + 1, **asdict(point), **tail}
            for k, point in enumerate(self.points)
        ]


def make_rows(task, measured):
    """The rows of a method on a data set, and its mean curves.

    `task` is one of its tasks; `measured` has a `Measured` for each split that was not
    left out. A curve is a dict of the mean lists of a `Curve`, with data, method, label
    and unit.
    """
    warning = next((part.warning for part in measured if part.warning), "")
    error = next((part.error for part in measured if part.error), "")
    if error:
        return [Row(*task.key, [], task.model, error, warning)], []
    rows = [
        Row(*task.key, list(points), task.model, warning=warning)
        for points in zip(*(part.points for part in measured), strict=True)
    ]
    of_splits = zip(*(part.curves for part in measured), strict=True)
    return rows, [_mean_curve(task, curves) for curves in of_splits]


def _mean_curve(task, curves):
    data, method = task.key
    mean = {"data": data, "method": method, "label": curves[0].label}
    mean["unit"] = curves[0].unit
    for name in ("times", "accuracy", "events", "latency"):
        values = [getattr(curve, name) for curve in curves]
        is_known = not any(None in part for part in values)
        mean[name] = np.mean(values, axis=0).tolist() if is_known else None
    return mean


def make_table(settings):
    """The table of rows with these settings."""
    columns = {
        "data": 14,
        "method": 26,
        "accuracy %": 12,
        "by read-out %": 13,
        "spikes": 9,
        "events": 10,
        "MACs": 9,
        "decision": 13,
        "energy": 9,
    }
    if settings.event_cost:
        columns[f"events x {settings.event_cost:g}"] = 12
    columns |= {"latency": 13, "train events": 14, "epochs": 6, "fit s": 7}
    return Table(tuple(columns), tuple(columns.values()))


def _count(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.1f}"


def _time(value, unit):
    return "-" if value is None else f"{value:.3g} {unit}"


def _quantity(value, unit):
    return "-" if value is None else quantity(value, unit)


def settings_of(settings, data, hidden):
    """The settings for a file."""
    return {
        "hidden": [list(hidden or part.hidden) for part in data],
        "seed": settings.seed,
        "max_iter": settings.max_iter,
        "steps": list(settings.steps),
        "cost_model": asdict(settings.cost_model),
        "event_cost": settings.event_cost,
        "latency_unit": settings.latency_unit,
    }


def notes_of(rows, settings):
    """The lines below the table of rows."""
    notes = [
        *_MEANINGS.split("\n"),
        *_about_costs(settings),
        *_against_dense(rows),
        *_about_ties(rows),
    ]
    if settings.max_iter is None:
        notes.append("epochs: those that each method has by default")
    warnings = [
        f"{row.data}, {row.method_title} warns: {row.warning}"
        for row in rows
        if row.warning
    ]
    return [*notes, about_threads(), *dict.fromkeys(warnings)]


def _about_costs(settings):
    model = settings.cost_model
    yield f"cost model {model.name} ({model.kind}): {model.source}"
    if model.mac_energy is None:
        yield "  it knows no dense network: its energy is not known"
    if model.tau_syn is None:
        yield (
            "  it has no time of its own: latencies are in tau_syn, of "
            f"{with_time(model).steps:g} steps where a code has a clock"
        )
    elif not model.steps:
        yield "  it has no clock: codes in steps have no latency"


def _about_ties(rows):
    """How a code whose outputs fire together would be counted otherwise."""
    for row in rows:
        published, strict = row.mean("published"), row.mean("strict")
        if None not in (published, strict):
            yield (
                f"{row.data}, {row.title}: accuracy {100 * published:.1f} % if outputs "
                "that are first together all count, as it was published;"
            )
            yield f"  {100 * strict:.1f} % if none of them does"


def _against_dense(rows):
    """What an event may cost until the dense network takes less energy."""
    parts = []
    for row in rows:
        factor = row.mean("break_even")
        if factor is not None:
            parts.append(f"{row.data}, {row.title} {factor:.3g}")
    if parts:
        yield (
            "an event may cost so many times as much before a dense network of the "
            "same size takes less energy:"
        )
        yield "  " + "; ".join(parts)


def plot(rows, curves, settings):
    """A figure of accuracy against operations and latency, two panels a data set.

    Operations are synaptic events, and multiply-accumulates that are no events. A
    method with first spikes is a mark at the mean of its decisions, and a curve of what
    is decided if all samples are stopped at the same moment: in the panel of times the
    mark does not lie on it. A rate code is a line over its steps, with a mark at each
    of them; a dense network is a mark, and a line in the other panel, since no cost
    model knows its latency. Accuracies are stretched towards 100 %.

    `rows` are those without an error, at least one; `curves` are of `make_rows`.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import (
        EngFormatter,
        LogLocator,
        NullFormatter,
        StrMethodFormatter,
    )

    plain = StrMethodFormatter("{x:,g}")
    has_seconds = settings.latency_unit == "s"
    formatters = plain, EngFormatter(unit="s") if has_seconds else plain
    unit = "" if has_seconds else f" [{settings.latency_unit}]"

    names = list(dict.fromkeys(row.data for row in rows))
    figure = Figure((9.5, 4.2 * len(names) + 0.9), layout="constrained")
    grid = figure.subplots(len(names), 2, sharey="row", squeeze=False)
    for axes, name in zip(grid, names, strict=True):
        mine = [row for row in rows if row.data == name]
        held = {
            (curve["method"], curve["label"]): curve
            for curve in curves
            if curve["data"] == name
        }
        best = {}
        for row in mine:
            best[row.method] = max(100 * row.mean("accuracy"), best.get(row.method, 0))
        bottom = max(0, min(best.values()) - _BELOW)
        is_low = max(best.values()) < _TICKS[1]
        top = max(best.values()) + _BELOW if is_low else 100
        ticks = range(0, 100, 10) if is_low else _TICKS
        for key in best:
            points = [row for row in mine if row.method == key]
            _draw(axes, points, held, bottom, *_STYLES[key])
        axes[0].set_yscale("function", functions=(_stretch, _shrink))
        axes[0].set_yticks([tick for tick in ticks if bottom <= tick <= top])
        axes[0].set_ylim(bottom, top)
        axes[0].set_ylabel(f"{name}: accuracy by spikes [%]")
        axes[0].set_xlabel("synaptic events and multiply-accumulates")
        axes[1].set_xlabel(
            f"time until the decision{unit}\n"
            "marks: mean decision; curves: all stop at that time"
        )
        for ax, formatter in zip(axes, formatters, strict=True):
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter(formatter)
            ax.xaxis.set_minor_formatter(NullFormatter())
            ax.grid(alpha=0.3)
    handles = {}
    for ax in grid[:, 0]:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _stretch(accuracy):
    """The scale of accuracies: nearly that of the logarithm of the error."""
    return -np.log(101 - np.minimum(accuracy, 100))


def _shrink(height):
    """The accuracy at a height, see `_stretch`."""
    return 101 - np.exp(-height)


def _draw(axes, points, curves, bottom, color, mark):
    """Draw a method into both panels: the marks of its points, and their curves.

    Curves are left out below `bottom`, and where nothing is decided any more. That of a
    code in steps is the line through its points.
    """
    accuracy = [100 * row.mean("accuracy") for row in points]
    deviation = [100 * np.std(row.accuracies) for row in points]
    marks = {"color": color, "marker": mark, "linewidth": 1, "zorder": 3}
    marks["label"] = points[0].method_title
    if points[0].mean("events") is None:  # a dense network
        operations = [row.mean("operations") for row in points]
        axes[0].plot(operations, accuracy, linestyle="none", markersize=12, **marks)
        axes[1].axhline(accuracy[0], color=color, linestyle=":")
        return
    names = ("operations", "events"), ("latency", "latency")
    for ax, (name, of_curve) in zip(axes, names, strict=True):
        x = [row.mean(name) for row in points]
        if None not in x:
            ax.plot(x, accuracy, linestyle="-" if len(x) > 1 else "none", **marks)
            ax.errorbar(x, accuracy, deviation, fmt="none", color=color, alpha=0.4)
        for row in points:
            curve = curves.get((row.method, row.points[0].label))
            if curve is None or curve[of_curve] is None:
                continue
            y = 100 * np.array(curve["accuracy"])
            shown = slice(int(np.argmax(y >= bottom)), int(np.argmax(y)) + 1)
            ax.plot(curve[of_curve][shown], y[shown], color=color, linewidth=0.8)
