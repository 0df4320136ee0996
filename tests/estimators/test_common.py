"""scikit-learn's own checks, with the expected failures of one of them."""

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_estimators_nan_inf,
    check_estimators_pickle,
    check_fit_idempotent,
    check_n_features_in_after_fitting,
    parametrize_with_checks,
)

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.substrates import Ideal

# Some checks have labels that the features say nothing of.
pytestmark = pytest.mark.filterwarnings("ignore:training ended at a loss")

REASON = (
    "weights decide how often a sample is drawn: with other draws, batches and number "
    "of samples, repetition gives another model of the same kind, not the same bits"
)


def expected_failures(estimator):
    """The checks that weights of samples are the same as repetition, bit for bit."""
    kinds = "dense", "sparse"
    return {f"check_sample_weight_equivalence_on_{kind}_data": REASON for kind in kinds}


@parametrize_with_checks(
    [TTFSClassifier((15,), max_iter=25), TTFSRegressor((15,), max_iter=25)],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


OTHERS = [
    TTFSClassifier(gradient="local"),
    TTFSClassifier(arithmetic="fixed"),
    TTFSClassifier(arithmetic="fixed", gradient="local"),
    TTFSClassifier(arithmetic="fixed", gradient="local").set_params(
        arithmetic__accumulator_bits=16
    ),
    TTFSClassifier(substrate=Ideal(), max_iter=40),
    TTFSClassifier((10,), max_spikes=3, max_iter=40),
    TTFSRegressor(gradient="local"),
    TTFSRegressor(arithmetic="fixed", max_iter=40),
]


@pytest.mark.parametrize("estimator", OTHERS, ids=str)
def test_checks_of_other_engines(estimator):
    """What an engine can get wrong of itself; the others are of the estimator."""
    for check in (
        check_estimators_nan_inf,
        check_estimators_pickle,
        check_fit_idempotent,
        check_n_features_in_after_fitting,
    ):
        check(type(estimator).__name__, clone(estimator).set_params(max_iter=3))


@pytest.mark.slow  # checks of the estimator, whatever the engine and the epochs
@parametrize_with_checks(
    [TTFSClassifier(), TTFSRegressor(), *OTHERS],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks_of_other_engines(estimator, check):
    check(estimator)
