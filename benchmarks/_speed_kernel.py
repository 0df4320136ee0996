"""Rows of speed.py on the kernel alone: a layer through which encoded spikes pass."""

import os
import subprocess
import tempfile
from pathlib import Path
from shutil import which

import numpy as np
from _common import clock
from _speed_measure import mnist, ratio, spiking
from _speed_table import row, skipped

from ttfs import LIF
from ttfs import core as _core
from ttfs.substrates import Layer

FMA_PER_EVENT = 3  # two running sums, and the line that may cross


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
        [20],
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
        [30],
        f"peak {peak:.1f}e9 FMA/s; {details} "
        f"({100 * FMA_PER_EVENT * ratio(rates[2], rates[1]):.0f} % of peak)",
        at_least=True,
        unit=" %",
    )


def _or_nan(series):
    return series or [np.nan]
