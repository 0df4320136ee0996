"""The figure of a study; needs matplotlib."""

from itertools import groupby

from .sweeps import SWEEPS


def plot(points, ideal, path):
    """Draw accuracy against value, a panel for each sweep, into the file of the path.

    `points` are rows of the table, at least one; `ideal` is the accuracy without a
    chip.
    """
    from matplotlib.figure import Figure

    panels = [(name, list(part)) for name, part in groupby(points, lambda p: p.sweep)]
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure = Figure((3.2 * n_columns, 2.7 * n_rows + 0.4), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
    axes = grid.ravel()
    for ax, (name, part) in zip(axes, panels, strict=False):
        x = [point.value for point in part]
        ax.axhline(100 * ideal, color="0.5", linestyle="--", label="ideal")
        for kind, label, color in (
            ("in_loop", "trained in the loop", "C0"),
            ("naive", "trained without the chip", "C1"),
        ):
            y = [100 * getattr(point, kind) for point in part]
            sd = [100 * (getattr(point, f"{kind}_sd") or 0) for point in part]
            ax.errorbar(x, y, sd, color=color, marker="o", capsize=2, label=label)
        ax.set_xlabel(SWEEPS[name].label)
        if all(isinstance(value, int) for value in x):
            ax.set_xticks(x)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in grid[:, 0]:
        ax.set_ylabel("accuracy on the chip [%]")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3
    )
    figure.savefig(path, dpi=150)
