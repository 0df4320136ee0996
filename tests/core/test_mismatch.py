"""Neurons of an emulated chip with time constants of their own."""

import numpy as np
import pytest
from cases import diagonal
from emulated import make
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import LIF, first_spike
from ttfs import core as _core
from ttfs.model import Layer

pytestmark = pytest.mark.usefixtures("every_simd")


@given(
    st.floats(0.02, 50),
    st.floats(0.02, 50),
    st.integers(0, 10_000),
    st.sampled_from([1, 3, 17, 64]),
)
def test_own_time_constants_of_any_ratio(tau_mem, tau_syn, seed, n_out):
    """A neuron among others that differ from it fires as if it were alone."""
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
    core = _core.Simulator([layer], 100 * (tau_mem + tau_syn), 0.0)
    mismatch = [_core.NeuronMismatch(tau_mem=taus[0], tau_syn=taus[1])]
    (got,) = core.emulate(_core.spikes_at(times, ()), mismatch, 0).times()
    for j in range(n_out):
        wanted = first_spike(times, weights[:, [j]], LIF(taus[0, j], taus[1, j]))[:, 0]
        wanted[wanted >= 100 * (tau_mem + tau_syn)] = np.inf
        assert_array_equal(np.isinf(got[:, j]), np.isinf(wanted))
        fires = np.isfinite(wanted)
        atol = 1e-7 * tau_syn  # near a tangent crossing
        assert_allclose(got[fires, j], wanted[fires], rtol=1e-10, atol=atol)


# Spans, in time constants, around those whose exponentials are subnormal.
SPANS = {np.float32: np.linspace(40, 120, 33), np.float64: np.linspace(600, 780, 37)}


@pytest.mark.parametrize(
    ("excess", "place", "dtype"),
    diagonal(
        [0, 1e-15, 1e-9, 1e-6, 1e-3, 0.5],
        ["before t_max", "between inputs"],
        [np.float64, np.float32],
    ),
)
def test_long_spans_lose_no_spikes(excess, place, dtype):
    """Where exp(-span / tau) is no normal number, the neurons must still fire."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0.5, 3, (8, 37)).astype(dtype)
    for tau_mem, tau_syn in ((1, 1 + excess), (1 + excess, 1)):
        neuron = LIF(tau_mem, tau_syn)
        own = _core.NeuronMismatch(
            tau_mem=np.full(37, tau_mem), tau_syn=np.full(37, tau_syn)
        )
        for span in SPANS[dtype] * max(tau_mem, tau_syn):
            times = rng.uniform(0, 1, (2, 8)).astype(dtype)
            t_max = 1 + span
            if place == "between inputs":
                times[:, 4:] += dtype(span)
                t_max += 5
            layer = Layer(weights, np.empty(0), LIF())
            network = _core.Simulator([layer], t_max, 0.0)
            (got,) = network.emulate(_core.spikes_at(times, ()), [own], 0).times()
            expected = first_spike(times, weights, neuron)
            expected[expected >= t_max] = np.inf
            assert 0.3 < np.isfinite(expected).mean() < 0.9
            assert_allclose(got, expected, rtol=1e-4 if dtype is np.float32 else 1e-10)


def test_bad_mismatch_does_not_reach_the_core():
    times, network = make(sizes=(20, 4))
    core = _core.Simulator(network.layers, 5.0, 0.0)
    spikes = _core.spikes_at(times, network.layers[0].bias_times)
    for mismatch, message in (
        ([], "one entry for each layer"),
        ([_core.NeuronMismatch(tau_mem=[1.0] * 3, tau_syn=[1.0] * 3)], "shape"),
        ([_core.NeuronMismatch(tau_mem=[0.0] * 4, tau_syn=[1.0] * 4)], "tau_mem"),
        ([_core.NeuronMismatch(tau_mem=[1.0] * 4, tau_syn=[np.nan] * 4)], "tau_syn"),
        ([_core.NeuronMismatch(is_dead=[True])], "shape"),
        ([_core.NeuronMismatch(spike_jitter=-1.0)], "spike_jitter"),
        ([_core.NeuronMismatch(resolution=np.nan)], "resolution"),
    ):
        with pytest.raises(ValueError, match=message):
            core.emulate(spikes, mismatch, 0)
    with pytest.raises(ValueError, match="together"):
        _core.NeuronMismatch(tau_mem=[1.0])
