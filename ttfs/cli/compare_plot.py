"""The figure of ``ttfs compare``; needs matplotlib."""

import numpy as np

_MINE, _OTHER = "#0072B2", "0.35"  # colours of the networks of this package, and others
_N_COLUMNS = 3  # panels side by side, at most
_BELOW = 0.25  # a fold stands so much below the mean, in rows
_FOLD = {"linestyle": "none", "marker": "o", "markersize": 3.5, "alpha": 0.5}
_MEAN = "mean and standard deviation over folds"


def plot_accuracies(rows):
    """A figure of the accuracy of each model, a panel for each data set.

    A mark is the mean over folds, a bar a standard deviation to either side, as in the
    table; the small dots below are the folds. The rows, at least one, have no errors.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    names = list(dict.fromkeys(row.data for row in rows))
    models = list(dict.fromkeys(row.model for row in rows))
    n_columns = min(_N_COLUMNS, len(names))
    n_rows = -(-len(names) // n_columns)
    height = 0.32 * len(models) + 1.0
    figure = Figure((1.9 + 2.7 * n_columns, height * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel()
    for ax, name in zip(grid, names, strict=False):
        for row in rows:
            if row.data == name:
                _draw(ax, models.index(row.model), row)
        ax.set_title(name, fontsize="medium")
        ax.set_xlabel("accuracy [%]")
        ax.set_yticks(range(len(models)), models)
        ax.set_ylim(len(models) - 0.5, -0.5)  # the first one on top
        ax.grid(axis="x", alpha=0.3)
        ax.margins(x=0.08)
        ax.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
    for ax in grid[len(names) :]:
        ax.set_axis_off()
    if any(len(row.fits) > 1 for row in rows):
        figure.legend(
            handles=[
                Line2D([], [], color=_OTHER, marker="o", label=_MEAN),
                Line2D([], [], **_FOLD, color=_OTHER, label="one fold"),
            ],
            loc="outside lower center",
            ncols=2,
            frameon=False,
            fontsize="small",
        )
    return figure


def _draw(ax, place, row):
    """Draw the accuracies of a model at its place."""
    accuracies = 100 * np.array([fit.accuracy for fit in row.fits])
    color = _MINE if row.model.startswith("TTFS") else _OTHER
    if len(accuracies) > 1:
        ax.plot(
            accuracies,
            np.full(len(accuracies), place + _BELOW),
            color=color,
            **_FOLD,
        )
    ax.errorbar(
        accuracies.mean(),
        place,
        xerr=accuracies.std() if len(accuracies) > 1 else None,
        color=color,
        marker="D" if row.model.startswith("TTFS") else "o",
        markersize=6,
        capsize=3,
        linewidth=1.5,
    )
