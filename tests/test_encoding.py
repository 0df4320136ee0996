"""Real features to spike times."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ttfs._encoding import Encoder

X = np.array([[0.0, 10.0, 7.0], [0.0, 20.0, 7.0], [4.0, 15.0, 7.0]])


def test_latency_is_linear_in_the_range_of_the_feature():
    times = Encoder("latency", window=2.0).fit(X[:, 1:2]).transform(X[:, 1:2])
    assert_allclose(times, [[2.0], [0.0], [1.0]])


def test_zero_is_absent_where_it_is_the_minimum_and_common():
    times = Encoder("latency", window=1.0).fit(X).transform(X)
    assert_array_equal(times[:, 0], [np.inf, np.inf, 0.0])


@pytest.mark.parametrize(
    ("column", "why"),
    [([0.0, 1.0, 2.0], "rare"), ([-1.0, 0.0, 0.0], "not the minimum")],
)
def test_zero_is_a_value_where_it_is(column, why):
    feature = np.array(column)[:, None]
    times = Encoder("latency", window=1.0).fit(feature).transform(feature)
    assert np.isfinite(times).all(), why


def test_constant_feature_never_spikes():
    encoder = Encoder("auto", window=1.0).fit(X)
    assert np.isinf(encoder.transform(X)[:, 2]).all()
    assert np.isinf(encoder.transform(X + 1.0)[:, 2]).all()


def test_auto_complements_features_without_absent_zeros():
    encoder = Encoder("auto", window=1.0).fit(X)
    times = encoder.transform(X)
    assert encoder.n_channels == times.shape[1] == 4
    assert_allclose(times[:, 3], 1.0 - times[:, 1])


def test_complement_takes_zeros_as_values():
    encoder = Encoder("complement", window=1.0).fit(X)
    times = encoder.transform(X)
    assert encoder.n_channels == times.shape[1] == 5
    assert_allclose(times[:, 0], [1.0, 1.0, 0.0])
    assert_allclose(times[:, 3], [0.0, 0.0, 1.0])


def test_values_outside_the_range_are_clipped():
    encoder = Encoder("complement", window=1.0).fit(X[:, 1:2])
    assert_allclose(
        encoder.transform(np.array([[5.0], [1e300]])), [[1.0, 0.0], [0.0, 1.0]]
    )


def test_huge_ranges_do_not_overflow():
    feature = np.array([[-1.7e308], [0.0], [1.7e308]])
    encoder = Encoder("latency", window=1.0).fit(feature)
    assert_allclose(encoder.transform(feature), [[1.0], [0.5], [0.0]])


def test_values_below_an_absent_zero_are_absent_too():
    encoder = Encoder("latency", window=1.0).fit(X[:, :1])
    times = encoder.transform(np.array([[0.0], [-1e-9], [-5.0], [2.0]]))
    assert_array_equal(times[:, 0], [np.inf, np.inf, np.inf, 0.5])


def test_range_too_small_to_divide_by_is_constant():
    feature = np.array([[0.0], [5e-324], [0.0]])
    encoder = Encoder("complement", window=1.0).fit(feature)
    assert np.isinf(encoder.transform(feature)).all()


def test_spike_times_are_counted_from_the_first():
    times = np.array([[0.5, np.inf], [2.5, 1.0]])
    encoder = Encoder("spike_times", window=1.0).fit(times)
    assert_array_equal(encoder.transform(times), [[0.0, np.inf], [2.0, 0.5]])
    assert (encoder.begin, encoder.end) == (0.5, 2.0)
