"""The table of a study: means over chips, and what training in the loop recovers."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..terminal import Table

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


def percent(mean, error, digits=1):
    """A fraction and its error as a text in percent."""
    if mean is None:
        return "-"
    text = f"{100 * mean:.{digits}f}"
    return text if error is None else f"{text} ± {100 * error:.{digits}f}"


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
