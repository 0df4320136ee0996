"""Epochs of training in C, against the twin in Python."""

from dataclasses import replace

import numpy as np
import pytest
import twin
from cases import diagonal, first_of
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    NEURONS,
    PSEUDO_SLOPE,
    T_MAX,
    TRAINING,
    assert_single_trains_like_double,
    assert_weights_close,
    epoch,
    make_data,
    make_layers,
    run_both,
    trainers,
    units_of,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer
from ttfs.model.initial_weights import weight_unit

pytestmark = pytest.mark.usefixtures("every_simd")


@pytest.mark.parametrize(("neuron", "loss"), diagonal(NEURONS, LOSSES))
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


@pytest.mark.parametrize(("neuron", "local"), diagonal(NEURONS, [False, True]))
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
        value = epoch(core, layers, (times, goals, factors), 8)
        results.append([np.array(value), *core.weights()])
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


def test_bad_target_times_do_not_reach_the_core():
    times, labels, factors = make_data(23, 9, 3)
    layers = make_layers(LIF(), (9, 40, 3))
    core, _ = trainers(layers, {"kind": "target_times"})
    good = np.ones((23, 3))
    for bad, message in (
        (np.ones((23, 2)), "targets must have shape"),
        (np.ones((22, 3)), "targets must have shape"),
        (np.where(np.arange(3) == 2, np.nan, good), "targets must be finite"),
        (labels, "dimensions"),
        (good.astype(np.float32), "dtype"),
    ):
        with pytest.raises(ValueError, match=message):
            epoch(core, layers, (times, bad, factors), 8)
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


@pytest.mark.parametrize(
    "sizes", [(6, 3), (6, 1), (1, 1, 1), (4, 8, 16, 32, 5)], ids=str
)
def test_epoch_of_other_networks_equals_its_twin(sizes):
    layers = make_layers(LIF(1.7, 1.0), sizes)
    core, slow = trainers(layers, LOSSES["early"])
    run_both(core, slow, make_data(30, sizes[0], sizes[-1]), 7)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize(
    "changes",
    [
        {"min_slope": 0.0},
        {"min_slope": 5.0},
        {"silence_penalty": 0.0},
        {"silence_penalty": 2.0, "silence_tolerance": 0.6},
        {"silence_tolerance": -1.0},
        {"beta_1": 0.0, "beta_2": 0.0},
        {"weight_decay": 0.0},
        {"weight_decay": 5.0},
        {"weight_decay": [0.0, 5.0]},
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
    core, _ = trainers(layers, LOSSES["early"], **changes)
    for trainer in (core, other):
        epoch(trainer, layers, data, 8)
    assert not np.array_equal(core.weights()[0], other.weights()[0])


def test_large_batches_and_long_lists_equal_their_twin():
    # More samples than are worked on at a time, events of more than one segment.
    neuron = LIF(0.2, 0.15)
    layers = make_layers(neuron, (200, 20, 4))
    core, slow = trainers(layers, LOSSES["cross-entropy"])
    run_both(core, slow, make_data(300, 200, 4), 290, n_epochs=1)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_float32_trains_like_float64(neuron):
    single = make_layers(neuron, (9, 70, 21, 3), np.float32)
    assert_single_trains_like_double(single, LOSSES["early"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_agrees_with_its_equations(dtype):
    # One sample, one input, one neuron whose loss is its time: the gradient is known.
    neuron = LIF(np.inf, 1.0)
    layer = Layer(np.array([[2.0]], dtype), np.empty(0), neuron)
    loss = {"kind": "squared_error", "target_label": 0.0}
    numbers = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.2}
    changes = {
        "min_slope": 0.0,
        "silence_penalty": 0.0,
        "silence_tolerance": 0.0,
    } | numbers
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
    epoch(core, layers, (times, labels, factors), 5, rate=0.01)
    slow.epoch(times, labels, factors, np.arange(20), 5, np.full(4, 0.01))

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


def test_hidden_neuron_that_never_fires_keeps_its_outgoing_row():
    layers = make_layers(LIF(), (5, 12, 3))
    layers[0].weights[:, 4] = -1.0
    core, slow = trainers(layers, LOSSES["early"], silence_penalty=0.0)
    run_both(core, slow, make_data(12, 5, 3), 4)
    assert_weights_close(core, slow, layers, 1e-10)
    assert_array_equal(core.weights()[1][4], layers[1].weights[4])
    assert core.state()["steps"][1][1][4] == 0


# -- Decay -----------------------------------------------------------------------


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


# ------------------------------------------------------------------------- memory


def core_trainer(layers, **changes):
    return _core.Trainer(
        layers,
        T_MAX,
        PSEUDO_SLOPE,
        units=units_of(layers),
        delay_units=[0.1 for _ in layers],
        loss=LOSSES["early"],
        **TRAINING | changes,
    )


@pytest.mark.parametrize("has_delays", first_of([True, False]))
def test_long_lists_are_made_again_with_the_same_bits(has_delays):
    # The event lists of 8 samples are kept, those of 16 take too much memory. Samples
    # of weight 0 change nothing but the mean over the batch, by a power of two.
    n_in = 150_000
    rng = np.random.default_rng(0)
    layers = make_layers(LIF(), (n_in, 8, 2), np.float32)
    if has_delays:
        layers = [
            replace(layer, delays=rng.uniform(0, 0.1, len(layer.weights)))
            for layer in layers
        ]
    times = rng.uniform(0, 2, (16, n_in)).astype(np.float32)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    labels, learned = np.arange(16, dtype=np.uintp) % 2, []
    for n, factor in ((8, 1.0), (16, 2.0)):
        core = core_trainer(layers, silence_penalty=0.0, weight_decay=0.0)
        factors = np.repeat([factor, 0.0], 8)
        order = np.arange(n, dtype=np.uintp)
        core.epoch(spikes, labels, factors, order, n, np.array([0.01]))
        learned.append((core.weights(), core.delays()))
    for kept, made_again in zip(*learned, strict=True):
        for first, second in zip(kept, made_again, strict=True):
            assert_array_equal(first, second)
    assert np.mean(learned[0][0][0] != layers[0].weights) > 0.5


def test_gradients_of_wide_layers_do_not_depend_on_their_block():
    # The gradients of so many inputs are summed in several blocks. Where the inputs are
    # numbered from the other end each has another block, and the same bits.
    n_in = 850_000
    rng = np.random.default_rng(0)
    first, *others = make_layers(LIF(), (n_in, 4, 2), np.float32)
    numbers = [rng.permutation(2**20)[:n_in] for _ in range(2)]
    times = np.array(numbers, np.float32) / 2**20  # no two are the same
    learned = []
    for order in (slice(None), slice(None, None, -1)):
        weights = first.weights.copy()
        weights[:n_in] = weights[:n_in][order]
        core = core_trainer([replace(first, weights=weights), *others])
        spikes = twin.spikes_of(times[:, order], first.bias_times, T_MAX)
        samples = np.arange(2, dtype=np.uintp)
        core.epoch(spikes, samples, np.ones(2), samples, 2, np.array([0.01]))
        learned.append(core.weights()[0])
    assert_array_equal(learned[0][:n_in], learned[1][:n_in][::-1])
    assert_array_equal(learned[0][n_in:], learned[1][n_in:])
    assert np.mean(learned[0] != first.weights) > 0.5


@pytest.mark.parametrize("n_hidden", [5, 70, 128])
def test_a_state_is_taken_once(n_hidden):
    # 128 neurons have several panels in each instruction set.
    layers = make_layers(LIF(), (12, n_hidden, 3), np.float32)
    times, labels, factors = make_data(20, 12, 3, np.float32)
    core = core_trainer(layers)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(20, dtype=np.uintp), np.full(4, 0.01)
    arguments = spikes, labels, factors, order, 5, rates
    core.epoch(*arguments)
    copied, weights = core.state(), core.weights()
    taken = core.take_state()
    for name in ("moments", "steps"):
        for pair, same in zip(copied[name], taken[name], strict=True):
            assert_array_equal(pair[0], same[0])
            assert_array_equal(pair[1], same[1])
    for learn in (core.state, core.take_state, lambda: core.epoch(*arguments)):
        with pytest.raises(RuntimeError, match="given its state away"):
            learn()
    assert_array_equal(core.weights()[0], weights[0])  # it still fires
    assert core.labels(spikes).shape == (20,)

    # Another one goes on from there, and leaves the state as it was.
    learned = []
    for state in (copied, taken, taken):
        other = core_trainer(layers, state=state)
        other.epoch(*arguments)
        learned.append(other.weights())
    for one, two, three in zip(*learned, strict=True):
        assert_array_equal(one, two)
        assert_array_equal(one, three)
