"""Weights of samples: what they mean, in every engine, and who uses them."""

from copy import deepcopy

import numpy as np
import pytest
from classifiers import assert_same_model, quick, small
from kinds import KINDS, classifier, parametrize, slow
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_wine,
    make_classification,
)
from sklearn.ensemble import AdaBoostClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.engines.float import FloatTrainer
from ttfs.estimators.weights import draw, relative
from ttfs.substrates import Ideal

ENGINES = {
    "float": {},
    "float64": {"arithmetic": "float64"},
    "chip": {"substrate": Ideal()},
}
ENGINES |= KINDS
SLOW = {"float64", "accumulators", "float-local"}
every_engine = parametrize("kind", ENGINES, SLOW)

REGRESSORS = {
    "float": {},
    "chip": {"substrate": Ideal()},
    "exact": {"arithmetic": "fixed"},
    "local": {"gradient": "local"},
}
every_regressor = parametrize("kind", REGRESSORS, {"exact", "local"})
ESTIMATORS = {
    f"classifier, {name}": (TTFSClassifier, ENGINES[name]) for name in ENGINES
}
ESTIMATORS |= {
    f"regressor, {name}": (TTFSRegressor, REGRESSORS[name]) for name in REGRESSORS
}
SLOW_ESTIMATORS = {f"classifier, {name}" for name in SLOW}
SLOW_ESTIMATORS |= {f"regressor, {name}" for name in ("chip", "exact", "local")}
every_estimator = parametrize(("estimator", "kind"), ESTIMATORS, SLOW_ESTIMATORS)


@pytest.fixture(scope="module")
def overlapping(iris):
    X, y = iris
    return X[50:, :2], y[50:] - 1


# -- Draws -------------------------------------------------------------------------


def test_equal_weights_draw_every_sample_once_and_in_order():
    rng = np.random.RandomState(0)
    order = rng.permutation(97)
    for _ in range(20):
        assert_array_equal(draw(order, np.ones(97), 97, rng), order)


def test_weights_are_equal_to_rounding_only():
    weights = np.full(5, 0.3)
    assert relative(weights * [1, 1 + 1e-14, 1, 1, 1]) is None
    assert_allclose(relative(weights * [1, 0.999, 1, 1, 1]), [1, 0.999, 1, 1, 1])


@pytest.mark.parametrize("n_draws", [1, 30, 400])
def test_draws_are_as_many_as_weights_say(n_draws):
    rng = np.random.RandomState(0)
    weights = rng.exponential(size=50) * rng.randint(0, 2, 50)
    expected = n_draws * weights / weights.sum()
    counts = np.array(
        [
            np.bincount(draw(rng.permutation(50), weights, n_draws, rng), minlength=50)
            for _ in range(2000)
        ]
    )
    assert np.all(counts.sum(axis=1) == n_draws)
    assert np.all(np.abs(counts - expected) < 1 + 1e-9)  # systematic
    assert_allclose(counts.mean(axis=0), expected, atol=0.05)
    assert np.all(counts[:, weights == 0] == 0)


# -- The same model ----------------------------------------------------------------


@every_estimator
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weight_zero_is_as_if_the_sample_was_not_there(
    iris, estimator, kind, early_stopping
):
    X, y = iris
    X, weights = X.copy(), np.random.RandomState(0).uniform(0.5, 2, len(X))
    weights[::4] = 0
    X[::4] *= 100  # neither ranges nor initial weights see them
    some = weights > 0
    one, two = (
        quick(estimator, early_stopping=early_stopping, **kind) for _ in range(2)
    )
    one.fit(X, y, sample_weight=weights)
    two.fit(X[some], y[some], sample_weight=weights[some])
    assert_same_model(one, two, X)
    if not early_stopping:
        for clf in (one, two):
            clf.set_params(random_state=1)
        one.partial_fit(X, y, sample_weight=weights)
        two.partial_fit(X[some], y[some], sample_weight=weights[some])
        assert_same_model(one, two, X)


@every_estimator
def test_only_ratios_count_in_fit(iris, estimator, kind):
    X, y = iris
    plain = quick(estimator, **kind).fit(X, y)
    for weights in (np.full(150, 0.7), 3.0, [1] * 150):
        assert_same_model(plain, quick(estimator, **kind).fit(X, y, weights), X)
    weights = np.random.RandomState(0).randint(1, 5, 150)
    one = quick(estimator, **kind).fit(X, y, weights)
    for factor in (1e300, 2.0**-1000):
        two = quick(estimator, **kind).fit(X, y, weights * factor)
        assert_same_model(one, two, X)
    assert any(np.any(a != b) for a, b in zip(one.coefs_, plain.coefs_, strict=True))
    assert one.t_ == plain.t_


@every_engine
def test_class_weights_are_weights_of_samples(iris, kind):
    X, y = iris
    factors = np.array([1.0, 3.0, 0.5])
    own = np.random.RandomState(0).uniform(1, 2, 150)
    by_class = quick(class_weight=dict(enumerate(factors)), **kind)
    one = by_class.fit(X, y, own)
    two = quick(**kind).fit(X, y, own * factors[y])
    assert_same_model(one, two, X)
    # "balanced" counts the weights of samples.
    one = quick(class_weight="balanced", **kind).fit(X, y, factors[y])
    assert_same_model(one, quick(**kind).fit(X, y), X)


def test_a_class_of_weight_zero_is_known(iris):
    X, y = iris
    clf = small(max_iter=60, class_weight={0: 0, 1: 1, 2: 1}).fit(X, y)
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert np.mean(clf.predict(X[50:]) == 0) < 0.05
    clf = small().fit(X, y, y > 0)
    assert_array_equal(clf.classes_, [1, 2])


def test_spike_trains_have_weights():
    rng = np.random.RandomState(0)
    samples, channels = np.repeat(np.arange(60), 4), rng.randint(0, 3, 240)
    X = SpikeTrains(samples, channels, rng.uniform(size=240), shape=(60, 3))
    y, weights = np.arange(60) % 2, np.arange(60) % 3
    some = np.flatnonzero(weights)
    one = quick().fit(X, y, weights)
    assert_same_model(one, quick().fit(X[some], y[some], weights[some]), X)
    assert 0 <= one.score(X, y, weights) <= 1


# -- What is learned ---------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:training ended at a loss")
@every_engine
def test_weights_move_decisions(overlapping, kind):
    X, y = overlapping
    clf = classifier(
        **slow(kind), **kind, hidden_layer_sizes=(12,), max_iter=30, random_state=0
    )
    shares = [
        np.mean(clf.fit(X, y, sample_weight=np.where(y, w, 1.0)).predict(X))
        for w in (0.1, 1.0, 10.0)
    ]
    assert shares[0] < shares[1] - 0.1
    assert shares[1] + 0.1 < shares[2]


@every_regressor
def test_weights_move_regressions(kind):
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(300, 2))
    is_high = np.arange(300) % 2
    y = X[:, 0] + is_high  # two values at each place
    means = []
    for w in (0.1, 1.0, 10.0):
        reg = small(TTFSRegressor, max_iter=40, **kind)
        reg.fit(X, y, sample_weight=np.where(is_high, w, 1.0))
        means.append(np.mean(reg.predict(X) - X[:, 0]))
    assert means[0] < means[1] - 0.1
    assert means[1] + 0.1 < means[2]


def test_loss_is_a_weighted_mean(overlapping):
    X, y = overlapping
    weights = np.where(y, 5.0, 1.0)
    clf = small(
        max_iter=1, learning_rate_init=1e-12, loss="squared_error", batch_size=100
    )
    with_weights = clone(clf).fit(X, y, weights).loss_
    # Weights as whole numbers are repetitions, on the mean.
    rows = np.repeat(np.arange(100), weights.astype(int))
    repeated = clone(clf).fit(X, y)
    repeated.partial_fit(X[rows], y[rows])
    assert_allclose(with_weights, repeated.loss_, rtol=0.03)
    assert abs(with_weights / repeated.loss_curve_[0] - 1) > 0.05


@pytest.mark.slow
def test_balanced_classes_help_where_one_is_rare():
    plain, balanced, f1 = [], [], {None: [], "balanced": []}
    for seed in range(8):
        X, y = make_classification(
            2000,
            20,
            n_informative=6,
            weights=[0.98],
            flip_y=0,
            random_state=seed,
        )
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=0.5, stratify=y, random_state=seed
        )
        for scores, weight in ((plain, None), (balanced, "balanced")):
            clf = TTFSClassifier(class_weight=weight, random_state=seed).fit(X, y)
            scores.append(balanced_accuracy_score(y_test, clf.predict(X_test)))
            f1[weight].append(f1_score(y_test, clf.predict(X_test)))
    assert np.mean(balanced) > np.mean(plain) + 0.01
    # Two standard errors: the difference of two fits scatters by 0.11.
    assert np.mean(f1["balanced"]) > np.mean(f1[None]) - 0.08


def test_the_draws_of_a_sample_are_in_different_batches(overlapping, monkeypatch):
    X, y = overlapping
    most = []
    core_epoch = FloatTrainer.epoch

    def record(self, spikes, targets, order, batch_size, rates):
        for start in range(0, len(order), batch_size):
            _, counts = np.unique(order[start : start + batch_size], return_counts=True)
            most.append(counts.max())
        return core_epoch(self, spikes, targets, order, batch_size, rates)

    monkeypatch.setattr(FloatTrainer, "epoch", record)
    weights = np.where(np.arange(len(y)) % 20 == 0, 20.0, 1.0)
    small(max_iter=3, batch_size=10, random_state=0).fit(X, y, weights)
    # A tenth of the samples or fewer make up half of the draws.
    assert np.mean(most) < 5


# -- partial_fit -------------------------------------------------------------------


@every_engine
def test_one_partial_fit_after_fit_costs_no_accuracy(kind):
    X, y = load_wine(return_X_y=True)
    scores = []
    for seed in range(2):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=59, stratify=y, random_state=seed
        )
        clf = TTFSClassifier((40,), max_iter=40, random_state=seed, **kind)
        clf.fit(X_train, y_train)
        scores.append([clf.score(X_test, y_test)])
        for n_samples in (119, 10, 1):
            again = deepcopy(clf).partial_fit(X_train[:n_samples], y_train[:n_samples])
            scores[-1].append(again.score(X_test, y_test))
    before, *after = np.mean(scores, axis=0)
    assert before > 0.9
    assert min(after) > before - 0.015


@pytest.mark.parametrize("kind", [{}, {"arithmetic": "fixed"}], ids=str)
def test_partial_fit_after_fit_follows_the_data(kind):
    X, y = load_wine(return_X_y=True)
    clf = TTFSClassifier((40,), max_iter=30, random_state=0, **kind).fit(X, y)
    X_new = X.min(axis=0) + X.max(axis=0) - X  # every feature is reversed
    X_train, X_test, y_train, y_test = train_test_split(
        X_new, y, test_size=59, stratify=y, random_state=0
    )
    assert clf.score(X_test, y_test) < 0.5
    for _ in range(30):
        clf.partial_fit(X_train, y_train)
    assert clf.score(X_test, y_test) > 0.9


def test_partial_fit_alone_has_the_rate_of_fit(iris):
    X, y = iris
    clf = quick().partial_fit(X, y, classes=[0, 1, 2])
    assert clf.engine_.learning_rate(clf.network_) == 0.01
    clf.partial_fit(X, y)
    assert clf.engine_.learning_rate(clf.network_) == 0.01
    clf.set_params(warm_start=True).fit(X, y)
    assert_allclose(clf.engine_.learning_rate(clf.network_), 0.001)
    clf.set_params(learning_rate_init=0.003)
    assert clf.engine_.learning_rate(clf.network_) == 0.003


@every_estimator
def test_partial_fit_shows_a_sample_as_often_as_its_weight_says(iris, estimator, kind):
    X, y = iris
    first = {"classes": [0, 1, 2]} if estimator is TTFSClassifier else {}
    clf = quick(estimator, **kind).partial_fit(X, y, **first)
    seen = clf.t_
    clf.partial_fit(X[:2], y[:2], sample_weight=[3, 2])
    assert clf.t_ == seen + 5
    for _ in range(30):
        clf.partial_fit(X[:1], y[:1], sample_weight=[0.25])
    assert 2 < clf.t_ - seen - 5 < 14
    assert clf.n_iter_ == 2 + (clf.t_ - seen - 5)
    clf.predict(X)


def test_partial_fit_of_ones_is_partial_fit(iris):
    X, y = iris
    one, two = (quick().partial_fit(X, y, [0, 1, 2], w) for w in (None, np.ones(150)))
    for _ in range(2):
        one.partial_fit(X, y)
        two.partial_fit(X, y, sample_weight=np.ones(150))
    assert_same_model(one, two, X)


def test_partial_fit_by_class_weight_of_a_single_sample(iris):
    X, y = iris
    clf = quick(class_weight={0: 1, 1: 4, 2: 1}, arithmetic="fixed", gradient="local")
    clf.partial_fit(X, y, classes=[0, 1, 2])
    seen = clf.t_
    clf.partial_fit(X[50:51], y[50:51])
    assert clf.t_ == seen + 4


# -- Errors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            np.r_[-1.0, np.ones(149)],
            "Negative values in data passed to `sample_weight`",
        ),
        (np.zeros(150), "at least one non-zero"),
        (np.r_[np.nan, np.ones(149)], "sample_weight contains NaN"),
        (np.r_[np.inf, np.ones(149)], "sample_weight contains infinity"),
        (np.ones(149), r"sample_weight.shape == \(149,\), expected \(150,\)"),
        (np.ones((150, 2)), "must be 1D"),
    ],
    ids=["negative", "zero", "nan", "inf", "short", "2-d"],
)
def test_bad_weights_are_errors(iris, weights, message):
    for estimator, first in (
        (TTFSClassifier, {"classes": [0, 1, 2]}),
        (TTFSRegressor, {}),
    ):
        clf = quick(estimator)
        with pytest.raises(ValueError, match=message):
            clf.fit(*iris, sample_weight=weights)
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(*iris, sample_weight=weights, **first)
        assert not hasattr(clf, "network_")


def test_other_weights_that_are_errors(iris):
    X, y = iris
    with pytest.raises(ValueError, match="only one class"):
        quick().fit(X, y, y == 1)
    with pytest.raises(ValueError, match="all samples have weight 0, by sample_weight"):
        quick(class_weight={0: 0, 1: 1, 2: 1}).partial_fit(
            X[:50], y[:50], classes=[0, 1, 2]
        )
    with pytest.raises(ValueError, match=r"at most 1000 times, .* 2000"):
        quick().partial_fit(X, y, [0, 1, 2], np.full(150, 2000.0))


# -- Scores ------------------------------------------------------------------------


@every_engine
def test_scores_are_weighted(overlapping, kind):
    X, y = overlapping
    weights = np.random.RandomState(0).exponential(size=100)
    clf = quick(**kind).fit(X, y)
    expected = accuracy_score(y, clf.predict(X), sample_weight=weights)
    assert_allclose(clf.score(X, y, weights), expected)
    assert abs(expected - clf.score(X, y)) > 1e-3
    assert_allclose(clf.first_spike_score(X, y, weights), expected, atol=0.1)
    wrong = clf.predict(X) != y
    assert clf.first_spike_score(X, y, sample_weight=wrong) == 0


def test_first_spike_score_checks_weights(overlapping):
    X, y = overlapping
    clf = quick().fit(X, y)
    for weights in (-np.ones(100), np.zeros(100), np.ones(99), np.full(100, np.nan)):
        with pytest.raises(ValueError, match=r"sample_weight|Sample weights"):
            clf.first_spike_score(X, y, weights)


@pytest.mark.filterwarnings("ignore:training ended at a loss")
@every_estimator
def test_validation_score_is_weighted(iris, estimator, kind):
    X, y = iris
    X, y = X[:100], y[:100].copy()  # two classes that are apart
    is_wrong = np.arange(100) % 3 == 0
    y[is_wrong] = 1 - y[is_wrong]
    clf = small(estimator, max_iter=30, early_stopping=True, **kind)
    clf.set_params(validation_fraction=0.3, n_iter_no_change=30)
    assert clf.fit(X, y).best_validation_score_ < 0.8
    clf.fit(X, y, np.where(is_wrong, 1e-6, 1.0))
    assert clf.best_validation_score_ > 0.9


# -- Meta-estimators ---------------------------------------------------------------


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split(X, y, stratify=y, random_state=0)


@pytest.mark.filterwarnings("ignore:training ended at a loss")
def test_boosting(overlapping):
    X, y = overlapping
    weak = small(hidden_layer_sizes=(), max_iter=30)
    boosted = AdaBoostClassifier(weak, n_estimators=8, random_state=0).fit(X, y)
    assert len(boosted.estimators_) > 1
    # Later ones have learned from other weights.
    first, second = boosted.estimators_[:2]
    assert np.any(first.set_params(random_state=0).predict(X) != second.predict(X))
    assert boosted.score(X, y) >= 0.65


def test_routing(cancer):
    X, _, y, _ = cancer
    weights = np.random.RandomState(0).randint(0, 3, len(y))
    with config_context(enable_metadata_routing=True):
        clf = small(max_iter=10)
        clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        clf.set_partial_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = make_pipeline(scaler, clf)
        got = cross_validate(
            model, X, y, cv=3, params={"sample_weight": weights}, return_estimator=True
        )
        assert got["test_score"].min() > 0.85
        model = make_pipeline(scaler, small(max_iter=10))
        plain = cross_validate(model, X, y, cv=3)
    assert np.any(got["test_score"] != plain["test_score"])
    for fitted in got["estimator"]:
        n_kept = fitted[-1].t_ / 10
        assert n_kept < 0.75 * len(y) * 2 / 3  # a third of the weights is 0
