"""Rows of speed.py in which ttfs is alone: threads, precision, substrates, memory."""

import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from _speed_measure import (
    load,
    mnist,
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
from _speed_table import MB, row, skipped

from ttfs import TTFSClassifier
from ttfs import core as _core
from ttfs.encoders import LatencyEncoder
from ttfs.substrates import AnalogChip, Ideal


class Stamps:
    """A standard output that notes when each epoch ended, and waits after the first."""

    def __init__(self):
        self.times = []

    def write(self, text):
        if "Iteration" in text:
            if not self.times:
                print("ready", file=sys.__stdout__, flush=True)
                sys.stdin.readline()
            self.times.append(time.perf_counter())

    def flush(self):
        pass


def child_epochs(folder, n_epochs):
    """Samples per second of a fit, without its first epoch."""
    X, y = load(folder)
    stamps = Stamps()
    with redirect_stdout(stamps):
        spiking(350, 80, 0, verbose=True)(1 + n_epochs).fit(X, y)
    seconds = stamps.times[-1] - stamps.times[0]
    return {
        "rate": len(X) * n_epochs / seconds,
        "seconds": list(np.diff(stamps.times)),
        "threads": _core.n_threads(),
    }


def rows_threads(options):
    work = "MNIST epoch, threads"
    if not _core.has_openmp():
        return skipped(work, "built without OpenMP")
    together, apart = [], []
    with tempfile.TemporaryDirectory() as folder:
        save(folder, *mnist(options.n_train)[:2])

        def rate(n_processes, n_threads):
            processes = [
                start(
                    "epochs", n_threads, folder=folder, n_epochs=options.thread_epochs
                )
                for _ in range(n_processes)
            ]
            try:
                for process in processes:  # loaded, encoded, and trained once
                    if process.stdout.readline() != "ready\n":
                        raise RuntimeError("a process that was started has failed")
                for process in processes:
                    process.stdin.write("\n")
                    process.stdin.flush()
                results = [result(process) for process in processes]
            finally:
                for process in processes:
                    process.kill()
            if any(each["threads"] != n_threads for each in results):
                raise RuntimeError("OMP_NUM_THREADS is not obeyed")
            return sum(each["rate"] for each in results)

        for _ in range(options.n_pairs):
            together.append(rate(1, 2))
            apart.append(rate(2, 1))
    return row(
        work,
        ratio(together, apart),
        [0.93, 0.97],
        f"two threads {np.median(together):.0f} samples/s, two processes "
        f"{np.median(apart):.0f} samples/s ({options.n_pairs} pairs of "
        f"{options.thread_epochs} epochs)",
        at_least=True,
    )


def compare_own(work, name, limits, X, y, sizes, epochs, n_pairs, **changes):
    """A row on epochs of ttfs with other parameters / with none of them.

    Returns the pairs of models.
    """
    seconds, pairs = ([], []), []
    for seed in range(n_pairs):
        models = []
        for k, parameters in enumerate((changes, {})):
            make = spiking(*sizes, seed, **parameters)
            each, model = seconds_per_epoch(make, X, y, epochs, time.process_time)
            seconds[k].append(each)
            models.append(model)
        pairs.append(models)
    changed, plain = map(np.median, seconds)
    row(
        f"{work}, {name}",
        ratio(*seconds),
        limits,
        f"{name} {changed:.4f} s, float32 {plain:.4f} s ({n_pairs} pairs of "
        f"T({epochs[1]}) - T({epochs[0]}), time of the processor)",
    )
    return pairs


def rows_float64(options):
    X, y, *_ = mnist(options.n_train)
    epochs, n_pairs = options.precision_epochs, options.n_pairs
    name = "float64"
    compare_own(
        "MNIST epoch", name, [2.2], X, y, (350, 80), epochs, n_pairs, arithmetic=name
    )


def rows_substrate(options):
    images, digits, *_ = mnist(options.n_train)
    X, y, *_ = yin_yang()
    works = (
        ("MNIST epoch", images, digits, (350, 80), options.precision_epochs),
        ("Yin-Yang epoch", X, y, (120, 150), options.yin_yang_epochs),
    )
    for name, limits, changes in (
        ("Ideal", [1.3], {"substrate": Ideal()}),
        ("fixed", [1.4], {"arithmetic": "fixed"}),
        ("AnalogChip", [], {"substrate": AnalogChip.preset("delgrad")}),
    ):
        for work, *arguments in works:
            compare_own(work, name, limits, *arguments, options.n_pairs, **changes)


def rows_levels(options):
    X, y, X_test, y_test = mnist(options.n_train)
    encoder, name = LatencyEncoder(levels=16), "16 levels"
    pairs = compare_own(
        "MNIST epoch",
        name,
        [],
        X,
        y,
        (350, 80),
        options.mnist_epochs,
        options.n_pairs,
        encoder=encoder,
    )
    seconds = predictions(pairs[-1], X_test, options.n_fast)
    changed, plain = 1e3 * np.median(seconds, axis=1)
    scores = [[100 * model.score(X_test, y_test) for model in pair] for pair in pairs]
    coarse, fine = np.mean(scores, axis=0)
    row(
        "the same, predict",
        ratio(*seconds),
        [],
        f"{name} {changed:.3g} ms, float32 {plain:.3g} ms for {len(X_test)} samples "
        f"({options.n_fast} pairs); accuracy {coarse:.2f} % and {fine:.2f} % "
        f"({len(pairs)} seeds)",
    )


def peak_memory():
    """Most memory that this process has held, in bytes."""
    # ru_maxrss is of no use here: it starts with what the parent process held.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("the system does not say how much memory has been used")


def child_memory(folder, parameters):
    """Peak memory of a fit of two epochs, and before the data were loaded; in bytes."""
    before = peak_memory()
    X, y = load(folder)
    model = TTFSClassifier(max_iter=2, random_state=0, **parameters).fit(X, y)
    return {
        "peak": peak_memory(),
        "before": before,
        "coefs": sum(coef.nbytes for coef in model.coefs_),
    }


def memory_of_fit(X, y, **parameters):
    with tempfile.TemporaryDirectory() as folder:
        save(folder, X, y)
        out = result(start("memory", 1, folder=folder, parameters=parameters))
    return {name: n_bytes / MB for name, n_bytes in out.items()}


def rows_memory(options):
    X, y, *_ = mnist(options.n_train)
    parameters = {"encoder": "latency", "input_dropout": 0.0}
    memory = memory_of_fit(X, y, hidden_layer_sizes=350, batch_size=80, **parameters)
    row(
        "MNIST fit, peak memory",
        memory["peak"],
        [X.nbytes / MB + 300],
        f"data {X.nbytes / MB:.0f} MB; before they are loaded "
        f"{memory['before']:.0f} MB",
        unit=" MB",
    )
    X, y, *_ = split_text(*text(options.n_text))
    memory = memory_of_fit(X, y, **parameters)
    row(
        "text fit, peak memory",
        memory["peak"],
        [2000],
        f"{X.shape[0]} x {X.shape[1]}, sparse, (100,) hidden; before they are loaded "
        f"{memory['before']:.0f} MB",
        unit=" MB",
    )


def rows_wide(options):
    rng = np.random.default_rng(0)
    X = rng.random((10, options.n_wide), np.float32)
    y = np.arange(len(X)) % 2
    for name, parameters in (
        ("10 hidden", {"hidden_layer_sizes": 10}),
        ("default", {}),
    ):
        memory = memory_of_fit(X, y, **parameters)
        must = 4 * memory["coefs"] + 300
        row(
            f"wide fit, {name}, above the data",
            memory["peak"] - X.nbytes / MB,
            [must, must / 2],
            f"{X.shape[0]} x {X.shape[1]}, data {X.nbytes / MB:.0f} MB, coefs_ "
            f"{memory['coefs']:.0f} MB; before they are loaded "
            f"{memory['before']:.0f} MB",
            unit=" MB",
        )
