"""Membranes of the neurons of a layer."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np

from .estimators import check_numbers, check_samples, last_step, passed, some_rows
from .figures import (
    BLUE,
    CYCLE,
    DARK,
    GREY,
    VERMILION,
    add_legend,
    add_line,
    hide_spines,
    mark_read_out,
    one_axes,
    time_label,
)
from .raster import described

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike

    from ..encoders.spike_trains import Features

_N_TIMES = 400  # at which traces are drawn, besides spikes and arrivals
_N_NEURONS = 6  # of a hidden layer, unless they are chosen


class MembraneDisplay:
    """Membranes of some neurons of a layer in one sample, with threshold and spikes.

    Membranes are exact where they are drawn, which is at many equally spaced times, at
    all arrivals of input spikes, where they have kinks, and at their own spikes. Once a
    neuron has fired as often as it may, its trace is dotted: nobody asks for that
    membrane any more. (A neuron that fires once is not reset in the model.)

    Parameters
    ----------
    times : array-like of shape (n_times,)
        Times, ascending.
    traces : array-like of shape (n_neurons, n_times)
        Membranes, in the unit of the threshold.
    spikes : array-like of shape (n_neurons, max_spikes)
        Spikes of these neurons; +inf = none.
    threshold : float or None
        Threshold of the neurons; None: they do not fire.
    names : sequence of str
        Names of the neurons.
    decided, true : int, default=None
        Which of the neurons decides, and which one is right. None: it is not among
        them.
    read_out : float, default=inf
        Time of the read-out, if there is one.
    tau_syn : float, default=1.0
        Synaptic time constant, for the label of the axis.
    title : str, default=None
        Title of the picture.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    traces_ : list of Line2D
        The trace of each neuron, until the last spike that it may have.
    rests_ : list of Line2D or None
        What follows after that; None where nothing does.
    spikes_ : Line2D or None
        The marks of all spikes, at the threshold; None where neurons do not fire.
    threshold_ : Line2D or None
        The line of the threshold; None where there is none.

    Raises
    ------
    ValueError
        If the arrays do not belong together.

    See Also
    --------
    ttfs.membrane_traces : The membranes of a layer as an array.
    SpikeRasterDisplay : The spikes of all neurons.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.plotting import MembraneDisplay
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    >>> display = MembraneDisplay.from_estimator(clf, X, y, sample=7)
    >>> len(display.traces_)
    3
    """

    def __init__(
        self,
        times: ArrayLike,
        traces: ArrayLike,
        *,
        spikes: ArrayLike,
        threshold: float | None,
        names: Sequence[str],
        decided: int | None = None,
        true: int | None = None,
        read_out: float = np.inf,
        tau_syn: float = 1.0,
        title: str | None = None,
    ) -> None:
        self.times = np.asarray(times, float)
        self.traces = np.asarray(traces, float)
        self.spikes = np.asarray(spikes, float)
        shape = (len(names), self.times.size)
        if self.times.ndim != 1 or not self.times.size or self.traces.shape != shape:
            raise ValueError(
                f"traces must have the shape (n_neurons, n_times) of names and times, "
                f"{shape}, got {self.traces.shape}"
            )
        if self.spikes.ndim != 2 or len(self.spikes) != len(names):
            raise ValueError(
                f"spikes must have the shape ({len(names)}, max_spikes), got "
                f"{self.spikes.shape}"
            )
        self.threshold = threshold
        self.names = names
        self.decided = decided
        self.true = true
        self.read_out = read_out
        self.tau_syn = tau_syn
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Features,
        y: ArrayLike | None = None,
        *,
        sample: int = 0,
        layer: int = -1,
        neurons: Sequence[int] | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Run a sample through a fitted estimator and draw membranes of a layer.

        Parameters
        ----------
        estimator : TTFSClassifier, TTFSRegressor, or a pipeline that ends in one
            Fitted. Of a search its best estimator is taken.
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,), default=None
            True targets; None: they are not marked.
        sample : int, default=0
            Number of the sample, from 0.
        layer : int, default=-1
            Number of the layer: 0 is the first hidden one, -1 the output.
        neurons : sequence of int, default=None
            Numbers of the neurons. None: all outputs, or of a hidden layer six, spread
            from the first that fires to the last.
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        **options
            Options of :meth:`plot`.

        Returns
        -------
        display : MembraneDisplay

        Raises
        ------
        TypeError
            If it is no estimator of this package.
        ValueError
            If `y` has another length than `X`, or classes that are not known.
        IndexError
            If there is no such sample, layer or neuron.
        """
        last, before = last_step(estimator, cls.__name__)
        if not isinstance(sample, Integral):
            raise TypeError(f"sample must be one whole number, got {sample!r}")
        rows = check_samples(sample, X, y, "sample")
        chosen = passed(before, some_rows(X, rows))
        recording = last.record(chosen)
        kind, names, truth, titles = described(last, recording, chosen, y, rows)
        kinks = recording.arrivals(0, layer)
        network = recording.network
        n_layers = len(network.layers)
        number = layer % n_layers
        spikes = recording.spikes[number][0]
        n_out = len(spikes)
        is_output = number == n_layers - 1
        if neurons is None:
            neurons = np.arange(n_out)
            if not is_output:
                neurons = _spread(spikes.min(axis=1), recording.end)
        neurons = check_numbers(neurons, n_out, "neurons", "the layer has {} neurons")
        spikes = np.where(spikes < recording.end, spikes, np.inf)[neurons]
        fired = spikes[np.isfinite(spikes)]
        begin = min([recording.start, *kinks[:1]])
        even = np.linspace(begin, recording.end, _N_TIMES)
        # A reset is a step: one time before it, and one right after it.
        times = np.unique(
            np.concatenate([even, kinks, fired, np.nextafter(fired, np.inf)])
        )
        traces = recording.membrane_traces(0, times, layer)[neurons]
        of_outputs = is_output and recording.outputs is not None
        fires = not is_output or recording.decision in ("first", "count")
        places = {int(neuron): place for place, neuron in enumerate(neurons)}
        if not is_output:
            kind, names = "neuron", range(n_out)
        display = cls(
            times,
            traces,
            spikes=spikes,
            threshold=network.layers[number].neuron.threshold if fires else None,
            names=[f"{kind} {names[k]}" for k in neurons],
            decided=places.get(int(recording.outputs[0])) if of_outputs else None,
            true=places.get(truth[0]) if of_outputs and truth is not None else None,
            read_out=recording.read_out if is_output else np.inf,
            tau_syn=network.neuron.tau_syn,
            title=titles[0] if is_output else f"sample {rows[0]}, layer {number + 1}",
        )
        return display.plot(ax=ax, **options)

    def plot(self, ax: Any = None, *, legend: bool = True) -> Self:
        """Draw the membranes.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        legend : bool, default=True
            Whether there is a legend below the picture.

        Returns
        -------
        display : MembraneDisplay
        """
        is_ours = ax is None
        self.ax_ = ax = one_axes(ax, (6.4, 4.2))
        self.figure_ = ax.figure
        self.traces_, self.rests_, seen = [], [], []
        for k, trace in enumerate(self.traces):
            style = self._style(k)
            until = self.spikes[k].max()  # inf unless all spikes have been fired
            is_before = self.times <= until
            (line,) = ax.plot(self.times[is_before], trace[is_before], **style)
            seen.append(trace[is_before])
            self.traces_.append(line)
            rest = None
            if not is_before.all():
                is_after = self.times >= until
                faint = {**style, "label": "_rest", "linestyle": ":", "alpha": 0.7}
                faint["linewidth"] = 1.0
                (rest,) = ax.plot(self.times[is_after], trace[is_after], **faint)
            self.rests_.append(rest)
        self.threshold_ = self.spikes_ = None
        if self.threshold is not None:
            self._draw_spikes(ax)
        read_out = mark_read_out(ax, self.read_out)
        seen = np.concatenate(seen)
        low = min(seen.min(initial=0), 0)
        high = max(1.15 * (self.threshold or 0), 1.05 * seen.max(initial=0))
        ax.set_ylim(low - 0.05 * (high - low), high or 1.0)
        ax.set_xlim(self.times[0], self.times[-1])
        ax.set_xlabel(time_label(self.tau_syn))
        ax.set_ylabel("membrane" + (" [threshold]" if self.threshold == 1 else ""))
        hide_spines(ax, "top", "right")
        if self.title is not None:
            ax.set_title(self.title, fontsize="medium")
        if legend:
            first = (self.decided, self.true)
            ranks = [
                first.index(k) if k in first else 2 for k in range(len(self.names))
            ]
            lines = [self.traces_[k] for k in np.argsort(ranks, kind="stable")]
            handles = [*lines, self.threshold_, self.spikes_, read_out]
            add_legend(ax, 3, handles, is_ours=is_ours)
        return self

    def _draw_spikes(self, ax):
        """Draw the threshold, and spikes as marks on it."""
        style = {"linestyle": "--", "linewidth": 1, "zorder": 1}
        self.threshold_ = ax.axhline(
            self.threshold, color=DARK, label="threshold", **style
        )
        fired = np.sort(self.spikes[np.isfinite(self.spikes)])
        heights = np.full(len(fired), self.threshold)
        style = {"linestyle": "none", "marker": "v", "markersize": 5, "zorder": 5}
        self.spikes_ = add_line(ax, fired, heights, "spike", DARK, **style)

    def _style(self, k):
        """How the trace of a neuron is drawn, and what the legend says of it."""
        name = self.names[k]
        if self.decided is None and self.true is None:
            dashes = "-", "-.", (0, (5, 1))
            dash = dashes[k // len(CYCLE) % len(dashes)]
            color = CYCLE[k % len(CYCLE)]
            return {"color": color, "linestyle": dash, "linewidth": 1.5, "label": name}
        if k == self.decided:
            color = BLUE if self.true in (None, k) else VERMILION
            what, zorder = "decision", 4
        elif k == self.true:
            color, what, zorder = BLUE, "true", 3
        else:
            marked = (self.decided, self.true)
            is_first = all(j in marked for j in range(k))
            label = "other classes" if is_first else "_other"
            return {"color": GREY, "linewidth": 1.0, "label": label}
        label = f"{name} ({what})"
        return {"color": color, "linewidth": 2.0, "label": label, "zorder": zorder}


def _spread(first, end):
    """Some neurons, from the first to the last that fires before the end."""
    order = first.argsort(kind="stable")
    n = min(_N_NEURONS, len(order))
    n_fired = max(np.count_nonzero(first < end), n)
    places = np.linspace(0, n_fired - 1, n).round().astype(int)
    return np.sort(order[places])
