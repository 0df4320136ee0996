"""TTFSClassifier and TTFSRegressor beside scikit-learn's models on many data sets.

    python benchmarks/suite.py [--half HALF] [--kind KIND ...] [--only SET ...]
        [--models MODEL ...] [--seeds N] [--set NAME=VALUE ...] [--early-stopping]
        [--results FILE]

The sets and their halves are those of suite_data.py: what is tuned is tuned on `--half
choose`, and `--half judge` says whether it was right. `--only large` is a set of
300,000 rows that belongs to no half.

Accuracy of TTFSClassifier is by first spikes alone; that of regressors is R2. TTFS has
its default parameters, apart from those of --set, and sees the raw features, because
its encoder scales them by their ranges: a StandardScaler before it would change nothing
but that a zero may no longer be absent. The other models have a StandardScaler, and a
scaled target in regression; sparse text is scaled for nobody. On text LinearSVC takes
the place of boosting, which has no sparse input and takes minutes on a dense one. SVC
and LinearSVC have no log-loss, since their probabilities are those of another model.

`--results FILE` keeps each result as a line of JSON, and what the file has is not run
again: other models need one run, and a run that was interrupted goes on. Results of
TTFS count for the same parameters and the same --label, by default a hash of the
package. Remove the file after changes of suite_data.py. Times of one file should be
those of one quiet machine; for the targets of time use no file.

One thread. Needs the extra `bench`.
"""

import argparse
import ast
import hashlib
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from _common import changes, machine, verdict
from scipy.sparse import issparse
from scipy.stats import rankdata
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from suite_data import SETS, halves
from threadpoolctl import threadpool_limits

import ttfs
from ttfs import TTFSClassifier, TTFSRegressor

HALVES = halves()
KINDS = sorted({data.kind for data in SETS.values()})

# -- Models ------------------------------------------------------------------------

OURS = "ttfs", "early"  # early: with early_stopping=True
MLP = "mlp"
LINEAR = "linear-svc"  # on text alone, in the place of boosting
TITLES = {
    "ttfs": "TTFS",
    "early": "early stopping",
    MLP: "MLP",
    "svc": "SVC",
    "logistic": "logistic",
    "boosting": "boosting",
    LINEAR: "LinearSVC",
}
CLASSIFIERS = {
    MLP: lambda seed: MLPClassifier((100,), max_iter=1000, random_state=seed),
    "svc": lambda seed: SVC(),
    "logistic": lambda seed: LogisticRegression(max_iter=1000),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    LINEAR: lambda seed: LinearSVC(random_state=seed),
}
REGRESSORS = {
    MLP: lambda seed: MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=1000, random_state=seed
    ),
    "svc": lambda seed: SVR(),
    "logistic": lambda seed: Ridge(),
    "boosting": lambda seed: HistGradientBoostingRegressor(random_state=seed),
}


def our_model(data, name, parameters, seed):
    """A TTFS estimator; a regressor has those of the parameters that it knows."""
    model = (TTFSRegressor if data.is_regression else TTFSClassifier)()
    known = model.get_params(deep=False)
    model.set_params(
        random_state=seed,
        early_stopping=name == "early",
        **{key: v for key, v in parameters.items() if key.split("__")[0] in known},
    )
    return model


def other_model(data, name, seed, is_sparse):
    """A model of scikit-learn behind the scaling that it needs."""
    model = (REGRESSORS if data.is_regression else CLASSIFIERS)[name](seed)
    if data.is_regression:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return model if is_sparse else make_pipeline(StandardScaler(), model)


# -- Measurement -------------------------------------------------------------------


@dataclass
class Result:
    """The means of one seed over its splits.

    The score is accuracy or R2 in percent, the log-loss is in nats, `f1` is that of
    class 1 of a set with a rare class, and `undecided` the percentage of test samples
    without an output spike. Times are in seconds. What a model does not have is None.
    """

    score: float
    loss: float | None
    fit: float
    predict: float
    undecided: float | None
    f1: float | None


def evaluate(data, model, X, y, X_test, y_test):
    """The `Result` of one split."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    fitted = time.perf_counter()
    labels = model.predict(X_test)
    predicted = time.perf_counter()
    loss = undecided = f1 = None
    if hasattr(model, "first_spike_score"):
        score = model.first_spike_score(X_test, y_test)
    else:
        score = model.score(X_test, y_test)
    if hasattr(model, "spike_times"):
        outputs = model.spike_times(X_test)[-1]
        undecided = 100 * np.mean(np.isinf(outputs).all(axis=1))
    if hasattr(model, "predict_proba"):
        loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
    if data.kind == "imbalance":
        f1 = f1_score(y_test, labels, zero_division=0)
    return Result(100 * score, loss, fitted - start, predicted - fitted, undecided, f1)


def mean_result(results):
    """The means of the numbers that the results have."""
    means = {}
    for each in fields(Result):
        values = [getattr(result, each.name) for result in results]
        is_there = all(value is not None for value in values)
        means[each.name] = float(np.mean(values)) if is_there else None
    return Result(**means)


def measure(data, name, seed, parameters):
    results = []
    for X, y, X_test, y_test in data.splits(seed):
        if name in OURS:
            model = our_model(data, name, parameters, seed)
        else:
            model = other_model(data, name, seed, issparse(X))
        results.append(evaluate(data, model, X, y, X_test, y_test))
    return mean_result(results)


def models_of(data, names):
    """The names of the models that are run on a set."""
    left_out = {"boosting"} if data.kind == "text" else {LINEAR}
    if data.kind == "tiny":  # too few rows to hold some of each class out
        left_out.add("early")
    if data.kind == "large":
        left_out |= {"svc", "logistic", "boosting"}
    return [name for name in names if name not in left_out]


class Results:
    """The results by set, seed, model and version, which a file may keep."""

    KEY = "set", "seed", "model", "version"

    def __init__(self, path):
        self.path = path
        self.kept = {}
        if path and path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                key = tuple(entry.pop(name) for name in self.KEY)
                self.kept[key] = Result(**entry)

    def get(self, data, seed, name, version, parameters):
        """A result that is kept, or that is measured now."""
        key = data.name, seed, name, version
        if key not in self.kept:
            result = self.kept[key] = measure(data, name, seed, parameters)
            print(
                f"{data.name}, seed {seed}, {TITLES[name]}: {result.score:.2f}, fit "
                f"{result.fit:.2f} s",
                file=sys.stderr,
                flush=True,
            )
            if self.path:
                entry = dict(zip(self.KEY, key, strict=True), **asdict(result))
                with self.path.open("a") as file:
                    file.write(json.dumps(entry) + "\n")
        return self.kept[key]


def hash_of_package():
    """Eight digits that change with the code of the package."""
    folder = Path(ttfs.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*folder.rglob("*.py"), *folder.glob("*.so")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


# -- The table ---------------------------------------------------------------------


def number(value, digits, suffix=""):
    return "" if value is None else f"{value:.{digits}f}{suffix}"


def ratio(ours, others):
    return None if ours is None or others is None else ours / others


def geometric_mean(values):
    return float(np.exp(np.mean(np.log(values))))


def print_table(table, names):
    """One line for each set; `table` has the mean results by set and model."""
    head = ["set", "kind", "half", *(TITLES[name] for name in names)]
    head += ["TTFS - MLP", "log-loss", "fit time", "undecided", "F1"]
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for set_name, row in table.items():
        cells = [set_name, SETS[set_name].kind, HALVES.get(set_name, "")]
        cells += [number(row[name].score, 2) if name in row else "" for name in names]
        if "ttfs" in row and MLP in row:
            ours, mlp = row["ttfs"], row[MLP]
            cells += [
                f"{ours.score - mlp.score:+.2f}",
                number(ratio(ours.loss, mlp.loss), 2),
                number(ours.fit / mlp.fit, 2),
                number(ours.undecided, 2, " %"),
            ]
        else:
            cells += [""] * 4
        f1 = [f"{TITLES[n]} {r.f1:.2f}" for n, r in row.items() if r.f1 is not None]
        cells.append(", ".join(f1))
        print("| " + " | ".join(cells) + " |")


def mean_ranks(rows, names):
    """Mean rank of each model by accuracy or R2, over those of these rows that it has.

    Early stopping has no rank.
    """
    ranks = {name: [] for name in names if name != "early"}
    for row in rows:
        present = [name for name in ranks if name in row]
        order = rankdata([-row[name].score for name in present])
        for name, rank in zip(present, order, strict=True):
            ranks[name].append(rank)
    return {name: np.mean(of_rows) for name, of_rows in ranks.items() if of_rows}


def print_ranks(table, names):
    """Mean ranks, and sums of times, over the sets of each model."""
    ranks = mean_ranks(table.values(), names)
    print("\nmean ranks, and seconds of one fit of each set")
    for name in sorted(ranks, key=ranks.get):
        seconds = [row[name].fit for row in table.values() if name in row]
        text = f"{sum(seconds):.1f} s, {len(seconds)} sets"
        print(f"  {TITLES[name]:14s} {ranks[name]:.2f}, {text}")


# -- Targets -----------------------------------------------------------------------


def verdicts(table):
    """Print which targets are reached, of those whose sets and models were run."""
    pairs = {
        name: (row["ttfs"], row[MLP])
        for name, row in table.items()
        if "ttfs" in row and MLP in row
    }
    gains = {name: ours.score - mlp.score for name, (ours, mlp) in pairs.items()}
    classified = [name for name in pairs if not SETS[name].is_regression]
    for half in "choose", "judge":
        chosen = [name for name in classified if HALVES.get(name) == half]
        if chosen:
            _half_verdicts(half, chosen, gains, pairs, table)
    _kind_verdicts(gains)
    _text_verdicts(table)
    _bundled_verdicts(pairs)
    _early_verdicts(table)
    if "large" in pairs:
        print("\n300,000 rows")
        ours, mlp = pairs["large"]
        quotient = ours.fit / mlp.fit
        text = f"1.0, stretch 0.5: {quotient:.2f}, {ours.fit:.1f} s"
        verdict("fit time", quotient <= 1, text)
        verdict("accuracy", gains["large"] >= -0.5, f"-0.5: {gains['large']:+.2f}")


def _half_verdicts(half, chosen, gains, pairs, table):
    print(f"\nhalf {half!r}, {len(chosen)} sets of classes, against MLPClassifier")
    mean = np.mean([gains[name] for name in chosen])
    verdict("mean", mean >= 0, f"0.0 points, stretch +0.5: {mean:+.2f}")
    worst = min(chosen, key=gains.get)
    text = f"-1.5 points, stretch -0.5: {gains[worst]:+.2f}, {worst}"
    verdict("worst set", gains[worst] >= -1.5, text)
    losses = [ours.loss / mlp.loss for ours, mlp in (pairs[name] for name in chosen)]
    mean = geometric_mean(losses)
    text = f"1.0, stretch 0.8: geometric mean {mean:.2f}"
    verdict("log-loss", mean <= 1, text)
    ranks = mean_ranks([table[name] for name in chosen], TITLES)
    best = min(ranks, key=ranks.get)
    others = ", ".join(f"{TITLES[name]} {rank:.2f}" for name, rank in ranks.items())
    verdict("mean rank", best == "ttfs", f"the best of these: {others}")


def _kind_verdicts(gains):
    for kind, must in (("wide", -2), ("tiny", -2), ("regression", -2)):
        chosen = [name for name in gains if SETS[name].kind == kind]
        if chosen:
            print(f"\n{kind}, against MLP")
        for name in chosen:
            text = f"{must} points, stretch 0: {gains[name]:+.2f}"
            verdict(name, gains[name] >= must, text)


def _text_verdicts(table):
    rivals = LINEAR, "logistic", MLP
    chosen = {
        name: row
        for name, row in table.items()
        if SETS[name].kind == "text" and all(n in row for n in ("ttfs", *rivals))
    }
    if chosen:
        print("\nsparse text, against the best of LinearSVC, logistic and MLP")
    for name, row in chosen.items():
        best = max(row[rival].score for rival in rivals)
        gain = row["ttfs"].score - best
        verdict(name, gain >= -2, f"-2 points, stretch 0: {gain:+.2f}")


def _bundled_verdicts(pairs):
    quotients = {
        name: ours.fit / mlp.fit
        for name, (ours, mlp) in pairs.items()
        if SETS[name].kind == "bundled"
    }
    if not quotients:
        return
    print("\nfit time of the bundled tables, of MLPClassifier's")
    for name, quotient in quotients.items():
        ours, _ = pairs[name]
        text = f"1.5, stretch 0.8: {quotient:.2f}; accuracy {ours.score:.2f} %"
        verdict(name, quotient <= 1.5, text)
    mean = geometric_mean(list(quotients.values()))
    verdict("all", mean <= 1, f"1.0, stretch 0.5: geometric mean {mean:.2f}")


def _early_verdicts(table):
    pairs = [
        (row["early"], row["ttfs"])
        for name, row in table.items()
        if "early" in row
        and "ttfs" in row
        and HALVES.get(name)
        and not SETS[name].is_regression
    ]
    if not pairs:
        return
    print(f"\nearly_stopping=True, against False, {len(pairs)} sets")
    gain = np.mean([early.score - full.score for early, full in pairs])
    verdict("mean", gain >= -0.3, f"-0.3 points, stretch 0: {gain:+.2f}")
    quotient = geometric_mean([early.fit / full.fit for early, full in pairs])
    verdict("fit time", quotient <= 0.5, f"0.5: geometric mean {quotient:.2f}")


# -- The command -------------------------------------------------------------------


def parameter(text):
    """NAME=VALUE as a pair; what is no Python literal is a string."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def chosen_sets(options):
    """The sets of the command line; large is one of them only if it is named."""
    sets = [data for data in SETS.values() if data.kind != "large"]
    if options.only:
        sets = [SETS[name] for name in options.only]
    return [
        data
        for data in sets
        if (options.half == "all" or HALVES.get(data.name) == options.half)
        and (not options.kind or data.kind in options.kind)
    ]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name in TITLES if name != "early"]
    parser.add_argument("--half", choices=("choose", "judge", "all"), default="all")
    parser.add_argument("--only", nargs="+", choices=SETS, metavar="SET")
    parser.add_argument("--kind", nargs="+", choices=KINDS)
    parser.add_argument("--models", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds")
    parser.add_argument(
        "--set",
        nargs="+",
        type=parameter,
        default=[],
        metavar="NAME=VALUE",
        help="parameters of TTFSClassifier and TTFSRegressor",
    )
    parser.add_argument(
        "--early-stopping",
        action="store_true",
        help="run early_stopping=True too, against False",
    )
    parser.add_argument("--results", type=Path, help="file that keeps the results")
    parser.add_argument("--label", help="version of the results of TTFS in the file")
    options = parser.parse_args(arguments)
    chosen = list(options.models)
    if options.early_stopping:
        chosen.append("early")
    parameters = dict(options.set)
    label = options.label or hash_of_package()
    version = f"{label} {changes(parameters)}".strip()
    results = Results(options.results)
    table = {}
    print(machine())
    if any(name in OURS for name in chosen):
        print(f"version of the results of TTFS: {version}")
    with threadpool_limits(1):
        for data in chosen_sets(options):
            table[data.name] = {
                name: mean_result(
                    [
                        results.get(
                            data,
                            seed,
                            name,
                            version if name in OURS else "",
                            parameters,
                        )
                        for seed in range(options.seeds)
                    ]
                )
                for name in models_of(data, chosen)
            }
    print()
    print_table(table, chosen)
    print_ranks(table, chosen)
    verdicts(table)


if __name__ == "__main__":
    main()
