"""Silent neurons, losses, and the gradient through several layers."""

import itertools
import os
import signal
import time
from functools import partial

import numpy as np
import pytest
import twin
from cases import diagonal
from numpy.testing import assert_allclose, assert_array_equal
from training import NEURONS, n_like_differences

from ttfs import LIF, first_spike
from ttfs import core as _core
from ttfs.model import Layer
from ttfs.model.initial_weights import initial_weights, weight_unit

pytestmark = pytest.mark.usefixtures("every_simd")

T_MAX = 5.0


@pytest.fixture(params=NEURONS.values(), ids=NEURONS.keys())
def neuron(request):
    return request.param


def membrane(times, weights, neuron, t):
    """u at the times t (n,), from the definition; times (n_in,), weights (n_in,)."""
    delays = t[:, None] - times
    return neuron.kappa(np.where(delays > 0, delays, 0.0)) @ weights


def random_layer(seed, neuron, n_samples=6, n_in=12, n_out=70, scale=1.0):
    rng = np.random.default_rng(seed)
    times = rng.uniform(0, 2, (n_samples, n_in))
    times[rng.random(times.shape) < 0.2] = np.inf
    unit = weight_unit(neuron) * scale
    weights = unit * rng.normal(0.1, 0.5, (n_in, n_out))
    return times, weights


def test_no_spike_at_or_after_the_horizon(neuron):
    times, weights = random_layer(0, neuron, scale=2.0)
    free = first_spike(times, weights, neuron)
    spikes = np.sort(free[np.isfinite(free)])
    # Between two spikes, and at the very time of one.
    for t_max in (float(np.median(spikes)), *spikes[:: len(spikes) // 20].tolist()):
        limited = _core.LayerBatch(times, neuron, t_max).first_spike(weights)
        assert_array_equal(limited, np.where(free < t_max, free, np.inf))


def test_peak_is_the_greatest_membrane_of_a_silent_neuron(neuron):
    times, weights = random_layer(1, neuron)
    events = _core.LayerBatch(times, neuron, T_MAX)
    spikes = events.first_spike(weights)
    u_peak, t_peak = events.peak(weights, spikes)
    silent = np.isinf(spikes)
    assert 0.2 < silent.mean() < 0.98
    assert_array_equal(u_peak[~silent], neuron.threshold)
    assert_array_equal(t_peak[~silent], spikes[~silent])
    grid = np.linspace(0.0, T_MAX, 2001)
    for s, j in np.argwhere(silent):
        u = membrane(times[s], weights[:, j], neuron, grid)
        at_peak = membrane(times[s], weights[:, j], neuron, t_peak[s, j : j + 1])
        assert_allclose(u_peak[s, j], at_peak[0], rtol=1e-9, atol=1e-12)
        # The rest before the first input does not count.
        is_peak = (
            (u[1:-1] >= u[:-2]) & (u[1:-1] > u[2:]) & (grid[1:-1] > times[s].min())
        )
        expected = max([*u[1:-1][is_peak], u[-1]])
        slack = 2 * np.abs(weights[:, j]).sum() / neuron.tau_syn * (grid[1] - grid[0])
        assert abs(u_peak[s, j] - expected) < slack


def test_neuron_with_inhibition_only_peaks_at_the_horizon(neuron):
    events = _core.LayerBatch(np.array([[0.0, 1.0]]), neuron, T_MAX)
    weights = np.array([[-1.0], [-2.0]])
    u_peak, t_peak = events.peak(weights, events.first_spike(weights))
    assert t_peak[0, 0] == T_MAX
    expected = -neuron.kappa(T_MAX) - 2.0 * neuron.kappa(T_MAX - 1.0)
    assert_allclose(u_peak[0, 0], expected, rtol=1e-9)


def test_layer_without_inputs_keeps_measured_spikes():
    events = _core.LayerBatch(np.empty((1, 0)), LIF(threshold=2.0), T_MAX)
    spikes = np.array([[1.5, np.inf]])
    u_peak, t_peak = events.peak(np.empty((0, 2)), spikes)
    assert_array_equal(u_peak, [[2.0, 0.0]])
    assert_array_equal(t_peak, [[1.5, T_MAX]])


def test_neuron_without_inputs_rests():
    events = _core.LayerBatch(np.full((1, 2), np.inf), LIF(), T_MAX)
    u_peak, t_peak = events.peak(np.ones((2, 1)), np.full((1, 1), np.inf))
    assert (u_peak[0, 0], t_peak[0, 0]) == (0.0, T_MAX)


@pytest.mark.parametrize(
    ("is_own", "dtype"),
    diagonal({"shared": False, "own": True}, [np.float32, np.float64]),
)
def test_chips_without_spikes_are_silent(neuron, is_own, dtype):
    """An empty last sample, whose list begins where the arrays end."""
    times, inputs = np.array([0.5], dtype), np.zeros(1, np.uint32)
    bounds = np.array([0, 1, 1, 1], np.uintp)
    spikes = _core.Spikes(times, inputs, bounds[:-1], bounds[1:], 1)
    layer = Layer(np.full((1, 5), 20, dtype), np.empty(0), neuron)
    taus = [np.full(5, tau) for tau in (neuron.tau_mem, neuron.tau_syn)]
    own = {"tau_mem": taus[0], "tau_syn": taus[1]} if is_own else {}
    mismatch = [_core.NeuronMismatch(**own)]
    (got,) = _core.Simulator([layer], T_MAX, 0.0).emulate(spikes, mismatch, 0).times()
    assert np.isfinite(got[0]).all()
    assert_array_equal(got[1:], np.inf)


def network(neuron, seed=0, sizes=(8, 20, 15, 3)):
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weights = initial_weights(
            rng, n_in + 1, n_out, n_in + 1, neuron, drive=3.0, spread=2.5
        )
        layers.append(Layer(weights, np.array([0.1]), neuron))
    times = rng.uniform(0, 1, (4, sizes[0]))
    times[0, 0] = np.inf
    return layers, times


def total(layers, times, labels, silence_penalty):
    """Loss of a batch, with the silence penalty of every silent hidden neuron."""
    passes = twin.forward(layers, times, T_MAX)
    neuron = layers[0].neuron
    decisions = twin.decision_times(passes[-1], T_MAX, 2.0)
    factors = np.linspace(0.5, 1.5, len(times))
    loss, grad = _core.loss(
        decisions, labels, factors, kind="cross_entropy", time_scale=0.5, early=0.1
    )
    missing = sum(np.sum(neuron.threshold - p.u_peak) for p in passes[:-1])
    return passes, grad, loss.sum() + silence_penalty / len(times) * missing


def test_gradient_through_all_layers_agrees_with_finite_differences(neuron):
    layers, times = network(neuron)
    labels = np.array([0, 1, 2, 1], dtype=np.uintp)
    silence_penalty = 0.3
    passes, grad, _ = total(layers, times, labels, silence_penalty)
    assert any(np.isinf(p.spikes).any() for p in passes[:-1])
    grads, _ = twin.backward(
        passes,
        grad,
        pseudo_slope=2.0,
        min_slope=0.0,
        silence_penalty=silence_penalty,
        silence_tolerance=-1.0,
    )

    def run():
        passes, _, value = total(layers, times, labels, silence_penalty)
        return value, [p.fired for p in passes]

    rng = np.random.default_rng(1)
    options = {"step": 1e-6 * weight_unit(neuron), "rtol": 2e-5, "atol": 1e-7}
    n_compared = sum(
        n_like_differences(
            grad,
            layer.weights,
            rng.integers(0, layer.weights.shape, (12, 2)),
            run,
            **options,
        )
        for layer, grad in zip(layers, grads, strict=True)
    )
    assert n_compared >= 30


def test_pseudo_times_rank_silent_outputs_behind_spikes():
    neuron = LIF()
    layer = Layer(np.array([[4.0, 2.0, 1.0, -1.0]]), np.empty(0), neuron)
    spikes = twin.spikes_of(np.array([[0.0]]), [], T_MAX)
    network = _core.Simulator([layer], T_MAX, 2.0)
    times = network.decisions(spikes)
    fired = np.isfinite(network.spike_times(spikes)[-1])
    assert_array_equal(fired, [[True, False, False, False]])
    assert times[0, 0] < T_MAX < times[0, 1] < times[0, 2] < times[0, 3]
    assert_allclose(times[0, 1], T_MAX + 2.0 * (1.0 - 2.0 / np.e))


def test_silence_penalty_leaves_neurons_alone_that_fire_often_enough():
    fired = np.array([[True, True, False], [True, False, False]])
    grad = twin.silence_gradient(fired, strength=1.0, silence_tolerance=0.5)
    assert_array_equal(grad, [[0.0, 0.0, 0.5], [0.0, 0.0, 0.5]])


LOSSES = {
    "cross-entropy": {"kind": "cross_entropy", "time_scale": 0.3, "early_scale": 1.5},
    "cross-entropy, early": {
        "kind": "cross_entropy",
        "time_scale": 0.3,
        "early": 0.2,
        "early_scale": 1.5,
    },
    "squared error": {
        "kind": "squared_error",
        "target_label": 1.0,
        "target_other": 2.0,
    },
    "shift-invariant": {
        "kind": "shift_invariant",
        "target_label": 1.0,
        "target_other": 2.0,
    },
}
LOSSES = {name: partial(_core.loss, **numbers) for name, numbers in LOSSES.items()}


@pytest.mark.parametrize(
    ("name", "dtype"), diagonal([*LOSSES, "target times"], [np.float64, np.float32])
)
def test_loss_gradients_agree_with_finite_differences(name, dtype):
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 3, (5, 4))
    labels = rng.integers(0, 4, 5).astype(np.uintp)
    loss = LOSSES.get(name)
    if loss is None:
        loss, labels = partial(_core.loss, kind="target_times"), rng.random((5, 4))
    factors = rng.uniform(0.5, 2, 5)
    grad = loss(times.astype(dtype), labels, factors)[1]
    assert grad.dtype == dtype
    for s, k in np.ndindex(times.shape):
        moved = [times.copy() for _ in range(2)]
        moved[0][s, k] += 1e-5
        moved[1][s, k] -= 1e-5
        values = [loss(t, labels, factors)[0].sum() for t in moved]
        expected = (values[0] - values[1]) / 2e-5
        atol = 1e-9 if dtype == np.float64 else 3e-6
        assert_allclose(grad[s, k], expected, rtol=1e-6 + 20 * atol, atol=atol)


def test_losses_have_their_defining_values():
    times = np.array([[1.0, 1.5, 3.0]])
    label, one = np.array([1], dtype=np.uintp), np.ones(1)
    numbers = {"kind": "cross_entropy", "time_scale": 0.5}
    value = _core.loss(times, label, one, early=0.1, early_scale=2.0, **numbers)[0][0]
    p = np.exp(-times[0] / 0.5)
    assert_allclose(value, -np.log(p[1] / p.sum()) + 0.1 * np.expm1(1.5 / 2.0))
    r = times[0] - [2.0, 1.0, 2.0]
    value = LOSSES["squared error"](times, label, one)[0][0]
    assert_allclose(value, np.mean(r**2) / 2)
    value = LOSSES["shift-invariant"](times, label, one)[0][0]
    assert_allclose(value, np.var(r) / 2)
    assert_allclose(LOSSES["shift-invariant"](times + 7.0, label, one)[0][0], value)
    wanted, two = np.array([[0.5, 2.0, 2.0]]), np.full(1, 2.0)
    value, grad = _core.loss(times, wanted, two, kind="target_times")
    assert_allclose(value, 2 * np.mean((times - wanted) ** 2) / 2)
    assert_allclose(grad, 2 * (times - wanted) / 3)


def test_loss_survives_times_far_apart():
    times = np.array([[0.0, 1e6]])
    label = np.array([1], dtype=np.uintp)
    value, grad = _core.loss(
        times, label, np.ones(1), kind="cross_entropy", time_scale=0.1
    )
    assert_allclose(value, 1e7)
    assert_allclose(grad, [[-10.0, 10.0]])


def test_initial_weights_make_most_neurons_fire(neuron):
    rng = np.random.default_rng(0)
    for n_in in (5, 50, 500):
        times = rng.uniform(0, neuron.tau_syn, (20, n_in))
        weights = initial_weights(rng, n_in, 200, n_in, neuron, drive=6.0, spread=2.5)
        assert np.mean(np.isfinite(first_spike(times, weights, neuron))) > 0.5


class TestBorder:
    """Nothing reaches C unchecked."""

    def test_dtypes_must_agree(self):
        events = _core.LayerBatch(np.zeros((2, 3)), LIF())
        with pytest.raises(ValueError, match="dtype mismatch"):
            events.first_spike(np.zeros((3, 1), dtype=np.float32))

    def test_shapes_must_agree(self):
        events = _core.LayerBatch(np.zeros((2, 3)), LIF(), 1.0)
        good, bad = np.zeros((3, 1)), np.zeros((4, 1))
        at, wrong = np.zeros((2, 1)), np.zeros((1, 2))
        calls = [
            lambda: events.first_spike(bad),
            lambda: events.peak(good, wrong),
            lambda: events.peak(bad, at),
            lambda: events.slope(good, wrong),
            lambda: events.slope(bad, at),
            lambda: events.grad_weights(at, wrong, good.copy()),
            lambda: events.grad_weights(wrong, at, good.copy()),
            lambda: events.grad_weights(at, at, bad.copy()),
            lambda: events.grad_times(good, at, wrong),
            lambda: events.grad_times(good, wrong, at),
            lambda: events.grad_times(bad, at, at),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="must have shape"):
                call()

    @pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
    def test_labels_must_fit(self, loss):
        times, one = np.zeros((1, 2)), np.ones(1)
        with pytest.raises(ValueError, match="outside"):
            loss(times, np.array([2], dtype=np.uintp), one)
        with pytest.raises(ValueError, match="one entry per sample"):
            loss(times, np.array([0, 1], dtype=np.uintp), one)
        with pytest.raises(ValueError, match="one entry per sample"):
            loss(times, np.array([0], dtype=np.uintp), np.ones(3))

    @pytest.mark.parametrize("scale", [0.0, -1.0, np.nan])
    def test_time_scale_must_be_positive(self, scale):
        times, label = np.zeros((1, 2)), np.array([0], dtype=np.uintp)
        for name in ("time_scale", "early_scale"):
            with pytest.raises(ValueError, match="positive"):
                _core.loss(
                    times, label, np.ones(1), kind="cross_entropy", **{name: scale}
                )

    def test_loss_must_be_known(self):
        times, label = np.zeros((1, 2)), np.array([0], dtype=np.uintp)
        with pytest.raises(ValueError, match="unknown loss 'hinge'"):
            _core.loss(times, label, np.ones(1), kind="hinge")
        with pytest.raises(TypeError, match="goal"):
            _core.loss(times, label, np.ones(1), kind="squared_error", goal=2.0)
        times, numbers = np.zeros((2, 3)), {"kind": "target_times"}
        for targets in (np.zeros((2, 2)), np.zeros((3, 3)), np.zeros((1, 3))):
            with pytest.raises(ValueError, match="targets must have shape"):
                _core.loss(times, targets, np.ones(2), **numbers)
        for bad in (np.nan, np.inf, 1e30):
            with pytest.raises(ValueError, match="targets must be finite"):
                _core.loss(times, np.full((2, 3), bad), np.ones(2), **numbers)
        with pytest.raises(ValueError, match="one entry per sample"):
            _core.loss(times, times, np.ones(3), **numbers)
        for targets in (np.zeros(2, np.uintp), np.zeros((2, 3), np.float32), None):
            with pytest.raises((ValueError, TypeError)):
                _core.loss(times, targets, np.ones(2), **numbers)
        with pytest.raises(ValueError, match="wrong number of dimensions"):
            _core.loss(times, times, np.ones(2), kind="cross_entropy")

    def test_peak_needs_an_end(self):
        events = _core.LayerBatch(np.zeros((1, 1)), LIF())
        with pytest.raises(ValueError, match="t_max"):
            events.peak(np.ones((1, 1)), np.full((1, 1), np.inf))

    def test_none_is_no_array(self):
        events = _core.LayerBatch(np.zeros((1, 1)), LIF(), 1.0)
        one = np.ones((1, 1))
        for call in (
            lambda: _core.LayerBatch(None, LIF()),
            lambda: events.first_spike(None),
            lambda: events.slope(one, None),
            lambda: events.grad_weights(one, one, None),
            lambda: events.peak(one, None),
            lambda: events.grad_times(one, one, None),
            lambda: _core.loss(None, np.zeros(1, np.uintp), np.ones(1), kind="x"),
        ):
            with pytest.raises(TypeError):
                call()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_child_computes_after_its_parent_has_used_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    rng = np.random.default_rng(0)
    times, weights = rng.random((64, 100)), rng.random((100, 100))
    expected = first_spike(times, weights)
    child = os.fork()
    if child == 0:
        same = np.array_equal(first_spike(times, weights), expected)
        os._exit(0 if same else 1)
    for _ in range(6000):  # ten minutes: only a child that hangs takes so long
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done
    assert status == 0
