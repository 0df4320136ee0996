"""Spikes at equally spaced times, the parameter `levels`."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from classifiers import assert_same_model, quick
from encoding import assert_same_spikes, classes_of, random_features, times_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.encoders import LatencyEncoder, PopulationEncoder, SpikeTimesEncoder

every_simd = pytest.mark.usefixtures("every_simd")
ENCODERS = {
    "auto": LatencyEncoder(),
    "latency": LatencyEncoder(complement=False),
    "complement": LatencyEncoder(complement=True),
    "population": PopulationEncoder(),
}
every_encoder = pytest.mark.parametrize("kind", ENCODERS)
X = random_features(0, 60, 9, 0.6)
y = classes_of(X, 1)


@every_simd
@every_encoder
def test_spikes_go_to_the_nearest_level(kind):
    encoder = clone(ENCODERS[kind]).set_params(window=1.3)
    free = encoder.fit(X).transform(X)
    spikes = np.isfinite(free)
    for levels in 2, 3, 8, 49, 1000:
        times = encoder.set_params(levels=levels).fit(X).transform(X)
        assert_array_equal(np.isfinite(times), spikes)
        grid = np.linspace(0, 1.3, levels)
        nearest = np.abs(free[spikes][:, None] - grid).argmin(axis=1)
        assert_allclose(times[spikes], grid[nearest], rtol=1e-15)
        # Equal levels are equal numbers, in channels and complements alike.
        assert len(np.unique(times[spikes])) <= levels
        assert encoder.end_ == 1.3
        if kind != "population":  # whose last spikes are at 0.9 of the window
            assert (times[spikes].min(), times[spikes].max()) == (0, 1.3)


@every_simd
def test_halfway_between_two_levels_the_later_one():
    encoder = LatencyEncoder(complement=True, max_deviation=np.inf, levels=5)
    column = np.arange(9.0)[:, None]  # multiples of half a step
    steps = 4 * encoder.fit(column).transform(column)
    part = np.array([Fraction(k, 2) for k in range(9)])
    later = [int(x + Fraction(1, 2)) for x in part]
    # A range is scaled by a factor that is rounded up: v may be above a half by a bit.
    assert_array_equal(steps[:, 1], later)
    assert_allclose(steps[:, 0], 4 - part.astype(float), atol=0.5)
    assert_array_equal(steps[::2, 0], [4, 3, 2, 1, 0])
    assert steps[1, 0] == 4  # its 7/8 of the window are exactly 3.5 steps


@every_encoder
def test_order_is_kept(kind):
    encoder = clone(ENCODERS[kind]).fit(X)
    free = encoder.transform(X).ravel()
    for levels in (2, 7, 64):
        times = encoder.set_params(levels=levels).fit(X).transform(X).ravel()
        assert np.all(np.diff(times[np.argsort(free)][np.isfinite(np.sort(free))]) >= 0)


@every_simd
@pytest.mark.parametrize(
    ("kind", "dtype"), [("auto", np.float32), ("latency", np.float64)]
)
def test_sparse_rows_have_the_bits_of_dense_ones(kind, dtype):
    data = X.astype(dtype)
    encoder = clone(ENCODERS[kind]).set_params(levels=12).fit(data)
    for biases in (np.array([0.5], np.float32), np.array([0.5])):
        dense = encoder.spikes(data, biases, 2.0)
        assert_same_spikes(encoder.spikes(sp.csr_array(data), biases, 2.0), dense)


@every_encoder
def test_many_levels_change_little_and_none_changes_nothing(kind):
    encoder = clone(ENCODERS[kind]).fit(X)
    free = times_of(encoder, X)
    fine = times_of(encoder.set_params(levels=2**24).fit(X), X)
    assert_allclose(fine, free, atol=2.0**-25)
    assert_array_equal(times_of(encoder.set_params(levels=None).fit(X), X), free)


def test_integers_of_numpy():
    expected = LatencyEncoder(levels=6).fit_transform(X)
    for levels in np.int64(6), np.uint8(6):
        assert_array_equal(LatencyEncoder(levels=levels).fit_transform(X), expected)


# ------------------------------------------------------------------ in an estimator


@pytest.mark.parametrize("kind", ["auto", "population"])
def test_a_pipeline_has_the_bits_of_the_parameter(kind):
    encoder = clone(ENCODERS[kind]).set_params(levels=6)
    clf = quick(encoder=encoder, read_out=1.25, t_max=2.0).fit(X, y)
    told = SpikeTimesEncoder(begin=0.0, duration=1.0, may_drop=clf.encoder_.may_drop_)
    plain = quick(encoder=told, read_out=1.25, t_max=2.0)
    pipe = make_pipeline(clone(encoder), plain).fit(X, y)
    assert_same_model(clf, pipe[-1])
    assert_array_equal(clf.predict_proba(X), pipe.predict_proba(X))


@pytest.mark.parametrize("estimator", [TTFSClassifier, TTFSRegressor])
def test_levels_follow_tau_syn(estimator):
    model = quick(estimator, encoder=LatencyEncoder(levels=5), tau_syn=2.0).fit(X, y)
    times = model.spike_times(X)[0]
    assert_array_equal(np.unique(times[np.isfinite(times)]), [0, 0.5, 1, 1.5, 2])


def test_the_nested_parameter():
    clf = quick().set_params(encoder__levels=16)
    assert clf.get_params()["encoder__levels"] == 16
    assert clone(clf).encoder.levels == 16
    assert_same_model(clf.fit(X, y), quick(encoder=LatencyEncoder(levels=16)).fit(X, y))


def test_other_levels_are_another_encoder():
    clf = quick(encoder=LatencyEncoder(levels=6), warm_start=True).fit(X, y)
    clf.fit(X, y)
    with pytest.raises(ValueError, match="encoder"):
        clf.set_params(encoder__levels=7).fit(X, y)


# ------------------------------------------------------------------ stored models


@every_encoder
def test_models_that_are_older_than_the_parameter(kind):
    """The parameter is then missing in all that was stored."""
    clf = quick(encoder=clone(ENCODERS[kind]), warm_start=True).fit(X, y)
    old = pickle.loads(pickle.dumps(clf))
    for part in (old.encoder, old.encoder_, old.encoder_.channels_):
        assert vars(part).pop("levels") is None
    fitted = old._fitted_structure.encoder
    params = tuple(item for item in fitted.params if item[0] != "levels")
    vars(fitted)["params"] = params
    old = pickle.loads(pickle.dumps(old))
    assert_same_model(old, clf, X)
    assert repr(clone(old)) == repr(old) == repr(clf)
    assert_same_model(old.fit(X, y), clf.fit(X, y), X)
    assert_same_model(old.partial_fit(X, y), clf.partial_fit(X, y), X)
