"""Spikes at the ticks of integers."""

from types import SimpleNamespace

import numpy as np
import pytest
from cases import diagonal
from numpy.testing import assert_array_equal

from ttfs import core as _core
from ttfs._fixed import TickSpikes


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize(
    ("tick", "dtype", "is_sorted"),
    diagonal([0.03125, 0.1, 0.7], [np.float32, np.float64], [True, False]),
)
def test_events_of_spike_times(dtype, tick, is_sorted):
    rng = np.random.default_rng(0)
    n_in, n_ticks = 400, 20
    rows = [rng.uniform(-0.1, 25 * tick, rng.integers(0, n_in)) for _ in range(30)]
    rows[0][:5] = (np.arange(5) + 0.5) * tick  # halves up, as far as they are halves
    times, inputs, expected = [], [], []
    for row in rows:
        row = row.astype(dtype)
        i = rng.choice(n_in, len(row), replace=False)
        order = np.lexsort((i, row)) if is_sorted else np.arange(len(row))
        times.append(row[order])
        inputs.append(i[order])
        t = np.maximum(np.floor(row.astype(float) / tick + 0.5), 0)
        pairs = [(a, b) for a, b in zip(t, i, strict=True) if a < n_ticks]
        expected.append(sorted(pairs))
    ends = np.cumsum([len(row) for row in rows]).astype(np.uintp)
    spikes = SimpleNamespace(
        times=np.concatenate(times),
        inputs=np.concatenate(inputs).astype(np.uint32),
        begin=np.r_[np.zeros(1, np.uintp), ends[:-1]],
        end=ends,
        n_in=n_in,
    )
    events = TickSpikes.from_spikes(spikes, tick, n_ticks)
    assert events.n_in == n_in
    assert events.n_ticks == 1 + max(pairs[-1][0] for pairs in expected if pairs)
    assert events.n_samples == 30
    assert events.max_spikes == max(map(len, expected))
    assert events.n_spikes == sum(map(len, expected))
    assert events.repeats == 1
    for s, pairs in enumerate(expected):
        mine = events.pairs[int(events.begin[s]) : int(events.end[s])]
        assert_array_equal(mine, np.array(pairs).reshape(-1, 2))


def test_inputs_that_spike_twice():
    ticks, inputs = np.array([[1, 1, 2, 2], [0, 1, 1, 1]], np.uint16)
    begin, end = np.array([0], np.uintp), np.array([4], np.uintp)
    assert TickSpikes(ticks, inputs, begin, end, 2).repeats == 3


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
    TickSpikes(**EVENTS)
    with pytest.raises(ValueError, match=message):
        TickSpikes(**EVENTS | change)


def test_bad_spikes():
    empty = np.empty(0, np.uintp)
    spikes = _core.Spikes(np.empty(0), np.empty(0, np.uint32), empty, empty, 65_535)
    assert TickSpikes.from_spikes(spikes, 1.0, 5).n_in == 65_535
    spikes = SimpleNamespace(
        times=spikes.times, inputs=spikes.inputs, begin=empty, end=empty, n_in=65_536
    )
    with pytest.raises(ValueError, match="at most 65535 inputs"):
        TickSpikes.from_spikes(spikes, 1.0, 5)
    for tick in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="tick"):
            TickSpikes.from_spikes(spikes, tick, 5)
    for n_ticks in (0, 16_385):
        with pytest.raises(ValueError, match="n_ticks"):
            TickSpikes.from_spikes(spikes, 1.0, n_ticks)


@pytest.mark.parametrize("name", ["ticks", "inputs", "pairs", "begin", "end"])
def test_arrays_cannot_be_changed(name):
    spikes = _core.spikes_at(np.array([[0.5, 1.0], [2.0, 0.0]]), ())
    for events in (TickSpikes(**EVENTS), TickSpikes.from_spikes(spikes, 1.0, 5)):
        with pytest.raises(ValueError, match="read-only"):
            getattr(events, name)[:] = 60_000
    assert EVENTS["begin"].flags.writeable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"end": np.array([2, 4], np.uintp)}, "out of range"),
        ({"begin": np.array([3, 2], np.uintp)}, "out of range"),
        ({"end": np.array([2], np.uintp)}, "same length"),
        ({"inputs": np.zeros(2, np.uint32)}, "same length"),
    ],
)
def test_spikes_of_other_makers(change, message):
    """Arrays alone say how many spikes there are."""
    spikes = {
        "times": np.zeros(3),
        "inputs": np.zeros(3, np.uint32),
        "begin": np.array([0, 2], np.uintp),
        "end": np.array([2, 3], np.uintp),
        "n_spikes": 0,
        "n_in": 1,
    }
    events = TickSpikes.from_spikes(SimpleNamespace(**spikes), 1.0, 5)
    assert events.n_spikes == 3
    with pytest.raises(ValueError, match=message):
        TickSpikes.from_spikes(SimpleNamespace(**spikes | change), 1.0, 5)


def test_events_are_counted_once():
    """An object that is filled again has the numbers of its new events alone."""
    ticks, inputs = np.array([1, 5, 9], np.uint16), np.array([0, 2, 1], np.uint16)
    begin, end = np.array([0], np.uintp), np.array([3], np.uintp)
    events = TickSpikes(ticks, inputs, begin, end, 3)
    events.__init__(ticks[:1], inputs[:1], begin, np.array([1], np.uintp), 3)
    assert (events.n_spikes, events.max_spikes, events.n_ticks) == (1, 1, 2)
