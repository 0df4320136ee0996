"""Data and parameters that TTFSClassifier refuses, and how it says so."""

import numpy as np
import pytest
from classifiers import small
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from ttfs.encoders import LatencyEncoder, SpikeTimesEncoder
from ttfs.engines.float import FloatTrainer
from ttfs.parameters import SquaredError

# -- Data --------------------------------------------------------------------------


def test_one_class_is_not_enough(iris):
    with pytest.raises(ValueError, match="at least 2 classes"):
        small().fit(iris[0], np.zeros(150))


def test_no_samples(iris):
    X, y = iris
    with pytest.raises(ValueError, match="0 sample"):
        small().fit(X[:0], y[:0])
    with pytest.raises(ValueError, match="0 sample"):
        small().fit(X, y).predict(X[:0])


# -- Parameters --------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameter",
    [
        {"tau_mem": 0.0},
        {"tau_mem": float("nan")},
        {"tau_mem": "fast"},
        {"tau_syn": float("inf")},
        {"tau_syn": -2},
        {"threshold": 0.0},
        {"encoder": "rate"},
        {"encoder__n_fields": 2, "encoder": "population"},
        {"encoder__n_fields": 6.0, "encoder": "population"},
        {"arithmetic__weight_bits": 9, "arithmetic": "fixed"},
        {"arithmetic__rounding": "up", "arithmetic": "fixed"},
        {"gradient__kernel": "alpha", "gradient": "local"},
        {"loss": "hinge"},
        {"arithmetic": "float16"},
        {"time_scale": 0.0},
        {"loss__early_firing": -0.1},
        {"gradient__min_slope": -1},
        {"weight_decay": -1},
        {"batch_size": 0},
        {"batch_size": "large"},
        {"learning_rate": "adaptive"},
        {"learning_rate_init": 0.0},
        {"gradient__beta_1": 1.0},
        {"max_iter": 0},
        {"max_iter": "all"},
        {"input_dropout": 1.0},
        {"max_iter": 1.5},
        {"early_stopping": "yes"},
        {"validation_fraction": 1.0},
        {"n_iter_no_change": 0},
        {"tol": -1e-3},
        {"class_weight": "even"},
        {"verbose": "loud"},
        {"random_state": "seed"},
        {"hidden_layer_sizes": -3},
    ],
    ids=str,
)
def test_invalid_parameters_are_named(iris, parameter):
    name = next(iter(parameter)).rpartition("__")[-1]
    with pytest.raises(InvalidParameterError, match=f"'{name}'"):
        small(**parameter).fit(*iris)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"hidden_layer_sizes": (10, 0)}, "positive integers"),
        ({"hidden_layer_sizes": (1.5,)}, "positive integers"),
        ({"hidden_layer_sizes": ((3, 4), (5, 6))}, "positive integers"),
        ({"t_max": -1.0}, "t_max=-1 must be positive"),
        ({"t_max": 1e29}, "at most 10000 tau_syn"),
        (
            {"class_weight": {0: float("nan"), 1: 1, 2: 1}},
            "class_weight must be finite",
        ),
        ({"class_weight": {0: -1.0, 1: 1, 2: 1}}, "not negative"),
        ({"hidden_layer_sizes": (True,)}, "positive integers"),
        ({"loss": SquaredError(targets=(1.0,))}, "targets"),
        ({"loss": SquaredError(targets=("early", "late"))}, "targets"),
        ({"loss": SquaredError(targets=(1.0, float("nan")))}, "targets"),
        ({"tau_mem": 1e-31, "tau_syn": 1e-31}, "1e-30"),
        ({"tau_mem": [1.0]}, "hidden layer and one for the output, got"),
        ({"tau_mem": (1.0, 1.0, 1.0)}, "one number, or 2: .* got"),
        ({"tau_mem": []}, "one number, or 2"),
        ({"tau_mem": [[1.0, 1.0]]}, "one number, or 2"),
        ({"tau_mem": [1.0, 0.0]}, "tau_mem must be positive"),
        ({"tau_mem": [-1.0, 1.0]}, "tau_mem must be positive"),
        ({"tau_mem": np.array([1.0, np.nan])}, "tau_mem must be positive"),
        ({"tau_mem": [1.0, -np.inf]}, "tau_mem must be positive"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "validation_fraction"),
    ],
    ids=str,
)
def test_impossible_parameters_are_explained(iris, parameter, message):
    with pytest.raises(ValueError, match=message):
        small(**parameter).fit(*iris)


def test_training_and_validation_need_a_sample_of_each_class():
    X, y = np.random.default_rng(0).random((12, 4)), np.arange(12) % 3
    clf = small(early_stopping=True, validation_fraction=0.25).fit(X, y)  # 9 and 3
    with pytest.raises(ValueError, match=r"splits 8 samples into 6 and 2; both parts"):
        clf.fit(X[:8], y[:8])


@pytest.mark.parametrize("tau_mem", [["1.0", 2.0], [1.0, None], [True, 1.0]], ids=str)
def test_tau_mem_must_be_numbers(iris, tau_mem):
    with pytest.raises(TypeError, match="tau_mem must be a real number, got"):
        small(tau_mem=tau_mem).fit(*iris)


def test_batch_larger_than_the_data(iris):
    with pytest.warns(UserWarning, match="batch_size=1000"):
        small(batch_size=1000).fit(*iris)


# -- Calls that fail ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["spike_times", "activity"])
def test_use_before_fit(iris, method):
    with pytest.raises(NotFittedError):
        getattr(small(), method)(iris[0])


def test_partial_fit_errors(iris):
    X, y = iris
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match="not in classes"):
        small().partial_fit(X, y, classes=[0, 1])
    clf = small().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="not in classes"):
        clf.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="those of the first call"):
        clf.partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="early_stopping"):
        small(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="balanced"):
        small(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.filterwarnings("ignore:.*encountered")
def test_divergence_is_an_error_and_costs_nothing(iris):
    X, y = iris
    clf = small(random_state=0, warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(learning_rate_init=1e38, weight_decay=0.0)
    with pytest.raises(ValueError, match=r"not finite|the loss is"):
        clf.fit(X, y)
    assert_array_equal(clf.predict_proba(X), before)
    assert clf.n_iter_ == 5


def test_a_failed_partial_fit_draws_no_random_numbers(iris, monkeypatch):
    X, y = iris
    one, other = (
        small(random_state=0).partial_fit(X, y, classes=[0, 1, 2]) for _ in "12"
    )
    with monkeypatch.context() as context:

        def fail(self, *arguments):
            raise ValueError("failed")

        context.setattr(FloatTrainer, "epoch", fail)
        with pytest.raises(ValueError, match="failed"):
            one.partial_fit(X, y)
    for a, b in zip(
        one.partial_fit(X, y).coefs_, other.partial_fit(X, y).coefs_, strict=True
    ):
        assert_array_equal(a, b)


def test_arrays_in_place_of_weights_are_checked(iris):
    clf = small(random_state=0).fit(*iris)
    with pytest.raises(ValueError, match="coefs_ must be arrays of shapes"):
        clf.coefs_ = clf.coefs_[:1]
    with pytest.raises(ValueError, match="coefs_ must be arrays of shapes"):
        clf.coefs_ = [weights.T for weights in clf.coefs_]
    with pytest.raises(ValueError, match="coefs_ must be finite"):
        clf.coefs_ = [np.full_like(weights, np.nan) for weights in clf.coefs_]


def test_long_arrays_of_an_encoder_are_compared_as_a_whole(iris):
    _, y = iris
    X = np.random.default_rng(0).random((150, 1500))
    drops = np.zeros(1500, bool)
    encoder = SpikeTimesEncoder(may_drop=drops)
    clf = small(encoder=encoder, max_iter=1, warm_start=True).fit(X, y)
    changed = drops.copy()
    changed[700] = True
    clf.set_params(encoder=SpikeTimesEncoder(may_drop=changed))
    with pytest.raises(ValueError, match="encoder was"):
        clf.fit(X, y)
    window = small(encoder=LatencyEncoder(window=1.0), max_iter=1, warm_start=True)
    window.fit(*iris).set_params(encoder__window=np.float64(1.0)).fit(*iris)
