"""Population code."""

import numpy as np
import pytest
import twin
from classifiers import quick
from encoding import X, classes_of, make_encoder_of, random_features, times_of
from numpy.testing import assert_allclose, assert_array_equal

pytestmark = pytest.mark.usefixtures("every_simd")


@pytest.mark.parametrize("m", [3, 4, 6, 15])
def test_population_is_that_of_bohte(m):
    rng = np.random.default_rng(m)
    X = rng.uniform(-3.0, 5.0, (50, 2)) * [1.0, 1e6]
    times = times_of(make_encoder_of("population", 2.0, n_fields=m).fit(X), X)
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
        encoder = make_encoder_of("population", window=1.0, n_fields=m).fit(X)
        times = times_of(encoder, X)
        n_active = np.isfinite(times).sum(axis=1)
        assert set(n_active) <= {2, 3}
        assert times[np.isfinite(times)].min() >= 0.0
        assert times[np.isfinite(times)].max() <= 0.9
        # One of them is at most half a distance away.
        assert times.min(axis=1).max() <= 1 - np.exp(-(0.75**2) / 2) + 1e-12


def test_population_takes_zeros_as_values_and_leaves_constants_out():
    encoder = make_encoder_of("population", window=1.0, n_fields=4).fit(X)
    times = times_of(encoder, X)
    assert encoder.n_channels_ == times.shape[1] == 12
    side = 1 - np.exp(-(0.75**2) / 2)
    assert_allclose(times[0, :4], [side, side, np.inf, np.inf])
    assert_allclose(times[2, :4], [np.inf, np.inf, side, side])
    assert np.isinf(times[:, 8:]).all()
    # Clipped to the range.
    assert_array_equal(times_of(encoder, [[-9.0, 99.0, 8.0]])[0, :4], times[0, :4])


def test_classifier_with_receptive_fields():
    X = random_features(1, 60, 5, 0.8)
    y = classes_of(X, 2)
    clf = quick(encoder="population", tau_syn=2.0).fit(X, y)
    assert clf.n_channels_in_ == 20
    encoder = make_encoder_of("population", 2.0, n_fields=4).fit(X)
    times = clf.spike_times(X)[0]
    assert_array_equal(times, twin.encode(encoder.channels_, X).astype(np.float32))
    p = clf.predict_proba(X)
    # Part of the structure, and only looked at in fit.
    clf.set_params(encoder__n_fields=5, warm_start=True)
    assert_array_equal(clf.predict_proba(X), p)
    with pytest.raises(ValueError, match=r"encoder was .*n_fields=4.* is .*n_fields=5"):
        clf.fit(X, y)
    assert clf.set_params(warm_start=False).fit(X, y).n_channels_in_ == 25
