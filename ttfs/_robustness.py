"""``ttfs robustness``: what a chip costs, and what training in the loop recovers."""

import copy
import csv
import json
import os
import time
import zlib
from dataclasses import asdict, astuple, dataclass, fields, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from . import __version__
from ._classifier import TTFSClassifier
from ._compare import Data, DataError, _interrupts, _line, _one_line, _progress
from ._spikes import blocks
from .substrates import PRESETS, AnalogChip
from .substrates.settings import make_chip, read_value

UPDATES, QUICK_UPDATES = 6000, 1500  # of a training, by default
CHIPS, QUICK_CHIPS = 5, 2

_CLIP = PRESETS["delgrad"].parameters["weight_clip"]
# Features times rows per feature: 5 rows for the 4 of Yin-Yang, as was published. Where
# inputs are few their weights are large.
_ROWS = 20
# The features of Yin-Yang are complements of each other.
_ENCODERS = {"yin_yang": "latency"}

# Where it is said what was recovered: the loss is at least so many standard errors, and
# the standard error of the ratio is at most this.
_LEAST_LOSS, _MOST_ERROR = 2.0, 0.5
_COLUMNS = ("sweep", "value", "chips", "naive %", "in the loop %", "recovered %")
_WIDTHS = (17, 8, 5, 12, 13, 12)
_FIGURES = (".png", ".svg", ".pdf")

# Parameters of TTFSClassifier with which outputs fire in nearly all samples: here only
# spikes count.
FIRING = {"time_scale": 0.1, "early_firing": 0.01}


@dataclass(frozen=True)
class Sweep:
    """Parameters of AnalogChip that take the same value, and their usual values."""

    parameters: tuple
    values: tuple
    label: str
    is_default: bool = True


SWEEPS = {
    "weight_bits": Sweep(("weight_bits",), (2, 3, 4, 6), "bits of a weight"),
    "weight_clip": Sweep(
        ("weight_clip",), (0.2, 0.4, 0.8, 1.6), "greatest weight [threshold]"
    ),
    "spike_jitter": Sweep(
        ("spike_jitter",), (0.01, 0.02, 0.05, 0.1), "jitter of spikes [tau_syn]"
    ),
    "threshold_spread": Sweep(
        ("threshold_spread",), (0.02, 0.05, 0.1, 0.2), "spread of thresholds"
    ),
    "tau_spread": Sweep(
        ("tau_mem_spread", "tau_syn_spread"),
        (0.05, 0.1, 0.2, 0.3),
        "spread of time constants",
    ),
    "dead_neurons": Sweep(
        ("dead_neurons",), (0.02, 0.05, 0.1, 0.2), "fraction of dead neurons"
    ),
    "threshold_jitter": Sweep(
        ("threshold_jitter",),
        (0.01, 0.02, 0.05, 0.1),
        "jitter of thresholds",
        is_default=False,
    ),
    "time_resolution": Sweep(
        ("time_resolution",),
        (0.01, 0.02, 0.05, 0.1),
        "time resolution [tau_syn]",
        is_default=False,
    ),
    "spurious_rate": Sweep(
        ("spurious_rate",),
        (0.005, 0.01, 0.02, 0.05),
        "rate of spurious spikes [1 / tau_syn]",
        is_default=False,
    ),
    "dead_synapses": Sweep(
        ("dead_synapses",),
        (0.02, 0.05, 0.1, 0.2),
        "fraction of dead synapses",
        is_default=False,
    ),
}


def read_sweeps(texts):
    """The points (sweep, value) of texts ``NAME`` or ``NAME=v1,v2,...``, in order.

    No text at all stands for the default sweeps.
    """
    chosen = {}
    for text in texts or [name for name, sweep in SWEEPS.items() if sweep.is_default]:
        name, equals, values = text.partition("=")
        name = name.strip()
        if name not in SWEEPS:
            raise ValueError(f"unknown sweep {name!r}: choose from {', '.join(SWEEPS)}")
        numbers = SWEEPS[name].values
        if equals:
            numbers = [read_value(part.strip()) for part in values.split(",")]
        if not all(number is not None and np.isfinite(number) for number in numbers):
            raise ValueError(f"values of {name} must be finite numbers, got {values!r}")
        chosen.setdefault(name, set()).update(numbers)
    return [(name, value) for name in chosen for value in sorted(chosen[name])]


def make_base(data, preset, settings):
    """The chip that sweeps start from; with neither preset nor settings an ideal one.

    Only its wiring follows from the data: the fewer features, the more rows each.
    """
    if preset is None:
        rows = max(1, round(_ROWS / data.X.shape[1]))
        settings = [f"rows_per_input={rows}", *settings]
    return make_chip(preset, settings)


def make_point(base, name, value, number):
    """Chip `number` of a point of a sweep."""
    parameters = {key: getattr(base, key) for key in AnalogChip.__init__.__kwdefaults__}
    if name == "weight_bits" and base.weight_clip is None:
        parameters["weight_clip"] = _CLIP
    parameters.update(dict.fromkeys(SWEEPS[name].parameters, value))
    return AnalogChip(**{**parameters, "random_state": base.random_state + number})


def n_epochs(n_samples, n_updates):
    """Epochs that make this number of updates, about."""
    batch_size = TTFSClassifier()._batch_size(n_samples)
    return max(1, round(n_updates / -(-n_samples // batch_size)))


# -- Runs ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Study:
    """What all runs have in common."""

    data: Data
    base: AnalogChip
    hidden: tuple
    max_iter: int

    def settings(self):
        """What results depend on, for a file."""
        data = self.data
        return {
            "ttfs": __version__,
            "data": data.name,
            "checksum": zlib.crc32(
                np.asarray(data.y).astype(str), zlib.crc32(np.ascontiguousarray(data.X))
            ),
            "splits": len(data.splits),
            "hidden": ",".join(map(str, self.hidden)),
            "max_iter": self.max_iter,
            **FIRING,
            "base": repr(self.base),
        }

    def split(self, number):
        """Training and test data of chip `number`: folds take turns."""
        train, test = self.data.splits[number % len(self.data.splits)]
        X, X_test = self.data.X[train], self.data.X[test]
        if self.data.scaler is not None:
            scaler = self.data.scaler().fit(X)
            X, X_test = scaler.transform(X), scaler.transform(X_test)
        return X, self.data.y[train], X_test, self.data.y[test]

    def model(self, number, substrate=None):
        """The classifier of chip `number`, not yet trained."""
        return TTFSClassifier(
            hidden_layer_sizes=self.hidden,
            encoder=_ENCODERS.get(self.data.name, "auto"),
            max_iter=self.max_iter,
            **FIRING,
            random_state=number,
            substrate=substrate,
        )


@dataclass(frozen=True)
class Run:
    """Test accuracies of one chip; None where an error came before."""

    sweep: str
    value: float
    chip: int
    ideal: float | None = None
    naive: float | None = None
    in_loop: float | None = None
    seconds: float = 0.0
    error: str = ""

    @property
    def key(self):
        """What `sweep` is asked for."""
        return self.sweep, self.value, self.chip


def _threads():
    """One thread for each model unless OMP_NUM_THREADS is set, as in `compare`."""
    return threadpool_limits(None if "OMP_NUM_THREADS" in os.environ else 1)


def score_by_spikes(model, X, y):
    """Accuracy, where a sample in which no output fires is wrong."""
    first = model.spike_times(X)[-1]
    is_right = model.classes_[first.argmin(axis=1)] == y
    return float(np.mean(is_right & np.isfinite(first).any(axis=1)))


def train_ideal(study, number):
    """The model of chip `number` trained without it, its accuracy, and an error."""
    X, y, X_test, y_test = study.split(number)
    try:
        with _threads():
            model = study.model(number).fit(X, y)
            return model, score_by_spikes(model, X_test, y_test), ""
    except Exception as error:  # the other chips are still tried
        return None, None, _one_line(error)


def measure(study, ideal, name, value, number):
    """The run of a chip: the ideal model on it, and one that was trained on it."""
    model, accuracy, error = ideal
    run = Run(name, value, number, ideal=accuracy, error=error)
    if error:
        return run
    start = time.perf_counter()
    chip = make_point(study.base, name, value, number)
    X, y, X_test, y_test = study.split(number)
    try:
        with _threads():
            naive = copy.copy(model).set_params(substrate=chip)
            run = replace(run, naive=score_by_spikes(naive, X_test, y_test))
            in_loop = study.model(number, chip).fit(X, y)
            run = replace(run, in_loop=score_by_spikes(in_loop, X_test, y_test))
    except Exception as error:  # the other chips are still tried
        run = replace(run, error=_one_line(error))
    return replace(run, seconds=time.perf_counter() - start)


def sweep(study, keys, n_jobs=1):
    """Measure runs, given by their keys (sweep, value, number of the chip).

    Yields
    ------
    block : list of Run
        As they are finished, some at a time and in order.
    """
    n_jobs = effective_n_jobs(n_jobs)
    numbers = sorted({number for *_, number in keys})
    with Parallel(n_jobs) as parallel:
        ideals = parallel(delayed(train_ideal)(study, number) for number in numbers)
        ideals = dict(zip(numbers, ideals, strict=True))
        for rows in blocks(len(keys), n_jobs):
            yield parallel(
                delayed(measure)(study, ideals[key[-1]], *key) for key in keys[rows]
            )


# -- Files -----------------------------------------------------------------------------


class Results:
    """The files of a study: runs as they come, and the table with its settings.

    Parameters
    ----------
    out : str
        A folder, or a path without its ending; that of a figure decides its format.
    settings : dict
        Of the study; those in the files must be the same.
    """

    def __init__(self, out, settings):
        stem, ending = Path(out), _FIGURES[0]
        if stem.is_dir() or out.endswith(("/", os.sep)):
            stem = stem / "robustness"
        elif stem.suffix.lower() in (*_FIGURES, ".csv", ".json"):
            if stem.suffix.lower() in _FIGURES:
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
        stem.parent.mkdir(parents=True, exist_ok=True)
        self.write_table([])
        # Without failed runs and half a line: they are run again.
        names = [field.name for field in fields(Run)]
        lines = [names, *(astuple(run) for run in self.runs.values())]
        _replace(self.csv, lambda file: csv.writer(file).writerows(lines))

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
        """Keep runs, in memory and on the disk."""
        with open(self.csv, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(astuple(run) for run in runs)
        self.runs.update((run.key, run) for run in runs)

    def write_table(self, points):
        content = {
            "settings": self.settings,
            "table": [asdict(point) for point in points],
        }
        _replace(self.json, lambda file: json.dump(content, file, indent=1))


def _replace(path, write):
    """Write a file that is complete at any time."""
    part = path.with_name(path.name + ".part")
    with open(part, "w", newline="", encoding="utf-8") as file:
        write(file)
    os.replace(part, path)


def _read(path):
    """The runs of a file that did not fail."""
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        for line in csv.DictReader(file):
            try:
                if line["error"] == "":
                    yield Run(
                        line["sweep"],
                        read_value(line["value"]),
                        int(line["chip"]),
                        *(float(line[k]) for k in ("ideal", "naive", "in_loop")),
                        float(line["seconds"]),
                    )
            except (KeyError, TypeError, ValueError):
                pass  # written by half when a run was killed


# -- Table and figure ------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """A row of the table: means and standard deviations over chips."""

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
            _percent(self.naive, self.naive_sd),
            _percent(self.in_loop, self.in_loop_sd),
            _percent(self.recovered, self.recovered_error, digits=0),
        ]


def summarise(runs):
    """The rows of the table, of runs in order."""
    return [
        _summary(name, value, list(group))
        for (name, value), group in groupby(runs, lambda run: (run.sweep, run.value))
    ]


def _summary(name, value, runs):
    good = [run for run in runs if not run.error]
    numbers = []
    for kind in ("ideal", "naive", "in_loop"):
        numbers += _mean_sd([getattr(run, kind) for run in good])
    return Point(
        name,
        value,
        len(good),
        *numbers,
        *_recovered(good),
        errors=[f"chip {run.chip}: {run.error}" for run in runs if run.error],
    )


def _mean_sd(values):
    mean = float(np.mean(values)) if values else None
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else None


def _recovered(runs):
    """The part of the loss that training in the loop recovers, and its standard error.

    The ratio of mean differences, with the error of a ratio to first order: that of the
    mean of gain - ratio * loss over mean loss. (None, None) where they mean nothing.
    """
    n = len(runs)
    if n < 2:
        return None, None
    loss = np.array([run.ideal - run.naive for run in runs])
    gain = np.array([run.in_loop - run.naive for run in runs])
    error = loss.std(ddof=1) / np.sqrt(n)
    if not loss.mean() > _LEAST_LOSS * error:
        return None, None
    ratio = gain.mean() / loss.mean()
    error = np.std(gain - ratio * loss, ddof=1) / np.sqrt(n) / loss.mean()
    return (float(ratio), float(error)) if error <= _MOST_ERROR else (None, None)


def _percent(mean, error, digits=1):
    if mean is None:
        return "-"
    text = f"{100 * mean:.{digits}f}"
    return text if error is None else f"{text} ± {100 * error:.{digits}f}"


def _ideal(runs):
    """The ideal accuracy of each chip, once."""
    return list({run.chip: run.ideal for run in runs if run.ideal is not None}.values())


def plot(points, ideal, path):
    """Draw accuracy against value, a panel for each sweep.

    Parameters
    ----------
    points : list of Point
        At least one.
    ideal : float
        Accuracy without a chip.
    path : path
        The figure; its ending decides the format.

    Raises
    ------
    ImportError
        Without matplotlib.
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
    figure.savefig(path, dpi=150)


# -- The command -----------------------------------------------------------------------


def robustness(study, points, n_chips, out, n_jobs=1, with_figure=True):
    """Run a study, print its table and write its files.

    Runs that are in the files are not run again, but those that failed are.

    Parameters
    ----------
    study : Study
    points : list of (str, float)
        Names of sweeps, and values.
    n_chips : int
        Chips for each point.
    out : str
        See `Results`.
    n_jobs : int, default=1
        Processes, as in joblib.
    with_figure : bool, default=True

    Returns
    -------
    status : int
        0, or 1 if a chip failed, or 130 after Ctrl-C.

    Raises
    ------
    ValueError
        If there is no such chip, or the files hold results of other settings.
    """
    for name, value in points:
        make_point(study.base, name, value, n_chips - 1)
    results = Results(out, study.settings())
    wanted = [(*point, number) for point in points for number in range(n_chips)]
    _print_head(study, n_chips, results)
    status = 0
    with _interrupts() as interrupted:
        try:
            _run_all(study, wanted, results, n_jobs, interrupted)
        except KeyboardInterrupt:
            status = 130
        finally:
            _progress("")
    runs = [results.runs[key] for key in wanted if key in results.runs]
    table = summarise(runs)
    results.write_table(table)
    _print_table(table, runs)
    print(f"written: {results.csv}, {results.json}")
    if with_figure:
        _draw(table, runs, results.figure)
    if status == 130:
        print("interrupted: the same command goes on from here")
    elif any(run.error for run in runs):
        status = 1
    return status


def _run_all(study, wanted, results, n_jobs, interrupted):
    """Measure the missing runs; print a row when all its chips are there."""
    missing = [key for key in wanted if key not in results.runs]
    n_done = len(wanted) - len(missing)
    if n_done:
        print(f"{n_done} of {len(wanted)} runs are in {results.csv}")
    rows = [list(row) for _, row in groupby(wanted, lambda key: key[:2])]

    def print_rows():
        while rows and all(key in results.runs for key in rows[0]):
            row = [results.runs[key] for key in rows.pop(0)]
            print(_line(summarise(row)[0].cells(), _WIDTHS), flush=True)

    print(_line(_COLUMNS, _WIDTHS), flush=True)
    print_rows()
    if not missing:
        return
    _progress("training without a chip")
    blocks_done = 0
    for block in sweep(study, missing, n_jobs):
        if interrupted:
            raise KeyboardInterrupt
        results.append(block)
        n_done += len(block)
        seconds = np.mean([run.seconds for run in results.runs.values()])
        left = _duration(seconds * (len(wanted) - n_done) / effective_n_jobs(n_jobs))
        _progress("")
        if blocks_done == 0:
            print(f"a run takes {_duration(seconds)}; about {left} to go", flush=True)
        blocks_done += 1
        print_rows()
        _progress(f"{n_done} of {len(wanted)} runs; about {left} to go")


def _duration(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _print_head(study, n_chips, results):
    train, test = study.data.splits[0]
    print(
        f"{study.data.name}: {len(train)} training and {len(test)} test samples; "
        f"hidden neurons: {','.join(map(str, study.hidden))}; "
        f"{study.max_iter} epochs; {n_chips} chips"
    )
    print(f"chip before a sweep: {study.base!r}")


def _print_table(table, runs):
    """Print all rows, those of a sweep together."""
    cells = [_COLUMNS, *(point.cells() for point in table)]
    widths = [
        max(len(row[k]) for row in cells if k < 2 or len(row) == len(_COLUMNS))
        for k in range(len(_COLUMNS))
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    print()
    print(_line(_COLUMNS, widths))
    for _, part in groupby(table, lambda point: point.sweep):
        print(rule)
        for point in part:
            print(_line(point.cells(), widths))
    print(rule)
    ideal = _ideal(runs)
    if ideal:
        print(f"ideal: {_percent(*_mean_sd(ideal))} % without a chip")
    print("accuracy: mean ± standard deviation over chips")
    print("naive: trained without the chip; in the loop: on it")
    print("recovered: (in the loop - naive) / (ideal - naive) ± its standard error")
    for point in table:
        for error in point.errors:
            print(f"{point.sweep} {point.value:g}, {error}")


def _draw(table, runs, path):
    points = [point for point in table if point.chips]
    if not points:
        return
    try:
        plot(points, float(np.mean(_ideal(runs))), path)
    except ImportError:
        print('no figure without matplotlib: pip install "scikit-ttfs[plot]"')
    else:
        print(f"drawn: {path}")
