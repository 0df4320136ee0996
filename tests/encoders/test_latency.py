"""Latency code, with and without complements."""

import numpy as np
import pytest
import scipy.sparse as sp
from classifiers import quick
from encoding import (
    X,
    classes_of,
    make_encoder_of,
    random_features,
    sparse_forms,
    times_of,
)
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import SpikeTrains

every_simd = pytest.mark.usefixtures("every_simd")


@every_simd
def test_latency_is_linear_in_the_range_of_the_feature():
    encoder = make_encoder_of("latency", window=2.0).fit(X[:, 1:2])
    assert_allclose(times_of(encoder, X[:, 1:2]), [[2.0], [0.0], [1.0]])


def test_zero_is_absent_where_it_is_the_minimum_and_common():
    times = times_of(make_encoder_of("latency", window=1.0).fit(X), X)
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
            encoder = make_encoder_of(kind, window=1.0).fit(form)
            assert_array_equal(encoder.channels_.zero_is_absent, absent)
            others = encoder.n_channels_ - len(absent)  # complements are always there
            assert_array_equal(encoder.may_drop_, [*absent, *[False] * others])
    times = times_of(encoder, X)
    varies = np.ptp(X, axis=0) > 0
    assert_array_equal(np.isinf(times), ~varies | (X == 0) & absent)
    complement = make_encoder_of("complement", window=1.0).fit(X)
    assert not complement.channels_.zero_is_absent.any()
    assert_array_equal(complement.may_drop_, [False] * complement.n_channels_)
    # Spike times that are absent, by the same rule; a channel may spike twice.
    spike_times = np.where(X == 0, np.inf, X)
    samples, channels = np.nonzero(X)
    twice = SpikeTrains(
        *[np.tile(a, 2) for a in (samples, channels, X[X != 0])], X.shape
    )
    for form in (spike_times, sp.csr_array(X), twice):
        encoder = make_encoder_of("spike_times", window=1.0).fit(form)
        assert_array_equal(encoder.may_drop_, absent)


def test_zero_is_a_value_where_it_is_rare():
    for column in [0.0, 1.0, 2.0], [-1.0, 1.0, 0.0]:
        feature = np.array(column)[:, None]
        times = times_of(make_encoder_of("latency", window=1.0).fit(feature), feature)
        assert np.isfinite(times).all()


@every_simd
def test_absent_zero_between_values_of_both_signs():
    feature = np.array([[0.0], [-2.0], [0.0], [2.0]])
    encoder = make_encoder_of("latency", window=1.0).fit(feature)
    assert_array_equal(times_of(encoder, feature).ravel(), [np.inf, 1.0, np.inf, 0.0])
    # Signed zeros, and what is clipped to the range, not to zero.
    times = times_of(encoder, [[-0.0], [-1e-300], [-9.0], [1.0]])
    assert_allclose(times.ravel(), [np.inf, 0.5, 1.0, 0.25], rtol=1e-15)


def test_constant_feature_never_spikes():
    encoder = make_encoder_of("auto", window=1.0).fit(X)
    assert np.isinf(times_of(encoder, X)[:, 2]).all()
    assert np.isinf(times_of(encoder, X + 1.0)[:, 2]).all()


@every_simd
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["auto", "latency", "complement", "population"])
def test_features_of_a_tiny_range_spike_in_time_or_never(kind):
    expected = times_of(make_encoder_of(kind, window=1.0).fit(X[:, 1:2]), X[:, 1:2])
    for unit in 1e-307, 1.2e-308, 1e-308, 1e-310, 1e-322, 5e-324:
        features = unit * np.array([[1.0], [0.0], [0.5]])
        times = times_of(make_encoder_of(kind, window=1.0).fit(features), features)
        if unit > 1e-308:
            assert_allclose(times, expected[[1, 0, 2]], rtol=1e-6)
        else:
            assert np.isinf(times).all()


def test_auto_complements_features_without_absent_zeros():
    encoder = make_encoder_of("auto", window=1.0).fit(X)
    times = times_of(encoder, X)
    assert encoder.n_channels_ == times.shape[1] == 4
    assert_allclose(times[:, 3], 1.0 - times[:, 1])


def test_complement_takes_zeros_as_values():
    encoder = make_encoder_of("complement", window=1.0).fit(X)
    times = times_of(encoder, X)
    assert encoder.n_channels_ == times.shape[1] == 5
    assert_allclose(times[:, 0], [1.0, 1.0, 0.0])
    assert_allclose(times[:, 3], [0.0, 0.0, 1.0])


def test_values_outside_the_range_are_clipped():
    encoder = make_encoder_of("complement", window=1.0).fit(X[:, 1:2])
    assert_allclose(times_of(encoder, [[5.0], [1e300]]), [[1.0, 0.0], [0.0, 1.0]])


@every_simd
def test_huge_ranges_do_not_overflow():
    feature = np.array([[-1.7e308], [0.0], [1.7e308]])
    encoder = make_encoder_of("latency", window=1.0).fit(feature)
    assert_allclose(times_of(encoder, feature), [[1.0], [0.5], [0.0]])


def test_values_below_an_absent_zero_are_absent_too():
    encoder = make_encoder_of("latency", window=1.0).fit(X[:, :1])
    times = times_of(encoder, [[0.0], [-1e-9], [-5.0], [2.0]])
    assert_allclose(times[:, 0], [np.inf, np.inf, np.inf, 0.5], rtol=1e-15)


def test_range_too_small_to_divide_by_is_constant():
    feature = np.array([[0.0], [5e-324], [0.0]])
    encoder = make_encoder_of("complement", window=1.0).fit(feature)
    assert np.isinf(times_of(encoder, feature)).all()


@every_simd
def test_greatest_value_spikes_at_zero_and_smallest_at_the_window():
    # However the division rounds: no time is negative or beyond the window.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 5000)) * 10.0 ** rng.uniform(-30, 30, 5000)
    times = times_of(make_encoder_of("latency", window=0.7).fit(X), X)
    assert_array_equal(times.min(axis=0), 0.0)
    assert_array_equal(times.max(axis=0), 0.7)


@pytest.mark.parametrize(
    ("density", "dtype", "kind"),
    [
        (0.03, np.float32, "auto"),
        (0.4, np.float64, "latency"),
        (0.95, np.float32, "latency"),
    ],
)
def test_model_of_sparse_data_is_that_of_the_dense_array(density, dtype, kind):
    X = random_features(1, 60, 30, density).astype(dtype)
    y = classes_of(X, 2)
    dense = quick(encoder=kind).fit(X, y)
    p = dense.predict_proba(X)
    for form in sparse_forms(X):
        before = form.copy()
        sparse = quick(encoder=kind).fit(form, y)
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
    dense = quick(early_stopping=True, max_iter=4).fit(X, y)
    sparse = quick(early_stopping=True, max_iter=4).fit(sp.csr_array(X), y)
    assert dense.validation_scores_ == sparse.validation_scores_
    assert_array_equal(dense.coefs_[0], sparse.coefs_[0])
    dense, sparse = quick(), quick()
    for rows in (slice(0, 45), slice(45, 90)):
        dense.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        sparse.partial_fit(sp.csr_array(X[rows]), y[rows], classes=[0, 1, 2])
    assert_array_equal(dense.coefs_[0], sparse.coefs_[0])


def test_encoders_of_every_zero_refuse_sparse_data():
    X = random_features(1, 60, 30, 0.3)
    y = classes_of(X, 2)
    for kind in "complement", "population":
        clf, match = quick(encoder=kind).fit(X, y), rf"encoder='{kind}'.*sparse"
        with pytest.raises(TypeError, match=match):
            quick(encoder=kind).fit(sp.csr_array(X), y)
        with pytest.raises(TypeError, match=match):
            clf.predict(sp.csc_array(X))
        with pytest.raises(TypeError, match=match):
            clf.partial_fit(sp.csr_array(X), y)


def test_stored_features_must_be_finite():
    X = random_features(1, 60, 30, 0.3)
    y = classes_of(X, 2)
    clf, matrix = quick().fit(X, y), sp.csr_array(X)
    for bad in np.nan, np.inf:
        matrix.data[5] = bad
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            quick().fit(matrix, y)
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            clf.predict(matrix)
