"""The core in integers: the bits of the twin, threads, epochs and their parts."""

import signal

import fixed_networks
import numpy as np
import pytest
from fixed_cores import (
    I16,
    N_TICKS,
    U8,
    U16,
    assert_same_spikes,
    assert_same_state,
    core,
    epoch_of,
    make_events,
    make_network,
)
from fixed_twin import Twin
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from ttfs import _fixed
from ttfs._fixed import FixedCore, TickSpikes


@pytest.fixture(scope="module")
def wide_lessons():
    made = []
    for seed in range(8):
        rng = np.random.default_rng([seed, 1])
        network = fixed_networks.random_wide_network(rng)
        made.append(fixed_networks.random_lesson(rng, network, n_batches=3))
    return made


def test_core_equals_twin(lessons, wide_lessons, simd):
    for lesson in lessons + wide_lessons:
        core = fixed_networks.Core(lesson.network)
        ticks, _ = lesson.batches[0]
        spikes, u, decisions = core.infer(ticks)
        twin = Twin(lesson.network)
        for n, sample in enumerate(ticks):
            states, decision = twin.infer(sample)
            assert decisions[n] == decision
            for k, state in enumerate(states):
                assert spikes[k][n].tolist() == state.ticks
                assert u[k][n].tolist() == state.u
        lesson.replay_states(core)


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
    few = TickSpikes(
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
        rng.integers(
            -layer.max_stored, layer.max_stored, layer.weights.shape, np.int16, True
        )
        for layer in network.layers
    ]
    for simd in _fixed.simd_available():
        c = core(network, simd)
        c.set_weights(weights)
        assert_array_equal(c.network().layers[1].weights, weights[1])
        assert_same_spikes(c, core(c.network()), events)
        too_large = np.full((42, 4), network.layers[1].max_stored + 1, I16)
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
    none = TickSpikes(
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
