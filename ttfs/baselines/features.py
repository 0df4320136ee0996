"""Features of a baseline: checked, and made dense a block at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from .._typing import Array
from ..encoders.checks import check_sparse

_FLOATS = np.float64, np.float32


def validated_features(
    estimator: Any, X: Any, dtype: Any = _FLOATS, *, reset: bool = False
) -> Any:
    """Features (n_samples, n_features) as an ndarray or a csr_array.

    Indices of a sparse matrix are checked, and it has no duplicates.
    """
    check_sparse(X)
    X = validate_data(estimator, X, accept_sparse="csr", dtype=dtype, reset=reset)
    return _canonical(X)


def validated_samples(estimator: Any, X: Any, y: Any, *, reset: bool = True) -> Any:
    """Features, as from :func:`validated_features`, and labels of classes."""
    check_sparse(X)
    X, y = validate_data(
        estimator, X, y, accept_sparse="csr", dtype=_FLOATS, reset=reset
    )
    check_classification_targets(y)
    return _canonical(X), y


def _canonical(X):
    """X; without duplicates, if it is sparse."""
    if not issparse(X):
        return X
    # Made anew, because the flags of a matrix that was changed may be wrong.
    X = csr_array((X.data, X.indices, X.indptr), shape=X.shape)
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def dense(X: Any) -> Array:
    """X as an ndarray."""
    return X.toarray() if issparse(X) else X
