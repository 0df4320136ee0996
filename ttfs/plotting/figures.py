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
    """The module matplotlib.pyplot.

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says how it is installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'pictures need matplotlib: pip install "scikit-ttfs[plot]"'
        ) from error
    return pyplot


def one_axes(ax: Any, size: tuple[float, float]) -> Any:
    """The axes to draw into: those given, or those of a new figure of a size [inch].

    Raises
    ------
    TypeError
        If `ax` is neither Axes nor None.
    """
    plt = pyplot()
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    elif not isinstance(ax, plt.Axes):
        raise TypeError(f"ax must be Axes of matplotlib or None, got {ax!r}")
    return ax


def several_axes(
    ax: Any, shape: tuple[int, int], n: int, size: tuple[float, float], **options: Any
) -> Any:
    """Axes for n panels in rows and columns.

    Parameters
    ----------
    ax : Axes, array-like of Axes, or None
        One that is divided, one for each panel, or None: those of a new figure.
    shape : tuple of (int, int)
        Rows and columns.
    n : int
        Number of panels; those of the grid that are left over are not shown.
    size : tuple of (float, float)
        Width and height of a new figure [inch].
    **options
        Options of `subplots`: sharex, sharey.

    Returns
    -------
    axes : ndarray of Axes of shape (n,)

    Raises
    ------
    TypeError
        If `ax` is something else, or cannot be divided, as it is in no grid.
    ValueError
        If `ax` has another number of axes than there are panels.
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


def time_label(tau_syn: float) -> str:
    """The label of an axis of times."""
    if tau_syn == 1:
        return r"time [$\tau_\mathrm{syn}$]"
    return rf"time [unit of $\tau_\mathrm{{syn}}$ = {tau_syn:g}]"


def mark_time(ax: Any, time: float, label: str, **style: Any) -> Any:
    """A vertical line at a time."""
    style = {"color": DARK, "linewidth": 1.0, "zorder": 1, **style}
    return ax.axvline(time, label=label, **style)


def add_legend(ax: Any, n_columns: int, handles: Any = None, *, is_ours: bool) -> None:
    """A legend below, which covers no data.

    Parameters
    ----------
    ax : Axes
        The axes that it explains.
    n_columns : int
        Columns, at most.
    handles : list of Artist or None, default=None
        What it explains, in this order; those that are None, or whose label begins with
        an underscore, are left out. None: all that has a label.
    is_ours : bool
        Whether the figure has been made for the picture: then the legend is below all
        of it, else below these axes.
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
