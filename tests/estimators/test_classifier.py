"""What TTFSClassifier learns and predicts, alone and in the company of scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import pytest
from classifiers import assert_same_weights, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from ttfs import LIF, TTFSClassifier, encoders, first_spike
from ttfs import core as _core
from ttfs.datasets import make_yin_yang
from ttfs.engines import recipe
from ttfs.model.initial_weights import weight_unit
from ttfs.parameters import CrossEntropy

# -- Learning ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"encoder": "complement"},  # all pixels are active
        {"hidden_layer_sizes": (60, 60)},
        pytest.param({"hidden_layer_sizes": (400,)}, marks=pytest.mark.slow),
        pytest.param({"hidden_layer_sizes": 4 * (100,)}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_default_learns_digits(parameters):
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    clf = TTFSClassifier(max_iter=20, random_state=0).set_params(**parameters)
    assert clf.fit(X, y).score(X_test, y_test) > 0.94


@pytest.mark.slow
def test_default_learns_yin_yang():
    X, y = make_yin_yang(2000, random_state=0)
    X_test, y_test = make_yin_yang(1000, random_state=1)
    clf = TTFSClassifier((60,), random_state=0).fit(X, y)
    assert clf.score(X_test, y_test) > 0.93


@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "squared_error"},
        {"loss": "shift_invariant"},
        {"loss": CrossEntropy(early_firing=0.01)},
        {"encoder": "latency"},
        {"encoder": "complement"},
        {"encoder": "population"},
        {"max_iter": "auto", "weight_decay": 0.0},
        {"arithmetic": "float64"},
        {"learning_rate": "constant", "max_iter": 60},
        {"tau_mem": 2.0},
        {"tau_mem": 0.5},
        {"tau_mem": 20.0},
        {"tau_mem": float("inf")},
        {"tau_mem": [0.5, float("inf")]},
        {"tau_mem": 1e-3, "tau_syn": 1e-3},
        {"tau_mem": 300.0, "tau_syn": 100.0, "threshold": 50.0},
        {"hidden_layer_sizes": (30, 30)},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 40},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_options_learn_iris(iris, parameters):
    X, y = iris
    # Scores without complements vary by some points with the seed: their mean counts.
    seeds = range(4) if parameters.get("encoder") == "latency" else [0]
    parameters = {"hidden_layer_sizes": (40,), "max_iter": 50} | parameters
    scores = [
        TTFSClassifier(**parameters, random_state=seed).fit(X, y).score(X, y)
        for seed in seeds
    ]
    assert np.mean(scores) > 0.92


@pytest.mark.parametrize("read_out", ["auto", None])
def test_silent_network_comes_back(iris, monkeypatch, read_out):
    X, y = iris
    monkeypatch.setattr(recipe, "DRIVE", -8.0)
    monkeypatch.setattr(recipe, "SPREAD", 1.0)
    # No decay, which would lead back to these weights.
    parameters = {"read_out": read_out, "max_iter": 120, "random_state": 0}
    clf = TTFSClassifier((30,), weight_decay=0.0, **parameters)
    start = clone(clf).set_params(learning_rate_init=1e-12, max_iter=1).fit(X, y)
    assert all(np.isinf(times).all() for times in start.spike_times(X)[1:])
    assert clf.fit(X, y).score(X, y) > 0.9
    assert np.isfinite(clf.spike_times(X)[1]).mean() > 0.1


def test_weights_decay_to_half_their_first_mean(iris):
    X, y = iris
    rate = {"learning_rate": "constant", "learning_rate_init": 0.005}
    clf = small(weight_decay=1e6, max_iter=2, **rate)
    with pytest.warns(ConvergenceWarning):
        clf.fit(X, y)
    # Eight channels and a bias; all hidden neurons are alike, and all or none fire.
    assert_allclose(clf.coefs_[0], 3.0 / 9, atol=0.02)
    # All but those of the read-out, which are the last.
    n_fixed = clf.network_.layers[1].n_fixed
    assert np.ptp(clf.coefs_[1][:-n_fixed]) < 0.02


def test_weight_decay_counts_the_less_the_more_data_there_are(iris):
    X, y = iris
    seen = []

    def moved(n_copies, weight_decay):
        """Decay of the weights, in a run with the same updates."""
        # Steps so small that the two runs differ by the decay alone.
        clf = small(weight_decay=weight_decay, learning_rate_init=1e-3, random_state=0)
        clf.partial_fit(X, y, classes=[0, 1, 2])
        for _ in range(n_copies - 1):
            clf.partial_fit(X, y)
        before = clf.coefs_[0].astype(float)
        with_decay = pickle.loads(pickle.dumps(clf)).partial_fit(X, y).coefs_[0]
        clf.set_params(weight_decay=0.0)
        return with_decay - clf.partial_fit(X, y).coefs_[0].astype(float), before

    for n_copies in (1, 3):
        change, before = moved(n_copies, 0.1)
        slope = np.polyfit((before - before.mean()).ravel(), change.ravel(), 1)[0]
        seen.append(slope)
    assert seen[0] < 0
    assert_allclose(seen[0] / seen[1], 4 / 2, rtol=0.1)


def test_input_dropout_spares_inputs_that_are_always_there(iris):
    X, y = iris
    one = small(random_state=0, input_dropout=0.0).fit(X, y)
    two = small(random_state=0, input_dropout=0.9).fit(X, y)
    assert_array_equal(one.coefs_[0], two.coefs_[0])


@pytest.mark.parametrize("encoder", ["auto", "spike_times"])
def test_input_dropout_acts_on_inputs_that_are_often_absent(encoder):
    X, y = load_digits(return_X_y=True)
    if encoder == "spike_times":
        X = np.where(X > 0, 1 - X / 16, np.inf)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    fits = [
        TTFSClassifier(
            (30,), encoder=encoder, input_dropout=p, max_iter=20, random_state=0
        ).fit(X, y)
        for p in (0.0, 0.5, 0.5)
    ]
    assert_array_equal(fits[1].coefs_[0], fits[2].coefs_[0])
    # It is harder to learn, and predictions see all inputs.
    losses = [log_loss(y, clf.predict_proba(X)) for clf in fits]
    assert fits[1].loss_ > 1.3 * fits[0].loss_
    assert fits[1].loss_ > 1.05 * losses[1]
    assert fits[1].score(X_test, y_test) > 0.9


# -- Reproducibility ---------------------------------------------------------------


def test_initial_weights_do_not_follow_the_order_of_the_data():
    # Absent features make active inputs few in one class, many in the other.
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 1.0, (600, 80))
    X[:300, 3:] = 0.0
    y = np.repeat([0, 1], 300)
    order = rng.permutation(600)
    models = [
        small(max_iter=1, random_state=0).fit(X[rows], y[rows])
        for rows in (np.arange(600), order)
    ]
    units = [clf.engine_.step_units(clf.network_)[0] for clf in models]
    assert_allclose(units[0], units[1], rtol=0.05)


# -- What fitting leaves behind ----------------------------------------------------


def test_fitted_attributes(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    clf = small(hidden_layer_sizes=(7, 5), random_state=0).fit(X, names[y])
    assert_array_equal(clf.classes_, names)
    assert (clf.n_features_in_, clf.n_channels_in_) == (4, 8)
    assert (clf.n_layers_, clf.n_outputs_) == (4, 3)
    n_bias = [len(b) for b in clf.bias_times_]
    shapes = [w.shape for w in clf.coefs_]
    assert shapes == [(8 + n_bias[0], 7), (7 + n_bias[1], 5), (5 + n_bias[2], 3)]
    assert all(w.dtype == np.float32 for w in clf.coefs_)
    assert clf.n_iter_ == len(clf.loss_curve_) == 5
    assert clf.t_ == 5 * 150
    assert clf.loss_ == clf.loss_curve_[-1]
    assert clf.best_loss_ == min(clf.loss_curve_)
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None


@pytest.mark.parametrize("tau_mem", [2.0, (0.5, 3.0, np.inf), [1.0, 2.0, 1.5]], ids=str)
def test_spike_times_are_those_of_first_spike(iris, tau_mem):
    X, y = iris
    clf = small(hidden_layer_sizes=(9, 8), tau_mem=tau_mem, random_state=0).fit(X, y)
    taus = np.broadcast_to(tau_mem, 3)
    times = clf.spike_times(X)
    assert [t.shape for t in times] == [(150, 8), (150, 9), (150, 8), (150, 3)]
    for k, (weights, bias) in enumerate(zip(clf.coefs_, clf.bias_times_, strict=True)):
        inputs = np.hstack([times[k], np.tile(bias, (150, 1))]).astype(np.float32)
        spikes = first_spike(inputs, weights, LIF(taus[k], 1.0))
        spikes[spikes >= clf.t_max_] = np.inf
        assert 0 < np.isfinite(spikes).mean()
        assert_array_equal(times[k + 1], spikes)


def test_one_tau_mem_stands_for_that_of_each_layer(iris):
    X, y = iris
    one, *others = (
        small(tau_mem=tau_mem, warm_start=True, random_state=0).fit(X, y)
        for tau_mem in (2, [2.0, 2.0], (2, 2), np.array([2.0, 2.0]), pd.Series([2, 2]))
    )
    for other in others:
        assert_same_weights(one, other)
        assert_array_equal(one.predict_proba(X), other.predict_proba(X))
        # And so for warm_start.
        assert clone(other).set_params(tau_mem=2.0).fit(X, y).n_iter_ == 5
        assert other.set_params(tau_mem=2.0).fit(X, y).n_iter_ == 10


def test_weights_and_steps_of_a_layer_follow_its_tau_mem(iris):
    # The events of a read-out have rows of weights, as many as tau_mem asks for.
    start = {"arithmetic": "float64", "learning_rate_init": 1e-12, "random_state": 0}
    start["read_out"] = None
    one = small(tau_mem=[1.0, 1.0], **start).fit(*iris)
    two = small(tau_mem=[1.0, 4.0], **start).fit(*iris)
    ratio = weight_unit(LIF(4.0)) / weight_unit(LIF(1.0))
    assert ratio < 0.8
    for factor, a, b in zip((1.0, ratio), one.coefs_, two.coefs_, strict=True):
        assert_allclose(factor * a, b, rtol=1e-6)
    units = [clf.engine_.step_units(clf.network_) for clf in (one, two)]
    assert_allclose(np.divide(units[1], units[0]), [1.0, ratio])


def test_decisions_agree_with_each_other_and_with_spike_times():
    X, y = make_yin_yang(300, random_state=0)
    # Without a read-out some outputs are silent.
    clf = small(random_state=0, time_scale=0.3, max_iter=40, read_out=None).fit(X, y)
    scores, p = clf.decision_function(X), clf.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1.0)
    assert_allclose(np.log(p), clf.predict_log_proba(X), atol=1e-12)
    assert_allclose(p, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))
    assert_array_equal(clf.predict(X), clf.classes_[scores.argmax(axis=1)])
    output = clf.spike_times(X)[-1]
    fired = np.isfinite(output)
    assert 0 < fired.mean() < 1
    assert_allclose(scores[fired], -output[fired] / 0.3, rtol=1e-6)
    assert scores[~fired].max() <= -clf.t_max_ / 0.3
    some = fired.any(axis=1)
    assert_array_equal(clf.predict(X)[some], clf.classes_[output[some].argmin(axis=1)])


# -- In the company of scikit-learn ------------------------------------------------


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
@pytest.mark.parametrize("encoder", ["auto", "complement", "population", "spike_times"])
def test_float32_data_are_the_same_values_as_float64(iris, encoder, arithmetic):
    X, y = iris
    single = X.astype(np.float32)
    clf = small(arithmetic=arithmetic, encoder=encoder, random_state=0)
    one = clone(clf).fit(single, y)
    two = clone(clf).fit(single.astype(np.float64), y)
    assert_same_weights(one, two)
    for model in (one, two):
        for data in (single, single.astype(np.float64)):
            assert_array_equal(model.predict_proba(data), one.predict_proba(single))
            assert_array_equal(model.predict(data), one.predict(single))


def test_float32_data_reach_the_core_uncopied(monkeypatch):
    X, y = make_yin_yang(60, random_state=0)
    X = X.astype(np.float32)
    seen = []

    class Core:
        def __getattr__(self, name):
            return getattr(_core, name)

        def encode(self, encoder, X, bias_times, t_max):
            seen.append(X)
            return _core.encode(encoder, X, bias_times, t_max)

    monkeypatch.setattr(encoders.base, "_core", Core())
    small(max_iter=1, random_state=0).fit(X, y).predict(X)
    assert all(np.shares_memory(array, X) for array in seen[1:])
    assert all(array.dtype == np.float32 for array in seen)


@pytest.mark.parametrize("kind", ["read-only", "fortran", "strided", "big-endian"])
def test_odd_buffers_give_the_same_result(iris, kind):
    X, y = iris
    expected = small(random_state=0).fit(X, y).predict_proba(X)
    if kind == "read-only":
        odd = X.copy()
        odd.flags.writeable = False
    elif kind == "fortran":
        odd = np.asfortranarray(X)
    elif kind == "strided":
        odd = np.repeat(X, 2, axis=1)[:, ::2]
    else:
        odd = X.astype(">f8")
    assert_array_equal(small(random_state=0).fit(odd, y).predict_proba(odd), expected)


# -- Spike times as input ----------------------------------------------------------


@pytest.mark.parametrize("offset", [-1024.0, 1048576.0])
def test_offset_of_spike_times_costs_nothing(offset):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 64, (90, 5)) / 64.0  # exact with the offset
    y = X.argmin(axis=1) % 2
    one = small(encoder="spike_times", random_state=0).fit(X, y)
    two = small(encoder="spike_times", random_state=0).fit(X + offset, y)
    assert_array_equal(one.predict_proba(X), two.predict_proba(X + offset))
    times = zip(one.spike_times(X), two.spike_times(X + offset), strict=True)
    for a, b in times:
        assert_allclose(a + offset, b, rtol=1e-12)


def test_nan_and_inf_among_spike_times_mean_no_spike():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 64, (60, 5)) / 64.0
    X[rng.random(X.shape) < 0.3] = np.inf
    y = np.argmin(X, axis=1) % 2
    undefined = np.where((X == np.inf) & (rng.random(X.shape) < 0.5), np.nan, X)
    assert 0 < np.isnan(undefined).sum() < np.isinf(X).sum()
    clf = small(encoder="spike_times", random_state=0)
    expected = clf.fit(X, y).predict_proba(X)
    assert_array_equal(clf.predict_proba(undefined), expected)
    assert_array_equal(clf.spike_times(undefined)[0], X)
    for again in (clf.fit(undefined, y), clf.fit(undefined.astype(np.float32), y)):
        assert_array_equal(again.predict_proba(X), expected)
    assert clf.__sklearn_tags__().input_tags.allow_nan
    assert not small().__sklearn_tags__().input_tags.allow_nan


@pytest.mark.parametrize("bad", [-np.inf, 1e30])
def test_spike_times_may_be_absent_but_not_undefined(bad):
    X, y = np.array([[0.0, np.inf], [1.0, bad]]), [0, 1]
    with pytest.raises(ValueError, match="where there is no spike"):
        small(encoder="spike_times").fit(X, y)
    clf = small(encoder="spike_times").fit([[0.0, np.inf], [1.0, 0.5]], y)
    with pytest.raises(ValueError, match="where there is no spike"):
        clf.predict(X)
