"""Accuracy of TTFSClassifier, beside published single-spike networks.

    python benchmarks/accuracy.py [--only ROW ...] [--seeds N] [--validation]

Accuracy by first spikes alone: a sample in which no output neuron fires is wrong.

Default parameters, except for those that a row names. Parameters were chosen on
validation data: `--validation` scores on such data, the Yin-Yang set of seed 41, the
last 10,000 training images of MNIST, and folds inside the training part; without it
the test sets are used. README.md says where MNIST comes from. Needs the extra `bench`.
"""

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from _common import (
    changes,
    mean_and_deviation,
    mnist,
    mnist_16,
    run,
    seeds,
    verdict,
    yin_yang,
)
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from ttfs import TTFSClassifier

# -- Rows --------------------------------------------------------------------------


@dataclass
class Row:
    """One line of the table: networks on one data set, or folds of a small table."""

    data: str
    load: callable
    hidden: tuple
    n_seeds: int
    must: float = None
    stretch: float = None
    published: str = ""
    parameters: dict = field(default_factory=dict)
    mlp: bool = False  # fit MLPClassifier of the same size too
    is_calibrated: bool = False  # compare its log-loss
    loss: float = None  # log-loss without a read-out, which must not be exceeded
    decision: float = None  # latest mean decision [tau_syn]
    scaler: type = None

    @property
    def network(self):
        parts = [f"hidden {self.hidden}", changes(self.parameters)]
        return ", ".join(filter(None, parts))

    def splits(self, seed, is_validation):
        """Training and test data."""
        if self.scaler is None:
            yield self.load(is_validation)
            return
        X, y = self.load(return_X_y=True)
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        for train, test in folds.split(X, y):
            if is_validation:  # a fold of the training part
                inner = StratifiedKFold(5, shuffle=True, random_state=seed)
                train, test = [
                    train[part] for part in next(inner.split(train, y[train]))
                ]
            yield X[train], y[train], X[test], y[test]


def table(name, load, scaler, *targets, **losses):
    return Row(name, load, (100,), 5, *targets, mlp=True, scaler=scaler, **losses)


# Encoder "latency": the four features of Yin-Yang are complements already.
ROWS = {
    "yin-yang": Row(
        "Yin-Yang",
        yin_yang,
        (120,),
        10,
        99.1,
        99.4,
        "95.9 ± 0.7 [1], 95.0 on chip [1]; 200 hidden 98.1 ± 0.2 [2]",
        {"encoder": "latency"},
        mlp=True,
        is_calibrated=True,
        loss=0.029,
        decision=1.0,
    ),
    "yin-yang-30": Row(
        "Yin-Yang",
        yin_yang,
        (30,),
        10,
        99.0,
        99.4,
        "98.2 synaptic, 97.5 axonal, 96.7 without [3]",
        {"encoder": "latency", "delays": "synaptic"},
    ),
    "yin-yang-30-axonal": Row(
        "Yin-Yang",
        yin_yang,
        (30,),
        10,
        published="97.5 [3]",
        parameters={"encoder": "latency", "delays": "axonal"},
    ),
    "yin-yang-30-none": Row(
        "Yin-Yang",
        yin_yang,
        (30,),
        10,
        published="96.7 [3]",
        parameters={"encoder": "latency"},
    ),
    "mnist": Row(
        "MNIST",
        mnist,
        (350,),
        5,
        98.45,
        98.6,
        "97.1 ± 0.1 [1], 97.6 ± 0.1 [2], 98.0 to 98.3 [4]; MLPClassifier 98.3",
        loss=0.069,
        decision=0.8,
    ),
    "mnist-16": Row(
        "MNIST 16x16",
        mnist_16,
        (246,),
        5,
        98.1,
        98.3,
        "97.4 ± 0.2, 96.9 ± 0.1 on chip [1]; MLPClassifier 98.1",
    ),
    "mnist-800": Row("MNIST", mnist, (800,), 3, 98.55, 98.8, "97.6 [5], 98.3 [4]"),
    "mnist-2x400": Row("MNIST", mnist, (400,) * 2, 1, published="97.1 [6]"),
    "mnist-4x400": Row("MNIST", mnist, (400,) * 4, 3, 98.4, 98.8, "97.9 [6]"),
    "mnist-8x100": Row("MNIST", mnist, (100,) * 8, 3, 97.0, 98.0, "97.0 [6]"),
    "mnist-complement": Row(
        "MNIST", mnist, (350,), 1, parameters={"encoder": "complement", "max_iter": 20}
    ),
    "iris": table("iris", load_iris, StandardScaler, 94.5, 94.7, loss=0.142),
    "wine": table("wine", load_wine, StandardScaler, 97.6, 97.8, loss=0.069),
    "breast-cancer": table(
        "breast_cancer", load_breast_cancer, StandardScaler, 97.3, 97.5, loss=0.079
    ),
    "digits": table(
        "digits", load_digits, MinMaxScaler, 98.1, 98.3, loss=0.062, is_calibrated=True
    ),
}
SOURCES = """
[1] Göltz, Kriener et al. 2021    [2] Wunderlich & Pehle 2021    [3] DelGrad, Göltz,
Weber, Kriener et al. 2025    [4] Comsa et al. 2020, Sakemi et al. 2021, Stanojevic et
al. 2022, 340 to 800 hidden    [5] Mostafa 2017    [6] networks released by the authors
of [1]. Figures of [1], [4] and [5] are as remembered, those of [2], [3] and [6] were
computed from released networks; MLPClassifier had 30 epochs of the same data.
"""


# -- Measurement -------------------------------------------------------------------


@dataclass
class Result:
    """The result of one seed.

    Units are percent, nats, spikes and neurons per sample, tau_syn, and seconds.
    """

    accuracy: float
    by_spikes: float
    undecided: float
    before_read_out: float
    loss: float
    spikes: float
    n_hidden: int
    decision: float
    seconds: float


def evaluate(model, X, y, X_test, y_test):
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    seconds = time.perf_counter() - start
    proba = model.predict_proba(X_test)
    accuracy = 100 * np.mean(model.predict(X_test) == y_test)
    by_spikes = undecided = before_read_out = spikes = decision = np.nan
    n_hidden = 0
    clf = model[-1] if hasattr(model, "steps") else model
    if isinstance(clf, TTFSClassifier):
        scaled = model[:-1].transform(X_test) if hasattr(model, "steps") else X_test
        hidden = clf.spike_times(scaled)[1:-1]
        activity = clf.activity(scaled)
        by_spikes = 100 * clf.first_spike_score(scaled, y_test)
        undecided = 100 * np.mean(activity.is_undecided)
        is_early = ~(activity.is_undecided | activity.is_read_out)
        before_read_out = 100 * np.mean(is_early)
        spikes = sum(np.isfinite(times).sum(axis=1).mean() for times in hidden)
        n_hidden = sum(times.shape[1] for times in hidden)
        # A network in which no output neuron fires decides at the end.
        decision = activity.decision_times.mean() / clf.tau_syn
    loss = log_loss(y_test, proba, labels=model.classes_)
    shares = by_spikes, undecided, before_read_out
    return Result(accuracy, *shares, loss, spikes, n_hidden, decision, seconds)


def measure(row, make, seed, is_validation):
    results = []
    for split in row.splits(seed, is_validation):
        model = make(seed)
        if row.scaler:
            model = make_pipeline(row.scaler(), model)
        results.append(evaluate(model, *split))
    means = np.mean([list(vars(result).values()) for result in results], axis=0)
    return Result(*means)


def summary(results):
    """Mean and standard deviation over seeds of each number of a Result."""
    numbers = [list(vars(result).values()) for result in results]
    mean, deviation = mean_and_deviation(numbers)
    return Result(*mean), Result(*deviation)


def report(row, n_seeds, is_validation):
    chosen = seeds(n_seeds or row.n_seeds, is_validation)

    def make(seed):
        return TTFSClassifier(row.hidden, random_state=seed, **row.parameters)

    results = [measure(row, make, seed, is_validation) for seed in chosen]
    mean, deviation = summary(results)
    print(f"\n{row.data}, {row.network}, {len(chosen)} seeds")
    mean_of_all = f"{mean.by_spikes:.2f} ± {deviation.by_spikes:.2f} %"
    each = " ".join(f"{result.by_spikes:.2f}" for result in results)
    print(f"  by spikes      {mean_of_all}   each: {each}")
    print(f"  with membranes {mean.accuracy:.2f} ± {deviation.accuracy:.2f} %")
    print(f"  undecided      {mean.undecided:.3f} % without an output spike")
    print(f"  read-out       {mean.before_read_out:.1f} % decided before it")
    print(f"  log-loss       {mean.loss:.4f} ± {deviation.loss:.4f}")
    print(f"  hidden spikes  {mean.spikes:.0f} of {mean.n_hidden:.0f} per sample")
    print(f"  decision       {mean.decision:.2f} tau_syn after the inputs begin")
    longest = max(result.seconds for result in results)
    print(f"  training       {mean.seconds:.2f} s, at most {longest:.2f} s")
    must, stretch = row.must, row.stretch
    if row.mlp:

        def make_mlp(seed):
            return MLPClassifier(row.hidden, max_iter=1000, random_state=seed)

        mlp, spread = summary(
            [measure(row, make_mlp, seed, is_validation) for seed in chosen]
        )
        print(f"  MLPClassifier  {mlp.accuracy:.2f} ± {spread.accuracy:.2f} %", end="")
        print(f", log-loss {mlp.loss:.4f}, training {mlp.seconds:.2f} s")
    if row.published:
        print(f"  published      {row.published}")
    if must is not None:
        verdict("by spikes", mean.by_spikes >= must, f"{must:.2f}")
        verdict("stretch", mean.by_spikes >= stretch, f"{stretch:.2f}")
        verdict("undecided", mean.undecided <= 0.1, "0.1 %")
    if row.loss is not None:
        verdict("log-loss", mean.loss <= row.loss, f"{row.loss:.3f}")
    if row.decision is not None:
        verdict("decision", mean.decision <= row.decision, f"{row.decision:.2f}")
        verdict("read-out", mean.before_read_out >= 60, "60 % before it")
    if row.is_calibrated:
        ratio = mean.loss / mlp.loss
        verdict("log-loss", ratio <= 1.2, f"1.2 of MLPClassifier's: {ratio:.2f}")
    verdict("seconds", longest <= 1800, "1800 a seed")


if __name__ == "__main__":
    run(__doc__, ROWS, report)
    print(SOURCES)
