"""Decays by shifts: the time constants that they realise, and the neurons they make."""

from math import inf

import fixed_twin
import numpy as np
import pytest
from cases import first_of
from fixed_cores import core
from fixed_networks import Core, realise
from numpy.testing import assert_allclose, assert_array_equal

import ttfs
from ttfs import LIF, _fixed
from ttfs.fixed import build, shifts, tables
from ttfs.fixed.network import FixedNetwork

TICK = 1 / 16
# By their shifts of current and membrane; 0: no leak.
NEURONS = {
    (s, m): LIF(inf if m == 0 else 1.01 * 2**m * TICK, 1.01 * 2**s * TICK)
    for s, m in [
        (1, 0),
        (2, 2),
        (3, 3),
        (3, 4),
        (4, 0),
        (4, 3),
        (4, 6),
        (5, 5),
        (8, 15),
    ]
}
every_neuron = pytest.mark.parametrize(
    ("pair", "neuron"), NEURONS.items(), ids=[f"{s}, {m}" for s, m in NEURONS]
)


# -- Time constants ----------------------------------------------------------------


@every_neuron
def test_realised_time_constants_are_those_of_the_twin(pair, neuron):
    neuron = LIF(neuron.tau_mem * 0.97, neuron.tau_syn * 0.97)
    if pair == (1, 0):
        neuron = LIF(inf, 1.44 * TICK)
    if pair[0] == 2:
        neuron = LIF(3.5 * TICK, 3.4 * TICK)
    got, realised = shifts.realise(neuron, TICK)
    assert got == pair
    assert (got, realised) == realise(neuron, TICK)
    # The same again, as what is realised is one of them.
    assert shifts.realise(realised, TICK) == (pair, realised)
    # In each tick 2^-k of it is lost.
    for shift, tau in zip(pair, (realised.tau_syn, realised.tau_mem), strict=True):
        lost = 2.0**-shift if shift else 0.0
        assert -np.expm1(-TICK / tau) == pytest.approx(lost, rel=1e-12)


@pytest.mark.parametrize("tau", [1.0, 0.3, 7.0])
def test_the_default_tick_keeps_the_time_constant(tau):
    tick = shifts.default_tick(tau)
    assert tau / tick == pytest.approx(31.498, abs=1e-3)
    pair, realised = shifts.realise(LIF(tau, tau), tick)
    assert pair == (5, 5)
    assert realised.tau_mem == realised.tau_syn == pytest.approx(tau, rel=1e-15)


@pytest.mark.parametrize(
    ("tau_mem", "tau_syn", "tick", "message"),
    [
        # 4 ticks are 15 % from 3.48, 2^3.5 are in the middle between two shifts.
        (1.0, 2**3.5, 1.0, r"tau_syn=11\.3137 is 11\.31 ticks of 1, .* 15\.49: use"),
        (1.0, 4.0, 1.0, r"3\.476: use tau_syn=3\.476 or tick=1\.151"),
        (1.0, 0.5, 1.0, r"can have is 1\.443: use"),
        (1.0, 600.0, 1.0, r"can have is 255\.5: use"),
        (1.5, 1.0, 1 / 32, r"tau_mem=1\.5 .* use tau_mem=1\.984 or another tick"),
        (1e5, 16.0, 1.0, r"tau_mem=100000 .* can have is 3\.277e\+04"),
    ],
)
def test_other_time_constants_are_errors(tau_mem, tau_syn, tick, message):
    with pytest.raises(ValueError, match=message):
        shifts.realise(LIF(tau_mem, tau_syn), tick)


def test_time_constants_that_errors_name_are_accepted():
    for neuron in LIF(1.984, 1.0), LIF(0.9919, 1.0):
        pair, _ = shifts.realise(neuron, 1 / 32)
        assert pair[0] == 5
    assert shifts.realise(LIF(4.0, 4.0), 1.151)[0] == (2, 2)


# -- Tables and numbers ------------------------------------------------------------


@every_neuron
def test_the_response_of_shifts_is_kappa(pair, neuron):
    """In real numbers a current of 1 makes a membrane of c kappa(d)."""
    s, m = pair
    _, neuron = realise(neuron, TICK)
    membrane, current, response = 0.0, 1.0, []
    for _ in range(60):
        moved = current / 2**s
        membrane += moved - (membrane / 2**m if m else 0.0)
        current -= moved
        response.append(membrane)
    c = float(shifts.gain((s, m)))
    kappa = neuron.kappa(np.arange(1, 61) * TICK)
    assert_allclose(response, c * kappa, rtol=1e-11)
    assert c == pytest.approx(float(fixed_twin.shift_gain(s, m)), rel=1e-15)
    assert shifts.gain(shifts.NO_SHIFTS) == 1


@pytest.mark.parametrize("kernel", first_of(["table", "linear"]))
@every_neuron
def test_tables_and_numbers_are_those_of_the_twin(pair, neuron, kernel):
    _, neuron = realise(neuron, TICK)
    for levels in 1.0, 37.3:
        layer, _ = build.fixed_layer(
            np.zeros((1, 1)),
            np.zeros(0),
            neuron,
            levels=levels,
            errors_from=None,
            is_from_output=False,
            n_ticks=40,
            tick=TICK,
            kernel=kernel,
            weight_bits=6,
            fraction=0,
            shifts=pair,
        )
        expected = fixed_twin.time_tables(neuron, TICK, 40, kernel, True)
        expected |= fixed_twin.layer_numbers(neuron, TICK, levels, pair)
        for name, value in expected.items():
            assert np.ravel(getattr(layer, name)).tolist() == np.ravel(value).tolist()
        assert (layer.syn_shift, layer.mem_shift) == pair
        assert layer.decay_mem.size == layer.decay_syn.size == layer.kappa.size == 0
        # The membrane cannot saturate above: it would have fired before.
        assert layer.threshold + 2 ** (15 - pair[0]) <= 32767


# -- Neurons -----------------------------------------------------------------------


def network_of(neuron, pair, weights, *, levels=24.0, n_ticks=80, **changes):
    """One layer of these integer weights (n_in, n_out) without biases."""
    layer, _ = build.fixed_layer(
        weights,
        np.zeros(0),
        neuron,
        levels=levels,
        errors_from=None,
        is_from_output=False,
        n_ticks=n_ticks,
        tick=TICK,
        kernel="table",
        weight_bits=8,
        fraction=0,
        shifts=pair,
    )
    for name, value in changes.items():
        setattr(layer, name, value)
    return FixedNetwork(
        layers=[layer],
        n_ticks=n_ticks,
        silent_delay=1000,
        read_out=n_ticks,
        stretch=1,
        softmax=tables.softmax_table(TICK, TICK),
        reciprocal=tables.reciprocal_table(),
        gain=255,
        push=0,
        feedback="symmetric",
        is_floor=False,
        drop=0,
        may_drop=np.zeros(len(weights), np.uint8),
        lfsr=np.ones(1, np.uint16),
    )


def membranes(pair, weights, ticks, n_ticks):
    """Real membranes (n_ticks, n_out) of shifts that do not round, at each tick."""
    s, m = pair
    u = i = np.zeros(weights.shape[1])
    rows = [u]
    for t in range(n_ticks - 1):
        i = i + weights[ticks == t].sum(axis=0)
        u, i = u - (u / 2**m if m else 0) + i / 2**s, i - i / 2**s
        rows.append(u)
    return np.array(rows)


@every_neuron
def test_spikes_are_those_of_the_realised_neuron(pair, neuron, simd):
    n_in, n_out, n_ticks, levels = 30, 60, 80, 24.0
    _, neuron = realise(neuron, TICK)
    rng = np.random.default_rng(4)
    mean, spread = np.e * levels * np.array([1.5, 2]) / n_in
    weights = np.rint(rng.normal(mean, spread, (n_in, n_out)))
    network = network_of(neuron, pair, weights)
    layer = network.layers[0]
    assert_array_equal(layer.weights, weights)
    step = build.weight_unit(neuron) / levels
    inputs = rng.integers(0, min(40, max(4, 2 * 2 ** pair[0])), (4, n_in))
    (ticks,), (u,), _ = Core(network).infer(inputs)
    late, same = [], []
    for sample, got, reached in zip(inputs, ticks.astype(int), u, strict=True):
        # The current keeps up to 2^s units that are due, the membrane up to 2^m.
        real = membranes(pair, weights * 2.0**layer.current_shift, sample, n_ticks)
        error = reached - np.where(
            got < n_ticks,
            real[np.minimum(got, n_ticks - 1), range(n_out)],
            real[sample.min() + 1 :].max(axis=0),
        )
        assert error.min() >= -(2 ** pair[0])
        assert error.max() <= 2 ** pair[1]

        exact = ttfs.first_spike(sample[None] * TICK, weights * step, neuron)[0]
        exact = np.ceil(exact / TICK - 1e-9)
        both = (got < n_ticks) & (exact < n_ticks)
        late += (got - exact)[both].tolist()
        same += ((got < n_ticks) == (exact < n_ticks)).tolist()
    if pair[0] < 8:  # whose rise takes longer than the sample
        assert len(late) > 50
        assert np.mean(np.abs(late) > 1) < 0.05
        assert abs(np.mean(late)) < 0.3
    assert np.mean(same) > 0.95


@pytest.mark.parametrize("s", [1, 3, 5])
def test_charge_arrives_in_a_membrane_without_leak(s, simd):
    """In the end no more than 2^s - 1 units of what came are missing."""
    weights = np.arange(-20, 20)[None] * np.ones((3, 1))
    _, neuron = realise(LIF(inf, 1.01 * 2**s * TICK), TICK)
    network = network_of(neuron, (s, 0), weights, n_ticks=600, threshold=32767)
    layer = network.layers[0]
    charge = 3 * np.arange(-20, 20) << layer.current_shift
    (ticks,), (u,), _ = Core(network).infer([[0, 2, 5]])
    assert np.all(ticks == 600)
    # A negative membrane falls to the end; its peak is at the beginning.
    excited = charge > 0
    missing = (charge - u[0])[excited]
    assert missing.min() >= 0
    assert missing.max() < 2**s
    first = (np.arange(-20, 20) << layer.current_shift) >> s
    assert_array_equal(u[0][charge < 0], first[charge < 0])


@pytest.mark.parametrize(
    ("weights", "current"),
    # One event after the other, and not the sum of both: 32640 = 255 2^7.
    [
        ([255, 255, -255], 32767 - 32640),
        ([-255, -255, 255], -32768 + 32640),
        ([255, -255, 255], 32640),
        ([255, 255, 255], 32767),
    ],
)
def test_currents_saturate_event_by_event(weights, current, simd):
    _, neuron = realise(LIF(inf, 1.44 * TICK), TICK)
    weights = np.array(weights)[:, None]
    changes = {"current_shift": 7, "threshold": 32767}
    network = network_of(neuron, (1, 0), weights, n_ticks=9, **changes)
    (ticks,), (u,), _ = Core(network).infer([[3, 3, 3]])
    assert ticks[0, 0] == 9
    reached, peak = 0, -32768
    for _ in range(3, 8):
        moved = current >> 1
        reached, current = reached + moved, current - moved
        peak = max(peak, reached)
    assert u[0, 0] == peak


def test_membranes_saturate_below(simd):
    # Of -65280 the membrane keeps -32768, and fires after two of the inputs to come.
    _, neuron = realise(LIF(inf, 1.44 * TICK), TICK)
    weights = np.array([[-255], [-255], [255], [255], [255]])
    changes = {"current_shift": 7, "threshold": 20_000}
    network = network_of(neuron, (1, 0), weights, n_ticks=99, **changes)
    (ticks,), _, _ = Core(network).infer([[0, 20, 40, 60, 80]])
    assert 60 < ticks[0, 0] < 70


@pytest.mark.parametrize("ticks", [[98, 98], [99, 99]])
def test_inputs_at_the_end_do_nothing(ticks, simd):
    _, neuron = realise(LIF(1.0, 1.0), TICK)
    network = network_of(neuron, (4, 4), np.full((2, 3), 255.0), n_ticks=99)
    (out,), (u,), _ = Core(network).infer([ticks])
    assert_array_equal(out, 99)
    assert_array_equal(u, -32768)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("syn_shift", 9, "syn_shift"),
        ("syn_shift", -1, "syn_shift"),
        ("mem_shift", 16, "mem_shift"),
        ("mem_shift", 0.5, "mem_shift"),
        ("kappa", np.zeros(81, np.int16), "kappa must have shape"),
    ],
)
def test_borders(name, value, message):
    _, neuron = realise(LIF(), TICK)
    network = network_of(neuron, (4, 4), np.ones((2, 3)), **{name: value})
    with pytest.raises((ValueError, TypeError), match=message):
        core(network)
    network = network_of(LIF(), (0, 0), np.ones((2, 3)), mem_shift=3)
    with pytest.raises(ValueError, match="mem_shift"):
        _fixed.FixedCore(network)
