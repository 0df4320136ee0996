"""The read-out: decisions, losses and gradients after it, and biases that do not learn.

Outputs spike before the read-out and after it, and some are silent.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import twin
from cases import diagonal, first_of
from numpy.testing import assert_allclose, assert_array_equal
from training import (
    DTYPES,
    LOSSES,
    NEURONS,
    PSEUDO_SLOPE,
    READ_OUT,
    READ_OUT_LOSSES,
    T_MAX,
    TRAINING,
    all_arrays,
    assert_delays_close,
    assert_same_with_threads,
    assert_single_trains_like_double,
    assert_weights_close,
    delayed_layers,
    draw_spikes,
    epoch,
    make_data,
    make_layers,
    n_like_differences,
    read_out_of,
    run_both,
    trainers,
)

from ttfs import LIF
from ttfs import core as _core
from ttfs.model import Layer
from ttfs.model.read_out import stretch, with_read_out

pytestmark = pytest.mark.usefixtures("every_simd")

KINDS = ["dense", "axonal", "synaptic"]
SIZES = (9, 70, 21, 10)


def make_network(kind, neuron=NEURONS["equal"], sizes=SIZES, dtype=np.float64):
    """Layers with a read-out; their delays are of this kind."""
    if kind == "dense":
        layers = make_layers(neuron, sizes, dtype)
    else:
        layers = delayed_layers(kind, neuron, sizes, dtype)
    for layer in layers:  # so that some outputs are early
        layer.weights *= 3 if layer is layers[-1] else 2
    return read_out_of(layers)


def spikes_of(times, layers):
    return twin.spikes_of(times, layers[0].bias_times, T_MAX)


def n_of_each(spikes):
    """Spikes before the read-out, after it, and silent outputs."""
    late = (spikes > READ_OUT["read_out"]) & (spikes < np.inf)
    return np.sum(spikes <= READ_OUT["read_out"]), late.sum(), np.isinf(spikes).sum()


def parameters_of(core, kind):
    return core.weights() if kind == "dense" else [*core.weights(), *core.delays()]


def assert_fixed(core, layers, kind="dense"):
    """Rows that are fixed have not moved by a bit, and their neighbours have."""
    before = [layer.weights for layer in layers]
    fixed = [layer.n_fixed for layer in layers]
    if kind != "dense":
        before, fixed = before + [layer.delays for layer in layers], 2 * fixed
    for got, first, n in zip(parameters_of(core, kind), before, fixed, strict=True):
        assert n > 0
        assert_array_equal(got[-n:], first[-n:])
        assert np.any(got[:-n] != first[:-n])


# ------------------------------------------------------------------ decisions


@pytest.mark.parametrize(("neuron", "kind", "dtype"), diagonal(NEURONS, KINDS, DTYPES))
def test_decisions_equal_their_twin(neuron, kind, dtype):
    times, _, _ = make_data(200, 9, 10, dtype)
    layers = make_network(kind, neuron, dtype=dtype)
    spikes = spikes_of(times, layers)
    network = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE, **READ_OUT)
    fired, decisions = network.spike_times(spikes)[-1], network.decisions(spikes)
    assert min(n_of_each(fired)) > 20
    last = twin.forward(layers, times, T_MAX)[-1]
    expected = twin.decision_times(last, T_MAX, PSEUDO_SLOPE, **READ_OUT)
    assert_allclose(decisions, expected, rtol=1e-11 if dtype == np.float64 else 1e-4)
    assert_array_equal(network.labels(spikes), decisions.argmin(axis=1))
    # Decisions are in the order of spikes, and those of silent outputs come last.
    before = fired <= dtype(READ_OUT["read_out"])
    assert_array_equal(decisions[before], fired[before])
    silent = np.isinf(fired)
    assert decisions[silent].min() >= decisions[~silent].max()
    order = np.argsort(fired[~silent], kind="stable")
    assert np.all(np.diff(decisions[~silent][order]) >= 0)
    none = _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
    assert_array_equal(none.spike_times(spikes)[-1], fired)
    assert_array_equal(none.labels(spikes), network.labels(spikes))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_spike_at_the_read_out_is_not_after_it(dtype):
    # Membranes without a leak and one input at 0: two outputs fire, one is silent.
    layer = Layer(np.array([[2.0, 1.9, 0.5]], dtype), np.empty(0), LIF(np.inf))
    spikes = twin.spikes_of(np.zeros((1, 1), dtype), [], T_MAX)
    plain = _core.Simulator([layer], T_MAX, PSEUDO_SLOPE).decisions(spikes)[0]
    t = np.array([*plain[:2], T_MAX])
    for read_out in (plain[0], plain[1], -3.0, 0.3, T_MAX, 1e29, 1e300):
        network = _core.Simulator([layer], T_MAX, PSEUDO_SLOPE, float(read_out), 4.0)
        # Precisely so: in the precision of biases.
        late = np.maximum(t - float(dtype(min(read_out, 1e29))), 0)
        got = network.decisions(spikes)[0]
        assert_allclose(got, plain + 3 * late, rtol=1e-14)
        assert_array_equal(got[t <= read_out], plain[t <= read_out])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_stretched_read_out_ranks_membranes_as_pseudo_times_do(dtype):
    # Outputs that have not fired by the read-out decide by their membranes at it.
    neuron = NEURONS["double"]
    weights = np.linspace(-1, 1.2, 12, dtype=dtype)[None, :]
    time = neuron.peak_delay
    layer = with_read_out(Layer(weights, np.empty(0), neuron), time)
    spikes = twin.spikes_of(np.zeros((1, 1), dtype), layer.bias_times, 2 * T_MAX)
    network = _core.Simulator(
        [layer], 2 * T_MAX, PSEUDO_SLOPE, time, stretch(neuron, PSEUDO_SLOPE)
    )
    fired, decisions = network.spike_times(spikes)[0][0], network.decisions(spikes)[0]
    assert np.all((time < fired) & (fired < 2 * T_MAX))
    assert np.all(np.diff(decisions) < 0)
    missing = neuron.threshold - weights[0] * neuron.kappa(time)
    assert_allclose(decisions - time, PSEUDO_SLOPE * missing, rtol=0.4)


# ------------------------------------------------------------------ training


@pytest.mark.parametrize(
    ("neuron", "kind", "loss"), diagonal(NEURONS, KINDS, READ_OUT_LOSSES)
)
def test_epoch_equals_its_twin(neuron, kind, loss):
    layers = make_network(kind, neuron)
    data = make_data(23, 9, 10)
    core, slow = trainers(layers, loss, **READ_OUT)
    assert min(n_of_each(core.spike_times(spikes_of(data[0], layers))[-1])) > 2
    run_both(core, slow, data, 5)
    assert_weights_close(core, slow, layers, 1e-9)
    if kind != "dense":
        assert_delays_close(core, slow, layers, 1e-9)
    assert_fixed(core, layers, kind)


CHANGES = {
    "weight decay": {"weight_decay": 5.0, "rests": [0.3, -0.2]},
    "limits": {"limits": [3.0, 3.0]},
    "dropout": {"dropout": 0.5, "may_drop": np.ones(9, bool), "seed": 3},
    "table": {"local": {"kernel": "table", "feedback": "symmetric"}},
    "linear": {"local": {"kernel": "linear", "feedback": "symmetric"}},
}
for feedback in ("direct", "target"):
    fixed = [None, np.random.default_rng(3).normal(0.0, 0.5, (40, 3))]
    rule = {"kernel": "table", "feedback": feedback, "feedback_weights": fixed}
    CHANGES[feedback] = {"local": rule, "rests": [0.3, -0.2], "limits": [3.0, 3.0]}


@pytest.mark.parametrize(
    ("changes", "loss"), diagonal(CHANGES, ["early", "squared error"])
)
def test_fixed_rows_stay_whatever_else_moves(changes, loss):
    layers = make_network("dense", sizes=(9, 40, 3))
    for layer in layers:
        layer.weights[:] = layer.weights.clip(-3.0, 3.0)
    core, slow = trainers(layers, READ_OUT_LOSSES[loss], **READ_OUT, **changes)
    run_both(core, slow, make_data(40, 9, 3), 8)
    assert_weights_close(core, slow, layers, 1e-9)
    assert_fixed(core, layers)
    for moments, layer in zip(core.state()["moments"], layers, strict=True):
        assert all(not np.any(m[-layer.n_fixed :]) for m in moments)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_trains_like_float64(kind):
    single = make_network(kind, sizes=(9, 70, 21, 3), dtype=np.float32)
    loss = READ_OUT_LOSSES["early"]
    core = assert_single_trains_like_double(single, loss, **READ_OUT)
    assert_fixed(core, single, kind)


@pytest.mark.parametrize("changes", [{}, CHANGES["table"]], ids=["adam", "local"])
def test_measured_spikes_train_like_the_twin(changes):
    layers = make_network("dense")
    core, slow = trainers(layers, READ_OUT_LOSSES["early"], **READ_OUT, **changes)
    measures = [draw_spikes(layers, 3, with_peaks=True) for _ in range(2)]
    run_both(core, slow, make_data(23, 9, 10), 5, measures=measures, rate=1e-3)
    assert_weights_close(core, slow, layers, 1e-9)
    assert_fixed(core, layers)


@pytest.mark.parametrize(
    ("dtype", "changes"), diagonal(DTYPES, {"adam": {}, "local": CHANGES["table"]})
)
def test_fixed_rows_stay_when_other_weights_fire(dtype, changes):
    layers = make_network("dense", sizes=(9, 40, 3), dtype=dtype)
    core, _ = trainers(layers, READ_OUT_LOSSES["early"], **READ_OUT, **changes)

    def forward(spikes, trainer):
        rounded = [np.rint(4 * w) / 4 for w in trainer.weights()]
        now = [
            replace(layer, weights=w) for w, layer in zip(rounded, layers, strict=True)
        ]
        return _core.Simulator(now, T_MAX, PSEUDO_SLOPE).fire(spikes), None, rounded

    data = make_data(40, 9, 3, dtype)
    for _ in range(2):
        epoch(core, layers, data, 8, forward=forward)
        assert_fixed(core, layers)
    epoch(core, layers, data, 8)  # its own weights fire again
    assert_fixed(core, layers)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_not_fixed_move_as_without_fixed_ones(kind):
    layers = make_network(kind)
    data = make_data(40, 9, 10)
    free = [replace(layer, n_fixed=0) for layer in layers]
    cores = [trainers(a, LOSSES["early"], **READ_OUT)[0] for a in (layers, free)]
    for core in cores:  # one step: the next ones have other weights
        epoch(core, layers, data, 40)
    pairs = zip(*(parameters_of(core, kind) for core in cores), strict=True)
    n_fixed, n_moved = itertools.cycle([layer.n_fixed for layer in layers]), 0
    for (a, b), n in zip(pairs, n_fixed, strict=False):
        assert_array_equal(a[:-n], b[:-n])
        n_moved += np.any(a[-n:] != b[-n:])
    assert n_moved >= len(layers)


@pytest.mark.parametrize("kind", KINDS)
def test_bits_do_not_depend_on_threads(kind, monkeypatch):
    layers = make_network(kind, sizes=(30, 70, 40, 5), dtype=np.float32)
    data = make_data(200, 30, 5, np.float32)

    def compute():
        core, _ = trainers(layers, READ_OUT_LOSSES["early"], **READ_OUT)
        loss = epoch(core, layers, data, 150)
        assert_fixed(core, layers, kind)
        return [loss, *all_arrays(core, spikes_of(data[0], layers))]

    assert_same_with_threads(monkeypatch, compute)


# ------------------------------------------------------------------ gradients


@pytest.mark.parametrize(
    ("kind", "loss"), diagonal(KINDS, ["early", "squared error", "target times"])
)
def test_gradient_agrees_with_finite_differences(kind, loss):
    # The gradient g is read from the moment of the first step, m = (1 - beta_1) g.
    rng = np.random.default_rng(3)
    layers = make_network(kind, NEURONS["double"], (6, 20, 10))
    times, targets, factors = make_data(12, 6, 10)
    times += rng.uniform(0, 0.01, times.shape)  # off the grid: no ties
    if kind != "dense":
        for layer in layers:
            layer.delays += rng.uniform(0.01, 0.02, layer.delays.shape)
    if loss == "target times":
        targets = rng.uniform(0.3, 2, (12, 10))
    numbers = READ_OUT_LOSSES.get(loss, {"kind": "target_times"})
    changes = {"min_slope": 0.0, "silence_penalty": 0.0, **READ_OUT}
    spikes = spikes_of(times, layers)

    def total():
        core, _ = trainers(layers, numbers, **changes)
        fired = core.spike_times(spikes)
        late = fired[-1] > READ_OUT["read_out"]
        value = epoch(core, layers, (times, targets, factors), 12, rate=0.0)
        return core, value, [*map(np.isinf, fired), late], fired[-1]

    core, _, _, fired = total()
    assert min(n_of_each(fired)) >= 3
    state, n_compared = core.state(), 0
    for name, moments in (("weights", "moments"), ("delays", "delay_moments")):
        if name == "delays" and kind == "dense":
            continue
        for pair, layer in zip(state[moments], layers, strict=True):
            grad, values = pair[0] / (1 - TRAINING["beta_1"]), getattr(layer, name)
            assert_array_equal(grad[-layer.n_fixed :], 0)
            places = rng.permutation(np.argwhere(np.abs(grad) > 1e-6))[:9]
            n_compared += n_like_differences(grad, values, places, lambda: total()[1:3])
    assert n_compared >= (12 if kind == "dense" else 24)


@pytest.mark.parametrize(
    ("loss", "dtype"), diagonal(["cross-entropy", "early", "squared error"], DTYPES)
)
def test_gradient_of_one_spike_is_stretched_after_the_read_out(loss, dtype):
    # Three outputs without a leak and one input at 0: w (1 - exp(-t)) = 1 is known.
    weights = np.array([[1.2, 2.5, 0.4]], dtype)
    t = np.append(-np.log1p(-1 / weights[0, :2].astype(float)), T_MAX)
    late = np.maximum(t - READ_OUT["read_out"], 0)
    u_peak = weights[0, 2] * -np.expm1(-T_MAX)
    decisions = t + (READ_OUT["stretch"] - 1) * late
    decisions[2] += PSEUDO_SLOPE * (1 - u_peak)
    labels, one = np.array([0], np.uintp), np.ones(1)
    numbers = READ_OUT_LOSSES[loss]
    value, by_decision = _core.loss(decisions[None], labels, one, **numbers)
    # dt/dw = -(1 - exp(-t)) / u', and D = t_max ... - pseudo_slope u_peak
    kappa = -np.expm1(-t)
    slope = weights[0] * np.exp(-t)
    by_weight = -kappa / np.array([slope[0], slope[1], 1 / PSEUDO_SLOPE])
    by_weight[0] *= READ_OUT["stretch"]
    layer = Layer(weights, np.empty(0), LIF(np.inf))
    changes = {"min_slope": 0.0, **READ_OUT}
    core, _ = trainers([layer], numbers, **changes)
    data = np.zeros((1, 1), dtype), labels, one
    rtol = 1e-10 if dtype == np.float64 else 2e-5
    assert_allclose(epoch(core, [layer], data, 1), value[0], rtol=rtol)
    grad = core.state()["moments"][0][0][0] / (1 - TRAINING["beta_1"])
    assert_allclose(grad, by_decision[0] * by_weight, rtol=rtol, atol=1e-12)


# ------------------------------------------------------------------ early firing


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_early_firing_goes_on_as_its_tangent(dtype):
    early, scale, end = 0.2, 1.5, 1.25
    numbers = {"kind": "cross_entropy", "time_scale": 0.3, "early_scale": scale}
    numbers["early_end"] = end
    times = np.array([[0.5, 0.7], [1.25, 1.0], [3.0, 2.5], [1e4, 1e4]], dtype)
    labels, factors = np.zeros(4, np.uintp), np.array([1.0, 0.5, 2.0, 3.0])
    with_it = _core.loss(times, labels, factors, early=early, **numbers)
    without = _core.loss(times, labels, factors, early=0.0, **numbers)
    t = times[:, 0].astype(float)
    up_to = np.minimum(t, end)
    slope = early / scale * np.exp(up_to / scale)
    term = early * np.expm1(up_to / scale) + slope * (t - up_to)
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    assert np.isfinite(with_it[0]).all()
    assert_allclose(with_it[0] - without[0], factors * term, rtol=1e-9)
    grads = with_it[1].astype(float) - without[1]
    assert_allclose(grads[:, 0], factors * slope, rtol=rtol)
    assert_array_equal(grads[:, 1], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_label_that_is_inhibited_has_a_finite_loss(dtype):
    layers = make_network("dense", sizes=(9, 3), dtype=dtype)
    layers[0].weights[:9, 0] = -1000.0
    times, _, factors = make_data(8, 9, 3, dtype)
    data = times, np.zeros(8, np.uintp), factors
    core, _ = trainers(layers, READ_OUT_LOSSES["early"], **READ_OUT)
    assert core.decisions(spikes_of(times, layers))[:, 0].max() > 700 * 1.5
    assert np.isfinite(epoch(core, layers, data, 8))
    assert np.isfinite(core.weights()[0]).all()


# ------------------------------------------------------------------ the border


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        *(({"read_out": t}, "read_out must be a time") for t in (np.nan, -np.inf)),
        ({"read_out": -1e30}, "read_out must be a time"),
        *(
            ({"stretch": a}, "stretch positive and finite")
            for a in (0.0, -1.0, np.inf, np.nan, 1e30)
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", first_of([np.float32, np.float64]))
def test_bad_numbers_are_refused(dtype, numbers, message):
    layers = make_network("dense", sizes=(4, 3), dtype=dtype)
    with pytest.raises(ValueError, match=message):
        _core.Simulator(layers, T_MAX, PSEUDO_SLOPE, **READ_OUT | numbers)
    with pytest.raises(ValueError, match=message):
        trainers(layers, LOSSES["early"], **READ_OUT | numbers)


@pytest.mark.parametrize("n_fixed", [-1, 6, 10**6])
def test_only_biases_are_fixed(n_fixed):
    layers = make_network("dense", sizes=(4, 6, 3))
    layers[1].n_fixed = n_fixed
    with pytest.raises(ValueError, match=f"layer 1 has 5 biases, of which {n_fixed}"):
        _core.Simulator(layers, T_MAX, PSEUDO_SLOPE)
    layers[1].n_fixed = 5  # all of them
    core, _ = trainers(layers, LOSSES["early"], **READ_OUT)
    epoch(core, layers, make_data(8, 4, 3), 4)
    assert_fixed(core, layers)


@pytest.mark.parametrize("end", [np.nan, -np.inf])
def test_early_firing_ends_at_a_time(end):
    loss = LOSSES["early"] | {"early_end": end}
    with pytest.raises(ValueError, match="early_end must be a time"):
        trainers(make_network("dense", sizes=(4, 3)), loss)
    with pytest.raises(ValueError, match="early_end must be a time"):
        _core.loss(np.ones((1, 2)), np.zeros(1, np.uintp), np.ones(1), **loss)
