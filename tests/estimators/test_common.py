"""scikit-learn's own checks, whole and without expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from ttfs import TTFSClassifier, TTFSRegressor
from ttfs.substrates import Ideal


@parametrize_with_checks([TTFSClassifier(), TTFSRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        TTFSClassifier(gradient="local"),
        TTFSClassifier(arithmetic="fixed"),
        TTFSClassifier(arithmetic="fixed", gradient="local"),
        TTFSClassifier(arithmetic="fixed", gradient="local").set_params(
            arithmetic__accumulator_bits=16
        ),
        TTFSClassifier(substrate=Ideal(), max_iter=40),
        TTFSRegressor(gradient="local"),
        TTFSRegressor(arithmetic="fixed", max_iter=40),
    ]
)
def test_scikit_learn_checks_of_other_engines(estimator, check):
    check(estimator)
