"""The emulated analog chip, against a twin and against its own statistics."""

import chip_twin
import numpy as np
import pytest
from cases import in_turn
from emulated import EACH, EVERYTHING, NEURONS, check, make
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from ttfs import LIF
from ttfs.substrates import PRESETS, AnalogChip, Ideal, Layer, Network, NetworkError

every_simd = pytest.mark.usefixtures("every_simd")
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@every_simd
@both_dtypes
def test_a_perfect_chip_is_ideal(dtype):
    for neuron in NEURONS.values():
        times, network = make(neuron, dtype=dtype)
        wanted = Ideal().forward(times, network)
        for a, b in zip(AnalogChip().forward(times, network), wanted, strict=True):
            assert_array_equal(a, b)


@every_simd
@pytest.mark.parametrize(("effect", "name"), in_turn(EACH, NEURONS))
def test_chip_equals_twin(effect, name):
    neuron = NEURONS[name]
    times, network = make(neuron, n_samples=8, t_max=8 * neuron.tau_syn)
    chip = AnalogChip(**EACH[effect])
    wanted = chip_twin.forward(chip, times, network)
    # The quantile of a normal number is approximate to 4e-7.
    check(chip.forward(times, network), wanted, 2e-6 * neuron.tau_syn)


@every_simd
@pytest.mark.parametrize("name", NEURONS)
def test_chip_equals_twin_in_single_precision(name):
    neuron = NEURONS[name]
    times, network = make(neuron, n_samples=8, dtype=np.float32, t_max=8)
    chip = AnalogChip(**EVERYTHING)
    wanted = chip_twin.forward(chip, times, network)
    # Near a tangent crossing an error of 1e-7 in u is one of 3e-4 in time.
    check(chip.forward(times, network), wanted, 1e-3 * neuron.tau_syn, wrong=1)


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


@both_dtypes
def test_a_resolution_too_small_to_count_rounds_nothing(dtype):
    times, network = make(dtype=dtype)
    noise = {"spike_jitter": 1.0}
    wanted = AnalogChip(**noise).forward(times, network)
    assert min(layer.min() for layer in wanted) < 0
    got = AnalogChip(**noise, time_resolution=5e-324).forward(times, network)
    for a, b in zip(got, wanted, strict=True):
        assert_array_equal(a, b)


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
    # The weights are in units of a threshold of 2.6: steps of 1/30 up to 2.1.
    assert_allclose(2.6 * chip.weight_step(1), 1 / 30, rtol=1e-12)
    assert_allclose(2.6 * chip.weight_limit(1), 2.1, rtol=1e-12)
    assert_allclose(2.6 * chip.weight_limit(0), 5 * 2.1, rtol=1e-12)
    assert_allclose(2.6 * chip.threshold_spread, 0.08, rtol=1e-12)
    assert_allclose(2.6 * chip.threshold_offset, 0.13, rtol=1e-12)
    assert_allclose(2.6 * chip.threshold_drift, 0.04, rtol=1e-12)
    assert chip.spike_jitter == 0.01


def test_bad_parameters():
    for parameters, message in (
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
    ):
        with pytest.raises(ValueError, match=message):
            AnalogChip(**parameters)
    with pytest.raises(ValueError, match="unknown preset"):
        AnalogChip.preset("brainscales3")


UNITS = [(0, 40), (0, -40), (40, 0), (-40, 0), (27, 30)]


@every_simd
@pytest.mark.parametrize(
    ("effect", "dtype", "units"), in_turn(EACH, [np.float32, np.float64], UNITS)
)
def test_units_do_not_matter_to_a_chip(effect, dtype, units):
    time, threshold = units
    chip = AnalogChip(**EACH[effect], time_resolution=0.01)
    spikes = []
    for t, u in ((0, 0), (time, threshold)):
        times, network = make(dtype=dtype, t_max=6.0)
        neuron = LIF(1.5 * 2.0**t, 2.0**t, 2.0**u)
        layers = [
            Layer(np.ldexp(layer.weights, u), np.ldexp(layer.bias_times, t), neuron)
            for layer in network.layers
        ]
        network = Network(tuple(layers), np.ldexp(network.t_max, t))
        spikes.append(chip.forward(np.ldexp(times, t), network))
    for plain, scaled in zip(*spikes, strict=True):
        assert np.isfinite(plain).mean() > 0.2
        assert_array_equal(np.ldexp(scaled, -time), plain)
