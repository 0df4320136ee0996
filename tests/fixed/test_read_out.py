"""The read-out of integers: what its weights, the loss and decisions make of it."""

import fixed_header
import fixed_networks
import fixed_twin
import numpy as np
import pytest
from cases import diagonal, first_of
from fixed_cores import (
    N_TICKS,
    U16,
    assert_same_state,
    core,
    epoch_of,
    make_events,
    make_network,
)
from numpy.testing import assert_array_equal

from ttfs import _fixed
from ttfs._fixed import TickSpikes
from ttfs.fixed.simulation import FixedSimulation

READ_OUT, STRETCH = 40, 16
CHOICES = {"read_out": READ_OUT, "stretch": STRETCH, "n_fixed": 2}


@pytest.fixture
def network():
    return make_network((30, 20, 4), np.random.default_rng(0), drop=20, **CHOICES)


# -- Weights -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch_size", "decays"),
    diagonal([1, 7, 60], {"kept": (0, 0), "decay": (300, 30_000)}),
)
def test_fixed_rows_stay_and_the_others_move(network, simd, batch_size, decays):
    rng = np.random.default_rng(1)
    events = make_events(60, 32, rng)
    labels = rng.integers(0, 4, 60).astype(np.uintp)
    c = core(network, simd)
    for _ in range(3):
        epoch_of(c, events, labels, rng, batch_size, shifts=(8, 12), decays=decays)
    for now, before in zip(c.network().layers, network.layers, strict=True):
        assert_array_equal(now.weights[-2:], before.weights[-2:])
        assert_array_equal(now.integers()[-2:], before.integers()[-2:])
        assert (now.weights[:-2] != before.weights[:-2]).mean() > 0.8


@pytest.mark.parametrize("seed", first_of(range(20), 5))
def test_fixed_rows_stay_online(library, seed):
    rng = np.random.default_rng(seed)
    network = fixed_networks.random_network(
        rng, widths=(9, 7, 3), read_out=8, kinds=["usual"]
    )
    for layer in network.layers:
        layer.rate_shift = 11 - layer.fraction // 2
    header = fixed_header.Header(network, library)
    for ticks in fixed_networks.random_ticks(rng, network, 20):
        header.learn_online(ticks, fixed_networks.random_labels(rng, network, 1)[0])
    moved = 0
    for layer, now in zip(network.layers, header.state()["weights"], strict=True):
        n = len(now) - layer.n_fixed
        assert now[n:] == layer.weights[n:].tolist()
        moved += np.sum(now[:n] != layer.weights[:n])
    assert network.layers[-1].n_fixed >= 2
    assert moved


def test_the_others_learn_as_if_the_fixed_were_not_asked(network, simd):
    """No register is stepped for them."""
    rng = np.random.default_rng(2)
    events = make_events(60, 32, rng)
    labels = rng.integers(0, 4, 60).astype(np.uintp)
    learned = []
    for n_fixed in (0, 2):
        network.layers[-1].n_fixed = n_fixed
        network.is_floor = True
        c = core(network, simd)
        epoch_of(c, events, labels, np.random.default_rng(0), 60, shifts=(10, 12))
        learned.append(c.network().layers[-1])
    assert_array_equal(learned[0].weights[:-2], learned[1].weights[:-2])
    assert (learned[0].weights[-2:] != learned[1].weights[-2:]).any()


def test_samples_in_which_no_input_learns(simd):
    rng = np.random.default_rng(3)
    network = make_network((1, 4), rng, **CHOICES)
    end = np.arange(1, 6, dtype=np.uintp) * 2
    ticks, inputs = np.full(10, READ_OUT, U16), np.tile(np.arange(1, 3, dtype=U16), 5)
    events = TickSpikes(ticks, inputs, end - 2, end, 3)
    c = core(network, simd)
    epoch_of(c, events, np.zeros(5, np.uintp), rng, 2)
    assert_same_state(c, core(network))


# -- The loss ----------------------------------------------------------------------


def test_time_is_stretched_after_the_read_out():
    network = fixed_twin.plain(
        make_network((3, 3), np.random.default_rng(0), **CHOICES)
    )
    times = [fixed_twin.stretched(network, t) for t in range(N_TICKS + 1)]
    assert times[: READ_OUT + 1] == list(range(READ_OUT + 1))
    assert set(np.diff(times[READ_OUT:])) == {STRETCH}


def spiking(ticks, *, stretch):
    """A network without inputs besides one for each output, which spikes then."""
    n = len(ticks)
    rng = np.random.default_rng(0)
    network = make_network((n, n), rng, fraction=0)
    layer = network.layers[0]
    network.read_out, network.stretch = READ_OUT, stretch
    layer.weights[:] = 0
    layer.weights[np.arange(n), np.arange(n)] = 32
    layer.current_shift, layer.threshold = 9, 1000
    layer.kappa[:] = 8191
    layer.bias_ticks[:] = N_TICKS
    order = np.argsort(ticks, kind="stable")
    ticks = np.asarray(ticks)
    kept = order[ticks[order] < N_TICKS]
    events = TickSpikes(
        (ticks[kept] - 1).astype(U16),
        kept.astype(U16),
        np.zeros(1, np.uintp),
        np.full(1, len(kept), np.uintp),
        n + 2,
    )
    return network, events


# Before the read-out, at it, after it, and never.
TICKS = [
    (READ_OUT, READ_OUT + 1, READ_OUT + 2, N_TICKS),
    (READ_OUT + 3, READ_OUT + 1, READ_OUT + 1, N_TICKS - 1),
    (READ_OUT - 2, READ_OUT + 1, READ_OUT - 1, READ_OUT),
    (N_TICKS, N_TICKS, READ_OUT + 2, N_TICKS),
    (N_TICKS, N_TICKS, N_TICKS, N_TICKS),
]


@pytest.mark.parametrize("label", range(4))
@pytest.mark.parametrize(("ticks", "stretch"), diagonal(TICKS, [5, 1, 65_535]))
def test_errors_of_outputs_around_the_read_out(ticks, label, stretch):
    network, events = spiking(ticks, stretch=stretch)
    network.softmax = np.floor(256 * np.exp(-np.arange(60) / 8) + 0.5).astype(U16)
    c = _fixed.FixedCore(network)
    (fired,), (u,) = c.run(events)
    assert_array_equal(fired[0], ticks)
    _, _, (errors,) = c.errors(events, np.array([label], np.uintp))

    # Section 5 in floating point.
    t = np.array(ticks, float)
    t += (stretch - 1) * np.maximum(t - READ_OUT, 0)
    missed = network.layers[0].threshold - u[0].astype(float)
    missed *= network.silent_delay / 2**15
    t += np.where(fired[0] == N_TICKS, np.floor(missed), 0)
    e = np.exp(-(t - t.min()) / 8)
    delta = 256 * ((np.arange(4) == label) - e / e.sum())
    # All that fire do so with one slope, of which the read-out leaves nothing.
    layer = fixed_twin.plain(network).layers[0]
    spikes = [(0, 0)]
    _, _, v = fixed_twin.first_spike(layer, N_TICKS, spikes, 0)
    s = np.full(4, fixed_twin.log_slope(layer, v))
    assert s[0] != 0
    s[fired[0] > READ_OUT] = 0
    expected = delta * network.gain / 2.0 ** (5 + s)
    expected[(fired[0] == N_TICKS) & (np.arange(4) != label)] = 0
    # Probabilities have steps of 1/256.
    allowed = 3 * network.gain / 2.0 ** (5 + s) + 1
    assert (np.abs(errors[0] - expected) <= allowed).all()


# -- Decisions ---------------------------------------------------------------------


def test_decisions_follow_ticks_across_the_read_out(simd):
    rng = np.random.default_rng(4)
    network = make_network((30, 40), rng, **CHOICES)
    # Weak spikes of the read-out, so that some outputs stay silent.
    network.layers[0].weights[-2:] //= 3
    events = make_events(200, 32, rng)
    tick = 0.25
    simulation = FixedSimulation(network, tick)
    (ticks,), (u,) = simulation.core.run(events)
    assert {-1, 0, 1} <= set(np.unique(np.sign(ticks.astype(int) - READ_OUT)))
    assert 0.05 < np.mean(ticks == N_TICKS) < 0.95
    # `events()` gives back what it remembers.
    spikes = object()
    simulation._converted = spikes, events
    decisions = simulation.decisions(spikes) / tick
    order = np.lexsort((-u.astype(int), ticks), axis=1)
    for times, row, t in zip(decisions, order, ticks, strict=True):
        assert (np.diff(times[row]) >= 0).all()
        earlier, later = t[row][:-1], t[row][1:]
        assert (np.diff(times[row])[earlier < later] > 0).all()
    late = np.maximum(ticks.astype(int) - READ_OUT, 0)
    stretched = ticks + (STRETCH - 1) * late
    fires = ticks < N_TICKS
    assert (np.abs(decisions - stretched)[fires] <= 0.5).all()
    assert (decisions[~fires] > stretched[~fires]).all()
    assert_array_equal(np.argmin(decisions, axis=1), simulation.labels(spikes))


# -- Labels ------------------------------------------------------------------------


@pytest.mark.parametrize("read_out", [0, 10, 20, 40, N_TICKS])
def test_labels_are_those_of_all_ticks(simd, read_out):
    """Labels stop early; decisions before, after and without a spike are the same."""
    rng = np.random.default_rng(6)
    choices = CHOICES | {"read_out": read_out}
    network = make_network((30, 20, 4), rng, **choices)
    c = core(network, simd)
    events = make_events(300, 32, rng)
    ticks, u = (layers[-1].astype(int) for layers in c.run(events))
    order = np.lexsort((-u, ticks))  # the first tick, then the highest membrane
    assert_array_equal(c.labels(events), order[:, 0])


@pytest.mark.parametrize("threshold", [300, 2_000, 20_000])
def test_labels_of_late_and_of_no_spikes(simd, threshold):
    rng = np.random.default_rng(7)
    network = make_network((30, 20, 4), rng, **(CHOICES | {"read_out": 8}))
    network.layers[-1].threshold = threshold
    c = core(network, simd)
    events = make_events(300, 32, rng)
    ticks, u = (layers[-1].astype(int) for layers in c.run(events))
    if threshold == 20_000:
        assert (ticks.min(axis=1) == N_TICKS).any()
    order = np.lexsort((-u, ticks))
    assert_array_equal(c.labels(events), order[:, 0])
