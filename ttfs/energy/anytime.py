"""Decisions by the moment at which one stops."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from .._typing import Array, Floats

N_MOMENTS = 50  # of a curve, unless moments are given


@dataclass(frozen=True, eq=False)
class Anytime:
    """What a network has decided, and spent, by the moment at which one stops.

    Made by :meth:`ttfs.TTFSClassifier.anytime`; ``print`` shows it as a table. A sample
    ends with its decision: what follows is neither waited for nor counted.

    Parameters
    ----------
    times : ndarray of shape (n_times,)
        Moments, in increasing order, from the start of the inputs.
    accuracy : ndarray of shape (n_times,)
        Share of all samples that are decided by then, and rightly.
    decided : ndarray of shape (n_times,)
        Share of the samples that are decided by then.
    n_spikes : ndarray of shape (n_times,)
        Spikes of the hidden and output neurons of a sample until then, on average.
    n_events : ndarray of shape (n_times,)
        Synaptic events of a sample until then, on average; those of
        `n_events_to_decision` in :class:`Activity`.
    unit : {"time", "step"}, default="time"
        Unit of `times`: that of the time constants, or a step of a code with a clock.

    Raises
    ------
    ValueError
        If the arrays do not have one length, or `times` do not increase.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> curve = clf.anytime(X, y, times=[0.5, 1.0, clf.t_max_])
    >>> bool(curve.accuracy[-1] == clf.first_spike_score(X, y))
    True
    >>> bool((curve.n_events[1:] >= curve.n_events[:-1]).all())
    True
    """

    times: Floats
    accuracy: Floats
    decided: Floats
    n_spikes: Floats
    n_events: Floats
    unit: Literal["time", "step"] = "time"

    def __post_init__(self) -> None:
        if self.unit not in ("time", "step"):
            raise ValueError(f"unit must be 'time' or 'step', got {self.unit!r}")
        shape = np.shape(self.times)
        for field in fields(self)[:-1]:
            found = np.shape(getattr(self, field.name))
            if len(shape) != 1 or found != shape:
                raise ValueError(
                    f"times and {field.name} must have the same shape (n_times,), got "
                    f"{shape} and {found}"
                )
        if np.any(np.diff(self.times) <= 0):
            raise ValueError("times must increase")

    def summary(self) -> dict[str, list[float]]:
        """The curves as lists.

        Returns
        -------
        curves : dict of str to list of float
            A list for each array, by the words that the table has for it.
        """
        names = (self.unit, "accuracy", "decided", "spikes", "events")
        arrays = (getattr(self, field.name) for field in fields(self)[:-1])
        return {
            name: np.asarray(array, float).tolist()
            for name, array in zip(names, arrays, strict=True)
        }

    def __str__(self) -> str:
        curves = self.summary()
        lines = ["".join(name.rjust(12) for name in curves)]
        for time, accuracy, decided, spikes, events in zip(
            *curves.values(), strict=True
        ):
            lines.append(
                f"{time:12.4g}{accuracy:12.4f}{decided:12.4f}{spikes:12,.1f}"
                f"{events:12,.1f}"
            )
        return "\n".join(lines)


def check_moments(moments: Any, name: str, last_step: int | None = None) -> Array:
    """Increasing moments at which one stops, as an array; `name` is for errors.

    They are steps from 1 to `last_step`, or, if that is None, any finite numbers.
    """
    row = np.asarray(moments)
    kinds, what = ("iuf", "finite numbers") if last_step is None else ("iu", "integers")
    if (
        row.ndim != 1
        or not row.size
        or row.dtype.kind not in kinds
        or not np.isfinite(row).all()
    ):
        raise ValueError(
            f"{name} must be one or more {what} in one dimension, got {moments!r}"
        )
    ends = "" if last_step is None else f", from 1 to {last_step}"
    is_within = last_step is None or (row[0] >= 1 and row[-1] <= last_step)
    if not is_within or np.any(row[1:] <= row[:-1]):
        raise ValueError(f"{name} must increase{ends}; got {moments!r}")
    return row
