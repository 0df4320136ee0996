"""Networks in integers for the estimator: inference, and two ways to train.

They take the place of `_core.Network` and `_core.Trainer`, and have their methods. The
arithmetic is that of docs/fixed_point.md; `ttfs._fixed` is its C core.
"""

from dataclasses import replace

import numpy as np

from ttfs import _core, _fixed
from ttfs._fixed_point import FixedNetwork, n_ticks_of

_GAIN = 256  # a gain of one; gains are half of that or more


def on_grid(spikes, tick):
    """Spikes at the times of their ticks, which is where integers see them."""
    times = n_ticks_of(spikes.times, tick) * tick
    return _core.Spikes(
        times.astype(spikes.times.dtype),
        spikes.inputs,
        spikes.begin,
        spikes.end,
        spikes.n_in,
    )


class _OnTicks:
    """A network in integers that takes and gives real times.

    Parameters
    ----------
    core : _fixed.FixedCore
    tick : float
    """

    def __init__(self, core, tick):
        self.core, self.tick = core, tick
        self._converted = None, None

    def events(self, spikes):
        """The spikes as ticks; those of the last call are remembered."""
        if self._converted[0] is not spikes:
            events = _fixed.Events.from_spikes(spikes, self.tick, self.core.n_ticks)
            self._converted = spikes, events
        return self._converted[1]

    def spike_times(self, spikes):
        """Spike times (n_samples, n_out) of each layer, float32; +inf = silent."""
        ticks, _ = self.core.run(self.events(spikes))
        return [self.times(layer) for layer in ticks]

    def times(self, ticks):
        times = (ticks * self.tick).astype(np.float32)
        times[ticks >= self.core.n_ticks] = np.inf
        return times

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64: as in section 3.

        The first spike, by less than a tick earlier where the membrane is higher; silent
        neurons after all of them, in the order of the peaks of their membranes.
        """
        ticks, u = self.core.run(self.events(spikes))
        ticks, missed = (
            ticks[-1].astype(float),
            self.core.threshold - u[-1].astype(float),
        )
        delay = np.where(
            ticks < self.core.n_ticks, 2.0**-16, self.core.silent_delay * 2.0**-15
        )
        return (ticks + missed * delay) * self.tick

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides."""
        return self.core.labels(self.events(spikes))


def inference(network, weights, tick):
    """The network with these integer weights, one (n_in, n_out) array for each layer."""
    layers = [
        replace(layer, weights=w, fraction=0, most=layer.most >> layer.fraction)
        for layer, w in zip(network.layers, weights, strict=True)
    ]
    return _OnTicks(_fixed.FixedCore(replace(network, layers=layers)), tick)


class LocalTrainer(_OnTicks):
    """Integers that learn by the local rule.

    Parameters
    ----------
    network : FixedNetwork
    tick : float
    scales : list of float
        Of each layer: the least bits that a weight moves by for an error of 1 and a
        learning rate of 1.
    weight_decay : float
        Per unit of learning rate.
    """

    def __init__(self, network, tick, *, scales, weight_decay):
        super().__init__(_fixed.FixedCore(network), tick)
        self.scales, self.weight_decay = scales, weight_decay

    def epoch(self, spikes, labels, factors, order, batch_size, rates):
        """Updates over all samples in the given order; returns the mean loss.

        The loss is that of the integers: the mean of -log p of the labels.
        """
        gains, shifts, decays = self._rates(rates)
        _, loss = self.core.train(
            self.events(spikes), labels, order, batch_size, gains, shifts, decays
        )
        return loss / len(order)

    def network(self) -> FixedNetwork:
        return self.core.network()

    def weights(self):
        return [layer.integers() for layer in self.network().layers]
