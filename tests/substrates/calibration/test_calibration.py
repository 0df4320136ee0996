"""Parameters of neurons from their spike times, against chips that are known."""

import copy
import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import LIF, first_spike
from ttfs.substrates import (
    AnalogChip,
    Calibrated,
    Calibration,
    Ideal,
    Layer,
    Network,
    NetworkError,
    SubstrateError,
    calibrate,
)
from ttfs.substrates.calibration import CalibrationMixin, model
from ttfs.substrates.protocol import SharedSubstrate

PARAMETERS = "threshold", "tau_mem", "tau_syn"
# By default equal time constants are for one test, whose chip has no noise.
tau_mems = pytest.mark.parametrize(
    "tau_mem", [2.0, pytest.param(1.0, marks=pytest.mark.slow)]
)


class KnownChip(CalibrationMixin, SharedSubstrate):
    """Neurons with factors (n_out, 3) of threshold, tau_mem, tau_syn, per layer."""

    def __init__(self, factors, *, jitter=0.0, dead=(), seed=0):
        self.factors, self.jitter, self.dead = factors, jitter, dead
        self.rng = np.random.RandomState(seed)
        self.weights = []

    def neuron(self, nominal, k, j):
        threshold, tau_mem, tau_syn = self.factors[k][j]
        return LIF(
            nominal.tau_mem * tau_mem,
            nominal.tau_syn * tau_syn,
            nominal.threshold * threshold,
        )

    def forward(self, times, network):
        out = []
        self.weights.append([layer.weights for layer in network.layers])
        for k, layer in enumerate(network.layers):
            biases = np.tile(layer.bias_times, (len(times), 1))
            inputs = np.hstack([times, biases.astype(times.dtype)])
            spikes = np.full((len(times), layer.weights.shape[1]), np.inf)
            for j in range(spikes.shape[1]):
                if (k, j) not in self.dead:
                    neuron = self.neuron(layer.neuron, k, j)
                    column = np.ascontiguousarray(layer.weights[:, [j]], float)
                    spikes[:, [j]] = first_spike(inputs.astype(float), column, neuron)
            noise = self.jitter * layer.neuron.tau_syn
            spikes += noise * self.rng.standard_normal(spikes.shape)
            spikes[spikes >= network.t_max] = np.inf
            out.append(spikes)
            times = spikes
        return out


def make_network(sizes, neuron, t_max=2.0):
    layers = [
        Layer(np.zeros((n_in + 1, n_out)), np.array([0.9 * neuron.tau_syn]), neuron)
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    return Network(tuple(layers), t_max * neuron.tau_syn)


def make_factors(sizes, spreads=(0.05, 0.1, 0.1), seed=0):
    rng = np.random.RandomState(seed)
    return [np.exp(spreads * rng.standard_normal((n, 3))) for n in sizes[1:]]


def make_times(n_in, tau_syn=1.0, n_samples=100, seed=1):
    return np.random.RandomState(seed).uniform(size=(n_samples, n_in)) * tau_syn


def calibrated(sizes, neuron, chip=KnownChip, **options):
    """The calibration of a chip of known factors, and the factors."""
    factors = make_factors(sizes)
    times, network = make_times(sizes[0], neuron.tau_syn), make_network(sizes, neuron)
    return chip(factors, **options).calibrate(times, network), factors


def found(calibration, k):
    """Factors (n_out, 3) and their errors."""
    factors = [getattr(calibration, name)[k] for name in PARAMETERS]
    errors = [getattr(calibration, f"{name}_error")[k] for name in PARAMETERS]
    return np.transpose(factors), np.transpose(errors)


def invariants(factors, neuron):
    """What spike times depend on: threshold tau_syn, a + b, (a - b)^2."""
    threshold, tau_mem, tau_syn = factors.T
    a, b = 1 / (neuron.tau_mem * tau_mem), 1 / (neuron.tau_syn * tau_syn)
    return np.transpose(
        [neuron.threshold * threshold * neuron.tau_syn * tau_syn, a + b, (a - b) ** 2]
    )


# ---------------------------------------------------------------------- the response


def test_response_is_kappa_and_its_derivatives():
    d = np.array([1e-6, 0.01, 0.3, 1.0, 3.0, 20.0])
    for tau_mem in 0.5, 1 - 1e-3, 1.0, 1 + 1e-6, 1.2, 4.0, np.inf:
        a, b, h = 1 / tau_mem, 1.0, 1e-5
        m, v = (a + b) / 2, (a - b) ** 2 / 4
        f, df_dt, df_dm, df_dv = model.response(d, m, v)
        assert_allclose(b * f, LIF(tau_mem, 1.0).kappa(d), rtol=1e-12)
        numeric = (model.response(d + h, m, v)[0] - model.response(d - h, m, v)[0]) / 2
        assert_allclose(df_dt, numeric / h, rtol=1e-6, atol=1e-9)
        numeric = (model.response(d, m + h, v)[0] - model.response(d, m - h, v)[0]) / 2
        assert_allclose(df_dm, numeric / h, rtol=1e-6, atol=1e-9)
        at = max(v, 2e-5)
        df_dv = model.response(d, m, at)[3]
        numeric = model.response(d, m, at + h)[0] - model.response(d, m, at - h)[0]
        assert_allclose(df_dv, numeric / 2 / h, rtol=1e-4, atol=1e-9)


def test_exchanged_time_constants_give_the_same_spikes():
    neuron = LIF(1.4, 1.0)
    x = np.array([[0.1, -0.2, 0.15]])
    other = np.exp(model.exchanged(x, neuron)[0])
    times, weights = make_times(10), np.full((10, 1), 0.5)
    one = KnownChip([np.exp(x)]).neuron(neuron, 0, 0)
    two = KnownChip([other[np.newaxis]]).neuron(neuron, 0, 0)
    assert_allclose((two.tau_mem, two.tau_syn), (one.tau_syn, one.tau_mem))
    assert_allclose(
        first_spike(times, weights, one), first_spike(times, weights, two), rtol=1e-10
    )


# -------------------------------------------------------------------------- recovery


@pytest.mark.parametrize("neuron", [LIF(2e-6, 1e-6, 0.3), LIF(5.0, 20.0, 2.0)], ids=str)
def test_exact_spikes_give_exact_parameters(neuron):
    calibration, factors = calibrated((12, 8, 4), neuron)
    chip = KnownChip(factors)
    for k in range(2):
        estimates, _ = found(calibration, k)
        assert_allclose(estimates[:, 0], factors[k][:, 0], rtol=1e-3)
        assert_allclose(estimates[:, 1:], factors[k][:, 1:], rtol=1e-2)
        assert not calibration.is_dead[k].any()
        assert np.all(calibration.jitter[k] < 1e-4)
        for j, neuron_j in enumerate(calibration.neurons(k)):
            true = chip.neuron(neuron, k, j)
            assert_allclose(neuron_j.threshold, true.threshold, rtol=1e-3)
            assert_allclose(neuron_j.tau_mem, true.tau_mem, rtol=1e-2)
            assert_allclose(neuron_j.tau_syn, true.tau_syn, rtol=1e-2)


def test_neurons_without_leak():
    calibration, factors = calibrated((12, 8), LIF(np.inf, 1.0))
    estimates, _ = found(calibration, 0)
    assert_allclose(estimates[:, [0, 2]], factors[0][:, [0, 2]], rtol=1e-3)
    assert_array_equal(estimates[:, 1], 1)
    assert calibration.neurons(0)[0].tau_mem == np.inf


def test_equal_time_constants_are_found_but_for_their_order():
    neuron = LIF(1.0, 1.0)
    calibration, factors = calibrated((15, 24), neuron)
    estimates, errors = found(calibration, 0)
    true = invariants(factors[0], neuron)
    assert_allclose(invariants(estimates, neuron)[:, :2], true[:, :2], rtol=1e-3)
    assert_allclose(invariants(estimates, neuron)[:, 2], true[:, 2], atol=2e-3)
    is_exchanged = np.abs(np.log(estimates / factors[0])).max(axis=1) > 0.01
    assert 0 < is_exchanged.sum() < 12  # and the errors know
    z = np.log(estimates / factors[0]) / errors
    assert np.abs(z).max() < 3
    # The estimate is that one of the two solutions which is closer to nominal.
    log = np.log(estimates)
    other = model.exchanged(log, neuron)
    assert np.all((log**2).sum(axis=1) <= (other**2).sum(axis=1) + 1e-6)


@tau_mems
def test_jitter_is_found_and_errors_cover_the_truth(tau_mem):
    sizes, neuron = (15, 20), LIF(tau_mem, 1.0)
    calibration, factors = calibrated(sizes, neuron, jitter=0.01)
    assert_allclose(calibration.jitter[0], 0.01, rtol=0.2)
    estimates, errors = found(calibration, 0)
    z = np.log(estimates / factors[0]) / (errors / estimates)
    assert np.sqrt((z**2).mean()) < 1.3
    assert np.abs(z).max() < 4
    if tau_mem == 2.0:
        deviations = np.sqrt(np.mean(np.log(estimates / factors[0]) ** 2, axis=0))
        assert np.all(deviations < [0.035, 0.05, 0.035])
        assert np.all(errors.mean(axis=0) < [0.035, 0.05, 0.035])
    # What does not depend on the order of the time constants is known well.
    exact, _ = calibrated(sizes, neuron)
    assert_allclose(
        calibration.effective_threshold[0], exact.effective_threshold[0], rtol=0.015
    )
    assert np.all(calibration.effective_threshold_error[0] < 0.01)


def test_noise_is_not_taken_for_mismatch():
    """Few noisy spikes leave estimates near nominal, by the prior."""
    neuron, sizes = LIF(2.0, 1.0), (12, 10)
    chip = KnownChip([np.ones((10, 3))], jitter=0.05)
    few = {"n_trials": 3, "n_samples": 20}
    network = make_network(sizes, neuron)
    wide, narrow = (
        found(chip.calibrate(make_times(12), network, prior=p, **few), 0)
        for p in (0.5, 0.05)
    )
    assert np.abs(narrow[0] - 1).max() < 0.1
    assert np.abs(narrow[0] - 1).mean() < np.abs(wide[0] - 1).mean()
    assert np.all(narrow[1] < 0.07)


def test_outliers_do_not_matter():
    """One spike in twenty has nothing to do with the inputs."""

    class Spurious(KnownChip):
        def forward(self, times, network):
            (spikes,) = super().forward(times, network)
            is_spurious = self.rng.uniform(size=spikes.shape) < 0.05
            random = self.rng.uniform(0, 2, spikes.shape)
            return [np.where(is_spurious, random, spikes)]

    calibration, factors = calibrated((15, 12), LIF(2.0, 1.0), Spurious, jitter=0.01)
    estimates, _ = found(calibration, 0)
    deviations = np.sqrt(np.mean(np.log(estimates / factors[0]) ** 2, axis=0))
    assert np.all(deviations < [0.05, 0.08, 0.05])


# -------------------------------------------------------------- dead and quiet neurons


def test_dead_and_quiet_neurons():
    neuron, sizes = LIF(2.0, 1.0), (12, 6, 3)
    factors = make_factors(sizes)
    factors[0][2, 0] = 40.0  # out of reach: not dead for all we know, but silent
    chip = KnownChip(factors, dead={(0, 1), (1, 0)})
    calibration = chip.calibrate(make_times(12), make_network(sizes, neuron))
    assert_array_equal(calibration.is_dead[0], [False, True, True, False, False, False])
    assert_array_equal(calibration.is_dead[1], [True, False, False])
    for name in PARAMETERS:
        assert_array_equal(getattr(calibration, name)[0][1:3], 1)
        assert_array_equal(getattr(calibration, f"{name}_error")[0][1:3], np.inf)
    assert_array_equal(calibration.n_spikes[0][1:3], 0)
    assert_array_equal(calibration.effective_threshold[0][1:3], 1)
    # Others are found in spite of them.
    estimates, _ = found(calibration, 1)
    assert_allclose(estimates[1:], factors[1][1:], rtol=1e-2)
    assert str(calibration).splitlines()[1].split()[2:5] == ["6", "2", "0"]


def test_late_neurons_are_not_dead():
    network = make_network((10, 4), LIF(2.0, 1.0), t_max=0.2)
    chip = AnalogChip()
    calibration = chip.calibrate(make_times(10), network)
    assert np.all(calibration.n_spikes[0] < 100)
    assert not calibration.is_dead[0].any()
    dead = AnalogChip(dead_neurons=1.0).calibrate(make_times(10), network, min_spikes=1)
    assert_array_equal(dead.is_dead[0], calibration.n_spikes[0] > 0)


def test_too_few_spikes_are_nominal():
    sizes = 12, 4
    chip = KnownChip(make_factors(sizes))
    network = make_network(sizes, LIF())
    calibration = chip.calibrate(make_times(12), network, min_spikes=10_000)
    estimates, errors = found(calibration, 0)
    assert_array_equal(estimates, 1)
    assert_array_equal(errors, np.inf)
    assert np.all(calibration.n_spikes[0] > 100)
    assert not calibration.is_dead[0].any()
    # The same where nothing can fire, because nothing comes in.
    times = np.full((30, 12), np.inf)
    network = Network((replace(network.layers[0], bias_times=np.array([np.inf])),), 2.0)
    silent = chip.calibrate(times, network)
    assert_array_equal(silent.n_spikes[0], 0)
    assert not silent.is_dead[0].any()
    assert "hidden" not in str(silent)


# ------------------------------------------------------------------------ compensation


@tau_mems
def test_compensated_neurons_spike_almost_as_nominal_ones(tau_mem):
    neuron, sizes = LIF(tau_mem, 1.0), (15, 12)
    factors = make_factors(sizes, (0.1, 0.1, 0.1))
    chip = KnownChip(factors)
    network = make_network(sizes, neuron)
    calibration = chip.calibrate(make_times(15), network)
    rng = np.random.RandomState(5)
    weights = rng.normal(0.4, 0.5, network.layers[0].weights.shape)
    network = Network((replace(network.layers[0], weights=weights),), 2.0)
    times = make_times(15, seed=6)
    (ideal,) = Ideal().forward(times, network)

    def deviation(substrate):
        (spikes,) = substrate.forward(times, network)
        both = np.isfinite(spikes) & np.isfinite(ideal)
        return np.sqrt(np.mean((spikes[both] - ideal[both]) ** 2))

    compensated = calibration.compensate(chip)
    assert deviation(compensated) < 0.4 * deviation(chip)
    # The time constants alone remain.
    thresholds = [np.column_stack([f[:, 0], np.ones((len(f), 2))]) for f in factors]
    chip = KnownChip(thresholds)
    compensated = chip.calibrate(make_times(15), network).compensate(chip)
    assert deviation(chip) > 0.02
    assert deviation(compensated) < 1e-3


def test_calibrated_substrate_passes_everything_on():
    chip = AnalogChip(weight_bits=6, weight_clip=1.5, threshold_offset=0.2)
    network = make_network((6, 3), LIF(2.0, 1.0))
    calibration = chip.calibrate(make_times(6), network, n_trials=3)
    compensated = calibration.compensate(chip)
    assert isinstance(compensated, Calibrated)
    assert compensated.max_inputs is None
    assert compensated.weight_step(0) == 0.0
    assert compensated.weight_bits == 6
    assert repr(compensated) == f"Calibrated({chip!r})"
    assert copy.deepcopy(compensated) is compensated
    times = make_times(6)
    again = pickle.loads(pickle.dumps(compensated))
    for one, two in zip(
        compensated.forward(times, network), again.forward(times, network), strict=True
    ):
        assert_array_equal(one, two)
    with pytest.raises(AttributeError):
        _ = compensated.nothing_like_this
    with pytest.raises(
        NetworkError, match=r"of \[4\] neurons, but those of \[3\] were"
    ):
        compensated.forward(times, make_network((6, 4), LIF()))


def test_limits_are_those_of_the_neuron_with_the_greatest_factor():
    network = make_network((6, 3, 2), LIF(2.0, 1.0))
    chip = AnalogChip(weight_clip=1.5, rows_per_input=2, threshold_spread=0.1)
    calibration = chip.calibrate(make_times(6), network, n_trials=3)
    compensated = calibration.compensate(chip)
    for k, limit in enumerate((3.0, 1.5)):
        greatest = calibration.effective_threshold[k].max()
        assert greatest != 1
        assert compensated.weight_limit(k) == limit / greatest
        # No weight that is within it is clipped, by the chip, for any neuron.
        scaled = compensated.weight_limit(k) * calibration.effective_threshold[k]
        assert scaled.max() <= limit * (1 + 1e-12)
    assert calibration.compensate(AnalogChip()).weight_limit(0) == np.inf
    assert calibration.compensate(KnownChip([])).weight_limit(0) == np.inf


def test_weights_are_scaled_and_the_network_is_not_changed():
    chip = KnownChip([np.tile([1.25, 1, 1], (3, 1))])
    network = make_network((6, 3), LIF(2.0, 1.0))
    calibration = chip.calibrate(make_times(6), network, n_trials=3)
    network.layers[0].weights[:] = np.arange(21).reshape(7, 3).astype(np.float32)
    before = network.layers[0].weights.copy()
    calibration.compensate(chip).forward(make_times(6), network)
    assert_allclose(chip.weights[-1][0], 1.25 * before, rtol=1e-3)
    assert_array_equal(network.layers[0].weights, before)


# ------------------------------------------------------------------- what is measured


def test_trials_respect_the_chip():
    class Limited(KnownChip):
        def weight_limit(self, k):
            return 0.7 if k else 1.4

        def weight_step(self, k):
            return 0.7 / 15

    sizes = 8, 5, 3
    chip = Limited(make_factors(sizes))
    network = make_network(sizes, LIF(2.0, 1.0, threshold=3.0))
    network.layers[0].weights[:] = 7.0
    chip.calibrate(make_times(8), network, n_trials=4)
    assert len(chip.weights) == 4
    assert_array_equal(network.layers[0].weights, 7.0)
    step = 0.7 * 3.0 / 15
    for trial in chip.weights:
        for weights, limit in zip(trial, (4.2, 2.1), strict=True):
            assert np.abs(weights).max() <= limit * (1 + 1e-12)
            assert_allclose(weights / step, np.rint(weights / step), atol=1e-9)


def test_the_same_seed_gives_the_same_calibration():
    network = make_network((6, 4), LIF(2.0, 1.0))
    factors = make_factors((6, 4))
    one, two, other = (
        calibrate(
            KnownChip(factors, jitter=0.01),
            make_times(6),
            network,
            n_trials=3,
            random_state=seed,
        )
        for seed in (3, 3, 4)
    )
    assert_array_equal(one.threshold[0], two.threshold[0])
    assert np.any(one.threshold[0] != other.threshold[0])


def test_single_precision():
    neuron, sizes = LIF(2.0, 1.0), (12, 8)
    factors = make_factors(sizes)
    network = make_network(sizes, neuron)
    layer = network.layers[0]
    network = Network((replace(layer, weights=layer.weights.astype(np.float32)),), 2.0)
    chip = KnownChip(factors)
    calibration = chip.calibrate(make_times(12).astype(np.float32), network)
    assert chip.weights[0][0].dtype == np.float32
    estimates, _ = found(calibration, 0)
    assert_allclose(estimates, factors[0], rtol=1e-2)


def test_emulated_chip():
    """A chip with all its faults; thresholds are what its offset says."""
    chip = AnalogChip(
        weight_bits=6,
        weight_clip=1.5,
        threshold_offset=0.1,
        threshold_spread=0.03,
        tau_mem_spread=0.1,
        tau_syn_spread=0.1,
        spike_jitter=0.01,
    )
    network = make_network((10, 40), LIF(2.0, 1.0))
    calibration = chip.calibrate(make_times(10), network, n_samples=32)
    factors = calibration.threshold[0]
    assert_allclose(factors.mean(), 1.1, atol=0.03)
    assert 0.01 < factors.std() < 0.07
    assert_allclose(calibration.tau_syn[0].std(), 0.1, atol=0.05)
    assert_allclose(np.median(calibration.jitter[0]), 0.01, rtol=0.3)


def test_report():
    network = make_network((8, 5, 3), LIF(2.0, 1.0))
    chip = KnownChip(make_factors((8, 5, 3)))
    calibration = chip.calibrate(make_times(8), network, n_trials=3)
    assert isinstance(calibration, Calibration)
    lines = str(calibration).splitlines()
    assert lines[1].startswith("hidden 1")
    assert lines[3].startswith("output")
    assert "±" in lines[1]
    assert lines[-1].startswith("farthest effective thresholds: ")
    assert all(len(line) < 130 for line in lines)


def test_bad_parameters():
    network = make_network((6, 3), LIF())
    for parameters, message in (
        ({"n_trials": 0}, "n_trials must be an integer, at least 1; got 0"),
        ({"n_samples": 1.5}, "n_samples must be an integer, at least 1; got 1.5"),
        ({"min_spikes": 0}, "min_spikes must be an integer"),
        ({"prior": 0}, "prior must be a positive number, got 0"),
        ({"prior": np.inf}, "prior must be a positive number, got inf"),
        ({"times": np.zeros((0, 6))}, "times has 0 samples"),
        ({"times": np.zeros((5, 7))}, "weights for 7 inputs, but sees 7 and 1 biases"),
        ({"times": np.full((5, 6), np.nan)}, "found NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            calibrate(
                Ideal(), **{"times": make_times(6), "network": network} | parameters
            )


def test_delays_are_refused():
    network = make_network((6, 3), LIF())
    layer = replace(network.layers[0], delays=np.zeros(7))
    with pytest.raises(ValueError, match="layer 0 has delays"):
        calibrate(Ideal(), make_times(6), Network((layer,), 2.0))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([np.zeros((5, 3))], r"Broken.*an array of shape \(5, 3\) for layer 0"),
        ([], "Broken.*spike times of 0 layers, not 1"),
        ([np.full((64, 3), np.nan)], "Broken.*NaN for layer 0"),
    ],
    ids=["shape", "layers", "nan"],
)
def test_bad_answers(answer, message):
    class Broken(CalibrationMixin, SharedSubstrate):
        def __repr__(self):
            return "Broken()"

        def forward(self, times, network):
            return answer

    with pytest.raises(SubstrateError, match=message):
        calibrate(Broken(), make_times(6), make_network((6, 3), LIF()))


def test_unknown_rounding_of_weights_widens_the_errors():
    """The chip does not say that its weights have steps of 0.05."""

    class Rounding(KnownChip):
        def forward(self, times, network):
            layers = tuple(
                replace(layer, weights=np.rint(layer.weights / 0.05) * 0.05)
                for layer in network.layers
            )
            return super().forward(times, Network(layers, network.t_max))

    z, width = [], []
    for chip in (KnownChip, Rounding):
        calibration, factors = calibrated((15, 16), LIF(2.0, 1.0), chip, jitter=0.003)
        estimates, errors = found(calibration, 0)
        z.append(np.log(estimates / factors[0]) / (errors / estimates))
        width.append(errors.mean())
    assert width[1] > 2 * width[0]
    assert np.sqrt(np.mean(z[1] ** 2)) < 1.6
