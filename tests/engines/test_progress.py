"""The warning when training ends at the loss of the class prior."""

import warnings

import numpy as np
import pytest
from classifiers import small
from hardware import Failing
from kinds import EXACT, KINDS
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from ttfs import TTFSRegressor
from ttfs.engines.losses import loss_without_features
from ttfs.estimators.schedule import FEW_EPOCHS
from ttfs.parameters import CrossEntropy, SquaredError
from ttfs.substrates import Ideal, SubstrateError

ENGINES = {"float": {}, "float64": {"arithmetic": "float64"}} | KINDS
ENGINES |= {"chip": {"substrate": Ideal()}, "no read-out": {"read_out": None}}
every_engine = pytest.mark.parametrize("kind", ENGINES.values(), ids=ENGINES)

MESSAGE = (
    r"training ended at a loss of .* nothing of the features have .* in this order: "
    r"more samples or epochs \(max_iter\), a smaller weight_decay, another encoder"
)


def model(**parameters):
    return small(**{"max_iter": FEW_EPOCHS} | parameters)


def assert_silent(clf, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return clf.fit(*data)


@pytest.fixture(scope="module")
def noise():
    """Labels that the features say nothing of."""
    rng = np.random.default_rng(0)
    return rng.uniform(size=(400, 4)), (np.arange(400) % 4 == 0).astype(int)


# -- Both ways ---------------------------------------------------------------------


@every_engine
def test_a_fit_that_learns_is_silent(iris, kind):
    clf = assert_silent(model(**kind), *iris)
    assert clf.loss_ < 0.9 * np.log(3)


@every_engine
def test_a_fit_that_collapses_warns(iris, kind):
    with pytest.warns(ConvergenceWarning, match=MESSAGE) as caught:
        clf = model(weight_decay=1e6, **kind).fit(*iris)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # where fit is called
    assert clf.loss_ > 0.97 * np.log(3)
    # The model is there all the same.
    assert np.isfinite(clf.predict_proba(iris[0])).all()


@pytest.mark.parametrize("kind", [{}, EXACT], ids=["float", "fixed"])
def test_noise_warns(noise, kind):
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        model(weight_decay=10.0, **kind).fit(*noise)


def test_a_collapse_that_decay_makes(iris):
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        model(weight_decay=1e3, max_iter=40).fit(*iris)


@pytest.mark.filterwarnings("ignore:training reached max_iter")
def test_early_stopping_and_a_constant_rate_warn_too(iris):
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        model(weight_decay=1e3, early_stopping=True).fit(*iris)
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        model(weight_decay=1e3, learning_rate="constant").fit(*iris)


# -- What it is compared with ------------------------------------------------------


def test_the_entropy_of_the_classes_counts_weights(noise):
    """Three quarters of one class, or as many of both by their weights."""
    X, y = noise
    for weights, share in ((None, 0.25), (np.where(y, 3.0, 1.0), 0.5)):
        with pytest.warns(ConvergenceWarning) as caught:
            model(weight_decay=100.0).fit(X, y, weights)
        entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
        # By then a label has 0.001 (e ** 1.1 - 1) of early firing, see recipe.EXACT.
        least = float(str(caught[0].message).partition("have ")[2].partition(":")[0])
        assert least == pytest.approx(entropy + 0.001 * np.expm1(1.0), abs=0.002)
    with pytest.warns(ConvergenceWarning, match=r"have 0\.695"):
        model(weight_decay=100.0, class_weight="balanced").fit(X, y)


def test_early_firing_is_no_lack_of_progress(iris):
    clf = assert_silent(model(loss=CrossEntropy(early_firing=0.5), max_iter=40), *iris)
    assert clf.loss_ > np.log(3) / 2
    assert clf.score(*iris) > 0.9
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        model(loss=CrossEntropy(early_firing=0.5), weight_decay=1e3).fit(*iris)


def test_least_losses():
    parameters = {"early": 0.1, "early_end": 3.0, "early_scale": 2.0}
    labels = np.array([0, 0, 2, 2, 2, 2])
    expected = np.log(3) / 3 + np.log(1.5) * 2 / 3 + 0.1 * (np.exp(1.5) - 1)
    least = loss_without_features(CrossEntropy(), parameters, labels)
    assert_allclose(least, expected)
    weights = np.array([2.0, 0, 1, 1, 0, 0])
    least = loss_without_features(
        CrossEntropy(), parameters | {"early": 0}, labels, weights
    )
    assert_allclose(least, np.log(2))
    assert loss_without_features(CrossEntropy(), parameters, labels[2:]) is None
    assert loss_without_features(SquaredError(), {}, labels) is None


# -- Where there is nothing to say -------------------------------------------------


def test_few_epochs_on_purpose_are_silent(iris):
    clf = assert_silent(model(weight_decay=1e3, max_iter=FEW_EPOCHS - 1), *iris)
    assert clf.loss_ > np.log(3)


def test_labels_that_are_all_alike_are_silent(iris):
    X, y = iris
    assert_silent(model(class_weight={0: 0.0, 1: 1.0, 2: 0.0}), X, y)


def test_losses_without_probabilities_are_silent(iris):
    X, y = iris
    assert_silent(model(loss="squared_error", weight_decay=1e3), X, y)
    assert_silent(small(TTFSRegressor, weight_decay=1e3, max_iter=20), X, X[:, 0])


def test_partial_fit_is_silent(noise):
    X, y = noise
    clf = model(weight_decay=1e3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(FEW_EPOCHS):
            clf.partial_fit(X, y, classes=[0, 1])


def test_a_failed_fit_has_no_second_message(iris):
    clf = model(weight_decay=1e3, substrate=Failing(30))
    with pytest.raises(SubstrateError):
        assert_silent(clf, *iris)
    assert clf.n_iter_ >= 1
