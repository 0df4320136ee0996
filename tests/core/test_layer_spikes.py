"""Spikes that the core has made, on their way to a trainer, and weights on theirs."""

import numpy as np
import pytest
import twin
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    PSEUDO_SLOPE,
    T_MAX,
    draw_spikes,
    epoch,
    make_data,
    make_layers,
    trainers,
)

from ttfs import LIF
from ttfs import core as _core

pytestmark = pytest.mark.usefixtures("every_simd")

TICK = T_MAX / 50


def fire(spikes, trainer):
    return trainer.fire(spikes)


def arrays(spikes, trainer):
    return trainer.fire(spikes).times()


def draw_ticks(layers, seed):
    """Random ticks of a network in integers and peaks, like those of FixedCore.fire."""
    rng = np.random.default_rng(seed)

    def forward(spikes, trainer):
        n = len(spikes)
        ticks = [
            rng.integers(0, 60, (n, n_out)).astype(np.uint16)
            for _, n_out in trainer.shapes
        ]
        return ticks, rng.uniform(-1.0, 1.5, (n, trainer.n_outputs))

    return forward


@pytest.mark.parametrize("neuron", [LIF(), LIF(7.0, 5.0, 3.0)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_spikes_of_the_core_train_like_checked_arrays(dtype, neuron):
    layers = make_layers(neuron, (9, 70, 21, 3), dtype)
    data = make_data(23, 9, 3, dtype)
    cores = [trainers(layers, LOSSES["early"])[0] for _ in range(2)]
    losses = [
        epoch(core, layers, data, 8, forward=forward)
        for core, forward in zip(cores, (fire, arrays), strict=True)
    ]
    assert losses[0] == losses[1]
    for a, b in zip(*(core.weights() for core in cores), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("neuron", [LIF(), LIF(7.0, 5.0, 3.0)], ids=str)
def test_ticks_train_like_the_times_that_they_stand_for(neuron):
    layers = make_layers(neuron, (9, 21, 3))
    core, slow = trainers(layers, LOSSES["cross-entropy"])
    ours, theirs = draw_ticks(layers, 3), draw_ticks(layers, 3)

    def in_core(spikes, trainer):
        ticks, peaks = ours(spikes, trainer)
        return trainer.fire_at_ticks(ticks, peaks, n_ticks=50, tick=TICK)

    def as_times(spikes, trainer):
        ticks, peaks = theirs(spikes, core)
        times = [np.where(t < 50, t * TICK, np.inf) for t in ticks]
        return times, peaks * neuron.threshold

    times, labels, factors = make_data(23, 9, 3)
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(23, dtype=np.uintp), np.full(5, 0.02)
    got = core.epoch(spikes, labels, factors, order, 5, rates, in_core)
    expected = slow.epoch(times, labels, factors, order, 5, rates, as_times)
    assert_allclose(got, expected, rtol=1e-10)
    for weights, layer, before in zip(core.weights(), slow.layers, layers, strict=True):
        moved = np.abs(layer.weights - before.weights).max()
        assert_allclose(weights, layer.weights, rtol=0, atol=1e-9 * moved)


def test_each_batch_is_reported_with_its_loss():
    layers = make_layers(LIF(), (9, 20, 3))
    data = make_data(23, 9, 3)
    for forward in (None, draw_spikes(layers, 2)):
        core, _ = trainers(layers, LOSSES["early"])
        batches = []
        loss = epoch(
            core,
            layers,
            data,
            5,
            forward=forward,
            end_batch=lambda loss, n, batches=batches: batches.append((loss, n)),
        )
        assert [n for _, n in batches] == [5, 5, 5, 5, 3]
        assert_allclose(sum(loss * n for loss, n in batches) / 23, loss, rtol=1e-14)


def test_updates_up_to_a_failure_are_reported():
    layers = make_layers(LIF(), (9, 20, 3))
    data = make_data(23, 9, 3)
    core, _ = trainers(layers, LOSSES["early"])
    seen = []

    def forward(spikes, trainer):
        if len(seen) == 2:
            raise OSError("unplugged")
        return trainer.fire(spikes)

    with pytest.raises(OSError, match="unplugged"):
        epoch(
            core, layers, data, 5, forward=forward, end_batch=lambda *a: seen.append(a)
        )
    assert len(seen) == 2
    assert [step[0] for step, _ in core.state()["steps"]] == [2, 2]


def test_layer_spikes_of_something_else_are_refused():
    layers = make_layers(LIF(), (9, 20, 3))
    data = make_data(8, 9, 3)
    core, _ = trainers(layers, LOSSES["early"])
    other = _core.Simulator(make_layers(LIF(), (9, 21, 3)), T_MAX, PSEUDO_SLOPE)
    later = _core.Simulator(layers, 2 * T_MAX, PSEUDO_SLOPE)
    long = _core.Simulator(make_layers(LIF(4.0, 4.0), (9, 20, 3)), T_MAX, PSEUDO_SLOPE)
    all_spikes = twin.spikes_of(data[0], layers[0].bias_times, T_MAX)

    def used(spikes, trainer):
        fired = trainer.fire(spikes)
        fired.times()
        return fired

    for forward, message in (
        (lambda spikes, _: other.fire(spikes), "another network or batch"),
        (lambda *_: core.fire(all_spikes), "another network or batch"),
        (used, "another network or batch"),
        (lambda spikes, _: later.fire(spikes), "later t_max"),
        (lambda spikes, _: long.fire(spikes), "other units"),
    ):
        with pytest.raises(ValueError, match=message):
            epoch(core, layers, data, 4, forward=forward)
    for weights, layer in zip(core.weights(), layers, strict=True):
        assert_array_equal(weights, layer.weights)


def test_silent_layers():
    layers = make_layers(LIF(), (9, 20, 3))
    layers[1].weights[:] = -1.0
    network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
    times = make_data(8, 9, 3)[0]
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    assert network.fire(spikes).silent_layers() == [1]
    nothing = twin.spikes_of(np.full((8, 9), np.inf), np.full(3, T_MAX), T_MAX)
    assert network.fire(nothing).silent_layers() == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_ticks": 0}, "out of range"),
        ({"n_ticks": 70_000}, "out of range"),
        ({"tick": -0.1}, "out of range"),
        ({"tick": np.nan}, "out of range"),
        ({"ticks": []}, "one entry for each layer"),
    ],
    ids=str,
)
def test_ticks_are_checked(changes, message):
    network = _core.Simulator(make_layers(LIF(), (9, 20, 3)), T_MAX, PSEUDO_SLOPE)
    ticks = [np.zeros((4, n), np.uint16) for n in (20, 3)]
    parameters = {"ticks": ticks, "n_ticks": 50, "tick": TICK, **changes}
    with pytest.raises(ValueError, match=message):
        network.fire_at_ticks(parameters.pop("ticks"), np.zeros((4, 3)), **parameters)


@pytest.mark.parametrize("threshold", [1.0, 6.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_are_rounded_to_integers(dtype, threshold):
    layers = make_layers(LIF(threshold=threshold), (9, 130, 70, 3), dtype)
    core, _ = trainers(layers, LOSSES["early"])
    steps, limits = [0.25, 0.013, 0.5], [7, 63, 255]
    padded = [np.full((n_in, n_out + 5), 9, np.int16) for n_in, n_out in core.shapes]
    rows = [a[:, :n_out] for a, (_, n_out) in zip(padded, core.shapes, strict=True)]
    core.round(steps, limits, rows)
    for got, layer, step, limit, all_rows in zip(
        rows, layers, steps, limits, padded, strict=True
    ):
        expected = np.rint(layer.weights * dtype(1 / step))
        assert_array_equal(got, np.clip(expected, -limit, limit))
        assert np.all(all_rows[:, -5:] == 9)
    assert np.abs(rows[1]).max() == 63


def test_arrays_for_rounded_weights_are_checked():
    core, _ = trainers(make_layers(LIF(), (9, 20, 3)), LOSSES["early"])
    rows = [np.zeros(shape, np.int16) for shape in core.shapes]
    with pytest.raises(ValueError, match="one entry for each layer"):
        core.round([1.0], [7, 7], rows)
    with pytest.raises(ValueError, match="out must have shape"):
        core.round([1.0, 1.0], [7, 7], rows[::-1])
    with pytest.raises(ValueError, match="contiguous"):
        core.round([1.0, 1.0], [7, 7], [np.asfortranarray(rows[0]), rows[1]])
    with pytest.raises(ValueError, match="positive"):
        core.round([0.0, 1.0], [7, 7], rows)
