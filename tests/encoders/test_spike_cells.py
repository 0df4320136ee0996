"""Channels of spike trains, and spike trains as arrays of objects."""

import pickle
import sys

import numpy as np
import pytest
from encoding import EVENTS, SHAPE, random_trains, relaxed
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing, check_array

from ttfs import SpikeTrains
from ttfs.encoders.spike_trains import as_trains


@relaxed
@given(st.data())
def test_selecting_channels(data):
    """The same selection from an array of sets of times has the same sets."""
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 5)))
    n_spikes = data.draw(st.integers(0, 30)) if shape[0] else 0
    trains = random_trains(data.draw(st.integers(0, 99)), shape, n_spikes)
    times = np.empty(shape, object)
    for place in np.ndindex(shape):
        times[place] = []
    for sample, channel, time in zip(*trains.events(), strict=True):
        times[sample, channel].append(time)
    n = shape[1]
    channels = data.draw(
        st.lists(st.integers(-n, n - 1), min_size=1, max_size=7)
        | st.permutations(range(n))
        | st.lists(st.booleans(), min_size=n, max_size=n).filter(any)
        | st.just(slice(None, None, -1))
    )
    rows = slice(None, None, data.draw(st.sampled_from([1, 2, -1])))
    chosen = trains[rows, channels]
    expected = times[rows][:, channels]
    assert chosen.shape == expected.shape
    samples, new_channels, new_times = chosen.events()
    for place in np.ndindex(expected.shape):
        is_here = (samples == place[0]) & (new_channels == place[1])
        assert new_times[is_here].tolist() == sorted(expected[place])
    # scikit-learn selects so.
    indices = np.arange(n)[channels]
    assert _safe_indexing(trains[rows], indices, axis=1) == chosen


def test_samples_and_channels_are_selected_one_after_the_other():
    trains = random_trains(0, (10, 3), 60)
    mask = np.arange(10) % 3 == 0
    for key in ((mask, 1), (mask, slice(1, 2)), (4, [0, 2]), (..., [0, 2]), (4, 1)):
        rows, channels = key
        assert trains[key] == trains[rows][:, channels]
    assert trains[..., :] == trains
    with pytest.raises(IndexError, match=r"use trains\[samples\]\[:, channels\]"):
        trains[[0, 1], [0, 1]]
    with pytest.raises(IndexError, match="a channel at least"):
        trains[:, :0]


def test_is_an_array_of_objects():
    trains = SpikeTrains(*EVENTS, SHAPE)
    cells = np.asarray(trains)
    assert (cells.dtype, cells.shape) == (object, SHAPE)
    assert [[str(cell) for cell in row] for row in cells] == [
        ["Train([0.3])", "Train([0.1, 0.9])"],
        ["Train([])", "Train([])"],
        ["Train([])", "Train([0.5])"],
    ]
    assert as_trains(cells) == as_trains(check_array(trains, dtype=None)) == trains
    assert as_trains(trains) is trains
    assert as_trains(cells[:, [1, 1]]) == trains[:, [1, 1]]
    assert as_trains(pickle.loads(pickle.dumps(cells))) == trains
    for dtype in (np.float32, np.float64):
        some = random_trains(0, (5, 4), 9, dtype)
        assert as_trains(np.array(some)) == some
        assert as_trains(np.array(some)).dtype == dtype
    empty = SpikeTrains([], [], [], (2, 3))
    assert as_trains(np.asarray(empty)) == empty
    assert np.asarray(empty[:0]).shape == (0, 3)
    cells[1, 1] = [0.5]
    with pytest.raises(TypeError, match="all cells"):
        as_trains(cells)
    with pytest.raises(ValueError, match="without a copy"):
        trains.__array__(copy=False)


def test_is_not_an_array_of_numbers():
    trains = SpikeTrains(*EVENTS, SHAPE)
    with pytest.raises(TypeError, match=r"cannot be converted.*use events\(\)"):
        np.asarray(trains, float)
    labels = [0, 1, 0]
    for estimator in (PCA(), LogisticRegression(), GaussianNB()):
        with pytest.raises(TypeError, match="cannot be converted"):
            estimator.fit(trains, labels)
    with pytest.raises(TypeError):  # NumPy's own words
        StandardScaler().fit(trains)


def test_size_in_bytes():
    small, large = (random_trains(0, (5, 4), n, np.float32) for n in (10, 1010))
    assert sys.getsizeof(large) - sys.getsizeof(small) == 1000 * (4 + 4)
