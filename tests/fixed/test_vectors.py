"""The vectorised core in integers equals include/ttfs_fixed.h bit for bit.

The "baseline" kernels call the functions of that header; tests of the header itself are
elsewhere.
"""

import numpy as np
import pytest
from cases import first_of
from fixed_cores import (
    I16,
    N_TICKS,
    NEURONS,
    U8,
    U16,
    VECTORS,
    WIDTHS,
    assert_same_spikes,
    assert_same_state,
    core,
    epoch_of,
    make_events,
    make_network,
    wild_network,
    with_shifts,
)
from numpy.testing import assert_array_equal

from ttfs import _fixed
from ttfs._fixed import TickSpikes
from ttfs.fixed.network import FEEDBACKS


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
@pytest.mark.parametrize("seed", first_of(range(24), 12))
def test_vectors_equal_the_header(simd, seed):
    rng = np.random.default_rng(seed)
    n_ticks = int(rng.choice([1, 2, 7, 8, 9, 64, 150]))
    read_out = None if rng.random() < 0.5 else int(rng.integers(0, n_ticks))
    network = make_network(
        random_sizes(rng),
        rng,
        neuron=NEURONS[seed % 4],
        n_ticks=n_ticks,
        read_out=read_out,
        stretch=int(rng.choice([1, 16, 65_535])),
        n_fixed=int(rng.integers(0, 3)),
        fraction=int(rng.choice([0, 2, 9])),
        feedback=FEEDBACKS[seed // 4 % 4],
        is_floor=bool(rng.integers(2)),
        drop=int(rng.choice([0, 26])),
    )
    events = make_events(12, network.layers[0].weights.shape[0], rng, n_ticks=n_ticks)
    assert_equal_learning(network, events, simd, rng)


@pytest.mark.parametrize("simd", VECTORS)
@pytest.mark.parametrize("seed", first_of(range(24), 12))
def test_vectors_equal_the_header_with_any_numbers(simd, seed):
    rng = np.random.default_rng(seed)
    network = wild_network(random_sizes(rng), rng)
    events = make_events(12, network.layers[0].weights.shape[0], rng)
    assert_equal_learning(
        network, events, simd, rng, shifts=(0, 30), decays=(-32768, 32767)
    )


@pytest.mark.parametrize("simd", VECTORS)
@pytest.mark.parametrize("seed", first_of(range(24), 12))
def test_vectors_equal_the_header_with_shifts(simd, seed):
    # The usual ones of four time constants, or any; of layers of both kernels.
    rng = np.random.default_rng(seed)
    n_ticks = int(rng.choice([1, 2, 7, 9, 64, 150]))
    sizes, options = random_sizes(rng), {}
    n_layers = len(sizes) - 1
    if seed % 3:
        usual = [(4, 4), (4, 5), (4, 0), (4, 3)][seed % 4]
        network = make_network(
            sizes,
            rng,
            neuron=NEURONS[seed % 4],
            n_ticks=n_ticks,
            fraction=int(rng.choice([0, 2, 9])),
            feedback=FEEDBACKS[seed // 4 % 4],
            drop=int(rng.choice([0, 26])),
        )
        with_shifts(network, [usual] * n_layers)
    else:
        network = wild_network(sizes, rng, n_ticks)
        shifts = rng.integers(0, (9, 16), (n_layers, 2))
        with_shifts(network, shifts)
        options = {"shifts": (0, 30), "decays": (-32768, 32767)}
    events = make_events(12, network.layers[0].weights.shape[0], rng, n_ticks=n_ticks)
    a = assert_equal_learning(network, events, simd, rng, **options)
    if seed % 3 and n_ticks >= 64:
        fired = np.mean(a.run(events)[0][0] < n_ticks)
        assert fired > 0.05


@pytest.mark.parametrize("has_read_out", [False, True])
@pytest.mark.parametrize("simd", VECTORS)
def test_vectors_equal_the_header_for_long(simd, has_read_out):
    # What a difference of one bit becomes is seen in the end; most neurons take part.
    rng = np.random.default_rng(7)
    n_fixed = 2 * has_read_out
    read_out = {"read_out": 40, "stretch": 16, "n_fixed": 2} if has_read_out else {}
    network = make_network((40, 70, 33, 5), rng, drop=13, **read_out)
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
        x.weights != y.weights
        for x, y in zip(a.network().layers, network.layers, strict=True)
    ]
    assert min(np.mean(m[: len(m) - n_fixed]) for m in moved) > 0.9
    assert not any(m[len(m) - n_fixed :].any() for m in moved)
    assert_same_state(a, b)
    assert_same_spikes(a, b, events)


@pytest.mark.parametrize("simd", VECTORS)
@pytest.mark.parametrize("n_ticks", [2, 5, 13])
def test_vectors_equal_the_header_in_few_ticks(simd, n_ticks):
    # Many spikes share a tick, also that of the last biases; a sample has none.
    rng = np.random.default_rng(n_ticks)
    network = make_network((60, 150, 97, 10), rng, n_ticks=n_ticks)
    for layer in network.layers:
        layer.bias_ticks[:] = n_ticks - 1, n_ticks
    events = make_events(40, 62, rng, n_ticks=n_ticks, n_active=50)
    empty = np.zeros(1, np.uintp)
    a, b = core(network), core(network, simd)
    for x in (
        events,
        TickSpikes(np.array([], U16), np.array([], U16), empty, empty, 62),
    ):
        assert_same_spikes(a, b, x)
        assert_array_equal(a.labels(x), b.labels(x))


def two_outputs(kappa, weights):
    """One input, two outputs, membranes that are what they are told to be."""
    rng = np.random.default_rng(0)
    network = make_network((1, 2), rng, n_ticks=20, fraction=4)
    layer = network.layers[0]
    layer.weights = np.array([weights, [0, 0], [0, 0]], I16) << layer.fraction
    layer.current_shift, layer.threshold = 5, 1000
    layer.kappa = np.full(21, kappa, I16)
    layer.decay_mem = layer.decay_syn = np.zeros(21, I16)
    events = TickSpikes(
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
        deep.layers[1].weights[0, 1] = deep.layers[1].max_stored
        assert_array_equal(core(deep, simd).labels(events), [ticks == 3])


@pytest.mark.parametrize("simd", _fixed.simd_available())
@pytest.mark.parametrize("decay", [0, 32_767, -32_768])
def test_the_largest_batch_saturates_where_the_page_says(simd, decay):
    # Output 0 fires first, label 1 later: delta = -256 and 256, c = -8191 and 8191.
    network, events = two_outputs(16_384, [40, 20])
    network.is_floor, network.silent_delay = False, 65_535
    network.softmax = np.array([256], U16)
    layer = network.layers[0]
    layer.threshold, layer.kappa[10:] = 500, 32_767
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
