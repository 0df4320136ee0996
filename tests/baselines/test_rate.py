"""RateClassifier: what it converts, what its rates stand for, what it counts."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import rate_twin
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs.baselines import RateClassifier, rate

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@pytest.fixture(scope="module")
def digits():
    """Digits, pixels scaled to 1, and a ReLU network that has learned them."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    mlp = MLPClassifier((40, 30), max_iter=40, random_state=0).fit(X[:1000], y[:1000])
    return X, y, mlp


@pytest.fixture(scope="module")
def cancer():
    """Two classes, features of both signs, and a ReLU network with one output."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return X, y, MLPClassifier((20,), max_iter=60, random_state=0).fit(X, y)


# -- Rates and activations ---------------------------------------------------------


def activations_of(clf, X):
    """Activations of the layers of `ann_`, in units of their scales."""
    ann = clf.ann_
    layers = rate.activations(X, ann.coefs_, ann.intercepts_)
    return [a / s for a, s in zip(layers, clf.scales_[1:], strict=True)]


@pytest.mark.parametrize(
    ("n_steps", "initial_membrane", "low", "high"),
    [(7, 0.0, 0.0, 1.0), (50, 0.5, -0.5, 0.5), (300, 0.0, 0.0, 1.0)],
)
def test_rates_of_the_first_layer_are_rounded(
    digits, n_steps, initial_membrane, low, high
):
    # Driven by a constant current a, a neuron has spiked floor(T a + V_0) times.
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp, n_steps=n_steps, initial_membrane=initial_membrane)
    rates = clf.fit(X, y).firing_rates(X[:200])[0]
    expected = np.clip(activations_of(clf, X[:200])[0], 0, 1)
    missing = n_steps * (expected - rates)
    tolerance = 1e-3  # of sums in float32
    assert missing.min() > low - tolerance
    assert missing.max() < high + tolerance
    assert (rates == 1).any()  # the percentile lets some saturate
    assert 0 < rates.mean() < 0.5


@pytest.mark.parametrize("inputs", ["current", "spikes"])
def test_errors_of_all_layers_fall_as_one_over_the_steps(digits, inputs):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp, percentile=100, inputs=inputs).fit(X, y)
    errors = []
    for n_steps in (30, 300, 3000):
        rates = clf.set_params(n_steps=n_steps).firing_rates(X[:25])
        expected = activations_of(clf, X[:25])
        errors.append(
            [
                abs(r - np.maximum(a, 0)).mean()
                for r, a in zip(rates, expected, strict=True)
            ]
        )
    errors = np.array(errors)
    assert (errors[1:] < errors[:-1] / 6).all()
    assert (errors[-1] < 2e-3).all()


def test_membranes_of_outputs_are_logits(digits):
    # Without hidden layers nothing is rounded.
    X, y, _ = digits
    mlp = MLPClassifier((), max_iter=20, random_state=0).fit(X, y)
    clf = RateClassifier(ann=mlp, outputs="membrane", n_steps=20).fit(X, y)
    (logits,) = rate.activations(X, mlp.coefs_, mlp.intercepts_)
    assert_allclose(clf.decision_function(X), logits, rtol=1e-4, atol=1e-4)
    assert_allclose(clf.predict_proba(X), mlp.predict_proba(X), rtol=1e-3, atol=1e-6)
    assert_allclose(
        clf.predict_log_proba(X), mlp.predict_log_proba(X), rtol=1e-3, atol=1e-3
    )
    assert_array_equal(clf.predict(X), mlp.predict(X))


@pytest.mark.parametrize("outputs", ["spikes", "membrane"])
def test_probabilities_of_two_classes_approach_those_of_the_network(cancer, outputs):
    X, y, mlp = cancer
    clf = RateClassifier(ann=mlp, n_steps=3000, percentile=100, outputs=outputs)
    clf.fit(X, y)
    X = X[:120]
    assert_allclose(clf.predict_proba(X), mlp.predict_proba(X), atol=0.01)
    assert clf.decision_function(X).shape == (120,)
    assert_array_equal(clf.decision_function(X) > 0, clf.predict(X) == 1)
    assert clf.coefs_[-1].shape == (20, 2)
    assert_array_equal(clf.coefs_[-1][:, 0], -clf.coefs_[-1][:, 1])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"outputs": "membrane"},
        {"inputs": "spikes"},
        {"initial_membrane": 0.0},
        {"percentile": 99},
    ],
)
def test_accuracy_is_that_of_the_network(digits, params):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp, n_steps=100, **params).fit(X[:1000], y[:1000])
    same = clf.predict(X[1000:1400]) == mlp.predict(X[1000:1400])
    assert same.mean() > 0.99


def made_of(coefs, intercepts, **params):
    """A classifier of these weights and currents, without biases of its membranes."""
    n_classes = len(intercepts[-1])
    X, y = np.eye(n_classes, len(coefs[0])), np.arange(n_classes)
    ann = MLPClassifier([len(b) for b in intercepts[:-1]], max_iter=1).fit(X, y)
    clf = RateClassifier(ann=ann, initial_membrane=0.0, **params).fit(X, y)
    clf.coefs_ = [np.array(w, np.float32) for w in coefs]
    clf.intercepts_ = [np.array(b, np.float32) for b in intercepts]
    clf.scales_ = np.ones(len(coefs) + 1)
    return clf


def test_membranes_break_ties_of_spikes():
    clf = made_of([np.zeros((1, 3))], [[0.9, 0.3, 0.96]])
    # No spike; then one of the first and one of the last neuron, whose membrane is
    # higher; after 11 steps 9, 3 and 10 spikes.
    assert_array_equal(clf.decisions([[0.0]], [1, 2, 11]), [[2, 2, 2]])
    clf.intercepts_[0][:] = [0.5, 0.75, 0.5]
    assert_array_equal(clf.decisions([[0.0]], [1, 2, 3]), [[1, 1, 1]])
    clf.intercepts_[0][:] = [0.5, 0.5, 0.5]
    assert_array_equal(clf.decisions([[0.0]], [1, 2, 3]), [[0, 0, 0]])


@pytest.mark.parametrize(
    ("outputs", "labels"), [("spikes", [0, 0, 0, 0, 1]), ("membrane", [0, 0, 0, 1, 1])]
)
def test_spikes_cannot_be_taken_back(outputs, labels):
    # A hidden spike after four steps inhibits the first output, which has spiked three
    # times; the second one spikes in every other step.
    clf = made_of(
        [np.zeros((1, 1)), [[-10.0, 0.0]]], [[0.25], [1.0, 0.5]], outputs=outputs
    )
    assert_array_equal(clf.decisions([[0.0]], [1, 2, 3, 4, 8]), [labels])


# -- Counts ------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", ["spikes", "membrane"])
@pytest.mark.parametrize("inputs", ["current", "spikes"])
def test_activity_is_that_of_the_twin(cancer, inputs, outputs):
    X, y, mlp = cancer
    mlp = pickle.loads(pickle.dumps(mlp))
    rng = np.random.default_rng(0)
    for w in mlp.coefs_:
        w *= rng.random(w.shape) > 0.3
    clf = RateClassifier(ann=mlp, n_steps=12, inputs=inputs, outputs=outputs)
    X = X * (rng.random(X.shape) > 0.2)
    activity = clf.fit(X, y).activity(X[:15], "loihi")
    assert activity.sizes == (30, 20, 2)
    x = X[:15].astype(np.float32) / np.float32(clf.scales_[0])
    for n in range(len(x)):
        trains, _ = rate_twin.run(
            clf.coefs_,
            clf.intercepts_,
            0.5,
            x[n],
            12,
            input_spikes=inputs == "spikes",
            output_spikes=outputs == "spikes",
        )
        n_spikes, n_events = rate_twin.count(clf.coefs_, trains)
        assert_array_equal(activity.n_spikes[n], n_spikes[-1])
        assert_array_equal(activity.n_events_to_decision[n], n_events[-1])
        assert_array_equal(activity.n_events[n], n_spikes[-1, :-1] * [20, 2])
        n_macs = sum(
            (w != 0).sum() for v, w in zip(x[n], clf.coefs_[0], strict=True) if v
        )
        assert activity.n_macs[n] == (n_macs if inputs == "current" else 0)
        silent = outputs == "spikes" and n_spikes[-1, -1] == 0
        assert activity.is_undecided[n] == silent
    assert_array_equal(activity.n_spikes_to_decision, activity.n_spikes)
    assert (activity.decision_times == 12).all()
    assert activity.step == 1
    assert not activity.n_bias_spikes.any()
    assert (activity.energy > 0).all()
    assert "12 steps" in str(activity)


@pytest.mark.parametrize("outputs", ["spikes", "membrane"])
def test_curves_end_with_score_and_activity(digits, outputs):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp, n_steps=30, outputs=outputs).fit(X, y)
    X, y = X[:300], y[:300]
    curves, activity = clf.anytime(X, y), clf.activity(X)
    assert curves.unit == "step"
    assert curves.times[0] == 1
    assert curves.times[-1] == 30
    assert curves.accuracy[-1] == clf.score(X, y)
    assert_allclose(curves.n_events[-1], activity.n_events_to_decision.sum() / 300)
    assert_allclose(curves.n_spikes[-1], activity.n_spikes[:, 1:].sum() / 300)
    assert (np.diff(curves.n_events) > 0).all()
    early = clf.anytime(X, y, times=[1, 3])
    labels = clf.decisions(X, [1, 3])
    if outputs == "membrane":
        assert (early.decided == 1).all()
        assert_allclose(early.accuracy, (labels == y[:, np.newaxis]).mean(axis=0))
    else:
        assert 0 < early.decided[0] < 1
        assert early.accuracy[0] <= min(early.decided[0], (labels[:, 0] == y).mean())


def test_decisions_are_predictions_of_so_many_steps(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp).fit(X, y)
    decisions = clf.decisions(X[:100], [1, 4, 150])
    for k, n_steps in enumerate([1, 4, 150]):
        clf.set_params(n_steps=n_steps)
        assert_array_equal(decisions[:, k], clf.predict(X[:100]))
    assert (decisions[:, 0] != decisions[:, 2]).any()


# -- The ReLU network --------------------------------------------------------------


def test_scales_are_percentiles(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp, percentile=90).fit(X[:50], y[:50])
    hidden = np.maximum(X[:50] @ mlp.coefs_[0] + mlp.intercepts_[0], 0)
    assert_allclose(clf.scales_[0], np.percentile(X[:50][X[:50] > 0], 90))
    assert_allclose(clf.scales_[1], np.percentile(hidden[hidden > 0], 90))
    ratio = clf.scales_[0] / clf.scales_[1]
    assert_allclose(clf.coefs_[0], mlp.coefs_[0] * ratio, rtol=1e-6)
    assert_allclose(clf.intercepts_[0], mlp.intercepts_[0] / clf.scales_[1], rtol=1e-6)


def test_a_layer_that_is_silent_has_a_scale():
    mlp = MLPClassifier((3,), max_iter=1).fit([[0.0], [1], [1]], [0, 1, 2])
    mlp.coefs_[0][:], mlp.intercepts_[0][:] = 0, -1
    clf = RateClassifier(ann=mlp).fit([[0.0], [1], [1]], [0, 1, 2])
    assert clf.scales_[1] == 1
    assert clf.activity([[1.0]]).n_spikes[0, 1] == 0


def test_the_network_of_the_parameters_is_trained(digits):
    X, y, _ = digits
    parameters = {"alpha": 0.01, "max_iter": 5, "random_state": 3}
    clf = RateClassifier((11,), **parameters).fit(X, y)
    mlp = MLPClassifier((11,), **parameters).fit(X, y)
    assert_array_equal(clf.ann_.coefs_[0], mlp.coefs_[0])
    assert clf.n_iter_ == 5
    assert (clf.n_layers_, clf.n_outputs_, clf.n_features_in_) == (3, 10, 64)


def test_a_fitted_network_is_kept_and_another_one_is_cloned(digits):
    X, y, mlp = digits
    assert RateClassifier(ann=mlp).fit(X, y).ann_ is mlp
    new = MLPClassifier((5,), max_iter=3, random_state=0)
    clf = RateClassifier(ann=new).fit(X, y)
    assert not hasattr(new, "coefs_")
    assert clf.ann_.n_iter_ == 3
    assert not hasattr(clone(RateClassifier(ann=mlp)).ann, "coefs_")


def test_a_frozen_network_survives_searches(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=FrozenEstimator(mlp))
    search = GridSearchCV(clf, {"n_steps": [1, 50], "percentile": [99, 100]}, cv=2)
    assert search.fit(X[1000:], y[1000:]).best_params_["n_steps"] == 50
    assert_array_equal(search.best_estimator_.ann_.coefs_[0], mlp.coefs_[0])


def test_parameters_of_the_network_are_searched(digits):
    X, y, _ = digits
    ann = MLPClassifier((8,), max_iter=5, random_state=0)
    grid = {"rateclassifier__ann__alpha": [1e-4, 100.0]}
    pipeline = make_pipeline(StandardScaler(), RateClassifier(ann=ann))
    search = GridSearchCV(pipeline, grid, cv=2).fit(X[:400], y[:400])
    assert search.best_params_ == {"rateclassifier__ann__alpha": 1e-4}


def test_labels_may_be_strings(cancer):
    X, y, _ = cancer
    names = np.array(["malignant", "benign"])[y]
    clf = RateClassifier((5,), max_iter=20, random_state=0).fit(X, names)
    assert set(clf.classes_) == set(names)
    assert set(clf.predict(X)) == set(names)
    assert clf.anytime(X, names, [100]).accuracy[0] == clf.score(X, names)


@pytest.mark.parametrize("inputs", ["current", "spikes"])
def test_sparse_matrices_give_the_same(digits, inputs):
    X, y, mlp = digits
    dense = RateClassifier(ann=mlp, inputs=inputs, n_steps=10).fit(X, y)
    sparse = RateClassifier(ann=mlp, inputs=inputs, n_steps=10).fit(csr_array(X), y)
    assert_allclose(sparse.scales_, dense.scales_)
    sparse.coefs_, sparse.intercepts_ = dense.coefs_, dense.intercepts_
    sparse.scales_ = dense.scales_
    expected = dense.decision_function(X[:30])
    assert_array_equal(sparse.decision_function(csr_array(X[:30])), expected)
    n_events = dense.activity(X[:30]).n_events
    assert_array_equal(sparse.activity(csr_array(X[:30])).n_events, n_events)


def test_pickles_predict_the_same(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp, n_steps=5).fit(X, y)
    copy = pickle.loads(pickle.dumps(clf))
    assert_array_equal(copy.decision_function(X[:50]), clf.decision_function(X[:50]))


def test_every_attribute_is_documented(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp).fit(pd.DataFrame(X).add_prefix("pixel"), y)
    found = {name for name in dir(clf) if name[0] != "_" and name[-1] == "_"}
    _, _, attributes = RateClassifier.__doc__.partition("Attributes\n")
    assert found == set(re.findall(r"^(\w+_) : ", attributes, re.MULTILINE))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(X[:1])


# -- What is refused ---------------------------------------------------------------

X_SMALL, Y_SMALL = [[0.0, 1], [1, 0], [1, 1], [0, 0]], [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ann": MLPClassifier(activation="tanh")}, "ann has activation='tanh'"),
        ({"ann": make_pipeline(MLPClassifier())}, "Pipeline has no activation"),
        ({"ann": MLPClassifier(alpha=-1.0)}, "'alpha' parameter of MLPClassifier"),
        ({"ann": MLPRegressor(max_iter=1)}, "MLPRegressor has no classes_"),
        ({"ann": 3}, "'ann' parameter"),
        ({"n_steps": 0}, "'n_steps' parameter"),
        ({"n_steps": 1.5}, "'n_steps' parameter"),
        ({"percentile": 0}, "'percentile' parameter"),
        ({"percentile": 101}, "'percentile' parameter"),
        ({"inputs": "poisson"}, "'inputs' parameter"),
        ({"outputs": "rates"}, "'outputs' parameter"),
        ({"initial_membrane": 1.0}, "'initial_membrane' parameter"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"max_iter": 0}, "'max_iter' parameter"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RateClassifier(**params).fit(X_SMALL, Y_SMALL)


def test_a_network_of_other_data_is_refused(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp)
    with pytest.raises(ValueError, match="X has 3 features, but ann"):
        clf.fit(X[:, :3], y)
    with pytest.raises(ValueError, match=r"not learned the labels .*11"):
        clf.fit(X, y + 2)
    with pytest.raises(NotFittedError):
        clf.predict(X)
    clf.fit(X, y)
    with pytest.raises(ValueError, match="X has 3 features"):
        clf.fit(X[:, :3], y)
    assert clf.predict(X).shape == y.shape  # the failure has changed nothing


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="only one class: 3"):
        RateClassifier().fit(X_SMALL, [3, 3, 3, 3])


def test_bad_steps_and_features_are_refused(digits):
    X, y, mlp = digits
    clf = RateClassifier(ann=mlp).fit(X, y)
    for steps, message in (
        ([0, 1], "steps must increase, from 1 to 2147483647"),
        ([1, 1], "steps must increase, from 1 to 2147483647"),
        ([1, 2**40], "steps must increase"),
        ([1.5], "integers"),
        ([[1]], "one dimension"),
        (1, "one dimension"),
        ([], "one or more integers"),
    ):
        with pytest.raises(ValueError, match=message):
            clf.decisions(X[:2], steps)
        with pytest.raises(ValueError, match=message.replace("steps", "times")):
            clf.anytime(X[:2], y[:2], steps)
    with pytest.raises(ValueError, match="64 features"):
        clf.predict(X[:, :5])
    with pytest.raises(ValueError, match="NaN"):
        clf.predict(np.full((1, 64), np.nan))
    with pytest.raises(ValueError, match="infinity or a value too large"):
        clf.predict(np.full((1, 64), 1e300))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.anytime(X[:3], y[:2])
    with pytest.raises(ValueError, match="'n_steps' parameter"):
        clf.set_params(n_steps=-1).predict(X[:2])
