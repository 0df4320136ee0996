"""Encoders that scale features by their range in training data, without outliers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.sparse import csc_array, issparse
from sklearn.utils._param_validation import Interval

from .base import BaseEncoder, Channels, is_often_absent

# Deciles are those of at most so many samples, evenly spaced. With fewer values than
# the second number a feature has no deciles that say anything.
_MAX_ROWS = 2000
_MIN_VALUES = 10

# Numbers that are sorted at a time, and features that are looked at: both bound the
# memory that wide data take.
_TABLE_SIZE = 1 << 20
_N_FEATURES = 1 << 16

# The most levels of spike times: with more, float32 could not tell all of them apart.
_MAX_LEVELS = 2**24


class RangeEncoder(BaseEncoder):
    """Base class of the encoders that scale features by their range in training.

    With `levels` = n, a spike at ``window * u`` is moved to ``k * (window / (n - 1))``,
    k = floor(u (n - 1) + 1/2), computed in float64, and to `window` itself for the last
    k. No spike is added or lost, and none overtakes another one.

    Parameters
    ----------
    max_deviation : float, default=2.0
        A range ends at the smallest and the greatest training value, or before: at most
        so many times as far from the median as the decile (the value that a tenth of
        the values are beyond) on that side. inf: at the smallest and the greatest
        value. Where one decile is the median the distance of the other one counts on
        both sides; where both are, and with fewer than 10 values, the range is that of
        all values. Deciles are those of at most 2,000 samples, evenly spaced.

    window : float, default=None
        Time within which features spike, from time 0. None means `tau_syn` of the
        estimator that the encoder is a parameter of, and 1.0 in a pipeline.

    levels : int, default=None
        Number of equally spaced times, at least 2, to which spikes are rounded: the
        first is 0 and the last `window`. None: spikes are not rounded. With n levels, a
        spike at t becomes one at ``window * k / (n - 1)``, where k is the nearest
        integer to ``(n - 1) * t / window``, the greater one of two that are as near.
        Spikes keep their number and, but for those that come to be at the same time,
        their order. Features whose small differences carry the classes need many
        levels.

    silent_time : float, default=inf
        What `transform` returns for a channel without a spike; not before `window`. An
        estimator that takes no infinities needs a number: the end of the experiment,
        for example. An estimator that the encoder is a parameter of does not look at
        it.

    Attributes
    ----------
    begin_ : float
        Start of the inputs: 0.
    end_ : float
        The last possible spike: the window.
    """

    # Encoders that were stored before there was this parameter have it from here.
    levels: int | None = None

    _parameter_constraints: ClassVar[dict] = {
        **BaseEncoder._parameter_constraints,
        "max_deviation": [Interval(Real, 0, None, closed="right")],
        "window": [Interval(Real, 0, None, closed="neither"), None],
        "levels": [Interval(Integral, 2, _MAX_LEVELS, closed="both"), None],
    }

    def _learn_ranges(self, X, *, kind, zeros_spike, complement, n_fields=1):
        """The `Channels` of features that are scaled by their range in training data X.

        With `zeros_spike`, zeros are values like others, never absent; with
        `complement`, features without absent zeros have a second channel.
        """
        n_samples, n_features = X.shape
        low, high, n_zeros = _extremes(X)
        zero_is_absent = is_often_absent(n_zeros, n_samples)
        if zeros_spike:
            zero_is_absent = np.zeros(n_features, dtype=bool)
        if self.max_deviation < np.inf:
            _cut(X, low, high, zero_is_absent, float(self.max_deviation))
        scale = _scales(low, high)
        varies = scale > 0
        # A feature that does not vary is clipped to the one value that it had.
        absent = np.where(zero_is_absent, 0.0, np.nan)
        absent[~varies] = high[~varies] = low[~varies]
        always = np.flatnonzero(varies & ~zero_is_absent).astype(np.uint32)
        complemented = always if complement else always[:0]
        n_channels = n_features * n_fields + len(complemented)
        n_others = n_channels - n_features
        window = 1.0 if self.window is None else float(self.window)
        return Channels(
            kind=kind,
            n_features=n_features,
            n_channels=n_channels,
            end=window,
            window=window,
            may_drop=np.append(zero_is_absent, np.zeros(n_others, dtype=bool)),
            low=low,
            high=high,
            scale=scale,
            absent=absent,
            zero_is_absent=zero_is_absent,
            complemented=complemented,
            always=always,
            n_receptive_fields=n_fields,
            levels=None if self.levels is None else int(self.levels),
        )


def _extremes(X):
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


def _scales(low, high):
    """Factors of half the distance from `low` that make `high` 1; 0 for no range."""
    # Halves are subtracted, so that the difference of large numbers does not overflow.
    span = high / 2
    span -= low / 2
    varies = span > 0
    # Factors are rounded up, so that the greatest value is 1, not a little less. A
    # range so small that its inverse overflows, below about 1.1e-308, is none.
    scale = span  # in place, for the memory of wide data
    with np.errstate(over="ignore"):
        np.divide(1, span, out=scale, where=varies)
        np.nextafter(scale, np.inf, out=scale)
    scale[~(varies & np.isfinite(scale))] = 0.0
    return scale


def _cut(X, low, high, zero_is_absent, max_deviation):
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
    """The same as `_cut` for the columns of an ndarray or a csc_array."""
    n_nonzero = np.diff(X.indptr) if issparse(X) else np.count_nonzero(X, axis=0)
    n_values = np.where(zero_is_absent, n_nonzero, X.shape[0])
    chosen = np.flatnonzero((_scales(low, high) > 0) & (n_values >= _MIN_VALUES))
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

    # All values are halved, so that no difference overflows.
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
    is_cut = (below > 0) & (_scales(new_low, new_high) > 0)
    return np.where(is_cut, new_low, low), np.where(is_cut, new_high, high)
