"""scikit-learn's own checks, with the expected failures of one of them."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

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
    [TTFSClassifier(), TTFSRegressor()], expected_failed_checks=expected_failures
)
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
        TTFSClassifier((10,), max_spikes=3, max_iter=40),
        TTFSRegressor(gradient="local"),
        TTFSRegressor(arithmetic="fixed", max_iter=40),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks_of_other_engines(estimator, check):
    check(estimator)
