"""The simplified local rule in real numbers, against its twin and by hand."""

import itertools
from functools import partial

import numpy as np
import pytest
import twin
from cases import diagonal
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    LOSSES,
    NEURONS,
    T_MAX,
    assert_same_with_threads,
    assert_single_trains_like_double,
    assert_weights_close,
    draw_spikes,
    epoch,
    make_data,
    make_layers,
    run_both,
    trainers,
)

from ttfs import LIF, first_spike, first_spike_vjp
from ttfs import core as _core
from ttfs.datasets import make_yin_yang
from ttfs.model import Layer

pytestmark = pytest.mark.usefixtures("every_simd")

KERNELS = ["table", "linear"]
FEEDBACKS = ["symmetric", "random", "direct", "target"]


def make_rule(layers, kernel, feedback, seed=3):
    """A local rule, with fixed weights of the scale of the trained ones."""
    rng = np.random.default_rng(seed)
    rule = {"kernel": kernel, "feedback": feedback}
    if feedback == "symmetric":
        return rule
    shapes = [layer.weights.shape for layer in layers]
    if feedback != "random":
        outs = [n_out for _, n_out in shapes]
        shapes = [None, *((n, outs[-1]) for n in outs[:-1])]
    fixed = [None, *(rng.normal(0.0, 0.5, shape) for shape in shapes[1:])]
    return rule | {"feedback_weights": fixed}


# ------------------------------------------------------------------ against the twin


@pytest.mark.parametrize(
    ("kernel", "feedback", "neuron"), diagonal(KERNELS, FEEDBACKS, NEURONS)
)
def test_epoch_equals_its_twin(neuron, kernel, feedback):
    layers = make_layers(neuron, (9, 70, 21, 3))
    local = make_rule(layers, kernel, feedback)
    core, slow = trainers(layers, LOSSES["early"], local=local)
    run_both(core, slow, make_data(23, 9, 3), 5)
    assert slow.n_pulled > 10
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize(
    ("loss", "feedback", "sizes"),
    diagonal(LOSSES, FEEDBACKS, [(6, 3), (1, 1, 1), (4, 8, 16, 32, 5)]),
)
def test_other_networks_and_losses(loss, feedback, sizes):
    layers = make_layers(LIF(1.7, 1.0), sizes)
    local = make_rule(layers, "linear", feedback)
    core, slow = trainers(layers, loss, local=local)
    run_both(core, slow, make_data(30, sizes[0], sizes[-1]), 7)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize("feedback", FEEDBACKS)
def test_window_of_spikes_that_teach(feedback):
    layers = make_layers(LIF(), (9, 70, 21, 3))
    local = make_rule(layers, "table", feedback) | {"window": (0.6, 1.1)}
    core, slow = trainers(layers, LOSSES["early"], local=local)
    data = make_data(23, 9, 3)
    run_both(core, slow, data, 5)
    assert_weights_close(core, slow, layers, 1e-10)
    # In a window without an end it would be another rule.
    other = make_rule(layers, "table", feedback) | {"window": (0.6, np.inf)}
    other, slow = trainers(layers, LOSSES["early"], local=other)
    run_both(other, slow, data, 5)
    assert np.abs(core.weights()[0] - other.weights()[0]).max() > 1e-3


def test_empty_window_leaves_hidden_layers_alone():
    layers = make_layers(LIF(), (9, 70, 21, 3))
    local = make_rule(layers, "table", "symmetric") | {"window": (-np.inf, -np.inf)}
    still = {"silence_penalty": 0.0, "weight_decay": 0.0}
    core, slow = trainers(layers, LOSSES["early"], local=local, **still)
    run_both(core, slow, make_data(23, 9, 3), 5)
    *hidden, output = core.weights()
    for weights, layer in zip(hidden, layers, strict=False):
        assert_array_equal(weights, layer.weights)
    assert np.abs(output - layers[-1].weights).max() > 1e-3


@pytest.mark.parametrize("window", [(1.0, 0.5), (np.nan, 1.0)])
def test_window_must_not_end_before_it_begins(window):
    layers = make_layers(LIF(), (9, 7, 3))
    local = make_rule(layers, "table", "symmetric") | {"window": window}
    with pytest.raises(ValueError, match="window"):
        trainers(layers, LOSSES["early"], local=local)


@pytest.mark.parametrize("kernel", KERNELS)
def test_large_batches_and_long_lists(kernel):
    # More samples than are worked on at a time, events of more than one segment.
    layers = make_layers(LIF(0.2, 0.15), (200, 20, 4))
    local = make_rule(layers, kernel, "symmetric")
    core, slow = trainers(layers, LOSSES["cross-entropy"], local=local)
    run_both(core, slow, make_data(300, 200, 4), 290, n_epochs=1, rate=1e-3)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize(
    "changes",
    [
        {"silence_penalty": 0.0},
        {"silence_penalty": 2.0, "silence_tolerance": 0.6},
        {"silence_tolerance": -1.0},
        {"weight_decay": 0.0},
        {"weight_decay": 5.0},
        {"rests": [0.3, -0.2]},
        {"dropout": 0.3, "may_drop": np.arange(8) % 3 > 0, "seed": 2**64 - 1},
    ],
    ids=str,
)
def test_numbers_of_training_mean_what_they_mean_to_the_twin(changes):
    layers = make_layers(LIF(), (8, 40, 3))
    local = make_rule(layers, "linear", "symmetric")
    core, slow = trainers(layers, LOSSES["early"], local=local, **changes)
    run_both(core, slow, make_data(40, 8, 3), 8)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize(("kernel", "feedback"), diagonal(KERNELS, FEEDBACKS))
def test_measured_spikes(kernel, feedback):
    # On the grid of the inputs: differences meet the corners of the kernel.
    layers = make_layers(LIF(), (9, 70, 21, 3))
    local = make_rule(layers, kernel, feedback)
    core, slow = trainers(layers, LOSSES["early"], local=local)
    measures = [draw_spikes(layers, 3) for _ in range(2)]
    run_both(core, slow, make_data(23, 9, 3), 5, measures=measures, rate=1e-3)
    assert_weights_close(core, slow, layers, 1e-10)


@pytest.mark.parametrize(("kernel", "feedback"), diagonal(KERNELS, FEEDBACKS))
def test_float32_trains_like_float64(kernel, feedback):
    single = make_layers(LIF(), (9, 70, 21, 3), np.float32)
    options = {"rate": 1e-3, "local": make_rule(single, kernel, feedback)}
    assert_single_trains_like_double(single, LOSSES["early"], rtol=1e-3, **options)


def test_bits_do_not_depend_on_threads(monkeypatch):
    layers = make_layers(LIF(), (30, 130, 70, 5), np.float32)
    data = make_data(400, 30, 5, np.float32)

    def compute(local):
        core, _ = trainers(layers, LOSSES["early"], local=local)
        return [epoch(core, layers, data, 150, rate=1e-3), *core.weights()]

    for kernel, feedback in itertools.product(KERNELS, ["symmetric", "direct"]):
        local = make_rule(layers, kernel, feedback)
        assert_same_with_threads(monkeypatch, partial(compute, local))


# ------------------------------------------------------------------ by hand


NUMBERS = {
    "min_slope": 0.0,
    "silence_penalty": 0.0,
    "silence_tolerance": 0.0,
    "beta_1": 0.0,
    "beta_2": 0.0,
    "epsilon": 0.0,
    "weight_decay": 0.0,
}


def moved(weight, at, neuron, *, kernel="linear", n_samples=1, dtype=float):
    """The move of a lone synapse with an input at 0, in units of rate dL/dt."""
    layer = Layer(np.array([[weight]], dtype), np.empty(0), neuron)
    rule = {"kernel": kernel, "feedback": "symmetric"}
    loss = {"kind": "squared_error", "target_label": at - 1.0}  # dL/dt = 1
    core = _core.Trainer(
        [layer], 50.0, 1.0, units=[0.5], loss=loss, local=rule, **NUMBERS
    )
    spikes = twin.spikes_of(np.zeros((n_samples, 1), dtype), [], 50.0)
    order = np.arange(n_samples, dtype=np.uintp)
    labels, factors = np.zeros(n_samples, np.uintp), np.ones(n_samples)
    core.epoch(
        spikes,
        labels,
        factors,
        order,
        n_samples,
        np.array([0.5]),
        lambda *_: [np.full((n_samples, 1), at)],
    )
    return (core.weights()[0][0, 0] - weight) / 0.25


@pytest.mark.parametrize(
    ("slope", "power"),
    [
        (-3.0, 2**-4),
        (0.0, 2**-4),
        (1e-6, 2**-4),
        (2**-3.51, 2**-4),
        (2**-3.49, 2**-3),
        (0.99 * 2**0.5, 1),
        (1.0, 1),
        (1.01 * 2**0.5, 2),
        (3.0, 4),
        (2**5.49, 2**5),
        (2**5.51, 2**6),
        (1e6, 2**6),
    ],
)
def test_shift_is_next_to_the_slope(slope, power):
    # u' = w kappa'(d), in threshold / tau_syn
    neuron = LIF(tau_mem=0.7, tau_syn=0.7, threshold=1.3)
    at, unit = 0.35, 1.3 / 0.7
    weight = slope * unit / (0.5 * np.exp(-0.5) / 0.7)
    expected = 0.5 * np.exp(-0.5) / (unit * power)
    got = moved(weight, at, neuron, kernel="table")
    assert_allclose(got, expected, rtol=1e-9, atol=1e-9 * abs(weight))


@pytest.mark.parametrize(
    ("neuron", "dtype"), diagonal(NEURONS, [np.float64, np.float32])
)
def test_linear_kernel_is_a_triangle_as_high_as_kappa(neuron, dtype):
    peak = min(neuron.peak_delay, 2 * neuron.tau_syn)
    height = neuron.kappa(peak) * 16 * neuron.tau_syn / neuron.threshold
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    for x, y in {0.25: 0.25, 1.0: 1.0, 1.6: 0.8, 3.1: 0.3, 4.0: 0.0, 6.0: 0.0}.items():
        # No weight: the least slope.
        got = moved(0.0, x * peak, neuron, dtype=dtype)
        assert_allclose(got, y * height, rtol=0, atol=rtol * (height + 1))
    assert moved(0.0, 0.0, neuron, dtype=dtype) == 0
    assert moved(0.0, -0.1, neuron, dtype=dtype) == 0


def test_rate_is_that_of_the_sum_over_the_batch():
    one, seven = (moved(2.0, 0.5, LIF(), n_samples=n) for n in (1, 7))
    assert one > 0  # the target is earlier
    assert_allclose(seven, 7 * one, rtol=1e-13)


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_table_with_the_shift_undone_is_the_exact_gradient(neuron):
    layer = make_layers(neuron, (9, 12), drive=9.0)[0]
    times, labels, _ = make_data(20, 9, 12)
    factors = np.ones(20)
    inputs = twin.with_biases(layer, times)
    inputs[inputs >= T_MAX] = np.inf
    spikes = first_spike(inputs, layer.weights, neuron)
    assert np.mean(spikes < T_MAX) > 0.8
    spikes[spikes >= T_MAX] = np.inf
    neuron_slopes = _core.LayerBatch(inputs, neuron).slope(layer.weights, spikes)
    unit = neuron.threshold / neuron.tau_syn
    targets = {"target_label": 0.3, "target_other": 0.7}
    core = _core.Trainer(
        [layer],
        T_MAX,
        0.0,  # silent neurons have no part in it
        units=[0.5],
        loss={"kind": "squared_error"} | targets,
        local={"kernel": "table", "feedback": "symmetric"},
        **NUMBERS,
    )
    epoch(core, [layer], (times, labels, factors), 20, rate=0.5)
    target = np.where(np.arange(12) == labels[:, None], 0.3, 0.7)
    error = np.where(spikes < np.inf, spikes, 0) - np.where(spikes < np.inf, target, 0)
    error *= neuron_slopes / (unit * twin.power_of_two(neuron_slopes / unit)) / 12
    _, grad = first_spike_vjp(inputs, layer.weights, spikes, error, neuron)
    got = (layer.weights - core.weights()[0]) / 0.25
    assert np.abs(grad).max() > 0.01
    assert_allclose(got, grad, rtol=0, atol=1e-10 * np.abs(grad).max())


def test_twin_with_slopes_for_shifts_is_the_exact_gradient():
    # But for silent neurons: peaks that are kinks are left out of the local rule.
    layers = make_layers(LIF(2.0, 1.0), (9, 20, 12, 3), drive=9.0)
    times, _, _ = make_data(12, 9, 3)
    passes = twin.forward(layers, times, T_MAX)
    assert all(did.fired.mean() > 0.5 for did in passes)
    errors = np.random.default_rng(1).normal(size=(12, 3))
    silent = {"pseudo_slope": 0.0, "silence_penalty": 0.0, "silence_tolerance": 0.0}
    exact, _ = twin.backward(passes, errors, min_slope=0.0, **silent)
    local = {"kernel": "table", "feedback": "symmetric"}
    got = twin.local_backward(
        passes, errors, None, local=local, power=lambda slope: slope, **silent
    )
    for a, b in zip(got, exact, strict=True):
        assert_allclose(a, b, rtol=0, atol=1e-11 * np.abs(b).max())


def test_random_feedback_through_the_weights_is_symmetric():
    layers = make_layers(LIF(), (9, 70, 3))
    data = make_data(6, 9, 3)
    weights = []
    for feedback in ("symmetric", "random"):
        rule = {"kernel": "linear", "feedback": feedback}
        if feedback == "random":
            rule["feedback_weights"] = [None, layers[1].weights.copy()]
        core, _ = trainers(layers, LOSSES["early"], local=rule)
        epoch(core, layers, data, 6)
        weights.append(core.weights())
    for a, b in zip(*weights, strict=True):
        assert_array_equal(a, b)


def test_target_makes_neurons_earlier_that_speak_for_the_label():
    layers = make_layers(LIF(), (9, 4, 2), drive=9.0)
    fixed = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    rule = {"kernel": "linear", "feedback": "target", "feedback_weights": [None, fixed]}
    changes = {"silence_penalty": 0.0, "weight_decay": 0.0}
    core, _ = trainers(layers, LOSSES["cross-entropy"], local=rule, **changes)
    times, labels, factors = make_data(1, 9, 2)
    labels[:] = 0
    spikes = twin.spikes_of(times, layers[0].bias_times, T_MAX)
    before = core.spike_times(spikes)[0][0]
    assert np.all(before < np.inf)
    epoch(core, layers, (times, labels, factors), 1, rate=1e-3)
    change = core.spike_times(spikes)[0][0] - before
    assert change[0] < 0 < change[1]
    assert_array_equal(change[2:], 0)


def test_floor_and_adam_have_no_part_in_it():
    layers = make_layers(LIF(), (9, 20, 3))
    data = make_data(12, 9, 3)
    results = []
    for changes in (
        {},
        {"min_slope": 9.0, "beta_1": 0.0, "beta_2": 0.5, "epsilon": 1.0},
    ):
        rule = make_rule(layers, "linear", "symmetric")
        core, _ = trainers(layers, LOSSES["early"], local=rule, **changes)
        epoch(core, layers, data, 4)
        assert not np.any(core.state()["moments"][0])
        results.append(core.weights())
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(("kernel", "feedback"), diagonal(KERNELS, FEEDBACKS))
def test_it_learns(kernel, feedback):
    X, y = make_yin_yang(600, random_state=0)
    layers = make_layers(LIF(), (4, 60, 3), drive=6.0, spread=2.5)
    rule = make_rule(layers, kernel, feedback)
    changes = {"local": rule, "weight_decay": 0.0}
    core, _ = trainers(layers, LOSSES["cross-entropy"], **changes)
    spikes = twin.spikes_of(X, layers[0].bias_times, T_MAX)
    y, rng = y.astype(np.uintp), np.random.default_rng(0)
    before = np.mean(core.labels(spikes) == y)
    for n in range(60):
        order = rng.permutation(600).astype(np.uintp)
        core.epoch(spikes, y, np.ones(600), order, 20, np.full(30, 0.02 * (1 - n / 60)))
    after = np.mean(core.labels(spikes) == y)
    assert before < 0.4
    assert after > before + 0.25


# ------------------------------------------------------------------ the border


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"kernel": "alpha"},
            ValueError,
            "unknown kernel 'alpha': choose one of table",
        ),
        ({"kernel": None}, ValueError, "unknown kernel None"),
        ({"feedback": "none"}, ValueError, "unknown feedback 'none': .* target"),
        ({"shift": 1}, TypeError, "unknown parameters of a local rule: shift"),
        ({"feedback_weights": [None, None]}, ValueError, "symmetric feedback has no"),
        ({"feedback": "random"}, ValueError, "needs feedback_weights, one entry"),
        (
            {"feedback": "random", "feedback_weights": [np.ones((9, 3))]},
            ValueError,
            "needs feedback_weights, one entry",
        ),
        (
            {"feedback": "random", "feedback_weights": [None, np.ones((6, 3))]},
            ValueError,
            r"layer 1 must have shape \(9, 3\), got \(6, 3\)",
        ),
        (
            {"feedback": "direct", "feedback_weights": [None, np.ones((9, 3))]},
            ValueError,
            r"layer 1 must have shape \(6, 3\), got \(9, 3\)",
        ),
        (
            {"feedback": "target", "feedback_weights": [None, None]},
            ValueError,
            r"layer 1 must have shape \(6, 3\), got \(\)",
        ),
        (
            {"feedback": "target", "feedback_weights": [None, np.full((6, 3), 1e300)]},
            ValueError,
            "layer 1 must be finite",
        ),
        (
            {"feedback": "random", "feedback_weights": [0, np.full((9, 3), np.nan)]},
            ValueError,
            "layer 1 must be finite",
        ),
    ],
    ids=str,
)
def test_border(changes, error, message):
    layers = make_layers(LIF(), (4, 6, 3), np.float32)
    rule = {"kernel": "linear", "feedback": "symmetric"} | changes
    with pytest.raises(error, match=message):
        trainers(layers, LOSSES["early"], local=rule)


@pytest.mark.parametrize("shape", [(7,), (7, 6)], ids=str)
def test_delays(shape):
    layers = make_layers(LIF(), (4, 6, 3))
    layers[0].delays = np.zeros(shape)
    rule = {"kernel": "linear", "feedback": "symmetric"}
    with pytest.raises(ValueError, match="layers with delays"):
        trainers(layers, LOSSES["early"], local=rule)
