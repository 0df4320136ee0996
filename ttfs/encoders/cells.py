"""Spike trains as cells of an array of objects, for code that knows arrays only."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np


class Train:
    """The spikes of one channel in one sample: a cell of ``np.asarray(SpikeTrains)``.

    It is no sequence, which NumPy would unpack, and no number.
    """

    __slots__ = ("times",)

    def __init__(self, times: np.ndarray) -> None:
        self.times = times

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.times.tolist()})"

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError(NO_NUMBERS)

    # What estimators of dense arrays would do first with a number.
    __float__ = __abs__ = __lt__ = __gt__ = __le__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = _refuse


NO_NUMBERS = (
    "SpikeTrains cannot be converted to an array of numbers: its channels may have "
    "several spikes, or none; use events()"
)


def is_cells(X):
    """Whether X is a two-dimensional array of `Train`."""
    return (
        isinstance(X, np.ndarray)
        and X.dtype == object
        and X.ndim == 2
        and X.size > 0
        and isinstance(X.flat[0], Train)
    )
