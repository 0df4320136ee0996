"""scikit-learn's own checks of the baselines."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from ttfs.baselines import RateClassifier

# Some checks train for few epochs.
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@parametrize_with_checks([RateClassifier()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow  # outputs differ in the decision alone, which test_rate.py looks at
@parametrize_with_checks([RateClassifier(outputs="membrane")])
def test_scikit_learn_checks_of_membranes(estimator, check):
    check(estimator)
