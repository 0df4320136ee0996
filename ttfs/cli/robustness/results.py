"""The files that a study writes, and from which it resumes."""

import csv
import json
import os
from dataclasses import asdict, astuple, fields
from pathlib import Path

from ..._files import write_text
from ..arguments import read_number
from ..data import DataError
from ..output import FIGURES, csv_text
from .study import Run


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
