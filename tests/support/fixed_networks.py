"""Random networks in integers, and the comparison of those that compute with them."""

from functools import cache
from math import e, inf

import fixed_twin
import numpy as np
from fixed_twin import Lesson

from ttfs import LIF, _fixed
from ttfs.fixed.network import FEEDBACKS, FixedLayer, FixedNetwork

NEURONS = LIF(), LIF(2.0), LIF(inf), LIF(3.7, 1.3), LIF(0.5)
# Few of each, because tables of many digits take their time.
TICKS = 1 / 8, 1 / 20
N_TICKS = 12, 40, 70
KINDS = "usual", "usual", "usual", "usual", "any", "extreme"
WIDE = 15, 16, 17, 31, 32, 33, 65  # next to the lanes of vectors

REGIMES = {
    "equal": LIF(),
    "equal, not exact in binary": LIF(0.1, 0.1),
    "double": LIF(2.0),
    "general": LIF(3.7, 1.3),
    "slow synapse": LIF(0.5),
    "nearly equal": LIF(1 + 1e-9),
    "slow membrane": LIF(100.0),  # the peak is later than 2 tau_syn
    "no leak": LIF(inf, 0.3),
    "ties": LIF(127.0, 127.0),
}


@cache
def realise(neuron, tick):
    """The shifts next to a neuron, and the neuron that they realise."""
    shifts, taus = fixed_twin.realise(neuron, tick)
    return shifts, LIF(*taus, neuron.threshold)


@cache
def _tables(neuron, tick, n_ticks, kernel, has_shifts):
    tables = fixed_twin.time_tables(neuron, tick, n_ticks, kernel, has_shifts)
    dtypes = {"kernel": np.int8, "kernel_slope": np.int8}
    arrays = {
        name: np.array(table, dtypes.get(name, np.int16))
        for name, table in tables.items()
    }
    for array in arrays.values():
        array.flags.writeable = False  # shared by networks
    return arrays


@cache
def _numbers(neuron, tick, levels, shifts):
    numbers = fixed_twin.layer_numbers(neuron, tick, levels, shifts)
    bounds = np.array(numbers["slope_bounds"], np.int16)
    return numbers | {"slope_bounds": bounds}


def _weights(rng, kind, n_in, n_out, levels, max_weight):
    """Integers; with the usual ones some neurons fire, some early and some never."""
    if kind == "any":
        return rng.integers(-max_weight, max_weight + 1, (n_in, n_out))
    if kind == "extreme":
        return rng.choice(
            [-max_weight, 0, max_weight], (n_in, n_out), p=[0.1, 0.2, 0.7]
        )
    mean = e * levels * rng.choice([1.0, 3.0, 8.0]) / n_in
    spread = rng.choice([0.3, 1.0, 3.0]) * mean
    return np.clip(
        np.rint(rng.normal(mean, spread, (n_in, n_out))), -max_weight, max_weight
    )


def random_network(
    rng,
    *,
    widths=None,
    n_bias=None,
    n_ticks=None,
    weight_bits=None,
    fraction=None,
    kernel=None,
    feedback=None,
    is_floor=None,
    drop=None,
    tick=None,
    levels=None,
    time_scale=None,
    read_out=None,
    stretch=None,
    window=None,
    n_fixed=None,
    decay="table",
    neurons=NEURONS,
    kinds=KINDS,
):
    """A network of 1 to 3 layers; what is None is drawn.

    widths : sequence of int
        Input channels, and the neurons of each layer.
    read_out : int
        Tick of the read-out; n_ticks: there is none.
    n_fixed : int
        Biases of the output layer that spike at the read-out, besides those of all
        layers; their weights do not learn. Drawn, it may go for more biases, also in
        other layers.
    window : tuple of (int, int)
        The ticks of spikes from which hidden neurons learn, the second one left out.
    decay : {"table", "shift"}
        With "shift" the neurons are those that shifts realise.
    neurons : sequence of LIF
        Neurons from which that of each layer is drawn.
    kinds : sequence of {"usual", "any", "extreme"}
        Kinds of weights from which that of each layer is drawn.
    """
    if widths is None:
        widths = rng.integers(1, 13, rng.integers(2, 5))
        widths[0] += 3
    if weight_bits is None:
        weight_bits = int(rng.integers(2, 9))
    if fraction is None:
        fraction = int(rng.integers(0, min(9, 15 - weight_bits) + 1))
    n_ticks = int(rng.choice(N_TICKS)) if n_ticks is None else n_ticks
    kernel = str(rng.choice(["table", "linear"])) if kernel is None else kernel
    feedback = str(rng.choice(FEEDBACKS)) if feedback is None else feedback
    is_floor = bool(rng.random() < 0.2) if is_floor is None else is_floor
    drop = int(rng.choice([0, 26, 200])) if drop is None else drop

    if read_out is None:
        is_read = rng.random() < 0.5
        read_out = int(rng.integers(0, n_ticks)) if is_read else n_ticks
    stretch = int(rng.choice([1, 2, 16, 65_535])) if stretch is None else stretch

    max_weight = 2**weight_bits - 1
    tick = float(rng.choice(TICKS)) if tick is None else tick
    if time_scale is None:
        time_scale = float(rng.choice([0.05, 0.3, 2.0]))
    layers = []
    for k, n_out in enumerate(widths[1:]):
        neuron, shifts = neurons[rng.integers(len(neurons))], (0, 0)
        if decay == "shift":
            shifts, neuron = realise(neuron, tick)
        unit = levels or max(1.0, max_weight * float(rng.choice([0.1, 0.4, 1.0])))
        bias = int(rng.integers(0, 3)) if n_bias is None else n_bias
        is_last = k == len(widths) - 2
        n_read_out = (n_fixed or 0) if is_last else 0
        more_fixed = 0
        if n_fixed is None:
            if is_last and read_out < n_ticks:
                n_read_out = int(rng.integers(2, 5))
            more_fixed = int(rng.integers(0, bias + 1))
        n_in = int(widths[k]) + bias + n_read_out
        max_stored = max_weight << fraction
        scale = 1 << fraction
        kind = rng.choice(kinds)
        stored = _weights(rng, kind, n_in, n_out, unit, max_weight) * scale
        stored += rng.integers(-(scale // 2), scale // 2 + 1, stored.shape)
        random = None
        if feedback != "symmetric" and not is_last:
            n_sources = widths[k + 2 if feedback == "random" else -1]
            random = rng.integers(-max_weight, max_weight + 1, (n_out, n_sources))
            random = random.astype(np.int16)
        bias_ticks = rng.integers(0, n_ticks + 1, bias)
        if n_read_out:
            weight = min(max_weight, int(np.ceil(8 * unit / n_read_out)))
            stored[-n_read_out:] = weight * scale
            bias_ticks = np.append(bias_ticks, np.full(n_read_out, read_out))
        layers.append(
            FixedLayer(
                weights=np.clip(stored, -max_stored, max_stored).astype(np.int16),
                bias_ticks=bias_ticks.astype(np.uint16),
                fraction=fraction,
                n_fixed=n_read_out + more_fixed,
                max_stored=max_stored,
                rest=int(rng.integers(-max_weight, max_weight + 1)),
                decay=int(rng.choice([0, 0, 1, 300, 300, 32767])),
                rate_shift=int(rng.integers(0, 31) if rng.random() < 0.3 else 14),
                error_shift=int(rng.integers(5, 15)),
                feedback=random,
                lfsr=rng.integers(1, 65536, n_out).astype(np.uint16),
                silence=rng.choice([0, 1, 57, 60, 254], n_out).astype(np.uint8),
                **_tables(neuron, tick, n_ticks, kernel, decay == "shift"),
                **_numbers(neuron, tick, unit, shifts),
            )
        )
    delay = fixed_twin.silent_delay(neuron, tick, layers[-1].threshold)
    may_drop = rng.random(len(layers[0].weights)) < 0.9
    may_drop[widths[0] :] = False
    network = FixedNetwork(
        layers=layers,
        n_ticks=n_ticks,
        silent_delay=delay,
        read_out=read_out,
        stretch=stretch,
        softmax=np.array(fixed_twin.softmax_table(time_scale, tick), np.uint16),
        reciprocal=np.array(fixed_twin.reciprocal_table(), np.uint16),
        gain=int(rng.integers(128, 256)),
        push=int(rng.choice([0, 100, 8191])),
        feedback=feedback,
        is_floor=is_floor,
        drop=drop,
        may_drop=may_drop.astype(np.uint8),
        lfsr=rng.integers(1, 65536, 1).astype(np.uint16),
    )
    network.learn_until = n_ticks
    if window is not None:
        network.learn_from, network.learn_until = window
    elif rng.random() < 0.3:
        bounds = np.sort(rng.integers(0, n_ticks + 1, 2))
        network.learn_from, network.learn_until = bounds.tolist()
    return network


def random_wide_network(rng, **choices):
    """The same, with layers that fill vectors, or nearly or hardly so."""
    widths = [*rng.choice(WIDE, rng.integers(1, 4)), rng.choice([2, 10, 33])]
    return random_network(rng, widths=widths, **choices)


def random_ticks(rng, network, n):
    """Ticks of the input channels in n samples, uint16; n_ticks where there is none."""
    first = network.layers[0]
    n_channels = len(first.weights) - len(first.bias_ticks)
    ticks = rng.integers(0, network.n_ticks, (n, n_channels))
    # In most samples the inputs come early, in some of them there is none.
    ticks //= rng.choice([1, 3, 3, 10], (n, 1))
    absent = rng.random(ticks.shape) < rng.choice([0.0, 0.3, 0.3, 0.3, 1.0], (n, 1))
    return np.where(absent, network.n_ticks, ticks).astype(np.uint16)


def random_labels(rng, network, n):
    return rng.integers(0, len(network.layers[-1].lfsr), n)


def random_lesson(rng, network, n_batches, max_samples=8):
    """What the twin learns from random batches of up to `max_samples` samples."""
    batches = []
    for n in rng.integers(1, max_samples + 1, n_batches):
        ticks = random_ticks(rng, network, n).tolist()
        batches.append((ticks, random_labels(rng, network, n).tolist()))
    return Lesson.of(network, batches)


_DTYPES = {
    "weights": np.int16,
    "bias_ticks": np.uint16,
    **dict.fromkeys(["decay_mem", "decay_syn", "kappa", "slope_bounds"], np.int16),
    **dict.fromkeys(["kernel", "kernel_slope"], np.int8),
    "feedback": np.int16,
    **dict.fromkeys(["softmax", "reciprocal", "lfsr"], np.uint16),
    **dict.fromkeys(["silence", "may_drop"], np.uint8),
}


def from_plain(network):
    """The `FixedNetwork` of which this is `fixed_twin.plain`."""

    def arrays(x):
        return {
            name: np.array(value, _DTYPES[name]) if isinstance(value, list) else value
            for name, value in vars(x).items()
            if name != "layers"
        }

    layers = [FixedLayer(**arrays(layer)) for layer in network.layers]
    return FixedNetwork(layers=layers, **arrays(network))


class Core:
    """`ttfs._fixed.FixedCore` with the methods of a `Twin`, as far as it tells."""

    def __init__(self, network):
        self.core = _fixed.FixedCore(network)
        self.network = network

    def _events(self, batch):
        first, n_ticks = self.network.layers[0], self.network.n_ticks
        bias_ticks = first.bias_ticks.tolist()
        spikes = [
            fixed_twin.sorted_spikes([*ticks, *bias_ticks], n_ticks) for ticks in batch
        ]
        counts = [len(sample) for sample in spikes]
        end = np.cumsum(counts, dtype=np.uintp)
        pairs = np.array([pair for sample in spikes for pair in sample], np.uint16)
        ticks, inputs = np.ascontiguousarray(pairs.reshape(-1, 2).T)
        begin = end - np.array(counts, np.uintp)
        return _fixed.TickSpikes(ticks, inputs, begin, end, len(first.weights))

    def infer(self, batch):
        """Spike times and membranes by layer, and the neurons that decide."""
        events = self._events(batch)
        ticks, u = self.core.run(events)
        return ticks, u, self.core.labels(events)

    def learn(self, batch, labels):
        """Learn from a batch; returns how many it decided rightly."""
        layers, n = self.network.layers, len(labels)
        n_correct, _ = self.core.train(
            self._events(batch),
            np.array(labels, np.uintp),
            np.arange(n, dtype=np.uintp),
            n,
            np.array([self.network.gain], np.uint16),
            np.array([[layer.rate_shift for layer in layers]], np.uint8),
            np.array([[layer.decay for layer in layers]], np.int16),
        )
        return n_correct

    def state(self):
        """What learning changes, as lists."""
        now = self.core.network()
        return {
            "weights": [layer.weights.tolist() for layer in now.layers],
            "lfsr": [*(layer.lfsr.tolist() for layer in now.layers), now.lfsr.tolist()],
            "silence": [layer.silence.tolist() for layer in now.layers],
        }
