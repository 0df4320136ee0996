"""Limits of the weights in training."""

import numpy as np
import pytest
import twin
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    T_MAX,
    assert_weights_close,
    make_data,
    make_layers,
    run_both,
    trainers,
)

from ttfs import LIF
from ttfs.model import Layer
from ttfs.model.initial_weights import weight_unit

LIMITS = [0.7, 0.4]


def limited_layers(dtype=np.float64):
    layers = make_layers(LIF(), (8, 40, 3), dtype)
    for layer, limit in zip(layers, LIMITS, strict=True):
        layer.weights = layer.weights.clip(-limit, limit)
    return layers


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weight_decay": 5.0, "rests": [0.9, -0.6]},
        {"dropout": 0.3, "may_drop": np.ones(8, bool)},
        {"local": {"kernel": "table", "feedback": "symmetric"}},
    ],
    ids=["adam", "rests beyond", "lazy rows", "local"],
)
def test_weights_stay_within_their_limits_as_in_the_twin(changes):
    layers = limited_layers()
    core, slow = trainers(layers, LOSSES["early"], limits=LIMITS, **changes)
    run_both(core, slow, make_data(40, 8, 3), 8)
    assert_weights_close(core, slow, layers, 1e-9)
    n_arrived = 0
    for weights, layer, limit in zip(core.weights(), layers, LIMITS, strict=True):
        is_there = np.abs(weights) == limit
        assert np.abs(weights).max() == limit
        assert np.any((np.abs(layer.weights) == limit) & ~is_there)  # some leave it
        n_arrived += np.count_nonzero((np.abs(layer.weights) < limit) & is_there)
    assert n_arrived > 3


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_out_of_reach_change_no_bit(dtype):
    layers, results = limited_layers(dtype), []
    data = make_data(40, 8, 3, dtype)
    spikes = twin.spikes_of(data[0], layers[0].bias_times, T_MAX)
    order, rates = np.arange(40, dtype=np.uintp), np.full(5, 0.02)
    for limits in (None, [np.inf, np.inf], [1e9, 1e300]):
        core, _ = trainers(layers, LOSSES["early"], limits=limits)
        core.epoch(spikes, *data[1:], order, 8, rates)
        results.append(core.weights())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


@pytest.mark.usefixtures("every_simd")
def test_limit_of_a_synapse():
    # Each of the first steps of Adam is the learning rate, whatever the gradient.
    layer = Layer(np.array([[1.6]]), np.empty(0), LIF(np.inf))
    for target, expected in ((0.1, 1.61), (9.0, 1.4)):
        loss = {"kind": "squared_error", "target_label": target}
        changes = {"weight_decay": 0.0, "epsilon": 1e-12, "silence_penalty": 0.0}
        core, _ = trainers([layer], loss, limits=[1.61], **changes)
        spikes = twin.spikes_of(np.zeros((1, 1)), layer.bias_times, T_MAX)
        zero, rates = np.zeros(1, np.uintp), np.full(1, 0.2)
        core.epoch(spikes, zero, np.ones(1), zero, 1, rates / weight_unit(layer.neuron))
        assert_allclose(core.weights()[0][0, 0], expected, rtol=1e-9)


@pytest.mark.parametrize("limits", [[0.7], [0.7, 0.0], [0.7, -1.0], [0.7, np.nan]])
def test_limits_must_be_positive(limits):
    with pytest.raises(ValueError, match="limits must be positive, one for each"):
        trainers(limited_layers(), LOSSES["early"], limits=limits)


def test_weights_must_be_within_their_limits_at_first():
    with pytest.raises(ValueError, match=r"weights of layer 1 are beyond 0\.39"):
        trainers(limited_layers(), LOSSES["early"], limits=[0.7, 0.39])
    trainers(limited_layers(np.float32), LOSSES["early"], limits=LIMITS)
