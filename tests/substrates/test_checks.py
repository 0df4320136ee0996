"""Answers of substrates, checked."""

import numpy as np
import pytest

from ttfs import LIF, TTFSClassifier
from ttfs.substrates import AnalogChip, Layer, Network, NetworkError, SubstrateError
from ttfs.substrates.checks import measure

NETWORK = Network((Layer(np.ones((3, 2)), np.empty(0), LIF()),))
TIMES = np.zeros((4, 3))


class Answers:
    """A substrate that gives the same answer to everything."""

    def __init__(self, answer):
        self.answer = answer

    def forward(self, times, network):
        return self.answer


def test_a_mask_is_not_dropped():
    spikes = np.ones((4, 2))
    assert measure(Answers([spikes]), TIMES, NETWORK)[0].shape == (4, 2)
    with pytest.raises(SubstrateError, match="a masked array for layer 0"):
        measure(Answers([np.ma.masked_equal(spikes, 1)]), TIMES, NETWORK)


def test_a_network_that_does_not_fit_is_no_failure():
    chip = AnalogChip(max_neurons=1)
    with pytest.raises(NetworkError, match=r"^the network has 2 neurons"):
        measure(chip, TIMES, NETWORK)
    clf = TTFSClassifier((20,), substrate=chip)
    with pytest.raises(NetworkError, match=r"^the network has 22 neurons"):
        clf.fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(SubstrateError, match="failed: ValueError: times must be"):
        measure(chip, TIMES.astype(int), NETWORK)
