"""Arrays in .npz files."""

import zipfile
import zlib

import numpy as np

from ..terminal import one_line
from .reading import DataError
from .table import Table


def read_npz(path):
    """The table of a .npz file with the arrays X and y.

    Raises DataError if it has no such arrays, or they are no features and labels.
    """
    X, y = _load(path)
    if X.ndim != 2 or X.shape[1] == 0 or X.dtype.kind not in "biuf":
        raise DataError(
            f"X must be numbers of shape (n_samples, n_features), "
            f"it is {X.dtype} of shape {X.shape}"
        )
    if y.ndim != 1 or len(y) != len(X):
        raise DataError(f"y must have shape ({len(X)},) as X has, it is {y.shape}")
    if len(y) == 0:
        raise DataError("there are no samples")
    infinite = np.argwhere(np.isinf(X))
    if len(infinite):
        row, column = infinite[0]
        raise DataError(f"X[{row}, {column}] is {X[row, column]}, not a finite number")
    is_unlabelled = np.isnan(y) if y.dtype.kind == "f" else np.zeros(len(y), bool)
    return Table(X.astype(np.float64), y, is_unlabelled, _place, categories={})


def _place(row, feature=None):
    return f"y[{row}]" if feature is None else f"X[{row}, {feature}]"


def _array(archive, name):
    """An array of an archive, which must not consist of Python objects."""
    try:
        return np.asarray(archive[name])
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{name} consists of Python objects, which are not read: store numbers "
                "or texts of one dtype"
            ) from None
        raise


def _load(path):
    """The arrays X and y."""
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise DataError("not a .npz file")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            names = archive.files
            if not {"X", "y"} <= set(names):
                held = ", ".join(names) or "nothing"
                raise DataError(f"arrays X and y are needed, the file holds {held}")
            return tuple(_array(archive, name) for name in ("X", "y"))
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
