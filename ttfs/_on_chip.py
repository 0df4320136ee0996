"""Networks in integers for the estimator: inference, and two ways to train.

They take the place of `_core.Network` and `_core.Trainer`, and have their methods. The
arithmetic is that of docs/fixed_point.md; `ttfs._fixed` is its C core.
"""

from dataclasses import replace

import numpy as np

from ttfs import _fixed
from ttfs.fixed.build import round_weights
from ttfs.fixed.tables import softmax_table

_MOST_SHIFT = 30


class _OnTicks:
    """A network in integers that takes and gives real times.

    Parameters
    ----------
    network : FixedNetwork
    tick : float
    """

    def __init__(self, network, tick):
        self.core, self.tick = _fixed.FixedCore(network), tick
        self.n_ticks, self.silent_delay = network.n_ticks, network.silent_delay
        self.threshold = network.layers[-1].threshold
        self._converted = None, None

    def events(self, spikes):
        """The spikes as ticks; those of the last call are remembered."""
        if self._converted[0] is not spikes:
            events = _fixed.Events.from_spikes(spikes, self.tick, self.n_ticks)
            self._converted = spikes, events
        return self._converted[1]

    def spike_times(self, spikes):
        """Spike times (n_samples, n_out) of each layer, float32; +inf = silent."""
        ticks, _ = self.core.run(self.events(spikes))
        return [self.times(layer) for layer in ticks]

    def spikes_and_peaks(self, spikes):
        """Spike times of each layer, and u of the output in units of the threshold."""
        ticks, u = self.core.run(self.events(spikes))
        peaks = u[-1] * np.float32(1 / self.threshold)
        return [self.times(layer) for layer in ticks], peaks

    def times(self, ticks):
        times = (ticks * self.tick).astype(np.float32)
        times[ticks >= self.n_ticks] = np.inf
        return times

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64: as in section 3.

        The first spike, by less than a tick earlier where the membrane is higher;
        silent neurons after all of them, in the order of the peaks of their membranes.
        """
        ticks, u = self.core.run(self.events(spikes))
        ticks, missed = (
            ticks[-1].astype(float),
            self.threshold - u[-1].astype(float),
        )
        delay = np.where(ticks < self.n_ticks, 2.0**-16, self.silent_delay * 2.0**-15)
        return (ticks + missed * delay) * self.tick

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides."""
        return self.core.labels(self.events(spikes))


def inference(network, weights, tick):
    """The network with these integer weights (n_in, n_out) of each layer."""
    layers = [
        replace(layer, weights=w, fraction=0, most=layer.most >> layer.fraction)
        for layer, w in zip(network.layers, weights, strict=True)
    ]
    return _OnTicks(replace(network, layers=layers), tick)


class QuantizedTrainer:
    """Real weights that learn by the exact gradient from the spikes of integers.

    In each batch the weights are rounded to integers, which compute the spikes; the
    gradient is that of the real model at those spikes and moves the real weights
    (straight-through).

    Parameters
    ----------
    network : FixedNetwork
    tick : float
    steps : list of float
        Of each layer: the value of the least bit of a weight.
    trainer : _core.Trainer
    """

    def __init__(self, network, tick, steps, trainer):
        self.tick, self.steps, self.trainer = tick, steps, trainer
        self.most = [layer.most >> layer.fraction for layer in network.layers]
        self.integers = inference(network, self.weights(), tick)

    def _rounded(self, weights):
        return [
            round_weights(w / step, most)
            for w, step, most in zip(weights, self.steps, self.most, strict=True)
        ]

    def _forward(self, spikes, weights):
        """Spike times of the integers, and the peaks of silent outputs."""
        self.integers.core.set_weights(self._rounded(weights))
        return self.integers.spikes_and_peaks(spikes)

    def epoch(self, spikes, labels, factors, order, batch_size, rates):
        return self.trainer.epoch(
            spikes,
            labels,
            factors,
            order,
            batch_size,
            rates,
            forward=self._forward,
        )

    def labels(self, spikes):
        self.integers.core.set_weights(self.weights())
        return self.integers.labels(spikes)

    def weights(self):
        return self._rounded(self.trainer.weights())

    def real_weights(self):
        return self.trainer.weights()

    def state(self):
        return self.trainer.state()


class LocalTrainer(_OnTicks):
    """Integers that learn by the local rule.

    Parameters
    ----------
    network : FixedNetwork
    tick : float
    scales : list of float
        Of each layer: G that moves a weight by its least bit, with a gain and a
        learning rate of 1.
    time_scale : float
        Of the softmax.
    input_dropout : float
    weight_decay : float
        Per unit of learning rate.
    """

    def __init__(
        self, network, tick, *, scales, time_scale, input_dropout, weight_decay
    ):
        # What the user may change from one call to the next.
        softmax = softmax_table(time_scale, tick)
        drop = min(255, int(np.rint(256 * input_dropout)))
        super().__init__(replace(network, softmax=softmax, drop=drop), tick)
        self.weight_decay = weight_decay
        fractions = [layer.fraction for layer in network.layers]
        self.scales = np.array(scales) / 2.0 ** np.array(fractions)
        self.fractions = np.array(fractions)

    def rates(self, rates):
        """Gains (n_batches,), shifts and decays (n_batches, n_layers); section 8."""
        # 2^L = gain * wanted, exactly in the last layer, to a factor of sqrt(2) before.
        wanted = self.scales / rates[:, None]
        output = np.log2(wanted[:, -1:])
        least = np.clip(np.ceil(output + 7), 0, _MOST_SHIFT)
        gains = np.clip(np.rint(2.0 ** (least - output)), 128, 255)
        shifts = np.rint(np.log2(wanted * gains))
        shifts = np.clip(shifts, 0, _MOST_SHIFT)
        decays = self.weight_decay * rates[:, None] * 2.0 ** (shifts + self.fractions)
        return (
            gains[:, 0].astype(np.uint16),
            shifts.astype(np.uint8),
            np.clip(np.rint(decays), 0, 32767).astype(np.int16),
        )

    def epoch(self, spikes, labels, factors, order, batch_size, rates):
        """Updates over as many samples, in the given order; returns the mean loss.

        A sample is seen as often as its factor says, in proportion to the others. The
        loss is that of the integers: the mean of -log p of the labels that were seen.
        """
        seen = np.cumsum(factors[order])
        places = (np.arange(len(order)) + 0.5) / max(1, len(order)) * seen[-1:]
        order = order[np.searchsorted(seen, places)]
        _, loss = self.core.train(
            self.events(spikes), labels, order, batch_size, *self.rates(rates)
        )
        return loss / max(1, len(order))

    def network(self):
        return self.core.network()

    def weights(self):
        return [layer.integers() for layer in self.network().layers]

    def state(self):
        return None  # all of it is in the network
