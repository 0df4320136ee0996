"""A network in integers that takes and gives real times."""

import numpy as np

from .. import _fixed


class FixedSimulation:
    """Integers behind the methods of `core.Simulator`.

    Parameters
    ----------
    network : FixedNetwork
        The integers, which compute as docs/spec/fixed_point.md specifies.
    tick : float
        Unit of spike times.
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
        return network.fire_at_ticks(
            ticks,
            u * np.float32(1 / self.threshold),
            n_ticks=self.n_ticks,
            tick=self.tick,
        )

    def times(self, ticks):
        """Times of ticks; +inf = silent."""
        times = (ticks * self.tick).astype(np.float32)
        times[ticks >= self.n_ticks] = np.inf
        return times

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64: as in section 3.

        The first spike decides, by less than a tick earlier where the membrane is
        higher; silent neurons follow after all spikes, in the order of the peaks of
        their membranes. Ticks after the read-out count `stretch` times, as in section
        5.
        """
        ticks, u = self.core.run(self.events(spikes))
        ticks, missed = (
            ticks[-1].astype(float),
            self.threshold - u[-1].astype(float),
        )
        late = np.maximum(ticks - self.read_out, 0)
        delay = np.where(ticks < self.n_ticks, 2.0**-16, self.silent_delay * 2.0**-15)
        return (ticks + (self.stretch - 1) * late + missed * delay) * self.tick

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides."""
        return self.core.labels(self.events(spikes))
