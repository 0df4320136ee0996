"""The rows of the comparison: means over the splits of a data set."""

from dataclasses import asdict, dataclass, fields

import numpy as np

from ...core import __version__
from ...energy.activity import quantity
from ..terminal import Table
from .measure import Point
from .methods import METHODS

_FIELDS = [field.name for field in fields(Point)]


@dataclass(frozen=True)
class Row:
    """A row of the table: a point of a method on a data set for each split.

    Where an error ended the method there are no points.
    """

    data: str
    method: str
    points: list
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

    def cells(self, settings):
        """The columns of the table as texts."""
        if self.error:
            return [self.data, self.title, f"error: {self.error}"]
        accuracy = f"{100 * np.mean(self.accuracies):.1f}"
        if len(self.points) > 1:
            accuracy += f" ± {100 * np.std(self.accuracies):.1f}"
        costs = [_quantity(self.mean("energy"), "J")]
        if settings.event_cost:
            costs.append(_quantity(self.mean("energy_at_event_cost"), "J"))
        write = _quantity if settings.latency_unit == "s" else _time
        costs.append(write(self.mean("latency"), settings.latency_unit))
        epochs, training = self.mean("epochs"), _count(self.mean("training_events"))
        if training == "-":
            training = f"{_count(self.mean('training_macs'))} MACs"
        return [
            self.data,
            self.title,
            accuracy,
            _percentage(self.mean("by_read_out")),
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
        return [Row(*task.key, [], error, warning)], []
    rows = [
        Row(*task.key, list(points), warning=warning)
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


def _percentage(share):
    return "-" if share is None else f"{100 * share:.1f}"


def _count(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.1f}"


def _time(value, unit):
    if value is None:
        return "-"
    return f"{value:.3g} {unit}"


def _quantity(value, unit):
    return "-" if value is None else quantity(value, unit)


def content_of(settings, data, tasks, rows):
    """Settings and results for a file: see `ttfs.cli.output.write_results`."""
    hidden = {task.data.name: list(task.model.hidden) for task in tasks}
    about = {
        "ttfs": __version__,
        "data": [part.name for part in data],
        "splits": [len(part.splits) for part in data],
        "hidden": [hidden[part.name] for part in data],
        "seed": settings.seed,
        "max_iter": settings.max_iter,
        "steps": list(settings.steps),
        "cost_model": asdict(settings.cost_model),
        "event_cost": settings.event_cost,
        "latency_unit": settings.latency_unit,
    }
    return about, [result for row in rows for result in row.results()]
