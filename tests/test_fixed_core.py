"""The vectorised core in integers equals include/ttfs_fixed.h bit for bit.

The "baseline" kernels call the functions of that header; tests of the header itself are
elsewhere.
"""

import signal
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from ttfs import LIF, _core, _fixed
from ttfs._fixed import Events, FixedCore
from ttfs._fixed_point import FEEDBACKS, FixedLayer, FixedNetwork

N_TICKS = 64
I16, U16, I8, U8 = np.int16, np.uint16, np.int8, np.uint8
VECTORS = [name for name in _fixed.simd_available() if name != "baseline"]
# Around multiples of the lanes, 16 and 32, and of panels of them.
WIDTHS = (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 127, 128, 129, 160, 161)
NEURONS = (LIF(), LIF(tau_mem=2.0), LIF(tau_mem=np.inf), LIF(tau_mem=0.5))


def make_layer(n_in, n_out, n_after, rng, neuron, fraction, n_ticks):
    """A layer with the tables of section 2, about; n_after columns of feedback."""
    tick, n_bias, levels, shift = 1 / 16, 2, 16.0, 6
    most = 63 << fraction
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
            -most,
            most,
        ).astype(np.int16),
        bias_ticks=np.minimum([8, 48], n_ticks).astype(np.uint16),
        fraction=fraction,
        current_shift=shift,
        threshold=threshold,
        decay_mem=fraction_of(slow),
        decay_syn=fraction_of(fast),
        rise=fraction_of(kappa),
        slope_mem=-int(2**14 * tau / tau_mem),
        slope_syn=int(2**14 * tau / tau_syn),
        slope_bounds=np.minimum(
            threshold * 2.0 ** (np.arange(10) - 3.5) * tau / tau_syn / 2, 32767
        ).astype(np.int16),
        kernel=np.rint(kernel).astype(np.int8),
        kernel_slope=np.clip(np.rint(127 * slope), -127, 127).astype(np.int8),
        most=most,
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


def make_network(sizes, rng, *, neuron=NEURONS[0], fraction=9, n_ticks=N_TICKS, **kind):
    """A network in which some neurons spike."""
    kind = {"feedback": "symmetric", "is_floor": False, "drop": 0, **kind}
    layers = []
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        n_after = 0
        if kind["feedback"] != "symmetric" and k < len(sizes) - 2:
            n_after = sizes[k + 2 if kind["feedback"] == "random" else -1]
        layers.append(make_layer(n_in, n_out, n_after, rng, neuron, fraction, n_ticks))
    return FixedNetwork(
        layers=layers,
        n_ticks=n_ticks,
        silent_delay=1500,
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
        layer.most = int(rng.integers(1, 2047 << layer.fraction))
        greatest = (layer.most + (1 << layer.fraction >> 1)) >> layer.fraction
        most_shift = int(np.log2(32767 // max(greatest, 1)))
        layer.current_shift = int(rng.integers(0, most_shift + 1))
        layer.weights = rng.integers(
            -layer.most, layer.most, layer.weights.shape, np.int16, True
        )
        layer.threshold = int(rng.integers(1, 32768))
        layer.decay_mem, layer.decay_syn, layer.rise = table(), table(), table()
        layer.kernel, layer.kernel_slope = table(np.int8), table(np.int8, -127)
        layer.kernel[0] = layer.kernel_slope[0] = 0
        layer.slope_mem, layer.slope_syn = rng.integers(-32767, 32768, 2).tolist()
        layer.slope_bounds = np.sort(rng.integers(-32768, 32768, 10).astype(np.int16))
        layer.error_shift = int(rng.integers(5, 26))
        layer.rest = int(rng.integers(-32768, 32768))
        if layer.feedback is not None:
            layer.feedback = rng.integers(-2047, 2048, layer.feedback.shape, np.int16)
    network.silent_delay = int(rng.integers(0, 65536))
    network.push = int(rng.integers(-32768, 32768))
    network.is_floor = bool(rng.integers(2))
    network.drop = int(rng.integers(0, 256))
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
    return Events(
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


def random_sizes(rng):
    sizes = rng.choice(WIDTHS, rng.integers(2, 5)).tolist()
    if rng.integers(3) == 0:
        sizes[-1] = 10
    return sizes


def assert_equal_learning(network, events, simd, rng, **epoch):
    a, b = core(network), core(network, simd)
    assert b.simd == simd
    assert_same_spikes(a, b, events)
    labels = rng.integers(0, a.n_outputs, len(events)).astype(np.uintp)
    batch_size = int(rng.choice([1, 2, 5, 8, 100]))
    for seed in range(3):
        reports = [
            epoch_of(
                x, events, labels, np.random.default_rng(seed), batch_size, **epoch
            )
            for x in (a, b)
        ]
        assert reports[0] == reports[1]
        assert_same_state(a, b)
    assert_same_spikes(a, b, events)
    return a


@pytest.mark.parametrize("simd", VECTORS)
@pytest.mark.parametrize("seed", range(24))
def test_vectors_equal_the_header(simd, seed):
    rng = np.random.default_rng(seed)
    n_ticks = int(rng.choice([1, 2, 7, 8, 9, 64, 150]))
    network = make_network(
        random_sizes(rng),
        rng,
        neuron=NEURONS[seed % 4],
        n_ticks=n_ticks,
        fraction=int(rng.choice([0, 2, 9])),
        feedback=FEEDBACKS[seed // 4 % 4],
        is_floor=bool(rng.integers(2)),
        drop=int(rng.choice([0, 26])),
    )
    events = make_events(12, network.layers[0].weights.shape[0], rng, n_ticks=n_ticks)
    assert_equal_learning(network, events, simd, rng)


@pytest.mark.parametrize("simd", VECTORS)
@pytest.mark.parametrize("seed", range(24))
def test_vectors_equal_the_header_with_any_numbers(simd, seed):
    rng = np.random.default_rng(seed)
    network = wild_network(random_sizes(rng), rng)
    events = make_events(12, network.layers[0].weights.shape[0], rng)
    assert_equal_learning(
        network, events, simd, rng, shifts=(0, 30), decays=(-32768, 32767)
    )


@pytest.mark.parametrize("simd", VECTORS)
def test_vectors_equal_the_header_for_long(simd):
    # What a difference of one bit becomes is seen in the end; most neurons take part.
    rng = np.random.default_rng(7)
    network = make_network((40, 70, 33, 5), rng, drop=13)
    events = make_events(200, 42, rng, n_active=40)
    labels = rng.integers(0, 5, 200).astype(np.uintp)
    a, b = core(network), core(network, simd)
    for batch_size in (1, 10, 50):
        for x in (a, b):
            epoch_of(
                x,
                events,
                labels,
                np.random.default_rng(batch_size),
                batch_size,
                shifts=(10, 14),
            )
    ticks, _ = a.run(events)
    assert all(0.2 < np.mean(t < N_TICKS) for t in ticks)
    moved = [
        np.mean(x.weights != y.weights)
        for x, y in zip(a.network().layers, network.layers, strict=True)
    ]
    assert min(moved) > 0.9
    assert_same_state(a, b)
    assert_same_spikes(a, b, events)


def two_outputs(rise, weights):
    """One input, two outputs, membranes that are what they are told to be."""
    rng = np.random.default_rng(0)
    network = make_network((1, 2), rng, n_ticks=20, fraction=4)
    layer = network.layers[0]
    layer.weights = np.array([weights, [0, 0], [0, 0]], I16) << layer.fraction
    layer.current_shift, layer.threshold = 5, 1000
    layer.rise = np.full(21, rise, I16)
    layer.decay_mem = layer.decay_syn = np.zeros(21, I16)
    events = Events(
        np.array([2], U16),
        np.array([0], U16),
        np.array([0], np.uintp),
        np.array([1], np.uintp),
        3,
    )
    return network, events


@pytest.mark.parametrize("simd", _fixed.simd_available())
def test_a_membrane_at_the_threshold_fires(simd):
    # I = 63 2^5 = 2016; u is floored.
    for threshold, ticks in ((1008, 3), (1009, 20)):
        network, events = two_outputs(16_384, [63, 62])
        network.layers[0].threshold = threshold
        c = core(network, simd)
        (out,), (u,) = c.run(events)
        assert_array_equal(out, [[ticks, 20]])
        assert_array_equal(u, [[1008, 992]])
        # Only labels are wanted: hidden layers pass many ticks at once.
        deep = make_network((1, 2, 2), np.random.default_rng(0), n_ticks=20)
        deep.layers[0] = network.layers[0]
        deep.layers[1].weights[:] = 0
        deep.layers[1].weights[0, 1] = deep.layers[1].most
        assert_array_equal(core(deep, simd).labels(events), [ticks == 3])


@pytest.mark.parametrize("simd", _fixed.simd_available())
@pytest.mark.parametrize("decay", [0, 32_767, -32_768])
def test_the_largest_batch_saturates_where_the_page_says(simd, decay):
    # Output 0 fires first, label 1 later: delta = -256 and 256, c = -8191 and 8191.
    network, events = two_outputs(16_384, [40, 20])
    network.is_floor, network.silent_delay = False, 65_535
    network.softmax = np.array([256], U16)
    layer = network.layers[0]
    layer.threshold, layer.rise[10:] = 500, 32_767
    layer.kernel[1:] = 127
    layer.slope_bounds[:] = 32_767  # 2^-4
    layer.rest = -20_000
    lfsr = layer.lfsr.copy()
    c = core(network, simd)
    assert_array_equal(c.run(events)[0][0], [[3, 12]])
    shift = 20
    n_correct, loss = c.train(
        events,
        np.array([1], np.uintp),
        np.zeros(2048, np.uintp),
        2048,
        np.array([255], U16),
        np.array([[shift]], U8),
        np.array([[decay]], I16),
    )
    assert n_correct == 0
    assert loss == pytest.approx(2048 * np.log(512))
    model = c.network().layers[0]
    for j, (w, error) in enumerate(((40, -8191), (20, 8191))):
        register = int(lfsr[j])
        register = register >> 1 ^ (0xB400 if register & 1 else 0)
        assert model.lfsr[j] == register
        total = 2048 * 127 * error - decay * (w + 20_000)
        total = min(max(total, -(2**31)), 2**31 - 1) + (register << shift - 16)
        total = min(total, 2**31 - 1) >> shift
        stored = min(max((w << 4) + total, -1008), 1008)
        assert model.weights[0, j] == stored


@pytest.mark.parametrize("simd", VECTORS)
def test_many_outputs_of_which_only_the_first_count(simd):
    # labels() leaves a panel at its first spike, and the next at that of the panels
    # before.
    rng = np.random.default_rng(0)
    network = make_network((50, 300), rng)
    events = make_events(200, 52, rng)
    a, b = core(network), core(network, simd)
    assert_array_equal(a.labels(events), b.labels(events))
    ticks, u = (x[0] for x in b.run(events))
    best = np.lexsort((-u.astype(int), ticks), axis=1)[:, 0]
    assert_array_equal(b.labels(events), best)
    assert len(np.unique(best // 32)) > 5


def test_bits_do_not_depend_on_threads_or_neighbours(monkeypatch):
    rng = np.random.default_rng(1)
    network = make_network((60, 80, 5), rng)
    events = make_events(400, 62, rng)
    c = FixedCore(network)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    results = []
    for n_threads in (1, 2, 3, 4):
        with threadpool_limits(n_threads):
            results.append((c.labels(events), *c.run(events)))
    for labels, ticks, u in results[1:]:
        assert_array_equal(labels, results[0][0])
        for k in range(2):
            assert_array_equal(ticks[k], results[0][1][k])
            assert_array_equal(u[k], results[0][2][k])
    some = slice(123, 130)
    few = Events(
        events.ticks.copy(),
        events.inputs.copy(),
        events.begin[some],
        events.end[some],
        62,
    )
    assert_array_equal(c.labels(few), results[0][0][some])


def test_a_part_of_an_epoch_is_a_part():
    rng = np.random.default_rng(2)
    network = make_network((30, 20, 4), rng, drop=20)
    events = make_events(40, 32, rng)
    labels = rng.integers(0, 4, 40).astype(np.uintp)
    order = rng.permutation(40).astype(np.uintp)
    gains = rng.integers(128, 256, 8, np.uint16)
    shifts = rng.integers(9, 13, (8, 2), np.uint8)
    decays = rng.integers(0, 5, (8, 2), np.int16)
    whole, parts = FixedCore(network), FixedCore(network)
    n_correct, loss = whole.train(events, labels, order, 5, gains, shifts, decays)
    reports = [
        parts.train(
            events,
            labels,
            order[5 * b : 5 * c],
            5,
            gains[b:c],
            shifts[b:c],
            decays[b:c],
        )
        for b, c in ((0, 3), (3, 3), (3, 8))
    ]
    assert reports[1] == (0, 0.0)
    assert sum(n for n, _ in reports) == n_correct
    assert sum(x for _, x in reports) == pytest.approx(loss, rel=1e-12)
    assert_same_state(whole, parts)


def test_report_is_of_the_network_before_it_learned():
    # One batch: the probabilities of section 5 in floating point.
    rng = np.random.default_rng(3)
    network = make_network((30, 20, 4), rng)
    events = make_events(50, 32, rng)
    labels = rng.integers(0, 4, 50).astype(np.uintp)
    c = FixedCore(network)
    ticks, u = (x[-1].astype(float) for x in c.run(events))
    threshold = network.layers[-1].threshold
    late = N_TICKS + np.floor((threshold - u) * network.silent_delay / 2**15)
    t = np.where(ticks < N_TICKS, ticks, late)
    e = np.exp(-(t - t.min(1, keepdims=True)) / 16 / 0.3)
    p = (e / e.sum(1, keepdims=True))[np.arange(50), labels.astype(int)]
    decided = c.labels(events)
    arguments = (
        events,
        labels,
        np.arange(50, dtype=np.uintp),
        50,
        np.array([200], np.uint16),
        np.full((1, 2), 12, np.uint8),
        np.zeros((1, 2), np.int16),
    )
    n_correct, loss = c.train(*arguments)
    assert n_correct == np.sum(decided == labels)
    # Probabilities have steps of 1/256, and a table of 8 bits.
    assert loss == pytest.approx(-np.log(np.maximum(p, 1 / 512)).sum(), rel=0.02)


def test_learning_lowers_the_loss():
    rng = np.random.default_rng(4)
    network = make_network((30, 40, 3), rng)
    events = make_events(60, 32, rng)
    labels = rng.integers(0, 3, 60).astype(np.uintp)
    c = FixedCore(network)
    losses = [
        epoch_of(c, events, labels, rng, 1, shifts=(11, 11), decays=(0, 0))[1]
        for _ in range(40)
    ]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_network_is_a_copy_and_goes_on():
    rng = np.random.default_rng(5)
    network = make_network((30, 20, 4), rng, drop=20)
    events = make_events(20, 32, rng)
    labels = rng.integers(0, 4, 20).astype(np.uintp)
    before = [layer.weights.copy() for layer in network.layers]
    a = FixedCore(network)
    epoch_of(a, events, labels, np.random.default_rng(0), 3)
    for layer, weights in zip(network.layers, before, strict=True):
        assert_array_equal(layer.weights, weights)
    model = a.network()
    b = FixedCore(model)
    for x in (a, b):
        epoch_of(x, events, labels, np.random.default_rng(1), 3)
    assert_same_state(a, b)
    assert np.any(model.layers[0].weights != a.network().layers[0].weights)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
def test_interrupt_leaves_whole_batches():
    rng = np.random.default_rng(9)
    events = make_events(100, 202, rng, n_active=200)
    labels = rng.integers(0, 4, 100).astype(np.uintp)
    a = FixedCore(make_network((200, 200, 4), rng))

    def interrupt(number, frame):
        raise KeyboardInterrupt

    n = 1_000_000  # would take minutes
    batches = (
        rng.integers(0, 100, n).astype(np.uintp),
        10,
        np.full(n // 10, 200, U16),
        np.full((n // 10, 2), 12, U8),
        np.zeros((n // 10, 2), I16),
    )
    before = signal.signal(signal.SIGVTALRM, interrupt)
    try:
        # In the time of this process: training has begun, whatever else runs.
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            a.train(events, labels, *batches)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    b = FixedCore(a.network())
    for x in (a, b):
        epoch_of(x, events, labels, np.random.default_rng(0), 10)
    assert_same_state(a, b)


def test_weights_can_be_replaced():
    rng = np.random.default_rng(8)
    network = make_network((30, 40, 4), rng)
    events = make_events(50, 32, rng)
    weights = [
        rng.integers(-layer.most, layer.most, layer.weights.shape, np.int16, True)
        for layer in network.layers
    ]
    for simd in _fixed.simd_available():
        c = core(network, simd)
        c.set_weights(weights)
        assert_array_equal(c.network().layers[1].weights, weights[1])
        assert_same_spikes(c, core(c.network()), events)
        too_large = np.full((42, 4), network.layers[1].most + 1, I16)
        for bad, message in (
            (weights[:1], "2 layers"),
            (weights[::-1], "shape"),
            ([0 * weights[0], too_large], "weights must be in"),
        ):
            with pytest.raises(ValueError, match=message):
                c.set_weights(bad)
        with pytest.raises(TypeError, match="int16"):
            c.set_weights([w.astype(float) for w in weights])
        assert_array_equal(c.network().layers[0].weights, weights[0])


def test_no_samples():
    rng = np.random.default_rng(6)
    network = make_network((30, 20, 4), rng)
    c = FixedCore(network)
    none = Events(
        np.empty(0, np.uint16),
        np.empty(0, np.uint16),
        np.empty(0, np.uintp),
        np.empty(0, np.uintp),
        32,
    )
    assert len(none) == 0
    assert c.labels(none).shape == (0,)
    assert [x.shape for x in c.run(none)[0]] == [(0, 20), (0, 4)]
    assert c.train(
        none,
        np.empty(0, np.uintp),
        np.empty(0, np.uintp),
        5,
        np.empty(0, np.uint16),
        np.empty((0, 2), np.uint8),
        np.empty((0, 2), np.int16),
    ) == (0, 0.0)


# -- Events ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tick", [0.03125, 0.1, 0.7])
def test_events_of_spike_times(dtype, tick):
    rng = np.random.default_rng(0)
    n_in, n_ticks = 40, 20
    bias_ticks = np.array([3, 20, 0], np.uint16)
    rows = [rng.uniform(-0.1, 25 * tick, rng.integers(0, n_in)) for _ in range(30)]
    rows[0][:5] = (np.arange(5) + 0.5) * tick  # halves up, as far as they are halves
    times, inputs, expected = [], [], []
    for row in rows:
        row = row.astype(dtype)
        i = rng.choice(n_in, len(row), replace=False)
        order = np.lexsort((i, row))
        times.append(row[order])
        inputs.append(i[order])
        t = np.maximum(np.floor(row.astype(float) / tick + 0.5), 0)
        pairs = [(a, b) for a, b in zip(t, i, strict=True) if a < n_ticks]
        expected.append(sorted([*pairs, (3, n_in), (0, n_in + 2)]))
    ends = np.cumsum([len(row) for row in rows]).astype(np.uintp)
    spikes = _core.Spikes(
        np.concatenate(times),
        np.concatenate(inputs).astype(np.uint32),
        np.r_[np.zeros(1, np.uintp), ends[:-1]],
        ends,
        n_in,
    )
    events = Events.from_spikes(spikes, tick, n_ticks, bias_ticks)
    assert events.n_in == n_in + 3
    assert events.n_samples == 30
    assert events.most == max(map(len, expected))
    assert events.n_spikes == sum(map(len, expected))
    assert events.repeats == 1
    for s, pairs in enumerate(expected):
        mine = events.pairs[int(events.begin[s]) : int(events.end[s])]
        assert_array_equal(mine, np.array(pairs))


def test_inputs_that_spike_twice():
    ticks, inputs = np.array([[1, 1, 2, 2], [0, 1, 1, 1]], np.uint16)
    begin, end = np.array([0], np.uintp), np.array([4], np.uintp)
    assert Events(ticks, inputs, begin, end, 2).repeats == 3


EVENTS = {
    "ticks": np.array([0, 1, 1, 5, 0], np.uint16),
    "inputs": np.array([3, 0, 2, 1, 3], np.uint16),
    "begin": np.array([0, 4], np.uintp),
    "end": np.array([4, 5], np.uintp),
    "n_in": 4,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ticks": np.zeros(4, np.uint16)}, "same length"),
        ({"begin": np.zeros(1, np.uintp)}, "same length"),
        ({"end": np.array([4, 6], np.uintp)}, "out of range"),
        ({"begin": np.array([0, 6], np.uintp)}, "out of range"),
        ({"n_in": 3}, r"outside \[0, 3\)"),
        ({"n_in": -1}, "n_in must be in"),
        ({"n_in": 65_536}, "n_in must be in"),
        ({"ticks": np.array([1, 0, 1, 5, 0], np.uint16)}, "sorted"),
        ({"inputs": np.array([3, 2, 0, 1, 3], np.uint16)}, "sorted"),
        ({"ticks": np.zeros(5, np.int16)}, "mismatch"),
        ({"inputs": np.zeros(5, np.uint32)}, "mismatch"),
    ],
)
def test_bad_events(change, message):
    Events(**EVENTS)
    with pytest.raises(ValueError, match=message):
        Events(**EVENTS | change)


def test_bad_spikes():
    empty = np.empty(0, np.uintp)
    spikes = _core.Spikes(np.empty(0), np.empty(0, np.uint32), empty, empty, 65_535)
    assert Events.from_spikes(spikes, 1.0, 5).n_in == 65_535
    with pytest.raises(ValueError, match="at most 65535 inputs"):
        Events.from_spikes(spikes, 1.0, 5, np.zeros(1, np.uint16))
    for tick in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="tick"):
            Events.from_spikes(spikes, tick, 5)
    for n_ticks in (0, 16_385):
        with pytest.raises(ValueError, match="n_ticks"):
            Events.from_spikes(spikes, 1.0, n_ticks)


# -- The border --------------------------------------------------------------------


def put(name, value, k=0, says=None):
    """Change a field of layer k, or of the network if it has no such field."""

    def change(network):
        is_of_layer = name in FixedLayer.__annotations__ and k is not None
        setattr(network.layers[k] if is_of_layer else network, name, value)

    change.says = says or name
    return change


def poke(name, index, value, k=0):
    """Change an element of an array of layer k, or of the network."""

    def change(network):
        target = network if k is None else network.layers[k]
        array = getattr(target, name).copy()
        array[index] = value
        setattr(target, name, array)

    change.says = name
    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (put("layers", []), ValueError),
        (put("n_ticks", 0), ValueError),
        (put("n_ticks", 16_385), ValueError),
        (put("n_ticks", N_TICKS + 1, says="decay_mem must have shape"), ValueError),
        (put("n_ticks", 64.5), TypeError),
        (put("silent_delay", -1), ValueError),
        (put("silent_delay", 65_536), ValueError),
        (put("softmax", np.empty(0, U16)), ValueError),
        (put("softmax", np.ones(3, U16)), ValueError),
        (put("softmax", np.array([256, 257], U16)), ValueError),
        (put("reciprocal", np.ones(127, U16)), ValueError),
        (put("gain", 256), ValueError),
        (put("push", 32_768), ValueError),
        (put("feedback", "none", None), ValueError),
        (put("drop", 256), ValueError),
        (put("may_drop", np.ones(3, U8)), ValueError),
        (put("may_drop", np.ones(32, bool)), TypeError),
        (poke("lfsr", 0, 0, None), ValueError),
        (put("lfsr", np.ones(2, U16), None), ValueError),
        (put("weights", np.zeros((32, 20))), TypeError),
        (put("weights", np.zeros(32, I16)), ValueError),
        (put("weights", np.zeros((32, 21), I16), says="lfsr"), ValueError),
        (put("weights", np.zeros((21, 4), I16), 1, "layer 1"), ValueError),
        (put("weights", np.zeros((32, 0), I16), says="neurons"), ValueError),
        (poke("weights", (3, 4), 63 * 512 + 1), ValueError),
        (poke("weights", (3, 4), -63 * 512 - 1), ValueError),
        (put("bias_ticks", np.zeros(3, U16), 1, "layer 1"), ValueError),
        (put("bias_ticks", np.zeros(33, U16), says="layer 0"), ValueError),
        (poke("bias_ticks", 0, N_TICKS + 1), ValueError),
        (put("fraction", 15), ValueError),
        (put("fraction", -1), ValueError),
        (put("fraction", 3, says="greatest weight"), ValueError),
        (put("most", 0), ValueError),
        (put("most", 32_767), ValueError),
        (put("current_shift", 15), ValueError),
        (put("current_shift", 10, says="current of the greatest"), ValueError),
        (put("threshold", 0), ValueError),
        (put("threshold", 32_768), ValueError),
        (put("decay_mem", np.zeros(N_TICKS, I16)), ValueError),
        (poke("decay_mem", 5, -1), ValueError),
        (poke("decay_syn", 5, -32_768), ValueError),
        (poke("rise", 5, -1), ValueError),
        (put("rise", np.zeros(N_TICKS + 1, np.int32)), TypeError),
        (put("slope_mem", -32_768), ValueError),
        (put("slope_syn", 32_768), ValueError),
        (put("slope_bounds", np.zeros(9, I16)), ValueError),
        (poke("kernel", 0, 1), ValueError),
        (poke("kernel", 1, -1), ValueError),
        (poke("kernel_slope", 0, 1), ValueError),
        (poke("kernel_slope", 1, -128), ValueError),
        (put("kernel", np.zeros(N_TICKS, I8)), ValueError),
        (put("rest", 32_768), ValueError),
        (put("decay", -32_769), ValueError),
        (put("rate_shift", 31), ValueError),
        (put("error_shift", 4), ValueError),
        (put("error_shift", 26), ValueError),
        (poke("lfsr", 3, 0), ValueError),
        (put("lfsr", np.ones(3, U16)), ValueError),
        (put("silence", np.ones(20, I8)), TypeError),
        (put("feedback", "random", None), TypeError),  # has no random weights
    ],
)
def test_bad_networks(change, error):
    network = make_network((30, 20, 4), np.random.default_rng(0))
    FixedCore(network)
    change(network)
    with pytest.raises(error, match=change.says):
        FixedCore(network)


def test_bad_feedback():
    for kind, shape in (("random", (20, 8)), ("direct", (20, 4)), ("target", (20, 4))):
        network = make_network((30, 20, 8, 4), np.random.default_rng(0), feedback=kind)
        assert network.layers[0].feedback.shape == shape
        FixedCore(network)
        put("feedback", np.zeros((20, 5), I16))(network)
        with pytest.raises(ValueError, match="feedback must have shape"):
            FixedCore(network)
    network = make_network((30, 20, 4), np.random.default_rng(0), feedback="random")
    network.layers[0].feedback[2, 3] = 2048
    with pytest.raises(ValueError, match="feedback must be in"):
        FixedCore(network)


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    return FixedCore(make_network((30, 20, 4), rng)), make_events(10, 32, rng)


TRAIN = {
    "labels": np.zeros(10, np.uintp),
    "order": np.arange(9, dtype=np.uintp),
    "batch_size": 4,
    "gains": np.full(3, 200, U16),
    "rate_shifts": np.full((3, 2), 12, U8),
    "decays": np.zeros((3, 2), I16),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(9, np.uintp)}, "labels must have"),
        ({"labels": np.full(10, 4, np.uintp)}, "labels must be in"),
        ({"labels": np.zeros(10, np.int32)}, "mismatch"),
        ({"order": np.full(9, 10, np.uintp)}, "order must be in"),
        ({"batch_size": 0}, "batch_size must be in"),
        ({"batch_size": 2049}, "batch_size must be in"),
        ({"batch_size": 3, "order": np.arange(10, dtype=np.uintp)}, "gains must have"),
        ({"gains": np.full(3, 256, U16)}, "gains must be in"),
        ({"rate_shifts": np.full((3, 2), 31, U8)}, "rate_shifts must be in"),
        ({"rate_shifts": np.full((3, 1), 12, U8)}, "rate_shifts must have"),
        ({"decays": np.zeros((2, 2), I16)}, "decays must have"),
        ({"decays": np.zeros((3, 2), np.int32)}, "mismatch"),
    ],
)
def test_bad_training(small, change, message):
    c, events = small
    c.train(events, **TRAIN)
    before = c.network()
    with pytest.raises(ValueError, match=message):
        c.train(events, **TRAIN | change)
    assert_same_state(c, SimpleNamespace(network=lambda: before))


def test_batches_count_spikes_of_an_input(small):
    c, _ = small
    events = Events(
        np.array([3, 4], U16),
        np.array([1, 1], U16),
        np.zeros(10, np.uintp),
        np.full(10, 2, np.uintp),
        32,
    )
    one = {"order": np.zeros(1, np.uintp), "gains": TRAIN["gains"][:1]}
    one |= {name: TRAIN[name][:1] for name in ("rate_shifts", "decays")}
    c.train(events, **TRAIN | one | {"batch_size": 1024})
    with pytest.raises(ValueError, match=r"batch_size must be in \[1, 1024\]"):
        c.train(events, **TRAIN | one | {"batch_size": 1025})


def test_events_of_another_network(small):
    c, _ = small
    rng = np.random.default_rng(0)
    for other, message in (
        (make_events(5, 31, rng), "must be of 32 inputs"),
        (
            Events(
                np.array([N_TICKS], U16),
                np.zeros(1, U16),
                np.zeros(1, np.uintp),
                np.ones(1, np.uintp),
                32,
            ),
            "ticks",
        ),
    ):
        for call in (c.labels, c.run, lambda e: c.train(e, **TRAIN)):
            with pytest.raises(ValueError, match=message):
                call(other)
    for call in (c.labels, c.run):
        with pytest.raises(TypeError):
            call(None)


def test_instruction_sets():
    before = _fixed.simd()
    assert before in _fixed.simd_available()
    assert "baseline" in _fixed.simd_available()
    with pytest.raises(ValueError, match="unknown instruction set"):
        _fixed.use_simd("mmx")
    assert _fixed.simd() == before
