"""The figure of a comparison; needs matplotlib."""

import numpy as np

from .methods import METHODS

# A method looks the same whatever else is in the figure: colour and mark.
_STYLES = {
    key: (f"C{k}", mark)
    for k, (key, mark) in enumerate(zip(METHODS, "*osD^<hvPX", strict=True))
}
_TICKS = 0, 50, 70, 80, 85, 90, 93, 95, 96, 97, 98, 99, 100  # of accuracies
_BELOW = 10  # % of accuracy that are shown below the best point of the worst method


def plot(rows, curves, settings):
    """A figure of accuracy against operations and latency, two panels a data set.

    Operations are synaptic events, and multiply-accumulates that are no events. A
    method with first spikes is a mark at the mean of its decisions, and a curve of what
    is decided if all samples are stopped at the same moment: in the panel of times the
    mark does not lie on it. A rate code is a line over its steps, with a mark at each
    of them; a dense network is a mark, and a line in the other panel, since no cost
    model knows its latency. Accuracies are stretched towards 100 %.

    `rows` are those without an error, at least one; `curves` are of `make_rows`.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import (
        EngFormatter,
        LogLocator,
        NullFormatter,
        StrMethodFormatter,
    )

    plain = StrMethodFormatter("{x:,g}")
    has_seconds = settings.latency_unit == "s"
    formatters = plain, EngFormatter(unit="s") if has_seconds else plain
    unit = "" if has_seconds else f" [{settings.latency_unit}]"

    names = list(dict.fromkeys(row.data for row in rows))
    figure = Figure((9.5, 4.2 * len(names) + 0.9), layout="constrained")
    grid = figure.subplots(len(names), 2, sharey="row", squeeze=False)
    for axes, name in zip(grid, names, strict=True):
        mine = [row for row in rows if row.data == name]
        held = {
            (curve["method"], curve["label"]): curve
            for curve in curves
            if curve["data"] == name
        }
        best = {}
        for row in mine:
            best[row.method] = max(100 * row.mean("accuracy"), best.get(row.method, 0))
        bottom = max(0, min(best.values()) - _BELOW)
        is_low = max(best.values()) < _TICKS[1]
        top = max(best.values()) + _BELOW if is_low else 100
        ticks = range(0, 100, 10) if is_low else _TICKS
        for key in best:
            points = [row for row in mine if row.method == key]
            _draw(axes, points, held, bottom, *_STYLES[key])
        axes[0].set_yscale("function", functions=(_stretch, _shrink))
        axes[0].set_yticks([tick for tick in ticks if bottom <= tick <= top])
        axes[0].set_ylim(bottom, top)
        axes[0].set_ylabel(f"{name}: accuracy by spikes [%]")
        axes[0].set_xlabel("synaptic events and multiply-accumulates")
        axes[1].set_xlabel(
            f"time until the decision{unit}\n"
            "marks: mean decision; curves: all stop at that time"
        )
        for ax, formatter in zip(axes, formatters, strict=True):
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter(formatter)
            ax.xaxis.set_minor_formatter(NullFormatter())
            ax.grid(alpha=0.3)
    handles = {}
    for ax in grid[:, 0]:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _stretch(accuracy):
    """The scale of accuracies: nearly that of the logarithm of the error."""
    return -np.log(101 - np.minimum(accuracy, 100))


def _shrink(height):
    """The accuracy at a height, see `_stretch`."""
    return 101 - np.exp(-height)


def _draw(axes, points, curves, bottom, color, mark):
    """Draw a method into both panels: the marks of its points, and their curves.

    Curves are left out below `bottom`, and where nothing is decided any more. That of a
    code in steps is the line through its points.
    """
    accuracy = [100 * row.mean("accuracy") for row in points]
    deviation = [100 * np.std(row.accuracies) for row in points]
    marks = {"color": color, "marker": mark, "linewidth": 1, "zorder": 3}
    marks["label"] = points[0].method_title
    if points[0].mean("events") is None:  # a dense network
        operations = [row.mean("operations") for row in points]
        axes[0].plot(operations, accuracy, linestyle="none", markersize=12, **marks)
        axes[1].axhline(accuracy[0], color=color, linestyle=":")
        return
    names = ("operations", "events"), ("latency", "latency")
    for ax, (name, of_curve) in zip(axes, names, strict=True):
        x = [row.mean(name) for row in points]
        if None not in x:
            ax.plot(x, accuracy, linestyle="-" if len(x) > 1 else "none", **marks)
            ax.errorbar(x, accuracy, deviation, fmt="none", color=color, alpha=0.4)
        for row in points:
            curve = curves.get((row.method, row.points[0].label))
            if curve is None or curve[of_curve] is None:
                continue
            y = 100 * np.array(curve["accuracy"])
            shown = slice(int(np.argmax(y >= bottom)), int(np.argmax(y)) + 1)
            ax.plot(curve[of_curve][shown], y[shown], color=color, linewidth=0.8)
