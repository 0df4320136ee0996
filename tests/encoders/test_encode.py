"""Features to sorted spikes by the compiled core, against NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import twin
from encoding import (
    NO_BIAS,
    X,
    assert_same_spikes,
    forms,
    make_encoder_of,
    parts,
    random_features,
    relaxed,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from ttfs import core as _core

every_simd = pytest.mark.usefixtures("every_simd")


SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000, 8192, 8193, 9000)


@every_simd
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
    st.sampled_from([None, 2, 7, 16, 1000]),
)
def test_core_encodes_like_numpy(
    seed,
    n_samples,
    n_features,
    density,
    kind,
    dtype,
    spike_dtype,
    integers,
    n_fields,
    levels,
):
    X = random_features(seed, n_samples, n_features, density, integers).astype(dtype)
    more = (2 * random_features(seed + 1, 20, n_features, density)).astype(dtype)
    encoder = make_encoder_of(kind, 1.3, n_fields).set_params(levels=levels).fit(X)
    biases = np.array([0.0, 0.9, 1.25], spike_dtype)
    for rows in (X, more):
        for t_max in (2.0, 1.1):
            spikes = encoder.spikes(rows, biases, t_max)
            times = twin.encode(encoder.channels_, rows)
            expected = twin.sort(times, biases, t_max, spike_dtype)
            for got, right in zip(parts(spikes), expected, strict=True):
                assert got.dtype == right.dtype
                assert_array_equal(got, right)
            assert spikes.n_in == encoder.n_channels_ + 3
            assert spikes.max_spikes == np.diff(expected[2].astype(int)).max()
            for form in forms(rows):
                assert_same_spikes(encoder.spikes(form, biases, t_max), spikes)


@every_simd
def test_empty_sparse_matrices():
    X = np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 0.0]])
    encoder = make_encoder_of("latency", window=1.0).fit(X)
    empty = np.zeros((4, 3))
    biases = np.array([0.25])
    assert_same_spikes(
        encoder.spikes(sp.csr_array(empty), biases, 2.0),
        encoder.spikes(empty, biases, 2.0),
    )
    none = encoder.spikes(sp.csr_array((0, 3)), biases, 2.0)
    assert (none.n_samples, len(none)) == (0, 0)
    nothing = make_encoder_of("auto", window=1.0).fit(sp.csr_array((5, 3)))
    spikes = nothing.spikes(sp.csr_array((5, 3)), NO_BIAS, 2.0)
    assert_array_equal(parts(spikes)[2], np.zeros(6))


@pytest.mark.parametrize(("kind", "n_threads"), [("auto", 4), ("population", 2)])
def test_encoding_does_not_depend_on_threads(kind, n_threads, monkeypatch):
    X = random_features(0, 3000, 40, 0.4)
    encoder = make_encoder_of(kind, window=1.0).fit(X)
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
    encoder = make_encoder_of("auto", window=1.0).fit(X)
    spikes = encoder.spikes(X, np.array([0.5]), 2.0)
    channels = twin.encode(encoder.channels_, X)
    assert_array_equal(spikes.dense(encoder.n_channels_), channels)
    assert_array_equal(spikes.dense()[:, :-1], channels)
    assert_array_equal(spikes.dense()[:, -1], 0.5)


class TestBorder:
    """Nothing reaches C unchecked."""

    def test_number_of_features(self):
        encoder = make_encoder_of("auto", window=1.0).fit(X)
        for form in (X[:, :2], sp.csr_array(X[:, :2])):
            with pytest.raises(ValueError, match="X must have 3 columns, not 2"):
                encoder.spikes(form, NO_BIAS, 2.0)

    def test_index_outside_of_the_matrix(self):
        encoder = make_encoder_of("auto", window=1.0).fit(X)
        matrix = sp.csr_array(X)
        for index in -1, 3, 2**31 - 1:
            matrix.indices[0] = index
            with pytest.raises(ValueError, match="out of range"):
                encoder.spikes(matrix, NO_BIAS, 2.0)

    def test_what_was_learned(self):
        channels = make_encoder_of("auto").fit(X).channels_
        fields = make_encoder_of("population").fit(X).channels_
        wrong = [
            *(
                (channels, {name: getattr(channels, name)[:2]}, "must have 3 entries")
                for name in ("low", "high", "scale", "absent")
            ),
            *((channels, {"levels": n}, "at least 2 levels") for n in (-1, 0, 1)),
            *(
                (fields, {"n_receptive_fields": n}, "at least 3 receptive fields")
                for n in (-1, 0, 2)
            ),
            *(
                (channels, {name: np.array([3], np.uint32)}, "out of range")
                for name in ("always", "complemented")
            ),
        ]
        for learned, changes, message in wrong:
            with pytest.raises(ValueError, match=message):
                _core.encode(replace(learned, **changes), X, NO_BIAS, 2.0)

    def test_number_of_channels(self):
        with pytest.raises(ValueError, match="fewer than 16777216 inputs, not 3"):
            make_encoder_of("population", n_fields=10**7).fit(X)
        channels = make_encoder_of("population").fit(X).channels_
        channels = replace(channels, n_channels=30_000_000)
        with pytest.raises(ValueError, match="fewer than 16777216 inputs, not 3"):
            _core.encode(channels, X, NO_BIAS, 2.0)


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


@every_simd
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sort_is_stable_at_any_length(dtype):
    nothing = twin.spikes_of(np.full((1, 1), np.inf, dtype), [], 1e29)
    assert_array_equal(parts(nothing)[2], [0, 0])
    for n in SIZES:
        for name, times in arrangements(n, dtype, np.random.default_rng(n)):
            times = times.astype(dtype)[None]
            spikes = twin.spikes_of(times, [], 1e29)
            expected = twin.sort(times, [], 1e29, dtype)
            for got, right in zip(parts(spikes), expected, strict=True):
                assert_array_equal(got, right, err_msg=f"{name}, {n}")


@every_simd
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


def test_spikes_remember_the_memory_that_they_need():
    spikes = twin.spikes_of(np.array([[0.5, 0.25]]), [0.1], 9.0)
    assert isinstance(spikes, _core.Spikes)
    assert (len(spikes), spikes.n_in, spikes.max_spikes) == (1, 3, 3)
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
    encoder = make_encoder_of("latency", window=1.0).fit(
        np.arange(300.0).reshape(10, 30)
    )
    matrix = sp.csr_array(dense)
    assert matrix.has_canonical_format
    change(matrix)
    with pytest.raises(ValueError, match=message):
        encoder.spikes(matrix, NO_BIAS, 2.0)
