"""Times as ticks, and a network in integers that takes and gives real times."""

import numpy as np

from .. import _fixed
from .. import core as _core


def n_ticks_of(time, tick):
    """Times in ticks, rounded to nearest, halves up; float64 in the shape of `time`."""
    return np.floor(np.asarray(time, float) / tick + 0.5)


def on_grid(spikes, tick, n_ticks):
    """Spikes at the times of their ticks, sorted by input in each.

    Those at `n_ticks` ticks or later are absent.
    """
    events = _fixed.TickSpikes.from_spikes(spikes, tick, n_ticks)
    times = (events.ticks * tick).astype(spikes.times.dtype)
    inputs = events.inputs.astype(np.uint32)
    return _core.Spikes(times, inputs, events.begin, events.end, spikes.n_in)


class FixedSimulation:
    """A FixedNetwork behind the methods of `core.Simulator`.

    It computes as docs/spec/fixed_point.md specifies; `tick` is the unit of times.
    """

    def __init__(self, network, tick):
        self.core, self.tick = _fixed.FixedCore(network), tick
        self.n_ticks, self.silent_delay = network.n_ticks, network.silent_delay
        self.read_out, self.stretch = network.read_out, network.stretch
        self.threshold = network.layers[-1].threshold
        self._converted = None, None

    def events(self, spikes):
        """The spikes as ticks; those of the last call are remembered."""
        if self._converted[0] is not spikes:
            events = _fixed.TickSpikes.from_spikes(spikes, self.tick, self.n_ticks)
            self._converted = spikes, events
        return self._converted[1]

    def spike_times(self, spikes):
        """Spike times (n_samples, n_out) of each layer, float32; +inf = silent."""
        ticks, _ = self.core.run(self.events(spikes))
        return [self.times(layer) for layer in ticks]

    def fire(self, spikes, network):
        """The `core.LayerSpikes` of `core.Spikes` for a `core.Simulator` that learns.

        The peaks of silent outputs are those of the membranes of integers.
        """
        ticks, u = self.core.fire(self.events(spikes))
        peaks = u * np.float32(1 / self.threshold)
        return network.fire_at_ticks(ticks, peaks, n_ticks=self.n_ticks, tick=self.tick)

    def times(self, ticks):
        """Times of ticks; +inf = silent."""
        times = (ticks * self.tick).astype(np.float32)
        times[ticks >= self.n_ticks] = np.inf
        return times

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64: as in section 3.

        The first spike decides, by less than a tick earlier where the membrane is
        higher; silent neurons follow after all spikes, in the order of the peaks of
        their membranes. Ticks after the read-out are stretched.
        """
        ticks, u = (layers[-1] for layers in self.core.run(self.events(spikes)))
        ticks, missed = ticks.astype(float), self.threshold - u.astype(float)
        late = np.maximum(ticks - self.read_out, 0)
        delay = np.where(ticks < self.n_ticks, 2.0**-16, self.silent_delay * 2.0**-15)
        return (ticks + (self.stretch - 1) * late + missed * delay) * self.tick

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides."""
        return self.core.labels(self.events(spikes))
