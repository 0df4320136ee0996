"""Rasters: the spikes of all channels and neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .estimators import check_known, check_samples, last_step, passed, some_rows
from .figures import (
    BLUE,
    DARK,
    GREY,
    LIGHT,
    VERMILION,
    add_legend,
    hide_spines,
    mark_read_out,
    mark_time,
    several_axes,
    time_label,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike

    from ..encoders.spike_trains import Features
    from ..model import Recording

# Heights of groups of neurons: enough for labels, without small layers getting lost.
_LEAST, _MOST, _GAP = 5.0, 10.0, 1.2
_MAX_LABELS = 12  # outputs that are labelled one by one
_ROW = 2.2  # height of an output that has a label, at least
_FONT_SIZE = "small"
_LINE = 1.2  # height of a line of text in font sizes

# By what a sample is decided in which no first output spike does.
_OTHERWISE = {
    "first": " by membranes",
    "count": " by numbers of spikes",
    "peak": " by peaks",
    "mean": " by means",
}


@dataclass
class Group:
    """The spikes of the channels, or of the neurons of a layer, in one sample."""

    name: str  # what the neurons are
    n_neurons: int
    times: np.ndarray  # of all spikes, (n_spikes,)
    neurons: np.ndarray  # the neuron of each of them


class SpikeRasterDisplay:
    """Raster of the spikes of inputs, hidden neurons and outputs.

    One panel for each sample. Each row is a channel or a neuron, inputs below and
    outputs on top; each mark is a spike. The decision is a vertical line, and spikes
    that come after it, which nobody needs to wait for, are grey. The class that was
    decided is the coloured row, the true one has a grey background. Biases are not
    shown.

    Parameters
    ----------
    recording : ttfs.model.Recording
        What `record` of an estimator has returned.
    output_names : sequence of str, default=None
        Names of the output neurons. None: their numbers. Where a picture is too low for
        all of them, only some are written.
    output_kind : str, default="output"
        What the outputs are, which is written once above their names.
    truth : sequence of int, default=None
        The number of the right output of each sample. None: not known.
    titles : sequence of str, default=None
        A title for each sample.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_samples,)
        The panels.
    figure_ : Figure
        The figure.
    spikes_ : list of list of LineCollection
        The marks of each panel and group - inputs, then layers. A segment is a spike.
    decisions_ : list of Line2D or None
        The line of the decision of each panel; None where no first spike decides.

    See Also
    --------
    MembraneDisplay : What the neurons of a layer do between spikes.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.plotting import SpikeRasterDisplay
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> display = SpikeRasterDisplay.from_estimator(clf, X, y, samples=[0, 7])
    >>> len(display.axes_)
    2
    """

    def __init__(
        self,
        recording: Recording,
        *,
        output_names: Sequence[str] | None = None,
        output_kind: str = "output",
        truth: Sequence[int] | None = None,
        titles: Sequence[str] | None = None,
    ) -> None:
        self.recording = recording
        self.output_names = output_names
        self.output_kind = output_kind
        self.truth = truth
        self.titles = titles

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Features,
        y: ArrayLike | None = None,
        *,
        samples: int | Sequence[int] = 0,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Run samples through a fitted estimator and draw their spikes.

        Parameters
        ----------
        estimator : TTFSClassifier, TTFSRegressor, or a pipeline that ends in one
            Fitted. Of a search its best estimator is taken.
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,), default=None
            True targets; None: they are not marked.
        samples : int or sequence of int, default=0
            Numbers of the samples to draw, from 0.
        ax : Axes or array-like of Axes, default=None
            Axes to draw into: one that is divided, or one for each sample. None: those
            of a new figure.
        **options
            Options of :meth:`plot`.

        Returns
        -------
        display : SpikeRasterDisplay

        Raises
        ------
        TypeError
            If it is no estimator of this package.
        ValueError
            If `y` has another length than `X`, or classes that are not known.
        IndexError
            If there is no such sample.
        """
        last, before = last_step(estimator, cls.__name__)
        rows = check_samples(samples, X, y)
        chosen = passed(before, some_rows(X, rows))
        recording = last.record(chosen)
        kind, names, truth, titles = described(last, recording, chosen, y, rows)
        display = cls(
            recording,
            output_names=names,
            output_kind=kind,
            truth=truth,
            titles=titles,
        )
        return display.plot(ax=ax, **options)

    def plot(self, ax: Any = None, *, legend: bool = True) -> Self:
        """Draw the raster.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw into: one that is divided, or one for each sample. None: those
            of a new figure.
        legend : bool, default=True
            Whether there is a legend below the first panel.

        Returns
        -------
        display : SpikeRasterDisplay
        """
        n = len(self.recording)
        size = 1.8 + min(3.2 * n, 9.6 + 2.4 * (n - 3)), 5.0
        self.axes_ = several_axes(ax, (1, n), n, size, sharey=True)
        self.figure_ = self.axes_[0].figure
        self.spikes_, self.decisions_ = [], []
        for sample, panel in enumerate(self.axes_):
            self._draw(sample, panel)
        if legend:
            add_legend(self.axes_[0], 4, is_ours=ax is None)
        return self

    def groups(self, sample: int) -> list[Group]:
        """The spikes of the channels and of each layer in a sample.

        Parameters
        ----------
        sample : int
            Number of the sample among those recorded.

        Returns
        -------
        groups : list of Group
            Inputs first, outputs last.
        """
        recording = self.recording
        sizes = recording.network.sizes
        n_hidden = len(sizes) - 2
        names = [
            f"hidden {k + 1}" if n_hidden > 1 else "hidden" for k in range(n_hidden)
        ]
        groups = [Group("inputs", sizes[0], *recording.input_spikes(sample))]
        for name, n, spikes in zip(
            [*names, "outputs"], sizes[1:], recording.spikes, strict=True
        ):
            neurons, places = np.nonzero(spikes[sample] < recording.end)
            groups.append(Group(name, n, spikes[sample][neurons, places], neurons))
        return groups

    def _draw(self, sample, ax):
        recording = self.recording
        groups = self.groups(sample)
        decision = recording.decision_times[sample]
        is_decided = recording.outputs is not None and recording.is_decided[sample]
        end_of_use = decision if is_decided else np.inf
        bottom, ticks, labels, marks = 0.0, [], [], []
        for group in groups:
            is_output = group is groups[-1]
            is_labelled = is_output and group.n_neurons <= _MAX_LABELS
            height = float(np.clip(group.n_neurons, _LEAST, _MOST))
            if is_labelled:
                height = max(_LEAST, _ROW * group.n_neurons)
            rows = (
                bottom + (np.arange(group.n_neurons) + 0.5) * height / group.n_neurons
            )
            if is_output and recording.outputs is not None:
                colors = self._mark_outputs(sample, ax, rows, height / group.n_neurons)
            else:
                colors = np.full(group.n_neurons, BLUE if is_output else DARK, object)
            of_spikes = np.where(group.times <= end_of_use, colors[group.neurons], GREY)
            half = 0.5 * max(0.8 * height / group.n_neurons, height / 25)
            lines = ax.vlines(
                group.times,
                rows[group.neurons] - half,
                rows[group.neurons] + half,
                colors=list(of_spikes),
                linewidth=2.4 if is_output else 1.2,
                zorder=3,
            )
            marks.append(lines)
            if is_labelled:
                names = self.output_names or range(len(rows))
                top = bottom + height + _ROW / 2
                ticks += [*rows, top]
                labels += [*map(str, names), self.output_kind]
                bottom += _ROW
            else:
                ticks.append(bottom + height / 2)
                labels.append(f"{group.name}\n({group.n_neurons})")
            if not is_output:
                ax.axhline(bottom + height + _GAP / 2, color=LIGHT, linewidth=0.8)
            bottom += height + _GAP
        self.spikes_.append(marks)
        line = None
        if is_decided:
            color = colors[recording.outputs[sample]]
            line = mark_time(ax, decision, "decision", color=color)
        self.decisions_.append(line)
        mark_read_out(ax, recording.read_out)
        ax.set_ylim(-_GAP / 2, bottom - _GAP / 2)
        first = min(group.times.min(initial=np.inf) for group in groups)
        begin = min(recording.start, first)
        margin = 0.02 * (recording.end - begin)
        ax.set_xlim(begin - margin, recording.end + margin)
        ax.set_xlabel(time_label(recording.network.neuron.tau_syn))
        ax.tick_params(axis="y", length=0)
        ax.set_yticks(ticks, labels, fontsize=_FONT_SIZE)
        if is_labelled:
            _thin_out(ax, labels, len(rows))
        hide_spines(ax, "top", "right", "left")
        if self.titles is not None:
            ax.set_title(self.titles[sample], fontsize="medium")

    def _mark_outputs(self, sample, ax, rows, height):
        """Mark the true class; returns the colours of the outputs."""
        decided = self.recording.outputs[sample]
        colors = np.full(len(rows), DARK, object)
        colors[decided] = BLUE
        if self.truth is not None:
            true = self.truth[sample]
            ax.axhspan(
                rows[true] - height / 2,
                rows[true] + height / 2,
                color=LIGHT,
                label="true class",
                zorder=0,
            )
            if decided != true:
                colors[decided] = VERMILION
        return colors


def _thin_out(ax, labels, n_rows):
    """Leave out labels of outputs where those of all do not fit below one another.

    How high the axes are is known when they are drawn: after the layout, and again when
    a window changes its size.
    """
    from matplotlib.font_manager import FontProperties

    points = _LINE * FontProperties(size=_FONT_SIZE).get_size_in_points()

    def label(_, place):
        if place is None:
            return ""
        low, high = ax.get_ylim()
        row = ax.bbox.height * _ROW / (high - low)
        line = points * ax.figure.dpi / 72
        # The last label, above the outputs, says what they are; it stays.
        below = len(labels) - 1 - place
        is_shown = below > n_rows or below % max(int(np.ceil(line / row)), 1) == 0
        return labels[place] if is_shown else ""

    ax.yaxis.set_major_formatter(label)


def described(
    estimator: Any, recording: Recording, X: Any, y: Any, rows: np.ndarray
) -> tuple[str, list[str], list[int] | None, list[str]]:
    """What outputs are, their names, the right ones of samples, and titles for samples.

    The recording and the features X are of the samples with the numbers `rows`, y has
    the targets of all samples, or is None.
    """
    targets = None if y is None else np.asarray(y)[rows]
    truth = None
    if recording.outputs is None:
        kind, names = "target", [str(k) for k in range(recording.network.n_outputs)]
        found = [f"predicted {_number(p)}" for p in np.asarray(estimator.predict(X))]
        true = targets if targets is None else map(_number, targets)
    else:
        classes = estimator.classes_
        kind, names = "class", [str(name) for name in classes]
        how = np.where(recording.is_decided, "", _OTHERWISE[recording.decision])
        found = [
            f"decided {classes[k]}{way}"
            for k, way in zip(recording.outputs, how, strict=True)
        ]
        true = targets
        if targets is not None:
            check_known(targets, classes)
            truth = np.searchsorted(classes, targets).tolist()
    titles = [f"sample {row}: {what}" for row, what in zip(rows, found, strict=True)]
    if true is not None:
        titles = [f"{title}, true {t}" for title, t in zip(titles, true, strict=True)]
    return kind, names, truth, titles


def _number(value):
    """A target, or several, as a short text."""
    return ", ".join(f"{part:.3g}" for part in np.ravel(value))
