"""Spike trains of events of sensors, and spike trains after each other."""

import numpy as np
import pandas as pd
import pytest
from classifiers import quick
from encoding import random_trains, relaxed
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ttfs import SpikeTrains

# The fields of events as libraries order, name and type them.
CAMERAS = {
    "tonic": [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")],
    "AEDAT 4": [("timestamp", "i8"), ("x", "i2"), ("y", "i2"), ("polarity", "i1")],
    "Metavision": [("x", "u2"), ("y", "u2"), ("p", "i2"), ("t", "i8")],
    "Prophesee": [("ts", "u4"), ("x", "u2"), ("y", "u2"), ("p", "u1")],
    "event_stream": [("t", "u8"), ("y", "u2"), ("x", "u2"), ("on", "?")],
}
COCHLEA = [("t", "i8"), ("x", "i8"), ("p", "i8")]


def events_of(rows, dtype):
    """A structured array of rows (x, y, t, p)."""
    roles = {"timestamp": "t", "ts": "t", "polarity": "p", "on": "p"}
    places = ["xytp".index(roles.get(name, name)) for name, _ in dtype]
    return np.array([tuple(row[k] for k in places) for row in rows], dtype)


def slow_trains(samples, size, unit, start, duration, factor):
    """The same as `from_events`, event by event; samples are lists of rows."""
    width, height, n_polarities = size
    columns, lines = -(-width // factor), -(-height // factor)
    out = []
    for k, rows in enumerate(samples):
        begin = start
        if start == "first":
            begin = min((row[2] for row in rows), default=0) * unit
        for x, y, t, p in rows:
            time = t * unit - (begin or 0)
            if start is not None and time < 0:
                continue
            if duration is not None and time >= duration:
                continue
            p = p if n_polarities > 1 else 0
            place = np.ravel_multi_index(
                (p, y // factor, x // factor), (n_polarities, lines, columns)
            )
            out.append((k, place, time))
    parts = [list(part) for part in zip(*out, strict=True)] or [[], [], []]
    return SpikeTrains(*parts, (len(samples), n_polarities * lines * columns))


@relaxed
@given(st.data())
def test_from_events_is_like_its_twin(data):
    size = tuple(data.draw(st.integers(1, n)) for n in (5, 4, 2))
    width, height, _ = size
    row = st.tuples(
        st.integers(0, width - 1),
        st.integers(0, height - 1),
        st.integers(0, 64),
        st.integers(0, 1),
    )
    samples = data.draw(st.lists(st.lists(row, max_size=8), max_size=4))
    # Units and times are powers of 2, so that no sum is rounded.
    unit = data.draw(st.sampled_from([1.0, 0.25]))
    start = data.draw(st.sampled_from([None, "first", 0, 0.5, -3.0]))
    duration = data.draw(st.sampled_from([None, 4, 7.5]))
    factor = data.draw(st.integers(1, 3))
    dtype = CAMERAS[data.draw(st.sampled_from(sorted(CAMERAS)))]
    trains = SpikeTrains.from_events(
        (events_of(rows, dtype) for rows in samples),
        sensor_size=size,
        time_unit=unit,
        t_start=start,
        duration=duration,
        downsample=factor,
    )
    assert trains == slow_trains(samples, size, unit, start, duration, factor)
    assert trains.dtype == np.float64


def test_a_pixel_keeps_its_place_in_the_image():
    one = events_of([(3, 1, 20, 1)], CAMERAS["tonic"])
    trains = SpikeTrains.from_events([one], sensor_size=(5, 4, 2), time_unit=1e-6)
    image = np.zeros(trains.shape[1])
    image[trains.events()[1]] = 1
    assert image.reshape(2, 4, 5)[1, 1, 3] == 1
    assert trains.events()[2] == pytest.approx(20e-6, rel=1e-15)


def test_polarities_may_be_signs_and_may_not_count():
    rows = [(0, 0, 1, -1), (1, 0, 2, 1), (2, 0, 3, -1)]
    signs = events_of(rows, CAMERAS["AEDAT 4"])
    options = {"sensor_size": (3, 1, 2), "time_unit": 1.0}
    trains = SpikeTrains.from_events([signs], **options)
    assert trains.events()[1].tolist() == [0, 2, 4]
    for size in ((3, 1, 1), (3, 1), (3,), 3, np.int64(3), np.array([3, 1, 1])):
        merged = SpikeTrains.from_events([signs], **options | {"sensor_size": size})
        assert merged.events()[1].tolist() == [0, 1, 2]


def test_cochleas_have_channels_only():
    rows = [(699, 0, 14000, 1), (3, 0, 250, 1)]
    events = events_of(rows, COCHLEA)
    expected = SpikeTrains([0, 0], [699, 3], [0.014, 0.25e-3], (1, 700))
    options = {"sensor_size": (700, 1, 1), "time_unit": 1e-6}
    for one in (
        events,
        events[["t", "x"]],
        {"x": [699, 3], "t": np.array([14000, 250])},
        pd.DataFrame(events),
    ):
        trains = SpikeTrains.from_events([one], **options)
        assert_array_equal(trains.events()[1], expected.events()[1])
        np.testing.assert_allclose(trains.events()[2], [0.25e-3, 0.014], rtol=1e-15)


def test_clocks_that_have_run_for_years_lose_nothing():
    first = np.int64(1_700_000_000_000_000)  # microseconds
    for dtype in ("i8", "u8"):
        events = np.zeros(2, [("x", "i2"), ("t", dtype)])
        events["t"] = first, first + 1
        trains = SpikeTrains.from_events(
            [events], sensor_size=1, time_unit=1e-6, t_start="first"
        )
        assert trains.events()[2].tolist() == [0, 1e-6]


def test_cochleas_have_names_of_their_own():
    """Those of the Heidelberg digits, and of NTIDIGITS."""
    for channel in "addr", "units":
        sample = {"times": np.array([0.25, 0.125]), channel: np.array([699, 3])}
        trains = SpikeTrains.from_events([sample], sensor_size=700, time_unit=2.0)
        assert_array_equal(trains.events(), [[0, 0], [3, 699], [0.25, 0.5]])


def test_samples_may_be_without_events():
    dtype = CAMERAS["tonic"]
    options = {"sensor_size": (2, 2, 2), "time_unit": 1.0, "t_start": "first"}
    samples = [events_of(rows, dtype) for rows in ([], [(0, 0, 5, 0)], [])]
    trains = SpikeTrains.from_events(samples, **options)
    assert (trains.shape, trains.n_spikes) == ((3, 8), 1)
    assert SpikeTrains.from_events([], **options).shape == (0, 8)


def test_the_unit_of_time_is_that_of_the_neurons():
    """Events in microseconds for neurons in seconds, or in units of tau_syn."""
    rng = np.random.default_rng(0)
    samples = []
    for k in range(40):
        events = np.zeros(12, CAMERAS["tonic"])
        events["x"] = rng.integers(0, 3, 12) + 3 * (k % 2)
        events["t"] = rng.integers(0, 2**14, 12)
        samples.append(events)
    labels, unit = np.arange(40) % 2, 2.0**-13
    in_taus = SpikeTrains.from_events(samples, sensor_size=6, time_unit=unit)
    scores = quick(max_iter=100).fit(in_taus, labels).decision_function(in_taus)
    assert np.mean((scores > 0) == labels) > 0.9
    # With all times 2^-7 of what they were nothing else is.
    seconds = SpikeTrains.from_events(samples, sensor_size=6, time_unit=unit / 128)
    clf = quick(max_iter=100, tau_mem=1 / 128, tau_syn=1 / 128).fit(seconds, labels)
    assert_array_equal(clf.decision_function(seconds) > 0, scores > 0)


GOOD = events_of([(1, 0, 3, 1)], CAMERAS["tonic"])


def test_mistakes_in_events():
    for samples, changes, error, message in (
        ([GOOD, events_of([(4, 0, 3, 1)], CAMERAS["tonic"])], {}, ValueError,
         r"x of sample 1 must be in \[0, 4\), as sensor_size says, but ranges from 4"),
        ([events_of([(0, -1, 3, 1)], CAMERAS["tonic"])], {}, ValueError, "y of sa"),
        ([events_of([(0, 0, 3, 2)], CAMERAS["Metavision"])], {}, ValueError, "p of sa"),
        ([{"x": [0, 1, 2], "y": [0] * 3, "t": [1, 2, 3], "p": [-1, 0, 1]}], {},
         ValueError, r"p of sample 0 must be in \[0, 2\)"),
        ([GOOD[["x", "y", "t"]]], {}, ValueError, "no field 'p'.*'x', 'y', 't'"),
        ([GOOD[["x", "t", "p"]]], {}, ValueError, "no field 'y'"),
        ([GOOD[["x", "y", "p"]]], {}, ValueError, "no field 't' or 'ts'"),
        ([{"x": [0.5], "y": [0], "t": [1], "p": [1]}], {}, TypeError, "x of sample"),
        ([{"x": [True], "y": [0], "t": [1], "p": [1]}], {}, TypeError, "not bool"),
        ([{"x": [0], "y": [0], "t": ["1"], "p": [1]}], {}, TypeError, "real numbers"),
        ([{"x": [0], "y": [0, 1], "t": [1], "p": [1]}], {}, ValueError, "equally long"),
        ([{"x": [0], "y": [0], "t": 1, "p": [1]}], {}, ValueError, "1-d"),
        ([{"x": [0], "y": [0], "t": [-np.inf], "p": [1]}], {}, ValueError, "be finite"),
        ([GOOD, {"x": [0, 1], "y": [0, 0], "t": [1, np.nan], "p": [1, 1]}], {},
         ValueError, "the times of sample 1 must be finite"),
        ([{"x": [0], "y": [0], "t": [np.inf], "p": [1]}], {}, ValueError, "be finite"),
        ([(GOOD, 1)], {}, TypeError, "got tuple; of pairs .* pass the events"),
        ([np.zeros((5, 4))], {}, TypeError, "sample 0 must be a structured array"),
        (np.zeros((5, 4)), {}, TypeError, "sample 0 must be a structured array"),
        (GOOD, {}, TypeError, "pass a list of one"),
        (pd.DataFrame(GOOD), {}, TypeError, "pass a list of one"),
        ([GOOD], {"sensor_size": (4, 3, 2, 1)}, ValueError, "two or three of them"),
        ([GOOD], {"sensor_size": (4, 0)}, ValueError, "positive integer"),
        ([GOOD], {"sensor_size": 4.0}, ValueError, "positive integer"),
        ([GOOD], {"sensor_size": None}, ValueError, "positive integer"),
        ([GOOD], {"sensor_size": (2**16, 2**16)}, ValueError, "1 to 2"),
        ([GOOD], {"downsample": 0}, ValueError, "downsample must be"),
        ([GOOD], {"downsample": 0.5}, ValueError, "downsample must be"),
        ([GOOD], {"time_unit": 0}, ValueError, "time_unit must be"),
        ([GOOD], {"time_unit": "us"}, ValueError, "time_unit must be"),
        ([GOOD], {"time_unit": 1e30}, ValueError, "times of sample 0 must be below"),
        ([GOOD], {"duration": 0}, ValueError, "duration must be a positive number"),
        ([GOOD], {"t_start": "last"}, ValueError, "t_start must be a number"),
        ([GOOD], {"t_start": np.inf}, ValueError, "t_start must be a number"),
    ):  # fmt: skip
        options = {"sensor_size": (4, 3, 2), "time_unit": 1e-3} | changes
        with pytest.raises(error, match=message):
            SpikeTrains.from_events(samples, **options)


# -- One after the other, side by side ---------------------------------------------


@pytest.mark.parametrize("axis", [0, 1])
def test_concatenate(axis):
    shapes = [(4, 3), (2, 3), (5, 3)] if axis == 0 else [(4, 3), (4, 1), (4, 2)]
    parts = [random_trains(k, shape, 30) for k, shape in enumerate(shapes)]
    joined = SpikeTrains.concatenate(iter(parts), axis=axis)
    cells = np.concatenate([np.asarray(part) for part in parts], axis=axis)
    assert joined.shape == cells.shape
    for row, train in zip(cells.tolist(), joined, strict=True):
        times = [train[:, k].events()[2].tolist() for k in range(cells.shape[1])]
        assert times == [cell.times.tolist() for cell in row]
    assert SpikeTrains.concatenate(parts[:1], axis=axis) == parts[0]


def test_concatenated_parts_give_back_the_whole():
    trains = random_trains(0, (9, 4), 30, np.float32)
    parts = [trains[:2], trains[2:2], trains[2:]]
    assert SpikeTrains.concatenate(parts) == trains
    assert SpikeTrains.concatenate(parts).dtype == np.float32
    sides = [trains[:, :3], trains[:, 3:]]
    assert SpikeTrains.concatenate(sides, axis=1) == trains
    mixed = SpikeTrains.concatenate([trains, random_trains(1, (2, 4), 30)])
    assert mixed.dtype == np.float64


def test_what_cannot_be_concatenated():
    for parts, axis, error, message in (
        ([], 0, ValueError, "a SpikeTrains at least"),
        ([np.zeros((2, 3))], 0, TypeError, "must be SpikeTrains, got ndarray"),
        ([(2, 3), (2, 4)], 0, ValueError, r"number of channels, got \[3, 4\]"),
        ([(2, 3), (4, 3)], 1, ValueError, r"number of samples, got \[2, 4\]"),
        ([(2, 3)], 2, ValueError, "axis must be 0 or 1"),
    ):
        trains = [random_trains(0, p, 30) if isinstance(p, tuple) else p for p in parts]
        with pytest.raises(error, match=message):
            SpikeTrains.concatenate(trains, axis=axis)
