"""The cost of hidden spikes before the decision, and weights that stay 0."""

import numpy as np
import pytest
import twin
from cases import diagonal
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    NEURONS,
    READ_OUT,
    READ_OUT_LOSSES,
    T_MAX,
    TRAINING,
    assert_delays_close,
    assert_weights_close,
    core_is_double,
    delayed_layers,
    epoch,
    make_data,
    make_layers,
    n_like_differences,
    read_out_of,
    run_both,
    simulate,
    trainers,
)

pytestmark = pytest.mark.usefixtures("every_simd")

KINDS = ["dense", "axonal", "synaptic"]
COST = {"spike_cost": 0.5, "spike_scale": 0.4}


def make_network(kind, neuron=NEURONS["equal"], sizes=(9, 70, 21, 10)):
    """Layers with a read-out in which some outputs fire before it."""
    if kind == "dense":
        layers = make_layers(neuron, sizes)
    else:
        layers = delayed_layers(kind, neuron, sizes)
    for layer in layers:
        layer.weights *= 3 if layer is layers[-1] else 2
    return read_out_of(layers)


def cost_of(spikes, spike_cost, spike_scale):
    """The cost of a batch, from the spike times of all layers, and its counted spikes.

    It is a sum over samples and neurons.
    """
    *hidden, outputs = spikes
    cost, n_counted = 0.0, 0
    for times, first in zip(zip(*hidden, strict=True), outputs, strict=True):
        decision = min(first.min(), T_MAX)
        for t in np.concatenate(times):
            if t < decision:
                cost += spike_cost * (1 - np.exp(-(decision - t) / spike_scale))
                n_counted += 1
    return cost / len(outputs), n_counted


@pytest.mark.parametrize(("neuron", "kind"), diagonal(NEURONS, KINDS))
def test_epoch_equals_its_twin(neuron, kind):
    layers = make_network(kind, neuron)
    for layer in layers:
        layer.weights[::4, ::3] = 0.0
    core, slow = trainers(
        layers, READ_OUT_LOSSES["early"], **READ_OUT, **COST, keeps_zeros=True
    )
    run_both(core, slow, make_data(23, 9, 10), 5)
    assert_weights_close(core, slow, layers, 1e-9)
    if kind != "dense":
        assert_delays_close(core, slow, layers, 1e-9)


@pytest.mark.parametrize(("kind", "name"), diagonal(KINDS, ["early", "squared error"]))
def test_gradient_agrees_with_finite_differences(kind, name):
    # The gradient g is read from the moment of the first step, m = (1 - beta_1) g.
    rng = np.random.default_rng(3)
    layers = make_network(kind, NEURONS["double"], (6, 20, 15, 10))
    times, labels, factors = make_data(12, 6, 10)
    times += rng.uniform(0, 0.01, times.shape)  # off the grid: no ties
    if kind != "dense":
        for layer in layers:
            layer.delays += rng.uniform(0.01, 0.02, layer.delays.shape)
    changes = {"min_slope": 0.0, "silence_penalty": 0.0, **READ_OUT}
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)

    def total(**cost):
        core, _ = trainers(layers, READ_OUT_LOSSES[name], **changes, **cost)
        fired = core.spike_times(spikes)
        value = epoch(core, layers, (times, labels, factors), 12, rate=0.0)
        first = fired[-1].min(axis=1)
        sides = [*map(np.isinf, fired), fired[-1] > READ_OUT["read_out"]]
        sides += [fired[-1].argmin(axis=1)]
        sides += [layer < first[:, None] for layer in fired[:-1]]
        more, n_counted = cost_of(fired, **cost) if cost else (0.0, 0)
        return core, value + more, sides, n_counted

    core, value, _, n_counted = total(**COST)
    plain, value_without, *_ = total()
    assert n_counted > 20
    assert value > value_without
    n_compared = 0
    moments, without = core.state()["moments"], plain.state()["moments"]
    for pair, pair_without, layer in zip(moments, without, layers, strict=True):
        grad, values = pair[0] / (1 - TRAINING["beta_1"]), layer.weights
        by_cost = grad - pair_without[0] / (1 - TRAINING["beta_1"])
        assert np.abs(by_cost).max() > 1e-3
        places = rng.permutation(np.argwhere(np.abs(by_cost) > 1e-5))[:9]
        n_compared += n_like_differences(
            grad, values, places, lambda: total(**COST)[1:3]
        )
    assert n_compared >= 12


def test_the_loss_of_an_epoch_has_no_part_of_the_cost():
    layers, data = make_layers(NEURONS["equal"], (9, 40, 3)), make_data(23, 9, 3)
    values = []
    for cost in ({}, COST):
        core, _ = trainers(layers, LOSSES["early"], **cost)
        values.append(epoch(core, layers, data, 23, rate=0.0))
    assert values[0] == values[1]


def test_the_cost_counts_the_spikes_that_fire_elsewhere():
    layers, data = make_layers(NEURONS["equal"], (9, 40, 3)), make_data(23, 9, 3)
    results = []
    for forward in (None, simulate(layers)):
        core, _ = trainers(layers, LOSSES["early"], **COST)
        epoch(core, layers, data, 5, forward=forward)
        results.append(core.weights())
    for a, b in zip(*results, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pruned_weights_stay_0_and_others_move(dtype):
    # A panel of several vectors with padding, and one of a part of a vector.
    layers = make_layers(NEURONS["equal"], (9, 70, 3), dtype)
    core, _ = trainers(layers, LOSSES["early"], keeps_zeros=True)
    assert core_is_double(core) == (dtype == np.float64)
    before = core.weights()
    least = np.partition(np.abs(before[0]).ravel(), 299)[299]
    core.prune(0, least)
    is_out = core.weights()[0] == 0
    assert_array_equal(is_out, np.abs(before[0]) <= least)
    assert is_out.sum() == 300
    assert_array_equal(core.weights()[1], before[1])
    epoch(core, layers, make_data(23, 9, 3, dtype), 5)
    after = core.weights()
    assert_array_equal(after[0] == 0, is_out)
    moved = ~is_out
    moved[-1] = False  # the bias that comes too late
    assert np.all(after[0][moved] != before[0][moved])
    assert np.mean(after[1] != before[1]) > 0.8


def test_zeros_move_unless_they_are_kept():
    layers = make_layers(NEURONS["equal"], (9, 40, 3))
    layers[0].weights[2] = 0
    core, _ = trainers(layers, LOSSES["early"])
    epoch(core, layers, make_data(23, 9, 3), 5)
    assert np.all(core.weights()[0][2] != 0)


def test_weights_that_learn_are_pruned_where_others_fire():
    layers = make_layers(NEURONS["equal"], (9, 40, 3))
    core, _ = trainers(layers, LOSSES["early"], keeps_zeros=True)

    def forward(spikes, trainer):
        rounded = [np.rint(w * 8) / 8 for w in trainer.weights()]
        times = [np.full((len(spikes), n), 0.9) for n in (40, 3)]
        return times, np.zeros((len(spikes), 3)), rounded

    data = make_data(23, 9, 3)
    epoch(core, layers, data, 5, forward=forward)
    core.prune(0, 0.1)
    is_out = core.weights()[0] == 0
    assert 0 < is_out.mean() < 1
    epoch(core, layers, data, 5, forward=forward)
    assert_array_equal(core.weights()[0] == 0, is_out)


def test_pruning_in_an_epoch_is_refused():
    layers = make_layers(NEURONS["equal"], (9, 40, 3))
    core, _ = trainers(layers, LOSSES["early"], keeps_zeros=True)

    def prune(loss, n_samples):
        core.prune(0, 0.1)

    with pytest.raises(RuntimeError, match="in an epoch"):
        epoch(core, layers, make_data(23, 9, 3), 5, end_batch=prune)


def test_bad_parameters_are_refused():
    layers = make_layers(NEURONS["equal"], (9, 40, 3))
    local = {"kernel": "table", "feedback": "symmetric"}
    for changes, message in (
        ({"spike_cost": -1.0}, "spike_cost must be"),
        ({"spike_cost": np.nan}, "spike_cost must be"),
        ({"spike_scale": 0.0}, "spike_scale positive"),
        ({"spike_cost": 1.0, "local": local}, "knows no spike_cost"),
        ({"keeps_zeros": True, "local": local}, "keeps no zeros"),
    ):
        with pytest.raises(ValueError, match=message):
            trainers(layers, LOSSES["early"], **changes)
    core, _ = trainers(layers, LOSSES["early"])
    with pytest.raises(IndexError):
        core.prune(2, 0.1)
