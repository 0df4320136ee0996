"""What a study finds: its files, from which it resumes, its table and its figure."""

import csv
import json
import os
from dataclasses import asdict, astuple, dataclass, fields
from itertools import groupby
from pathlib import Path

import numpy as np

from ..._files import write_text
from ..arguments import read_number
from ..data import DataError
from ..output import FIGURES, csv_text, panels
from ..terminal import Table, percent
from .study import SWEEPS, Run

TABLE = Table(
    ("sweep", "value", "chips", "naive %", "in the loop %", "recovered %"),
    (17, 8, 5, 12, 13, 12),
)
# What was recovered is printed where the loss is more than so many of its standard
# errors, and the standard error of the recovered part is at most the second number.
_MIN_LOSS, _MAX_ERROR = 2.0, 0.5


class Results:
    """The files of a study: a .csv of its runs, and a .json of settings and table.

    `out` is a folder, which may be new, or a path in one that exists, whose ending is
    replaced; the ending of a figure decides the format of the figure. `runs` are runs
    by their keys: those of the file that did not fail, and appended ones.
    """

    def __init__(self, out, settings):
        stem, ending = Path(out), FIGURES[0]
        is_folder = stem.is_dir() or out.endswith(("/", os.sep))
        if is_folder:
            stem = stem / "robustness"
        elif stem.suffix.lower() in (*FIGURES, ".csv", ".json"):
            if stem.suffix.lower() in FIGURES:
                ending = stem.suffix
            stem = stem.with_suffix("")
        self.csv, self.json, self.figure = (
            stem.with_name(stem.name + end) for end in (".csv", ".json", ending)
        )
        self.settings = settings
        self.runs = {}
        if self.csv.exists() or self.json.exists():
            self._check_settings()
        if self.csv.exists():
            self.runs = {run.key: run for run in _read(self.csv)}
        if is_folder:
            stem.parent.mkdir(exist_ok=True)
        self.write_table([])
        # Failed runs, and half a line at the end, are left out: they are run again.
        names = [field.name for field in fields(Run)]
        lines = [names, *(astuple(run) for run in self.runs.values())]
        write_text(self.csv, csv_text(lines))

    def _check_settings(self):
        try:
            held = dict(json.loads(self.json.read_text("utf-8"))["settings"])
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(
                f"{self.csv} or {self.json} is there, but no settings of a study: "
                "choose another --out"
            ) from None
        for name, value in self.settings.items():
            if held.get(name) != value:
                raise DataError(
                    f"{self.csv} holds results of other settings, {name} "
                    f"{held.get(name)} instead of {value}: choose another --out, or "
                    "delete it"
                )

    def append(self, runs):
        """Add runs to the file and to `runs`."""
        with open(self.csv, "a", newline="", encoding="utf-8") as file:
            file.write(csv_text(astuple(run) for run in runs))
        self.runs.update((run.key, run) for run in runs)

    def write_table(self, points):
        """Write the settings and the table, whose rows are the points."""
        content = {
            "settings": self.settings,
            "table": [asdict(point) for point in points],
        }
        write_text(self.json, json.dumps(content, indent=1))


def _read(path):
    """Yield the runs of a .csv file that did not fail."""
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        for line in csv.DictReader(file):
            try:
                if line["error"] == "":
                    yield Run(
                        line["sweep"],
                        read_number(line["value"], path),
                        int(line["chip"]),
                        *(float(line[k]) for k in ("ideal", "naive", "in_loop")),
                        float(line["seconds"]),
                    )
            except (KeyError, TypeError, ValueError):
                pass  # a line that was cut short when the command was killed


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
    parts = [(name, list(part)) for name, part in groupby(points, lambda p: p.sweep)]
    figure, grid = panels(len(parts), (3.2, 2.7), (0.0, 0.4))
    for ax, (name, part) in zip(grid.flat, parts, strict=False):
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
    for ax in grid[:, 0]:
        ax.set_ylabel("accuracy on the chip [%]")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3
    )
    return figure
