"""Estimators that train in no time, and whether two of them are the same."""

from numpy.testing import assert_allclose, assert_array_equal

from ttfs import TTFSClassifier


def small(estimator=TTFSClassifier, /, **parameters):
    """An estimator that trains in a fraction of a second.

    It has other `parameters` where they are given: those inside objects too, such as
    `arithmetic__weight_bits`.
    """
    defaults = {"hidden_layer_sizes": (12,), "max_iter": 5, "random_state": 0}
    return estimator().set_params(**defaults | parameters)


def quick(estimator=TTFSClassifier, /, **parameters):
    """An estimator for tests in which it need not learn much."""
    return small(estimator, **{"hidden_layer_sizes": (10,), "max_iter": 2} | parameters)


def assert_same_weights(one, two):
    """Two estimators have the same bits of weights and delays."""
    for name in ("coefs_", "delays_"):
        arrays, others = (getattr(clf, name) or [] for clf in (one, two))
        for a, b in zip(arrays, others, strict=True):
            assert a.dtype == b.dtype
            assert_array_equal(a, b)


def assert_same_model(one, two, X=None, *, loss_rtol=0):
    """Two estimators have the same weights, records, and predictions on X."""
    assert_same_weights(one, two)
    for name in ("n_iter_", "t_", "t_max_", "validation_scores_"):
        assert getattr(one, name) == getattr(two, name)
    assert_allclose(one.loss_curve_, two.loss_curve_, rtol=loss_rtol, atol=0)
    if X is not None:
        method = "predict_proba" if hasattr(one, "predict_proba") else "predict"
        assert_array_equal(getattr(one, method)(X), getattr(two, method)(X))
