"""Real features to sorted spikes, against NumPy."""

import numpy as np
import pytest
import scipy.sparse as sp
import twin
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits
from ttfs._encoding import Encoder

from ttfs import SpikeTrains, TTFSClassifier, _core

pytestmark = pytest.mark.usefixtures("every_simd")
# Fixed examples: a red test stays red.
relaxed = settings(max_examples=40, derandomize=True, deadline=None, database=None)

NO_BIAS = np.empty(0)
X = np.array([[0.0, 10.0, 7.0], [0.0, 20.0, 7.0], [4.0, 15.0, 7.0]])


def times_of(encoder, X):
    """Spike times (n_samples, n_channels) by the C core; +inf = absent."""
    return encoder.spikes(np.asarray(X), NO_BIAS, np.inf).dense()


def parts(spikes):
    """Times and inputs of all samples, one after the other, and where each begins."""
    rows = [slice(*row) for row in zip(spikes.begin, spikes.end, strict=True)]
    times = np.concatenate([spikes.times[:0], *(spikes.times[row] for row in rows)])
    inputs = np.concatenate([spikes.inputs[:0], *(spikes.inputs[row] for row in rows)])
    ends = np.cumsum(spikes.end - spikes.begin, dtype=np.uintp)
    offsets = np.insert(ends, 0, 0)
    assert offsets[-1] == spikes.n_spikes
    return times, inputs, offsets


def assert_same_spikes(one, two):
    for a, b in zip(parts(one), parts(two), strict=True):
        assert a.dtype == b.dtype
        assert_array_equal(a, b)
    assert (one.n_samples, one.n_in, one.most) == (two.n_samples, two.n_in, two.most)


# ------------------------------------------------------------------ the code


def test_latency_is_linear_in_the_range_of_the_feature():
    encoder = Encoder("latency", window=2.0).fit(X[:, 1:2])
    assert_allclose(times_of(encoder, X[:, 1:2]), [[2.0], [0.0], [1.0]])


def test_zero_is_absent_where_it_is_the_minimum_and_common():
    times = times_of(Encoder("latency", window=1.0).fit(X), X)
    assert_array_equal(times[:, 0], [np.inf, np.inf, 0.0])


@pytest.mark.parametrize(
    ("columns", "absent"),
    [
        # 0 in at least half of the samples of a feature
        ([[0, 0, 1, 2], [5, 6, 7, 8], [5, 6, 7, 8]], [True, False, False]),
        ([[0, 3, 1, 2], [5, 6, 7, 8]], [False, False]),
        ([[0, 0, 1, -2], [5, 6, 7, 8], [5, 6, 7, 8]], [True, False, False]),
        ([[0, 0, -1], [5, 6, 7], [5, 6, 7]], [True, False, False]),
        # at least half of all values: each feature that has a zero at all
        ([[0, 1, 2, 3], [0, 0, 0, 5], [4, 3, 2, 1]], [False, True, False]),
        ([[0, 1, 2, 3], [0, 0, 0, 5], [0, 0, 2, 1]], [True, True, True]),
        ([[0, 1, 2, 3], [0, 0, 0, 0], [0, 2, 1, 3]], [True, True, True]),
        ([[9, 1, 2, 3], [0, 0, 0, 0], [0, 0, 0, 3]], [False, True, True]),
    ],
    ids=str,
)
def test_rule_for_absent_zeros(columns, absent):
    X = np.array(columns, dtype=float).T
    for form in (X, sp.csr_array(X)):
        for kind in ("auto", "latency"):
            encoder = Encoder(kind, window=1.0).fit(form)
            assert_array_equal(encoder.zero_is_absent, absent)
            others = encoder.n_channels - len(absent)  # complements are always there
            assert_array_equal(encoder.may_drop, [*absent, *[False] * others])
    times = times_of(encoder, X)
    varies = np.ptp(X, axis=0) > 0
    assert_array_equal(np.isinf(times), ~varies | (X == 0) & absent)
    complement = Encoder("complement", window=1.0).fit(X)
    assert not complement.zero_is_absent.any()
    assert_array_equal(complement.may_drop, [False] * complement.n_channels)
    # Spike times that are absent, by the same rule; a channel may spike twice.
    spike_times = np.where(X == 0, np.inf, X)
    samples, channels = np.nonzero(X)
    twice = SpikeTrains(
        *[np.tile(a, 2) for a in (samples, channels, X[X != 0])], X.shape
    )
    for form in (spike_times, sp.csr_array(X), twice):
        encoder = Encoder("spike_times", window=1.0).fit(form)
        assert_array_equal(encoder.may_drop, absent)


@pytest.mark.parametrize("column", [[0.0, 1.0, 2.0], [-1.0, 1.0, 0.0]], ids=str)
def test_zero_is_a_value_where_it_is_rare(column):
    feature = np.array(column)[:, None]
    times = times_of(Encoder("latency", window=1.0).fit(feature), feature)
    assert np.isfinite(times).all()


def test_absent_zero_between_values_of_both_signs():
    feature = np.array([[0.0], [-2.0], [0.0], [2.0]])
    encoder = Encoder("latency", window=1.0).fit(feature)
    assert_array_equal(times_of(encoder, feature).ravel(), [np.inf, 1.0, np.inf, 0.0])
    # Signed zeros, and what is clipped to the range, not to zero.
    times = times_of(encoder, [[-0.0], [-1e-300], [-9.0], [1.0]])
    assert_allclose(times.ravel(), [np.inf, 0.5, 1.0, 0.25], rtol=1e-15)


def test_constant_feature_never_spikes():
    encoder = Encoder("auto", window=1.0).fit(X)
    assert np.isinf(times_of(encoder, X)[:, 2]).all()
    assert np.isinf(times_of(encoder, X + 1.0)[:, 2]).all()


def test_auto_complements_features_without_absent_zeros():
    encoder = Encoder("auto", window=1.0).fit(X)
    times = times_of(encoder, X)
    assert encoder.n_channels == times.shape[1] == 4
    assert_allclose(times[:, 3], 1.0 - times[:, 1])


def test_complement_takes_zeros_as_values():
    encoder = Encoder("complement", window=1.0).fit(X)
    times = times_of(encoder, X)
    assert encoder.n_channels == times.shape[1] == 5
    assert_allclose(times[:, 0], [1.0, 1.0, 0.0])
    assert_allclose(times[:, 3], [0.0, 0.0, 1.0])


def test_values_outside_the_range_are_clipped():
    encoder = Encoder("complement", window=1.0).fit(X[:, 1:2])
    assert_allclose(times_of(encoder, [[5.0], [1e300]]), [[1.0, 0.0], [0.0, 1.0]])


def test_huge_ranges_do_not_overflow():
    feature = np.array([[-1.7e308], [0.0], [1.7e308]])
    encoder = Encoder("latency", window=1.0).fit(feature)
    assert_allclose(times_of(encoder, feature), [[1.0], [0.5], [0.0]])


def test_values_below_an_absent_zero_are_absent_too():
    encoder = Encoder("latency", window=1.0).fit(X[:, :1])
    times = times_of(encoder, [[0.0], [-1e-9], [-5.0], [2.0]])
    assert_allclose(times[:, 0], [np.inf, np.inf, np.inf, 0.5], rtol=1e-15)


def test_range_too_small_to_divide_by_is_constant():
    feature = np.array([[0.0], [5e-324], [0.0]])
    encoder = Encoder("complement", window=1.0).fit(feature)
    assert np.isinf(times_of(encoder, feature)).all()


def test_greatest_value_spikes_at_zero_and_smallest_at_the_window():
    # However the division rounds: no time is negative or beyond the window.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 5000)) * 10.0 ** rng.uniform(-30, 30, 5000)
    times = times_of(Encoder("latency", window=0.7).fit(X), X)
    assert_array_equal(times.min(axis=0), 0.0)
    assert_array_equal(times.max(axis=0), 0.7)


@pytest.mark.parametrize("m", [3, 4, 6, 15])
def test_population_is_that_of_bohte(m):
    rng = np.random.default_rng(m)
    X = rng.uniform(-3.0, 5.0, (50, 2)) * [1.0, 1e6]
    times = times_of(Encoder("population", 2.0, n_receptive_fields=m).fit(X), X)
    assert times.shape == (50, 2 * m)
    low, high = X.min(axis=0), X.max(axis=0)
    for j in range(2):
        for i in range(1, m + 1):
            centre = low[j] + (2 * i - 3) / 2 * (high[j] - low[j]) / (m - 2)
            width = 1 / 1.5 * (high[j] - low[j]) / (m - 2)
            g = np.exp(-((X[:, j] - centre) ** 2) / (2 * width**2))
            expected = np.where(g >= 0.1, 2.0 * (1 - g), np.inf)
            assert_allclose(times[:, j * m + i - 1], expected, rtol=0, atol=1e-12)


def test_two_or_three_fields_of_a_feature_spike():
    X = np.linspace(-1.0, 1.0, 1001)[:, None]
    for m in (3, 4, 5, 6, 7, 20, 1000):
        encoder = Encoder("population", window=1.0, n_receptive_fields=m).fit(X)
        times = times_of(encoder, X)
        n_active = np.isfinite(times).sum(axis=1)
        assert set(n_active) <= {2, 3}
        assert times[np.isfinite(times)].min() >= 0.0
        assert times[np.isfinite(times)].max() <= 0.9
        # One of them is at most half a distance away.
        assert times.min(axis=1).max() <= 1 - np.exp(-(0.75**2) / 2) + 1e-12


def test_population_takes_zeros_as_values_and_leaves_constants_out():
    encoder = Encoder("population", window=1.0, n_receptive_fields=4).fit(X)
    times = times_of(encoder, X)
    assert encoder.n_channels == times.shape[1] == 12
    side = 1 - np.exp(-(0.75**2) / 2)
    assert_allclose(times[0, :4], [side, side, np.inf, np.inf])
    assert_allclose(times[2, :4], [np.inf, np.inf, side, side])
    assert np.isinf(times[:, 8:]).all()
    # Clipped to the range.
    assert_array_equal(times_of(encoder, [[-9.0, 99.0, 8.0]])[0, :4], times[0, :4])


def test_spike_times_are_counted_from_the_first():
    times = np.array([[0.5, np.inf], [2.5, 1.0]])
    encoder = Encoder("spike_times", window=1.0).fit(times)
    assert_array_equal(times_of(encoder, times), [[0.0, np.inf], [2.0, 0.5]])
    assert (encoder.begin, encoder.end) == (0.5, 2.0)


# ------------------------------------------------------------------ against NumPy


def random_features(seed, n_samples, n_features, density, integers=False):
    """Signed values, with columns that are constant, empty, full, and never 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    if integers:
        X = np.round(3 * X)
    X[rng.random(X.shape) > density] = 0.0
    for column, value in ((0, 0.0), (1, 2.5), (2, rng.random(n_samples) + 1)):
        if n_features > 4:
            X[:, column] = value
    if n_features > 4:
        X[:, 3] = np.abs(X[:, 3])
    if n_samples > 2:
        X[1] = 0.0
    return X


def forms(X):
    """X as CSR of all kinds: clean ones, and what they may look like."""
    clean = sp.csr_array(X)
    yield clean
    yield sp.csr_matrix(X)
    for kind in (np.int32, np.int64):
        yield sp.csr_array(
            (clean.data, clean.indices.astype(kind), clean.indptr.astype(kind)),
            shape=X.shape,
        )
    # Explicit zeros.
    rows, columns = np.indices(X.shape)
    full = (X.ravel(), (rows.ravel(), columns.ravel()))
    yield sp.csr_array(sp.coo_array(full, shape=X.shape))
    yield sp.csc_array(X).tocsr()


@relaxed
@given(
    st.integers(0, 10**6),
    st.integers(1, 30),
    st.integers(1, 40),
    st.sampled_from([0.02, 0.3, 0.7, 1.0]),
    st.sampled_from(["auto", "latency", "complement", "population"]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
    st.sampled_from([3, 4, 6, 17]),
)
def test_core_encodes_like_numpy(
    seed, n_samples, n_features, density, kind, dtype, spike_dtype, integers, n_fields
):
    X = random_features(seed, n_samples, n_features, density, integers).astype(dtype)
    more = (2 * random_features(seed + 1, 20, n_features, density)).astype(dtype)
    encoder = Encoder(kind, 1.3, n_fields).fit(X)
    biases = np.array([0.0, 0.9, 1.25], spike_dtype)
    for rows in (X, more):
        for t_max in (2.0, 1.1):
            spikes = encoder.spikes(rows, biases, t_max)
            times = twin.encode(encoder, rows)
            expected = twin.sort(times, biases, t_max, spike_dtype)
            for got, right in zip(parts(spikes), expected, strict=True):
                assert got.dtype == right.dtype
                assert_array_equal(got, right)
            assert spikes.n_in == encoder.n_channels + 3
            assert spikes.most == np.diff(expected[2].astype(int)).max()
            for form in forms(rows):
                assert_same_spikes(encoder.spikes(form, biases, t_max), spikes)


@relaxed
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.02, 0.3, 0.7, 1.0]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_ranges_of_sparse_and_dense_data_are_the_same(seed, density, dtype, integers):
    X = random_features(seed, 25, 30, density, integers).astype(dtype)
    for kind in ("auto", "latency"):
        dense = vars(Encoder(kind, window=1.0).fit(X))
        for form in forms(X):
            sparse = vars(Encoder(kind, window=1.0).fit(form))
            assert sparse.keys() == dense.keys()
            for name, value in dense.items():
                assert_array_equal(sparse[name], value, err_msg=name)


def test_empty_sparse_matrices():
    X = np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 0.0]])
    encoder = Encoder("latency", window=1.0).fit(X)
    empty = np.zeros((4, 3))
    biases = np.array([0.25])
    assert_same_spikes(
        encoder.spikes(sp.csr_array(empty), biases, 2.0),
        encoder.spikes(empty, biases, 2.0),
    )
    none = encoder.spikes(sp.csr_array((0, 3)), biases, 2.0)
    assert (none.n_samples, len(none)) == (0, 0)
    nothing = Encoder("auto", window=1.0).fit(sp.csr_array((5, 3)))
    spikes = nothing.spikes(sp.csr_array((5, 3)), NO_BIAS, 2.0)
    assert_array_equal(parts(spikes)[2], np.zeros(6))


@pytest.mark.parametrize("kind", ["auto", "population"])
@pytest.mark.parametrize("n_threads", [2, 4])
def test_encoding_does_not_depend_on_threads(n_threads, kind, monkeypatch):
    X = random_features(0, 3000, 40, 0.4)
    encoder = Encoder(kind, window=1.0).fit(X)
    expected = [encoder.spikes(X[s : s + 1], NO_BIAS, 2.0) for s in range(0, 3000, 100)]
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    with threadpool_limits(n_threads):
        for form in (X, sp.csr_array(X)):
            spikes = encoder.spikes(form, NO_BIAS, 2.0)
            for s, alone in zip(range(0, 3000, 100), expected, strict=True):
                begin, end = spikes.begin[s], spikes.end[s]
                assert_array_equal(spikes.times[begin:end], parts(alone)[0])
                assert_array_equal(spikes.inputs[begin:end], parts(alone)[1])


def test_dense_times_of_spikes():
    X = random_features(3, 12, 9, 0.6)
    encoder = Encoder("auto", window=1.0).fit(X)
    spikes = encoder.spikes(X, np.array([0.5]), 2.0)
    channels = twin.encode(encoder, X)
    assert_array_equal(spikes.dense(encoder.n_channels), channels)
    assert_array_equal(spikes.dense()[:, :-1], channels)
    assert_array_equal(spikes.dense()[:, -1], 0.5)


class TestBorder:
    """Nothing reaches C unchecked."""

    def test_number_of_features(self):
        encoder = Encoder("auto", window=1.0).fit(X)
        for form in (X[:, :2], sp.csr_array(X[:, :2])):
            with pytest.raises(ValueError, match="X must have 3 columns, not 2"):
                encoder.spikes(form, NO_BIAS, 2.0)

    @pytest.mark.parametrize("index", [-1, 3, 2**31 - 1])
    def test_index_outside_of_the_matrix(self, index):
        encoder = Encoder("auto", window=1.0).fit(X)
        matrix = sp.csr_array(X)
        matrix.indices[0] = index
        with pytest.raises(ValueError, match="out of range"):
            encoder.spikes(matrix, NO_BIAS, 2.0)

    @pytest.mark.parametrize("name", ["low", "high", "scale", "absent"])
    def test_length_of_what_was_learned(self, name):
        encoder = Encoder("auto", window=1.0).fit(X)
        setattr(encoder, name, getattr(encoder, name)[:2])
        with pytest.raises(ValueError, match=f"{name} must have 3 entries"):
            encoder.spikes(X, NO_BIAS, 2.0)

    @pytest.mark.parametrize("n_fields", [-1, 0, 2])
    def test_number_of_receptive_fields(self, n_fields):
        encoder = Encoder("population", 1.0).fit(X)
        encoder.n_receptive_fields = n_fields
        with pytest.raises(ValueError, match="at least 3 receptive fields"):
            encoder.spikes(X, NO_BIAS, 2.0)

    def test_number_of_channels(self):
        encoder = Encoder("population", 1.0, n_receptive_fields=10**7).fit(X)
        with pytest.raises(ValueError, match="fewer than 16777216 inputs, not 3"):
            encoder.spikes(X, NO_BIAS, 2.0)

    @pytest.mark.parametrize("name", ["always", "complemented"])
    def test_features_of_what_was_learned(self, name):
        encoder = Encoder("auto", window=1.0).fit(X)
        setattr(encoder, name, np.array([3], np.uint32))
        with pytest.raises(ValueError, match="out of range"):
            encoder.spikes(X, NO_BIAS, 2.0)


# ------------------------------------------------------------------ sorting

SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000, 8192, 8193, 9000)


def arrangements(n, dtype, rng):
    """Times of n inputs in orders that are hard to sort."""
    u = rng.random(n)
    yield "random", u
    yield "descending", -np.sort(-u)
    yield "ties", np.round(u * 5) / 4
    yield "equal", np.full(n, 0.75)
    yield "signs", rng.normal(size=n)
    yield "zeros", np.where(u < 0.3, -0.0, np.where(u < 0.6, 0.0, u))
    yield "far", 1e6 + rng.integers(0, 8, n) / 8
    yield "far behind", -1e20 * u
    yield "scales", 10.0 ** rng.uniform(-25, 25, n) * np.sign(u - 0.5)
    yield "absent", np.where(u < 0.3, np.inf, u)
    # Differences that a float does not see, or that only the last bit holds.
    few = rng.integers(0, 4, n)
    yield "last bits", 1.0 + few * np.spacing(dtype(1.0))
    yield "last bits and more", np.round(u * 3) + few * np.spacing(dtype(4.0))
    yield "last bits, descending", 1.0 - np.arange(n) * np.spacing(dtype(1.0))
    yield "offset", 1e9 + u * 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", SIZES)
def test_sort_is_stable_at_any_length(n, dtype):
    rng = np.random.default_rng(n)
    for name, times in arrangements(n, dtype, rng):
        times = times.astype(dtype)[None]
        if n == 0:
            # All spikes are those of biases.
            spikes = twin.spikes_of(np.full((1, 1), np.inf, dtype), [], 1e29)
            assert_array_equal(parts(spikes)[2], [0, 0])
            continue
        spikes = twin.spikes_of(times, [], 1e29)
        expected = twin.sort(times, [], 1e29, dtype)
        for got, right in zip(parts(spikes), expected, strict=True):
            assert_array_equal(got, right, err_msg=name)


def test_samples_of_many_lengths_are_sorted_each():
    rng = np.random.default_rng(0)
    times = np.round(rng.random((200, 60)) * 20) / 10
    times[rng.random(times.shape) < rng.random((200, 1))] = np.inf
    biases = [0.3, 0.3, 1.1]
    spikes = twin.spikes_of(times, biases, 1.5)
    expected = twin.sort(times, biases, 1.5, np.float64)
    for got, right in zip(parts(spikes), expected, strict=True):
        assert_array_equal(got, right)
    # Spikes at the horizon are too late.
    assert parts(spikes)[0].max() < 1.5


# ------------------------------------------------------------------ the classifier


def classes_of(X, seed):
    return np.random.default_rng(seed).integers(0, 3, len(X))


def small(**parameters):
    return TTFSClassifier(
        **{"hidden_layer_sizes": (10,), "max_iter": 2, "random_state": 0} | parameters
    )


def sparse_forms(X):
    for container in (
        sp.csr_array,
        sp.csr_matrix,
        sp.csc_array,
        sp.csc_matrix,
        sp.coo_array,
        sp.coo_matrix,
    ):
        yield container(X)
    # Duplicates, unsorted, with explicit zeros.
    rows, columns = np.nonzero(X)
    order = np.random.default_rng(0).permutation(2 * len(rows) + 1)
    rows = np.concatenate([rows, rows, [0]])[order]
    columns = np.concatenate([columns, columns, [0]])[order]
    values = np.concatenate([X[X != 0] / 2, X[X != 0] / 2, [0.0]])[order]
    by_row = np.argsort(rows, kind="stable")
    ends = np.bincount(rows, minlength=len(X)).cumsum()
    indptr = np.concatenate([[0], ends])
    yield sp.csr_array((values[by_row], columns[by_row], indptr), shape=X.shape)


@pytest.mark.parametrize("kind", ["auto", "latency"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("density", [0.03, 0.4, 0.95])
def test_model_of_sparse_data_is_that_of_the_dense_array(density, dtype, kind):
    X = random_features(1, 60, 30, density).astype(dtype)
    y = classes_of(X, 2)
    dense = small(encoder=kind).fit(X, y)
    p = dense.predict_proba(X)
    for form in sparse_forms(X):
        before = form.copy()
        sparse = small(encoder=kind).fit(form, y)
        for a, b in zip(dense.coefs_, sparse.coefs_, strict=True):
            assert_array_equal(a, b)
        assert dense.loss_curve_ == sparse.loss_curve_
        assert dense.n_channels_in_ == sparse.n_channels_in_
        for model in (dense, sparse):
            for data in (form, X):
                assert_array_equal(model.predict_proba(data), p)
                assert_array_equal(model.predict(data), dense.predict(X))
        for a, b in zip(dense.spike_times(X), sparse.spike_times(form), strict=True):
            assert_array_equal(a, b)
        # The caller's matrix is as it was.
        assert form.nnz == before.nnz
        assert_array_equal(form.data, before.data)


def test_early_stopping_and_partial_fit_take_sparse_data():
    X = random_features(1, 90, 20, 0.3)
    y = classes_of(X, 2)
    dense = small(early_stopping=True, max_iter=4).fit(X, y)
    sparse = small(early_stopping=True, max_iter=4).fit(sp.csr_array(X), y)
    assert dense.validation_scores_ == sparse.validation_scores_
    assert_array_equal(dense.coefs_[0], sparse.coefs_[0])
    dense, sparse = small(), small()
    for rows in (slice(0, 45), slice(45, 90)):
        dense.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        sparse.partial_fit(sp.csr_array(X[rows]), y[rows], classes=[0, 1, 2])
    assert_array_equal(dense.coefs_[0], sparse.coefs_[0])


def test_stored_zero_is_a_spike_and_what_is_not_stored_is_none():
    inf = np.inf
    times = np.array([[0.0, inf, 0.5], [inf, 0.25, 0.0], [1.0, inf, inf]] * 10)
    y = np.tile([0, 1, 2], 10)
    rows, columns = np.nonzero(np.isfinite(times))
    stored = times[rows, columns]
    assert (stored == 0).any()
    coo = sp.coo_array((stored, (rows, columns)), shape=times.shape)
    matrix = sp.csr_array(coo)
    dense = small(encoder="spike_times").fit(times, y)
    assert_array_equal(dense.spike_times(times)[0], times)
    for form in (matrix, coo, sp.csc_array(coo), sp.csr_matrix(matrix)):
        sparse = small(encoder="spike_times").fit(form, y)
        assert_array_equal(sparse.coefs_[0], dense.coefs_[0])
        assert_array_equal(sparse.spike_times(form)[0], times)
        assert_array_equal(sparse.predict_proba(form), dense.predict_proba(times))
    # Stored +inf and NaN are absent as well.
    times[0, 0] = inf
    for absent in (inf, np.nan):
        matrix.data[0] = absent
        assert_array_equal(dense.spike_times(matrix)[0], times)
        again = small(encoder="spike_times").fit(matrix, y)
        assert_array_equal(again.coefs_[0], dense.fit(times, y).coefs_[0])
    matrix.data[0] = -inf
    with pytest.raises(ValueError, match="where there is no spike"):
        dense.predict(matrix)


def test_offset_of_sparse_spike_times():
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 64, (30, 6)) / 64.0
    rows, columns = np.nonzero(rng.random((30, 6)) < 0.6)
    y = np.arange(30) % 2
    models = []
    for offset in (0.0, 1024.0, -512.0):
        data = stored[rows, columns] + offset
        matrix = sp.csr_array(sp.coo_array((data, (rows, columns)), shape=(30, 6)))
        models.append(small(encoder="spike_times").fit(matrix, y).predict_proba(matrix))
    for other in models[1:]:
        assert_array_equal(models[0], other)


@pytest.mark.parametrize("kind", ["complement", "population"])
def test_encoders_of_every_zero_refuse_sparse_data(kind):
    X = random_features(1, 60, 30, 0.3)
    y = classes_of(X, 2)
    clf = small(encoder=kind).fit(X, y)
    for call in (
        lambda: small(encoder=kind).fit(sp.csr_array(X), y),
        lambda: clf.predict(sp.csc_array(X)),
        lambda: clf.partial_fit(sp.csr_array(X), y),
    ):
        with pytest.raises(TypeError, match=rf"encoder='{kind}'.*sparse"):
            call()


def test_classifier_with_receptive_fields():
    X = random_features(1, 60, 5, 0.8)
    y = classes_of(X, 2)
    clf = small(encoder="population", n_receptive_fields=4, tau_syn=2.0).fit(X, y)
    assert clf.n_channels_in_ == 20
    encoder = Encoder("population", 2.0, n_receptive_fields=4).fit(X)
    times = clf.spike_times(X)[0]
    assert_array_equal(times, twin.encode(encoder, X).astype(np.float32))
    p = clf.predict_proba(X)
    # Part of the structure, and only looked at in fit.
    clf.set_params(n_receptive_fields=5, warm_start=True)
    assert_array_equal(clf.predict_proba(X), p)
    with pytest.raises(ValueError, match="n_receptive_fields was 4"):
        clf.fit(X, y)
    assert clf.set_params(warm_start=False).fit(X, y).n_channels_in_ == 25


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_stored_features_must_be_finite(bad):
    X = random_features(1, 60, 30, 0.3)
    y = classes_of(X, 2)
    matrix = sp.csr_array(X)
    matrix.data[5] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        small().fit(matrix, y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        small().fit(X, y).predict(matrix)


def test_spikes_remember_the_memory_that_they_need():
    spikes = twin.spikes_of(np.array([[0.5, 0.25]]), [0.1], 9.0)
    assert isinstance(spikes, _core.Spikes)
    assert (len(spikes), spikes.n_in, spikes.most) == (1, 3, 3)
    assert_array_equal(parts(spikes)[1], [2, 1, 0])
    assert spikes.n_spikes == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.indptr.__setitem__(slice(5, 7), 10**9), "indptr"),
        (lambda m: m.indptr.__setitem__(3, 0), "indptr"),
        (lambda m: m.indptr.__setitem__(-1, 10**6), "fewer entries"),
        (lambda m: m.indices.__setitem__(slice(None), 3), "ascend"),
    ],
    ids=["indptr jumps", "indptr falls", "too few entries", "duplicates"],
)
def test_malformed_sparse_matrix(change, message):
    dense = np.ones((10, 30))
    encoder = Encoder("latency", window=1.0).fit(np.arange(300.0).reshape(10, 30))
    matrix = sp.csr_array(dense)
    assert matrix.has_canonical_format
    change(matrix)
    with pytest.raises(ValueError, match=message):
        encoder.spikes(matrix, NO_BIAS, 2.0)
