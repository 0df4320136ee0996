"""Data sets as the commands use them: features, labels, and splits."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.utils.multiclass import type_of_target

from ...datasets import make_yin_yang
from ..terminal import cut
from .arrays import read_npz, read_parquet
from .reading import DataError, Reading
from .text import read_text

_LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
}
BUNDLED = ("yin_yang", *_LOADERS)
_TEXTS = tuple(
    kind + packed for kind in (".csv", ".tsv", ".tab") for packed in ("", ".gz")
)
_SUFFIXES = (*_TEXTS, ".parquet", ".npz")
FILES = ".csv or .tsv (also .gz), .parquet or .npz"


@dataclass(frozen=True)
class Data:
    """A data set of n samples, and how it is used."""

    name: str
    # Features (n, n_features): numbers, or numbers of categories; NaN is to be imputed.
    X: np.ndarray
    y: np.ndarray
    splits: list  # pairs of the indices of training and of test samples
    scaler: type | None = StandardScaler  # of numbers; None: they are not scaled
    hidden: tuple = (100,)  # layers, unless the command line says otherwise
    names: tuple = ()  # of the features, empty where they have none
    categories: dict = field(default_factory=dict)  # names, by the number of a feature
    notes: tuple = ()  # lines that say how the data were read
    labels: str = ""  # where the file has the labels; "" if there is no choice

    @property
    def about(self):
        """What a user must know, in lines: where the labels are, and the notes."""
        lines = list(self.notes)
        if self.labels:
            n_classes = len(np.unique(self.y))
            lines.insert(0, f"labels are {self.labels}, {n_classes} classes")
        return [f"{self.name}: {line}" for line in lines]

    @property
    def n_channels(self):
        """Number of features after the preprocessor, if all categories are known."""
        n_categories = sum(len(names) for names in self.categories.values())
        return self.X.shape[1] - len(self.categories) + n_categories

    def preprocessor(self):
        """A new transformer of the features, to be fitted on training samples.

        Missing numbers become the median, missing categories the most frequent one.
        Then numbers are scaled, and categories become features that are 0 or 1; a
        category that the training samples do not have makes all of them 0.
        """
        scale = self.scaler or FunctionTransformer
        if not (self.categories or np.isnan(self.X).any()):
            return scale()
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        texts = sorted(self.categories)
        numbers = [k for k in range(self.X.shape[1]) if k not in self.categories]
        return ColumnTransformer(
            [
                ("numbers", make_pipeline(_imputer("median"), scale()), numbers),
                ("texts", make_pipeline(_imputer("most_frequent"), one_hot), texts),
            ]
        )


def _imputer(strategy):
    # A feature without any value in a training fold stays, as zeros.
    return SimpleImputer(strategy=strategy, keep_empty_features=True)


def data_names(options):
    """The distinct names in texts of the command line, in their order."""
    names = []
    for text in options:
        # A comma may also be part of a file name.
        names += [text] if os.path.exists(text) else text.split(",")
    return list(dict.fromkeys(name.strip() for name in names))


def load_data(name, cv, seed, reading=None):
    """Load data by the name of `read_data`, with the splits of `cv` folds.

    Yin-Yang has one split into its published sets instead.
    """
    data = read_data(name, reading)
    if not data.splits:
        _check_classes(data, cv)
        folds = StratifiedKFold(cv, shuffle=True, random_state=seed)
        data.splits.extend(folds.split(data.X, data.y))
    return data


def read_data(name, reading=None):
    """Load one of `BUNDLED` by its name, or a file by its path, without folds."""
    reading = reading or Reading()
    if name in BUNDLED:
        if reading != Reading():
            raise DataError(
                f"{name} has no columns to choose from, and no missing values: "
                "--target, --drop, --categorical, --missing and --header are for files"
            )
        if name == "yin_yang":
            return _load_yin_yang()
        X, y = _LOADERS[name](return_X_y=True)
        scaler = MinMaxScaler if name == "digits" else StandardScaler
        return Data(name, X, y, [], scaler)
    path = Path(name)
    suffix = next((s for s in _SUFFIXES if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise DataError(
            f"unknown data set {name!r}: choose from {', '.join(BUNDLED)}, "
            f"or give a file: {FILES}"
        )
    try:
        table, notes = _settle(_read(path, suffix, reading), reading.missing)
    except OSError as error:
        raise DataError(f"{name}: {error.strerror or error}") from error
    except MemoryError as error:
        raise DataError(f"{name}: it does not fit into the memory") from error
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return Data(
        path.name,
        table.X,
        table.y,
        [],
        names=table.names,
        categories=table.categories,
        notes=notes,
        labels=table.labels,
    )


def _load_yin_yang():
    """Yin-Yang in its published sets."""
    X, y = make_yin_yang(5000, random_state=42)
    X_test, y_test = make_yin_yang(1000, random_state=40)
    return Data(
        "yin_yang",
        np.vstack([X, X_test]),
        np.concatenate([y, y_test]),
        splits=[(np.arange(5000), np.arange(5000, 6000))],
        scaler=None,
        hidden=(120,),
    )


def _read(path, suffix, reading):
    """The table of a file, with holes."""
    if suffix == ".npz":
        if replace(reading, missing="error") != Reading():
            raise DataError(
                "--target, --drop, --categorical and --header are not for .npz files"
            )
        return read_npz(path)
    if suffix == ".parquet":
        if reading.header is not None:
            raise DataError("--header is not for .parquet files, which have names")
        return read_parquet(path, reading)
    return read_text(path, suffix, reading)


def _settle(table, missing):
    """A table without samples that cannot be used, and notes about what was done."""
    is_hole = np.isnan(table.X)
    has_hole = is_hole.any(axis=1)
    n_samples, notes = len(table.X), list(table.notes)
    if missing == "error":
        _refuse_holes(table, is_hole)
    is_out = table.is_unlabelled | has_hole
    if missing == "impute":
        is_out = table.is_unlabelled
    if is_out.all():
        raise DataError(f"no samples are left: all {n_samples} have missing values")
    if is_out.any():
        what = "without a label" if missing == "impute" else "with missing values"
        notes.append(f"{is_out.sum()} of {n_samples} samples, {what}, are dropped")
        is_hole = is_hole[~is_out]
        table = replace(table, X=table.X[~is_out], y=table.y[~is_out])
    n_holes, n_features = is_hole.sum(), is_hole.any(axis=0).sum()
    if n_holes:
        notes.append(
            f"{n_holes} missing values in {n_features} of {table.X.shape[1]} features "
            "are imputed: medians or most frequent values of the training samples"
        )
    return table, tuple(notes)


def _refuse_holes(table, is_hole):
    """Raise DataError if a value or a label is missing."""
    n_samples = len(table.X)
    if table.is_unlabelled.any():
        raise DataError(
            f"{table.place(int(np.argmax(table.is_unlabelled)))} has no label; "
            f"--missing drop leaves out such samples, "
            f"{table.is_unlabelled.sum()} of {n_samples}"
        )
    if is_hole.any():
        row, feature = np.argwhere(is_hole)[0]
        n_holes, n_rows = is_hole.sum(), is_hole.any(axis=1).sum()
        raise DataError(
            f"{table.place(row, feature)} has no value; {n_holes} of {is_hole.size} "
            f"values are missing, in {n_rows} of {n_samples} samples: leave these "
            "out with --missing drop, or fill the values in with --missing impute"
        )


def _check_classes(data, cv):
    """Raise DataError for labels that are no classes, or too few for the folds."""
    name, y = data.name, data.y
    where = f"; labels are {data.labels}, --target names another" if data.labels else ""
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise DataError(f"{name}: the label {y[np.isinf(y)][0]} is no class{where}")
    try:
        kind = type_of_target(y)
    except (TypeError, ValueError):
        kind = y.dtype.name
    if kind not in ("binary", "multiclass"):
        raise DataError(f"{name}: labels must be classes, not {kind} values{where}")
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        label = cut(str(classes[0]))
        raise DataError(f"{name}: all samples have the label {label}{where}")
    if counts.min() < cv:
        label = cut(str(classes[counts.argmin()]))
        hint = (
            "; or is it the name of a column (--header)?" if counts.min() == 1 else ""
        )
        raise DataError(
            f"{name}: class {label} has {counts.min()} samples, too few for {cv} folds "
            f"(--cv){hint}{where}"
        )
