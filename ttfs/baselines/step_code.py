"""Features as spikes in steps: the code of images of S4NN, and one of other tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._typing import Array

# Samples that are encoded at a time.
_BLOCK = 4096

# Steps that "auto" chooses among, and the samples that it looks at.
_MIN_STEPS, _MAX_STEPS = 16, 256
_MAX_ROWS = 2000


@dataclass(frozen=True, eq=False)
class StepCode:
    """Ranges of features, and how their values become steps.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,)
        Ends of the ranges.
    complement : bool
        Whether each feature has a second input, on which small values are early.
    n_steps : int
        Number of steps; a spike in step `n_steps` is none.
    """

    low: Array
    high: Array
    complement: bool
    n_steps: int

    @classmethod
    def learn(cls, X: Array, encoder: str, n_steps: int | str) -> StepCode:
        """The code of training data; parameters as in S4NNClassifier."""
        low, high = X.min(axis=0).astype(float), X.max(axis=0).astype(float)
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

    def blocks(self, X: Array) -> Iterator[Array]:
        """The steps of samples, a block at a time."""
        for begin in range(0, len(X), _BLOCK):
            yield self.steps(X[begin : begin + _BLOCK])


def _is_like_images(X: Array, low: Array, high: Array) -> Any:
    """Whether the greatest value means the same in most features, and 0 nothing."""
    varies = high > low
    if low.min() < 0 or not varies.any():
        return False
    is_sparse = np.count_nonzero(X) <= 0.75 * X.size
    return is_sparse and np.mean(high[varies] >= 0.9 * high.max()) >= 0.5


def _number_of_steps(X: Array, *, one_range: bool) -> int:
    """The number of different values: more steps would only be empty ones."""
    some = X[:: -(-len(X) // _MAX_ROWS)]
    if one_range:
        n_values = len(np.unique(some))
    else:
        ordered = np.sort(some, axis=0)
        n_values = 1 + np.count_nonzero(np.diff(ordered, axis=0), axis=0).max()
    return int(np.clip(n_values, _MIN_STEPS, _MAX_STEPS))
