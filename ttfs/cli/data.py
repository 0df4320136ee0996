"""Data sets of the command line: bundled ones by name, and files."""

import csv
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.multiclass import type_of_target

from ..datasets import make_yin_yang
from .terminal import cut, one_line

BUNDLED = ("yin_yang", "iris", "wine", "breast_cancer", "digits")

_LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
}


class DataError(ValueError):
    """A data set that cannot be used; the message is one line."""


@dataclass(frozen=True)
class Data:
    """A data set, and how it is used.

    Attributes
    ----------
    name : str
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    splits : list of (ndarray, ndarray)
        Indices of the training and of the test samples, a pair for each split.
    scaler : class or None
        Transformer of the features; None: they are used as they are.
    hidden : tuple of int
        Hidden layers of TTFSClassifier, unless the command line says otherwise.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    splits: list
    scaler: type | None = StandardScaler
    hidden: tuple = (100,)


def data_names(options):
    """The distinct names in the values of --dataset, in their order."""
    names = []
    for text in options:
        # A comma may also be part of a file name.
        names += [text] if os.path.exists(text) else text.split(",")
    return list(dict.fromkeys(name.strip() for name in names))


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
        raise DataError(f"not a readable .npz file ({one_line(error)})") from error
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
    """Features and labels of a .csv file, with or without a header."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"not a readable .csv file ({one_line(error)})") from error
    if not lines:
        raise DataError("the file is empty")
    width = len(lines[0][1])
    if width < 2:
        raise DataError(
            "at least two columns separated by commas are needed: "
            "features first, the label last"
        )
    # A first line in which no feature is a number is a header.
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
                    f"{cut(cell)!r} is not a finite number"
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
    """Raise DataError for labels that are no classes, or too few for the folds."""
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
        label = cut(str(classes[counts.argmin()]))
        hint = "; or is it the title of a column?" if counts.min() == 1 else ""
        raise DataError(
            f"{name}: class {label} has {counts.min()} samples, too few for {cv} folds "
            f"(--cv){hint}"
        )
