"""Checks of input data that come before any library looks at them."""

from itertools import chain
from numbers import Integral

import numpy as np
from scipy.sparse import issparse

_REALS = np.dtype(np.float32), np.dtype(np.float64)


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
    """CSR, CSC and, with the size of their blocks, BSR."""
    # The shape in blocks.
    n_rows, n_columns = (size // n for size, n in zip(X.shape, block, strict=True))
    n_major, n_minor = (n_columns, n_rows) if X.format == "csc" else (n_rows, n_columns)
    _check_vectors(X, indptr=X.indptr, indices=X.indices)
    indptr = X.indptr
    if len(indptr) != n_major + 1:
        raise _malformed(
            X, f"indptr must have {n_major + 1} entries, but has {len(indptr)}"
        )
    if indptr[0] != 0 or np.any(indptr[1:] < indptr[:-1]):
        raise _malformed(X, "indptr must begin with 0 and must not decrease")
    n_stored = int(indptr[-1])
    if X.format != "bsr":
        _check_vectors(X, kinds=None, data=X.data)
    if n_stored > min(len(X.indices), len(X.data)):
        raise _malformed(
            X,
            f"there are fewer entries than indptr says: {len(X.indices)} indices and "
            f"{len(X.data)} values, not {n_stored}",
        )
    _check_range(X, "indices", X.indices[:n_stored], n_minor)


def _check_blocks(X):
    data = X.data
    if not isinstance(data, np.ndarray) or data.ndim != 3:
        raise _malformed(X, "data must be a 3-d array")
    block = data.shape[1:]
    if min(block) < 1 or any(size % n for size, n in zip(X.shape, block, strict=True)):
        raise _malformed(X, f"blocks of shape {block} do not tile {X.shape}")
    _check_compressed(X, block)


def _check_coordinates(X):
    _check_vectors(X, row=X.row, col=X.col)
    _check_vectors(X, kinds=None, data=X.data)
    if not len(X.row) == len(X.col) == len(X.data):
        raise _malformed(
            X,
            f"row, col and data must be equally long, but have {len(X.row)}, "
            f"{len(X.col)} and {len(X.data)} entries",
        )
    _check_range(X, "row", X.row, X.shape[0])
    _check_range(X, "col", X.col, X.shape[1])


def _check_diagonals(X):
    _check_vectors(X, offsets=X.offsets)
    if not isinstance(X.data, np.ndarray) or X.data.ndim != 2:
        raise _malformed(X, "data must be a 2-d array")
    if len(X.offsets) != len(X.data):
        raise _malformed(X, f"{len(X.data)} diagonals have {len(X.offsets)} offsets")
    if len(np.unique(X.offsets)) != len(X.offsets):
        raise _malformed(X, "an offset occurs twice")
    # Diagonals outside of the matrix are allowed, and hold nothing; but SciPy adds to
    # offsets in their own type.
    limit = np.iinfo(np.int32).max // 2
    if len(X.offsets) and not -limit <= X.offsets.min() <= X.offsets.max() <= limit:
        raise _malformed(X, "an offset is out of range")


def _check_lists(X):
    for name, lists in (("rows", X.rows), ("data", X.data)):
        if not isinstance(lists, np.ndarray) or lists.shape != X.shape[:1]:
            raise _malformed(X, f"{name} must be an array of {X.shape[0]} lists")
        if not all(isinstance(one, list) for one in lists):
            raise _malformed(X, f"{name} must be an array of lists")
    if any(len(one) != len(two) for one, two in zip(X.rows, X.data, strict=True)):
        raise _malformed(X, "a row has not as many indices as values")
    _check_numbers(X, "rows", list(chain.from_iterable(X.rows)), X.shape[1])


def _check_keys(X):
    keys = list(X.keys())
    if not all(isinstance(key, tuple) and len(key) == 2 for key in keys):
        raise _malformed(X, "a key is not a pair of indices")
    for axis, name in enumerate(("row", "column")):
        _check_numbers(X, f"{name} indices", [key[axis] for key in keys], X.shape[axis])


def _check_numbers(X, name, numbers, n):
    """Raise unless a list holds integers from 0 to n - 1."""
    if not all(isinstance(number, Integral) for number in numbers):
        raise _malformed(X, f"{name} must be integers")
    if numbers:
        _check_limits(X, name, min(numbers), max(numbers), n)


def _check_vectors(X, *, kinds="i", **arrays):
    """Raise unless arrays are one-dimensional, and integers if `kinds` says so."""
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.ndim != 1:
            raise _malformed(X, f"{name} must be a 1-d array")
        if kinds is not None and array.dtype.kind not in kinds:
            raise _malformed(X, f"{name} must be integers, not {array.dtype}")


def _check_range(X, name, indices, n):
    """Raise unless indices are in [0, n)."""
    if len(indices):
        _check_limits(X, name, int(indices.min()), int(indices.max()), n)


def _check_limits(X, name, low, high, n):
    if low < 0 or high >= n:
        raise _malformed(
            X,
            f"an index is out of range: {name} must be in [0, {n}), but range from "
            f"{low} to {high}",
        )


def _malformed(X, reason):
    return ValueError(f"X is not a valid {X.format.upper()} matrix: {reason}")
