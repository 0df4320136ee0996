"""Ranges of features: deciles, outliers, absent zeros, sparse and wide data."""

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from classifiers import quick
from encoding import forms, random_features, relaxed, times_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils._param_validation import InvalidParameterError

from ttfs.encoders import LatencyEncoder, PopulationEncoder
from ttfs.encoders import ranges as ranges_module

ENCODERS = {
    "auto": LatencyEncoder,
    "complement": lambda **kw: LatencyEncoder(complement=True, **kw),
    "population": PopulationEncoder,
}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)


def ends(X, make=LatencyEncoder, **parameters):
    """The learned ends of ranges, low and high."""
    channels = make(**parameters).fit(X).channels_
    return np.array([channels.low, channels.high])


def extremes(X):
    return np.array([X.min(axis=0), X.max(axis=0)], dtype=float)


def slow_range(column, absent, max_deviation):
    """The rule for one feature, by quantiles of numpy; values must not be huge."""
    low, high = column.min(), column.max()
    column = column[:: math.ceil(len(column) / 2000)]
    values = column[column != 0] if absent else column
    if len(values) < 10:
        return low, high
    # numpy's "nearest" rounds halves in another way: the exact place, rounded up.
    place = Fraction(len(values) - 1, 10) + Fraction(1, 2)
    q = math.floor(place) / (len(values) - 1)
    first, median, last = np.quantile(values, [q, 0.5, 1 - q])
    below, above = median - first, last - median
    if below <= 0 and above <= 0:
        return low, high
    below, above = below if below > 0 else above, above if above > 0 else below
    new_low = max(low, median - max_deviation * below)
    new_high = min(high, median + max_deviation * above)
    if absent:
        new_low, new_high = low, max(new_high, min(high, 0.0))
    return (new_low, new_high) if new_low < new_high else (low, high)


@relaxed
@given(
    st.integers(0, 10**6),
    st.integers(1, 90),
    st.sampled_from([0.1, 0.45, 0.8, 1.0]),
    st.sampled_from([0.3, 1.0, 2.0, 5.0, np.inf]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_ranges_are_those_of_the_slow_rule(seed, n, density, deviation, dtype, whole):
    X = random_features(seed, n, 12, density, whole)
    rng = np.random.default_rng(seed)
    X = np.where(rng.random(X.shape) < 0.05, 50 * X, X).astype(dtype)
    X[:, 4] = np.where(rng.random(n) < 0.4, -1 - rng.random(n), 0)
    for make in ENCODERS.values():
        channels = make(max_deviation=deviation).fit(X).channels_
        columns = X.astype(float).T
        expected = [
            slow_range(column, absent, deviation)
            for column, absent in zip(columns, channels.zero_is_absent, strict=True)
        ]
        found = np.array([channels.low, channels.high]).T
        assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
        assert_array_equal(channels.scale > 0, np.ptp(columns, axis=1) > 0)
        assert_array_equal(channels.low < channels.high, channels.scale > 0)


@settings(relaxed, max_examples=15)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.02, 0.3, 0.7, 1.0]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_sparse_matrices_have_the_ranges_of_dense_arrays(seed, density, dtype, whole):
    X = random_features(seed, 150, 15, density, whole).astype(dtype) ** 3
    for complement in ("auto", False):
        dense = vars(LatencyEncoder(complement=complement).fit(X).channels_)
        for form in forms(X):
            before = form.copy()
            sparse = vars(LatencyEncoder(complement=complement).fit(form).channels_)
            assert form.nnz == before.nnz
            assert_array_equal(form.data, before.data)
            for name, value in dense.items():
                assert_array_equal(sparse[name], value, err_msg=name)


def test_tables_of_any_size_give_the_same_ranges(monkeypatch):
    X = random_features(3, 200, 40, np.linspace(0.1, 1, 40)) ** 3
    expected = ends(X)
    assert (expected != extremes(X)).any()
    for size in (1, 150, 1000):
        monkeypatch.setattr(ranges_module, "_TABLE_SIZE", size)
        assert_array_equal(ends(X), expected)
        assert_array_equal(ends(sp.csr_array(X)), expected)


@every_encoder
def test_outliers_do_not_move_the_other_values(make):
    X = np.random.default_rng(0).uniform(1, 2, (200, 3))
    outlying = X.copy()
    outlying[[5, 70], [0, 1]] = [1e9, -1e9]
    encoder = make().fit(outlying)
    assert_allclose(ends(outlying, make), ends(X, make), rtol=0, atol=0.4)
    assert np.ptp(ends(outlying, make, max_deviation=np.inf), axis=0)[:2].min() > 9e8
    # What is cut off spikes like the end of the range.
    channels = encoder.channels_
    end = np.where([[True, False, False]], channels.high, X[5:6])
    assert_array_equal(times_of(encoder, outlying[5:6]), times_of(encoder, end))


@pytest.mark.filterwarnings("ignore:training ended at a loss")
def test_outliers_do_not_cost_accuracy():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    X = rng.normal(size=(400, 5)) + 2 * np.eye(3, 5)[y]
    X[rng.random(X.shape) < 0.02] *= 1000

    def score(encoder):
        clf = quick(encoder=encoder, max_iter=40).fit(X[:200], y[:200])
        return clf.score(X[200:], y[200:])

    assert score("auto") > score(LatencyEncoder(max_deviation=np.inf)) + 0.1


@every_encoder
def test_infinite_deviation_is_the_range_of_all_values(make):
    for dtype in np.float32, np.float64:
        X = np.random.default_rng(0).standard_cauchy((100, 4)).astype(dtype)
        assert_array_equal(ends(X, make, max_deviation=np.inf), extremes(X))
        assert_array_equal(ends(X, make, max_deviation=1e300), extremes(X))
        assert (ends(X, make) != extremes(X)).all()


@pytest.mark.parametrize("values", [9, 10])
def test_few_values_are_not_cut(values):
    X = np.append(np.arange(1.0, values), 1000.0)[:, None]
    assert (ends(X) == extremes(X)).all() == (values < 10)
    # Zeros that are absent do not count.
    X = np.vstack([X, np.zeros((30, 1))])
    assert (ends(X) == extremes(X)).all() == (values < 10)
    assert (ends(sp.csr_array(X)) == extremes(X)).all() == (values < 10)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # More than 80 % equal: all values.
        ({1: 5, 2: 90, 1000: 5}, (1, 1000)),
        ({0: 1, 1: 99}, (0, 1)),
        ({2: 95, 1000: 5}, (2, 1000)),
        # One decile is the median: the distance of the other one.
        ({2: 80, 3: 19, 1000: 1}, (2, 4)),
        ({-1000: 1, 1: 19, 2: 80}, (0, 2)),
        ({-1000: 1, 2: 60, 5: 38, 1000: 1}, (-4, 8)),
        ({-1000: 1, -1: 38, 2: 60, 1000: 1}, (-4, 8)),
        # Neither, and two values.
        ({-1000: 1, 0: 19, 1: 60, 2: 19, 1000: 1}, (-1, 3)),
        ({1: 50, 2: 50}, (1, 2)),
        ({1: 85, 2: 15}, (1, 2)),
    ],
    ids=str,
)
def test_features_with_few_different_values(counts, expected):
    X = np.repeat([float(value) for value in counts], list(counts.values()))[:, None]
    assert_array_equal(ends(X).ravel(), expected)
    assert_array_equal(ends(-X).ravel(), -np.array(expected[::-1]))
    assert_array_equal(ends(sp.csr_array(X)).ravel(), expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Of 11 values: first 1, ..., tenth 10.
        ([*range(1, 11), 1000], (0, 6 + 2 * 4)),
        ([*range(1, 10), 1, 1000], (0, 5 + 2 * 4)),
        ([-1000, *range(1, 11)], (-1000, 10)),
        # The upper end stays at zero, so that zeros are absent.
        ([-1000, *range(-10, 0)], (-1000, 0)),
        ([-1000] + [-10] * 9 + [-9], (-1000, 0)),
        # Words that occur once, and one that occurs often.
        ([1] * 10 + [500], (0, 500)),
        ([1] * 8 + [2] * 2 + [500], (0, 3)),
    ],
    ids=str,
)
def test_absent_zeros_do_not_count_and_stay_absent(values, expected):
    X = np.append(np.zeros(150), np.array(values, dtype=float))[:, None]
    for form in (X, sp.csr_array(X)):
        encoder = LatencyEncoder().fit(form)
        assert encoder.may_drop_.all()
        assert_array_equal(ends(form).ravel(), expected)
        assert_array_equal(np.isinf(times_of(encoder, X)), X == 0)
    # Where they are values they count: most values are equal then.
    assert_array_equal(ends(X, ENCODERS["complement"]), extremes(X))


@pytest.mark.filterwarnings("error")
@every_encoder
@pytest.mark.parametrize("unit", [1.7e308, 1e300, 1.0, 1e-300, 1e-307, 1e-320])
def test_values_of_any_size(make, unit):
    X = unit * np.linspace(-1, 1, 41)[:, None] ** 5
    for deviation in 1e-30, 2.0, 1e308:
        encoder = make(max_deviation=deviation).learn(X)
        low, high = encoder.channels_.low[0], encoder.channels_.high[0]
        assert X.min() <= low <= high <= X.max()
        times = times_of(encoder, X)
        if unit > 1e-308:
            assert low < high
            assert np.isfinite(times).any(axis=1).all()
            if deviation == 2.0:
                end = 2 * (unit * 0.8**5)
                assert_allclose([low, high], [-end, end])
        else:
            assert np.isinf(times).all()


@every_encoder
def test_a_feature_that_varies_still_varies(make):
    # Deciles so close that the range between them has no inverse; neighbours.
    tiny = np.append(np.linspace(0, 1e-320, 50), 1.0)
    near = np.append(np.tile([1.0, np.nextafter(1.0, 2)], 25), 2.0)
    below = np.append(np.tile([1.0, np.nextafter(1.0, 0)], 25), 2.0)
    X = np.column_stack([tiny, near, below])
    for deviation in (1e-30, 0.1, 1.0, 2.0):
        channels = make(max_deviation=deviation).fit(X).channels_
        assert (channels.low < channels.high).all()
        assert (channels.scale > 0).all()
    assert_array_equal(ends(X, make)[:, 0], [0.0, 1.0])


@every_encoder
def test_ranges_move_with_the_features(make):
    X = np.random.default_rng(0).standard_t(2, (300, 6))
    expected, times = ends(X, make), times_of(make().fit(X), X)
    assert (expected != extremes(X)).any()
    scale = 2.0 ** np.array([-900, -100, -1, 1, 100, 900])
    assert_array_equal(ends(X * scale, make), expected * scale)
    assert_array_equal(times_of(make().fit(X * scale), X * scale), times)
    # Integers, whose sums are exact.
    X = np.round(100 * X)
    assert_array_equal(ends(X + 12345.0, make), ends(X, make) + 12345.0)
    assert_array_equal(ends(-X, make), -ends(X, make)[::-1])


def test_order_of_few_samples_does_not_matter():
    rng = np.random.default_rng(0)
    X = rng.standard_cauchy((2000, 3))
    assert_array_equal(ends(X[rng.permutation(2000)]), ends(X))


def test_of_many_samples_evenly_spaced_ones_count():
    X = np.random.default_rng(0).standard_cauchy((6001, 2))
    expected = [slow_range(column, absent=False, max_deviation=2) for column in X.T]
    assert_allclose(ends(X).T, expected, rtol=1e-12)
    some = X.copy()
    some[np.arange(len(X)) % 4 != 0] = 0.5
    assert_array_equal(ends(some), ends(X))


@pytest.mark.parametrize("is_sparse", [False, True])
def test_wide_data_need_little_memory(is_sparse):
    rng = np.random.default_rng(0)
    if is_sparse:
        rows, columns = rng.integers([[2000], [50_000]], size=(2, 1_000_000))
        X = sp.csr_array((rng.random(len(rows)), (rows, columns)), (2000, 50_000))
        size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    else:
        X = rng.standard_cauchy((10, 300_000))
        size = X.nbytes
    peaks = []
    for deviation in (np.inf, 2.0):
        encoder = LatencyEncoder(max_deviation=deviation)
        tracemalloc.start()
        encoder.learn(X)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < max(peaks[0], size) + 3 * size + 40e6
    assert_array_equal(encoder.channels_.low <= encoder.channels_.high, True)


@every_encoder
def test_max_deviation_is_positive(make):
    for bad in 0, -1.0, np.nan, "2", None:
        with pytest.raises(InvalidParameterError, match="max_deviation"):
            make(max_deviation=bad).fit([[1.0], [2.0]])
        with pytest.raises(InvalidParameterError, match="max_deviation"):
            quick(encoder=make(max_deviation=bad)).fit([[1.0], [2.0]], [0, 1])
