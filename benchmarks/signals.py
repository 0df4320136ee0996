"""Several spikes per neuron on signals that unfold in time, beside one, and others.

    python benchmarks/signals.py [--only SET ...] [--rows ROW ...] [--seeds N]
        [--validation] [--quick] [--jobs N] [--out FILE]

The seven sets were chosen before anything was tuned: speech, motion, outlines and
electricity that ship with the package aeon, in their official splits into training and
test data. All parameters were chosen on training data, by `--validation`: three folds
of the training set of each set take the place of the test set.

Networks of one and of several spikes per neuron have the same encoder, sizes and recipe
of training, and one setting for all sets, `OURS`; the membrane time constant of either
is the better one of two in validation. "first" is a network whose first output spike
decides, as for features that are no signals. MLPClassifier and the nearest neighbour
see signals that are resampled to the length of the longest one in training, or
`MAX_POINTS` values, flattened and scaled; MiniRocket, made of 10,000 random
convolutions, the resampled ones.

Spikes are those of hidden and output neurons for a test sample; synaptic events those
until the decision, of inputs and biases too, over weights that are not 0. The decision
time is that of the first output spike, or the end of the experiment where membranes
decide, in tau_syn; signals take `ENCODER["duration"]` of it. Times are of one thread,
and mean little with --jobs above 1. "sparse" is trained with `sparsity`, "narrow" has
fewer hidden neurons instead.

Needs the extra `bench`.
"""

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from _common import machine, mean_and_deviation, seeds, verdict
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from ttfs import TTFSClassifier
from ttfs.encoders import LevelCrossingEncoder

SETS = (
    "JapaneseVowels",
    "BasicMotions",
    "GunPoint",
    "ItalyPowerDemand",
    "ArrowHead",
    "OSULeaf",
    "PickupGestureWiimoteZ",
)
TARGETS = {"JapaneseVowels": 95.0, "BasicMotions": 95.0, "GunPoint": 93.0}
QUICK = "GunPoint", "ItalyPowerDemand"

MAX_POINTS = 100  # values of a channel that models of flattened features see, at most
N_FOLDS = 3

# -- Data --------------------------------------------------------------------------


def signals(name, split):
    """(X, y): a list of arrays (n_channels, n_timepoints), and labels."""
    try:
        import aeon
        from aeon.datasets import load_from_ts_file
    except ImportError:
        raise SystemExit(
            "the data sets and MiniRocket come from the package aeon: install it, or "
            "the extra `bench`"
        ) from None
    folder = Path(aeon.__file__).parent / "datasets" / "data" / name
    X, y = load_from_ts_file(folder / f"{name}_{split.upper()}.ts")
    return [np.asarray(x) for x in X], np.asarray(y)


def splits(name, seed, is_validation):
    """Yields (X, y, X_test, y_test)."""
    X, y = signals(name, "train")
    if not is_validation:
        yield X, y, *signals(name, "test")
        return
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(X, y):
        yield [X[i] for i in train], y[train], [X[i] for i in test], y[test]


class Resampled:
    """Signals at n_points values each, on straight lines between the given ones."""

    def __init__(self, X):
        self.n_points = min(max(x.shape[1] for x in X), MAX_POINTS)

    def __call__(self, X):
        return np.array([[self._channel(channel) for channel in x] for x in X])

    def _channel(self, values):
        at = np.linspace(0, len(values) - 1, self.n_points)
        return np.interp(at, np.arange(len(values)), values)


def flat(X):
    return X.reshape(len(X), -1)


# -- Models ------------------------------------------------------------------------

ENCODER = {"n_steps": 32, "duration": 10.0, "n_windows": 20}
HIDDEN = (100,)
NON_LEAKY = float("inf")
LEAKY = [2.0, NON_LEAKY]  # the outputs, which decide by their peak, never forget
COMMON = {"read_out": "peak", "input_dropout": 0.05}
AXONAL = {"delays": "axonal"}
# Of the two time constants the better one in validation, for either number of spikes.
SEVERAL = COMMON | {"max_spikes": 20, "tau_mem": LEAKY}
ONE = COMMON | {"max_spikes": 1, "tau_mem": NON_LEAKY}
OURS = {
    "several": SEVERAL,
    "one": ONE,
    "several, delays": SEVERAL | AXONAL,
    "one, delays": ONE | AXONAL,
    "several, non-leaky": SEVERAL | {"tau_mem": NON_LEAKY},
    "one, leaky": ONE | {"tau_mem": LEAKY},
    "first": ONE | {"read_out": "auto"},
}
WITHOUT_WINDOWS = {"several, no windows": SEVERAL, "one, no windows": ONE}
OURS |= WITHOUT_WINDOWS
# Sparse training, and what it has to beat.
OURS["several, sparse"] = SEVERAL | {"sparsity": 0.7}
OURS["several, narrow"] = SEVERAL | {"hidden_layer_sizes": (40,)}
OTHERS = "MLP", "1-NN", "MiniRocket"
ROWS = *OURS, *OTHERS


def our_model(row, seed):
    encoder = LevelCrossingEncoder(**ENCODER)
    if row in WITHOUT_WINDOWS:
        encoder.set_params(n_windows=1)
    parameters = {"hidden_layer_sizes": HIDDEN, "random_state": seed} | OURS[row]
    return make_pipeline(encoder, TTFSClassifier(**parameters))


def other_model(row, X, seed):
    """A model of signals that are resampled to one length."""
    steps = [FunctionTransformer(Resampled(X))]
    if row == "MiniRocket":
        from aeon.classification.convolution_based import MiniRocketClassifier

        return make_pipeline(*steps, MiniRocketClassifier(random_state=seed))
    steps += [FunctionTransformer(flat), StandardScaler()]
    if row == "MLP":
        model = MLPClassifier(HIDDEN, max_iter=1000, random_state=seed)
    else:
        model = KNeighborsClassifier(1)
    return make_pipeline(*steps, model)


# -- Measurement -------------------------------------------------------------------


@dataclass
class Result:
    """The means of one seed over its splits.

    Accuracy in percent; spikes and synaptic events of a sample; the decision time in
    tau_syn, and the time of a fit in seconds. Models without spikes have None.
    """

    accuracy: float
    fit: float
    spikes: float | None = None
    events: float | None = None
    decision: float | None = None


def activity(pipeline, X):
    """(spikes, synaptic events, decision time) of a sample, means over samples."""
    encoder, clf = pipeline[0], pipeline[-1]
    counts = clf.activity(encoder.transform(X))
    n_fired = counts.n_spikes[:, 1:].sum(axis=1).mean()
    n_events = counts.n_events_to_decision.sum(axis=1).mean()
    return float(n_fired), float(n_events), float(counts.decision_times.mean())


def measure(name, row, seed, is_validation):
    """The `Result` of a row on a set."""
    results, is_ours = [], row in OURS
    for X, y, X_test, y_test in splits(name, seed, is_validation):
        model = our_model(row, seed) if is_ours else other_model(row, X, seed)
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            begin = time.perf_counter()
            model.fit(X, y)
            fit = time.perf_counter() - begin
            accuracy = 100 * float(np.mean(model.predict(X_test) == y_test))
            rest = activity(model, X_test) if is_ours else ()
        results.append(Result(accuracy, fit, *rest))
    accuracy = np.mean([result.accuracy for result in results])
    text = f"{name}, {row}, seed {seed}: {accuracy:.1f}"
    print(text, file=sys.stderr, flush=True)
    columns = zip(*(asdict(result).values() for result in results), strict=True)
    return Result(*(None if None in c else float(np.mean(c)) for c in columns))


def measure_seeds(name, row, n_seeds, is_validation):
    """The `Result` of each seed."""
    return [
        measure(name, row, seed, is_validation)
        for seed in seeds(n_seeds, is_validation)
    ]


# -- Tables ------------------------------------------------------------------------


def number(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"


def print_set(name, rows):
    """The table of a set; `rows` has the results of each seed by row."""
    print(f"\n{name}\n")
    print("| | accuracy | spikes | synaptic events | decision | fit [s] |")
    print("|---|---|---|---|---|---|")
    for row, results in rows.items():
        mean, deviation = mean_and_deviation([result.accuracy for result in results])
        cells = [row, f"{mean:.1f} ± {deviation:.1f}"]
        for key, digits in ("spikes", 0), ("events", 0), ("decision", 2), ("fit", 2):
            values = [getattr(result, key) for result in results]
            cells.append("" if None in values else number(np.mean(values), digits))
        print("| " + " | ".join(cells) + " |")


def means_by_set(table):
    """Mean accuracies (n_sets,) by row."""
    rows = next(iter(table.values()))
    return {
        row: np.array(
            [np.mean([r.accuracy for r in of_set[row]]) for of_set in table.values()]
        )
        for row in rows
    }


def print_means(table):
    """Mean accuracies over the sets, and the differences of pairs of rows."""
    means = means_by_set(table)
    print(f"\nmeans over {len(table)} sets")
    for row, values in means.items():
        print(f"  {row:20s} {values.mean():.2f}")
    others = "one", "first", *OTHERS
    pairs = [("several", other) for other in others]
    pairs += [(f"several, {kind}", f"one, {kind}") for kind in ("delays", "no windows")]
    pairs += [("several, non-leaky", "one"), ("several", "one, leaky")]
    for row in "several", "one":
        kinds = "delays", "non-leaky", "leaky", "no windows"
        pairs += [(f"{row}, {kind}", row) for kind in kinds]
    for a, b in pairs:
        if a in means and b in means and a != b:
            gains = means[a] - means[b]
            error = gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) > 1 else 0
            each = ", ".join(f"{gain:+.1f}" for gain in gains)
            print(f"  ({a}) - ({b}): {gains.mean():+.2f} ± {error:.2f} ({each})")


def verdicts(table):
    """Print which targets are reached, of those whose sets and rows were run."""
    means = means_by_set(table)
    if "several" not in means:
        return
    for name, accuracy in zip(table, means["several"], strict=True):
        if name in TARGETS:
            target = f"{TARGETS[name]:.0f} %: {accuracy:.1f}"
            verdict(name, accuracy >= TARGETS[name], target)
    for other, least in ("one", 2.0), ("MLP", -1.0):
        if other in means:
            gain = np.mean(means["several"] - means[other])
            target = f"{least:+.0f} points: {gain:+.2f}"
            verdict(f"against {other}", gain >= least, target)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SETS, metavar="SET")
    parser.add_argument("--rows", nargs="+", choices=ROWS, metavar="ROW")
    parser.add_argument("--seeds", type=int, help="number of seeds, 5 by default")
    parser.add_argument(
        "--validation", action="store_true", help="score on folds of training data"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one seed of two sets, a minute"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, help="file of all results, in JSON")
    options = parser.parse_args(arguments)
    names = options.only or (QUICK if options.quick else SETS)
    rows = options.rows or ROWS
    n_seeds = options.seeds or (1 if options.quick else 5)
    print(machine())
    scored = "folds of training data" if options.validation else "test data"
    print(f"{scored}, {n_seeds} seeds")
    signals(names[0], "train")  # where aeon is missing, says so
    tasks = [(name, row) for name in names for row in rows]
    done = Parallel(options.jobs)(
        delayed(measure_seeds)(name, row, n_seeds, options.validation)
        for name, row in tasks
    )
    table = {name: {} for name in names}
    for (name, row), results in zip(tasks, done, strict=True):
        table[name][row] = results
    for name, of_set in table.items():
        print_set(name, of_set)
    print_means(table)
    verdicts(table)
    if options.out:
        entries = [
            {"set": name, "row": row, "seed": seed, **asdict(result)}
            for (name, row), results in zip(tasks, done, strict=True)
            for seed, result in enumerate(results)
        ]
        options.out.write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
