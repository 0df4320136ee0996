"""Signals that unfold in time: level crossings and bands of frequencies."""

import filter_twin
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import ttfs
from ttfs.encoders import FilterBank, LevelCrossingEncoder


def some_signals(seed=0, n_samples=5, n_signals=3, n_times=40):
    rng = np.random.RandomState(seed)
    return np.cumsum(rng.normal(size=(n_samples, n_signals, n_times)), axis=2)


def crossings_one_by_one(values, start, step, time_step):
    """A slow twin: the times at which one signal has moved by a step, up and down."""
    times = {1: [], -1: []}
    sent = start
    for k, value in enumerate(values):
        while abs(value - sent) >= step:
            way = 1 if value > sent else -1
            sent += way * step
            time = 0.0
            if k > 0:
                part = (sent - values[k - 1]) / (value - values[k - 1])
                time = (k - 1 + min(max(part, 0), 1)) * time_step
            times[way].append(time)
    return times[1], times[-1]


@pytest.mark.parametrize("reference", ["median", "first"])
def test_spikes_are_those_of_a_slow_twin(reference):
    X = some_signals()
    encoder = LevelCrossingEncoder(n_steps=40.5, reference=reference, duration=7.0)
    trains = encoder.fit_transform(X)
    samples, channels, times = trains.events()
    n_all = 0
    for s, sample in enumerate(X):
        for c, values in enumerate(sample):
            start = encoder.references_[c] if reference == "median" else values[0]
            ups, downs = crossings_one_by_one(
                values, start, encoder.steps_[c], encoder.time_step_
            )
            for channel, expected in ((2 * c, ups), (2 * c + 1, downs)):
                got = times[(samples == s) & (channels == channel)]
                assert_allclose(got, expected, rtol=0, atol=1e-9)
                n_all += len(expected)
    assert n_all == trains.n_spikes > 200


def test_a_signal_can_be_rebuilt_within_a_step():
    """What was sent, added up, follows the signal to less than one step."""
    X = some_signals(n_times=60)
    encoder = LevelCrossingEncoder(n_steps=10, duration=59.0)
    trains = encoder.fit_transform(X)
    samples, channels, times = trains.events()
    for s in range(len(X)):
        for c in range(X.shape[1]):
            mine = samples == s
            up = times[mine & (channels == 2 * c)]
            down = times[mine & (channels == 2 * c + 1)]
            for k in range(60):
                level = np.sum(up <= k + 1e-9) - np.sum(down <= k + 1e-9)
                rebuilt = encoder.references_[c] + level * encoder.steps_[c]
                assert abs(rebuilt - X[s, c, k]) < encoder.steps_[c] * (1 + 1e-6)


def test_lists_of_unequal_lengths_are_what_nan_stands_for():
    X = some_signals()
    lengths = [40, 12, 33, 1, 25]
    ragged = [sample[:, :n] for sample, n in zip(X, lengths, strict=True)]
    padded = np.where(np.arange(40) < np.array(lengths)[:, None, None], X, np.nan)
    encoder = LevelCrossingEncoder().fit(ragged)
    assert encoder.transform(ragged) == encoder.transform(padded)
    assert_array_equal(encoder.steps_, LevelCrossingEncoder().fit(padded).steps_)
    _, _, times = encoder.transform(ragged)[1].events()
    assert times.max() <= 11 * encoder.time_step_


def test_steps_are_parts_of_the_range_between_quantiles():
    X = some_signals()
    encoder = LevelCrossingEncoder(n_steps=5, quantiles=(0.1, 0.8)).fit(X)
    values = np.moveaxis(X, 1, 0).reshape(3, -1)
    low, high = np.quantile(values, [0.1, 0.8], axis=1)
    assert_allclose(encoder.steps_, (high - low) / 5)


def test_the_unit_of_a_signal_does_not_matter():
    X = some_signals()
    scaled = X * np.array([1e-6, 3.0, 2e4])[:, None] + 7.0
    first = LevelCrossingEncoder().fit_transform(X).events()
    second = LevelCrossingEncoder().fit_transform(scaled).events()
    assert_array_equal(first[1], second[1])
    assert_allclose(first[2], second[2], rtol=0, atol=1e-6)


def test_what_does_not_change_sends_nothing():
    X = some_signals()
    X[:, 1] = 3.0
    trains = LevelCrossingEncoder().fit_transform(X)
    assert not set(trains.events()[1]) & {2, 3}
    # Nor does a channel that is constant in training, whatever it does later.
    other = LevelCrossingEncoder().fit(X).transform(some_signals(1))
    assert not set(other.events()[1]) & {2, 3}


def test_a_level_that_is_reached_up_to_rounding_is_reached():
    ramp = 0.1 * np.arange(4.0)[None, None]
    encoder = LevelCrossingEncoder(3, quantiles=(0, 1), reference="first").fit(ramp)
    assert ramp[0, 0, 2] / encoder.steps_[0] < 2
    assert encoder.transform(ramp[:, :, :3]).n_spikes == 2


def test_max_spikes_keeps_the_first_ones():
    X = some_signals()
    all_of_them = LevelCrossingEncoder().fit_transform(X)
    few = LevelCrossingEncoder(max_spikes=2).fit_transform(X)
    samples, channels, times = all_of_them.events()
    expected = []
    for key in sorted(set(zip(samples, channels, strict=True))):
        mine = times[(samples == key[0]) & (channels == key[1])]
        expected += [(*key, t) for t in mine[:2]]
    assert list(zip(*few.events(), strict=True)) == expected


def test_windows_send_the_spikes_of_their_time_again():
    X = some_signals()
    longer = some_signals(seed=1, n_times=50)  # than those of training
    plain = LevelCrossingEncoder(n_steps=20, duration=6.0).fit(X)
    encoder = LevelCrossingEncoder(n_steps=20, duration=6.0, n_windows=3).fit(X)
    assert encoder.n_channels_ == 4 * plain.n_channels_ == 4 * 6
    for signals in (X, longer):
        expected = set(zip(*plain.transform(signals).events(), strict=True))
        got = set(zip(*encoder.transform(signals).events(), strict=True))
        assert {event for event in got if event[1] < 6} == expected
        again = {(s, c % 6, t) for s, c, t in got if c >= 6}
        assert again == expected
        windows = {(c // 6 - 1, min(int(t / 2.0), 2)) for _, c, t in got if c >= 6}
        assert windows == {(0, 0), (1, 1), (2, 2)}


def test_pipelines_and_grids_learn_signals():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], 20)
    t = np.linspace(0, 1, 30)
    rate = np.where(y == 0, 5.0, 12.0)
    X = np.sin(rate[:, None] * t + rng.uniform(0, 1, (40, 1)))[:, None, :]
    pipeline = make_pipeline(
        LevelCrossingEncoder(n_steps=4, duration=5.0),
        ttfs.TTFSClassifier((10,), max_spikes=4, max_iter=30, random_state=0),
    )
    search = GridSearchCV(
        pipeline, {"levelcrossingencoder__n_steps": [2, 5]}, cv=2, error_score="raise"
    ).fit(list(X), y)
    assert search.best_score_ > 0.8
    clone(pipeline)


def test_bands_tell_frequencies_apart():
    t = np.arange(2000)
    frequencies = [0.015, 0.06, 0.3]
    X = np.stack([np.sin(2 * np.pi * f * t) for f in frequencies])[:, None, :]
    bank = FilterBank(n_bands=8).fit(X)
    bands = bank.transform(X)
    assert bands.shape == (3, 8, 250)
    loudest = bank.centers_[np.nanmean(bands, axis=2).argmax(axis=1)]
    ratio = (0.4 / 0.01) ** (1 / 7)
    assert np.all(np.abs(np.log(loudest / frequencies)) < np.log(ratio))


def test_bands_of_shorter_signals_end_earlier():
    X = [np.ones((2, 100)), np.ones((2, 40))]
    bands = FilterBank(n_bands=3, decimation=10).fit_transform(X)
    assert bands.shape == (2, 6, 10)
    assert np.isfinite(bands[0]).all()
    assert_array_equal(np.isnan(bands[1]).sum(axis=1), 6)
    assert LevelCrossingEncoder().fit_transform(bands).shape == (2, 12)


def edges(bank, low, high):
    """The edges of bands that meet in the middle between their centres."""
    n = len(bank.centers_)
    ratio = (high / low) ** (0.5 / max(n - 1, 1))
    return [(center / ratio, center * ratio) for center in bank.centers_]


# Bands, the lowest and the highest centre; the last ones end at half a cycle.
BANDS = [(5, 0.02, 0.3), (1, 0.05, 0.2), (3, 0.3, 0.495)]


@pytest.mark.parametrize(("n_bands", "low", "high"), BANDS)
def test_bands_are_those_of_difference_equations(n_bands, low, high):
    X = some_signals(n_samples=2, n_signals=1, n_times=60)
    bank = FilterBank(n_bands, low=low, high=high, decimation=7, compression=0.5)
    bands = bank.fit_transform(X)
    for sample, mine in zip(X[:, 0], bands, strict=True):
        for (begin, end), got in zip(edges(bank, low, high), mine, strict=True):
            band = filter_twin.bandpass(sample, begin, min(end, 0.4999))
            envelope = filter_twin.lowpass(np.abs(band), 0.25 / 7)
            expected = np.sqrt(np.maximum(envelope[6::7], 0))
            assert_allclose(got, expected, rtol=0, atol=1e-6 * expected.max())


@pytest.mark.parametrize(("n_bands", "low", "high"), BANDS)
def test_tones_have_the_gain_of_butterworth_filters(n_bands, low, high):
    """Whole periods of a tone have the mean square gain^2 / 2."""
    bank = FilterBank(n_bands, low=low, high=high, decimation=1, compression=1.0)
    frequencies = np.array([20, 110, 230, 470]) / 1000
    X = np.sin(2 * np.pi * frequencies[:, None, None] * np.arange(20_000))
    bands = bank.fit_transform(X)[:, :, 19_000:]
    got = np.sqrt(2 * np.mean(bands**2, axis=2))
    for k, (begin, end) in enumerate(edges(bank, low, high)):
        expected = filter_twin.gain(frequencies, begin, min(end, 0.4999))
        assert_allclose(got[:, k], expected, rtol=0, atol=1e-6)


def test_the_unit_of_frequencies_does_not_matter():
    X = some_signals(n_times=100)
    plain = FilterBank(6).fit(X)
    sound = FilterBank(6, sample_rate=16_000.0).fit(X)
    named = FilterBank(6, sample_rate=16_000.0, low=160.0, high=6_400.0).fit(X)
    assert_allclose(sound.centers_, 16_000 * plain.centers_)
    for bank in (sound, named):
        assert_allclose(bank.transform(X), plain.transform(X), rtol=1e-9)


@pytest.mark.parametrize("decimation", [1, 5])
def test_bands_of_a_signal_do_not_depend_on_other_signals(decimation):
    values = some_signals(n_samples=1, n_times=2 * decimation)[0] + 3.0
    X = [values[:, :n] for n in range(1, 2 * decimation + 1)]
    bank = FilterBank(3, decimation=decimation).fit(X)
    together = bank.transform([*X, np.ones((3, 40))])
    for sample, got in zip(X, together, strict=False):
        alone = bank.transform([sample])[0]
        n = max(sample.shape[1] // decimation, 1)
        assert alone.shape == (9, n)
        assert_array_equal(got[:, :n], alone)
        assert np.isnan(got[:, n:]).all()
        assert np.all(alone > 0)


def test_one_band_reaches_from_low_to_high():
    t = np.arange(2000)
    X = np.stack([np.sin(2 * np.pi * f * t) for f in (0.01, 0.1, 0.45)])[:, None, :]
    bank = FilterBank(1, low=0.05, high=0.2).fit(X)
    assert_allclose(bank.centers_, [0.1])
    outside, inside, above = np.nanmean(bank.transform(X), axis=2).ravel()
    assert inside > 2 * max(outside, above)


def test_louder_signals_have_louder_bands():
    X = some_signals()
    quiet, loud = (
        FilterBank(compression=0.5).fit_transform(X),
        FilterBank(compression=0.5).fit_transform(4 * X),
    )
    assert_allclose(loud, 2 * quiet, rtol=1e-6)


GOOD = some_signals()
both_transformers = pytest.mark.parametrize(
    "transformer", [LevelCrossingEncoder(), FilterBank()]
)


@both_transformers
def test_signals_are_checked(transformer):
    for X, message in (
        ([], "found 0 samples"),
        (np.zeros((3, 4)), r"pass X\[:, None, :\]"),
        (pd.DataFrame(np.zeros((3, 4))), r"pass X\[:, None, :\]"),
        (np.zeros(3), "signal 0 has 0 dimension"),
        (sparse.csr_array(np.zeros((3, 4))), "got a sparse matrix"),
        ([[[1.0, 2.0], [3.0]]], "must have the same length: signal 0"),
        (np.full((2, 1, 5), np.inf), "infinity"),
        ([np.zeros((2, 5)), np.zeros((3, 5))], "same number of channels"),
        (np.full((2, 1, 5), np.nan), "has no values"),
        ([np.array([[1.0, np.nan, 2.0]])], "NaN before its end"),
        ([np.array([["a", "b"]])], "must be real numbers"),
        ([np.array([["a", 1.0]], object)], "must be real numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            clone(transformer).fit(X)


def test_what_is_no_array_is_refused():
    for X in None, 5, "signals":
        with pytest.raises(TypeError, match=r"must be an array of shape .* got "):
            LevelCrossingEncoder().fit(X)


def test_objects_that_are_numbers_are_numbers():
    encoder = LevelCrossingEncoder().fit(GOOD)
    assert encoder.transform(GOOD.astype(object)) == encoder.transform(GOOD)


def test_classifiers_name_what_makes_spikes_of_signals():
    for X in GOOD, list(GOOD), [GOOD[0], GOOD[1, :, :9]], [[1.0, 2.0], [3.0]]:
        match = r"by ttfs\.encoders\.LevelCrossingEncoder"
        with pytest.raises(ValueError, match=match):
            ttfs.TTFSClassifier().fit(X, np.arange(len(X)) % 2)


@both_transformers
def test_other_numbers_of_channels_are_refused(transformer):
    fitted = clone(transformer).fit(GOOD)
    with pytest.raises(ValueError, match="same number of channels, 3"):
        fitted.transform(GOOD[:, :2])


def test_parameters_are_checked():
    for transformer, message in (
        (LevelCrossingEncoder(n_steps=0), "n_steps"),
        (LevelCrossingEncoder(quantiles=(0.9, 0.1)), "quantiles must be two numbers"),
        (LevelCrossingEncoder(quantiles=0.5), "quantiles"),
        (LevelCrossingEncoder(duration=-1.0), "duration"),
        (FilterBank(low=0.3, high=0.1), "low must not be above high"),
        (FilterBank(high=0.6), "half of sample_rate"),
        (FilterBank(sample_rate=16e3, high=8e3), "half of sample_rate=16000.0"),
        (FilterBank(sample_rate=16e3, high=100.0), "low=160.0, high=100.0"),
        (FilterBank(low=-1.0), "low"),
        (FilterBank(n_bands=0), "n_bands"),
    ):
        with pytest.raises(ValueError, match=message):
            transformer.fit(GOOD)
