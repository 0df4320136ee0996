"""A calibration as a table for people to read."""

import numpy as np


def report(calibration):
    """The table that ``print(calibration)`` shows."""
    names = [f"hidden {k}" for k in range(1, len(calibration.nominal))] + ["output"]
    fields = "effective_threshold", "threshold", "tau_mem", "tau_syn"
    titles = ["neurons", "dead", "few", "spikes", "jitter", *fields]
    widths = [max(len(title), 13) for title in titles]
    widths[:5] = 8, 6, 6, 8, 8
    lines = [_row("layer", titles, widths)]
    for k, name in enumerate(names):
        is_fitted = np.isfinite(calibration.threshold_error[k])
        cells = [
            len(is_fitted),
            calibration.is_dead[k].sum(),
            (~is_fitted & ~calibration.is_dead[k]).sum(),
            f"{calibration.n_spikes[k].mean():.0f}",
        ]
        if is_fitted.any():
            cells.append(f"{np.median(calibration.jitter[k][is_fitted]):.4f}")
            factors = [getattr(calibration, field)[k][is_fitted] for field in fields]
            cells += [f"{f.mean():.3f} ± {f.std():.3f}" for f in factors]
        lines.append(_row(name, cells, widths))
        if is_fitted.any():
            errors = [getattr(calibration, f"{f}_error")[k][is_fitted] for f in fields]
            cells = [""] * 5 + [f"({np.median(e):.4f})" for e in errors]
            lines.append(_row("", cells, widths))
    lines.append("mean ± spread of the neurons' factors (median standard error)")
    worst = sorted(
        (-abs(np.log(factor)), k, j)
        for k, layer in enumerate(calibration.effective_threshold)
        for j, factor in enumerate(layer)
    )[:3]
    described = [
        f"{names[k]} neuron {j}: {calibration.effective_threshold[k][j]:.3f}"
        for _, k, j in worst
    ]
    return "\n".join([*lines, f"farthest effective thresholds: {', '.join(described)}"])


def _row(name, cells, widths):
    """A line of the table: the name of a layer, and cells of these widths."""
    cells = zip(cells, widths, strict=False)
    return (name.ljust(9) + "".join(f"{cell:>{w + 2}}" for cell, w in cells)).rstrip()
