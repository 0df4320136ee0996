"""The generator of temporal patterns: where its spikes are, what tells the class."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ttfs import TTFSClassifier
from ttfs.datasets import make_temporal_patterns


def dense(X, y):
    """Times (n_samples, n_channels) of data with one spike in each channel."""
    samples, channels, times = X.events()
    assert_array_equal(samples, np.repeat(np.arange(len(y)), X.shape[1]))
    assert_array_equal(channels, np.tile(np.arange(X.shape[1]), len(y)))
    return times.reshape(X.shape)


def test_same_seed_same_data():
    options = {"n_samples": 50, "n_distractors": 7}
    first, again, other = (
        make_temporal_patterns(**options, random_state=seed) for seed in (1, 1, 2)
    )
    assert first[0] == again[0]
    assert_array_equal(first[1], again[1])
    assert first[0] != other[0]


def test_without_noise_samples_of_a_pattern_differ_by_a_shift():
    X, y = make_temporal_patterns(
        300, n_classes=3, n_patterns=2, jitter=0, shift=2.0, random_state=0
    )
    times = dense(X, y)
    relative = (times - times[:, :1]).round(9)
    patterns, which = np.unique(relative, axis=0, return_inverse=True)
    assert len(patterns) == 6
    for k in range(6):  # each pattern is of one class, each class has two
        assert len(np.unique(y[which.ravel() == k])) == 1
    assert_array_equal(np.bincount([y[which.ravel() == k][0] for k in range(6)]), 2)
    for k in range(6):
        first = times[which.ravel() == k, 0]
        assert 1.7 < np.ptp(first) <= 2.0


def test_times_of_patterns():
    X, y = make_temporal_patterns(
        2000, window=3.0, lead=2.0, width=1.5, jitter=0, shift=0.5, random_state=0
    )
    times = dense(X, y)
    assert times.min() >= 5.0
    assert times.max() <= 5.0 + 0.5 + 1.5


def test_widths_of_channels_and_jitter():
    """Deviations of a channel are as the uniform times and the jitter say."""
    width = np.repeat([0.5, 4.0], 20)
    X, y = make_temporal_patterns(
        4000,
        n_channels=40,
        n_patterns=100,
        width=width,
        jitter=0.3,
        shift=0,
        random_state=0,
    )
    deviation = np.std(dense(X, y), axis=0) / width
    # Uniform in [0, 1], and the jitter; 400 patterns tell it to about 3 % of a channel.
    assert_allclose(deviation, np.sqrt(1 / 12 + 0.3**2), rtol=0.12)


@pytest.mark.parametrize("lead", [1.0, -2.0])
def test_distractors_add_to_the_same_patterns(lead):
    """Without them all other spikes are the same; they lie in their window."""
    options = {"n_samples": 200, "window": 2.0, "lead": lead, "random_state": 3}
    X, y = make_temporal_patterns(**options, jitter=0)
    more, labels = make_temporal_patterns(**options, jitter=0, n_distractors=6)
    assert_array_equal(labels, y)
    assert more.n_spikes == X.n_spikes + 6 * 200
    spikes = {event for event in zip(*map(np.ndarray.tolist, X.events()), strict=True)}
    both = zip(*map(np.ndarray.tolist, more.events()), strict=True)
    distractors = np.array([event for event in both if event not in spikes])
    assert_array_equal(np.bincount(distractors[:, 0].astype(int)), 6)
    assert 0 <= distractors[:, 2].min() < 0.1
    assert 1.9 < distractors[:, 2].max() <= 2.0
    # All channels are as likely, within five deviations of the count.
    counts = np.bincount(distractors[:, 1].astype(int), minlength=10)
    assert_allclose(counts, 120, atol=5 * np.sqrt(120))


def test_balanced_distractors():
    X, _ = make_temporal_patterns(
        30, n_channels=4, n_distractors=8, balanced=True, random_state=0
    )
    samples, channels, _ = X.events()
    counts = np.zeros(X.shape, int)
    np.add.at(counts, (samples, channels), 1)
    assert_array_equal(counts, 3)  # a spike of the pattern, and two distractors


def test_classes_are_equally_likely():
    _, y = make_temporal_patterns(3000, n_classes=3, random_state=0)
    assert_allclose(np.bincount(y), 1000, atol=5 * np.sqrt(1000 * 2 / 3))


def test_a_network_learns_it():
    X, y = make_temporal_patterns(700, window=0, lead=0, random_state=0)
    clf = TTFSClassifier((30,), max_iter=30, random_state=0).fit(X[:500], y[:500])
    assert clf.first_spike_score(X[500:], y[500:]) > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": [1.0, 2.0]}, "each of the 10 channels"),
        ({"width": [1.0] * 9 + [0.0]}, "positive"),
        ({"width": [1.0] * 9 + [np.nan]}, "positive"),
        ({"width": 0.0}, "width"),
        ({"window": 1.0, "lead": -1.5}, "at least -window"),
        ({"lead": np.nan}, "lead"),
        ({"jitter": -0.1}, "jitter"),
        ({"window": np.inf}, "window"),
        ({"shift": np.inf}, "shift"),
        ({"n_distractors": 15, "balanced": True}, "multiple of n_channels"),
        ({"n_distractors": -1}, "n_distractors"),
        ({"n_samples": 0}, "n_samples"),
        ({"n_channels": 0}, "n_channels"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        make_temporal_patterns(**{"n_samples": 10, **options})
