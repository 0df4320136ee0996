"""Times of the parts of the C core, for each instruction set and both precisions.

    pytest benchmarks/bench_kernels.py

A pytest-benchmark suite on one thread: `--benchmark-autosave` and
`--benchmark-compare` show what a change has cost or gained. Needs the extras `bench`
and `test`.
"""

import numpy as np
import pytest
from _common import trainer_of
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

import ttfs
from ttfs import LIF, TTFSClassifier
from ttfs import core as _core
from ttfs.datasets import make_yin_yang

N_IN, N_OUT = 784, 350
ACTIVE = 0.2  # of the pixels of an image


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True, params=_core.simd_available())
def simd(request):
    """An instruction set, ahead of all that a benchmark prepares."""
    before = _core.simd()
    _core.use_simd(request.param)
    yield request.param
    _core.use_simd(before)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def images(n_samples, dtype):
    """Random features with as many zeros as images of digits have, in ten classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=n_samples)
    likely = rng.random((10, N_IN)) < 2 * ACTIVE
    shown = likely[y] & (rng.random((n_samples, N_IN)) < 0.5)
    X = np.where(shown, rng.uniform(0.1, 1.0, shown.shape), 0.0)
    return X.astype(dtype), y


def layer(dtype, n_samples=100):
    """Input times, weights with which most neurons fire, and the neuron."""
    X, _ = images(n_samples, dtype)
    times = np.where(X > 0, 1 - X, np.inf).astype(dtype)
    rng = np.random.default_rng(1)
    n_active = ACTIVE * N_IN
    spread = 2.5 / np.sqrt(n_active)
    weights = rng.normal(6 / n_active, spread, (N_IN, N_OUT)).astype(dtype)
    return times, weights, LIF()


def classifier(data, hidden, batch_size, dtype):
    """A network after one epoch."""
    clf = TTFSClassifier(
        (hidden,),
        arithmetic=dtype,
        batch_size=batch_size,
        encoder="latency",
        input_dropout=0.0,
        max_iter=1,
        random_state=0,
    )
    return clf.fit(*data)


def epoch(benchmark, data, hidden, batch_size, dtype):
    """Time an epoch from the same weights each time, encoding not included."""
    X, y = data
    clf = classifier(data, hidden, batch_size, dtype)
    spikes = clf.encode(X)
    labels = y.astype(np.uintp)
    factors = np.ones(len(y))
    order = np.random.default_rng(2).permutation(len(y)).astype(np.uintp)
    rates = np.full(-(-len(y) // batch_size), 0.005)

    def prepare():
        return (trainer_of(clf, batch_size),), {}

    def run(trainer):
        return trainer.epoch(spikes, labels, factors, order, batch_size, rates)

    loss = benchmark.pedantic(run, setup=prepare, rounds=5, warmup_rounds=1)
    assert np.isfinite(loss)


def test_first_spike(benchmark, dtype):
    times, weights, neuron = layer(dtype)
    spikes = benchmark(ttfs.first_spike, times, weights, neuron)
    assert np.isfinite(spikes).mean() > 0.5


def test_first_spike_vjp(benchmark, dtype):
    times, weights, neuron = layer(dtype)
    spikes = ttfs.first_spike(times, weights, neuron)
    cotangent = np.where(np.isfinite(spikes), 1, 0).astype(dtype)
    grad_times, grad_weights = benchmark(
        ttfs.first_spike_vjp, times, weights, spikes, cotangent, neuron
    )
    assert grad_times.shape == times.shape
    assert grad_weights.shape == weights.shape


@pytest.mark.parametrize("storage", ["dense", "csr"])
def test_encode(benchmark, dtype, storage):
    X, y = images(1000, dtype)
    clf = classifier((X, y), 10, 50, dtype)
    if storage == "csr":
        X = csr_array(X)
    assert len(benchmark(clf.encode, X)) == len(y)


def test_epoch_images(benchmark, dtype):
    epoch(benchmark, images(2000, dtype), N_OUT, 80, dtype)


def test_epoch_yin_yang(benchmark, dtype):
    X, y = make_yin_yang(5000, random_state=42)
    epoch(benchmark, (X.astype(dtype), y), 120, 150, dtype)


def test_predict_images(benchmark, dtype):
    X, y = images(1000, dtype)
    clf = classifier((X, y), N_OUT, 80, dtype)
    assert len(benchmark(clf.predict, X)) == len(y)


def test_predict_yin_yang(benchmark, dtype):
    X, y = make_yin_yang(1000, random_state=40)
    clf = classifier((X.astype(dtype), y), 120, 150, dtype)
    assert len(benchmark(clf.predict, X)) == len(y)
