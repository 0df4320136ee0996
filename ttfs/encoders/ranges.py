"""Ranges of features in training data, cut where a few values are far from the rest."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array, issparse

# Deciles are those of at most so many samples, evenly spaced. With fewer values than
# the second number a feature has no deciles that say anything.
_MAX_ROWS = 2000
_MIN_VALUES = 10

# Numbers that are sorted at a time, and features that are looked at: both bound the
# memory that wide data take.
_TABLE_SIZE = 1 << 20
_N_FEATURES = 1 << 16


def extremes(X):
    """Smallest and greatest value of each feature, float64, and how often it is 0."""
    n_samples, n_features = X.shape
    if not issparse(X):
        zeros = n_samples - np.count_nonzero(X, axis=0)
        return X.min(axis=0).astype(float), X.max(axis=0).astype(float), zeros
    low = X.min(axis=0).toarray().ravel().astype(float)
    high = X.max(axis=0).toarray().ravel().astype(float)
    n_stored = X.indptr[-1]
    nonzero = X.indices[:n_stored][X.data[:n_stored] != 0]
    stored = np.bincount(nonzero, minlength=n_features)
    return low, high, n_samples - stored


def scales(low, high):
    """Factors of half the distance from `low` that make `high` 1; 0 for no range."""
    # Halves, so that the difference of two large numbers does not overflow.
    span = high / 2
    span -= low / 2
    varies = span > 0
    # Rounded up: the greatest value is 1, not a little less. A range that is so small
    # that its inverse overflows, below about 1.1e-308, is none.
    scale = span  # in place, for the memory of wide data
    with np.errstate(over="ignore"):
        np.divide(1, span, out=scale, where=varies)
        np.nextafter(scale, np.inf, out=scale)
    scale[~(varies & np.isfinite(scale))] = 0.0
    return scale


def cut(X, low, high, zero_is_absent, max_deviation):
    """Cut ranges, in place, to ends not far from the median, next to the deciles.

    An end is at most `max_deviation` times as far from the median as the decile on its
    side. Where that decile is the median, the distance of the other one counts; where
    both are, the range stays as it is, as it does with too few values. Where zeros are
    absent, only other values count, and the lower end stays. A feature that had a range
    still has one.
    """
    X = X[:: -(-X.shape[0] // _MAX_ROWS)]
    if issparse(X):
        X = csc_array(X)
        X.eliminate_zeros()
    for begin in range(0, len(low), _N_FEATURES):
        part = slice(begin, begin + _N_FEATURES)
        _cut_part(
            X[:, part], low[part], high[part], zero_is_absent[part], max_deviation
        )


def _cut_part(X, low, high, zero_is_absent, max_deviation):
    """The same as `cut` for the columns of an ndarray or a csc_array."""
    n_nonzero = np.diff(X.indptr) if issparse(X) else np.count_nonzero(X, axis=0)
    n_values = np.where(zero_is_absent, n_nonzero, X.shape[0])
    chosen = np.flatnonzero((scales(low, high) > 0) & (n_values >= _MIN_VALUES))
    # Features with about as many values share a table.
    chosen = chosen[np.argsort(-n_values[chosen], kind="stable")]
    while len(chosen):
        width = n_values[chosen[0]]
        some, chosen = np.split(chosen, [max(1, _TABLE_SIZE // width)])
        absent, ends = zero_is_absent[some], (low[some], high[some])
        table = _sorted_values(X, some, absent, width)
        low[some], high[some] = _cut_table(
            table, n_values[some], *ends, absent, max_deviation
        )


def _sorted_values(X, features, absent, width):
    """A row of values for each feature, sorted; +inf in the place of absent zeros."""
    zeros = np.where(absent, np.inf, 0.0)[:, None]
    if issparse(X):
        table = np.repeat(zeros, width, axis=1)
        X = X[:, features]
        n_stored = np.diff(X.indptr)
        columns = np.arange(X.nnz) - np.repeat(X.indptr[:-1], n_stored)
        table[np.repeat(np.arange(len(features)), n_stored), columns] = X.data
    else:
        values = X[:, features].T
        table = np.where(values == 0, zeros, values)
    table.sort(axis=1)
    return table


def _cut_table(table, n, low, high, absent, max_deviation):
    """New ends of features from a table of sorted values, n of them in each row."""

    def half_of_value(rank):
        return np.take_along_axis(table, rank[:, None], axis=1).ravel() / 2

    # Halves of everything, so that no difference overflows.
    middle = half_of_value((n - 1) // 2) / 2 + half_of_value(n // 2) / 2
    tenth = (n + 4) // 10  # (n - 1) / 10, rounded
    below = middle - half_of_value(tenth)
    above = half_of_value(n - 1 - tenth) - middle
    below, above = np.where(below > 0, below, above), np.where(above > 0, above, below)
    with np.errstate(over="ignore"):  # infinite ends are outside the range
        lower = middle - max_deviation * below
        upper = middle + max_deviation * above
    # No zero that is absent may be clipped to a value that is not.
    upper = np.where(absent, np.maximum(upper, 0.0), upper)
    new_low = np.where((lower > low / 2) & ~absent, 2 * lower, low)
    new_high = np.where(upper < high / 2, 2 * upper, high)
    is_cut = (below > 0) & (scales(new_low, new_high) > 0)
    return np.where(is_cut, new_low, low), np.where(is_cut, new_high, high)
