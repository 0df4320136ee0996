"""Speed of TTFSClassifier, beside that of scikit-learn's MLPClassifier.

    python benchmarks/speed.py [--quick] [--only NAME ...]

One table, measured in one run on one machine: see README.md beside this file, or the
explanation that is printed at the end. README.md says where MNIST comes from. Needs the
extra `bench`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which

import _common
import numpy as np
from _common import clock
from scipy.sparse import csr_array, load_npz, save_npz
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from ttfs import LIF, TTFSClassifier
from ttfs import core as _core
from ttfs.substrates import AnalogChip, Ideal, Layer

MB = 1e6
FMA_PER_EVENT = 3  # two running sums, and the line that may cross


@dataclass
class Options:
    """How much is measured. Epochs: (fewer, more) of the two fits of a difference."""

    n_pairs: int = 5
    n_train: int = 60_000
    mnist_epochs: tuple = (5, 15)
    yin_yang_epochs: tuple = (50, 150)
    precision_epochs: tuple = (2, 6)
    thread_epochs: int = 4
    n_fast: int = 15  # repetitions of what takes milliseconds
    n_text: int = 20_000
    text_epochs: tuple = (1, 4)


FULL = Options()
QUICK = Options(
    n_pairs=3,
    n_train=10_000,
    mnist_epochs=(1, 4),
    yin_yang_epochs=(5, 25),
    precision_epochs=(1, 3),
    thread_epochs=2,
    n_fast=7,
    n_text=5_000,
    text_epochs=(1, 3),
)


# -- The table ---------------------------------------------------------------------


def line(work, figure, target, verdict, details):
    text = f"{work:34}  {figure:>9}  {target:>12}  {verdict:7}  {details}"
    print(text.rstrip(), flush=True)


def row(work, figure, limit, details, *, at_least=False, unit=""):
    """Print one line; limit None: no target."""
    target = verdict = "-"
    if limit is not None:
        target = f"{'>=' if at_least else '<='} {limit:.4g}{unit}"
        is_met = figure >= limit if at_least else figure <= limit
        verdict = "PASS" if is_met else "MISS"
    line(work, f"{figure:.3g}{unit}", target, verdict, details)


def note(details):
    line("", "", "", "", details)


def skipped(work, reason):
    line(work, "-", "-", "SKIPPED", reason)


EXPLANATION = """\
work       what was measured; one thread unless it says otherwise
figure     the figure that the target is about, as described below
target     what it should be
verdict    PASS, MISS, or SKIPPED
details    the raw medians that the figure comes from, each of its own series; the
           figure of a ratio is the median of the ratios of pairs, not their ratio

epoch      ttfs / MLPClassifier: seconds per training epoch, forward and backward for
           every sample. The two fits of a pair alternate, on the same float32 array
           and with the same batch size; an epoch is the difference of a fit with more
           and one with fewer epochs, divided by that of the epochs, so that checks,
           encoding and initial weights drop out. Accuracy is that on the test set
           after the longer fit, averaged over pairs.
predict    ttfs / MLPClassifier: seconds for the test set, networks of the row before
threads    samples per second of one fit on two threads / of two fits on one thread
           each, side by side in two processes that start at the same time
           Epochs alone, without the first.
float64    seconds per epoch in float64 / in float32, ttfs
substrate  seconds per epoch on a substrate, or of quantised training (fixed) / in
           float32 without one. AnalogChip is the preset "delgrad"; it has no target.
affine     seconds of the forward pass of a layer, 784 inputs to 350 neurons, against
           active inputs, fitted by a + b x: a / time at 100 %. No neuron fires.
forward    3 x synaptic events per second / peak rate of multiply-adds, counted in
           single numbers, of a loop in registers with vectors of the same width. The
           hidden layer sees the test set through weights so small that no neuron
           fires: every event is processed, and counts. `trained` is the same with the
           trained weights, where only inputs ahead of each spike count: the least
           that had to be processed.
memory     peak of a process of its own that loads the float32 data and fits them;
           1 MB = 1e6 bytes; the target is the size of the data and 300 MB
text       a sparse matrix, in a process of its own: no target for the time"""


# -- Measuring ---------------------------------------------------------------------


def ratio(above, below):
    """Median of the ratios of pairs."""
    return float(np.median(np.divide(above, below)))


def seconds_per_epoch(make, X, y, epochs, timer=time.perf_counter):
    """The seconds of an epoch, as the difference of two fits, and the longer fit."""
    few, many = epochs
    long = make(many)
    seconds = clock(long.fit, X, y, timer=timer)
    seconds -= clock(make(few).fit, X, y, timer=timer)
    return seconds / (many - few), long


def spiking(hidden, batch_size, seed, **parameters):
    def make(n_epochs):
        return TTFSClassifier(
            (hidden,),
            batch_size=batch_size,
            encoder="latency",
            input_dropout=0.0,
            max_iter=n_epochs,
            random_state=seed,
            **parameters,
        )

    return make


def perceptron(hidden, batch_size, seed):
    def make(n_epochs):
        return MLPClassifier(
            (hidden,),
            batch_size=batch_size,
            alpha=0,
            tol=0,
            n_iter_no_change=10_000,
            max_iter=n_epochs,
            random_state=seed,
        )

    return make


def compare(work, limit, data, hidden, batch_size, epochs, n_pairs):
    """A row on epochs; returns a pair of models."""
    X, y, X_test, y_test = data
    makers = spiking, perceptron
    seconds, scores, encoding = ([], []), ([], []), []
    for seed in range(n_pairs):
        models = []
        for k, make in enumerate(makers):
            each, model = seconds_per_epoch(
                make(hidden, batch_size, seed), X, y, epochs
            )
            seconds[k].append(each)
            scores[k].append(100 * model.score(X_test, y_test))
            models.append(model)
        # The encoder alone: what a fit does once.
        encoding.append(clock(models[0].encode, X))
    ours, theirs = map(np.median, seconds)
    row(
        f"{work}, epoch",
        ratio(*seconds),
        limit,
        f"ttfs {ours:.4f} s, MLP {theirs:.4f} s ({n_pairs} pairs of T({epochs[1]}) - "
        f"T({epochs[0]}))",
    )
    note(
        f"accuracy after {epochs[1]} epochs: ttfs {np.mean(scores[0]):.2f} %, MLP "
        f"{np.mean(scores[1]):.2f} %; encoding and sorting, once per fit: "
        f"{np.median(encoding):.4f} s"
    )
    return models


# -- Data --------------------------------------------------------------------------


@cache
def mnist(n_train, load=_common.mnist):
    """MNIST: as many training images as wanted, and the whole test set."""
    X, y, X_test, y_test = load(is_validation=False)
    return X[:n_train], y[:n_train], X_test, y_test


def mnist_16(n_train):
    return mnist(n_train, _common.mnist_16)


def yin_yang():
    X, y, X_test, y_test = _common.yin_yang(is_validation=False)
    return X.astype(np.float32), y, X_test.astype(np.float32), y_test


def text(n_samples, n_features=50_000, n_stored=60, n_classes=20):
    """Word counts: common words follow Zipf's law, a third are those of the class."""
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=n_samples)
    topics = rng.integers(n_features, size=(n_classes, 300))
    size = n_samples, 4 * n_stored
    words = (n_features ** rng.random(size)).astype(np.int64) - 1
    is_topic = rng.random(size) < 1 / 3
    words[is_topic] = topics[y[:, None], rng.integers(300, size=size)][is_topic]
    indices = np.empty((n_samples, n_stored), np.int32)
    for s in range(n_samples):
        _, first = np.unique(words[s], return_index=True)
        indices[s] = np.sort(words[s, np.sort(first)[:n_stored]])
    values = rng.uniform(0.1, 1, indices.size).astype(np.float32)
    rows = np.arange(n_samples + 1) * n_stored
    shape = n_samples, n_features
    return csr_array((values, indices.ravel(), rows), shape=shape), y


# -- Processes of their own --------------------------------------------------------


def start(name, n_threads, **arguments):
    """A process that runs child_NAME(**arguments)."""
    return subprocess.Popen(
        [sys.executable, __file__, "--child", name, json.dumps(arguments)],
        env=os.environ | {"OMP_NUM_THREADS": str(n_threads)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process):
    """The last line that it prints."""
    lines = process.communicate()[0].splitlines()
    if process.returncode:
        raise RuntimeError("a process that was started has failed")
    return json.loads(lines[-1])


def peak_memory():
    """Most memory that this process has held, in bytes."""
    # ru_maxrss is of no use here: it starts with what the parent process held.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("the system does not say how much memory has been used")


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
    X, y = np.load(f"{folder}/X.npy"), np.load(f"{folder}/y.npy")
    stamps = Stamps()
    with redirect_stdout(stamps):
        spiking(350, 80, 0, verbose=True)(1 + n_epochs).fit(X, y)
    seconds = stamps.times[-1] - stamps.times[0]
    return {
        "rate": len(X) * n_epochs / seconds,
        "seconds": list(np.diff(stamps.times)),
        "threads": _core.n_threads(),
    }


def child_memory(folder):
    before = peak_memory()
    X, y = np.load(f"{folder}/X.npy"), np.load(f"{folder}/y.npy")
    spiking(350, 80, 0)(2).fit(X, y)
    return {"peak": peak_memory(), "before": before}


def child_text(folder, epochs):
    before = peak_memory()
    X, y = load_npz(f"{folder}/text.npz"), np.load(f"{folder}/labels.npy")
    n_test = X.shape[0] // 10

    def make(n_epochs):
        return TTFSClassifier(
            (100,), input_dropout=0.0, max_iter=n_epochs, random_state=0
        )

    with threadpool_limits(1):
        each, model = seconds_per_epoch(make, X[n_test:], y[n_test:], epochs)
    return {
        "seconds": each,
        "peak": peak_memory(),
        "before": before,
        "accuracy": 100 * model.score(X[:n_test], y[:n_test]),
        "shape": X[n_test:].shape,
    }


# -- Rows --------------------------------------------------------------------------


def rows_mnist(options):
    data = mnist(options.n_train)
    models = compare(
        "MNIST 784-350-10, batch 80",
        0.5,
        data,
        350,
        80,
        options.mnist_epochs,
        options.n_pairs,
    )
    seconds = [], []
    for _ in range(options.n_fast):
        for k, model in enumerate(models):
            seconds[k].append(clock(model.predict, data[2]))
    ours, theirs = map(np.median, seconds)
    row(
        "the same, predict",
        ratio(*seconds),
        0.8,
        f"ttfs {1e3 * ours:.1f} ms, MLP {1e3 * theirs:.1f} ms for {len(data[2])} "
        f"images ({options.n_fast} pairs)",
    )


def rows_mnist16(options):
    compare(
        "MNIST 256-246-10, batch 50",
        0.6,
        mnist_16(options.n_train),
        246,
        50,
        options.mnist_epochs,
        options.n_pairs,
    )


def rows_yinyang(options):
    compare(
        "Yin-Yang 4-120-3, batch 150",
        1.5,
        yin_yang(),
        120,
        150,
        options.yin_yang_epochs,
        options.n_pairs,
    )


def rows_threads(options):
    work = "MNIST epoch, threads"
    if not _core.has_openmp():
        return skipped(work, "built without OpenMP")
    together, apart = [], []
    with tempfile.TemporaryDirectory() as folder:
        save_mnist(folder, options)

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
        0.9,
        f"two threads {np.median(together):.0f} samples/s, two processes "
        f"{np.median(apart):.0f} samples/s ({options.n_pairs} pairs of "
        f"{options.thread_epochs} epochs)",
        at_least=True,
    )


def compare_own(work, limit, X, y, sizes, epochs, n_pairs, **changes):
    """A row on epochs of ttfs with other parameters / with none of them."""
    seconds = [], []
    for seed in range(n_pairs):
        for k, parameters in enumerate((changes, {})):
            make = spiking(*sizes, seed, **parameters)
            each, _ = seconds_per_epoch(make, X, y, epochs, time.process_time)
            seconds[k].append(each)
    changed, plain = map(np.median, seconds)
    (name,) = (str(value).partition("(")[0] for value in changes.values())
    row(
        f"{work}, {name}",
        ratio(*seconds),
        limit,
        f"{name} {changed:.4f} s, float32 {plain:.4f} s ({n_pairs} pairs of "
        f"T({epochs[1]}) - T({epochs[0]}), time of the processor)",
    )


def rows_float64(options):
    X, y, *_ = mnist(options.n_train)
    epochs, n_pairs = options.precision_epochs, options.n_pairs
    compare_own(
        "MNIST epoch", 2.2, X, y, (350, 80), epochs, n_pairs, arithmetic="float64"
    )


def rows_substrate(options):
    images, digits, *_ = mnist(options.n_train)
    X, y, *_ = yin_yang()
    works = (
        ("MNIST epoch", images, digits, (350, 80), options.precision_epochs),
        ("Yin-Yang epoch", X, y, (120, 150), options.yin_yang_epochs),
    )
    for limit, changes in (
        (1.3, {"substrate": Ideal()}),
        (1.4, {"arithmetic": "fixed"}),
        (None, {"substrate": AnalogChip.preset("delgrad")}),
    ):
        for work, *data, sizes, epochs in works:
            compare_own(work, limit, *data, sizes, epochs, options.n_pairs, **changes)


def layer(weights):
    """A layer without biases, as a network."""
    none = np.empty(0, np.float32)
    return _core.Simulator([Layer(weights, none, LIF())], 2.0, 1.0)


def rows_affine(options):
    rng = np.random.default_rng(0)
    n_samples, n_in, n_out = 500, 784, 350
    counts = np.round(n_in * np.array([0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])).astype(int)
    network = layer(np.full((n_in, n_out), 1e-6, np.float32))
    batches = []
    for count in counts:
        rank = np.argsort(rng.random((n_samples, n_in)), axis=1)
        times = rng.random((n_samples, n_in), np.float32)
        times[rank >= count] = np.inf
        batches.append(_core.spikes_at(times, np.empty(0, np.float32), 2.0))
        assert not np.isfinite(network.spike_times(batches[-1])[0]).any()
    seconds = [[] for _ in counts]
    for _ in range(options.n_fast):
        for series, spikes in zip(seconds, batches, strict=True):
            series.append(clock(network.spike_times, spikes) / n_samples)
    medians = 1e6 * np.median(seconds, axis=1)
    slope, intercept = np.polyfit(counts, medians, 1)
    each = ", ".join(f"{x:.1f}" for x in medians)
    row(
        "forward 784-350, affine",
        100 * intercept / medians[-1],
        20,
        f"{each} us per sample with {', '.join(map(str, counts))} active inputs: "
        f"{intercept:.2f} us + {1e3 * slope:.2f} ns x inputs",
        unit=" %",
    )


PEAK_PROGRAM = r"""
#include <stdio.h>
#include <time.h>
#define CHAINS 12
typedef float vec __attribute__((vector_size(BYTES)));
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
int main(void)
{
    volatile float seed = 1;
    vec sum[CHAINS], factor = (vec){0} + seed * 0.999f, term = (vec){0} + seed * 0.001f;
    const long n = 10000000L;
    for (int c = 0; c < CHAINS; ++c) sum[c] = (vec){0} + seed * (float)c;
    const double start = now();
    for (long k = 0; k < n; ++k) {
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; ++c) sum[c] = sum[c] * factor + term;
    }
    const double seconds = now() - start;
    float total = 0;
    for (int c = 0; c < CHAINS; ++c) total += sum[c][0];
    printf("%.6g %g\n", (double)n * CHAINS * (BYTES / 4) / seconds, total);
    return 0;
}
"""

PEAK_FLAGS = {
    "avx512": ["-mavx512f", "-DBYTES=64"],
    "avx2": ["-mavx2", "-mfma", "-DBYTES=32"],
    "baseline": ["-DBYTES=16"],
}


def build_peak(folder):
    """The program that measures the peak rate; None without a compiler."""
    compiler = os.environ.get("CC") or which("cc") or which("gcc") or which("clang")
    if compiler is None:
        return None
    source, program = Path(folder) / "peak.c", Path(folder) / "peak"
    source.write_text(PEAK_PROGRAM)
    flags = ["-O3", "-ffp-contract=fast", *PEAK_FLAGS[_core.simd()]]
    command = [*compiler.split(), *flags, source, "-o", program]
    subprocess.run(command, check=True)
    return program


def rows_kernel(options):
    work = "forward 784-350, of peak rate"
    X, y, X_test, _ = mnist(options.n_train)
    clf = spiking(350, 80, 0)(2).fit(X, y)
    spikes = clf.encode(X_test)
    weights = clf.coefs_[0]
    n_out = weights.shape[1]
    quiet, trained = layer(1e-4 * weights), layer(weights)
    times = trained.spike_times(spikes)[0]
    assert not np.isfinite(quiet.spike_times(spikes)[0]).any()

    # Inputs ahead of each spike, counted sample by sample.
    rows = zip(spikes.begin.tolist(), spikes.end.tolist(), strict=True)
    n_quiet = spikes.n_spikes * n_out
    n_causal = sum(
        int(np.searchsorted(spikes.times[begin:end], times[s]).sum())
        for s, (begin, end) in enumerate(rows)
    )
    rates = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        program = build_peak(folder)
        for _ in range(options.n_fast):
            rates[0].append(n_quiet / clock(quiet.spike_times, spikes))
            if program is not None:
                out = subprocess.run([program], check=True, capture_output=True)
                rates[1].append(float(out.stdout.split()[0]))
            rates[2].append(n_causal / clock(trained.spike_times, spikes))
    events, peak, causal = [np.median(series) / 1e9 for series in map(_or_nan, rates)]
    details = (
        f"{events:.2f}e9 events/s, {n_quiet / len(X_test):.0f} per sample"
        f"; trained: >= {causal:.2f}e9 events/s, "
        f"{100 * n_causal / n_quiet:.0f} % of them causal"
    )
    if program is None:
        return skipped(work, f"there is no C compiler; {details}")
    return row(
        work,
        100 * FMA_PER_EVENT * ratio(rates[0], rates[1]),
        30,
        f"peak {peak:.1f}e9 FMA/s; {details} "
        f"({100 * FMA_PER_EVENT * ratio(rates[2], rates[1]):.0f} % of peak)",
        at_least=True,
        unit=" %",
    )


def _or_nan(series):
    return series or [np.nan]


def save_mnist(folder, options):
    X, y, *_ = mnist(options.n_train)
    np.save(f"{folder}/X.npy", X)
    np.save(f"{folder}/y.npy", y.astype(np.int64))
    return X.nbytes


def rows_memory(options):
    with tempfile.TemporaryDirectory() as folder:
        size = save_mnist(folder, options)
        memory = result(start("memory", 1, folder=folder))
    row(
        "MNIST fit, peak memory",
        memory["peak"] / MB,
        size / MB + 300,
        f"data {size / MB:.0f} MB; before they are loaded "
        f"{memory['before'] / MB:.0f} MB",
        unit=" MB",
    )


def rows_text(options):
    X, y = text(options.n_text)
    with tempfile.TemporaryDirectory() as folder:
        save_npz(f"{folder}/text.npz", X)
        np.save(f"{folder}/labels.npy", y)
        out = result(start("text", 1, folder=folder, epochs=options.text_epochs))
    n_samples, n_features = out["shape"]
    row(
        "text, sparse, epoch",
        out["seconds"],
        None,
        f"{n_samples} x {n_features}, {X.nnz / X.shape[0]:.0f} stored per row, "
        f"(100,) hidden; test accuracy {out['accuracy']:.1f} % after "
        f"{options.text_epochs[1]} epochs",
        unit=" s",
    )
    row(
        "the same, peak memory",
        out["peak"] / MB,
        2000,
        f"before the data are loaded {out['before'] / MB:.0f} MB",
        unit=" MB",
    )


ROWS = {
    name.removeprefix("rows_"): function
    for name, function in list(globals().items())
    if name.startswith("rows_")
}


def header(options, is_quick):
    print(
        f"{_common.machine()}\n"
        f"sizes: MNIST {options.n_train} samples, Yin-Yang 5000, text "
        f"{options.n_text}; {options.n_pairs} pairs of each comparison"
    )
    _common.print_environment()
    if is_quick:
        print(
            "QUICK: fewer samples, epochs and repetitions; neither figures nor "
            "accuracies are those of the full run"
        )
    print()
    line("work", "figure", "target", "verdict", "details")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller and less exact")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="NAME", default=ROWS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    # All fits end by their number of epochs, as they should.
    warnings.simplefilter("ignore", ConvergenceWarning)
    if args.child:
        name, arguments = args.child
        out = globals()[f"child_{name}"](**json.loads(arguments))
        print(json.dumps(out))
        return
    options = QUICK if args.quick else FULL
    header(options, args.quick)
    with threadpool_limits(1):
        if _core.n_threads() != 1:
            print("threadpoolctl does not reach the threads of ttfs: no measurements")
            return
        for name, measure in ROWS.items():
            if name not in args.only:
                continue
            try:
                measure(options)
            except Exception as error:
                traceback.print_exc()
                skipped(name, f"it failed: {error!r}")
    print(f"\n{EXPLANATION}")


if __name__ == "__main__":
    main()
