"""Transmission delays of the estimators."""

import copy
import pickle

import numpy as np
import pytest
import twin
from classifiers import assert_same_model, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from ttfs import core as _core
from ttfs.engines.float import FloatTrainer

KINDS = ["axonal", "synaptic"]


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_estimator_learns_weights_and_delays(iris, kind, arithmetic):
    X, y = iris
    clf = small(delays=kind, arithmetic=arithmetic, max_iter=50).fit(X, y)
    start = small(
        delays=kind, arithmetic=arithmetic, max_iter=1, learning_rate_init=1e-30
    ).fit(X, y)
    assert clf.score(X, y) > 0.92
    for delays, first, weights in zip(
        clf.delays_, start.delays_, clf.coefs_, strict=True
    ):
        assert delays.dtype == weights.dtype == arithmetic
        shape = weights.shape[: 1 if kind == "axonal" else 2]
        assert delays.shape == first.shape == shape
        assert delays.min() >= 0
        assert 0.2 < np.mean(delays > 0.01)
        assert_allclose(first, 0, atol=1e-20)
    # Times are those of spikes, not of arrivals.
    times = clf.spike_times(X)
    assert_allclose(times[0], small().fit(X, y).spike_times(X)[0])
    passes = twin.forward(clf.network_.layers, times[0].astype(arithmetic), clf.t_max_)
    tolerance = 1e-4 if arithmetic == "float32" else 1e-9
    for got, did in zip(times[1:], passes, strict=True):
        assert_allclose(got, did.spikes, rtol=tolerance)


def test_estimator_without_delays_has_none(iris):
    clf = small().fit(*iris)
    assert clf.delays is None
    assert clf.delays_ is None


def test_delays_scale_with_the_time_constants(iris):
    X, y = iris
    one, other = (
        small(delays="axonal", arithmetic="float64", tau_mem=tau, tau_syn=tau).fit(X, y)
        for tau in (1.0, 4.0)
    )
    for a, b in zip(one.delays_, other.delays_, strict=True):
        assert_allclose(4.0 * a, b, atol=1e-3)


def test_unknown_kind_is_named(iris):
    with pytest.raises(ValueError, match="'delays' parameter"):
        small(delays="dendritic").fit(*iris)


@pytest.mark.parametrize("kind", KINDS)
def test_pickle_and_clone(iris, kind):
    X, y = iris
    clf = small(delays=kind).fit(X, y)
    copied = pickle.loads(pickle.dumps(clf))
    assert_same_model(clf, copied)
    assert_array_equal(clf.predict_proba(X), copied.predict_proba(X))
    assert_same_model(clf, clone(clf).fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit_goes_on_after_pickling(iris, kind):
    X, y = iris
    clf = small(delays=kind).partial_fit(X, y, classes=[0, 1, 2])
    first = clf.delays_
    copied = pickle.loads(pickle.dumps(clf))
    for model in (clf, copied):
        model.partial_fit(X, y)
    assert_same_model(clf, copied)
    assert not np.array_equal(clf.delays_[0], first[0])


def test_warm_start_continues(iris):
    X, y = iris
    clf = small(delays="synaptic", warm_start=True).fit(X, y)
    before = clf.delays_
    kept = copy.deepcopy(before)
    clf.set_params(learning_rate_init=1e-9).fit(X, y)
    for a, b in zip(clf.delays_, before, strict=True):
        assert_allclose(a, b, atol=1e-6)
    for a, b in zip(kept, before, strict=True):
        assert_array_equal(a, b)
    with pytest.raises(ValueError, match="delays was 'synaptic'"):
        clf.set_params(delays="axonal").fit(X, y)


@pytest.mark.filterwarnings("ignore:training reached max_iter")
def test_early_stopping_at_a_constant_rate_keeps_the_best_delays(iris, monkeypatch):
    X, y = iris
    clf = small(delays="axonal", early_stopping=True, tol=0.0, n_iter_no_change=30)
    clf.set_params(learning_rate="constant")
    seen = []
    epoch = FloatTrainer.epoch

    def record(self, *arguments):
        loss = epoch(self, *arguments)
        seen.append(self.learned())
        return loss

    monkeypatch.setattr(FloatTrainer, "epoch", record)
    clf.set_params(max_iter=30).fit(X, y)
    best = int(np.argmax(clf.validation_scores_))
    assert best + 1 < clf.n_iter_ == len(seen)
    kept = [*seen[best].weights, *(layer.delays for layer in seen[best].layers)]
    for a, b in zip(kept, [*clf.coefs_, *clf.delays_], strict=True):
        assert_array_equal(a, b)


def test_grid_search_over_delays(iris):
    clf = small(hidden_layer_sizes=(30,), max_iter=60)
    search = GridSearchCV(clf, {"delays": [None, *KINDS]}, cv=2).fit(*iris)
    assert (search.cv_results_["mean_test_score"] > 0.8).all()
    kind, best = search.best_params_["delays"], search.best_estimator_
    assert (best.delays_ is None) == (kind is None)
    expected = clone(clf).set_params(delays=kind).fit(*iris)
    assert_array_equal(best.predict(iris[0]), expected.predict(iris[0]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_delays_that_are_not_finite_are_an_error(iris, monkeypatch):
    X, y = iris
    clf = small(delays="axonal", learning_rate="constant", max_iter=1)

    def make(layers, *args, **kwargs):
        class Trainer(_core.precision(layers[0].weights).Trainer):
            def delays(self):
                return [array * np.nan for array in super().delays()]

        return Trainer(layers, *args, **kwargs)

    monkeypatch.setattr(_core, "Trainer", make)
    with (
        pytest.raises(ValueError, match="delays that are not finite"),
        pytest.warns(ConvergenceWarning),
    ):
        clf.fit(X, y)
    assert not hasattr(clf, "coefs_")
