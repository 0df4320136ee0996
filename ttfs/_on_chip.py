"""Networks in integers for the estimator: inference, and two ways to train.

They take the place of `_core.Network` and `_core.Trainer`, and have their methods. The
arithmetic is that of docs/fixed_point.md; `ttfs._fixed` is its C core.
"""

from dataclasses import replace

import numpy as np

from ttfs import _core, _fixed
from ttfs._fixed_point import (
    MOST_LEVELS,
    FixedNetwork,
    fixed_layer,
    n_ticks_of,
    reciprocal_table,
    shift_registers,
    silent_delay,
    softmax_table,
)
from ttfs._network import feedback_weights, weight_unit

# The recipe: docs/fixed_point.md, section 8.
_LEVELS_HIDDEN, _LEVELS_OUT = 10.0, 5.0  # levels / sqrt(n_active), weights up to 63
_PUSH = 256  # error of neurons that are silent too often
_SPREAD_FEEDBACK = 2.5  # of random feedback, like that of the weights
_MOST_SHIFT = 30
_MOST_FEEDBACK = 2047
_DIRECT = 32  # unit of direct feedback, in least bits of a weight


def on_grid(spikes, tick, n_ticks):
    """Spikes at the times of their ticks, which is where integers see them."""
    with np.errstate(all="ignore"):  # between samples times are undefined
        ticks = np.clip(n_ticks_of(spikes.times, tick), 0, n_ticks)
        times = (ticks * tick).astype(spikes.times.dtype)
    # Late ones, the last of each sample, are absent.
    late = np.zeros(len(ticks) + 1, np.uintp)
    np.cumsum(ticks == n_ticks, out=late[1:])
    end = spikes.end - (late[spikes.end] - late[spikes.begin])
    return _core.Spikes(times, spikes.inputs, spikes.begin, end, spikes.n_in)


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
            rounded(w / step, most)
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


def rounded(weights, most):
    """Weights as integers of at most this magnitude."""
    return np.clip(np.rint(weights), -most, most).astype(np.int16)


def make_network(
    layers,
    n_active,
    t_max,
    *,
    tick,
    kernel,
    weight_bits,
    accumulator_bits,
    feedback,
    is_floor,
    may_drop,
    rests,
    rng,
):
    """A network in integers like one of real numbers.

    Parameters
    ----------
    layers : list of Layer
    n_active : list of float
        Active inputs of a sample, of each layer.
    rests : list of float
        Weights that those of each layer decay to.
    rng : RandomState

    Returns
    -------
    network : FixedNetwork
    steps : list of float
        Of each layer: the value of the least bit of a weight.
    scales : list of float
        Those of LocalTrainer.
    """
    most = 2**weight_bits - 1
    fraction = 0 if accumulator_bits is None else accumulator_bits - 1 - weight_bits
    n_ticks = int(n_ticks_of(t_max, tick))
    n_layers = len(layers)
    levels = [
        most / 63 * (_LEVELS_HIDDEN if k < n_layers - 1 else _LEVELS_OUT) * n**0.5
        for k, n in enumerate(n_active)
    ]
    levels = np.clip(levels, most / 16, MOST_LEVELS).tolist()
    is_direct = feedback in ("direct", "target")
    drawn = None
    if feedback != "symmetric":
        drawn = feedback_weights(rng, layers, n_active, feedback, _SPREAD_FEEDBACK)
    fixed, steps, gains = [], [], [1.0] * n_layers
    for k in reversed(range(n_layers)):
        layer = layers[k]
        source = None if k == n_layers - 1 else n_layers - 1 if is_direct else k + 1
        step = weight_unit(layer.neuron) / levels[k]
        weights = layer.weights / step
        random = None
        if source is not None and feedback != "symmetric":
            # Of the next layer; its biases have no errors.
            random = drawn[k + 1][: layer.weights.shape[1]]
            if is_direct:
                random = random * layers[-1].neuron.threshold * _DIRECT
            random = rounded(random / steps[source - n_layers], _MOST_FEEDBACK)
        made, gain = fixed_layer(
            weights,
            layer.bias_times,
            layer.neuron,
            levels=levels[k],
            errors_from=None
            if source is None
            else (layers[source].neuron, levels[source]),
            is_from_output=source == n_layers - 1,
            n_ticks=n_ticks,
            tick=tick,
            kernel=kernel,
            weight_bits=weight_bits,
            fraction=fraction,
            rest=np.clip(np.rint(rests[k] / step), -most, most),
            feedback=random,
        )
        if source is not None:
            gains[k] = gain * gains[source]
            if is_direct:
                gains[k] *= _DIRECT / 127  # in the place of kernel_slope
            if feedback == "target":
                gains[k] /= 8  # of c = 256 gain >> 5
        fixed.insert(0, made)
        steps.insert(0, step)
    seed = int(rng.randint(2**16))
    n = 0
    for layer in fixed:
        n_out = layer.weights.shape[1]
        layer.lfsr = shift_registers(seed, n, n_out)
        n += n_out
    network = FixedNetwork(
        layers=fixed,
        n_ticks=n_ticks,
        silent_delay=silent_delay(layers[-1].neuron, fixed[-1].threshold, tick),
        softmax=softmax_table(tick, tick),  # until parameters of learning are known
        reciprocal=reciprocal_table(),
        gain=255,
        push=_PUSH,
        feedback=feedback,
        is_floor=is_floor,
        drop=0,
        may_drop=may_drop,
        lfsr=shift_registers(seed, n, 1),
    )
    # G of one input spike at the peak of the kernel, with an error of 1: 127 times
    # c = 256 gain >> 5. A learning rate of 1 moves the weight by one level.
    scales = [127 * 8 * gain / level for gain, level in zip(gains, levels, strict=True)]
    return network, steps, scales
