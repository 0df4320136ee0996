"""The simulator with time steps, against forward Euler and the ideal simulator."""

from dataclasses import replace

import chip_twin
import numpy as np
import pytest
from cases import in_turn
from emulated import NEURONS, make
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import LIF
from ttfs import core as _core
from ttfs.substrates import Clocked, Ideal, Network


@pytest.mark.usefixtures("every_simd")
@pytest.mark.parametrize(("name", "step"), in_turn(NEURONS, [0.07, 0.5]))
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
    times, network = make(LIF(np.inf, 2.0, 1.0))
    late = Clocked(0.1).forward(times, network)[0]
    early = Clocked(0.1, duration=0.75).forward(times, network)[0]  # in tau_syn
    assert np.any((0.75 < late) & (late < 1.5))
    assert_array_equal(early, np.where(late < 1.5, late, np.inf))
    with pytest.raises(ValueError, match="step must be"):
        Clocked(1.5)
    with pytest.raises(ValueError, match="duration must be"):
        Clocked(0.1, duration=-1)
    with pytest.raises(ValueError, match="below tau_mem"):
        Clocked(0.5).forward(*make(LIF(0.3, 1.0)))
    spikes = _core.spikes_at(times, network.layers[0].bias_times)
    with pytest.raises(ValueError, match="too small"):
        _core.Simulator(network.layers, 5.0, 0.0).clocked(spikes, 1e-18)


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
