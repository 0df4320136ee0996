"""Whole networks in C: spike times, decisions and labels."""

import numpy as np
import pytest
import twin
from cases import diagonal
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    NEURONS,
    PSEUDO_SLOPE,
    T_MAX,
    assert_weights_close,
    make_data,
    make_layers,
    run_both,
    trainers,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer

pytestmark = pytest.mark.usefixtures("every_simd")


@pytest.mark.parametrize(
    ("neuron", "dtype"), diagonal(NEURONS, [np.float64, np.float32])
)
def test_network_is_its_layers_one_after_the_other(neuron, dtype):
    times, _, _ = make_data(200, 9, 5, dtype)
    n_fired = []
    for factor in (0.1, 1.0, 10.0):
        layers = make_layers(neuron, (9, 70, 21, 5), dtype)
        layers[-1].weights *= factor
        spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
        network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
        passes = twin.forward(layers, times, T_MAX)
        for got, did in zip(network.spike_times(spikes), passes, strict=True):
            assert got.dtype == dtype
            assert_array_equal(got, did.spikes)
        decisions = network.decisions(spikes)
        assert decisions.dtype == np.float64
        expected = twin.decision_times(passes[-1], T_MAX, PSEUDO_SLOPE)
        fired = passes[-1].fired
        assert_array_equal(decisions[fired], expected[fired])
        rtol = 1e-13 if dtype == np.float64 else 1e-6
        assert_allclose(decisions, expected, rtol=rtol)
        assert_array_equal(network.labels(spikes), decisions.argmin(axis=1))
        n_fired.extend(fired.sum(axis=1))
    # Decided by spikes, by the peaks of silent neurons, and by both.
    assert 0 in n_fired
    assert {1, 2, 3, 4} & set(n_fired)
    assert max(n_fired) >= 3


def test_first_of_equal_decisions_is_the_label():
    weights = np.array([[1.0, 3.0, 3.0, 3.0]])
    layer = Layer(weights, np.empty(0), LIF())
    spikes = twin.spikes_of(np.array([[0.0], [np.inf]]), [], T_MAX)
    network = _core.Simulator([layer], T_MAX, PSEUDO_SLOPE)
    assert_array_equal(network.labels(spikes), [1, 0])
    assert_array_equal(network.decisions(spikes)[1], T_MAX + PSEUDO_SLOPE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_are_copied_and_come_back_as_they_were(dtype):
    for sizes in ((3, 1), (2, 7, 130), (1, 64, 33)):
        layers = make_layers(LIF(), sizes, dtype)
        network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
        assert network.shapes == [layer.weights.shape for layer in layers]
        assert network.n_outputs == sizes[-1]
        kept = [layer.weights.copy() for layer in layers]
        for layer in layers:
            layer.weights[:] = 7.0
        for got, expected in zip(network.weights(), kept, strict=True):
            assert got.dtype == dtype
            assert_array_equal(got, expected)


def test_no_samples():
    layers = make_layers(LIF(), (4, 6, 3))
    spikes = twin.spikes_of(np.empty((0, 4)), layers[0].bias_times, T_MAX)
    core, _ = trainers(layers, LOSSES["early"])
    none, factors = np.empty(0, np.uintp), np.empty(0)
    assert [times.shape for times in core.spike_times(spikes)] == [(0, 6), (0, 3)]
    assert core.decisions(spikes).shape == (0, 3)
    assert core.labels(spikes).shape == (0,)
    assert core.epoch(spikes, none, factors, none, 5, np.empty(0)) == 0.0
    for weights, layer in zip(core.weights(), layers, strict=True):
        assert_array_equal(weights, layer.weights)


def test_samples_without_spikes_train_what_they_can():
    layers = [
        Layer(layer.weights[:-3], np.empty(0), layer.neuron)
        for layer in make_layers(LIF(), (4, 6, 3))
    ]
    layers[0].weights *= 10
    times, labels, factors = make_data(12, 4, 3)
    times[::2] = np.inf
    core, slow = trainers(layers, LOSSES["early"])
    run_both(core, slow, (times, labels, factors), 3)
    assert_weights_close(core, slow, layers, 1e-10)
