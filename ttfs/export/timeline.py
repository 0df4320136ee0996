"""Spikes by tick, to be counted."""

import numpy as np


class Timeline:
    """Spikes of samples by tick, and how many of them come before a tick.

    Parameters
    ----------
    samples, ticks : ndarray of shape (n_spikes,)
        Sample and tick of each spike; ticks that are the number of ticks are absent.
    shape : tuple of (int, int)
        Number of samples and of ticks.
    """

    def __init__(self, samples, ticks, shape):
        at = np.zeros((shape[0], shape[1] + 1), np.int64)
        np.add.at(at, (samples, ticks), 1)
        at[:, -1] = 0
        self.n = at.sum(axis=1)
        self.first = np.where(self.n > 0, np.argmax(at > 0, axis=1), shape[1])
        self._spikes = np.cumsum(at, axis=1) - at
        self._times = np.cumsum(at > 0, axis=1) - (at > 0)

    @classmethod
    def of_events(cls, events, n_ticks):
        """The timeline of input spikes."""
        counts = (events.end - events.begin).astype(np.intp)
        samples = np.repeat(np.arange(len(events)), counts)
        return cls(samples, events.ticks, (len(events), n_ticks))

    @classmethod
    def of_neurons(cls, ticks, n_ticks):
        """The timeline of the spikes of neurons, from ticks (n_samples, n_neurons)."""
        samples = np.repeat(np.arange(len(ticks)), ticks.shape[1])
        return cls(samples, ticks.ravel(), (len(ticks), n_ticks))

    def before(self, ticks):
        """Spikes before each tick of (n_samples, n) ticks."""
        return np.take_along_axis(self._spikes, ticks.astype(np.intp), axis=1)

    def times_before(self, ticks):
        """Ticks with spikes before each of (n_samples, n) ticks."""
        return np.take_along_axis(self._times, ticks.astype(np.intp), axis=1)


def timelines(network, events, ticks):
    """The timelines of the input spikes of each layer, biases included.

    `ticks` (n_samples, n_neurons) of each layer are what its neurons do.
    """
    lines = [Timeline.of_events(events, network.n_ticks)]
    for layer, before in zip(network.layers[1:], ticks, strict=False):
        biases = np.tile(layer.bias_ticks, (len(before), 1))
        inputs = np.hstack([before, biases])
        lines.append(Timeline.of_neurons(inputs, network.n_ticks))
    return lines
