"""scikit-learn's own checks of the baselines."""

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_classifiers_train,
    check_estimators_nan_inf,
    check_estimators_pickle,
    check_fit_idempotent,
    check_n_features_in_after_fitting,
    parametrize_with_checks,
)

from ttfs.baselines import RateClassifier, S4NNClassifier

# Some checks train for few epochs.
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

BASELINES = [
    RateClassifier(max_iter=50),
    RateClassifier(outputs="membrane", max_iter=50),
    S4NNClassifier(max_iter=30),
]


@pytest.mark.parametrize("estimator", BASELINES, ids=str)
def test_some_scikit_learn_checks(estimator):
    for check in (
        check_classifiers_train,
        check_estimators_nan_inf,
        check_estimators_pickle,
        check_fit_idempotent,
        check_n_features_in_after_fitting,
    ):
        check(type(estimator).__name__, clone(estimator))


@pytest.mark.slow  # dozens of fits, whose other checks are of what all estimators share
@parametrize_with_checks([RateClassifier(), *BASELINES[1:]])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
