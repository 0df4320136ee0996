"""Histogram of the times of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d, gen_batches

from .estimators import check_known, classifier_of, passed, some_rows
from .figures import (
    BLUE,
    GREY,
    LIGHT,
    VERMILION,
    add_legend,
    hide_spines,
    mark_read_out,
    one_axes,
    time_label,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike

    from ..encoders.spike_trains import Features

_BLOCK = 1024  # samples that are recorded at a time
_NO_SAMPLES = "there are no samples to draw decision times of"


class DecisionTimeDisplay:
    """Histogram of the times of first output spikes, right and wrong ones.

    Samples in which no output fires are decided by membranes at the end of the
    experiment: they are a bar of their own there.

    Parameters
    ----------
    decision_times : array-like of shape (n_samples,)
        Times from the start of the inputs.
    is_right : array-like of bool of shape (n_samples,)
        Whether the decision is right.
    is_decided : array-like of bool of shape (n_samples,), default=None
        Whether an output spike decided. None: in all samples.
    end : float, default=None
        End of the experiment. None: the last decision.
    read_out : float, default=inf
        Time of the read-out, if there is one.
    tau_syn : float, default=1.0
        Synaptic time constant, for the label of the axis.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    edges_ : ndarray of shape (n_bins + 1,)
        Edges of the bins.
    right_, wrong_ : BarContainer
        The bars of right decisions, and those of wrong ones on top of them.
    undecided_ : BarContainer or None
        The bar of samples without an output spike; None if there are none.

    Raises
    ------
    ValueError
        If the arrays do not have one length.

    See Also
    --------
    AnytimeDisplay : What would be decided, and rightly, by any moment.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.plotting import DecisionTimeDisplay
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> display = DecisionTimeDisplay.from_estimator(clf, X, y, bins=20)
    >>> len(display.right_)
    20
    """

    def __init__(
        self,
        decision_times: ArrayLike,
        is_right: ArrayLike,
        *,
        is_decided: ArrayLike | None = None,
        end: float | None = None,
        read_out: float = np.inf,
        tau_syn: float = 1.0,
    ) -> None:
        self.decision_times = np.asarray(decision_times, float)
        self.is_right = np.asarray(is_right, bool)
        n = len(self.decision_times)
        self.is_decided = (
            np.ones(n, bool) if is_decided is None else np.asarray(is_decided, bool)
        )
        for name in ("is_right", "is_decided"):
            if getattr(self, name).shape != (n,) or self.decision_times.ndim != 1:
                raise ValueError(
                    f"decision_times and {name} must have one shape (n_samples,), got "
                    f"{self.decision_times.shape} and {getattr(self, name).shape}"
                )
        self.end = end
        self.read_out = read_out
        self.tau_syn = tau_syn

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Features,
        y: ArrayLike,
        *,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Classify samples and draw when that was decided.

        Parameters
        ----------
        estimator : TTFSClassifier, or a pipeline that ends in one
            Fitted, with first output spikes that decide. Of a search its best estimator
            is taken.
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        **options
            Options of :meth:`plot`.

        Returns
        -------
        display : DecisionTimeDisplay

        Raises
        ------
        TypeError
            If it is no classifier of this package.
        ValueError
            If numbers of output spikes, or membranes, decide: that is at the end of the
            experiment, for all samples; or if `y` has classes that are not known.
        """
        last, before = classifier_of(estimator, cls.__name__)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        if not len(y):
            raise ValueError(_NO_SAMPLES)
        check_known(y, last.classes_)
        X = passed(before, X)
        parts = [
            last.record(some_rows(X, np.arange(rows.start, rows.stop)))
            for rows in gen_batches(len(y), _BLOCK)
        ]
        if not parts[0].decides_by_first_spike:
            raise ValueError(
                f"{cls.__name__} needs a network whose first output spike decides; "
                "this one decides at the end of the experiment: fit with read_out=None"
            )
        outputs = np.concatenate([part.outputs for part in parts])
        start, network = parts[0].start, parts[0].network
        display = cls(
            np.concatenate([part.decision_times for part in parts]) - start,
            last.classes_[outputs] == y,
            is_decided=np.concatenate([part.is_decided for part in parts]),
            end=network.t_max,
            read_out=network.read_out,
            tau_syn=network.neuron.tau_syn,
        )
        return display.plot(ax=ax, **options)

    def plot(
        self,
        ax: Any = None,
        *,
        bins: int | Sequence[float] | None = None,
        legend: bool = True,
    ) -> Self:
        """Draw the histogram.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        bins : int or sequence of float, default=None
            Number of bins from the first decision to the last, or their edges. None:
            the square root of the number of samples, but 10 to 40.
        legend : bool, default=True
            Whether there is a legend below the picture.

        Returns
        -------
        display : DecisionTimeDisplay

        Raises
        ------
        ValueError
            If there are no decisions to draw, or the bins are not valid.
        """
        n = len(self.decision_times)
        if n == 0:
            raise ValueError(_NO_SAMPLES)
        is_ours = ax is None
        self.ax_ = ax = one_axes(ax, (6.4, 3.8))
        self.figure_ = ax.figure
        decided = self.decision_times[self.is_decided]
        if bins is None:
            bins = int(np.clip(np.sqrt(n), 10, 40))
        self.edges_ = np.histogram_bin_edges(decided, bins)
        widths = np.diff(self.edges_)
        bars, bottom = [], 0
        for name, is_it, color in (
            ("right", self.is_right, BLUE),
            ("wrong", ~self.is_right, VERMILION),
        ):
            times = self.decision_times[self.is_decided & is_it]
            counts, _ = np.histogram(times, self.edges_)
            label = f"{name} ({counts.sum() / n:.1%})"
            style = {"edgecolor": "white", "color": color, "label": label}
            bars.append(self._bar(self.edges_[:-1], counts, widths, bottom, **style))
            bottom = counts
        self.right_, self.wrong_ = bars
        self.undecided_ = None
        n_undecided = n - np.count_nonzero(self.is_decided)
        if n_undecided:
            end = self.decision_times.max() if self.end is None else self.end
            width = max(widths[-1], 0.03 * (end - self.edges_[0]))
            label = f"no output spike ({n_undecided / n:.1%})"
            style = {"edgecolor": GREY, "color": LIGHT, "label": label, "hatch": "///"}
            self.undecided_ = self._bar(end, n_undecided, width, **style)
        read_out = mark_read_out(ax, self.read_out)
        ax.set_xlabel("decision " + time_label(self.tau_syn))
        ax.set_ylabel("samples")
        hide_spines(ax, "top", "right")
        if legend:
            handles = [self.right_, self.wrong_, self.undecided_, read_out]
            add_legend(ax, 4, handles, is_ours=is_ours)
        return self

    def _bar(self, left, counts, widths, bottom=0, **style):
        return self.ax_.bar(
            left, counts, widths, bottom, align="edge", linewidth=0.4, **style
        )
