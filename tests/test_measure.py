"""Answers of substrates, checked."""

import numpy as np
import pytest

from ttfs import LIF
from ttfs.substrates import Layer, Network, SubstrateError
from ttfs.substrates._measure import measure

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
