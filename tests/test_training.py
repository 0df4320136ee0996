"""Whole networks and epochs of training in C, against the twin in Python."""

import copy
import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import twin
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from ttfs import LIF, _core
from ttfs.model import Layer
from ttfs.model.initial_weights import initial_weights, weight_unit

NEURONS = {
    "equal": LIF(),
    "double": LIF(2.0, 1.0),
    "long membrane": LIF(7.0, 1.5, 1.3),
    "short membrane": LIF(0.4, 1.0, 0.5),
    "almost equal": LIF(1.0 + 1e-9, 1.0),
    "nonleaky": LIF(np.inf, 1.0),
}
LOSSES = {
    "cross-entropy": {"kind": "cross_entropy", "time_scale": 0.3},
    "early": {
        "kind": "cross_entropy",
        "time_scale": 0.3,
        "early": 0.2,
        "early_scale": 1.5,
    },
    "squared error": {
        "kind": "squared_error",
        "target_label": 0.8,
        "target_other": 1.4,
    },
    "shift-invariant": {
        "kind": "shift_invariant",
        "target_label": 0.8,
        "target_other": 1.4,
    },
}
T_MAX = 2.5
PSEUDO_SLOPE = 2.0
TRAINING = {
    "floor": 0.3,
    "existence": 0.1,
    "tolerated": 0.15,
    "beta_1": 0.9,
    "beta_2": 0.99,
    # So large that rounding of tiny gradients does not grow.
    "epsilon": 1e-3,
    "weight_decay": 0.1,
}


def make_layers(neuron, sizes, dtype=np.float64, *, drive=3.0, spread=3.0, seed=0):
    """Layers with a bias at 0.1, one at 0.6, and one that comes too late."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weights = initial_weights(
            rng, n_in + 3, n_out, n_in + 2, neuron, drive=drive, spread=spread
        )
        bias_times = np.array([0.1, 0.6, T_MAX])
        layers.append(Layer(weights.astype(dtype), bias_times, neuron))
    return layers


def make_data(n_samples, n_in, n_classes, dtype=np.float64, seed=1):
    """Times on a grid, with ties; some absent, some at and after the horizon."""
    rng = np.random.default_rng(seed)
    times = rng.integers(0, 64, (n_samples, n_in)) / 32.0
    times[rng.random(times.shape) < 0.15] = np.inf
    times[rng.random(times.shape) < 0.03] = T_MAX
    times[rng.random(times.shape) < 0.03] = T_MAX + 1.0
    labels = rng.integers(0, n_classes, n_samples).astype(np.uintp)
    factors = rng.uniform(0.5, 2.0, n_samples)
    return times.astype(dtype), labels, factors


def units_of(layers):
    return [weight_unit(layer.neuron) * (1.0 + k) for k, layer in enumerate(layers)]


def trainers(layers, loss, **changes):
    """The trainer of the core, and its twin on weights of its own."""
    parameters = TRAINING | changes
    units = units_of(layers)
    core = _core.Trainer(
        layers, T_MAX, PSEUDO_SLOPE, units=units, loss=loss, **parameters
    )
    slow = twin.Trainer(
        copy.deepcopy(layers), T_MAX, PSEUDO_SLOPE, units, loss, **parameters
    )
    return core, slow


def assert_weights_close(core, slow, layers, rtol):
    """The weights agree, relative to what training has moved them by."""
    for k, weights in enumerate(core.weights()):
        moved = np.abs(slow.layers[k].weights - layers[k].weights).max()
        assert moved > 0
        expected = slow.layers[k].weights
        assert_allclose(weights, expected, rtol=0, atol=rtol * moved)


def run_both(core, slow, data, batch_size, n_epochs=2, rate=0.02, measures=None):
    """Train both; measures are what fires in their place, one for each."""
    times, labels, factors = data
    ours, theirs = measures or (None, None)
    spikes = twin.spikes_of(times, slow.layers[0].bias_times, T_MAX)
    rng = np.random.default_rng(5)
    n_batches = -(-len(times) // batch_size)
    for _ in range(n_epochs):
        order = rng.permutation(len(times)).astype(np.uintp)
        rates = rng.uniform(0.5, 1.0, n_batches) * rate
        got = core.epoch(spikes, labels, factors, order, batch_size, rates, ours)
        expected = slow.epoch(times, labels, factors, order, batch_size, rates, theirs)
        assert_allclose(got, expected, rtol=1e-10 if core_is_double(core) else 1e-4)


def core_is_double(core):
    return core.weights()[0].dtype == np.float64


# ------------------------------------------------------------------ against the twin


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_epoch_equals_its_twin(neuron, loss):
    # Batches of 5, the last of 3; panels of one vector and of several, with padding.
    layers = make_layers(neuron, (9, 70, 21, 3))
    core, slow = trainers(layers, loss)
    run_both(core, slow, make_data(23, 9, 3), 5)
    assert slow.n_pulled > 10
    assert slow.n_kinks > 0
    assert_weights_close(core, slow, layers, 1e-10)
    # The bias that comes too late has never moved.
    for weights, layer in zip(core.weights(), layers, strict=True):
        assert_array_equal(weights[-1], layer.weights[-1])


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
@pytest.mark.parametrize("local", [False, True], ids=["exact", "local"])
def test_epoch_of_target_times_equals_its_twin(neuron, local):
    changes = {}
    if local:
        changes["local"] = {"kernel": "table", "feedback": "symmetric"}
    layers = make_layers(neuron, (9, 40, 21, 3))
    core, slow = trainers(layers, {"kind": "target_times"}, **changes)
    times, _, factors = make_data(23, 9, 3)
    targets = np.random.default_rng(3).uniform(0.3, 2, (23, 3))
    run_both(core, slow, (times, targets, factors), 5)
    assert_weights_close(core, slow, layers, 1e-9)


def test_the_same_target_for_all_samples_of_a_class_is_a_squared_error():
    times, labels, factors = make_data(23, 9, 3)
    targets = np.where(np.arange(3) == labels[:, None], 0.8, 1.4)
    layers = make_layers(LIF(), (9, 40, 3))
    results = []
    for loss, goals in (
        (LOSSES["squared error"], labels),
        ({"kind": "target_times"}, targets),
    ):
        core, _ = trainers(layers, loss)
        spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
        order, rates = np.arange(23, dtype=np.uintp), np.full(3, 0.02)
        value = core.epoch(spikes, goals, factors, order, 8, rates)
        results.append([np.array(value), *core.weights()])
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


def test_bad_target_times_do_not_reach_the_core():
    times, labels, factors = make_data(23, 9, 3)
    layers = make_layers(LIF(), (9, 40, 3))
    core, _ = trainers(layers, {"kind": "target_times"})
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(23, dtype=np.uintp), np.full(3, 0.02)
    good = np.ones((23, 3))
    for bad, message in (
        (np.ones((23, 2)), "targets must have shape"),
        (np.ones((22, 3)), "targets must have shape"),
        (np.where(np.arange(3) == 2, np.nan, good), "targets must be finite"),
        (labels, "dimensions"),
        (good.astype(np.float32), "dtype"),
    ):
        with pytest.raises(ValueError, match=message):
            core.epoch(spikes, bad, factors, order, 8, rates)
    feedback = [None, np.ones((40, 3))]
    with pytest.raises(ValueError, match="target feedback needs labels"):
        trainers(
            layers,
            {"kind": "target_times"},
            local={
                "kernel": "table",
                "feedback": "target",
                "feedback_weights": feedback,
            },
        )


@pytest.mark.usefixtures("every_simd")
def test_each_layer_has_its_own_neuron():
    layers = make_layers(LIF(), (9, 70, 21, 3))
    neurons = LIF(np.inf, 1.0), LIF(0.4, 1.0), LIF(2.0, 1.0)
    for layer, neuron in zip(layers, neurons, strict=True):
        layer.weights *= weight_unit(neuron) / weight_unit(layer.neuron)
        layer.neuron = neuron
    core, slow = trainers(layers, LOSSES["early"])
    times, *_ = data = make_data(23, 9, 3)
    run_both(core, slow, data, 5)
    assert slow.n_pulled > 10
    assert_weights_close(core, slow, layers, 1e-10)
    last = twin.forward(slow.layers, times, T_MAX)[-1]
    assert 0 < last.fired.mean() < 1
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    expected = twin.decision_times(last, T_MAX, PSEUDO_SLOPE)
    assert_allclose(core.decisions(spikes), expected, rtol=1e-10)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(
    "sizes", [(6, 3), (6, 1), (1, 1, 1), (4, 8, 16, 32, 5)], ids=str
)
def test_epoch_of_other_networks_equals_its_twin(sizes):
    layers = make_layers(LIF(1.7, 1.0), sizes)
    core, slow = trainers(layers, LOSSES["early"])
    run_both(core, slow, make_data(30, sizes[0], sizes[-1]), 7)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(
    "changes",
    [
        {"floor": 0.0},
        {"floor": 5.0},
        {"existence": 0.0},
        {"existence": 2.0, "tolerated": 0.6},
        {"tolerated": -1.0},
        {"beta_1": 0.0, "beta_2": 0.0},
        {"weight_decay": 0.0},
        {"weight_decay": 5.0},
        {"epsilon": 0.1},
        {"rests": [0.3, -0.2]},
        {"dropout": 0.3, "may_drop": np.arange(8) % 3 > 0, "seed": 2**64 - 1},
    ],
    ids=str,
)
def test_numbers_of_training_mean_what_they_mean_to_the_twin(changes):
    layers = make_layers(LIF(), (8, 40, 3))
    core, slow = trainers(layers, LOSSES["early"], **changes)
    run_both(core, slow, make_data(40, 8, 3), 8)
    assert_weights_close(core, slow, layers, 1e-9)
    other, _ = trainers(layers, LOSSES["early"])
    data = make_data(40, 8, 3)
    spikes = twin.spikes_of(data[0], layers[0].bias_times, T_MAX)
    order, rates = np.arange(40, dtype=np.uintp), np.full(5, 0.02)
    core, _ = trainers(layers, LOSSES["early"], **changes)
    for trainer in (core, other):
        trainer.epoch(spikes, *data[1:], order, 8, rates)
    assert not np.array_equal(core.weights()[0], other.weights()[0])


@pytest.mark.usefixtures("every_simd")
def test_large_batches_and_long_lists_equal_their_twin():
    # More samples than are worked on at a time, events of more than one segment.
    neuron = LIF(0.2, 0.15)
    layers = make_layers(neuron, (200, 20, 4))
    core, slow = trainers(layers, LOSSES["cross-entropy"])
    run_both(core, slow, make_data(300, 200, 4), 290, n_epochs=1)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_float32_trains_like_float64(neuron):
    single = make_layers(neuron, (9, 70, 21, 3), np.float32)
    layers = [
        Layer(layer.weights.astype(float), layer.bias_times, neuron) for layer in single
    ]
    times, labels, factors = make_data(24, 9, 3)
    _, slow = trainers(layers, LOSSES["early"])
    core, _ = trainers(single, LOSSES["early"])
    order, rates = np.arange(24, dtype=np.uintp), np.full(3, 0.01)
    spikes = twin.spikes_of(times.astype(np.float32), layers[0].bias_times, T_MAX)
    got = core.epoch(spikes, labels, factors, order, 8, rates)
    expected = slow.epoch(times, labels, factors, order, 8, rates)
    assert_allclose(got, expected, rtol=1e-4)
    assert_weights_close(core, slow, layers, 2e-3)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_agrees_with_its_equations(dtype):
    # One sample, one input, one neuron whose loss is its time: the gradient is known.
    neuron = LIF(np.inf, 1.0)
    layer = Layer(np.array([[2.0]], dtype), np.empty(0), neuron)
    loss = {"kind": "squared_error", "target_label": 0.0}
    numbers = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.2}
    changes = {"floor": 0.0, "existence": 0.0, "tolerated": 0.0} | numbers
    core = _core.Trainer([layer], 9.0, 1.0, units=[0.5], loss=loss, **changes)
    spikes = twin.spikes_of(np.zeros((1, 1), dtype), [], 9.0)
    w, m, v = 2.0, 0.0, 0.0
    for n in range(1, 6):
        # w (1 - exp(-t)) = 1; L = t^2 / 2; dt/dw = -(1 - exp(-t)) / (w exp(-t))
        t = -np.log1p(-1 / w)
        g = -t * (1 / w) / (w - 1)
        zero, one = np.zeros(1, np.uintp), np.ones(1)
        value = core.epoch(spikes, zero, one, zero, 1, np.array([0.1]))
        tolerance = 1e-12 if dtype == np.float64 else 2e-5
        assert_allclose(value, t**2 / 2, rtol=tolerance)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        step = m / (1 - 0.9**n) / (np.sqrt(v / (1 - 0.99**n)) + 1e-8)
        w = w * np.exp(-0.1 * 0.2) - 0.05 * step
        # Five steps: rounding is relative to their size.
        tolerance = 1e-12 if dtype == np.float64 else 1e-6
        assert_allclose(core.weights()[0], [[w]], rtol=0, atol=tolerance)
        state = core.state()
        tolerance = 1e-11 if dtype == np.float64 else 1e-4
        assert_allclose(np.ravel(state["moments"][0]), [m, v], rtol=tolerance)
        assert_array_equal(np.ravel(state["steps"][0]), [n, n])


# ------------------------------------------------------------------ sparse inputs


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_without_events_are_left_alone(dtype):
    n_in = 400
    layers = make_layers(LIF(), (n_in, 24, 3), dtype, drive=60.0, spread=20.0)
    rng = np.random.default_rng(0)
    times = np.full((20, n_in), np.inf, dtype)
    for s in range(20):
        # Input 7 in every batch of 5, input 9 in one, the others at random below 60.
        times[s, rng.choice(np.arange(10, 60), 5, replace=False)] = rng.uniform(0, 1, 5)
        if s % 5 == 2:
            times[s, 7] = 0.25
    times[3, 9] = 0.5
    times[0, 399] = T_MAX  # too late to count
    _, labels, factors = make_data(20, 1, 3)
    core, slow = trainers(layers, LOSSES["early"])
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(20, dtype=np.uintp), np.full(4, 0.01)
    core.epoch(spikes, labels, factors, order, 5, rates)
    slow.epoch(times, labels, factors, order, 5, rates)

    rtol = 1e-10 if dtype == np.float64 else 2e-3
    assert_weights_close(core, slow, layers, rtol)
    weights, state = core.weights()[0], core.state()
    touched = np.append(np.any(times < T_MAX, axis=0), [True, True, False])
    assert 30 < touched.sum() < 60
    assert_array_equal(weights[~touched], layers[0].weights[~touched])
    assert np.all(weights[touched] != layers[0].weights[touched])
    last = slow.optimizers[0].touched
    assert (last[7], last[9], last[399]) == (4, 1, 0)
    assert len(set(last)) == 5  # some rows have steps to make up for
    for moment, slow_moment in zip(
        state["moments"][0], (slow.optimizers[0].m, slow.optimizers[0].v), strict=True
    ):
        assert not moment[~touched].any()
        scale = np.abs(slow_moment).max()
        assert_allclose(moment, slow_moment, rtol=0, atol=rtol * scale)
    step, last_of_core = state["steps"][0]
    assert_array_equal(step, [4])
    assert_array_equal(last_of_core, last)


@pytest.mark.usefixtures("every_simd")
def test_hidden_neuron_that_never_fires_keeps_its_outgoing_row():
    layers = make_layers(LIF(), (5, 12, 3))
    layers[0].weights[:, 4] = -1.0
    core, slow = trainers(layers, LOSSES["early"], existence=0.0)
    run_both(core, slow, make_data(12, 5, 3), 4)
    assert_weights_close(core, slow, layers, 1e-10)
    assert_array_equal(core.weights()[1][4], layers[1].weights[4])
    assert core.state()["steps"][1][1][4] == 0


# ------------------------------------------------------------------ determinism


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_decay_to_their_rest(dtype):
    # No sample has a gradient: the output neuron's input comes after the horizon.
    layers = make_layers(LIF(), (4, 3), dtype)
    core, _ = trainers(layers, LOSSES["early"], weight_decay=5.0, rests=[0.25])
    times = np.zeros((6, 4), dtype)
    labels, factors = np.zeros(6, np.uintp), np.zeros(6)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(6, dtype=np.uintp), np.array([0.02, 0.01, 0.03])
    core.epoch(spikes, labels, factors, order, 2, rates)
    kept = np.exp(-5.0 * rates.sum())
    start, got = layers[0].weights[:6], core.weights()[0][:6]  # inputs, two biases
    assert_allclose(got - 0.25, kept * (start - 0.25), rtol=0, atol=1e-6)


# ------------------------------------------------------------------ limits


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
        changes = {"weight_decay": 0.0, "epsilon": 1e-12, "existence": 0.0}
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


# ------------------------------------------------------------------ dropout


def n_deleted(dropout, may_drop, seed, n_samples=64, n_in=50):
    """How often each input was deleted from batches of one epoch.

    A weight without gradient decays in each batch that its input is in.
    """
    layers = make_layers(LIF(), (n_in, 2))
    core, _ = trainers(
        layers,
        LOSSES["early"],
        weight_decay=1.0,
        dropout=dropout,
        may_drop=may_drop,
        seed=seed,
    )
    times = np.zeros((n_samples, n_in))
    labels, factors = np.zeros(n_samples, np.uintp), np.zeros(n_samples)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(n_samples, dtype=np.uintp), np.full(n_samples, 1e-3)
    core.epoch(spikes, labels, factors, order, 1, rates)
    touched = core.state()["steps"][0][1]
    kept = np.log(core.weights()[0] / layers[0].weights)[:, 0] / -1e-3
    # Lazy rows: those of the batches since they were last in one are to come.
    assert_allclose(kept, touched, atol=1e-6)
    return touched


@pytest.mark.usefixtures("every_simd")
def test_dropout_deletes_its_share_of_the_spikes_that_may_go():
    # The last batch with an input is n - 1 - k, k geometric with mean p / (1 - p).
    may_drop = np.arange(50) < 40
    missed = [64 - n_deleted(0.4, may_drop, seed) for seed in range(20)]
    assert (np.array(missed)[:, 40:52] == 0).all()  # other inputs, and biases
    assert_allclose(np.mean(np.array(missed)[:, :40]), 0.4 / 0.6, atol=0.15)  # 4 sigma
    assert np.std(np.mean(missed, axis=0)[:40]) < 0.5  # no input is preferred
    again = 64 - n_deleted(0.4, may_drop, 3)
    assert_array_equal(again, missed[3])
    assert not np.array_equal(missed[3], missed[4])


@pytest.mark.parametrize("dropout", [-0.1, 1.0, np.nan])
def test_dropout_must_be_a_probability_below_1(dropout):
    layers = make_layers(LIF(), (8, 3))
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\)"):
        trainers(layers, LOSSES["early"], dropout=dropout, may_drop=np.ones(8, bool))


def test_what_may_be_dropped_is_said_for_each_channel():
    layers = make_layers(LIF(), (8, 3))
    for may_drop in (None, np.ones(7, bool), np.ones(11, bool)):
        with pytest.raises(ValueError, match="may_drop must have 8 entries"):
            trainers(layers, LOSSES["early"], dropout=0.1, may_drop=may_drop)


@pytest.fixture
def large_case():
    """Batches large enough for threads."""
    layers = make_layers(LIF(), (30, 130, 70, 5), np.float32)
    times, labels, factors = make_data(400, 30, 5, np.float32)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    return layers, times, labels, factors, spikes


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("loss", [LOSSES["early"], {"kind": "target_times"}], ids=str)
def test_bits_do_not_depend_on_threads(large_case, loss, monkeypatch):
    layers, _, targets, factors, spikes = large_case
    if loss["kind"] == "target_times":
        targets = np.random.default_rng(1).uniform(0.3, 2, (400, 5))
    order = np.random.default_rng(0).permutation(400).astype(np.uintp)
    # OMP_NUM_THREADS lifts the limit to the CPUs that are there.
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    results = []
    for n_threads in (1, 2, 3, 4):
        with threadpool_limits(n_threads):
            assert _core.n_threads() == n_threads
            core, _ = trainers(layers, loss, dropout=0.2, may_drop=np.ones(30, bool))
            value = core.epoch(spikes, targets, factors, order, 150, np.full(3, 0.01))
            state = core.state()
            results.append(
                [
                    np.array(value),
                    *core.weights(),
                    *itertools.chain.from_iterable(state["moments"]),
                    *itertools.chain.from_iterable(state["steps"]),
                    *core.spike_times(spikes),
                    core.decisions(spikes),
                    core.labels(spikes),
                ]
            )
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_of_a_sample_do_not_depend_on_its_neighbours(dtype):
    layers = make_layers(LIF(2.0, 1.0), (12, 40, 3), dtype)
    times, _, _ = make_data(300, 12, 3, dtype)
    network = _core.Network(layers, T_MAX, PSEUDO_SLOPE)

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


@pytest.mark.usefixtures("every_simd")
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


@pytest.mark.usefixtures("every_simd")
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


@pytest.mark.usefixtures("every_simd")
def test_epochs_of_other_sizes_may_follow():
    # Room is made once, and again when it does not suffice.
    layers = make_layers(LIF(), (12, 40, 3))
    data = make_data(50, 12, 3)
    core, slow = trainers(layers, LOSSES["early"])
    for batch_size in (1, 30, 4, 50, 1000):
        run_both(core, slow, data, batch_size, n_epochs=1)
    assert_weights_close(core, slow, layers, 1e-10)


# ------------------------------------------------------------------ networks


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_network_is_its_layers_one_after_the_other(neuron, dtype):
    times, _, _ = make_data(200, 9, 5, dtype)
    n_fired = []
    for factor in (0.1, 1.0, 10.0):
        layers = make_layers(neuron, (9, 70, 21, 5), dtype)
        layers[-1].weights *= factor
        spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
        network = _core.Network(layers, T_MAX, PSEUDO_SLOPE)
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


@pytest.mark.usefixtures("every_simd")
def test_first_of_equal_decisions_is_the_label():
    weights = np.array([[1.0, 3.0, 3.0, 3.0]])
    layer = Layer(weights, np.empty(0), LIF())
    spikes = twin.spikes_of(np.array([[0.0], [np.inf]]), [], T_MAX)
    network = _core.Network([layer], T_MAX, PSEUDO_SLOPE)
    assert_array_equal(network.labels(spikes), [1, 0])
    assert_array_equal(network.decisions(spikes)[1], T_MAX + PSEUDO_SLOPE)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_are_copied_and_come_back_as_they_were(dtype):
    for sizes in ((3, 1), (2, 7, 130), (1, 64, 33)):
        layers = make_layers(LIF(), sizes, dtype)
        network = _core.Network(layers, T_MAX, PSEUDO_SLOPE)
        assert network.shapes == [layer.weights.shape for layer in layers]
        assert network.n_outputs == sizes[-1]
        kept = [layer.weights.copy() for layer in layers]
        for layer in layers:
            layer.weights[:] = 7.0
        for got, expected in zip(network.weights(), kept, strict=True):
            assert got.dtype == dtype
            assert_array_equal(got, expected)


@pytest.mark.usefixtures("every_simd")
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


@pytest.mark.usefixtures("every_simd")
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


# ------------------------------------------------------------------ instruction sets


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_environment_chooses_the_instruction_set():
    code = "from ttfs import _core; print(_core.simd())"
    for name in _core.simd_available():
        result = run_python(code, TTFS_SIMD=name)
        assert (result.stdout.strip(), result.returncode) == (name, 0)
    best = run_python(code, TTFS_SIMD="")
    assert best.stdout.strip() == _core.simd_available()[-1]


def test_unknown_instruction_set_in_the_environment_is_an_error():
    result = run_python("import ttfs", TTFS_SIMD="nonsense")
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: unknown instruction set 'nonsense'")
    assert "baseline" in last


def test_instruction_set_must_be_known_and_there():
    before = _core.simd()
    with pytest.raises(ValueError, match="unknown instruction set 'nonsense'"):
        _core.use_simd("nonsense")
    for name in {"avx2", "avx512"} - set(_core.simd_available()):
        with pytest.raises(ValueError, match=f"does not have '{name}'"):
            _core.use_simd(name)
    assert _core.simd() == before
    assert "baseline" in _core.simd_available()
    _core.use_simd(None)
    assert _core.simd() == _core.simd_available()[-1]
    _core.use_simd(before)


def test_instruction_sets_agree():
    layers = make_layers(LIF(), (9, 70, 21, 3))
    times, labels, factors = make_data(24, 9, 3)
    order, rates = np.arange(24, dtype=np.uintp), np.full(3, 0.01)
    before = _core.simd()
    results = []
    for name in _core.simd_available():
        _core.use_simd(name)
        core, _ = trainers(layers, LOSSES["early"])
        spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
        core.epoch(spikes, labels, factors, order, 8, rates)
        results.append(core.weights())
    _core.use_simd(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_allclose(a, b, rtol=0, atol=1e-11)


# ------------------------------------------------------------------ the border


class TestBorder:
    """Nothing reaches C unchecked."""

    ORDER = np.arange(6, dtype=np.uintp)
    RATES = np.full(3, 0.01)

    def setup_method(self):
        self.layers = make_layers(LIF(), (4, 6, 3))
        times, self.labels, self.factors = make_data(6, 4, 3)
        self.spikes = twin.spikes_of(times, self.layers[0].bias_times, T_MAX)
        self.core, _ = trainers(self.layers, LOSSES["early"])

    def epoch(self, **changes):
        arguments = {
            "spikes": self.spikes,
            "targets": self.labels,
            "factors": self.factors,
            "order": self.ORDER,
            "batch_size": 2,
            "rates": self.RATES,
        }
        return self.core.epoch(**arguments | changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"targets": np.zeros(5, np.uintp)}, "one entry per sample"),
            ({"targets": np.full(6, 3, np.uintp)}, "outside"),
            ({"factors": np.ones(7)}, "one entry per sample"),
            ({"order": np.full(6, 6, np.uintp)}, "not there"),
            ({"batch_size": 0}, "batch_size"),
            ({"batch_size": -1}, "batch_size"),
            ({"batch_size": 3}, "rates must have 2"),
            ({"rates": np.ones(4)}, "rates must have 3"),
        ],
        ids=str,
    )
    def test_epoch_refuses(self, changes, message):
        with pytest.raises(ValueError, match=message):
            self.epoch(**changes)
        for weights, layer in zip(self.core.weights(), self.layers, strict=True):
            assert_array_equal(weights, layer.weights)

    @pytest.mark.parametrize("name", ["spikes", "targets", "factors", "order", "rates"])
    def test_none_is_no_array(self, name):
        with pytest.raises(TypeError):
            self.epoch(**{name: None})

    def test_spikes_must_fit_the_network(self):
        few = twin.spikes_of(np.zeros((6, 4)), [], T_MAX)
        single = twin.spikes_of(np.zeros((6, 4), np.float32), [0.1, 0.6, 9.0], T_MAX)
        calls = [
            lambda spikes: self.epoch(spikes=spikes),
            self.core.labels,
            self.core.decisions,
            self.core.spike_times,
        ]
        for call in calls:
            with pytest.raises(ValueError, match="must be of 7 inputs, not 4"):
                call(few)
            with pytest.raises(TypeError, match="dtype"):
                call(single)

    def test_layers_must_fit_each_other(self):
        first = self.layers[0]
        calls = {
            "1 to 64 layers": [],
            "layer 1 must have 6 inputs": [first, first],
            "layer 0 has weights of shape": [
                Layer(np.empty((3, 0)), first.bias_times, LIF())
            ],
        }
        for message, layers in calls.items():
            with pytest.raises(ValueError, match=message):
                _core.Network(layers, T_MAX, PSEUDO_SLOPE)
        square = Layer(np.ones((3, 3)), np.empty(0), LIF())
        with pytest.raises(ValueError, match="1 to 64 layers"):
            _core.Network([square] * 65, T_MAX, PSEUDO_SLOPE)
        few = Layer(np.ones((1, 2)), np.zeros(2), LIF())
        with pytest.raises(ValueError, match="layer 0 has weights of shape"):
            _core.Network([few], T_MAX, PSEUDO_SLOPE)

    @pytest.mark.parametrize("t_max", [np.inf, np.nan, -np.inf, 1e30])
    def test_network_needs_an_end(self, t_max):
        with pytest.raises(ValueError, match="t_max must be finite"):
            _core.Network(self.layers, t_max, PSEUDO_SLOPE)

    def test_numbers_of_training(self):
        with pytest.raises(ValueError, match="units must have one entry"):
            _core.Trainer(
                self.layers,
                T_MAX,
                PSEUDO_SLOPE,
                units=[1.0],
                loss=LOSSES["early"],
                **TRAINING,
            )
        with pytest.raises(ValueError, match="unknown loss"):
            trainers(self.layers, {"kind": "hinge"})
        with pytest.raises(ValueError, match="positive"):
            trainers(self.layers, {"kind": "cross_entropy", "time_scale": 0.0})
        with pytest.raises(TypeError, match="targets"):
            trainers(self.layers, {"kind": "squared_error", "targets": (1, 2)})

    def test_state_of_another_network(self):
        other, _ = trainers(make_layers(LIF(), (4, 90, 3)), LOSSES["early"])
        with pytest.raises(ValueError, match=r"."):
            _core.Trainer(
                self.layers,
                T_MAX,
                PSEUDO_SLOPE,
                units=units_of(self.layers),
                loss=LOSSES["early"],
                state=other.state(),
                **TRAINING,
            )

    def test_losses_that_are_not_finite_are_returned(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loss = self.epoch(factors=np.full(6, np.inf))
        assert not np.isfinite(loss)
