"""Transmission delays: the core against its twin and finite differences."""

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
    TRAINING,
    all_arrays,
    assert_delays_close,
    assert_same_with_threads,
    assert_single_trains_like_double,
    assert_weights_close,
    delayed_layers,
    epoch,
    make_data,
    make_layers,
    n_like_differences,
    run_both,
    trainers,
    units_of,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer

pytestmark = pytest.mark.usefixtures("every_simd")

KINDS = ["axonal", "synaptic"]


# ------------------------------------------------------------------ against the twin


@pytest.mark.parametrize(("neuron", "kind"), diagonal(NEURONS, KINDS))
def test_epoch_equals_its_twin(neuron, kind):
    layers = delayed_layers(kind, neuron, (9, 70, 21, 3))
    core, slow = trainers(layers, LOSSES["early"])
    run_both(core, slow, make_data(23, 9, 3), 5)
    assert slow.n_pulled > 10
    assert slow.n_kinks > 0
    assert_weights_close(core, slow, layers, 1e-9)
    assert_delays_close(core, slow, layers, 1e-9)
    # Some were to fall below 0.
    assert any(np.any(delays[:-1] == 0) for delays in core.delays())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "sizes", [(6, 3), (6, 1), (1, 2, 1), (4, 8, 16, 32, 5)], ids=str
)
def test_epoch_of_other_networks_equals_its_twin(sizes, kind):
    layers = delayed_layers(kind, LIF(1.7, 1.0), sizes)
    core, slow = trainers(layers, LOSSES["early"])
    run_both(core, slow, make_data(30, sizes[0], sizes[-1]), 7)
    assert_weights_close(core, slow, layers, 1e-9)
    assert_delays_close(core, slow, layers, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_deleted_inputs_do_not_arrive(kind):
    layers = delayed_layers(kind, LIF(), (9, 40, 3))
    changes = {"dropout": 0.6, "may_drop": np.arange(9) > 1, "seed": 3}
    core, slow = trainers(layers, LOSSES["early"], **changes)
    run_both(core, slow, make_data(40, 9, 3), 5)
    assert_weights_close(core, slow, layers, 1e-9)
    assert_delays_close(core, slow, layers, 1e-9)


def test_layers_may_differ_in_their_delays():
    layers = make_layers(LIF(), (6, 20, 18, 3))
    others = [delayed_layers(kind, LIF(), (6, 20, 18, 3)) for kind in KINDS]
    layers[0].delays = others[1][0].delays
    layers[2].delays = others[0][2].delays
    core, slow = trainers(layers, LOSSES["early"])
    run_both(core, slow, make_data(30, 6, 3), 7)
    assert_weights_close(core, slow, layers, 1e-9)
    delays = core.delays()
    assert delays[1] is None
    for k in (0, 2):
        assert_allclose(delays[k], slow.layers[k].delays, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_large_batches_and_long_lists_equal_their_twin(kind):
    # More samples than are worked on at a time, events of more than one segment.
    layers = delayed_layers(kind, LIF(0.2, 0.15), (60, 20, 4))
    core, slow = trainers(layers, LOSSES["cross-entropy"])
    run_both(core, slow, make_data(300, 60, 4), 290, n_epochs=1)
    assert_weights_close(core, slow, layers, 1e-9)
    assert_delays_close(core, slow, layers, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_trains_like_float64(kind):
    single = delayed_layers(kind, LIF(), (9, 70, 21, 3), np.float32)
    assert_single_trains_like_double(single, LOSSES["early"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_network_is_its_layers_one_after_the_other(dtype, kind):
    times, _, _ = make_data(200, 9, 5, dtype)
    for sizes in ((9, 5), (9, 70, 21, 5)):
        layers = delayed_layers(kind, LIF(), sizes, dtype)
        layers[-1].weights *= 2
        spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
        network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
        passes = twin.forward(layers, times, T_MAX)
        # Rounding, of which a crossing that is almost tangent makes more.
        rtol = 1e-11 if dtype == np.float64 else 1e-4
        for got, did in zip(network.spike_times(spikes), passes, strict=True):
            assert got.dtype == dtype
            assert_allclose(got, did.spikes, rtol=rtol)
        decisions = network.decisions(spikes)
        expected = twin.decision_times(passes[-1], T_MAX, PSEUDO_SLOPE)
        assert_allclose(decisions, expected, rtol=rtol)
        assert 0 < passes[-1].fired.sum() < passes[-1].fired.size
        assert_array_equal(network.labels(spikes), decisions.argmin(axis=1))
        for got, layer in zip(network.delays(), layers, strict=True):
            assert_array_equal(got, layer.delays)


def test_delays_move_spikes_and_late_arrivals_do_not_count():
    # Two inputs and a bias, of which each makes the neuron fire by itself.
    neuron = LIF(np.inf, 1.0)
    weights = np.full((3, 1), 2.0)
    after = np.log(2.0)  # 2 (1 - exp(-after)) = 1
    spikes = twin.spikes_of(np.array([[0.0, 1.0]]), [0.5], 4.0)
    for delays, expected in (
        ([0.0, 2.0, 2.0], after),
        ([0.25, 2.0, 2.0], 0.25 + after),
        ([3.0, 0.125, 2.0], 1.125 + after),
        ([3.0, 3.0, 1.5], 2.0 + after),
        ([3.9, 3.0, 3.5], np.inf),  # too late to fire before t_max
        ([1e29, 1e29, 1e29], np.inf),
    ):
        delays = np.array(delays)
        for shaped in (delays, delays[:, None]):
            layer = Layer(weights, np.array([0.5]), neuron, shaped)
            network = _core.Simulator([layer], 4.0, 2.0)
            assert_allclose(network.spike_times(spikes)[0], [[expected]], rtol=1e-12)
            if delays.min() > 4:  # nothing arrives: the membrane stays at 0
                assert network.decisions(spikes) == 4.0 + 2.0 * neuron.threshold


# ------------------------------------------------------------------ gradients


@pytest.mark.parametrize(("neuron", "kind"), diagonal(NEURONS, KINDS))
def test_gradient_of_delays_agrees_with_finite_differences(neuron, kind):
    # The gradient g is read from the moment of the first step, m = (1 - beta_1) g. The
    # loss is that of the core, with the term of silent neurons, which it does not
    # report, from the twin's peaks.
    rng = np.random.default_rng(3)
    layers = delayed_layers(kind, neuron, (6, 20, 12, 3))
    for layer in layers:  # off the grid: no ties
        layer.delays += rng.uniform(0.01, 0.02, layer.delays.shape)
    times, labels, factors = make_data(8, 6, 3)
    times += rng.uniform(0, 0.01, times.shape)
    silence_penalty = 0.3
    changes = {
        "min_slope": 0.0,
        "silence_penalty": silence_penalty,
        "silence_tolerance": -1.0,
    }
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    order, rates = np.arange(8, dtype=np.uintp), np.zeros(1)

    def total():
        core, _ = trainers(layers, LOSSES["early"], **changes)
        loss = core.epoch(spikes, labels, factors, order, 8, rates)
        passes = twin.forward(layers, times, T_MAX)
        missing = sum(np.sum(neuron.threshold - p.u_peak) for p in passes[:-1])
        value = loss + silence_penalty / len(times) * missing
        return core, value, [p.fired for p in passes]

    core, _, fired = total()
    assert not any(layer.all() for layer in fired)
    state = core.state()["delay_moments"]
    n_compared = n_bias = 0
    for k, layer in enumerate(layers):
        grad = state[k][0] / (1 - TRAINING["beta_1"])
        assert_array_equal(grad[-1], 0)  # the bias that comes too late
        where = np.argwhere(np.abs(grad) > 1e-6)
        biases = where[where[:, 0] >= len(grad) - 3]
        assert len(biases) > 0
        n_others, of_biases = (
            n_like_differences(grad, layer.delays, places, lambda: total()[1:])
            for places in (rng.permutation(where)[:8], biases[:2])
        )
        n_compared += n_others + of_biases
        n_bias += of_biases
    assert n_compared >= 24
    assert n_bias >= 3


# ------------------------------------------------------------------ determinism


@pytest.mark.parametrize("kind", KINDS)
def test_bits_do_not_depend_on_threads(kind, monkeypatch):
    layers = delayed_layers(kind, LIF(), (30, 70, 40, 5), np.float32)
    data = make_data(200, 30, 5, np.float32)
    spikes = twin.spikes_of(data[0], layers[0].bias_times, T_MAX)

    def compute():
        core, _ = trainers(layers, LOSSES["early"])
        return [epoch(core, layers, data, 150), *all_arrays(core, spikes)]

    assert_same_with_threads(monkeypatch, compute)


@pytest.mark.parametrize("kind", KINDS)
def test_bits_of_a_sample_do_not_depend_on_its_neighbours(kind):
    layers = delayed_layers(kind, LIF(2.0, 1.0), (12, 40, 3), np.float32)
    times, _, _ = make_data(300, 12, 3, np.float32)
    network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)

    def run(rows):
        spikes = twin.spikes_of(times[rows], layers[0].bias_times, T_MAX)
        return [*network.spike_times(spikes), network.decisions(spikes)]

    whole = run(slice(None))
    for rows in (slice(0, 1), slice(127, 131), slice(299, None), slice(None, None, 3)):
        for a, b in zip(whole, run(rows), strict=True):
            assert_array_equal(a[rows], b)


@pytest.mark.parametrize("kind", KINDS)
def test_delays_of_zero_are_no_delays(kind):
    layers = make_layers(LIF(), (12, 40, 3))
    data = make_data(50, 12, 3)
    without, _ = trainers(layers, LOSSES["early"])
    for layer in layers:
        shape = layer.weights.shape[: 1 if kind == "axonal" else 2]
        layer.delays = np.zeros(shape)
    with_zeros, _ = trainers(layers, LOSSES["early"])
    assert without.delays() == [None, None]
    for core in (without, with_zeros):
        epoch(core, layers, data, 50, rate=0.01)
    for a, b in zip(without.weights(), with_zeros.weights(), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_state_is_all_that_is_needed_to_go_on(kind):
    layers = delayed_layers(kind, LIF(), (12, 40, 3))
    times, labels, factors = make_data(50, 12, 3)
    times[:25, 3] = np.inf  # its clock falls behind
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    first, second = (np.arange(25 * k, 25 * k + 25, dtype=np.uintp) for k in range(2))
    rates = np.full(5, 0.01)
    core, _ = trainers(layers, LOSSES["early"])
    core.epoch(spikes, labels, factors, first, 5, rates)
    again = [
        Layer(weights, layer.bias_times, layer.neuron, delays)
        for weights, delays, layer in zip(
            core.weights(), core.delays(), layers, strict=True
        )
    ]
    resumed = _core.Trainer(
        again,
        T_MAX,
        PSEUDO_SLOPE,
        units=units_of(layers),
        delay_units=[0.7, 1.7],
        loss=LOSSES["early"],
        state=core.state(),
        **TRAINING,
    )
    losses = [
        trainer.epoch(spikes, labels, factors, second, 5, rates)
        for trainer in (core, resumed)
    ]
    assert losses[0] == losses[1]
    for a, b in zip(
        [*core.weights(), *core.delays()],
        [*resumed.weights(), *resumed.delays()],
        strict=True,
    ):
        assert_array_equal(a, b)


# ------------------------------------------------------------------ the border


def test_delays_must_fit_their_layer():
    layers = delayed_layers("synaptic", LIF(), (4, 6, 3))
    layers[1].delays = layers[1].delays[:, :1]
    with pytest.raises(ValueError, match=r"layer 1 has delays of shape \(9, 1\)"):
        _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
    core, _ = trainers(delayed_layers("axonal", LIF(), (4, 6, 3)), LOSSES["early"])
    layers = delayed_layers("synaptic", LIF(), (4, 6, 3))
    numbers = {"units": units_of(layers), "loss": LOSSES["early"], **TRAINING}
    with pytest.raises(ValueError, match="state is of a network"):
        _core.Trainer(
            layers,
            T_MAX,
            PSEUDO_SLOPE,
            delay_units=[1.0, 1.0],
            state=core.state(),
            **numbers,
        )
    with pytest.raises(ValueError, match="delay_units must have one entry"):
        _core.Trainer(layers, T_MAX, PSEUDO_SLOPE, delay_units=[1.0], **numbers)
