"""Table and figure of a study: means over chips, and what the loop recovers."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..terminal import Table, percent
from .sweeps import SWEEPS

TABLE = Table(
    ("sweep", "value", "chips", "naive %", "in the loop %", "recovered %"),
    (17, 8, 5, 12, 13, 12),
)
# What was recovered is printed where the loss is more than so many of its standard
# errors, and the standard error of the recovered part is at most the second number.
_MIN_LOSS, _MAX_ERROR = 2.0, 0.5


@dataclass(frozen=True)
class Point:
    """A row of the table: means and standard deviations over the chips of a point.

    A number is None where too few chips, or too small a loss, give it no meaning.
    """

    sweep: str
    value: float
    chips: int
    ideal: float | None
    ideal_sd: float | None
    naive: float | None
    naive_sd: float | None
    in_loop: float | None
    in_loop_sd: float | None
    recovered: float | None
    recovered_error: float | None
    errors: list

    def cells(self):
        """The columns of the table as strings."""
        value = f"{self.value:g}"
        if not self.chips:
            return [self.sweep, value, f"error: {self.errors[0]}"]
        return [
            self.sweep,
            value,
            str(self.chips),
            percent(self.naive, self.naive_sd),
            percent(self.in_loop, self.in_loop_sd),
            percent(self.recovered, self.recovered_error, digits=0),
        ]


def summarise(runs):
    """The rows of the table: the runs of a point follow each other."""
    return [
        _summary(name, value, list(group))
        for (name, value), group in groupby(runs, lambda run: (run.sweep, run.value))
    ]


def _summary(name, value, runs):
    good = [run for run in runs if not run.error]
    numbers = []
    for kind in ("ideal", "naive", "in_loop"):
        numbers += mean_sd([getattr(run, kind) for run in good])
    return Point(
        name,
        value,
        len(good),
        *numbers,
        *_recovered(good),
        errors=[f"chip {run.chip}: {run.error}" for run in runs if run.error],
    )


def mean_sd(values):
    """Mean and standard deviation; None where there are too few values."""
    mean = float(np.mean(values)) if values else None
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else None


def _recovered(runs):
    """The part of the loss that training in the loop recovers, and its standard error.

    The part is the ratio of the mean gain to the mean loss. Its error is, to first
    order, the error of the mean of gain - ratio * loss, divided by the mean loss. Both
    are None where the loss is not significant or the error is large.
    """
    n = len(runs)
    if n < 2:
        return None, None
    loss = np.array([run.ideal - run.naive for run in runs])
    gain = np.array([run.in_loop - run.naive for run in runs])
    error = loss.std(ddof=1) / np.sqrt(n)
    if not loss.mean() > _MIN_LOSS * error:
        return None, None
    ratio = gain.mean() / loss.mean()
    error = np.std(gain - ratio * loss, ddof=1) / np.sqrt(n) / loss.mean()
    return (float(ratio), float(error)) if error <= _MAX_ERROR else (None, None)


def ideal_accuracies(runs):
    """The ideal accuracy of each chip, once."""
    return list({run.chip: run.ideal for run in runs if run.ideal is not None}.values())


def print_notes(table, runs):
    """Print what a reader of the table must know, and the errors."""
    ideal = ideal_accuracies(runs)
    if ideal:
        print(f"ideal: {percent(*mean_sd(ideal))} % without a chip")
    print("accuracy: mean ± standard deviation over chips")
    print("naive: trained without the chip; in the loop: on it")
    print("recovered: (in the loop - naive) / (ideal - naive) ± its standard error")
    for point in table:
        for error in point.errors:
            print(f"{point.sweep} {point.value:g}, {error}")


def plot(points, ideal):
    """A figure of accuracy against value, with a panel for each sweep.

    `points` are rows of the table, at least one; `ideal` is the accuracy without a
    chip.
    """
    from matplotlib.figure import Figure

    panels = [(name, list(part)) for name, part in groupby(points, lambda p: p.sweep)]
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure = Figure((3.2 * n_columns, 2.7 * n_rows + 0.4), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
    axes = grid.ravel()
    for ax, (name, part) in zip(axes, panels, strict=False):
        x = [point.value for point in part]
        ax.axhline(100 * ideal, color="0.5", linestyle="--", label="ideal")
        for kind, label, color in (
            ("in_loop", "trained in the loop", "C0"),
            ("naive", "trained without the chip", "C1"),
        ):
            y = [100 * getattr(point, kind) for point in part]
            sd = [100 * (getattr(point, f"{kind}_sd") or 0) for point in part]
            ax.errorbar(x, y, sd, color=color, marker="o", capsize=2, label=label)
        ax.set_xlabel(SWEEPS[name].label)
        if all(isinstance(value, int) for value in x):
            ax.set_xticks(x)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in grid[:, 0]:
        ax.set_ylabel("accuracy on the chip [%]")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3
    )
    return figure
