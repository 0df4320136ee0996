"""Layers and networks as values."""

import copy

import numpy as np

from ttfs import LIF
from ttfs.model import Layer, Network


def test_networks_that_hold_arrays_are_compared_by_identity():
    layer = Layer(np.ones((3, 2)), np.zeros(1), LIF())
    for one in (layer, Network((layer,))):
        assert one == one
        assert one != copy.deepcopy(one)
        assert len({one, one, copy.deepcopy(one)}) == 2
