"""Types that the signatures of the public interface are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context

_Method = TypeVar("_Method", bound=Callable[..., Any])


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy, which comes without types."""

    def tocsr(self, copy: bool = ...) -> Any: ...


Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Auto: TypeAlias = Literal["auto"]
FilePath: TypeAlias = str | PathLike[str]
Sizes: TypeAlias = int | Sequence[int] | NDArray[np.integer[Any]]
Numbers: TypeAlias = float | Sequence[float] | NDArray[np.floating[Any]]
RandomState: TypeAlias = int | np.random.RandomState | None
EncoderName: TypeAlias = Literal[
    "auto", "latency", "complement", "population", "spike_times"
]
FeatureType: TypeAlias = Literal["uint8", "int16"] | type[np.uint8] | type[np.int16]
ArithmeticName: TypeAlias = Literal["float32", "float64", "fixed"]
GradientName: TypeAlias = Literal["exact", "local"]
ReadOutName: TypeAlias = Literal["count", "peak", "mean"]
LossName: TypeAlias = Literal["cross_entropy", "squared_error", "shift_invariant"]


def validated(method: _Method) -> _Method:
    """Decorator of a fit method: scikit-learn checks the parameters first.

    The decorator of scikit-learn hides the types of the method; this one keeps them.
    """
    return _fit_context(prefer_skip_nested_validation=True)(method)


def validated_with_nested(method: _Method) -> _Method:
    """The same, for a method that fits another estimator, which checks its own too."""
    return _fit_context(prefer_skip_nested_validation=False)(method)
