"""Units do not matter to estimators: powers of two give equal bits."""

import numpy as np
import pytest
from classifiers import assert_same_weights
from numpy.testing import assert_array_equal
from sklearn.base import clone

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.datasets import make_yin_yang
from ttfs.parameters import LocalRule
from ttfs.substrates import AnalogChip

ESTIMATORS = {
    "float32": {},
    "float64": {"arithmetic": "float64"},
    "fixed, exact": {"arithmetic": "fixed"},
    "fixed, local": {"arithmetic": "fixed", "gradient": "local"},
    "local": {"gradient": "local"},
    "direct": {"gradient": LocalRule(feedback="direct")},
    "squared error": {"loss": "squared_error"},
    "shift-invariant": {"loss": "shift_invariant"},
    "axonal": {"delays": "axonal"},
    "synaptic": {"delays": "synaptic"},
    "decay": {"weight_decay": 0.3},
    "no read-out": {"read_out": None},
    "read-out": {"read_out": 1.125},
    "sparsity": {"sparsity": 0.5},
    "chip": {"substrate": AnalogChip.preset("delgrad", spike_jitter=0.01)},
}
# Both units at once for each engine; each alone for one.
CASES = [(parameters, 40, -20) for parameters in ESTIMATORS.values()]
CASES += [({}, *units) for units in ((0, 60), (0, -60), (60, 0), (-60, 0))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("parameters", "time", "threshold"), CASES, ids=str)
def test_fit(parameters, time, threshold):
    X, y = make_yin_yang(150, random_state=0)
    plain = TTFSClassifier((15,), max_iter=2, random_state=0, **parameters)
    expected = plain.fit(X, y)
    t = 2.0**time
    other = clone(plain).set_params(tau_mem=t, tau_syn=t, threshold=2.0**threshold)
    if parameters.get("read_out"):
        other.set_params(read_out=t * parameters["read_out"])
    got = other.fit(X, y)
    assert got.network_.stretch == expected.network_.stretch
    if expected.read_out_ is not None:
        assert got.read_out_ == t * expected.read_out_
    if parameters.get("arithmetic") == "fixed":
        steps = np.ldexp(np.array(got.weight_steps_), -threshold)
        assert_array_equal(steps, expected.weight_steps_)
        threshold = 0  # weights are integers
    for a, b in zip(got.coefs_, expected.coefs_, strict=True):
        assert_array_equal(np.ldexp(a, -threshold) if threshold else a, b)
    if expected.delays_ is not None:
        for a, b in zip(got.delays_, expected.delays_, strict=True):
            assert_array_equal(np.ldexp(a, -time), b)
    for a, b in zip(got.spike_times(X), expected.spike_times(X), strict=True):
        assert_array_equal(np.ldexp(a, -time), b)
    assert_array_equal(got.decision_function(X), expected.decision_function(X))
    assert_array_equal(got.n_iter_, expected.n_iter_)


@pytest.mark.parametrize(
    "estimator",
    [
        TTFSClassifier((10,), loss="squared_error"),
        TTFSClassifier((10,), loss="shift_invariant"),
        TTFSClassifier((10,), loss="squared_error", gradient="local"),
        TTFSClassifier((10,), loss="squared_error", arithmetic="fixed"),
        TTFSClassifier((10,), loss="cross_entropy"),
        TTFSRegressor((10,), early_stopping=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("time", [-10])
def test_training_stops_after_as_many_epochs(estimator, time):
    X, y = make_yin_yang(200, random_state=0)
    plain = clone(estimator).set_params(
        learning_rate="constant",
        learning_rate_init=0.02,
        n_iter_no_change=2,
        tol=1e-3,
        max_iter=300,
        random_state=0,
    )
    other = clone(plain).set_params(tau_mem=2.0**time, tau_syn=2.0**time).fit(X, y)
    plain.fit(X, y)
    assert 4 < plain.n_iter_ < 300  # it would stop after 4 without progress
    assert other.n_iter_ == plain.n_iter_
    assert_same_weights(other, plain)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("threshold", [1e-12, 1e8, 1e12])
def test_thresholds_that_are_no_powers_of_two_learn_as_well(threshold):
    X, y = make_yin_yang(500, random_state=0)
    clf = TTFSClassifier((30,), max_iter=10, random_state=0)
    plain = clf.fit(X, y).score(X, y)
    other = clone(clf).set_params(threshold=threshold).fit(X, y)
    assert abs(other.score(X, y) - plain) < 0.05
