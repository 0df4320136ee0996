"""Transmission delays of the estimators."""

import copy

import numpy as np
import pytest
import twin
from classifiers import small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from ttfs import core as _core

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


def test_unknown_kind_is_named(iris):
    with pytest.raises(ValueError, match="'delays' parameter"):
        small(delays="dendritic").fit(*iris)


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
