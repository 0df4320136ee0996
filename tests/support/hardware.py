"""Substrates for tests of chips in the loop, and classifiers that learn on them."""

import numpy as np

from ttfs import TTFSClassifier
from ttfs.substrates import Ideal


def make(substrate=None, *, estimator=TTFSClassifier, **changes):
    """An estimator that trains in a fraction of a second."""
    parameters = {
        "hidden_layer_sizes": (20,),
        "max_iter": 4,
        "batch_size": 20,
        "random_state": 0,
    }
    return estimator(**{**parameters, **changes}, substrate=substrate)


class Wrapped(Ideal):
    """The ideal simulator, which shows what it is asked and what it returns."""

    def __init__(self):
        self.requests = []

    def forward(self, times, network):
        self.requests.append((times, network))
        return self.changed(super().forward(times, network))

    def changed(self, spikes):
        return spikes


class Failing(Wrapped):
    """The ideal simulator, but calls of these numbers, from 1, fail.

    `how` changes the spikes that such a call returns; None raises an OSError.
    """

    def __init__(self, *calls, how=None):
        super().__init__()
        self.calls, self.how = calls, how

    def changed(self, spikes):
        if len(self.requests) not in self.calls:
            return spikes
        if self.how is None:
            raise OSError("unplugged")
        return self.how(spikes)


class Given:
    """A substrate that returns the same spikes whatever it is asked.

    A strong drive makes every neuron fire, since the substrate is not dead.
    """

    def __init__(self, *spikes):
        self.spikes = [np.asarray(layer, float) for layer in spikes]

    def forward(self, times, network):
        spikes = [np.tile(layer, (len(times), 1)) for layer in self.spikes]
        for layer, out in zip(network.layers, spikes, strict=True):
            if np.all(layer.weights >= 10):
                out[:] = 0.1
        return spikes
