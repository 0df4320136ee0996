"""MNIST and Yin-Yang in several codes and by several rules, beside a dense network.

    python benchmarks/codes.py [--only ROW ...] [--seeds N] [--jobs N] [--validation]
                               [--results FILE] [--markdown]
    python benchmarks/codes.py --show FILE [--markdown]

Each network and seed is a line of the file of results, which is added to: rows can be
measured one by one, and --show prints the table of what is there. What was measured
already is not measured again. Parameters were chosen on validation data: --validation
scores on such data, as in accuracy.py. MNIST as there.

Spikes and synaptic events are those until the decision, as docs/guide/codes.md says.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _common import YIN_YANG, mean_and_deviation, mnist, seeds, verdict, yin_yang
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import ttfs
from ttfs import TTFSClassifier
from ttfs.baselines import RateClassifier, S4NNClassifier
from ttfs.energy import COST_MODELS
from ttfs.parameters import FixedPoint, LocalRule

COST_MODEL = COST_MODELS["cmos45-int8"]
STEPS = 4, 10, 20, 50, 100, 200  # at which the rate code is stopped


# -- Rows --------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One line of the table, or several: networks on one data set.

    Attributes
    ----------
    title : str
    load : callable
        Training and test data, ``load(is_validation)``.
    measure : callable
        Fits a network and returns its lines, ``measure(seed, data, row)``: a dict of
        numbers for each title.
    parameters : dict
        What differs from the defaults.
    targets : tuple of (str, str, float, float)
        Title, name of the number, what it must reach, and what would be better; a
        loss of accuracy must not exceed them.
    published : str
    """

    title: str
    load: Callable
    measure: Callable
    parameters: dict = field(default_factory=dict)
    targets: tuple = ()
    published: str = ""


def fitted(model, X, y):
    """The fitted model and the seconds that it took."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    return model, time.perf_counter() - start


def counts(activity):
    """What a spiking network does until the decision, on average."""
    means = activity.summary()
    return {
        "hidden_spikes": means["hidden spikes until the decision"],
        "spikes": float(activity.n_spikes_to_decision.sum(axis=1).mean()),
        "events": means["events until the decision"],
        "macs": means["multiply-accumulates"],
        "decision": means["decision time"],
        "unit": "steps" if activity.step else "tau",
        "energy": means["energy"],
    }


def dense(seed, data, row):
    X, y, X_test, y_test = data
    model, seconds = fitted(MLPClassifier(random_state=seed, **row.parameters), X, y)
    macs = sum(weights.size for weights in model.coefs_)
    return {
        row.title: {
            "accuracy": 100 * model.score(X_test, y_test),
            "macs": macs,
            "dense_macs": macs,
            "energy": COST_MODEL.mac_energy * macs,
            "fit_seconds": seconds,
        }
    }


def rate(seed, data, row):
    """The network of `dense`, converted: a line for each number of steps."""
    X, y, X_test, y_test = data
    mlp, seconds = fitted(MLPClassifier(random_state=seed, **row.parameters), X, y)
    model, converted = fitted(RateClassifier(ann=mlp), X, y)
    by_steps = model.anytime(X_test, y_test, STEPS)
    of_mlp = mlp.score(X_test, y_test)
    lines = {}
    for n_steps, accuracy in zip(STEPS, by_steps.accuracy, strict=True):
        activity = model.set_params(n_steps=n_steps).activity(X_test, COST_MODEL)
        lines[f"{row.title}, T = {n_steps}"] = {
            "accuracy": 100 * float(accuracy),
            "loss": 100 * float(of_mlp - accuracy),
            "dense_macs": sum(weights.size for weights in mlp.coefs_),
            "fit_seconds": seconds + converted,
            **counts(activity),
        }
    return lines


def first_spikes(make):
    """What measures a code of first spikes, one line; `make` is its class."""

    def measure(seed, data, row):
        X, y, X_test, y_test = data
        model, seconds = fitted(make(random_state=seed, **row.parameters), X, y)
        activity = model.activity(X_test, COST_MODEL)
        line = {
            "accuracy": 100 * model.first_spike_score(X_test, y_test),
            "dense_macs": dense_macs(X, activity.sizes),
            "fit_seconds": seconds,
            **counts(activity),
        }
        if make is S4NNClassifier:
            line["published"] = 100 * model.published_score(X_test, y_test)
            line["strict"] = 100 * model.strict_score(X_test, y_test)
        return {row.title: line}

    return measure


def dense_macs(X, sizes):
    """Multiply-accumulates of a dense network of these layers, of features alone."""
    sizes = (X.shape[1], *sizes[1:])
    return int(np.dot(sizes[:-1], sizes[1:]))


TTFS = first_spikes(TTFSClassifier)
INTEGERS = {"arithmetic": FixedPoint(accumulator_bits=16)}
TARGET = {"gradient": LocalRule(feedback="target")}
FROZEN = {"gradient": LocalRule(feedback="none")}
NETWORK = {"hidden_layer_sizes": (350,)}
MLP = {**NETWORK, "max_iter": 30}

ROWS = {
    "dense": Row("dense network", mnist, dense, MLP),
    "rate": Row(
        "rate code",
        mnist,
        rate,
        MLP,
        targets=(("T = 100", "loss", 0.2, 0.1), ("T = 20", "loss", 1.0, 0.5)),
        published="98.6 with a fully connected network [2]",
    ),
    "exact": Row("TTFS, exact gradient", mnist, TTFS, NETWORK),
    "nonleaky": Row(
        "TTFS without leak, 784-800-10",
        mnist,
        TTFS,
        {"hidden_layer_sizes": (800,), "tau_mem": float("inf"), "max_iter": 30},
        targets=(("", "accuracy", 97.6, 98.3),),
        published="97.55 [3]",
    ),
    "s4nn": Row(
        "S4NN, 784-400-10",
        mnist,
        first_spikes(S4NNClassifier),
        {"hidden_layer_sizes": (400,), "learning_rate_init": 0.6, "max_iter": 30},
        targets=(("", "published", 97.2, 97.4),),
        published="97.4, ties counted as right [1]",
    ),
    "local": Row("local rule", mnist, TTFS, {**NETWORK, "gradient": "local"}),
    "local-integers": Row(
        "local rule, integers",
        mnist,
        TTFS,
        {**NETWORK, **INTEGERS, "gradient": "local"},
    ),
    "target": Row(
        "random target projection",
        mnist,
        TTFS,
        {**NETWORK, **TARGET},
        targets=(("", "accuracy", 95.0, 96.5),),
    ),
    "target-integers": Row(
        "random target projection, integers",
        mnist,
        TTFS,
        {**NETWORK, **TARGET, **INTEGERS},
        targets=(("", "accuracy", 94.0, 95.5),),
        published="95.3 on chip, a small convolutional network [4]",
    ),
    "frozen": Row(
        "hidden layer frozen, local rule", mnist, TTFS, {**NETWORK, **FROZEN}
    ),
    **{
        f"yin-yang-{name}{ending}": Row(
            f"Yin-Yang, {title}{numbers}",
            yin_yang,
            TTFS,
            {**YIN_YANG, **rule, **arithmetic},
        )
        for ending, numbers, arithmetic in (
            ("", "", {}),
            ("-integers", ", integers", INTEGERS),
        )
        for name, title, rule in (
            ("local", "local rule", {"gradient": "local"}),
            ("target", "random target projection", TARGET),
            ("frozen", "hidden layer frozen", FROZEN),
        )
    },
}
SOURCES = """
[1] Kheradpisheh & Masquelier 2020    [2] Rueckauer et al. 2017    [3] Mostafa 2017
[4] Frenkel et al. 2020, SPOON. Figures of [2] and [3] are not checked against
the papers.
"""


# -- Results -----------------------------------------------------------------------


def measured(name, seed, is_validation):
    """The records of a row and a seed: one for each line."""
    row = ROWS[name]
    with threadpool_limits(1):
        lines = row.measure(seed, row.load(is_validation), row)
    about = {"row": name, "seed": seed, "is_validation": is_validation}
    return [{**about, "title": title, **line} for title, line in lines.items()]


def read(path):
    """The records of a file of results; none if there is no file."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def measure_all(names, n_seeds, is_validation, path, n_jobs):
    """Measure what is missing, add it to the file, and return all records."""
    records = read(path)
    held = {(r["row"], r["seed"], r["is_validation"]) for r in records}
    wanted = [
        (name, seed, is_validation)
        for name in names
        for seed in seeds(n_seeds, is_validation)
    ]
    missing = [key for key in wanted if key not in held]
    outcomes = Parallel(n_jobs, return_as="generator", batch_size=1)(
        delayed(measured)(*key) for key in missing
    )
    for found in outcomes:
        records += found
        if path is not None:
            with path.open("a") as file:
                file.writelines(json.dumps(record) + "\n" for record in found)
        for record in found:
            print(
                f"{record['title']}, seed {record['seed']}: "
                f"{record['accuracy']:.2f} %, "
                f"{record['fit_seconds']:.0f} s",
                flush=True,
            )
    return [r for r in records if (r["row"], r["seed"], r["is_validation"]) in wanted]


COLUMNS = (
    "network",
    "accuracy %",
    "hidden spikes",
    "spikes",
    "events",
    "of dense MACs",
    "MACs",
    "decision",
    "energy nJ",
    "fit s",
)


def lines_of(records):
    """The rows of the table as texts, in the order of `ROWS`."""
    lines = []
    for name in ROWS:
        mine = [record for record in records if record["row"] == name]
        for title in dict.fromkeys(record["title"] for record in mine):
            lines.append(cells([r for r in mine if r["title"] == title]))
    return lines


def cells(records):
    """The columns of one line; "-" for what the network does not have."""

    def mean(name, text, factor=1.0):
        values = [record.get(name) for record in records]
        return "-" if None in values else text.format(factor * np.mean(values))

    accuracy, deviation = mean_and_deviation([r["accuracy"] for r in records])
    share = "-"
    if "events" in records[0]:
        share = f"{np.mean([r['events'] / r['dense_macs'] for r in records]):.3f}"
    unit = records[0].get("unit", "")
    return [
        records[0]["title"],
        f"{accuracy:.2f} ± {deviation:.2f}",
        mean("hidden_spikes", "{:,.0f}"),
        mean("spikes", "{:,.0f}"),
        mean("events", "{:,.0f}"),
        share,
        mean("macs", "{:,.0f}"),
        mean("decision", "{:.3g} " + unit),
        mean("energy", "{:.3g}", 1e9),
        mean("fit_seconds", "{:.0f}"),
    ]


def show(records, is_markdown):
    """Print the table, and whether targets are reached."""
    lines = lines_of(records)
    if is_markdown:
        rule = ["---"] + ["---:"] * (len(COLUMNS) - 1)
        for line in (COLUMNS, rule, *lines):
            print("| " + " | ".join(line) + " |")
        return
    table = [COLUMNS, *lines]
    widths = [max(len(line[k]) for line in table) for k in range(len(COLUMNS))]
    print()
    for first, *others in table:
        numbers = zip(others, widths[1:], strict=True)
        texts = [first.ljust(widths[0]), *(text.rjust(n) for text, n in numbers)]
        print("  ".join(texts))
    print()
    for name, row in ROWS.items():
        mine = [record for record in records if record["row"] == name]
        if mine:
            judge(row, mine)
    print(SOURCES)


def judge(row, records):
    """Print how ties are counted, what was published, and which targets are reached."""
    print(row.title)
    for number, meaning in (
        ("published", "ties counted as right"),
        ("strict", "ties counted as wrong"),
    ):
        if number in records[0]:
            print(f"  {meaning:14s} {np.mean([r[number] for r in records]):.2f} %")
    if row.published:
        print(f"  published      {row.published}")
    for label, number, must, stretch in row.targets:
        mean = np.mean([r[number] for r in records if r["title"].endswith(label)])
        for name, target in (("must", must), ("stretch", stretch)):
            is_reached = mean <= target if number == "loss" else mean >= target
            about = f"{number} {mean:.2f}, target {target:.2f}"
            verdict(" ".join(filter(None, [label, name])), is_reached, about)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--results", type=Path, help="a file that is added to")
    parser.add_argument("--show", type=Path, help="the table of a file of results")
    parser.add_argument("--markdown", action="store_true", help="the table to paste")
    options = parser.parse_args()
    if options.show:
        records = [
            record
            for record in read(options.show)
            if record["row"] in options.only
            and record["is_validation"] == options.validation
        ]
    else:
        records = measure_all(
            options.only,
            options.seeds,
            options.validation,
            options.results,
            options.jobs,
        )
    scored = "validation data" if options.validation else "test data"
    n_seeds = len({record["seed"] for record in records})
    print(f"\nttfs {ttfs.__version__}, {scored}, {n_seeds} seeds, {COST_MODEL.name}")
    if records:
        show(records, options.markdown)


if __name__ == "__main__":
    main()
