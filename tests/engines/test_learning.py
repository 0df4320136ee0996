"""Whatever an engine learns in, and by which rule, it behaves like any other one."""

import pickle

import numpy as np
import pytest
from classifiers import assert_same_weights, small
from kinds import (
    ACCUMULATORS,
    EXACT,
    FLOAT_LOCAL,
    KINDS,
    LOCAL,
    classifier,
    every_fixed,
    every_kind,
    parametrize,
    slow,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import ttfs.engines.float
import ttfs.engines.integer
import ttfs.engines.quantized
from ttfs import SpikeTrains, TTFSClassifier
from ttfs import core as _core
from ttfs.datasets import make_yin_yang
from ttfs.parameters import FixedPoint


def yin_yang_accuracy(n_seeds=2, n_samples=600, **parameters):
    """Mean accuracy on other samples."""
    X, y = make_yin_yang(n_samples, random_state=0)
    X_test, y_test = make_yin_yang(500, random_state=1)
    defaults = {"hidden_layer_sizes": (40,), "max_iter": 40} | slow(parameters)
    scores = [
        classifier(**defaults | parameters, random_state=seed)
        .fit(X, y)
        .score(X_test, y_test)
        for seed in range(n_seeds)
    ]
    return np.mean(scores)


@pytest.mark.slow  # digits are learned by default, by each engine
@pytest.mark.parametrize("arithmetic", ["float32", "float64", "fixed"])
@pytest.mark.parametrize("gradient", ["exact", "local"])
def test_gradients_and_arithmetics_learn_yin_yang(gradient, arithmetic):
    score = yin_yang_accuracy(
        n_samples=2000, gradient=gradient, arithmetic=arithmetic, max_iter=60
    )
    assert score > 0.9


@every_kind
def test_default_learns_digits(kind):
    X, y = load_digits(return_X_y=True)  # ten classes, absent pixels
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    clf = TTFSClassifier((40,), max_iter=20, random_state=0, **kind).fit(X, y)
    assert clf.score(X_test, y_test) > 0.93
    # A sparse matrix is the same.
    assert_array_equal(clf.predict(csr_array(X_test)), clf.predict(X_test))


def fixed(**parameters):
    """arithmetic="fixed" with other parameters."""
    return {"arithmetic": FixedPoint(**parameters)}


# Kinds of engines, and what else a network may have that learns.
every_way = parametrize(
    "kind",
    KINDS
    | {
        "float64": {"arithmetic": "float64"},
        "axonal": {"delays": "axonal"},
        "synaptic": {"delays": "synaptic"},
        "several spikes": {"max_spikes": 3, "refractory": 0.1},
    },
)

FEEDBACKS = {
    name: {"gradient__feedback": name} for name in ("random", "direct", "target")
}
LINEAR = {"gradient__kernel": "linear"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "min_accuracy"),
    [
        (ACCUMULATORS, 0.8),
        (LOCAL | FEEDBACKS["random"], 0.72),
        (LOCAL | FEEDBACKS["direct"], 0.62),
        (LOCAL | FEEDBACKS["target"], 0.5),
        *((ACCUMULATORS | feedback, 0.75) for feedback in FEEDBACKS.values()),
        *((FLOAT_LOCAL | feedback, 0.75) for feedback in FEEDBACKS.values()),
        (LOCAL | LINEAR, 0.7),
        (ACCUMULATORS | LINEAR, 0.75),
        (FLOAT_LOCAL | LINEAR, 0.75),
        (ACCUMULATORS | {"arithmetic__rounding": "floor"}, 0.75),
        *(
            (fixed(weight_bits=n), min_accuracy)
            for n, min_accuracy in [(2, 0.6), (3, 0.78)]
        ),
        *((fixed(weight_bits=n), 0.8) for n in (4, 8)),
        *(
            (LOCAL | fixed(weight_bits=n), min_accuracy)
            for n, min_accuracy in [(2, 0.6), (3, 0.7)]
        ),
        *((LOCAL | fixed(weight_bits=n), 0.75) for n in (4, 5, 7, 8)),
        *((LOCAL | fixed(accumulator_bits=n), 0.75) for n in (8, 10, 12)),
        (LOCAL | fixed(weight_bits=2, accumulator_bits=4), 0.6),
        (LOCAL | fixed(weight_bits=8, accumulator_bits=16), 0.75),
        (fixed(accumulator_bits=16), 0.8),
        *((LOCAL | fixed(tick=tick), 0.78) for tick in (1 / 16, 0.0123, 1e-3)),
        (fixed(tick=1 / 16), 0.8),
    ],
    ids=str,
)
def test_options_learn_yin_yang(parameters, min_accuracy):
    assert yin_yang_accuracy(**parameters) > min_accuracy


@pytest.mark.slow  # the difference is seen in long training alone
def test_random_targets_are_worth_more_than_no_feedback():
    choices = {"n_samples": 3000, "max_iter": 30, "hidden_layer_sizes": (120,)}
    target, none = (
        yin_yang_accuracy(**choices | FLOAT_LOCAL | {"gradient__feedback": feedback})
        for feedback in ("target", "none")
    )
    assert target > none + 0.01


@pytest.mark.parametrize("kind", [LOCAL, ACCUMULATORS, FLOAT_LOCAL], ids=str)
def test_no_feedback_trains_the_output_layer_alone(kind):
    X, y = make_yin_yang(200, random_state=0)
    first, last = (
        classifier(
            hidden_layer_sizes=(20,),
            max_iter=n,
            random_state=0,
            **kind | {"gradient__feedback": "none"},
        )
        .fit(X, y)
        .coefs_
        for n in (1, 8)
    )
    assert_array_equal(first[0], last[0])
    assert not np.array_equal(first[1], last[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": (30, 30), "learning_rate_init": 0.02},
        {"hidden_layer_sizes": ()},
        {"tau_mem": 2.0},
        {"tau_mem": 0.5},
        {"tau_mem": 20.0},
        {"tau_mem": float("inf")},
        {"tau_mem": [0.5, float("inf")]},
        {"tau_mem": 1e-3, "tau_syn": 1e-3},
        {"tau_mem": 300.0, "tau_syn": 100.0, "threshold": 50.0},
        {"encoder": "latency"},
        {"encoder": "complement"},
        {"encoder": "population"},
    ],
    ids=str,
)
@every_kind
def test_networks_and_encoders_learn_iris(iris, kind, parameters):
    X, y = iris
    defaults = {"hidden_layer_sizes": (40,), "max_iter": 200, "random_state": 0}
    clf = TTFSClassifier(**defaults | slow(kind) | kind | parameters).fit(X, y)
    assert clf.score(X, y) > 0.85


@pytest.mark.parametrize("kind", [EXACT, FLOAT_LOCAL], ids=["exact", "float-local"])
@pytest.mark.parametrize("loss", ["squared_error", "shift_invariant"])
def test_losses_learn_yin_yang(kind, loss):
    assert yin_yang_accuracy(1, loss=loss, max_iter=25, **kind) > 0.7


@every_kind
def test_spike_times_and_spike_trains(kind):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    X = rng.uniform(0.0, 1.0, (120, 6))
    X[np.arange(120), y] = -0.5  # channel y fires first
    X[rng.random(X.shape) < 0.1] = np.inf
    clf = small(encoder="spike_times", max_iter=40, **kind).fit(X, y)
    assert clf.score(X, y) > 0.8
    assert clf.n_channels_in_ == 6
    slack = getattr(clf, "tick_", 2e-6) / 2
    assert_allclose(clf.spike_times(X)[0], X, rtol=0, atol=slack)
    samples, channels = np.nonzero(np.isfinite(X))
    trains = SpikeTrains(samples, channels, X[samples, channels], (120, 6))
    again = clone(clf).fit(trains, y)
    assert_same_weights(clf, again)
    assert_array_equal(clf.predict_proba(X), again.predict_proba(trains))


@every_kind
def test_binary_decision_function_is_positive_for_the_second_class(iris, kind):
    X, y = iris
    clf = small(**kind).fit(X[:100], np.array(["no", "yes"])[y[:100]])
    scores = clf.decision_function(X)
    assert scores.shape == (150,)
    assert_array_equal(clf.predict(X), np.where(scores > 0, "yes", "no"))
    p = clf.predict_proba(X)
    assert_array_equal(clf.predict(X), clf.classes_[p.argmax(axis=1)])
    assert_allclose(scores, np.log(p[:, 1]) - np.log(p[:, 0]), rtol=1e-9, atol=1e-9)


@every_kind
def test_parameters_set_after_fit_do_not_change_predictions(iris, kind):
    X, y = iris
    clf = small(**kind).fit(X, y)
    before, times = clf.predict_proba(X), clf.spike_times(X)
    for parameters in (
        {"tau_mem": 50.0, "t_max": 0.5, "encoder": "latency", "time_scale": 7.0},
        {"arithmetic": FixedPoint(2, tick=0.25), "gradient": "exact"},
        {"arithmetic": "float64"},
    ):
        clf.set_params(**parameters)
        assert_array_equal(clf.predict_proba(X), before)
        for a, b in zip(clf.spike_times(X), times, strict=True):
            assert_array_equal(a, b)


@every_fixed
def test_many_classes_with_names(kind):
    rng = np.random.default_rng(0)
    names = np.array([f"class {k:02}" for k in range(14)])
    y = np.repeat(np.arange(14), 15)
    X = rng.uniform(size=(14, 6))[y] + rng.normal(0, 0.03, (210, 6))
    clf = small(hidden_layer_sizes=(60,), max_iter=80, **kind).fit(X, names[y])
    assert_array_equal(clf.classes_, names)
    assert clf.score(X, names[y]) > 0.8
    assert clf.decision_function(X).shape == (210, 14)


# -- Reproducibility ---------------------------------------------------------------


@every_kind
def test_bits_depend_neither_on_threads_nor_on_other_samples(kind, monkeypatch):
    # OMP_NUM_THREADS lifts the limit to the CPUs that are there.
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    X, y = load_digits(n_class=5, return_X_y=True)
    results = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads):
            assert _core.n_threads() == n_threads
            clf = small(
                hidden_layer_sizes=(90, 33), max_iter=1, batch_size=150, **kind
            ).fit(X, y)
            results.append([*clf.coefs_, *clf.spike_times(X), clf.predict_proba(X)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)
    for s in (0, 450, 900):  # and a sample by itself is the same
        assert_array_equal(clf.predict_proba(X[s : s + 1])[0], results[0][-1][s])
    assert_array_equal(clf.predict_proba(X[::-1]), results[0][-1][::-1])


@every_kind
def test_other_seed_other_weights(iris, kind):
    one, two, again = (
        small(**kind | {"random_state": k}).fit(*iris) for k in (0, 1, 0)
    )
    assert not np.array_equal(one.coefs_[0], two.coefs_[0])
    assert_same_weights(one, again)
    assert one.loss_curve_ == again.loss_curve_


@every_way
def test_pickle_and_clone(iris, kind):
    X, y = iris
    clf = small(**kind).partial_fit(X[::2], y[::2], classes=[0, 1, 2])
    again = pickle.loads(pickle.dumps(clf))
    assert_array_equal(clf.predict_proba(X), again.predict_proba(X))
    for _ in range(3):
        clf.partial_fit(X[1::2], y[1::2])
        again.partial_fit(X[1::2], y[1::2])
    assert_same_weights(clf, again)
    assert clf.loss_curve_ == again.loss_curve_
    fresh = clone(clf)
    assert not hasattr(fresh, "coefs_")
    assert fresh.get_params() == clf.get_params()
    assert fresh.partial_fit(X, y, classes=[0, 1, 2]).n_iter_ == 1


# -- Schedules ---------------------------------------------------------------------


@every_kind
def test_warm_start_continues(yin_yang, kind):
    X, y = yin_yang
    clf = small(warm_start=True, max_iter=10, **kind).fit(X, y)
    first, losses = clf.coefs_[0].copy(), list(clf.loss_curve_)
    clf.fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 20
    assert clf.loss_curve_[:10] == losses
    assert clf.loss_curve_[10] < losses[0]
    assert clf.loss_ < losses[-1]
    assert not np.array_equal(first, clf.coefs_[0])


@every_kind
def test_warm_start_goes_on_where_it_was(yin_yang, kind):
    """At a rate of next to nothing the model stays, and its loss with it."""
    X, y = yin_yang
    clf = small(warm_start=True, max_iter=20, weight_decay=0.0, **kind).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(learning_rate_init=1e-9, max_iter=1).fit(X, y)
    assert np.mean(np.abs(clf.predict_proba(X) - before)) < 0.02


@pytest.mark.filterwarnings("ignore:training reached max_iter")
@every_way
def test_early_stopping_at_a_constant_rate_restores_the_best(yin_yang, kind):
    X, y = (part[:300] for part in yin_yang)
    clf = small(
        early_stopping=True,
        learning_rate="constant",
        validation_fraction=0.3,
        n_iter_no_change=30,
        max_iter=20,
        tol=0.05,
        **kind,
    ).fit(X, y)
    _, X_val, _, y_val = train_test_split(
        X, y, test_size=90, stratify=y, random_state=np.random.RandomState(0)
    )
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    assert min(clf.validation_scores_) < clf.best_validation_score_
    assert clf.score(X_val, y_val) == clf.best_validation_score_
    if kind in (LOCAL, ACCUMULATORS):
        layers = clf.network_.integers.layers
        for layer, weights in zip(layers, clf.coefs_, strict=True):
            assert_array_equal(layer.integers(), weights)
    # What is restored is what is continued.
    clf.set_params(warm_start=True, learning_rate_init=1e-9, max_iter=1).fit(X, y)
    assert clf.validation_scores_[-1] > clf.best_validation_score_ - 0.03


@every_kind
def test_constant_rate_stops_when_the_loss_stalls(iris, kind):
    clf = small(
        learning_rate="constant", tol=100.0, max_iter=50, n_iter_no_change=3, **kind
    )
    assert clf.fit(*iris).n_iter_ == 5


def interrupt_in_epoch(monkeypatch, n):
    """Raise KeyboardInterrupt in the middle of epoch n."""
    for module, name in (
        (ttfs.engines.float, "FloatTrainer"),
        (ttfs.engines.integer, "IntegerTrainer"),
        (ttfs.engines.quantized, "QuantizedTrainer"),
    ):
        trainer = getattr(module, name)

        class Interrupted(trainer):
            n_epochs = 0

            def epoch(self, spikes, targets, order, batch_size, rates):
                self.n_epochs += 1
                if self.n_epochs == n:
                    order, rates = order[: 3 * batch_size], rates[:3]
                args = spikes, targets, order, batch_size, rates
                loss = super().epoch(*args)
                if self.n_epochs == n:
                    raise KeyboardInterrupt
                return loss

        monkeypatch.setattr(module, name, Interrupted)


@every_kind
def test_interrupt_keeps_the_model(iris, monkeypatch, kind):
    X, y = iris
    batches = {"batch_size": 10, "learning_rate": "constant", "max_iter": 40}
    with monkeypatch.context() as patch:
        interrupt_in_epoch(patch, 3)
        with pytest.warns(UserWarning, match="interrupted in epoch 3"):
            clf = small(**kind, **batches).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    with pytest.warns(ConvergenceWarning):
        two = small(**kind, **batches | {"max_iter": 2}).fit(X, y)
    assert two.loss_curve_ == clf.loss_curve_
    # The steps of the third epoch count too.
    assert not np.array_equal(two.coefs_[0], clf.coefs_[0])
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.partial_fit(X, y).n_iter_ == 3


@every_kind
def test_a_call_that_fails_leaves_the_model_as_it_was(iris, kind):
    X, y = iris
    clf = small(warm_start=True, **kind).fit(X, y)
    before, state = clf.predict_proba(X), pickle.dumps(vars(clf))
    bad = X.copy()
    bad[0, 0] = np.nan
    for call in (
        lambda: clf.fit(bad, y),
        lambda: clf.fit(X[:, :2], y),
        lambda: clf.fit(X[:50], y[:50]),
        lambda: clf.fit(X[:100], y[:100]),
        lambda: clf.partial_fit(X, y + 5),
        lambda: clf.set_params(arithmetic=FixedPoint(tick=1e-9)).fit(X, y),
        lambda: clf.set_params(t_max=1e9, warm_start=False).fit(X, y),
    ):
        with pytest.raises(ValueError, match=r".+"):
            call()
        assert_array_equal(clf.predict_proba(X), before)
        assert clf.n_iter_ == len(clf.loss_curve_) == 5
        assert clf.n_features_in_ == 4
    arithmetic = kind.get("arithmetic", "float32")
    clf.set_params(arithmetic=arithmetic, t_max=None, warm_start=True)
    assert pickle.dumps(vars(clf)) == state


@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
def test_one_sample_has_no_range(iris, arithmetic):
    X, y = iris
    clf = TTFSClassifier((5,), arithmetic=arithmetic, gradient="local")
    with pytest.raises(ValueError, match="none of them varies"):
        clf.partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    assert not hasattr(clf, "coefs_")


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"arithmetic__tick": 1 / 4000},
        {"tau_mem": 0.01},
        {"input_dropout": 0.999},
        {"time_scale": 1e-9},
        {"time_scale": 1e9},
        {"learning_rate_init": 1e-12},
        {"learning_rate_init": 1e12},
        {"weight_decay": 1e9},
        {"batch_size": 1},
        {"threshold": 1e-6},
        {"tau_mem": 1e-6, "tau_syn": 1e-6},
        {"tau_syn": 1e6, "tau_mem": 1e6},
        {"t_max": 200.0},
        {"t_max": 0.05},
    ],
    ids=str,
)
@every_fixed
def test_extremes_are_no_errors(iris, kind, parameters):
    clf = small(max_iter=2, **kind).set_params(**parameters).fit(*iris)
    assert np.isfinite(clf.predict_proba(iris[0])).all()
