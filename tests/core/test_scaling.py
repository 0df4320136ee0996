"""Units do not matter: times and thresholds scaled by powers of two give equal bits."""

import numpy as np
import pytest
from cases import diagonal
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from training import NEURONS

from ttfs import LIF, first_spike, first_spike_vjp
from ttfs import core as _core
from ttfs.model import Layer
from ttfs.model.initial_weights import initial_weights, weight_unit

POWERS = [(60, 0), (-60, 0), (0, 60), (0, -60), (60, 60), (-60, 60), (60, -60)]
POWERS += [(-60, -60), (3, 0), (0, -5), (27, 27), (-90, 0), (90, 0), (0, 90), (0, -90)]
DTYPES = [np.float32, np.float64]


def scaled(neuron, time, threshold):
    """The neuron in other units: times of 2^time, thresholds of 2^threshold."""
    t, h = 2.0**time, 2.0**threshold
    return LIF(neuron.tau_mem * t, neuron.tau_syn * t, neuron.threshold * h)


def times_power(array, power):
    """An array times 2^power, exactly, in its own precision."""
    return np.ldexp(array, power).astype(array.dtype)


def layer_data(neuron, dtype, seed=0, n_samples=9, n_in=20, n_out=37):
    rng = np.random.default_rng(seed)
    times = neuron.tau_syn * rng.integers(0, 64, (n_samples, n_in)) / 32.0
    times[rng.random(times.shape) < 0.15] = np.inf
    times[0] *= 50.0  # so far apart that references change
    weights = weight_unit(neuron) * rng.normal(0.2, 0.6, (n_in, n_out))
    return times.astype(dtype), weights.astype(dtype)


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(
    ("neuron", "dtype", "powers"), diagonal(NEURONS, DTYPES, POWERS)
)
def test_spikes_and_gradients_of_a_layer(neuron, dtype, powers):
    time, threshold = powers
    times, weights = layer_data(neuron, dtype)
    other = scaled(neuron, time, threshold)
    other_times, other_weights = (
        times_power(times, time),
        times_power(weights, threshold),
    )
    spikes = first_spike(times, weights, neuron)
    assert 0.1 < np.isfinite(spikes).mean() < 0.9
    got = first_spike(other_times, other_weights, other)
    assert_array_equal(got, times_power(spikes, time))

    grad = np.random.default_rng(1).normal(size=spikes.shape).astype(dtype)
    for min_slope in (0.0, 0.3):
        options = {"min_slope": min_slope}
        expected = first_spike_vjp(times, weights, spikes, grad, neuron, **options)
        got = first_spike_vjp(
            other_times,
            other_weights,
            got_spikes := times_power(spikes, time),
            grad,
            other,
            **options,
        )
        assert got_spikes.dtype == dtype
        assert_array_equal(got[0], expected[0])
        # The loss is not scaled: dL/dt stays, and dt/dw has the ratio of the units.
        assert_array_equal(got[1], times_power(expected[1], time - threshold))


@given(
    st.integers(-60, 60),
    st.integers(-60, 60),
    st.sampled_from(list(NEURONS)),
    st.sampled_from(DTYPES),
    st.integers(0, 1000),
)
def test_spikes_of_any_units(time, threshold, name, dtype, seed):
    neuron = NEURONS[name]
    times, weights = layer_data(neuron, dtype, seed, 3, 9, 5)
    spikes = first_spike(times, weights, neuron)
    other = scaled(neuron, time, threshold)
    got = first_spike(times_power(times, time), times_power(weights, threshold), other)
    assert_array_equal(got, times_power(spikes, time))


def test_what_cannot_be_represented_is_refused():
    neuron = LIF(2.0**-80, 2.0**-80)
    with pytest.raises(ValueError, match="times"):
        first_spike(np.full((1, 1), 1e28, np.float32), np.ones((1, 1), "f"), neuron)
    neuron = LIF(threshold=2.0**-80)
    with pytest.raises(ValueError, match="weights"):
        first_spike(np.zeros((1, 1), "f"), np.full((1, 1), 1e28, np.float32), neuron)
    layers = [
        Layer(np.ones((2, 3)), np.empty(0), LIF()),
        Layer(np.ones((3, 2)), np.empty(0), LIF(threshold=1e20)),
    ]
    one, neuron = np.ones((1, 1), np.float32), LIF(2.0**99, 2.0**99, 2.0**-99)
    with pytest.raises(ValueError, match="gradients"):
        first_spike_vjp(0 * one, one / 2**97, one * 2**98, one, neuron)
    with pytest.raises(ValueError, match="thresholds"):
        _core.Simulator(layers, 2.0, 1.0)


# -- Networks ----------------------------------------------------------------------

T_MAX = 2.5
LOSSES = {
    "cross-entropy": {"kind": "cross_entropy", "time_scale": 0.3, "early": 0.2},
    "squared error": {"kind": "squared_error"},
    "shift-invariant": {"kind": "shift_invariant"},
    "target times": {"kind": "target_times"},
}


def trained(dtype, loss, time, threshold, delays=None, read_out=np.inf, **local):
    """Weights, delays, loss and times of a network after two epochs, all scaled back;
    each layer has its own neuron. The last bias of each does not learn."""
    rng = np.random.default_rng(0)
    t, h = 2.0**time, 2.0**threshold
    neurons = [LIF(2.0, 1.0, 1.3), LIF(0.7, 0.9, 0.8)]
    layers = []
    for neuron, n_in, n_out in zip(neurons, (8, 40), (40, 3), strict=True):
        rows = n_in + 2
        weights = initial_weights(rng, rows, n_out, n_in, neuron, drive=3.0, spread=3.0)
        shape = {None: None, "axonal": rows, "synaptic": (rows, n_out)}[delays]
        drawn = (
            None if shape is None else (rng.uniform(0, 0.3, shape) * t).astype(dtype)
        )
        biases = np.array([0.1, min(0.6, read_out)]) * t
        layers.append(
            Layer(
                (weights * h).astype(dtype),
                biases,
                scaled(neuron, time, threshold),
                drawn,
                n_fixed=int(read_out < np.inf),
            )
        )
    squared = loss["kind"] != "cross_entropy"
    loss = dict(loss)
    for name in ("time_scale", "early_scale", "target_label", "target_other"):
        if name == "early_scale" or name in loss:
            loss[name] = loss.get(name, 1.5) * t
    if read_out < np.inf:
        loss["early_end"] = read_out * t
    if squared:
        loss |= {"target_label": 0.8 * t, "target_other": 1.4 * t}
    unit = t * t if squared else 1.0
    rate_unit = h * h / unit if local else h
    trainer = _core.Trainer(
        layers,
        T_MAX * t,
        2.0 * t / h,
        read_out * t,
        5.0,
        loss=loss,
        units=[rate_unit * 1.1, rate_unit * 0.7],
        delay_units=[t, t],
        min_slope=0.3 * h / t,
        silence_penalty=0.1 * unit / h,
        silence_tolerance=0.15,
        beta_1=0.9,
        beta_2=0.99,
        epsilon=1e-3,
        weight_decay=0.1,
        rests=[0.3 * h, -0.2 * h],
        limits=[20 * h, 30 * h],
        local=local or None,
    )
    times = rng.integers(0, 64, (40, 8)) / 32.0
    times[rng.random(times.shape) < 0.15] = np.inf
    labels = rng.integers(0, 3, 40).astype(np.uintp)
    if loss["kind"] == "target_times":
        labels = rng.uniform(0.3, 2, (40, 3)) * t
    factors, order = rng.uniform(0.5, 2, 40), np.arange(40, dtype=np.uintp)
    spikes = _core.spikes_at(
        times_power(times.astype(dtype), time), layers[0].bias_times, T_MAX * t
    )
    losses = [
        trainer.epoch(spikes, labels, factors, order, 10, np.full(4, 0.02)) / unit
        for _ in range(2)
    ]
    back = [times_power(w, -threshold) for w in trainer.weights()]
    back += [times_power(d, -time) for d in trainer.delays() if d is not None]
    back += [times_power(s, -time) for s in trainer.spike_times(spikes)]
    back.append(times_power(trainer.decisions(spikes), -time))
    return [*back, np.array(losses), trainer.labels(spikes)]


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(
    ("loss", "delays", "read_out", "dtype"),
    diagonal(LOSSES, [None, "axonal", "synaptic"], [np.inf, 0.55], DTYPES),
)
def test_training(loss, delays, read_out, dtype):
    expected = trained(dtype, loss, 0, 0, delays, read_out)
    for time, threshold in [(60, -60), (-60, 60), (-7, 27), (0, 90), (-90, 0)]:
        got = trained(dtype, loss, time, threshold, delays, read_out)
        for a, b in zip(got, expected, strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("loss", "kernel", "read_out", "dtype"),
    diagonal(LOSSES, ["table", "linear"], [np.inf, 0.55], DTYPES),
)
def test_training_by_the_local_rule(read_out, kernel, loss, dtype):
    local = {"kernel": kernel, "feedback": "symmetric", "read_out": read_out}
    expected = trained(dtype, loss, 0, 0, **local)
    for time, threshold in [(60, -60), (-60, 60), (-7, 27), (0, 90), (-90, 0)]:
        got = trained(dtype, loss, time, threshold, **local)
        for a, b in zip(got, expected, strict=True):
            assert_array_equal(a, b)


def test_chips_and_time_steps():
    """The same spikes, noise included, whatever the units."""
    rng = np.random.default_rng(0)
    neuron, results = LIF(1.7, 1.0, 1.2), []
    times = rng.uniform(0, 2, (20, 6))
    weights = weight_unit(neuron) * rng.normal(0.3, 0.6, (6, 9))
    taus = rng.uniform(0.7, 1.5, (2, 9))
    for time, threshold in [(0, 0), (60, -60), (-60, 60)]:
        t = 2.0**time
        layer = Layer(
            weights * 2.0**threshold, np.empty(0), scaled(neuron, time, threshold)
        )
        network = _core.Simulator([layer], 3 * t, t / 2.0**threshold)
        spikes = _core.spikes_at(times * t, (), 3 * t)
        mismatch = _core.NeuronMismatch(
            tau_mem=taus[0] * t,
            tau_syn=taus[1] * t,
            threshold_jitter=0.1,
            spike_jitter=0.05 * t,
            spurious_rate=0.1 / t,
            resolution=0.01 * t,
        )
        got = network.emulate(spikes, [mismatch], 3).times()
        got += network.clocked(spikes, 0.01 * t).times()
        results.append([times_power(a, -time) for a in got])
    for got in results[1:]:
        for a, b in zip(got, results[0], strict=True):
            assert_array_equal(a, b)
