"""Can the mismatch of a chip be of use, rather than only be made up for?

    python benchmarks/mismatch.py [--quick] [--seeds N] [--plot FILE] [--results FILE]

The same network (a) is trained on the ideal substrate and runs there, (b) is trained
there and runs on a chip whose neurons differ, and (c) is trained on the chip and runs
on it. Each seed is another chip, other data and other initial weights, the same ones in
(a) to (c): differences are taken in pairs. Chips have no noise and real weights:
nothing but the spread of thresholds, or of time constants. docs/guide/mismatch.md has
the results.
"""

from functools import cache, partial

import numpy as np
from _common import seeds
from _studies import (
    COLORS,
    Results,
    Task,
    curve,
    difference,
    fit,
    interval,
    log_axis,
    parse,
    save,
)

from ttfs.datasets import make_yin_yang
from ttfs.encoders import SpikeTimesEncoder
from ttfs.substrates import AnalogChip, Ideal

# Half of the channels tell by times within 0.5, half by times within 4.
SCALES = Task(window=0.0, lead=0.0, width=(0.5,) * 5 + (4.0,) * 5, jitter=0.15)
TASKS = "Yin-Yang", "two time scales"
# The features of Yin-Yang are spike times as they are.
ENCODERS = {
    "Yin-Yang": SpikeTimesEncoder(begin=0.0, duration=1.0),
    "two time scales": SCALES.encoder(),
}
N_EPOCHS = 100
# Hidden neurons and nominal time constants, tau_mem = tau_syn, of most rows; the time
# constants are the best ones without a chip on seeds of validation (--tune).
SIZE = 20
TAU = {"Yin-Yang": 1.0, "two time scales": 8.0}
SPREAD = 0.2

# Parameters of the chip that have a spread, by the name of a kind.
KINDS = {
    "time constants": ("tau_mem_spread", "tau_syn_spread"),
    "thresholds": ("threshold_spread",),
}
SPREADS = 0.1, 0.2, 0.4
SIZES = 5, 10, 20, 40
TAUS = {"Yin-Yang": (0.5, 1.0, 2.0, 4.0), "two time scales": (2.0, 4.0, 8.0, 16.0)}
LABELS = {
    "time constants": "spread of time constants",
    "thresholds": "spread of thresholds",
    "size": f"hidden neurons (spread of time constants {SPREAD:g})",
    "tau": f"nominal time constants (spread {SPREAD:g})",
}
LINES = "(a) ideal", "(b) ideal, run on the chip", "(c) trained on the chip"
CALIBRATION = 300  # samples of the training data that a chip is calibrated with


# -- Measurements ------------------------------------------------------------------


@cache
def load(task, seed):
    """(X, y, X_test, y_test)."""
    if task == "two time scales":
        return SCALES.load(seed)
    X, y = make_yin_yang(4000, random_state=seed)
    return X[:2000], y[:2000], X[2000:], y[2000:]


@cache
def trained(task, size, tau, seed, substrate):
    X, y, _, _ = load(task, seed)
    return fit(
        X,
        y,
        hidden_layer_sizes=(size,),
        tau_mem=tau,
        tau_syn=tau,
        encoder=ENCODERS[task],
        max_iter=N_EPOCHS,
        substrate=substrate,
        random_state=seed,
    )


def chip_of(kind, spread, seed):
    return AnalogChip(**dict.fromkeys(KINDS[kind], spread), random_state=seed)


def score(model, task, seed):
    return 100 * model.first_spike_score(*load(task, seed)[2:])


IDEAL = Ideal()


def ideal(seed, task, size, tau):
    """(a): trained without a chip, with all else as on a chip."""
    model = trained(task, size, tau, seed, IDEAL)
    X, y, _, _ = load(task, seed)
    return {
        "accuracy": score(model, task, seed),
        "training": 100 * model.first_spike_score(X, y),
    }


def naive(seed, task, size, tau, kind, spread, is_calibrated=False):
    """(b): the same network on the chip; on the chip that is calibrated, if asked."""
    model = trained(task, size, tau, seed, IDEAL)
    chip = chip_of(kind, spread, seed)
    model.set_params(substrate=chip)
    if is_calibrated:
        calibration = model.calibrate(load(task, seed)[0][:CALIBRATION])
        model.set_params(substrate=calibration.compensate(chip))
    accuracy = score(model, task, seed)
    model.set_params(substrate=IDEAL)
    return {"accuracy": accuracy}


def in_loop(seed, task, size, tau, kind, spread):
    """(c): trained on the chip."""
    model = trained(task, size, tau, seed, chip_of(kind, spread, seed))
    X, y, _, _ = load(task, seed)
    return {
        "accuracy": score(model, task, seed),
        "training": 100 * model.first_spike_score(X, y),
    }


# -- Reports -----------------------------------------------------------------------


def tune(results):
    """Print the accuracy of the ideal network by its time constants."""
    for task in TASKS:
        print(f"\n{task}, {SIZE} hidden neurons, ideal, by tau_mem = tau_syn")
        for tau in TAUS[task]:
            accuracy = results.all(ideal, seeds(5, True), task, SIZE, tau)["accuracy"]
            print(f"  {tau:4g}  {interval(accuracy)}", flush=True)


def sweeps(task, is_quick):
    """Points of each sweep: their place on the axis, and what (a) to (c) are told."""
    step, tau = 2 if is_quick else 1, TAU[task]
    own = "time constants"
    return {
        **{k: {s: (SIZE, tau, k, s) for s in SPREADS[::step]} for k in KINDS},
        "size": {n: (n, tau, own, SPREAD) for n in SIZES[::step]},
        "tau": {t: (SIZE, t, own, SPREAD) for t in TAUS[task][::step]},
    }


def report(results, task, name, points, who):
    """Print a sweep; returns its curves: x, and the values of all seeds at each x."""
    print(f"\n{task}, by {LABELS[name]}")
    curves = {label: ([], []) for label in LINES}
    for x, (size, tau, kind, spread) in points.items():
        place = task, size, tau
        runs = [
            results.all(ideal, who, *place),
            results.all(naive, who, *place, kind, spread),
            results.all(in_loop, who, *place, kind, spread),
        ]
        a, b, c = (run["accuracy"] for run in runs)
        for (xs, values), accuracies in zip(curves.values(), (a, b, c), strict=True):
            xs.append(x)
            values.append(accuracies)
        training = np.mean(np.subtract(runs[2]["training"], runs[0]["training"]))
        cells = [*map(interval, (a, b, c)), difference(c, a), f"{training:+.1f}"]
        print(f"{x:6g} | {' | '.join(cells)}", flush=True)
    return curves


def report_calibrated(results, task, who):
    """Print what calibration makes of the network that has not seen the chip."""
    print(f"\n{task}, spread {SPREAD:g}: (b), (b) on the calibrated chip, (c)")
    place = task, SIZE, TAU[task]
    for kind in KINDS:
        runs = [
            results.all(naive, who, *place, kind, SPREAD),
            results.all(naive, who, *place, kind, SPREAD, True),
            results.all(in_loop, who, *place, kind, SPREAD),
        ]
        cells = [interval(run["accuracy"]) for run in runs]
        print(f"{kind:>16s} | {' | '.join(cells)}", flush=True)


def draw(curves, axes):
    """Draw a row for each sweep, a column for each task."""
    for column, task in zip(axes.T, TASKS, strict=True):
        for ax, (name, label) in zip(column, LABELS.items(), strict=True):
            lines = zip(curves[task, name].items(), COLORS, strict=False)
            for (line, (x, values)), color in lines:
                curve(ax, x, values, line, color=color)
            log_axis(ax, x)
            ax.set_xlabel(label)
        column[0].set_title(task)
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy [%]")


def main():
    options = parse(__doc__)
    results = Results(options.results)
    if options.tune:
        tune(results)
        return
    who = seeds(options.seeds, options.validation)
    print("columns: (a) ideal, (b) ideal on the chip, (c) in the loop; (c) less (a) in")
    print("pairs, and the same on training data")
    curves = {}
    for task in TASKS:
        for name, points in sweeps(task, options.quick).items():
            curves[task, name] = report(results, task, name, points, who)
        report_calibrated(results, task, who)
    if options.plot:
        save(partial(draw, curves), options.plot, len(LABELS), len(TASKS), height=2.0)


if __name__ == "__main__":
    main()
