"""Features as spikes in steps: the code of images of S4NN, and one of other tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs import min_max_axis

from .._typing import Array
from .features import dense

# Samples that are encoded at a time, and values in them or in columns, at most.
_BLOCK = 4096
_MAX_VALUES = 2**25

# Steps that "auto" chooses among, and the samples that it looks at.
_MIN_STEPS, _MAX_STEPS = 16, 256
_MAX_ROWS = 2000


@dataclass(frozen=True, eq=False)
class StepCode:
    """Ranges of features, and how their values become steps."""

    low: Array
    high: Array
    complement: bool  # whether features have a second input: small values are early
    n_steps: int  # a spike in step `n_steps` is none

    @classmethod
    def learn(cls, X: Any, encoder: str, n_steps: int | str) -> StepCode:
        """The code of training data; parameters as in S4NNClassifier."""
        ends = (
            min_max_axis(X, axis=0) if issparse(X) else (X.min(axis=0), X.max(axis=0))
        )
        low, high = (end.astype(float) for end in ends)
        if encoder == "auto":
            encoder = "latency" if _is_like_images(X, low, high) else "complement"
        if encoder == "latency":
            low = np.full_like(low, min(0, low.min()))
            high = np.full_like(high, high.max())
        if isinstance(n_steps, str):
            n_steps = _number_of_steps(X, one_range=encoder == "latency")
        return cls(low, high, encoder == "complement", n_steps)

    @property
    def n_inputs(self) -> int:
        return len(self.low) * (1 + self.complement)

    def steps(self, X: Array) -> Array:
        """The steps (n_samples, n_inputs) of the spikes of samples, int32."""
        # Halves, so that the difference of two large numbers does not overflow.
        span = self.high / 2 - self.low / 2
        varies = span > 0
        place = np.clip(X, self.low, self.high) / 2 - self.low / 2
        place = np.divide(place, span, out=np.zeros_like(place), where=varies)
        parts = [1 - place]
        if self.complement:
            parts.append(np.where(varies, place, 1))
        return np.floor(np.hstack(parts) * self.n_steps).astype(np.int32, "C")

    def blocks(self, X: Any) -> Iterator[Array]:
        """The steps of samples, dense or sparse ones, a block at a time."""
        size = min(_BLOCK, max(1, _MAX_VALUES // self.n_inputs))
        for rows in gen_batches(X.shape[0], size):
            yield self.steps(dense(X[rows]))


def _is_like_images(X: Any, low: Array, high: Array) -> Any:
    """Whether the greatest value means the same in most features, and 0 nothing."""
    varies = high > low
    if low.min() < 0 or not varies.any():
        return False
    n_nonzero = np.count_nonzero(X.data if issparse(X) else X)
    is_sparse = n_nonzero <= 0.75 * X.shape[0] * X.shape[1]
    return is_sparse and np.mean(high[varies] >= 0.9 * high.max()) >= 0.5


def _number_of_steps(X: Any, *, one_range: bool) -> int:
    """The number of different values: more steps would only be empty ones."""
    some = X[:: -(-X.shape[0] // _MAX_ROWS)]
    n_rows, n_columns = some.shape
    if one_range:
        values = some.data if issparse(some) else some
        has_zeros = values.size < n_rows * n_columns
        n_values = len(np.unique(np.append(values, 0) if has_zeros else values))
    else:
        by_columns = some.tocsc() if issparse(some) else some
        n_values = 1
        for columns in gen_batches(n_columns, max(1, _MAX_VALUES // n_rows)):
            ordered = np.sort(dense(by_columns[:, columns]), axis=0)
            n_changes = np.count_nonzero(np.diff(ordered, axis=0), axis=0)
            n_values = max(n_values, 1 + n_changes.max())
    return int(np.clip(n_values, _MIN_STEPS, _MAX_STEPS))
