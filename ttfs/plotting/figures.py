"""What all displays share: axes, colours and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

# Colours that people tell apart whatever they see, after M. Okabe and K. Ito, "Color
# universal design" (2008): https://jfly.uni-koeln.de/color/
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
CYCLE = BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION
DARK, GREY, LIGHT = "0.15", "0.55", "0.9"


def pyplot() -> Any:
    """The module matplotlib.pyplot, or an ImportError that says how it is installed."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'pictures need matplotlib: pip install "scikit-ttfs[plot]"'
        ) from error
    return pyplot


def one_axes(ax: Any, size: tuple[float, float]) -> Any:
    """The axes to draw into: those given, or those of a new figure of a size [inch]."""
    plt = pyplot()
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    elif not isinstance(ax, plt.Axes):
        raise TypeError(f"ax must be Axes of matplotlib or None, got {ax!r}")
    return ax


def several_axes(
    ax: Any, shape: tuple[int, int], n: int, size: tuple[float, float], **options: Any
) -> Any:
    """Axes (n,) for n panels in rows and columns of the given shape.

    They are a division of the axes `ax`, or `ax` itself if it has one for each panel,
    or those of a new figure of a size [inch]. The options are sharex and sharey of
    subplots.
    """
    plt = pyplot()
    if ax is None:
        figure = plt.figure(figsize=size, layout="constrained")
        figure.get_layout_engine().set(wspace=0.04)
        grid = figure.subplots(*shape, squeeze=False, **options)
    elif isinstance(ax, plt.Axes):
        if n == 1:
            return np.array([ax], dtype=object)
        place = ax.get_subplotspec()
        if place is None:
            raise TypeError(
                f"ax must be Axes of a grid, as those of subplots are, for {n} panels, "
                f"or {n} Axes; got {ax!r}, which cannot be divided"
            )
        ax.set_axis_off()
        grid = place.subgridspec(*shape).subplots(squeeze=False, **options)
    else:
        axes = np.asarray(ax, dtype=object).ravel()
        if not all(isinstance(one, plt.Axes) for one in axes):
            raise TypeError(
                f"ax must be Axes of matplotlib, a sequence of them or None, got {ax!r}"
            )
        if len(axes) != n:
            raise ValueError(f"ax has {len(axes)} axes, but there are {n} panels")
        return axes
    for rest in grid.ravel()[n:]:
        rest.set_axis_off()
    return grid.ravel()[:n]


def hide_spines(ax: Any, *sides: str) -> None:
    """Hide the frame of axes on some sides."""
    ax.spines[list(sides)].set_visible(False)


def add_line(ax: Any, x: Any, y: Any, label: str, color: str, **style: Any) -> Any:
    """A line through points; the style is that of `plot` of the axes."""
    (line,) = ax.plot(x, y, label=label, color=color, **style)
    return line


def second_scale(ax: Any, label: str) -> Any:
    """Axes over others, with a scale on the right."""
    right = ax.twinx()
    right.set_ylabel(label)
    hide_spines(right, "top")
    return right


def time_label(tau_syn: float) -> str:
    """The label of an axis of times."""
    if tau_syn == 1:
        return r"time [$\tau_\mathrm{syn}$]"
    return rf"time [unit of $\tau_\mathrm{{syn}}$ = {tau_syn:g}]"


def mark_time(ax: Any, time: float, label: str, **style: Any) -> Any:
    """A vertical line at a time."""
    style = {"color": DARK, "linewidth": 1.0, "zorder": 1, **style}
    return ax.axvline(time, label=label, **style)


def mark_read_out(ax: Any, time: float) -> Any:
    """A dotted line at the time of the read-out, or None if that is infinite."""
    if not np.isfinite(time):
        return None
    return mark_time(ax, time, "read-out", linestyle=":", color=GREY)


def add_legend(ax: Any, n_columns: int, handles: Any = None, *, is_ours: bool) -> None:
    """Add a legend of at most `n_columns` columns below the axes, or below our figure.

    It explains the handles, or all that has a label; those that are None, or whose
    label begins with an underscore, are left out.
    """
    if handles is None:
        handles, _ = ax.get_legend_handles_labels()
    handles = [
        handle
        for handle in handles
        if handle is not None and not handle.get_label().startswith("_")
    ]
    if not handles:
        return
    style = {
        "handles": handles,
        "ncols": min(n_columns, len(handles)),
        "frameon": False,
        "fontsize": "small",
    }
    if is_ours:
        ax.figure.legend(loc="outside lower center", **style)
    else:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), **style)
