"""Estimators and data as displays get them: pipelines, searches, single samples."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import _num_samples, check_is_fitted

from ..encoders import SpikeTrains
from ..estimators import TTFSClassifier, TTFSRegressor

if TYPE_CHECKING:
    from typing import Any


def last_step(estimator: Any, who: str) -> tuple[Any, Any]:
    """The fitted estimator of this package, and the pipeline before it or None.

    It is a TTFSClassifier or TTFSRegressor, the end of a pipeline, or of what a search
    has found; `who` asks, for messages.
    """
    whole = getattr(estimator, "best_estimator_", estimator)
    before = None
    if isinstance(whole, Pipeline):
        before = whole[:-1] if len(whole) > 1 else None
        whole = whole[-1]
    if not isinstance(whole, (TTFSClassifier, TTFSRegressor)):
        raise TypeError(
            f"{who} needs a fitted TTFSClassifier or TTFSRegressor, or a pipeline that "
            f"ends in one; got {type(estimator).__name__}"
            + ("" if whole is estimator else f", which ends in {type(whole).__name__}")
        )
    check_is_fitted(whole)
    return whole, before


def classifier_of(estimator: Any, who: str) -> tuple[Any, Any]:
    """The same as :func:`last_step`, for classifiers only."""
    last, before = last_step(estimator, who)
    if not is_classifier(last):
        raise TypeError(f"{who} needs a classifier, got {type(last).__name__}")
    return last, before


def some_rows(X: Any, rows: Any) -> Any:
    """Some samples of data of any kind that estimators take."""
    return X[rows] if isinstance(X, SpikeTrains) else _safe_indexing(X, rows)


def passed(before: Any, X: Any) -> Any:
    """What the steps before the last one make of features."""
    return X if before is None else before.transform(X)


def check_known(targets: np.ndarray, classes: np.ndarray) -> None:
    """Raise ValueError unless targets are classes that an estimator knows."""
    unknown = ~np.isin(targets, classes)
    if unknown.any():
        raise ValueError(
            f"y has the class {targets[unknown][0]}, which the estimator does not "
            f"know; its classes are {', '.join(map(str, classes))}"
        )


def check_samples(samples: Any, X: Any, y: Any, name: str = "samples") -> np.ndarray:
    """Numbers of samples of X as an array; X and y must have equally many, if y is."""
    check_consistent_length(X, y)
    return check_numbers(samples, _num_samples(X), name, "X has {} samples")


def check_numbers(numbers: Any, n: int, name: str, there_are: str) -> np.ndarray:
    """One number or more, of things of which there are n, as an array from 0 to n - 1.

    Negative ones count from the end. Raises TypeError or ValueError if they are not
    whole numbers, and IndexError if there is no such thing.
    """
    listed = [numbers] if isinstance(numbers, Integral) else numbers
    if isinstance(listed, str) or not isinstance(listed, (Sequence, np.ndarray)):
        raise TypeError(f"{name} must be whole numbers, got {numbers!r}")
    array = np.asarray(listed)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be one or more whole numbers, got {numbers!r}")
    if array.max() >= n or array.min() < -n:
        raise IndexError(f"{name}={numbers!r} is out of range: {there_are.format(n)}")
    return array % n
