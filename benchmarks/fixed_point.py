"""Integers and the local rule: is it bit for bit, how accurate, how fast?

    python benchmarks/fixed_point.py [--only ROW ...] [--seeds N] [--validation]

Rows are learned with default parameters, except for those that a row names, which were
chosen on validation data, as those of accuracy.py: `--validation` scores on such data.
MNIST as there. Needs the extras `bench` and `test`, and a C compiler.
"""

import time
from dataclasses import dataclass, field

import fixed_exactness
import numpy as np
from _common import (
    MNIST_16,
    YIN_YANG,
    changes,
    clock,
    labels_of,
    mean_and_deviation,
    mnist_16,
    run,
    seeds,
    verdict,
    yin_yang,
)

from ttfs import TTFSClassifier, _fixed
from ttfs import core as _core
from ttfs.export import cost_sheet
from ttfs.parameters import FixedPoint, LocalRule

LOCAL = {"arithmetic": "fixed", "gradient": "local"}
WIDE = {**LOCAL, "arithmetic": FixedPoint(accumulator_bits=16)}


@dataclass
class Row:
    """One line of the table: networks on one data set."""

    work: str
    load: callable
    parameters: dict = field(default_factory=dict)
    must: float = None
    stretch: float = None
    published: str = ""
    is_option: bool = False  # always on validation data


ROWS = {
    "yin-yang": Row(
        "Yin-Yang, weights are the 6-bit integers",
        yin_yang,
        {**YIN_YANG, **LOCAL},
        97.5,
        98.4,
        "95.0 on chip, with gradients off the chip",
    ),
    "yin-yang-16": Row(
        "Yin-Yang, 16-bit accumulator",
        yin_yang,
        {**YIN_YANG, **WIDE},
        97.3,
        98.0,
    ),
    "yin-yang-online": Row(
        "Yin-Yang online, weights are the 6-bit integers",
        yin_yang,
        {**YIN_YANG, **LOCAL, "batch_size": 1, "max_iter": 150},
        95.0,
        96.0,
    ),
    "yin-yang-online-16": Row(
        "Yin-Yang online, 16-bit accumulator",
        yin_yang,
        {
            **YIN_YANG,
            **WIDE,
            "batch_size": 1,
            "max_iter": 150,
        },
        96.5,
        97.3,
    ),
    "mnist-16": Row(
        "MNIST 16x16, weights are the 6-bit integers",
        mnist_16,
        {
            **MNIST_16,
            **LOCAL,
            "batch_size": 200,
            "input_dropout": 0.1,
            "max_iter": 40,
        },
        97.6,
        98.0,
        "96.9 on chip, with gradients off the chip",
    ),
    "yin-yang-exact": Row(
        "Yin-Yang, exact gradient, fixed inference",
        yin_yang,
        {**YIN_YANG, "arithmetic": FixedPoint(tick=1 / 128)},
        97.8,
        98.5,
    ),
    "mnist-16-exact": Row(
        "MNIST 16x16, exact gradient, fixed inference",
        mnist_16,
        {**MNIST_16, "arithmetic": "fixed"},
        97.5,
        98.0,
    ),
    "yin-yang-exact-shift": Row(
        "Yin-Yang, exact gradient, fixed inference by shifts",
        yin_yang,
        {**YIN_YANG, "arithmetic": FixedPoint(tick=1 / 64, decay="shift")},
    ),
    "mnist-16-exact-shift": Row(
        "MNIST 16x16, exact gradient, fixed inference by shifts",
        mnist_16,
        {**MNIST_16, "arithmetic": FixedPoint(tick=1 / 16, decay="shift")},
    ),
    # What the rule, and what the integers, cost: the rest of the 2 x 2 table.
    "yin-yang-float": Row(
        "Yin-Yang, local rule, float32",
        yin_yang,
        {**YIN_YANG, "gradient": "local"},
    ),
    "yin-yang-exact-float": Row(
        "Yin-Yang, exact gradient, float32", yin_yang, YIN_YANG
    ),
    "mnist-16-16": Row(
        "MNIST 16x16, 16-bit accumulator", mnist_16, {**MNIST_16, **WIDE}
    ),
    "mnist-16-float": Row(
        "MNIST 16x16, local rule, float32", mnist_16, {**MNIST_16, "gradient": "local"}
    ),
    "mnist-16-exact-float": Row(
        "MNIST 16x16, exact gradient, float32", mnist_16, MNIST_16
    ),
}
# Options of the rule, each instead of the default, on Yin-Yang with 6-bit weights.
OPTIONS = {
    "kernel-linear": {"gradient": LocalRule(kernel="linear")},
    "feedback-random": {"gradient": LocalRule(feedback="random")},
    "feedback-direct": {"gradient": LocalRule(feedback="direct")},
    "feedback-target": {"gradient": LocalRule(feedback="target")},
    "rounding-floor": {"arithmetic": FixedPoint(rounding="floor")},
    **{
        f"tick-1/{ticks}": {"arithmetic": FixedPoint(tick=1 / ticks)}
        for ticks in (8, 16, 32, 128)
    },
    **{
        f"weight_bits-{bits}": {"arithmetic": FixedPoint(weight_bits=bits)}
        for bits in (2, 3, 4, 5, 8)
    },
    "decay-shift": {"arithmetic": FixedPoint(decay="shift")},
    **{
        f"decay-shift-1/{ticks}": {
            "arithmetic": FixedPoint(decay="shift", tick=1 / ticks)
        }
        for ticks in (8, 16, 32, 64)
    },
}
for name, option in OPTIONS.items():
    ROWS[f"yin-yang-{name}"] = Row(
        f"Yin-Yang (validation data), {name.replace('-', '=')}",
        yin_yang,
        {**ROWS["yin-yang"].parameters, **option},
        is_option=True,
    )


def has_tie(model, X):
    """Whether several outputs fire first, in the same tick."""
    times = model.spike_times(X)[-1]
    first = times.min(axis=1, keepdims=True)
    return (np.isfinite(first) & (times == first)).sum(axis=1) > 1


def report(row, n_seeds, is_validation):
    is_validation |= row.is_option
    X, y, X_test, y_test = row.load(is_validation)
    scores, seconds, ties = [], [], []  # by first spikes, and with membranes
    for seed in seeds(n_seeds, is_validation):
        start = time.perf_counter()
        model = TTFSClassifier(random_state=seed, **row.parameters).fit(X, y)
        seconds.append(time.perf_counter() - start)
        by_spikes = model.first_spike_score(X_test, y_test)
        scores.append((100 * by_spikes, 100 * model.score(X_test, y_test)))
        ties.append(100 * np.mean(has_tie(model, X_test)))
    print(f"\n{row.work}: {changes(row.parameters)}")
    (mean, with_membranes), (deviation, _) = mean_and_deviation(scores)
    each = " ".join(f"{by_spikes:.2f}" for by_spikes, _ in scores)
    print(f"  by spikes      {mean:.2f} ± {deviation:.2f} %   each: {each}")
    print(f"  with membranes {with_membranes:.2f} %")
    print(f"  ties           {np.mean(ties):.2f} % decided by membranes within a tick")
    print(f"  training       {np.mean(seconds):.1f} s, {model.n_iter_} epochs")
    if row.published:
        print(f"  published      {row.published}")
    if row.must is not None:
        verdict("by spikes", mean >= row.must, f"{row.must:.2f}")
        verdict("stretch", mean >= row.stretch, f"{row.stretch:.2f}")
    print(end="", flush=True)


def best_of(function, repeats):
    """Least seconds of a call."""
    return min(clock(function) for _ in range(repeats))


def speed(is_validation):
    """Inference of integers beside that of float32, one thread, interleaved."""
    X, y, X_test, _ = mnist_16(is_validation)
    X, y = X[:10_000], y[:10_000]
    real, fixed = (
        TTFSClassifier(max_iter=5, random_state=0, **MNIST_16, **parameters).fit(X, y)
        for parameters in ({}, {"arithmetic": "fixed"})
    )
    ratios = {"labels": [], "predict": []}
    labels = [labels_of(model, X_test) for model in (real, fixed)]
    for _ in range(5):
        times = [best_of(function, 3) for function in labels]
        ratios["labels"].append(times[1] / times[0])
        predicts = [best_of(lambda m=m: m.predict(X_test), 3) for m in (real, fixed)]
        ratios["predict"].append(predicts[1] / predicts[0])
    print("\nMNIST 16x16, inference, time of fixed / float32 (median of 5)")
    print(f"  instruction set {_core.simd()}, {_fixed.simd()}")
    print(f"  microseconds   {1e6 * times[1] / len(X_test):.1f} a sample, fixed")
    for name, ratio in ratios.items():
        print(f"  {name:14s} {np.median(ratio):.2f}")
    ratio = np.median(ratios["predict"])
    verdict("ratio", ratio <= 1.5, "1.5, predict")
    verdict("stretch", ratio <= 1.0, "1.0, predict")


def costs(is_validation):
    """The cost sheet of both tasks."""
    for name in ("yin-yang", "mnist-16"):
        row = ROWS[name]
        X, y, X_test, y_test = row.load(is_validation)
        parameters = {**row.parameters, "max_iter": 20}
        model = TTFSClassifier(random_state=0, **parameters).fit(X, y)
        print(f"\n{row.work}: cost")
        print(cost_sheet(model, X_test[:1000], y_test[:1000]))


def exactness(is_validation):
    print("\nC equals twin, scalar equals vector, gcc equals clang")
    fixed_exactness.main()


SPECIAL = {"exactness": exactness, "speed": speed, "costs": costs}


if __name__ == "__main__":
    run(__doc__, ROWS, report, special=SPECIAL, n_seeds=5)
