"""scikit-learn's own checks, whole and without expected failures."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from ttfs import TTFSClassifier


@parametrize_with_checks([TTFSClassifier()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
