"""Substrates see the full matrix of a layer, whatever geometry its weights have."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ttfs import LIF
from ttfs.model.geometry import Geometry
from ttfs.substrates import (
    AnalogChip,
    Clocked,
    Ideal,
    Layer,
    Network,
    Remote,
    Server,
    calibrate,
)


@dataclass(frozen=True)
class Pairs(Geometry):
    """Neuron j sees inputs j and j + 1, over two weights that all neurons share."""

    kind = "full"

    def weight_shape(self, n_bias):
        return 2 + n_bias, 1

    def inputs_of(self, neuron):
        return np.arange(neuron, neuron + 2)

    def unrolled(self, weights):
        matrix = np.zeros((self.n_in + len(weights) - 2, self.n_out), weights.dtype)
        for j in range(self.n_out):
            matrix[j : j + 2, j] = weights[:2, 0]
            matrix[self.n_in :, j] = weights[2:, 0]
        return matrix

    def folded(self, matrix):
        raise NotImplementedError


PAIRED = Layer(
    np.array([[1.6], [1.9], [0.7]]), np.array([0.3]), LIF(), geometry=Pairs(5, 4)
)
LAST = Layer(np.full((4, 2), 1.1), np.empty(0), LIF())
NETWORK = Network((PAIRED, LAST), t_max=4.0)
FULL = Network((Layer(PAIRED.unrolled, PAIRED.bias_times, LIF()), LAST), t_max=4.0)
TIMES = np.random.RandomState(0).uniform(size=(30, 5))


def assert_same(substrate):
    spikes, expected = (substrate.forward(TIMES, n) for n in (NETWORK, FULL))
    assert [s.shape for s in spikes] == [(30, 4), (30, 2)]
    assert np.isfinite(expected[0]).mean() > 0.5
    for one, other in zip(spikes, expected, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    "substrate", [Ideal(), Clocked(), AnalogChip(threshold_spread=0.1)], ids=repr
)
def test_simulated_substrates(substrate):
    assert_same(substrate)


def test_a_substrate_in_another_process():
    with Server(Ideal(), ("localhost", 0)) as server, Remote(server.address) as remote:
        assert_same(remote)


def test_calibration_and_compensation():
    chip = AnalogChip(threshold_spread=0.1)
    calibration, expected = (
        calibrate(chip, TIMES, n, n_trials=3, n_samples=20) for n in (NETWORK, FULL)
    )
    assert_array_equal(calibration.threshold[0], expected.threshold[0])
    assert_same(calibration.compensate(chip))


def test_inputs_that_a_geometry_does_not_have_are_refused():
    with pytest.raises(ValueError, match="has weights for 6 inputs, but sees 3 and 1"):
        Ideal().forward(TIMES[:, :3], NETWORK)
