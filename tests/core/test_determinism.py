"""Bits of training depend on nothing that they should not depend on."""

import copy

import numpy as np
import pytest
import twin
from numpy.testing import assert_array_equal
from training import (
    LOSSES,
    PSEUDO_SLOPE,
    T_MAX,
    TRAINING,
    all_arrays,
    assert_same_with_threads,
    assert_weights_close,
    make_data,
    make_layers,
    run_both,
    trainers,
    units_of,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer

pytestmark = pytest.mark.usefixtures("every_simd")


@pytest.fixture(params=[3, 5])
def large_case(request):
    """Batches large enough for threads; samples share vectors with up to 4 outputs."""
    layers = make_layers(LIF(), (30, 130, 70, request.param), np.float32)
    times, labels, factors = make_data(400, 30, request.param, np.float32)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    return layers, times, labels, factors, spikes


@pytest.mark.parametrize("loss", [LOSSES["early"], {"kind": "target_times"}], ids=str)
def test_bits_do_not_depend_on_threads(large_case, loss, monkeypatch):
    layers, _, targets, factors, spikes = large_case
    if loss["kind"] == "target_times":
        shape = 400, layers[-1].weights.shape[1]
        targets = np.random.default_rng(1).uniform(0.3, 2, shape)
    order = np.random.default_rng(0).permutation(400).astype(np.uintp)

    def compute():
        core, _ = trainers(layers, loss, dropout=0.2, may_drop=np.ones(30, bool))
        value = core.epoch(spikes, targets, factors, order, 150, np.full(3, 0.01))
        return [value, *all_arrays(core, spikes)]

    assert_same_with_threads(monkeypatch, compute)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_of_a_sample_do_not_depend_on_its_neighbours(dtype):
    layers = make_layers(LIF(2.0, 1.0), (12, 40, 3), dtype)
    times, _, _ = make_data(300, 12, 3, dtype)
    network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)

    def run(rows):
        spikes = twin.spikes_of(times[rows], layers[0].bias_times, T_MAX)
        return [
            *network.spike_times(spikes),
            network.decisions(spikes),
            network.labels(spikes),
        ]

    whole = run(slice(None))
    for rows in (slice(0, 1), slice(127, 131), slice(299, None), slice(None, None, 3)):
        for a, b in zip(whole, run(rows), strict=True):
            assert_array_equal(a[rows], b)


def test_batch_does_not_depend_on_the_rest_of_the_data():
    # Samples of the data set that are in no batch, and larger ones, change nothing.
    layers = make_layers(LIF(), (12, 40, 3), np.float32)
    times, labels, factors = make_data(50, 12, 3, np.float32)
    order, rates = np.arange(20, dtype=np.uintp), np.full(4, 0.01)
    results = []
    for n in (20, 50):
        core, _ = trainers(layers, LOSSES["early"])
        spikes = twin.spikes_of(times[:n], layers[0].bias_times, T_MAX)
        core.epoch(spikes, labels[:n], factors[:n], order, 5, rates)
        results.append(core.weights())
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_state_is_all_that_is_needed_to_go_on(dtype):
    layers = make_layers(LIF(), (12, 40, 3), dtype)
    times, labels, factors = make_data(50, 12, 3, dtype)
    times[:25, 3] = np.inf  # its clock falls behind
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    first, second = (np.arange(25 * k, 25 * k + 25, dtype=np.uintp) for k in range(2))
    rates = np.full(5, 0.01)
    core, _ = trainers(layers, LOSSES["early"])
    core.epoch(spikes, labels, factors, first, 5, rates)
    kept = core.weights(), core.state()
    copied = copy.deepcopy(kept)
    loss = core.epoch(spikes, labels, factors, second, 5, rates)

    # What was handed out has not changed since.
    for a, b in zip(kept[0], copied[0], strict=True):
        assert_array_equal(a, b)
    again = [
        Layer(weights, layer.bias_times, layer.neuron)
        for weights, layer in zip(kept[0], layers, strict=True)
    ]
    resumed = _core.Trainer(
        again,
        T_MAX,
        PSEUDO_SLOPE,
        units=units_of(layers),
        loss=LOSSES["early"],
        state=kept[1],
        **TRAINING,
    )
    assert resumed.epoch(spikes, labels, factors, second, 5, rates) == loss
    for a, b in zip(core.weights(), resumed.weights(), strict=True):
        assert_array_equal(a, b)
    for name in ("moments", "steps"):
        for k in range(2):
            ours, theirs = core.state()[name][k], resumed.state()[name][k]
            kept_now, kept_then = kept[1][name][k], copied[1][name][k]
            for n in range(2):
                assert_array_equal(ours[n], theirs[n])
                assert_array_equal(kept_now[n], kept_then[n])


def test_epochs_of_other_sizes_may_follow():
    # Memory is allocated once, and again when it does not suffice.
    layers = make_layers(LIF(), (12, 40, 3))
    data = make_data(50, 12, 3)
    core, slow = trainers(layers, LOSSES["early"])
    for batch_size in (1, 30, 4, 50, 1000):
        run_both(core, slow, data, batch_size, n_epochs=1)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("neuron", [LIF(), LIF(2.0, 1.0), LIF(3.0, 1.0)], ids=str)
def test_bits_of_a_neuron_do_not_depend_on_its_neighbours(neuron, dtype):
    # Inputs are few and far apart, and many peaks are close to the threshold: spike
    # times take many steps, in which neurons change their places in vectors.
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 3, (19, 6)), axis=1).astype(dtype)
    times[:, 2] = times[:, 3] = times[:, 4]
    n_out = 130
    weights = rng.normal(0.6, 0.5, (6, n_out)).astype(dtype)
    lone = rng.random(n_out) < 0.4
    weights[1:, lone] = 0  # a single input, whose peak is the threshold or near it
    peak = float(neuron.kappa(neuron.peak_delay))
    weights[0, lone] = (1 + rng.choice([-1e-3, 0, 1e-6, 1e-3], lone.sum())) / peak
    spikes = _core.spikes_at(times, (), 20.0)

    def fire(columns):
        layer = Layer(np.ascontiguousarray(weights[:, columns]), np.empty(0), neuron)
        return _core.Simulator([layer], 20.0, 0.0).spike_times(spikes)[0]

    together = fire(slice(None))
    assert 0.3 < np.isfinite(together).mean() < 0.99
    for begin, size in ((0, 1), (1, 3), (4, 17), (21, 40), (61, 69)):
        columns = slice(begin, begin + size)
        assert_array_equal(fire(columns), together[:, columns])


def make_lists(n_samples, n_in):
    """Times of lists of all lengths, with runs of inputs at one time that begin and end
    anywhere. Every fifth sample takes so long that its sums get another reference."""
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 2, (n_samples, n_in))
    for s, row in enumerate(times):
        first, many = rng.integers(0, n_in - 25), rng.integers(0, 25)
        row[first : first + many] = row[first]
        row[rng.random(n_in) < s / n_samples] = np.inf
    times[::5] *= 9
    times[-3:] = np.inf
    return times.astype(np.float32)


@pytest.mark.parametrize("neuron", [LIF(), LIF(2.0, 1.0), LIF(3.0, 1.0)], ids=str)
def test_bits_of_few_neurons_do_not_depend_on_samples_and_neighbours(neuron):
    times = make_lists(83, 70)
    weights = np.random.default_rng(1).normal(0.15, 0.3, (70, 40)).astype(np.float32)

    def fire(rows, columns):
        spikes = _core.spikes_at(times[rows], (), 20.0)
        layer = Layer(np.ascontiguousarray(weights[:, columns]), np.empty(0), neuron)
        return _core.Simulator([layer], 20.0, 0.0).spike_times(spikes)[0]

    together = fire(slice(None), slice(None))
    assert 0.3 < np.isfinite(together).mean() < 0.99
    for begin, size in ((0, 1), (1, 2), (3, 3), (6, 4)):
        columns = slice(begin, begin + size)
        for rows in (slice(None), slice(5, 6), slice(30, 35), slice(None, None, 7)):
            assert_array_equal(fire(rows, columns), together[rows, columns])


def test_gradients_of_times_do_not_depend_on_neurons_without_a_gradient():
    rng = np.random.default_rng(1)
    times = make_lists(83, 70)
    batch = _core.LayerBatch(times, LIF(), 20.0)
    weights = rng.normal(0.15, 0.3, (70, 40)).astype(np.float32)
    at = rng.uniform(0.5, 20, (83, 40)).astype(np.float32)
    at[:, 1] = times[:, 7]  # peaks at the time of an input
    c, kink = rng.normal(size=(2, 83, 40)).astype(np.float32)
    for size in (4, 3, 2, 1):
        c[:, size:] = kink[:, size:] = 0
        few = [np.ascontiguousarray(x[:, :size]) for x in (weights, at, c, kink)]
        grads = batch.grad_times(*few[:3])
        assert np.count_nonzero(grads) > 1000
        assert_array_equal(grads, batch.grad_times(weights, at, c))
        assert_array_equal(
            batch.grad_times(*few), batch.grad_times(weights, at, c, kink)
        )
