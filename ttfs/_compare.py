"""``ttfs compare``: TTFSClassifier beside scikit-learn classifiers."""

import csv
import os
import signal
import sys
import threading
import time
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.multiclass import type_of_target
from threadpoolctl import threadpool_limits

from .datasets import make_yin_yang
from .estimators import TTFSClassifier

BUNDLED = ("yin_yang", "iris", "wine", "breast_cancer", "digits")

_LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
}
_COLUMNS = ("data", "model", "accuracy %", "fit s", "predict /s", "hidden spikes")
_WIDTHS = (14, 30, 12, 9, 11, 14)


class DataError(ValueError):
    """A data set that cannot be used; the message is one line."""


@dataclass(frozen=True)
class Data:
    """A data set, its (train, test) index pairs and its scaler class or None."""

    name: str
    X: np.ndarray
    y: np.ndarray
    splits: list
    scaler: type | None = StandardScaler
    hidden: tuple = (100,)


@dataclass
class Row:
    """Results of one model on one data set, one list element per split."""

    data: str
    model: str
    scores: list = field(default_factory=list)
    fit_seconds: list = field(default_factory=list)
    predict_rates: list = field(default_factory=list)  # samples per second
    spikes: list = field(default_factory=list)  # hidden spikes per sample
    n_hidden: int = 0
    error: str = ""
    warning: str = ""

    def cells(self):
        """The columns of the table as strings."""
        if self.error:
            return [self.data, self.model, f"error: {self.error}"]
        accuracy = f"{100 * np.mean(self.scores):.1f}"
        if len(self.scores) > 1:
            accuracy += f" ± {100 * np.std(self.scores):.1f}"
        spikes = f"{np.mean(self.spikes):.1f}/{self.n_hidden}" if self.spikes else "-"
        return [
            self.data,
            self.model,
            accuracy,
            f"{np.mean(self.fit_seconds):.3f}",
            f"{np.mean(self.predict_rates):,.0f}",
            spikes,
        ]


def load_data(name, cv, seed):
    """Load a data set by its name or from a file, and check it.

    Parameters
    ----------
    name : str
        One of `BUNDLED`, or the path of a .npz or .csv file.

    cv : int
        Number of folds; Yin-Yang has one split into its published sets instead.

    seed : int
        Seed of the folds.

    Returns
    -------
    data : Data

    Raises
    ------
    DataError
        If there is no such data set or it is unfit for classification.
    """
    if name == "yin_yang":
        X, y = make_yin_yang(5000, random_state=42)
        X_test, y_test = make_yin_yang(1000, random_state=40)
        return Data(
            name,
            np.vstack([X, X_test]),
            np.concatenate([y, y_test]),
            splits=[(np.arange(5000), np.arange(5000, 6000))],
            scaler=None,
            hidden=(120,),
        )
    scaler = StandardScaler
    if name in _LOADERS:
        X, y = _LOADERS[name](return_X_y=True)
        if name == "digits":
            scaler = MinMaxScaler
    else:
        path = Path(name)
        suffix = path.suffix.lower()
        if suffix not in (".npz", ".csv"):
            raise DataError(
                f"unknown data set {name!r}: choose from {', '.join(BUNDLED)}, "
                f"or give a .npz or .csv file"
            )
        try:
            X, y = _read_npz(path) if suffix == ".npz" else _read_csv(path)
        except OSError as error:
            raise DataError(f"{name}: {error.strerror or error}") from error
        except DataError as error:
            raise DataError(f"{name}: {error}") from error
        name = path.name
    _check_classes(name, y, cv)
    folds = StratifiedKFold(cv, shuffle=True, random_state=seed)
    return Data(name, X, y, list(folds.split(X, y)), scaler)


def _read_npz(path):
    """Features and labels of a .npz file."""
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            names = getattr(archive, "files", None)
            if names is None:
                raise DataError("not a .npz file")
            if not {"X", "y"} <= set(names):
                held = ", ".join(names) or "nothing"
                raise DataError(f"arrays X and y are needed, the file holds {held}")
            X, y = np.asarray(archive["X"]), np.asarray(archive["y"])
    except DataError:
        raise
    except (
        EOFError,
        MemoryError,
        RuntimeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(f"not a readable .npz file ({_one_line(error)})") from error
    if X.ndim != 2 or X.shape[1] == 0 or X.dtype.kind not in "biuf":
        raise DataError(
            f"X must be numbers of shape (n_samples, n_features), "
            f"it is {X.dtype} of shape {X.shape}"
        )
    if y.ndim != 1 or len(y) != len(X):
        raise DataError(f"y must have shape ({len(X)},) as X has, it is {y.shape}")
    if len(y) == 0:
        raise DataError("there are no samples")
    bad = np.argwhere(~np.isfinite(X))
    if len(bad):
        row, column = bad[0]
        raise DataError(f"X[{row}, {column}] is {X[row, column]}, not a finite number")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise DataError(f"y[{np.argmin(np.isfinite(y))}] is not a finite number")
    return X.astype(np.float64), y


def _read_csv(path):
    """Features and labels (as strings) of a .csv file, a header being optional."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"not a readable .csv file ({_one_line(error)})") from error
    if not lines:
        raise DataError("the file is empty")
    width = len(lines[0][1])
    if width < 2:
        raise DataError(
            "at least two columns separated by commas are needed: "
            "features first, the label last"
        )
    # In a header no feature is a number.
    if all(_number(cell) is None for cell in lines[0][1][:-1]):
        del lines[0]
    if not lines:
        raise DataError("there are no samples")
    X = np.empty((len(lines), width - 1))
    y = []
    for values, (number, cells) in zip(X, lines, strict=True):
        if len(cells) != width:
            raise DataError(f"line {number} has {len(cells)} columns, not {width}")
        for column, cell in enumerate(cells[:-1]):
            value = _number(cell)
            if value is None or not np.isfinite(value):
                raise DataError(
                    f"line {number}, column {column + 1}: "
                    f"{_cut(cell)!r} is not a finite number"
                )
            values[column] = value
        label = cells[-1].strip()
        if label.lower() in ("", "nan"):
            raise DataError(f"line {number} has no label")
        y.append(label)
    numbers = [_number(label) for label in y]
    # Labels that are numbers are compared as such: 1 and 1.0 are one class.
    return X, np.array(y if None in numbers else numbers)


def _number(text):
    """The number that a text stands for, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _check_classes(name, y, cv):
    """Refuse labels that are no classes or too few for the folds."""
    try:
        kind = type_of_target(y)
    except (TypeError, ValueError):
        kind = y.dtype.name
    if kind not in ("binary", "multiclass"):
        raise DataError(f"{name}: labels must be classes, not {kind} values")
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise DataError(f"{name}: all samples have the label {classes[0]}")
    if counts.min() < cv:
        label = _cut(str(classes[counts.argmin()]))
        hint = "; or is it the title of a column?" if counts.min() == 1 else ""
        raise DataError(
            f"{name}: class {label} has {counts.min()} samples, too few for {cv} folds "
            f"(--cv){hint}"
        )


def make_models(hidden, seed):
    """The models to compare, by name."""
    return {
        "LogisticRegression": LogisticRegression(max_iter=1000),
        "KNeighborsClassifier": KNeighborsClassifier(),
        "SVC": SVC(kernel="rbf"),
        "HistGradientBoostingClassifier": HistGradientBoostingClassifier(
            random_state=seed
        ),
        "MLPClassifier": MLPClassifier((100,), max_iter=1000, random_state=seed),
        "TTFSClassifier": TTFSClassifier(hidden_layer_sizes=hidden, random_state=seed),
    }


def compare(data, hidden, seed):
    """Train all models on all data sets and print the results.

    Each row is printed as it is finished, and all of them again at the end. On a
    terminal a line of progress goes to the standard error. Every model gets one thread
    unless OMP_NUM_THREADS is set: threads that wait for each other on a busy machine
    can make a fit a hundred times slower.

    Parameters
    ----------
    data : list of Data

    hidden : tuple of int or None
        Hidden layers of TTFSClassifier; None stands for each data set's own.

    seed : int
        Seed of the models.

    Returns
    -------
    status : int
        0, or 1 if a model failed, or 130 after Ctrl-C.
    """
    rows = []
    status = 0
    n_threads = None if "OMP_NUM_THREADS" in os.environ else 1
    print(_line(_COLUMNS), flush=True)
    with _interrupts() as interrupted, threadpool_limits(n_threads):
        try:
            for part in data:
                for name, model in make_models(hidden or part.hidden, seed).items():
                    row = _evaluate(part, name, model)
                    if interrupted:
                        raise KeyboardInterrupt
                    rows.append(row)
                    print(_line(row.cells()), flush=True)
        except KeyboardInterrupt:
            status = 130
        finally:
            _progress("")
    _print_table(rows, data, interrupted=status == 130)
    if status == 0 and any(row.error for row in rows):
        status = 1
    return status


def _evaluate(data, name, model):
    """Fit and score one model on every split of one data set."""
    row = Row(data.name, name)
    pipeline = make_pipeline(data.scaler() if data.scaler else "passthrough", model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k, (train, test) in enumerate(data.splits):
            _progress(f"{data.name}: {name}, split {k + 1} of {len(data.splits)}")
            try:
                _evaluate_split(row, pipeline, data, train, test)
            # Whatever one model does, the others are still compared.
            except Exception as error:
                row.error = _one_line(error)
                break
    _progress("")
    if caught:
        row.warning = _one_line(caught[0].message)
    return row


def _evaluate_split(row, pipeline, data, train, test):
    """Append the results of one split to a row."""
    X, y = data.X[test], data.y[test]
    start = time.perf_counter()
    pipeline.fit(data.X[train], data.y[train])
    fitted = time.perf_counter()
    predicted = pipeline.predict(X)
    end = time.perf_counter()
    row.scores.append(np.mean(predicted == y))
    row.fit_seconds.append(fitted - start)
    row.predict_rates.append(len(test) / (end - fitted))
    if isinstance(pipeline[-1], TTFSClassifier):
        activity = pipeline[-1].activity(pipeline[:-1].transform(X))
        row.spikes.append(activity.summary()["hidden spikes"])
        row.n_hidden = sum(activity.sizes[1:-1])


@contextmanager
def _interrupts():
    """Remember Ctrl-C, since some estimators end their training on it and go on."""
    seen = []

    def remember(signum, frame):
        seen.append(signum)
        raise KeyboardInterrupt

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield seen
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _progress(text):
    """Replace the line of progress; only on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _line(cells, widths=_WIDTHS):
    """One line of the table: two columns of text, then numbers, or an error."""
    texts = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    if len(cells) == len(widths):
        texts[2:] = [
            cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)
        ]
    return "  ".join(texts).rstrip()


def _print_table(rows, data, interrupted):
    """Print all finished rows, grouped by data set."""
    table = [_COLUMNS, *(row.cells() for row in rows)]
    widths = [
        max(len(cells[k]) for cells in table if len(cells) == len(_COLUMNS))
        for k in range(len(_COLUMNS))
    ]
    for k in (0, 1):
        widths[k] = max(len(cells[k]) for cells in table)
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    print()
    previous = None
    print(_line(_COLUMNS, widths))
    for row in rows:
        if row.data != previous:
            print(rule)
            previous = row.data
        print(_line(row.cells(), widths))
    print(rule)
    n_folds = {len(part.splits) for part in data} - {1}
    if n_folds:
        print(f"accuracy: mean ± standard deviation over {n_folds.pop()} folds")
    print("hidden spikes: mean per sample / number of hidden neurons")
    n_threads = os.environ.get("OMP_NUM_THREADS", "1 (set OMP_NUM_THREADS for more)")
    print(f"threads per model: {n_threads}")
    for row in rows:
        if row.warning:
            print(f"{row.data}, {row.model} warns: {row.warning}")
    if interrupted:
        print("interrupted: the remaining models were not trained")
    sys.stdout.flush()


def _one_line(error):
    """The first line of a message, or the type where there is none."""
    lines = str(error).strip().splitlines()
    return _cut(lines[0], 200) if lines else type(error).__name__


def _cut(text, length=40):
    """A text shortened for a message."""
    return text if len(text) <= length else text[: length - 3] + "..."
