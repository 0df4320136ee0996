"""Integers that fire and learn by the local rule."""

from dataclasses import replace

import numpy as np

from ..fixed.network import MAX_SAMPLES
from ..fixed.simulation import FixedSimulation
from ..fixed.tables import softmax_table
from .base import Trainer
from .quantized import QuantizedEngine

_MAX_SHIFT = 30


class IntegerEngine(QuantizedEngine):
    """Integers alone: nothing but integers takes part in a weight update."""

    max_batch = MAX_SAMPLES

    def default_time_scale(self, network, n_seen):
        """A time scale in whose softmax table there is more than one entry."""
        return max(super().default_time_scale(network, n_seen), self.tick / 2)

    def seed(self, rng):
        return 0  # the network has shift registers of its own

    def trainer(self, network, fit_state, *, batch_size, n_seen, may_drop):
        return IntegerTrainer(
            network,
            time_scale=self.time_scale(network, n_seen),
            input_dropout=self.learning.input_dropout,
            weight_decay=self.weight_decay(network, batch_size, n_seen),
        )

    def for_device(self, network):
        """The FixedNetwork that learns as partial_fit would from one sample at a time.

        It has accumulators, shift registers, and the rates of the next update.
        """
        trainer = self.trainer(network, None, batch_size=1, n_seen=1, may_drop=None)
        rate = self.learning_rate(network)
        (gain,), (shifts,), (decays,) = trainer.rates(np.array([float(rate)]))
        integers = trainer.core.network()
        layers = [
            replace(layer, rate_shift=int(shift), decay=int(decay))
            for layer, shift, decay in zip(integers.layers, shifts, decays, strict=True)
        ]
        return replace(integers, layers=layers, gain=int(gain))


class IntegerTrainer(FixedSimulation, Trainer):
    """Integers of a QuantizedNetwork that learn by the local rule.

    The `scales` of the network are, of each layer, the G that moves a weight by its
    least bit, with a gain and a learning rate of 1.
    """

    def __init__(self, network, *, time_scale, input_dropout, weight_decay):
        # What the user may change from one call to the next.
        softmax = softmax_table(time_scale, network.tick)
        drop = min(255, int(np.rint(256 * input_dropout)))
        integers = replace(network.integers, softmax=softmax, drop=drop)
        super().__init__(integers, network.tick)
        self.network, self.weight_decay = network, weight_decay
        fractions = [layer.fraction for layer in integers.layers]
        self.scales = np.array(network.scales) / 2.0 ** np.array(fractions)
        self.fractions = np.array(fractions)

    def rates(self, rates):
        """Gains (n_batches,), shifts and decays (n_batches, n_layers); section 8."""
        # 2^L = gain * wanted, exactly in the last layer, to a factor of sqrt(2) before.
        wanted = self.scales / rates[:, None]
        output = np.log2(wanted[:, -1:])
        min_shift = np.clip(np.ceil(output + 7), 0, _MAX_SHIFT)
        gains = np.clip(np.rint(2.0 ** (min_shift - output)), 128, 255)
        shifts = np.rint(np.log2(wanted * gains))
        shifts = np.clip(shifts, 0, _MAX_SHIFT)
        decays = self.weight_decay * rates[:, None] * 2.0 ** (shifts + self.fractions)
        return (
            gains[:, 0].astype(np.uint16),
            shifts.astype(np.uint8),
            np.clip(np.rint(decays), 0, 32767).astype(np.int16),
        )

    def epoch(self, spikes, targets, order, batch_size, rates):
        """Updates over the samples in the given order; returns the mean loss.

        The loss is that of the integers: the mean of -log p of the labels.
        """
        _, loss = self.core.train(
            self.events(spikes), targets, order, batch_size, *self.rates(rates)
        )
        return loss / max(1, len(order))

    def learned(self):
        integers = self.core.network()
        network = replace(self.network, integers=integers)
        return network.with_layers(
            weights=[layer.integers() for layer in integers.layers]
        )

    def state(self):
        return None  # all of it is in the network
