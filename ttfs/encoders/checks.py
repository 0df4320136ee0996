"""Checks of input data that come before any library looks at them."""

from itertools import chain
from numbers import Integral

import numpy as np
from scipy.sparse import issparse

_REALS = np.dtype(np.float32), np.dtype(np.float64)
_SHAPE = (
    "an array of shape (n_samples, n_channels, n_timepoints) or a list of arrays of "
    "shape (n_channels, n_timepoints)"
)


def is_valid(X, estimator):
    """Whether X is valid for a fitted estimator as it stands, if it is finite.

    Most arrays are, and `validate_data` of scikit-learn takes longer than a network
    needs for a sample. Numbers that are not finite are found when they are encoded; but
    before anything reaches a substrate all of X is checked.
    """
    if type(X) is not np.ndarray or X.dtype not in _REALS or X.ndim != 2:
        return False
    if X.shape[1] != estimator.n_features_in_ or not (X.size and X.flags.c_contiguous):
        return False
    if getattr(estimator, "substrate", None) is not None:
        return False
    return not hasattr(estimator, "feature_names_in_")


def has_signals(X):
    """Whether X looks as if its samples were signals: arrays, or of unequal lengths."""
    if not isinstance(X, list | tuple):
        return getattr(X, "ndim", 2) == 3
    try:
        shapes = {np.shape(sample) for sample in X}
    except ValueError:  # channels of unequal lengths
        return True
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes)


def check_signals(X, n_channels=None):
    """Signals as a float64 array, padded with NaN at their ends, and their lengths."""
    samples = _list_of_signals(X)
    found = {sample.shape[0] for sample in samples}
    wanted = found if n_channels is None else {n_channels}
    if found != wanted or len(found) != 1 or 0 in found:
        raise ValueError(
            f"all signals must have the same number of channels, "
            f"{'at least 1' if n_channels is None else n_channels}: found "
            f"{sorted(found)}"
        )
    shape = len(samples), found.pop(), max(sample.shape[1] for sample in samples)
    signals = np.full(shape, np.nan)
    for signal, sample in zip(signals, samples, strict=True):
        signal[:, : sample.shape[1]] = sample
    if np.isinf(signals).any():
        raise ValueError("signals must be finite; found infinity")
    is_there = ~np.isnan(signals)
    lengths = is_there.any(axis=1).sum(axis=1)
    expected = np.arange(shape[2]) < lengths[:, None, None]
    if not np.array_equal(is_there, np.broadcast_to(expected, shape)):
        k = int(np.argmax((is_there != expected).any(axis=(1, 2))))
        raise ValueError(
            f"signal {k} has NaN before its end, or ends at different times in its "
            "channels: NaN may only fill up what comes after all channels' ends"
        )
    if lengths.min() == 0:
        raise ValueError(f"signal {int(lengths.argmin())} has no values")
    return signals, lengths


def _list_of_signals(X):
    """The signals (n_channels, n_timepoints) of X, of real numbers."""
    if issparse(X):
        raise ValueError(
            "signals must be an array or a list of arrays, got a sparse matrix"
        )
    if hasattr(X, "columns") or getattr(X, "ndim", 3) == 2:
        raise ValueError(
            f"signals must be {_SHAPE}, got 2 dimensions: if each row is a signal of "
            "one channel, pass X[:, None, :], with np.asarray(X) for X if it is a table"
        )
    if isinstance(X, str | bytes | dict) or not hasattr(X, "__iter__"):
        raise TypeError(f"signals must be {_SHAPE}, got {type(X).__name__}")
    samples = [_signal(k, sample) for k, sample in enumerate(X)]
    if not samples:
        raise ValueError("there are no signals: found 0 samples")
    return samples


def _signal(k, sample):
    """Signal k as an array (n_channels, n_timepoints) of real numbers."""
    try:
        sample = np.asarray(sample)
    except ValueError as error:  # unequal numbers of values
        raise ValueError(
            f"the channels of a signal must have the same length: signal {k} has not"
        ) from error
    if sample.ndim != 2:
        raise ValueError(
            "signals must have the shape (n_channels, n_timepoints) each: signal "
            f"{k} has {sample.ndim} dimension(s)"
        )
    if sample.dtype.kind == "O":
        try:
            sample = sample.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"signals must be real numbers: {error}") from error
    if sample.dtype.kind not in "biuf":
        raise ValueError(f"signals must be real numbers, not {sample.dtype}")
    return sample


def check_sparse(X):
    """Raise ValueError if X is a sparse matrix, of any format, that is malformed.

    SciPy's compiled loops, with which scikit-learn converts sparse matrices, do not
    check indices: a malformed matrix makes them read and write out of bounds.
    """
    if not issparse(X):
        return
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got a {X.ndim}D sparse array instead")
    checks = {
        "csr": _check_compressed,
        "csc": _check_compressed,
        "bsr": _check_blocks,
        "coo": _check_coordinates,
        "dia": _check_diagonals,
        "lil": _check_lists,
        "dok": _check_keys,
    }
    checks[X.format](X)


def _check_compressed(X, block=(1, 1)):
    """Check CSR, CSC and, with the size of their blocks, BSR."""
    # Shapes are numbers of blocks.
    n_rows, n_columns = (size // n for size, n in zip(X.shape, block, strict=True))
    n_major, n_minor = (n_columns, n_rows) if X.format == "csc" else (n_rows, n_columns)
    indptr, indices, data = X.indptr, X.indices, X.data
    _check_vectors(X, indptr=indptr, indices=indices)
    n = len(indptr)
    _require(
        X, n == n_major + 1, f"indptr must have {n_major + 1} entries, but has {n}"
    )
    rises = indptr[0] == 0 and np.all(indptr[1:] >= indptr[:-1])
    _require(X, rises, "indptr must begin with 0 and must not decrease")
    n_stored = int(indptr[-1])
    if X.format != "bsr":
        _check_vectors(X, kinds=None, data=data)
    _require(
        X,
        n_stored <= min(len(indices), len(data)),
        f"there are fewer entries than indptr says: {len(indices)} indices and "
        f"{len(data)} values, not {n_stored}",
    )
    _check_range(X, "indices", indices[:n_stored], n_minor)


def _check_blocks(X):
    is_3d = isinstance(X.data, np.ndarray) and X.data.ndim == 3
    _require(X, is_3d, "data must be a 3-d array")
    block = X.data.shape[1:]
    fits = min(block) > 0 and not any(np.remainder(X.shape, block))
    _require(X, fits, f"blocks of shape {block} do not tile {X.shape}")
    _check_compressed(X, block)


def _check_coordinates(X):
    _check_vectors(X, row=X.row, col=X.col)
    _check_vectors(X, kinds=None, data=X.data)
    _require(
        X,
        len(X.row) == len(X.col) == len(X.data),
        f"row, col and data must be equally long, but have {len(X.row)}, "
        f"{len(X.col)} and {len(X.data)} entries",
    )
    _check_range(X, "row", X.row, X.shape[0])
    _check_range(X, "col", X.col, X.shape[1])


def _check_diagonals(X):
    offsets = X.offsets
    _check_vectors(X, offsets=offsets)
    is_2d = isinstance(X.data, np.ndarray) and X.data.ndim == 2
    _require(X, is_2d, "data must be a 2-d array")
    n, n_offsets = len(X.data), len(offsets)
    _require(X, n == n_offsets, f"{n} diagonals have {n_offsets} offsets")
    _require(X, len(np.unique(offsets)) == n_offsets, "an offset occurs twice")
    # Diagonals outside of the matrix are allowed, and hold nothing; but SciPy adds to
    # offsets in their own type.
    limit = np.iinfo(np.int32).max // 2
    is_small = np.all((-limit <= offsets) & (offsets <= limit))
    _require(X, is_small, "an offset is out of range")


def _check_lists(X):
    for name, lists in (("rows", X.rows), ("data", X.data)):
        is_column = isinstance(lists, np.ndarray) and lists.shape == X.shape[:1]
        _require(X, is_column, f"{name} must be an array of {X.shape[0]} lists")
        are_lists = all(isinstance(one, list) for one in lists)
        _require(X, are_lists, f"{name} must be an array of lists")
    are_pairs = list(map(len, X.rows)) == list(map(len, X.data))
    _require(X, are_pairs, "a row has not as many indices as values")
    _check_numbers(X, "rows", list(chain.from_iterable(X.rows)), X.shape[1])


def _check_keys(X):
    keys = list(X.keys())
    are_pairs = all(isinstance(key, tuple) and len(key) == 2 for key in keys)
    _require(X, are_pairs, "a key is not a pair of indices")
    for axis, name in enumerate(("row", "column")):
        _check_numbers(X, f"{name} indices", [key[axis] for key in keys], X.shape[axis])


def _check_numbers(X, name, numbers, n):
    """Raise unless a list holds integers from 0 to n - 1."""
    are_integers = all(isinstance(number, Integral) for number in numbers)
    _require(X, are_integers, f"{name} must be integers")
    _check_range(X, name, np.array(numbers, object), n)


def _check_vectors(X, *, kinds="i", **arrays):
    """Raise unless arrays are one-dimensional, and integers if `kinds` says so."""
    for name, array in arrays.items():
        is_vector = isinstance(array, np.ndarray) and array.ndim == 1
        _require(X, is_vector, f"{name} must be a 1-d array")
        is_kind = kinds is None or array.dtype.kind in kinds
        _require(X, is_kind, f"{name} must be integers, not {array.dtype}")


def _check_range(X, name, indices, n):
    """Raise unless indices are in [0, n)."""
    if len(indices):
        low, high = int(indices.min()), int(indices.max())
        _require(
            X,
            low >= 0 and high < n,
            f"an index is out of range: {name} must be in [0, {n}), but range from "
            f"{low} to {high}",
        )


def _require(X, condition, reason):
    if not condition:
        raise ValueError(f"X is not a valid {X.format.upper()} matrix: {reason}")
