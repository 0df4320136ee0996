"""Signals that unfold in time: to spike trains, and through a bank of filters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
from scipy.signal import butter, sosfilt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._documentation import Documented
from .._typing import validated
from .checks import check_signals
from .spike_trains import SpikeTrains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from .._typing import Array

    Signals: TypeAlias = ArrayLike | Sequence[ArrayLike]

__all__ = ["FilterBank", "LevelCrossingEncoder"]

# More spikes than that at once are an error of units, not a signal.
_MAX_EVENTS = 2**31


class SignalTransformer(Documented, TransformerMixin, BaseEstimator, ABC):
    """Base of transformers of signals (n_samples, n_channels, n_timepoints)."""

    @validated
    def fit(self, X: Signals, y: Any = None) -> Self:
        """Learn what `transform` needs: the steps of signals, or the bands.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_signals, n_timepoints), or list of \
array-like of shape (n_signals, n_timepoints)
            Signals; NaN after their ends.
        y : object, default=None
            Not used.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        TypeError, ValueError
            If `X` is not what is described above, or a parameter is not valid.
        """
        low, high = self._low_and_high()
        signals, lengths = check_signals(X)
        self.n_signals_in_ = signals.shape[1]
        self._learn(signals, lengths, low, high)
        return self

    @abstractmethod
    def _low_and_high(self):
        """The two parameters that bound what is learned, checked."""

    @abstractmethod
    def _learn(self, signals, lengths, low, high):
        """Set the attributes of the fitted transformer."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


class LevelCrossingEncoder(SignalTransformer):
    """Spikes where a signal has moved by a step: send-on-delta.

    Each signal has two channels. One spikes when the signal has risen by a step since
    the last spike of either, the other when it has fallen by one [1]_. Between two
    samples a signal is taken to be straight, so that spikes have times between them.
    What does not change sends nothing.

    Parameters
    ----------
    n_steps : float, default=32
        The range between two quantiles of the training values of a signal's channel has
        so many steps.

    quantiles : tuple of (float, float), default=(0.05, 0.95)
        These quantiles.

    reference : {"median", "first"}, default="median"
        Where a signal is before it begins: at the median of its channel in training, so
        that its first value sends a spike for each step away from there; or at its
        first value.

    duration : float, default=10.0
        Time that the longest training signal takes, in the unit of the neurons' time
        constants: the first value is at 0, its last one at `duration`. The time between
        two values is the same for all signals, training or not.

    n_windows : int, default=1
        With more than one, `duration` has so many windows of the same length, and a
        spike is sent twice: by its channel, and by one that this channel has for the
        window. Neurons can then weigh the same move differently at different times,
        as what counts in signals that begin alike may need.

    max_spikes : int, default=None
        Spikes that a channel sends for a signal, at most: the first ones. None: no
        limit.

    Attributes
    ----------
    steps_ : ndarray of shape (n_signals,)
        The step of each channel of the signals. A channel that is constant in training
        has an infinite one, and never sends a spike.
    references_ : ndarray of shape (n_signals,)
        Medians of the training values.
    time_step_ : float
        Time between two values.
    n_signals_in_ : int
        Number of channels of a signal.
    n_channels_ : int
        Number of channels of the spike trains: for each channel of a signal one for
        its rises, one for its falls; and these for each of several windows.

    See Also
    --------
    FilterBank : Splits a signal into bands of frequencies first.
    ttfs.SpikeTrains : What `transform` returns, and classifiers take.

    References
    ----------
    .. [1] M. Miskowicz, "Send-on-delta concept: an event-based data reporting
       strategy", Sensors 6, 49-63 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs.encoders import LevelCrossingEncoder
    >>> t = np.linspace(0, 1, 50)
    >>> X = np.stack([[np.sin(6 * t)], [np.sin(9 * t)]])  # (samples, channels, times)
    >>> encoder = LevelCrossingEncoder(n_steps=4, duration=5.0)
    >>> trains = encoder.fit_transform(X)
    >>> trains
    SpikeTrains(shape=(2, 2), n_spikes=11, dtype=float64)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_steps": [Interval(Real, 0, None, closed="neither")],
        "quantiles": ["array-like"],
        "reference": [StrOptions({"median", "first"})],
        "duration": [Interval(Real, 0, None, closed="neither")],
        "n_windows": [Interval(Integral, 1, None, closed="left")],
        "max_spikes": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_steps: float = 32,
        *,
        quantiles: Sequence[float] = (0.05, 0.95),
        reference: str = "median",
        duration: float = 10.0,
        n_windows: int = 1,
        max_spikes: int | None = None,
    ) -> None:
        self.n_steps = n_steps
        self.quantiles = quantiles
        self.reference = reference
        self.duration = duration
        self.n_windows = n_windows
        self.max_spikes = max_spikes

    def _learn(self, signals, lengths, low, high):
        values = np.moveaxis(signals, 1, 0).reshape(signals.shape[1], -1)
        lows, medians, highs = np.nanquantile(values, [low, 0.5, high], axis=1)
        ranges = highs - lows
        # Where more values than that are alike, the whole range counts.
        whole = np.nanmax(values, axis=1) - np.nanmin(values, axis=1)
        ranges = np.where(ranges > 0, ranges, whole)
        self.steps_ = np.where(ranges > 0, ranges / self.n_steps, np.inf)
        self.references_ = medians
        self.time_step_ = self.duration / max(int(lengths.max()) - 1, 1)
        n_sets = 1 if self.n_windows == 1 else 1 + self.n_windows
        self.n_channels_ = 2 * len(medians) * n_sets

    def _low_and_high(self):
        """The two quantiles."""
        try:
            low, high = map(float, self.quantiles)
        except (TypeError, ValueError):
            low = high = np.nan
        if not 0 <= low < high <= 1:
            raise ValueError(
                "quantiles must be two numbers from 0 to 1, the smaller one first, got "
                f"{self.quantiles!r}"
            )
        return low, high

    def transform(self, X: Signals) -> SpikeTrains:
        """The spikes of signals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_signals, n_timepoints), or list of \
array-like of shape (n_signals, n_timepoints)
            Signals; NaN after their ends.

        Returns
        -------
        trains : ttfs.SpikeTrains of shape (n_samples, n_channels_)
            Channel 2 k has the rises of channel k of the signals, channel 2 k + 1 its
            falls. With several windows those of the first window follow in the same
            order, then those of the second, ...

        Raises
        ------
        TypeError, ValueError
            If `X` is not what is described above, or has another number of channels.
        """
        check_is_fitted(self)
        signals, _ = check_signals(X, self.n_signals_in_)
        n_samples, n_signals, n_times = signals.shape
        # Levels are steps from the reference, where a constant channel stays.
        start = self.references_[:, None]
        if self.reference == "first":
            start = signals[:, :, :1]
        levels = (signals - start) / self.steps_[:, None]
        sent = np.zeros((n_samples, n_signals))  # the level of the last spike
        before = np.nan_to_num(levels[:, :, 0])
        crossings = []
        for k in range(n_times):
            now = np.where(np.isnan(levels[:, :, k]), sent, levels[:, :, k])
            # A level that is reached up to rounding is reached.
            n_steps = np.trunc((now - sent) * (1 + 1e-12))
            crossings.append(_crossings(k, n_steps, sent, before, now))
            sent, before = sent + n_steps, now
        return self._trains(crossings, n_samples)

    def _trains(self, crossings, n_samples):
        """The SpikeTrains of crossings in the order of their times."""
        samples, signals, falls, times = map(
            np.concatenate, zip(*crossings, strict=True)
        )
        channels = 2 * signals + falls
        if self.max_spikes is not None:
            order = np.lexsort((times, channels, samples))
            group = (samples * self.n_channels_ + channels)[order]
            _, begins, n = np.unique(group, return_index=True, return_counts=True)
            number = np.arange(len(group)) - np.repeat(begins, n)
            kept = order[number < self.max_spikes]
            samples, channels, times = samples[kept], channels[kept], times[kept]
        times = times * self.time_step_
        if self.n_windows > 1:
            windows = (times / self.duration * self.n_windows).astype(np.intp)
            windows = np.minimum(windows, self.n_windows - 1)  # of longer signals
            in_windows = channels + 2 * self.n_signals_in_ * (1 + windows)
            samples, times = np.tile(samples, 2), np.tile(times, 2)
            channels = np.concatenate([channels, in_windows])
        return SpikeTrains(samples, channels, times, (n_samples, self.n_channels_))


def _crossings(k, n_steps, sent, before, now):
    """Levels crossed between values k - 1 and k of signals, or at the first one.

    Signals cross `n_steps` levels, down if negative, and the last spikes were at levels
    `sent`; `before` and `now` are the values in steps. Arrays have the sample and the
    signal of each crossing, whether it fell, and when.
    """
    samples, signals = np.nonzero(n_steps)
    signed = n_steps[samples, signals]
    n = np.abs(signed).astype(np.intp)
    if n.sum() > _MAX_EVENTS:
        raise ValueError(
            f"a signal moves by {n.max()} steps at once: use a smaller n_steps"
        )
    number = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + 1
    samples, signals = np.repeat(samples, n), np.repeat(signals, n)
    signed = np.repeat(np.sign(signed), n)
    level = sent[samples, signals] + signed * number
    times = np.zeros(len(level))
    if k > 0:
        begin = before[samples, signals]
        way = now[samples, signals] - begin
        times = k - 1 + np.clip((level - begin) / way, 0, 1)
    return samples, signals, (signed < 0).astype(np.intp), times


class FilterBank(SignalTransformer):
    """Bands of frequencies of a signal, rectified and smoothed, as in a cochlea.

    Each channel passes through band-pass filters (Butterworth, of second order on
    either side) whose centres are equally spaced on a logarithmic scale; the magnitude
    of what remains is smoothed, compressed and taken at fewer times. Neighbours meet in
    the middle between their centres. Filters are at rest before a signal, as after
    silence: one that begins away from 0 has an onset in its bands.

    Parameters
    ----------
    n_bands : int, default=16
        Bands of each channel. A single one reaches from `low` to `high`.

    low : float, default=None
        The lowest centre of a band, in the unit of `sample_rate`. None:
        0.01 `sample_rate`.

    high : float, default=None
        The highest centre, in the same unit: below half of `sample_rate`. None:
        0.4 `sample_rate`.

    sample_rate : float, default=1.0
        Values of a signal for each unit of time: 16000 for sound, and then `low` and
        `high` are in Hz.

    decimation : int, default=8
        So many values become one. A signal that is shorter becomes one too.

    compression : float, default=0.3
        Power to which envelopes are raised; 1.0 leaves them as they are.

    Attributes
    ----------
    centers_ : ndarray of shape (n_bands,)
        Centre frequencies, in the unit of `sample_rate`.
    n_signals_in_ : int
        Number of channels of a signal.

    See Also
    --------
    LevelCrossingEncoder : Makes spikes of the bands.

    References
    ----------
    B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke, "The Heidelberg spiking data sets
    for the systematic evaluation of spiking neural networks", IEEE Transactions on
    Neural Networks and Learning Systems 33, 2744-2757 (2022): a model of the cochlea in
    more detail.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from ttfs.encoders import FilterBank, LevelCrossingEncoder
    >>> X = np.sin(np.outer([0.3, 1.2], np.arange(400)))[:, None, :]
    >>> bands = FilterBank(n_bands=4).fit_transform(X)
    >>> bands.shape, bands.mean(axis=2).argmax(axis=1).tolist()
    ((2, 4, 50), [1, 2])
    >>> trains = make_pipeline(FilterBank(n_bands=4), LevelCrossingEncoder())
    >>> trains.fit_transform(X).shape
    (2, 8)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_bands": [Interval(Integral, 1, None, closed="left")],
        "low": [Interval(Real, 0, None, closed="neither"), None],
        "high": [Interval(Real, 0, None, closed="neither"), None],
        "sample_rate": [Interval(Real, 0, None, closed="neither")],
        "decimation": [Interval(Integral, 1, None, closed="left")],
        "compression": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        n_bands: int = 16,
        *,
        low: float | None = None,
        high: float | None = None,
        sample_rate: float = 1.0,
        decimation: int = 8,
        compression: float = 0.3,
    ) -> None:
        self.n_bands = n_bands
        self.low = low
        self.high = high
        self.sample_rate = sample_rate
        self.decimation = decimation
        self.compression = compression

    def _learn(self, signals, lengths, low, high):
        self.centers_ = np.geomspace(low, high, self.n_bands)
        if self.n_bands == 1:
            self.centers_ = np.array([np.sqrt(low * high)])

    def _low_and_high(self):
        """The lowest and the highest frequency."""
        low = 0.01 * self.sample_rate if self.low is None else self.low
        high = 0.4 * self.sample_rate if self.high is None else self.high
        if not low <= high < 0.5 * self.sample_rate:
            raise ValueError(
                "low must not be above high, nor high at or above half of "
                f"sample_rate={self.sample_rate}, got low={low}, high={high}"
            )
        return low, high

    def transform(self, X: Signals) -> Array:
        """Envelopes of the bands.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_signals, n_timepoints), or list of \
array-like of shape (n_signals, n_timepoints)
            Signals; NaN after their ends.

        Returns
        -------
        bands : ndarray of shape (n_samples, n_signals * n_bands, n_decimated)
            All bands of the first channel, then of the second, ...; NaN after the ends
            of shorter signals.

        Raises
        ------
        TypeError, ValueError
            If `X` is not what is described above, or has another number of channels.
        """
        check_is_fitted(self)
        signals, lengths = check_signals(X, self.n_signals_in_)
        n_samples, n_signals, n_times = signals.shape
        silent = np.nan_to_num(signals)
        n_taken = max(n_times // self.decimation, 1)
        taken = self.decimation * np.arange(1, n_taken + 1) - 1
        # A shorter signal has its last value, whatever others are there.
        taken = np.minimum(taken, lengths[:, None] - 1)[:, None, :]
        bands = np.empty((n_samples, n_signals, self.n_bands, n_taken))
        smooth = None
        if self.decimation > 1:
            smooth = butter(2, 0.5 / self.decimation, output="sos")
        low, high = self._low_and_high()
        ratio = (high / low) ** (0.5 / max(self.n_bands - 1, 1))
        ratio, limit = max(ratio, 1.05), 0.4999 * self.sample_rate
        for k, center in enumerate(self.centers_):
            edges = [center / ratio, min(center * ratio, limit)]
            band = butter(2, edges, "bandpass", fs=self.sample_rate, output="sos")
            envelope = np.abs(sosfilt(band, silent, axis=2))
            if smooth is not None:
                envelope = sosfilt(smooth, envelope, axis=2)
            envelope = np.take_along_axis(envelope, taken, axis=2)
            bands[:, :, k] = np.maximum(envelope, 0) ** self.compression
        ends = np.maximum(lengths // self.decimation, 1)
        is_after = np.arange(n_taken) >= ends[:, None, None, None]
        bands[np.broadcast_to(is_after, bands.shape)] = np.nan
        return bands.reshape(n_samples, n_signals * self.n_bands, n_taken)
