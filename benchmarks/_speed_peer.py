"""Rows of speed.py beside MLPClassifier: training and prediction, and on text."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
from _common import changes, clock, peer_blas
from _speed_measure import (
    load,
    mnist,
    mnist_16,
    perceptron,
    predictions,
    ratio,
    result,
    save,
    seconds_per_epoch,
    spiking,
    split_text,
    start,
    text,
    yin_yang,
)
from _speed_table import Options, note, row, skipped
from threadpoolctl import threadpool_limits

from ttfs import core as _core
from ttfs.encoders import LatencyEncoder
from ttfs.parameters import FixedPoint

# The integers that predict MNIST, see README.md; a row says how many points they lose.
INTEGERS = {
    "arithmetic": FixedPoint(weight_bits=8, weight_range=4.0, tick=1 / 24),
    "encoder": LatencyEncoder(levels=9),
}


@dataclass(frozen=True)
class Task:
    """Data, and the networks of both sides."""

    name: str
    layers: str
    batch_size: int
    load: Callable  # of options
    epochs: str  # the name of the option

    @property
    def work(self):
        return f"{self.name} {self.layers}"

    @property
    def sizes(self):
        """Hidden neurons, and samples of a batch."""
        return int(self.layers.split("-")[1]), self.batch_size


TASKS = {
    "mnist": Task(
        "MNIST",
        "784-350-10",
        80,
        lambda options: mnist(options.n_train),
        "mnist_epochs",
    ),
    "mnist16": Task(
        "MNIST",
        "256-246-10",
        50,
        lambda options: mnist_16(options.n_train),
        "mnist_epochs",
    ),
    "yinyang": Task(
        "Yin-Yang", "4-120-3", 150, lambda options: yin_yang(), "yin_yang_epochs"
    ),
}

# Kernels of OpenBLAS with the vectors of an instruction set of ttfs: the name by which
# OPENBLAS_CORETYPE asks for them, and those by which OpenBLAS may report them. Prescott
# is the faster one of those without AVX.
CORES = {
    "avx2": ("Haswell", {"haswell", "zen"}),
    "baseline": ("Prescott", {"prescott", "katmai"}),
}
# What must be reached, and the stretch, of a task and what is measured of it. Targets
# of AVX-512 are those of the rows in this process, whatever it computes with.
NATIVE_LIMITS = {
    ("mnist", "epoch"): [0.47, 0.4],
    ("mnist16", "epoch"): [0.6, 0.5],
    ("yinyang", "epoch"): [1.7, 1.4],
    ("mnist", "predict"): [1.6, 1.2],
    ("mnist", "integers"): [1.0, 0.7],
    ("yinyang", "predict"): [4.0, 3.0],
    ("mnist", "one row"): [1.0, 0.7],
    ("mnist16", "one row"): [1.0, 0.7],
    ("yinyang", "one row"): [1.0, 0.7],
}
AVX2_LIMITS = {
    ("mnist", "epoch"): [0.75, 0.6],
    ("mnist", "predict"): [1.9, 1.5],
    ("yinyang", "epoch"): [2.4, 1.8],
}


# -- Both sides --------------------------------------------------------------------


def compare(data, sizes, epochs, n_pairs):
    """Measure epochs in pairs of fits; returns figures, and the last pair of models."""
    X, y, X_test, y_test = data
    seconds, scores, encoding = ([], []), ([], []), []
    for seed in range(n_pairs):
        models = []
        for k, make in enumerate((spiking, perceptron)):
            each, model = seconds_per_epoch(make(*sizes, seed), X, y, epochs)
            seconds[k].append(each)
            scores[k].append(100 * model.score(X_test, y_test))
            models.append(model)
        # The encoder alone: what a fit does once.
        encoding.append(clock(models[0].encode, X))
    figures = {
        "epochs": epochs,
        "seconds": seconds,
        "scores": scores,
        "encoding": encoding,
    }
    return figures, models


def print_epochs(work, figures, limits, details=""):
    seconds, scores, epochs = (figures[key] for key in ("seconds", "scores", "epochs"))
    ours, theirs = np.median(seconds, axis=1)
    row(
        work,
        ratio(*seconds),
        limits,
        f"ttfs {ours:.4f} s, MLP {theirs:.4f} s ({len(seconds[0])} pairs of "
        f"T({epochs[1]}) - T({epochs[0]})){details}",
    )
    note(
        f"accuracy after {epochs[1]} epochs: ttfs {np.mean(scores[0]):.2f} %, MLP "
        f"{np.mean(scores[1]):.2f} %; encoding and sorting, once per fit: "
        f"{np.median(figures['encoding']):.4f} s"
    )


def print_predict(work, seconds, n_samples, limits, details=""):
    ours, theirs = 1e3 * np.median(seconds, axis=1)
    row(
        work,
        ratio(*seconds),
        limits,
        f"ttfs {ours:.3g} ms, MLP {theirs:.3g} ms for {n_samples} samples "
        f"({len(seconds[0])} pairs){details}",
    )


def native_rows(name, options):
    """Epochs and prediction of a task; returns what more rows need."""
    task = TASKS[name]
    data, epochs = task.load(options), getattr(options, task.epochs)
    figures, models = compare(data, task.sizes, epochs, options.n_pairs)
    print_epochs(
        f"{task.work}, batch {task.batch_size}, epoch",
        figures,
        NATIVE_LIMITS[name, "epoch"],
    )
    seconds = predictions(models, data[2], options.n_fast)
    limits = NATIVE_LIMITS.get((name, "predict"), [])
    print_predict("the same, predict", seconds, len(data[2]), limits)
    return data, figures["scores"][0], models


def rows_mnist(options):
    (X, y, X_test, y_test), scores, (_, peer) = native_rows("mnist", options)
    task = TASKS["mnist"]
    n_epochs = getattr(options, task.epochs)[1]
    models = [
        spiking(*task.sizes, seed, **INTEGERS)(n_epochs).fit(X, y)
        for seed in range(len(scores))
    ]
    of_integers = [100 * model.score(X_test, y_test) for model in models]
    seconds = predictions([models[-1], peer], X_test, options.n_fast)
    limits = NATIVE_LIMITS["mnist", "integers"]
    print_predict("the same, predict in integers", seconds, len(X_test), limits)
    row(
        "integers, accuracy below float32's",
        np.mean(np.subtract(scores, of_integers)),
        [0.3],
        f"float32 {np.mean(scores):.2f} %, integers {np.mean(of_integers):.2f} % "
        f"({len(scores)} seeds, {n_epochs} epochs); {changes(INTEGERS)}",
    )


def rows_mnist16(options):
    native_rows("mnist16", options)


def rows_yinyang(options):
    native_rows("yinyang", options)


def rows_onerow(options):
    for name, task in TASKS.items():
        X, y, X_test, _ = task.load(options)
        n_epochs = getattr(options, task.epochs)[0]
        models = [
            make(*task.sizes, 0)(n_epochs).fit(X, y) for make in (spiking, perceptron)
        ]
        for method, limits in (
            ("predict", NATIVE_LIMITS[name, "one row"]),
            ("predict_proba", []),
        ):
            calls = [getattr(model, method) for model in models]
            seconds = [], []
            for s in range(options.n_rows):
                for series, call in zip(seconds, calls, strict=True):
                    series.append(clock(call, X_test[s : s + 1]))
            ours, theirs = 1e6 * np.median(seconds, axis=1)
            row(
                f"{task.work}, one row, {method.removeprefix('predict_')}",
                ratio(*seconds),
                limits,
                f"ttfs {ours:.0f} us, MLP {theirs:.0f} us ({options.n_rows} pairs of "
                f"calls of {method})",
            )


# -- Instruction sets --------------------------------------------------------------


def child_task(name, options):
    """Epochs and prediction of a task in this process, and what it computes with."""
    options = Options(**options)
    task = TASKS[name]
    with threadpool_limits(1):
        data = task.load(options)
        epochs = getattr(options, task.epochs)
        figures, models = compare(data, task.sizes, epochs, options.n_pairs)
        return {
            "simd": _core.simd(),
            "blas": peer_blas(),
            "figures": figures,
            "predict": predictions(models, data[2], options.n_fast),
            "n_test": len(data[2]),
        }


def simd_rows(simd, limits, options):
    """The rows of the tasks with the vectors of one instruction set, on both sides."""
    if simd not in _core.simd_available():
        return skipped(f"{simd}, all rows", "ttfs does not have it on this processor")
    core, names = CORES[simd]
    variables = {
        "TTFS_SIMD": simd,
        "OPENBLAS_CORETYPE": core,
        "OPENBLAS_L2_SIZE": None,
    }
    options = replace(
        options, n_pairs=options.n_slow, mnist_epochs=options.precision_epochs
    )
    for name, task in TASKS.items():
        child = start("task", 1, variables, name=name, options=asdict(options))
        out = result(child)
        if out["simd"] != simd:
            raise RuntimeError("TTFS_SIMD is not obeyed")
        blas, architecture = out["blas"]
        details = f"; MLP on {blas} ({architecture})"
        if architecture.lower() not in names:
            details += ", which could NOT be restricted alike"
        print_epochs(
            f"{simd}, {task.work}, epoch",
            out["figures"],
            limits.get((name, "epoch"), []),
            details,
        )
        print_predict(
            "the same, predict",
            out["predict"],
            out["n_test"],
            limits.get((name, "predict"), []),
        )
    return None


def rows_avx2(options):
    simd_rows("avx2", AVX2_LIMITS, options)


def rows_baseline(options):
    simd_rows("baseline", {}, options)


# -- Text --------------------------------------------------------------------------


def child_text(folder, epochs, n_pairs, n_fast):
    with threadpool_limits(1):
        data = split_text(*load(folder))
        # The batch size is the default of MLPClassifier.
        figures, models = compare(data, (100, 200), epochs, n_pairs)
        return {"figures": figures, "predict": predictions(models, data[2], n_fast)}


def rows_text(options):
    X, y = text(options.n_text)
    with tempfile.TemporaryDirectory() as folder:
        save(folder, X, y)
        child = start(
            "text",
            1,
            folder=folder,
            epochs=options.text_epochs,
            n_pairs=options.n_slow,
            n_fast=options.n_fast,
        )
        out = result(child)
    n_samples, n_features = split_text(X, y)[0].shape
    print_epochs(
        "text, sparse, batch 200, epoch",
        out["figures"],
        [0.11, 0.08],
        f"; {n_samples} x {n_features}, {X.nnz / X.shape[0]:.0f} stored per row, "
        "(100,) hidden",
    )
    n_test = X.shape[0] - n_samples
    print_predict("the same, predict", out["predict"], n_test, [2.0, 1.0])
