"""Cores in integers on each instruction set: their networks and events, compared."""

from itertools import pairwise

import numpy as np
from numpy.testing import assert_array_equal

from ttfs import LIF, _fixed
from ttfs._fixed import FixedCore, TickSpikes
from ttfs.fixed.network import FEEDBACKS, FixedLayer, FixedNetwork

N_TICKS = 64
I16, U16, I8, U8 = np.int16, np.uint16, np.int8, np.uint8
VECTORS = [name for name in _fixed.simd_available() if name != "baseline"]
# Around multiples of the lanes, 16 and 32, and of panels of them.
WIDTHS = (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 127, 128, 129, 160, 161)
NEURONS = (LIF(), LIF(tau_mem=2.0), LIF(tau_mem=np.inf), LIF(tau_mem=0.5))


def make_layer(n_in, n_out, n_after, rng, neuron, fraction, n_ticks, n_fixed):
    """A layer with the tables of section 2, about; n_after columns of feedback."""
    tick, n_bias, levels, shift = 1 / 16, 2, 16.0, 6
    max_stored = 63 << fraction
    d = np.arange(n_ticks + 1) * tick
    tau_mem, tau_syn = neuron.tau_mem, neuron.tau_syn
    if tau_mem == tau_syn:
        tau_mem *= 1.0001
    fast = np.exp(-d / tau_syn)
    slow = np.exp(-d / tau_mem)
    scale = 1 / (1 - tau_syn / tau_mem)
    kappa = scale * (slow - fast)
    slope = scale * (fast - slow * tau_syn / tau_mem)
    kernel = np.minimum(127, 127 * kappa / kappa.max(initial=1e-9))
    threshold = int(np.e * 0.37 * levels * 2**shift)
    tau = min(tau_mem, tau_syn)

    def fraction_of(table):
        return np.minimum(32767, np.floor(2**15 * table)).astype(np.int16)

    layer = FixedLayer(
        weights=np.clip(
            np.rint(rng.normal(100 / n_in, 20, (n_in + n_bias, n_out)) * 2**fraction),
            -max_stored,
            max_stored,
        ).astype(np.int16),
        bias_ticks=np.minimum([8, 48], n_ticks).astype(np.uint16),
        fraction=fraction,
        current_shift=shift,
        threshold=threshold,
        decay_mem=fraction_of(slow),
        decay_syn=fraction_of(fast),
        kappa=fraction_of(kappa),
        slope_mem=-int(2**14 * tau / tau_mem),
        slope_syn=int(2**14 * tau / tau_syn),
        slope_bounds=np.minimum(
            threshold * 2.0 ** (np.arange(10) - 3.5) * tau / tau_syn / 2, 32767
        ).astype(np.int16),
        n_fixed=n_fixed,
        kernel=np.rint(kernel).astype(np.int8),
        kernel_slope=np.clip(np.rint(127 * slope), -127, 127).astype(np.int8),
        max_stored=max_stored,
        rest=int(rng.integers(-3, 4)),
        decay=0,
        rate_shift=16,
        error_shift=7,
        feedback=rng.integers(-63, 64, (n_out, n_after), np.int16) if n_after else None,
        lfsr=rng.integers(1, 65536, n_out, np.uint16),
        silence=rng.integers(0, 256, n_out, np.uint8),
    )
    layer.kernel[0] = layer.kernel_slope[0] = 0
    return layer


def make_network(
    sizes,
    rng,
    *,
    neuron=NEURONS[0],
    fraction=9,
    n_ticks=N_TICKS,
    read_out=None,
    stretch=1,
    n_fixed=0,
    **kind,
):
    """A network in which some neurons spike.

    read_out : tick at which the two biases of the last layer spike; None: there is none
    n_fixed : how many of the two biases of every layer do not learn
    """
    kind = {"feedback": "symmetric", "is_floor": False, "drop": 0, **kind}
    layers = []
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        n_after = 0
        if kind["feedback"] != "symmetric" and k < len(sizes) - 2:
            n_after = sizes[k + 2 if kind["feedback"] == "random" else -1]
        layers.append(
            make_layer(n_in, n_out, n_after, rng, neuron, fraction, n_ticks, n_fixed)
        )
    if read_out is None:
        read_out = n_ticks
    else:
        layers[-1].bias_ticks[:] = read_out
        layers[-1].weights[-2:] = layers[-1].max_stored  # about 8 units, together
    return FixedNetwork(
        layers=layers,
        n_ticks=n_ticks,
        silent_delay=1500,
        read_out=read_out,
        stretch=stretch,
        softmax=np.floor(256 * np.exp(-np.arange(30) / 16 / 0.3) + 0.5).astype(U16),
        reciprocal=np.floor(2**15 / np.arange(128, 256) + 0.5).astype(U16),
        gain=200,
        push=700,
        may_drop=rng.integers(0, 2, sizes[0] + 2, np.uint8),
        lfsr=np.array([12345], U16),
        **kind,
    )


def wild_network(sizes, rng, n_ticks=N_TICKS):
    """A network of numbers that no neuron has, but that the header allows."""

    def table(dtype=np.int16, low=0):
        entries = rng.integers(low, np.iinfo(dtype).max, n_ticks + 1, dtype, True)
        return entries

    network = make_network(sizes, rng, n_ticks=n_ticks, feedback=rng.choice(FEEDBACKS))
    for layer in network.layers:
        layer.fraction = int(rng.integers(0, 5))
        layer.max_stored = int(rng.integers(1, 2047 << layer.fraction))
        greatest = (layer.max_stored + (1 << layer.fraction >> 1)) >> layer.fraction
        max_shift = int(np.log2(32767 // max(greatest, 1)))
        layer.current_shift = int(rng.integers(0, max_shift + 1))
        layer.weights = rng.integers(
            -layer.max_stored, layer.max_stored, layer.weights.shape, np.int16, True
        )
        layer.threshold = int(rng.integers(1, 32768))
        layer.decay_mem, layer.decay_syn, layer.kappa = table(), table(), table()
        layer.kernel, layer.kernel_slope = table(np.int8), table(np.int8, -127)
        layer.kernel[0] = layer.kernel_slope[0] = 0
        layer.slope_mem, layer.slope_syn = rng.integers(-32767, 32768, 2).tolist()
        layer.slope_bounds = np.sort(rng.integers(-32768, 32768, 10).astype(np.int16))
        layer.error_shift = int(rng.integers(5, 26))
        layer.n_fixed = int(rng.integers(0, 3))
        layer.rest = int(rng.integers(-32768, 32768))
        if layer.feedback is not None:
            layer.feedback = rng.integers(-2047, 2048, layer.feedback.shape, np.int16)
    network.silent_delay = int(rng.integers(0, 65536))
    network.read_out = int(rng.integers(0, n_ticks + 1))
    network.stretch = int(rng.integers(1, 65536))
    network.push = int(rng.integers(-32768, 32768))
    network.is_floor = bool(rng.integers(2))
    network.drop = int(rng.integers(0, 256))
    return network


def with_shifts(network, shifts):
    """The network with these shifts of each layer, of current and membrane."""
    for layer, (syn_shift, mem_shift) in zip(network.layers, shifts, strict=True):
        if syn_shift == 0:
            continue
        layer.syn_shift, layer.mem_shift = int(syn_shift), int(mem_shift)
        layer.decay_mem = layer.decay_syn = layer.kappa = np.zeros(0, I16)
    return network


def make_events(n_samples, n_in, rng, *, n_ticks=N_TICKS, n_active=60, gaps=True):
    """Random lists in random order, with gaps between them."""
    ticks, inputs, begin, end, at = [], [], [], [], 0
    spread = rng.integers(1, n_ticks + 1)
    for _ in range(n_samples):
        n = rng.integers(0, min(n_active, n_in) + 1)
        i = rng.choice(n_in, n, replace=False)
        t = rng.integers(0, spread, n)
        order = np.lexsort((i, t))
        junk = np.full(rng.integers(0, 3) if gaps else 0, 65535)
        ticks += [t[order], junk]
        inputs += [i[order], junk]
        begin.append(at)
        end.append(at + n)
        at += n + len(junk)
    return TickSpikes(
        np.concatenate(ticks).astype(np.uint16),
        np.concatenate(inputs).astype(np.uint16),
        np.array(begin, np.uintp),
        np.array(end, np.uintp),
        n_in,
    )


def core(network, simd="baseline"):
    before = _fixed.simd()
    _fixed.use_simd(simd)
    try:
        return FixedCore(network)
    finally:
        _fixed.use_simd(before)


def assert_same_state(a, b):
    a, b = a.network(), b.network()
    for k, (x, y) in enumerate(zip(a.layers, b.layers, strict=True)):
        for name in ("weights", "lfsr", "silence"):
            assert_array_equal(getattr(x, name), getattr(y, name), f"{name}, {k}")
    assert_array_equal(a.lfsr, b.lfsr)


def assert_same_spikes(a, b, events):
    for x, y in zip(a.run(events), b.run(events), strict=True):
        for k, (u, v) in enumerate(zip(x, y, strict=True)):
            assert_array_equal(u, v, f"layer {k}")
    assert_array_equal(a.labels(events), b.labels(events))


def epoch_of(core, events, labels, rng, batch_size, shifts=(8, 20), decays=(0, 5)):
    """Train with random schedules."""
    n = len(events)
    shape = -(-n // batch_size), len(core.shapes)
    return core.train(
        events,
        labels,
        rng.permutation(n).astype(np.uintp),
        batch_size,
        rng.integers(128, 256, shape[0], np.uint16),
        rng.integers(*shifts, shape, np.uint8, True),
        rng.integers(*decays, shape, np.int16, True),
    )
