"""Arrays in .npz files, and tables in .parquet files, through pandas or polars."""

import re
import zipfile
import zlib

import numpy as np

from ..terminal import one_line
from .columns import Column
from .reading import DataError
from .table import Table, make_table

_INDEX = re.compile(r"__index_level_\d+__")  # how pandas stores row numbers


def read_npz(path):
    """The table of a .npz file with the arrays X and y."""
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


def read_parquet(path, reading):
    """The table of a .parquet file."""
    open(path, "rb").close()  # the usual error of a file that is not there
    names, columns = _frame(path)
    if len(columns) < 2:
        raise DataError("at least two columns are needed: features and a label")
    return make_table(columns, names, reading, lambda row: f"row {row + 1}")


def _frame(path):
    """Names and columns of a file, by the first library that is there."""
    for read in (_with_pandas, _with_polars):
        try:
            return read(path)
        except ImportError:
            continue
        except DataError:
            raise
        except Exception as error:  # each library has its own
            message = f"not a readable .parquet file ({one_line(error)})"
            raise DataError(message) from error
    raise DataError(
        "a .parquet file needs pandas with pyarrow "
        '(pip install "scikit-ttfs[parquet]") or polars (pip install polars)'
    )


def _with_pandas(path):
    import pandas as pd

    frame = pd.read_parquet(path)
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names, columns = [], []
    for name, series in frame.items():
        kind = series.dtype
        is_number = pd.api.types.is_numeric_dtype(kind)  # booleans too
        is_date = getattr(kind, "kind", "") in "mM" or isinstance(
            kind, pd.PeriodDtype | pd.DatetimeTZDtype
        )
        if is_number:
            values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            holes = series.isna()
            values = [
                None if hole else value
                for value, hole in zip(series, holes, strict=True)
            ]
        names.append(str(name))
        columns.append(_column(str(name), values, is_number, is_date))
    return names, columns


def _with_polars(path):
    import polars as pl

    frame = pl.read_parquet(path, use_pyarrow=False)
    names, columns = [], []
    for series in frame:
        if _INDEX.fullmatch(series.name):
            continue
        is_number = series.dtype.is_numeric() or series.dtype == pl.Boolean
        if is_number:
            series = series.cast(pl.Float64).fill_null(np.nan)
        values = series.to_numpy() if is_number else series.to_list()
        names.append(series.name)
        is_date = series.dtype.is_temporal()
        columns.append(_column(series.name, values, is_number, is_date))
    return names, columns


def _column(name, values, is_number, is_date):
    """The column of values: numbers, or a list in which None stands for no value."""
    column = Column(is_date=is_date)
    if is_number:
        column.append_numbers(values)
        return column
    for value in values:
        if isinstance(value, list | dict | tuple | set | bytes | np.ndarray):
            raise DataError(
                f"column {name!r} holds values of type {type(value).__name__}, "
                "not numbers or texts"
            )
    column.append(["" if value is None else str(value) for value in values])
    return column
