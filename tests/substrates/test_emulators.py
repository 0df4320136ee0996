"""Substrates of this process: the protocol, and the emulators of the C core."""

import copy
import itertools
import pickle
from dataclasses import replace

import chip_twin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone

from ttfs import LIF, TTFSClassifier, _core, first_spike
from ttfs.substrates import (
    PRESETS,
    AnalogChip,
    Clocked,
    Ideal,
    Layer,
    Network,
    NetworkError,
    Substrate,
)

pytestmark = pytest.mark.usefixtures("every_simd")

NEURONS = {
    "equal": LIF(),
    "double": LIF(2.0, 1.0, 0.5),
    "general": LIF(0.03, 0.02, 2.6),
    "nonleaky": LIF(np.inf, 1.0, 1.0),
}


def make(neuron=LIF(), sizes=(20, 37, 5), n_samples=12, dtype=np.float64, seed=0, **kw):
    """Times of a batch, and a network in which most neurons fire."""
    rng = np.random.RandomState(seed)
    tau = neuron.tau_syn
    times = tau * rng.uniform(size=(n_samples, sizes[0]))
    times[rng.uniform(size=times.shape) < 0.4] = np.inf
    unit = neuron.threshold / (np.e * neuron.kappa(min(neuron.peak_delay, 2 * tau)))
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        active = 0.6 * n_in
        weights = rng.normal(8 / active, 2.5 / active**0.5, (n_in + 1, n_out)) * unit
        bias_times = np.array([0.9 * tau], dtype)
        layers.append(Layer(weights.astype(dtype), bias_times, neuron))
    return times.astype(dtype), Network(tuple(layers), **kw)


def check(got, wanted, atol, wrong=0):
    """The same neurons fire, but for `wrong` of them, and at the same times."""
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        differs = np.isinf(a) != np.isinf(b)
        assert differs.sum() <= wrong
        fires = np.isfinite(a) & np.isfinite(b)
        assert fires.mean() > 0.2
        assert_allclose(a[fires], b[fires], rtol=0, atol=atol)


EVERYTHING = {
    "weight_bits": 6,
    "weight_clip": 1.5,
    "threshold_spread": 0.05,
    "threshold_offset": 0.05,
    "threshold_drift": 0.02,
    "threshold_jitter": 0.03,
    "tau_mem_spread": 0.1,
    "tau_syn_spread": 0.1,
    "spike_jitter": 0.02,
    "spurious_rate": 0.05,
    "dead_neurons": 0.1,
    "dead_synapses": 0.1,
    "random_state": 7,
}
EACH = {
    "weight_bits": {"weight_bits": 4, "weight_clip": 1.0, "rows_per_input": 2},
    "weight_clip": {"weight_clip": 0.6},
    **{
        name: {name: 0.1}
        for name in EVERYTHING
        if name not in ("weight_bits", "weight_clip", "random_state")
    },
    "duration": {"duration": 1.5},
    "everything": EVERYTHING,
}


# -- Ideal -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ideal_is_first_spike_layer_by_layer(name, dtype):
    times, network = make(NEURONS[name], dtype=dtype)
    got = Ideal().forward(times, network)
    for layer, spikes in zip(network.layers, got, strict=True):
        assert spikes.dtype == dtype
        biases = np.tile(layer.bias_times, (len(times), 1))
        times = np.hstack([times, biases])
        wanted = first_spike(times, layer.weights, layer.neuron)
        fires = np.isfinite(wanted)
        assert_array_equal(fires, np.isfinite(spikes))
        eps = 200 * np.finfo(dtype).eps * layer.neuron.tau_syn
        assert_allclose(spikes[fires], wanted[fires], rtol=0, atol=eps)
        times = spikes


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip(), Clocked()])
def test_spikes_end_with_the_experiment(substrate):
    times, network = make()
    late = substrate.forward(times, network)
    early = substrate.forward(times, Network(network.layers, t_max=0.7))
    for a, b in zip(early, late, strict=True):
        assert_array_equal(a, np.where(b < 0.7, b, np.inf))
        assert np.isinf(a).sum() > np.isinf(b).sum()


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip(**EVERYTHING), Clocked()])
def test_empty_requests(substrate):
    times, network = make(n_samples=3)
    empty = substrate.forward(times[:0], network)
    assert [a.shape for a in empty] == [(0, 37), (0, 5)]
    silent = substrate.forward(
        np.full_like(times, np.inf), make(n_samples=3, sizes=(20, 37))[1]
    )
    assert silent[0].shape == (3, 37)


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip(), Clocked()])
def test_bad_requests(substrate):
    times, network = make()
    with pytest.raises(ValueError, match=r"of shape \(20,\)"):
        substrate.forward(times[0], network)
    with pytest.raises(ValueError, match="NaN"):
        substrate.forward(np.where(times < 0.5, np.nan, times), network)
    with pytest.raises(ValueError, match="layer 0 has weights for 21"):
        substrate.forward(times[:, 1:], network)
    with pytest.raises(ValueError, match="float32 or float64"):
        substrate.forward(times.astype(str), network)
    with pytest.raises(ValueError, match="masked array"):
        substrate.forward(np.ma.masked_greater(times, 0.5), network)
    with pytest.raises(ValueError, match="at least one layer"):
        substrate.forward(times, Network(()))
    for t_max in (np.nan, 0.0, -1.0):
        with pytest.raises(ValueError, match="t_max must be a positive number"):
            substrate.forward(times, Network(network.layers, t_max))


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip(), Clocked()])
def test_bad_layers(substrate):
    times, network = make()
    first, second = network.layers
    nan, infinite = first.weights * np.nan, np.where(first.weights < 0, np.inf, 0)
    for changes, message in (
        ({"weights": nan}, "weights of layer 0 must be finite"),
        ({"weights": infinite}, "weights of layer 0 must be finite"),
        ({"weights": first.weights[0]}, "got 1 and 1 dimension"),
        ({"bias_times": np.zeros((1, 1))}, "got 2 and 2 dimension"),
        ({"bias_times": np.array([np.nan])}, "bias_times of layer 0 must be finite"),
        ({"delays": np.zeros(21)}, "layer 0 has delays"),
    ):
        with pytest.raises(ValueError, match=message):
            substrate.forward(times, Network((replace(first, **changes), second)))


@pytest.mark.parametrize("substrate", [Ideal(), AnalogChip(), Clocked()])
def test_a_bias_without_a_spike_is_none(substrate):
    times, network = make(sizes=(20, 37))
    (layer,) = network.layers
    absent = replace(layer, bias_times=np.array([np.inf]))
    without = Layer(layer.weights[:-1], np.empty(0), layer.neuron)
    (got,) = substrate.forward(times, Network((absent,)))
    assert_array_equal(got, substrate.forward(times, Network((without,)))[0])


# -- The emulated chip -------------------------------------------------------------


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_perfect_chip_is_ideal(name, dtype):
    times, network = make(NEURONS[name], dtype=dtype)
    wanted = Ideal().forward(times, network)
    for a, b in zip(AnalogChip().forward(times, network), wanted, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("effect", EACH)
def test_chip_equals_twin(name, effect):
    neuron = NEURONS[name]
    times, network = make(neuron, n_samples=8, t_max=8 * neuron.tau_syn)
    chip = AnalogChip(**EACH[effect])
    wanted = chip_twin.forward(chip, times, network)
    # The quantile of a normal number is approximate to 4e-7.
    check(chip.forward(times, network), wanted, 2e-6 * neuron.tau_syn)


@pytest.mark.parametrize("name", NEURONS)
def test_chip_equals_twin_in_single_precision(name):
    neuron = NEURONS[name]
    times, network = make(neuron, n_samples=8, dtype=np.float32, t_max=8)
    chip = AnalogChip(**EVERYTHING)
    wanted = chip_twin.forward(chip, times, network)
    # Near a tangent crossing an error of 1e-7 in u is one of 3e-4 in time.
    check(chip.forward(times, network), wanted, 1e-3 * neuron.tau_syn, wrong=1)


@settings(derandomize=True, database=None)
@given(
    st.floats(0.02, 50),
    st.floats(0.02, 50),
    st.integers(0, 10_000),
    st.sampled_from([1, 3, 17, 64]),
)
def test_own_time_constants_of_any_ratio(tau_mem, tau_syn, seed, n_out):
    """Of neurons that differ, each is as if it were alone."""
    rng = np.random.RandomState(seed)
    taus = np.array([tau_mem, tau_syn])[:, None] * np.exp(
        rng.normal(0, 0.3, (2, n_out))
    )
    taus[:, 0] = tau_mem  # equal ones among them
    neuron = LIF(tau_mem, tau_syn)
    times = tau_syn * rng.uniform(size=(3, 15)) * rng.choice([0.1, 1, 30])
    times[:, 0] = times[:, 1]
    unit = 1 / neuron.kappa(min(neuron.peak_delay, 3 * tau_syn))
    weights = rng.normal(0.3, 0.4, (15, n_out)) * unit
    layer = Layer(weights, np.empty(0), neuron)
    core = _core.Network([layer], 100 * (tau_mem + tau_syn), 0.0)
    circuits = [_core.Circuits(tau_mem=taus[0], tau_syn=taus[1])]
    (got,) = core.emulate(_core.spikes_at(times, ()), circuits, 0)
    for j in range(n_out):
        wanted = first_spike(times, weights[:, [j]], LIF(taus[0, j], taus[1, j]))[:, 0]
        wanted[wanted >= 100 * (tau_mem + tau_syn)] = np.inf
        assert_array_equal(np.isinf(got[:, j]), np.isinf(wanted))
        fires = np.isfinite(wanted)
        atol = 1e-7 * tau_syn  # near a tangent crossing
        assert_allclose(got[fires, j], wanted[fires], rtol=1e-10, atol=atol)


def test_the_same_request_gives_the_same_spikes():
    times, network = make(n_samples=40, dtype=np.float32)
    chip = AnalogChip(**EVERYTHING, time_resolution=0.001)
    whole = chip.forward(times, network)
    again = AnalogChip(**EVERYTHING, time_resolution=0.001).forward(times, network)
    some = np.array([31, 2, 17])
    part = chip.forward(times[some], network)
    for a, b, c in zip(whole, again, part, strict=True):
        assert_array_equal(a, b)
        assert_array_equal(a[some], c)


def test_another_trial_has_other_noise_but_the_same_pattern():
    times, network = make(n_samples=200)
    noisy = AnalogChip(threshold_spread=0.05, spike_jitter=0.01)
    still = AnalogChip(threshold_spread=0.05)
    heavier = [
        Layer(layer.weights * (1 + 1e-12), layer.bias_times, layer.neuron)
        for layer in network.layers
    ]
    reference = still.forward(times, network)[0]
    trials = [
        noisy.forward(times, network)[0],
        noisy.forward(times, Network(tuple(heavier)))[0],
        noisy.forward(times + 1e-9, network)[0],
    ]
    fires = np.isfinite(reference)
    noise = [trial[fires] - reference[fires] for trial in trials]
    assert len(noise[0]) > 2000
    correlation = np.corrcoef(noise)[np.triu_indices(3, 1)]
    assert np.abs(correlation).max() < 0.06  # three standard errors


def residuals(**parameters):
    """Disturbed less undisturbed spike times, of many trials."""
    times, network = make(n_samples=2000, sizes=(20, 64))
    ideal = Ideal().forward(times, network)[0]
    return ideal, AnalogChip(**parameters).forward(times, network)[0]


def test_jitter_of_spikes_is_normal():
    ideal, got = residuals(spike_jitter=0.01, random_state=3)
    fires = np.isfinite(ideal)
    assert_array_equal(fires, np.isfinite(got))
    z = (got[fires] - ideal[fires]) / 0.01
    n = len(z)
    assert n > 50_000
    # Each within four standard errors of what normal numbers have.
    assert abs(z.mean()) < 4 / n**0.5
    assert abs(z.std() - 1) < 4 / (2 * n) ** 0.5
    assert abs(stats.kurtosis(z)) < 4 * (24 / n) ** 0.5
    assert stats.kstest(z, "norm").pvalue > 1e-3
    # Neither neighbours nor successive samples know of each other.
    filled = np.zeros_like(ideal)
    filled[fires] = z
    for a, b in ((filled[:, 1:], filled[:, :-1]), (filled[1:], filled[:-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / n**0.5


def test_spurious_spikes_come_at_their_rate():
    ideal, got = residuals(spurious_rate=0.2)
    early = got < ideal
    # An exponential time is before t with the probability 1 - exp(-rate t).
    expected = -np.expm1(-0.2 * ideal)
    error = np.sqrt(np.sum(expected * (1 - expected)))
    assert abs(early.sum() - expected.sum()) < 4 * error
    assert got[early].min() > 0


def test_spread_is_that_of_the_parameter():
    chip = AnalogChip(threshold_spread=0.1, threshold_offset=0.2, random_state=2)
    layer = Layer(np.full((1, 4000), 4.0), np.empty(0), LIF(np.inf, 1.0, 1.0))
    spikes = chip.forward(np.zeros((1, 1)), Network((layer,)))[0][0]
    thresholds = 4 * -np.expm1(-spikes)  # u = 4 (1 - exp(-t)) without leak
    assert abs(thresholds.mean() - 1.2) < 4 * 0.1 / 4000**0.5
    assert abs(thresholds.std() - 0.1) < 4 * 0.1 / 8000**0.5


def test_drift_comes_with_new_weights():
    times, network = make()
    chip = AnalogChip(threshold_drift=0.05)
    first, again = chip.forward(times, network), chip.forward(times + 1e-9, network)
    changed = Layer(
        network.layers[0].weights + 1e-13, network.layers[0].bias_times, LIF()
    )
    other = chip.forward(times, Network((changed, network.layers[1])))
    fires = np.isfinite(first[0])
    assert_allclose(again[0][fires], first[0][fires], rtol=0, atol=1e-7)
    both = fires & np.isfinite(other[0])
    assert np.abs(other[0][both] - first[0][both]).max() > 1e-3


def test_resolution_rounds_down():
    times, network = make(sizes=(20, 37))
    fine = Ideal().forward(times, network)[0]
    coarse = AnalogChip(time_resolution=0.125).forward(times, network)[0]
    assert_array_equal(coarse, np.floor(fine / 0.125) * 0.125)


def test_dead_neurons_and_synapses():
    times, network = make(n_samples=50, sizes=(20, 400))
    spikes = AnalogChip(dead_neurons=0.25).forward(times, network)[0]
    ideal = Ideal().forward(times, network)[0]
    is_dead = np.isinf(spikes).all(axis=0) & np.isfinite(ideal).any(axis=0)
    assert 70 < is_dead.sum() < 130
    assert_array_equal(spikes[:, ~is_dead], ideal[:, ~is_dead])
    all_dead = AnalogChip(dead_neurons=1.0, spurious_rate=1.0)
    assert np.isinf(all_dead.forward(times, network)[0]).all()
    cut = AnalogChip(dead_synapses=1.0).forward(times, network)[0]
    assert np.isinf(cut).all()


def test_circuits_belong_to_the_chip_not_to_the_network():
    """The first neurons of a larger layer are the same circuits."""
    times, network = make(sizes=(20, 40))
    small = Layer(
        network.layers[0].weights[:, :25], network.layers[0].bias_times, LIF()
    )
    chip = AnalogChip(threshold_spread=0.1, tau_mem_spread=0.1, dead_neurons=0.2)
    assert_array_equal(
        chip.forward(times, network)[0][:, :25],
        chip.forward(times, Network((small,)))[0],
    )


def test_capacity():
    times, network = make(sizes=(20, 37, 5))
    chip = AnalogChip(max_inputs=37, max_neurons=42)
    assert len(chip.forward(times, network)) == 2
    with pytest.raises(NetworkError, match="42 neurons, and the chip 41"):
        AnalogChip(max_neurons=41).forward(times, network)
    with pytest.raises(NetworkError, match="layer 1 has 37 inputs, and a neuron"):
        AnalogChip(max_inputs=36).forward(times, network)
    with pytest.raises(NetworkError, match="layer 0 has 20 inputs with 3 rows each"):
        AnalogChip(max_inputs=59, rows_per_input=3).forward(times, network)


def test_published_network_fits_the_published_chip():
    layers = []
    for n_in, n_out in ((256, 246), (246, 10)):
        layers.append(Layer(np.zeros((n_in + 1, n_out)), np.array([0.9]), LIF()))
    chip = AnalogChip.preset("brainscales2")
    assert len(chip.forward(np.zeros((1, 256)), Network(tuple(layers)))) == 2


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name):
    chip = AnalogChip.preset(name, random_state=5)
    assert chip.random_state == 5
    assert PRESETS[name].source
    times, network = make(dtype=np.float32)
    check(chip.forward(times, network), Ideal().forward(times, network), 5, wrong=30)


def test_the_published_noise_set():
    chip = AnalogChip.preset("delgrad")
    # In units of a threshold of 2.6: steps of 1/30 up to 2.1.
    assert_allclose(2.6 * chip.weight_step(1), 1 / 30, rtol=1e-12)
    assert_allclose(2.6 * chip.weight_limit(1), 2.1, rtol=1e-12)
    assert_allclose(2.6 * chip.weight_limit(0), 5 * 2.1, rtol=1e-12)
    assert_allclose(2.6 * chip.threshold_spread, 0.08, rtol=1e-12)
    assert_allclose(2.6 * chip.threshold_offset, 0.13, rtol=1e-12)
    assert_allclose(2.6 * chip.threshold_drift, 0.04, rtol=1e-12)
    assert chip.spike_jitter == 0.01


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weight_bits": 6}, "weight_bits needs weight_clip"),
        ({"weight_bits": 0, "weight_clip": 1}, "weight_bits must be an integer"),
        ({"weight_bits": 17, "weight_clip": 1}, "at most 16"),
        ({"weight_clip": 0}, "at least 1e-06"),
        ({"weight_clip": 1e-300}, "at least 1e-06"),
        ({"threshold_spread": -0.1}, "threshold_spread must be"),
        ({"spike_jitter": np.nan}, "spike_jitter must be"),
        ({"spike_jitter": np.inf}, "spike_jitter must be"),
        ({"dead_neurons": 1.1}, "at most 1"),
        ({"duration": 0}, "duration must be"),
        ({"max_inputs": 0}, "max_inputs must be an integer"),
        ({"random_state": None}, "random_state must be an integer"),
        ({"random_state": 2**32}, "below 2"),
        ({"rows_per_input": True}, "rows_per_input must be an integer"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        AnalogChip(**parameters)
    with pytest.raises(ValueError, match="unknown preset"):
        AnalogChip.preset("brainscales3")


def test_bad_circuits_do_not_reach_the_core():
    times, network = make(sizes=(20, 4))
    core = _core.Network(network.layers, 5.0, 0.0)
    spikes = _core.spikes_at(times, network.layers[0].bias_times)
    for circuits, message in (
        ([], "one entry for each layer"),
        ([_core.Circuits(tau_mem=[1.0] * 3, tau_syn=[1.0] * 3)], "shape"),
        ([_core.Circuits(tau_mem=[0.0] * 4, tau_syn=[1.0] * 4)], "tau_mem"),
        ([_core.Circuits(tau_mem=[1.0] * 4, tau_syn=[np.nan] * 4)], "tau_syn"),
        ([_core.Circuits(is_dead=[True])], "shape"),
        ([_core.Circuits(spike_jitter=-1.0)], "spike_jitter"),
        ([_core.Circuits(resolution=np.nan)], "resolution"),
    ):
        with pytest.raises(ValueError, match=message):
            core.emulate(spikes, circuits, 0)
    with pytest.raises(ValueError, match="together"):
        _core.Circuits(tau_mem=[1.0])


# -- Time steps --------------------------------------------------------------------


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("step", [0.07, 0.5])
def test_clocked_equals_euler(name, step):
    neuron = NEURONS[name]
    times, network = make(neuron, sizes=(20, 37), t_max=5 * neuron.tau_syn)
    (got,) = Clocked(step).forward(times, network)
    wanted = chip_twin.clocked(
        times, network.layers[0], step * neuron.tau_syn, network.t_max
    )
    assert np.isfinite(wanted).mean() > 0.2
    assert_array_equal(np.isinf(got), np.isinf(wanted))
    fires = np.isfinite(wanted)
    assert_allclose(got[fires], wanted[fires], rtol=1e-12)


@pytest.mark.parametrize("name", NEURONS)
def test_clocked_tends_to_ideal_in_proportion_to_the_step(name):
    neuron = NEURONS[name]
    times, network = make(neuron, n_samples=30)
    ideal = np.concatenate([a.ravel() for a in Ideal().forward(times, network)])
    errors = []
    for step in (0.02, 0.002):
        spikes = Clocked(step).forward(times, network)
        spikes = np.concatenate([a.ravel() for a in spikes])
        both = np.isfinite(spikes) & np.isfinite(ideal)
        assert both.mean() > 0.9 * np.isfinite(ideal).mean()
        errors.append(np.median(np.abs(spikes[both] - ideal[both])))
    assert 7 < errors[0] / errors[1] < 14


def test_clocked_spikes_are_on_the_grid():
    times, network = make(LIF(3.0, 2.0))
    for spikes in Clocked(0.1).forward(times - 1, network):
        steps = spikes[np.isfinite(spikes)] / 0.2
        assert_allclose(steps, np.round(steps), rtol=0, atol=1e-9)


def test_clocked_ends():
    times, network = make(LIF(np.inf, 1.0, 1.0))
    late = Clocked(0.1).forward(times, network)[0]
    early = Clocked(0.1, duration=1.0).forward(times, network)[0]
    assert_array_equal(early, np.where(late < 1.0, late, np.inf))
    with pytest.raises(ValueError, match="step must be"):
        Clocked(1.5)
    with pytest.raises(ValueError, match="duration must be"):
        Clocked(0.1, duration=-1)
    with pytest.raises(ValueError, match="below tau_mem"):
        Clocked(0.5).forward(*make(LIF(0.3, 1.0)))
    spikes = _core.spikes_at(times, network.layers[0].bias_times)
    with pytest.raises(ValueError, match="too small"):
        _core.Network(network.layers, 5.0, 0.0).clocked(spikes, 1e-18)


@pytest.mark.parametrize("how", ["input", "bias", "t_max", "step"])
def test_clocked_never_runs_for_ever(how):
    times, network = make(t_max=5.0)
    first, second = network.layers
    step = 0.01
    if how == "input":
        times[0, 0] = -1e6
    elif how == "bias":
        second = replace(second, bias_times=np.array([-1e6]))
    elif how == "t_max":
        network = replace(network, t_max=1e6)
    else:
        step = 1e-9
    network = replace(network, layers=(first, second))
    with pytest.raises(ValueError, match=r"steps of .* from the first .*: more than 1"):
        Clocked(step).forward(times, network)


def test_clocked_may_begin_late():
    times, network = make(sizes=(20, 37))
    (layer,) = network.layers
    at = 2.0**20
    late = replace(layer, bias_times=layer.bias_times + at)
    early = Clocked(0.25).forward(times, Network((layer,), 5.0))[0]
    shifted = Clocked(0.25).forward(times + at, Network((late,), at + 5.0))[0]
    assert_array_equal(shifted, early + at)
    assert np.isinf(Clocked().forward(times + at, Network((late,), 5.0))[0]).all()


# -- Objects -----------------------------------------------------------------------

OBJECTS = [
    Ideal(),
    AnalogChip(**EVERYTHING, max_neurons=256),
    Clocked(0.02, duration=9),
]


@pytest.mark.parametrize("substrate", OBJECTS, ids=repr)
def test_substrates_are_shared_and_pickled_as_an_address(substrate):
    assert isinstance(substrate, Substrate)
    assert copy.deepcopy(substrate) is substrate
    assert copy.copy(substrate) is substrate
    assert clone(TTFSClassifier(substrate=substrate)).substrate is substrate
    times, network = make()
    wanted = substrate.forward(times, network)
    stored = pickle.dumps(substrate)
    assert len(stored) < 1000
    for a, b in zip(pickle.loads(stored).forward(times, network), wanted, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("substrate", OBJECTS, ids=repr)
def test_repr_makes_the_same_again(substrate):
    names = {"AnalogChip": AnalogChip, "Clocked": Clocked, "Ideal": Ideal}
    again = eval(repr(substrate), names)
    assert vars(again) == vars(substrate)


@pytest.mark.parametrize("substrate", OBJECTS, ids=repr)
def test_requests_are_not_written_to(substrate):
    times, network = make()
    arrays = [times, *(layer.weights for layer in network.layers)]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    substrate.forward(times, network)
    for a, b in zip(arrays, before, strict=True):
        assert_array_equal(a, b)


def test_threads_do_not_change_the_spikes(monkeypatch):
    times, network = make(n_samples=2000, sizes=(50, 100, 10))
    chip = AnalogChip(**EVERYTHING)
    results = []
    for n in (1, 4):
        monkeypatch.setattr(_core, "n_threads", lambda n=n: n)
        results.append(chip.forward(times, network))
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)
