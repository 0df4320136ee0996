"""Spike trains in the parts of scikit-learn that make arrays of all data."""

import numpy as np
import pytest
from classifiers import assert_same_model, quick
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.multiclass import OneVsOneClassifier

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.encoders import SpikeTimesEncoder


@pytest.fixture(scope="module")
def data():
    """Two spikes on each of four channels; the second tells the class by its times."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    samples = np.repeat(np.arange(120), 8)
    channels = np.tile(np.arange(8) // 2, 120)
    times = rng.random(960)
    telling = channels == 1
    times[telling] = 0.3 * times[telling] + 0.7 * y[samples[telling]]
    return SpikeTrains(samples, channels, times, (120, 4)), y


# Each fit of it takes a few hundredths of a second.
LEARNS = TTFSClassifier((10,), max_iter=19, random_state=0)


@pytest.mark.parametrize("max_features", [1.0, 2])
def test_bagging(data, max_features):
    X, y = data
    bag = BaggingClassifier(LEARNS, 4, max_features=max_features, random_state=0)
    bag.fit(X, y)
    assert bag.score(X, y) > 0.8
    assert bag.predict_proba(X[:3]).shape == (3, 2)
    for clf, channels in zip(bag.estimators_, bag.estimators_features_, strict=True):
        assert clf.n_features_in_ == len(channels)
        assert clf.encoder_.channels_.kind == "spike_times"
        # Each is what it would be without the ensemble, with its own channels and seed.
        again = BaggingClassifier(clone(clf), 1, bootstrap=False, random_state=0)
        chosen = X[:, channels]
        again.fit(chosen, y)
        (one,) = again.estimators_
        alone = clone(one).fit(chosen, y)
        assert_same_model(one, alone, chosen)
        cells = np.asarray(X)[:, channels]
        assert_array_equal(clf.predict_proba(cells), clf.predict_proba(chosen))


def test_permutation_importance(data):
    X, y = data
    clf = clone(LEARNS).fit(X, y)
    found = permutation_importance(clf, X, y, n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 1
    assert found.importances_mean[1] > 0.3
    assert np.abs(np.delete(found.importances_mean, 1)).max() < 0.1
    # What it does to a channel, done to the spike trains: it shuffles again and again.
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
    shuffler, order = np.random.RandomState(seed), np.arange(120)
    channel, scores = X[:, 1], []
    for _ in range(3):
        shuffler.shuffle(order)
        channel = channel[order]
        parts = [X[:, :1], channel, X[:, 2:]]
        scores.append(clf.score(SpikeTrains.concatenate(parts, axis=1), y))
    assert_array_equal(found.importances[1], clf.score(X, y) - np.array(scores))


def test_arrays_of_cells_are_spike_trains_everywhere(data):
    X, y = data
    cells = np.asarray(X)
    one, two = quick().fit(X, y), quick().fit(cells, y)
    assert_same_model(one, two, X)
    for method in ("predict", "predict_proba", "decision_function", "spike_times"):
        a, b = (getattr(one, method)(data) for data in (X, cells))
        for part, other in zip(a, b, strict=True):
            assert_array_equal(part, other)
    assert_array_equal(one.activity(X).n_events, one.activity(cells).n_events)
    one.partial_fit(X, y)
    two.partial_fit(cells, y)
    assert_same_model(one, two, X)
    targets = y.astype(float)
    one, two = (quick(TTFSRegressor).fit(data, targets) for data in (X, cells))
    assert_array_equal(one.predict(X), two.predict(cells))
    encoder = SpikeTimesEncoder()
    assert_array_equal(encoder.fit_transform(X), encoder.fit_transform(cells))
    with pytest.raises(ValueError, match="expecting 4 features"):
        one.predict(cells[:, :3])
    with pytest.raises(TypeError, match="X is a SpikeTrains, but"):
        quick(encoder="latency").fit(cells, y)


def test_other_ensembles_run(data):
    X, y = data
    boosted = AdaBoostClassifier(LEARNS, n_estimators=2).fit(X, y)
    assert boosted.score(X, y) > 0.8
    assert OneVsOneClassifier(LEARNS).fit(X, y).score(X, y) > 0.8
    selector = SequentialFeatureSelector(LEARNS, n_features_to_select=1, cv=2)
    assert_array_equal(selector.fit(X, y).get_support(indices=True), [1])
