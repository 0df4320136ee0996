"""TTFSRegressor: what it learns, what it predicts, and how it says no."""

from functools import partial

import classifiers
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import SpikeTrains, TTFSRegressor, export
from ttfs.parameters import LocalRule
from ttfs.substrates import AnalogChip, Ideal


@pytest.fixture(scope="module")
def friedman():
    X, y = make_friedman1(400, noise=0.5, random_state=0)
    return X[:300], y[:300], X[300:], y[300:]


small = partial(classifiers.small, TTFSRegressor)


# -- Learning ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "least"),
    [
        ({}, 0.75),
        ({"arithmetic": "float64"}, 0.75),
        ({"arithmetic": "fixed"}, 0.6),
        ({"delays": "axonal"}, 0.75),
        ({"delays": "synaptic"}, 0.75),
        ({"hidden_layer_sizes": (30, 30)}, 0.75),
        ({"tau_mem": float("inf")}, 0.75),
        ({"tau_mem": 300.0, "tau_syn": 100.0, "threshold": 50.0}, 0.75),
        ({"encoder": "population"}, 0.6),
        ({"substrate": Ideal()}, 0.75),
        ({"gradient": "local", "max_iter": 60}, 0.4),
        ({"gradient": LocalRule(feedback="random"), "max_iter": 60}, 0.4),
        ({"early_stopping": True}, 0.7),
        ({"learning_rate": "constant", "learning_rate_init": 0.01}, 0.6),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_options_learn(friedman, parameters, least):
    X, y, X_test, y_test = friedman
    defaults = {"hidden_layer_sizes": (40,), "max_iter": 30}
    reg = TTFSRegressor(**defaults | parameters, random_state=0).fit(X, y)
    assert reg.score(X_test, y_test) > least


def test_a_mismatched_chip_learns_in_the_loop(friedman):
    X, y, X_test, y_test = friedman
    spreads = {"threshold": 0.05, "tau_mem": 0.1, "tau_syn": 0.1}
    spreads = {f"{name}_spread": spread for name, spread in spreads.items()}
    chip = AnalogChip(**spreads, random_state=2)
    ideal = TTFSRegressor((50,), max_iter=30, random_state=0)
    ideal.fit(X, y)
    naive = clone(ideal).fit(X, y).set_params(substrate=chip).score(X_test, y_test)
    looped = clone(ideal).set_params(substrate=chip).fit(X, y).score(X_test, y_test)
    assert looped > max(naive + 0.1, 0.8)


def test_several_targets(friedman):
    X, y, X_test, y_test = friedman
    both, both_test = (np.column_stack([t, 5 - 3 * t]) for t in (y, y_test))
    reg = TTFSRegressor((50,), max_iter=40, random_state=0)
    reg.fit(X, both)
    assert reg.n_outputs_ == 2
    assert reg.predict(X_test).shape == both_test.shape
    assert reg.score(X_test, both_test) > 0.7
    # The second target is the first, turned around: early and late change places.
    one, two = reg.predict(X_test).T
    assert np.corrcoef(one, two)[0, 1] < -0.9


# -- The map between targets and times ---------------------------------------------


def test_predictions_are_affine_in_the_times_of_the_output(friedman):
    X, y, X_test, _ = friedman
    reg = small().fit(X, y)
    times = reg.spike_times(X_test)[-1][:, 0].astype(float)
    fired = np.isfinite(times)
    first, last = 0.45 * reg.t_max_, 0.85 * reg.t_max_
    part = (last - times[fired]) / (last - first)
    expected = y.min() + part * (y.max() - y.min())
    assert_allclose(reg.predict(X_test)[fired], expected, rtol=1e-6)
    assert_array_equal(reg.target_range_, [[y.min()], [y.max()]])


def test_a_silent_output_predicts_what_a_spike_at_the_end_stands_for(friedman):
    X, y, X_test, _ = friedman
    reg = small().fit(X, y)
    reg.coefs_ = [np.minimum(weights, 0) for weights in reg.coefs_]
    assert np.isinf(reg.spike_times(X_test)[-1]).all()
    expected = y.min() - 0.375 * (y.max() - y.min())
    assert_allclose(reg.predict(X_test), expected)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e3, 1e300])
def test_the_unit_of_the_targets_does_not_matter(friedman, scale):
    X, y, X_test, _ = friedman
    one = small().fit(X, y).predict(X_test)
    other = small().fit(X, y * scale).predict(X_test)
    assert_allclose(other / scale, one, rtol=1e-5)


def test_a_constant_target_is_predicted(friedman):
    X, _, X_test, _ = friedman
    reg = small().fit(X, np.full(len(X), 7.0))
    assert_array_equal(reg.predict(X_test), np.full(len(X_test), 7.0))


# -- In the company of scikit-learn ------------------------------------------------


def test_a_grid_of_bits_in_a_pipeline(friedman):
    X, y, _, _ = friedman
    model = make_pipeline(StandardScaler(), small(arithmetic="fixed"))
    grid = {"ttfsregressor__arithmetic__weight_bits": [4, 8]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    bits = search.best_params_["ttfsregressor__arithmetic__weight_bits"]
    assert search.best_estimator_[-1].network_.weights[0].max() > 2**bits / 4


def test_partial_fit_learns(friedman):
    X, y, X_test, y_test = friedman
    online = TTFSRegressor((30,), random_state=0)
    for _ in range(30):
        online.partial_fit(X, y)
    assert online.n_iter_ == 30
    assert online.score(X_test, y_test) > 0.5


def test_spike_trains():
    rng = np.random.default_rng(0)
    late = rng.uniform(0, 1, 200)
    samples = np.repeat(np.arange(200), 3)
    times = np.column_stack([late, late / 2, np.full(200, 0.5)]).ravel()
    trains = SpikeTrains(samples, np.tile([0, 1, 2], 200), times, (200, 3))
    reg = TTFSRegressor((30,), max_iter=60, random_state=0)
    reg.fit(trains, late)
    assert reg.score(trains, late) > 0.95


# -- Errors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"arithmetic": "fixed", "gradient": "local"}, "learns classes alone"),
        ({"gradient": LocalRule(feedback="target")}, "needs classes"),
        ({"delays": "axonal", "arithmetic": "fixed"}, "delays='axonal'"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "at least 2 samples"),
    ],
    ids=str,
)
def test_combinations_that_are_refused(friedman, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*friedman[:2])


@pytest.mark.parametrize("form", [np.asfortranarray, pd.DataFrame, np.ndarray.tolist])
@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
def test_targets_in_any_form(friedman, form, arithmetic):
    X, y, X_test, _ = friedman
    both = np.column_stack([y, -y])
    one, other = (small(arithmetic=arithmetic).fit(X, t) for t in (both, form(both)))
    assert_array_equal(one.predict(X_test), other.predict(X_test))


def test_early_stopping_with_several_and_with_constant_targets(friedman):
    X, y, _, _ = friedman
    stop = {"early_stopping": True, "max_iter": 20, "hidden_layer_sizes": (30,)}
    reg = small(**stop).fit(X, np.column_stack([y, -y]))
    assert 0 < reg.best_validation_score_ <= 1
    reg = small(**stop).fit(X, np.full(len(X), 3.0))
    assert -100 < reg.best_validation_score_ <= 1


def test_a_first_partial_fit_needs_targets_that_vary(friedman):
    X, y, _, _ = friedman
    for constant in (np.full(len(X), 3.0), np.column_stack([y, np.zeros(len(X))])):
        with pytest.raises(ValueError, match="range of each target"):
            small().partial_fit(X, constant)


def test_targets_beyond_the_first_range_ask_for_possible_times(friedman):
    X, y, _, _ = friedman
    reg = small().partial_fit(X, y)
    assert reg.partial_fit(X, 1e6 * y).loss_ < 2


def test_bad_targets(friedman):
    X, y, _, _ = friedman
    with pytest.raises(ValueError, match="NaN"):
        small().fit(X, np.where(y > 15, np.nan, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(X, y[:-1])
    reg = small(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="y has 2 targets"):
        reg.fit(X, np.column_stack([y, y]))


def test_only_classifiers_are_exported(friedman):
    reg = small(arithmetic="fixed").fit(*friedman[:2])
    with pytest.raises(TypeError, match="must be a TTFSClassifier"):
        export.cost_sheet(reg, friedman[0])
