"""Accuracy and events against the moment at which one stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils import column_or_1d

from .estimators import check_known, classifier_of, passed
from .figures import (
    BLUE,
    GREY,
    ORANGE,
    add_legend,
    add_line,
    hide_spines,
    mark_read_out,
    one_axes,
    second_scale,
    time_label,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike

    from ..encoders.spike_trains import Features
    from ..energy.anytime import Anytime


class AnytimeDisplay:
    """Accuracy against the moment at which all samples are stopped.

    A sample that is not decided by then counts as wrong. A second scale, on the right,
    has the synaptic events until then.

    Parameters
    ----------
    curve : ttfs.energy.Anytime
        What `anytime` of a classifier, or of a baseline, has returned.
    read_out : float, default=inf
        Time of the read-out, if there is one.
    tau_syn : float, default=1.0
        Synaptic time constant, for the label of the axis.

    Attributes
    ----------
    ax_ : Axes
        The axes of the accuracy.
    events_ax_ : Axes or None
        The axes of the events.
    figure_ : Figure
        The figure.
    accuracy_, decided_ : Line2D
        The curves of the samples that are decided rightly, and of all that are decided,
        in percent.
    events_ : Line2D or None
        The curve of the events.

    See Also
    --------
    ttfs.TTFSClassifier.anytime : The numbers of these curves.
    DecisionTimeDisplay : When samples are decided.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.plotting import AnytimeDisplay
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> display = AnytimeDisplay.from_estimator(clf, X, y)
    >>> display.ax_.get_ylabel()
    'samples [%]'
    """

    def __init__(
        self, curve: Anytime, *, read_out: float = np.inf, tau_syn: float = 1.0
    ) -> None:
        self.curve = curve
        self.read_out = read_out
        self.tau_syn = tau_syn

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Features,
        y: ArrayLike,
        *,
        times: ArrayLike | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Classify samples and draw what is decided by each moment.

        Parameters
        ----------
        estimator : TTFSClassifier, or a pipeline that ends in one
            Fitted, with first output spikes that decide. Of a search its best estimator
            is taken.
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        times : array-like of shape (n_times,), default=None
            Moments from the start of the inputs, in increasing order. None: fifty, up
            to the end of the experiment.
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        **options
            Options of :meth:`plot`.

        Returns
        -------
        display : AnytimeDisplay

        Raises
        ------
        TypeError
            If it is no classifier of this package.
        ValueError
            If numbers of output spikes, or membranes, decide, `times` do not increase,
            or `y` has classes that are not known.
        """
        last, before = classifier_of(estimator, cls.__name__)
        check_known(column_or_1d(y), last.classes_)
        curve = last.anytime(passed(before, X), y, times)
        network = last.network_
        display = cls(curve, read_out=network.read_out, tau_syn=network.neuron.tau_syn)
        return display.plot(ax=ax, **options)

    def plot(self, ax: Any = None, *, events: bool = True, legend: bool = True) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        events : bool, default=True
            Whether the events are drawn, on a scale of their own.
        legend : bool, default=True
            Whether there is a legend below the picture.

        Returns
        -------
        display : AnytimeDisplay
        """
        is_ours = ax is None
        self.ax_ = ax = one_axes(ax, (6.4, 4.0))
        self.figure_ = ax.figure
        curve = self.curve
        share = 100 * np.asarray(curve.decided)
        self.decided_ = add_line(
            ax, curve.times, share, "decided", GREY, linestyle="--"
        )
        share = 100 * np.asarray(curve.accuracy)
        label = f"decided rightly (at the end {curve.accuracy[-1]:.1%})"
        self.accuracy_ = add_line(ax, curve.times, share, label, BLUE, linewidth=2)
        read_out = mark_read_out(ax, self.read_out)
        ax.set_ylim(0, 102)
        ax.set_ylabel("samples [%]")
        is_step = curve.unit == "step"
        ax.set_xlabel("step at which all stop" if is_step else time_label(self.tau_syn))
        hide_spines(ax, "top")
        self.events_ax_ = self.events_ = None
        if events:
            self.events_ax_ = right = second_scale(ax, "synaptic events per sample")
            label = "synaptic events (right scale)"
            self.events_ = add_line(
                right, curve.times, curve.n_events, label, ORANGE, linestyle="-."
            )
            right.set_ylim(bottom=0)
        else:
            hide_spines(ax, "right")
        if legend:
            handles = [self.accuracy_, self.decided_, self.events_, read_out]
            add_legend(ax, 2, handles, is_ours=is_ours)
        return self
