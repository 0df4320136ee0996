"""Tables of a network in integers equal those of the twin, which has more digits."""

import fixed_twin
import numpy as np
import pytest
from cases import diagonal
from fixed_networks import REGIMES

from ttfs import LIF
from ttfs.fixed import build, tables
from ttfs.model import Layer, Network
from ttfs.model.geometry import Full


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**31])
def test_first_states_of_registers(seed):
    states = [fixed_twin.first_register(seed, n) for n in range(2000)]
    assert min(states) >= 1
    assert max(states) <= 65535
    assert len(set(states)) == len(states)
    assert build.shift_registers(seed, 0, 2000).tolist() == states
    assert build.shift_registers(seed, 70, 9).tolist() == states[70:79]


@pytest.mark.parametrize(("neuron", "per_tau"), diagonal(REGIMES, [8, 50]))
def test_tables(neuron, per_tau):
    tick = neuron.tau_syn / per_tau
    for kernel in "table", "linear":
        expected = fixed_twin.time_tables(neuron, tick, 4 * per_tau, kernel)
        got = tables.time_tables(neuron, tick, 4 * per_tau, kernel)
        for name, table in expected.items():
            assert got[name].tolist() == table, name


@pytest.mark.parametrize(
    ("neuron", "levels"), diagonal(REGIMES, [1.0, 16.0, 37.3, 255.0])
)
def test_numbers_of_a_layer(neuron, levels):
    tick = neuron.tau_syn / 32
    for is_from_output in False, True:
        layer, _ = build.fixed_layer(
            np.zeros((1, 1)),
            np.zeros(0),
            neuron,
            levels=levels,
            errors_from=(neuron, levels),
            is_from_output=is_from_output,
            n_ticks=4,
            tick=tick,
            kernel="table",
            weight_bits=6,
            fraction=0,
        )
        expected = fixed_twin.layer_numbers(neuron, tick, levels)
        assert {name: np.ravel(getattr(layer, name)).tolist() for name in expected} == {
            name: np.ravel(number).tolist() for name, number in expected.items()
        }
        shift = fixed_twin.error_shift(neuron, tick, levels, is_from_output)
        assert layer.error_shift == shift
        delay = fixed_twin.silent_delay(neuron, tick, layer.threshold)
        assert tables.silent_delay(neuron, layer.threshold, tick) == delay


def test_layers_that_are_not_full_are_refused():
    class Banded(Full):
        kind = "banded"

    layer = Layer(np.ones((3, 2)), np.zeros(0), LIF(), geometry=Banded(3, 2))
    options = "tick kernel feedback window may_drop rests rng".split()
    with pytest.raises(ValueError, match=r"full layers only, not .*Banded"):
        build.make_network(Network((layer,), 1.0), None, **dict.fromkeys(options))


def test_tables_of_the_loss():
    for time_scale, tick in (0.05, 1 / 32), (0.1, 0.1 / 3), (2.0, 0.01):
        expected = fixed_twin.softmax_table(time_scale, tick)
        assert tables.softmax_table(time_scale, tick).tolist() == expected
        assert expected[0] == 256
        assert expected[-1] == 1
    reciprocal = fixed_twin.reciprocal_table()
    assert tables.reciprocal_table().tolist() == reciprocal
