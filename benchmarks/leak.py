"""What leakage is good for: temporal patterns among spikes that say nothing.

    python benchmarks/leak.py [--quick] [--seeds N] [--plot FILE] [--results FILE]

Networks of the same size whose neurons leak (tau_mem = tau_syn, tau_mem = 3 tau_syn) or
do not (tau_mem = inf) learn patterns of `ttfs.datasets.make_temporal_patterns`. All see
the same spikes in the same experiment, which ends as long after the pattern, and were
tuned on the same grid (--tune, on seeds of validation). "dense" is an MLPClassifier
that sees the patterns without distractors: what the data allow. docs/guide/leak.md has
the results.
"""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
from _common import changes, seeds
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
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from ttfs.datasets import make_yin_yang

HIDDEN = (60,)
N_EPOCHS = 60
# The default decays to weights with which neurons just fire: at distractors, too.
WEIGHT_DECAY = 0.1

# tau_mem / tau_syn by the name of a kind of neurons.
RATIOS = {
    "tau_mem = tau_syn": 1.0,
    "tau_mem = 3 tau_syn": 3.0,
    "no leak": np.inf,
}
LEAKY, LESS_LEAKY, NO_LEAK = RATIOS
TUNING = Task(n_distractors=8)
GRID = {
    "tau_syn": (0.25, 0.5, 1.0),
    "gain": (1.0, 0.5, 0.25, 0.1),
    "learning_rate_init": (0.002, 0.005, 0.01, 0.03),
}
# The best of the grid.
CHOSEN = {
    LEAKY: {"tau_syn": 0.5, "gain": 0.1, "learning_rate_init": 0.005},
    LESS_LEAKY: {"tau_syn": 0.25, "gain": 0.1, "learning_rate_init": 0.002},
    NO_LEAK: {"tau_syn": 0.25, "gain": 0.1, "learning_rate_init": 0.002},
}
# What else neurons might lack: neurons, or more and smaller steps.
MORE = {
    "4 x neurons": {"hidden_layer_sizes": (240,)},
    "4 x epochs": {"max_iter": 4 * N_EPOCHS},
    "4 x, steps / 4": {"max_iter": 4 * N_EPOCHS, "learning_rate_init": 0.0005},
}

# Without leak the membranes of some outputs are so low that the default, half a tau_syn
# after the read-out, is too short for them to fire.
STATIC_END = 4.0

BASE = Task(n_distractors=8)
# Points of each sweep: the label of the axis, and tasks by their place on it.
SWEEPS = {
    "number": (
        "distractors within a time of 4",
        {n: replace(BASE, n_distractors=n) for n in (0, 2, 4, 8, 16)},
    ),
    "duration": (
        "time with two distractors per unit",
        {t: replace(BASE, n_distractors=2 * t, window=float(t)) for t in (2, 4, 8)},
    ),
    "lead": (
        "time from the last distractor to the pattern",
        {lead: replace(BASE, lead=lead) for lead in (-2.0, 0.0, 1.0, 3.0)},
    ),
    "width": (
        "width of the pattern, without distractors",
        {width: Task(width=width) for width in (1.0, 2.0, 4.0)},
    ),
}
TITLES = {
    "number": "a  more distractors",
    "duration": "b  distractors for a longer time",
    "lead": "c  distractors earlier",
    "width": "d  control: wider patterns",
}
BALANCED = 10, 20  # distractors, as many in each channel
BALANCED_LABEL = "no leak, each channel has as many"
DENSE = "dense network, without distractors"
LINES = (*COLORS[:3], "0.4")


# -- Measurements ------------------------------------------------------------------


def patterns(seed, kind, task, parameters):
    """Accuracy of a kind of neurons, and how many hidden ones fire too early."""
    X, y, X_test, y_test = task.load(seed)
    parameters = {"hidden_layer_sizes": HIDDEN, "max_iter": N_EPOCHS, **parameters}
    clf = fit(
        X,
        y,
        tau_mem=RATIOS[kind] * parameters["tau_syn"],
        encoder=task.encoder(),
        weight_decay=WEIGHT_DECAY,
        random_state=seed,
        **parameters,
    )
    hidden = clf.spike_times(X_test)[1]
    return {
        "accuracy": 100 * clf.first_spike_score(X_test, y_test),
        "training": 100 * clf.first_spike_score(X, y),
        "early": 100 * float(np.mean(hidden < task.start)),
    }


def dense(seed, task):
    """Accuracy of a dense network that sees the patterns of a task without distractors.

    Its features are relative times, which carry the class.
    """
    X, y, X_test, y_test = task.load(seed)
    times = [trains.events()[2].reshape(trains.shape) for trains in (X, X_test)]
    train, test = (own - own.mean(axis=1, keepdims=True) for own in times)
    model = MLPClassifier(HIDDEN, max_iter=500, random_state=seed)
    model.fit(train / train.std(), y)
    return {"accuracy": 100 * model.score(test / train.std(), y_test)}


def static(seed, kind, data, t_max):
    """Accuracy with defaults where features do not come one after the other."""
    if data == "Yin-Yang":
        X, y = make_yin_yang(3000, random_state=seed)
        encoder = "latency"
    else:
        X, y = load_digits(return_X_y=True)
        encoder = "auto"
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=1 / 3, stratify=y, random_state=seed
    )
    clf = fit(
        X,
        y,
        hidden_layer_sizes=HIDDEN,
        tau_mem=RATIOS[kind],
        encoder=encoder,
        t_max=t_max,
        random_state=seed,
    )
    return {"accuracy": 100 * clf.first_spike_score(X_test, y_test)}


# -- Reports -----------------------------------------------------------------------


def tune(results):
    """Print the best points of the grid, on two seeds of validation."""
    grid = [
        dict(zip(GRID, values, strict=True))
        for values in itertools.product(*GRID.values())
    ]
    for kind in RATIOS:
        scores = [
            np.mean(results.all(patterns, seeds(2, True), kind, TUNING, p)["accuracy"])
            for p in grid
        ]
        print(f"\n{kind}: the best of {len(grid)} points")
        for k in np.argsort(scores)[:-5:-1]:
            print(f"  {scores[k]:5.1f}  {changes(grid[k])}", flush=True)


def print_row(name, runs, reference=None):
    """One line: accuracies of all kinds, how many neurons are early, the gain."""
    cells = [interval(run["accuracy"]) for run in runs]
    early = [f"{np.mean(run['early']):3.0f}" for run in runs if "early" in run]
    last = "" if reference is None else f"{np.mean(reference):7.1f}"
    gain = difference(runs[0]["accuracy"], runs[-1]["accuracy"])
    cells = [*cells, f"{'/'.join(early):11s}", f"{last:7s}", gain]
    print(f"{name:>16} | {' | '.join(cells)}", flush=True)


def report_sweep(results, name, options):
    """Print a sweep; returns its curves: x, and the values of all seeds at each x."""
    label, tasks = SWEEPS[name]
    who = seeds(options.seeds, options.validation)
    print(f"\n{TITLES[name]}: {label}")
    curves = {kind: ([], []) for kind in (*RATIOS, DENSE)}
    for x, task in list(tasks.items())[:: 2 if options.quick else 1]:
        runs = {k: results.all(patterns, who, k, task, CHOSEN[k]) for k in RATIOS}
        values = {kind: run["accuracy"] for kind, run in runs.items()}
        if task.lead >= 0:
            told = Task(width=task.width)
            values[DENSE] = results.all(dense, who, told)["accuracy"]
        for kind, accuracies in values.items():
            curves[kind][0].append(x)
            curves[kind][1].append(accuracies)
        print_row(x, list(runs.values()), values.get(DENSE))
    return curves


def report_controls(results, options):
    """Print the controls; returns the curve without leak of balanced distractors."""
    who = seeds(options.seeds, options.validation)
    print("\nas many distractors in each channel (no leak: their sum is a constant)")
    balanced = []
    for n in BALANCED:
        for is_balanced in (False, True):
            task = replace(BASE, n_distractors=n, balanced=is_balanced)
            runs = [results.all(patterns, who, k, task, CHOSEN[k]) for k in RATIOS]
            print_row(f"{n} {'balanced' if is_balanced else 'at random'}", runs)
        balanced.append(runs[-1]["accuracy"])
    print(f"\nmore of everything, on {BASE.n_distractors} distractors")
    for name, more in MORE.items():
        runs = [
            results.all(patterns, who, kind, BASE, {**CHOSEN[kind], **more})
            for kind in (LEAKY, NO_LEAK)
        ]
        print_row(name, runs)
    print("\nstatic features, default parameters")
    for data in ("Yin-Yang", "digits"):
        print_row(
            data, [results.all(static, who, kind, data, STATIC_END) for kind in RATIOS]
        )
    return BALANCED, balanced


def draw(sweeps, balanced, axes):
    """Draw a panel for each sweep."""
    for ax, (name, curves) in zip(axes.ravel(), sweeps.items(), strict=True):
        for (kind, (x, values)), color in zip(curves.items(), LINES, strict=True):
            is_dense = kind == DENSE
            marker, linestyle = ("", ":") if is_dense else ("o", "-")
            curve(ax, x, values, kind, color=color, marker=marker, linestyle=linestyle)
        if name == "number":
            look = {"color": LINES[2], "marker": "s", "linestyle": "--"}
            curve(ax, *balanced, BALANCED_LABEL, **look)
        if name in ("duration", "width"):
            log_axis(ax, curves[LEAKY][0])
        ax.set_title(TITLES[name])
        ax.set_xlabel(SWEEPS[name][0])
        ax.set_ylim(20, 102)
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy by first spikes [%]")


def main():
    options = parse(__doc__)
    results = Results(options.results)
    if options.tune:
        tune(results)
        return
    print(
        f"columns: {', '.join(RATIOS)}; hidden neurons that fire before the pattern "
        f"[%]; dense; {LEAKY} less {NO_LEAK}"
    )
    sweeps = {name: report_sweep(results, name, options) for name in SWEEPS}
    balanced = report_controls(results, options)
    if options.plot:
        save(partial(draw, sweeps, balanced), options.plot, 2, 2)


if __name__ == "__main__":
    main()
