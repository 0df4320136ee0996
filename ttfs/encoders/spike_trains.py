"""Samples whose channels may have several spikes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from ..model.checks import check_times, common_dtype
from .cells import NO_NUMBERS, Train, is_cells
from .events import Fields, Sensor, has_fields, in_window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from .._typing import Array, SparseMatrix


class SpikeTrains:
    """Spikes of several channels in several samples, any number of them in each.

    For data in which a channel may spike more than once, such as speech or
    biosignals. It is the `X` of :class:`TTFSClassifier`, and is split, indexed and
    cross-validated like an array with one row for each sample. It never changes.

    Parameters
    ----------
    samples : array-like of int of shape (n_events,)
        The sample of each event, from 0. Events may come in any order.
    channels : array-like of int of shape (n_events,)
        The channel of each event, from 0.
    times : array-like of shape (n_events,)
        The time of each event, in the unit of the neurons' time constants; NaN and
        +inf = no spike. Spikes of a channel at the same time add up.
    shape : tuple of (int, int)
        Number of samples and number of channels. Both may exceed what `samples` and
        `channels` mention: samples and channels may be without spikes.

    Attributes
    ----------
    shape : tuple of (int, int)
        Number of samples and number of channels.
    dtype : dtype
        The dtype of the times: float32 if `times` is, else float64.
    n_spikes : int
        Number of spikes in all samples.
    has_several_spikes : bool
        Whether a channel has several spikes in a sample.

    Raises
    ------
    ValueError
        If the arrays are not one-dimensional and equally long, an index is out of
        range, `times` has -inf, or `shape` is not a pair of sizes.
    TypeError
        If `samples` or `channels` are not integers.

    See Also
    --------
    TTFSClassifier : Takes spike trains as `X`.

    Notes
    -----
    Selecting samples, ``trains[rows]``, takes a number, a slice, an array of integers
    or a mask, and always gives a `SpikeTrains`. So does selecting channels,
    ``trains[:, channels]``, and both, if one of the two is no array. Two of them are
    equal, ``==``, if they have the same shape and the same spikes.

    ``np.asarray(trains)`` is an array of objects, one for each channel of each sample.
    The estimators of this package take such an array, and parts of it, for spike
    trains. So do, with these estimators, parts of scikit-learn that make arrays of all
    data: ``BaggingClassifier`` and ``permutation_importance``, for example.

    Examples
    --------
    >>> from ttfs import SpikeTrains
    >>> trains = SpikeTrains(
    ...     samples=[0, 0, 0, 2], channels=[1, 0, 1, 1], times=[0.9, 0.3, 0.1, 0.5],
    ...     shape=(3, 2),
    ... )
    >>> trains
    SpikeTrains(shape=(3, 2), n_spikes=4, dtype=float64)
    >>> trains[:2].events()
    (array([0, 0, 0]), array([0, 1, 1]), array([0.3, 0.1, 0.9]))
    """

    def __init__(
        self,
        samples: ArrayLike,
        channels: ArrayLike,
        times: ArrayLike,
        shape: tuple[int, int],
    ) -> None:
        n_samples, n_channels = _sizes(shape)
        dtype = common_dtype(times=times)
        samples = _indices(samples, "samples", n_samples)
        channels = _indices(channels, "channels", n_channels)
        times = np.asarray(times, dtype)
        if times.ndim != 1 or not len(samples) == len(channels) == len(times):
            raise ValueError(
                "samples, channels and times must be 1-d and equally long, got shapes "
                f"{samples.shape}, {channels.shape} and {times.shape}"
            )
        check_times(times, "times", nan_is_absent=True)
        spikes = np.isfinite(times)
        samples, channels, times = samples[spikes], channels[spikes], times[spikes]
        order = np.lexsort((times, channels, samples))
        counts = np.bincount(samples, minlength=n_samples)
        self._n_channels = n_channels
        self._offsets = _offsets(counts)
        self._channels = channels[order].astype(np.int32)
        self._times = times[order]

    @classmethod
    def from_events(
        cls,
        samples: Iterable[Any],
        *,
        sensor_size: int | tuple[int, ...],
        time_unit: float,
        t_start: float | Literal["first"] | None = None,
        duration: float | None = None,
        downsample: int = 1,
    ) -> Self:
        """Spike trains of events of cameras or silicon cochleas.

        Channel ``(p * height + y) * width + x`` has the events of polarity p at column
        x of row y: weights of the first layer without those of biases, reshaped to
        (n_polarities, height, width), are images.

        Parameters
        ----------
        samples : iterable of structured ndarray or mapping, of shape (n_events,)
            The events of each sample, in any order, with fields in any order: "x",
            "addr" or "units", as those of a cochlea are called; "y", if the sensor is
            more than one row; "t", "ts", "timestamp" or "times"; and "p", "pol",
            "polarity" or "on", if there are several polarities: a bool, an integer from
            0, or -1 and 1. Others do not count. A dict of arrays or a DataFrame may
            take the place of a structured array.
        sensor_size : int or tuple of int
            Width, or width and height, or width, height and number of polarities, as
            libraries give it. The number of channels of a cochlea is its width. With
            one polarity, events of all polarities are the same.
        time_unit : float
            One unit of the field of times, in the unit of the neurons' time constants:
            1e-6 for events in microseconds and time constants in seconds.
        t_start : float or "first", default=None
            Where samples begin, in the unit of time constants: earlier events are left
            out, and times count from there. "first": at the first event of each. None:
            no event is early, and times are what they are.
        duration : float, default=None
            Events so long after `t_start`, or after 0 if that is None, or later, are
            left out. None: none is.
        downsample : int, default=1
            So many pixels become one, in each direction; what is left over at the right
            and at the bottom becomes a pixel of its own. The width is then that of
            these pixels, rounded up.

        Returns
        -------
        trains : SpikeTrains
            Times are float64.

        Raises
        ------
        ValueError
            If a field is missing or has another length than others, if a time is NaN
            or infinite, if x, y or p is outside of the sensor, or if another argument
            is not valid.
        TypeError
            If a sample has no fields, or one of them has another type.

        Examples
        --------
        >>> import numpy as np
        >>> from ttfs import SpikeTrains
        >>> dtype = [("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)]
        >>> one = np.array([(0, 0, 1000, True), (2, 1, 3000, False)], dtype)
        >>> two = np.array([(1, 1, 2000, True)], dtype)
        >>> trains = SpikeTrains.from_events(
        ...     [one, two], sensor_size=(3, 2, 2), time_unit=1e-3
        ... )
        >>> trains.shape
        (2, 12)
        >>> trains.events()
        (array([0, 0, 1]), array([ 5,  6, 10]), array([3., 1., 2.]))
        """
        sensor = Sensor.of(sensor_size, downsample)
        _, n_channels = _sizes((0, int(np.prod(sensor.shape))))
        _check_real("time_unit", time_unit, above=0)
        if duration is not None:
            _check_real("duration", duration, above=0)
        is_first = isinstance(t_start, str) and t_start == "first"
        if not (t_start is None or is_first):
            _check_real("t_start", t_start)
        if has_fields(samples):
            raise TypeError(
                "samples must be a list of the events of each sample; for one sample "
                "pass a list of one"
            )
        counts, all_channels, all_times = [], [], []
        for k, events in enumerate(samples):
            name = f"sample {k}"
            fields = Fields(events, name)
            channels = sensor.channels(fields)
            times, kept = in_window(fields.times, time_unit, t_start, duration)
            check_times(times, f"the times of {name}")
            channels, times = channels[kept].astype(np.int32), times[kept]
            order = np.lexsort((times, channels))
            counts.append(len(order))
            all_channels.append(channels[order])
            all_times.append(times[order])
        return cls._of(
            n_channels,
            np.array(counts, dtype=np.int64),
            np.concatenate([np.empty(0, np.int32), *all_channels]),
            np.concatenate([np.empty(0), *all_times]),
        )

    @classmethod
    def concatenate(cls, parts: Iterable[SpikeTrains], axis: Literal[0, 1] = 0) -> Self:
        """Spike trains of several parts: samples follow each other, or channels do.

        Parameters
        ----------
        parts : iterable of SpikeTrains
            One at least.
        axis : {0, 1}, default=0
            0: samples follow each other; all parts have as many channels. 1: channels
            do, as those of two sensors; all parts have as many samples.

        Returns
        -------
        trains : SpikeTrains
            All spikes; float32 if all parts are.

        Raises
        ------
        TypeError
            If a part is not a SpikeTrains.
        ValueError
            If there is none, or sizes along the other axis differ.

        Examples
        --------
        >>> from ttfs import SpikeTrains
        >>> one = SpikeTrains([0], [1], [0.5], shape=(1, 2))
        >>> SpikeTrains.concatenate([one, one])
        SpikeTrains(shape=(2, 2), n_spikes=2, dtype=float64)
        >>> SpikeTrains.concatenate([one, one], axis=1).events()[1]
        array([1, 3])
        """
        parts = list(parts)
        for part in parts:
            if not isinstance(part, SpikeTrains):
                raise TypeError(f"parts must be SpikeTrains, got {type(part).__name__}")
        if axis not in (0, 1):
            raise ValueError(f"axis must be 0 or 1, got {axis!r}")
        sizes = {part.shape[1 - axis] for part in parts}
        if len(sizes) != 1:
            what = ("channels", "samples")[axis]
            raise ValueError(
                f"parts must have the same number of {what}, got {sorted(sizes)}"
                if parts
                else "parts must hold a SpikeTrains at least"
            )
        size, total = sizes.pop(), sum(part.shape[axis] for part in parts)
        _, n_channels = _sizes((size, total) if axis else (total, size))
        stack = hstack if axis else vstack
        spikes = stack([part._csr() for part in parts], format="csr")
        counts = np.diff(spikes.indptr)
        return cls._of(n_channels, counts, spikes.indices, spikes.data)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self._n_channels

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._times.dtype

    @property
    def n_spikes(self) -> int:
        return len(self._times)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __sizeof__(self) -> int:
        # Dask sends what is large to a worker once, and not with each task.
        arrays = self._offsets, self._channels, self._times
        return object.__sizeof__(self) + sum(array.nbytes for array in arrays)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(shape={self.shape}, n_spikes={self.n_spikes}, "
            f"dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpikeTrains):
            return NotImplemented
        return (
            self.shape == other.shape
            and np.array_equal(self._offsets, other._offsets)
            and np.array_equal(self._channels, other._channels)
            and np.array_equal(self._times, other._times)
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if dtype is not None and np.dtype(dtype) != object:
            raise TypeError(NO_NUMBERS)
        if copy is False:
            raise ValueError("an array of SpikeTrains cannot be made without a copy")
        samples, channels, times = self.events()
        is_new = np.ones(len(times), dtype=bool)
        is_new[1:] = (np.diff(samples) != 0) | (np.diff(channels) != 0)
        first = np.flatnonzero(is_new)
        cells = np.full(self.shape, Train(times[:0]), dtype=object)
        parts = (Train(part) for part in np.split(times, first[1:]))
        cells[samples[first], channels[first]] = np.fromiter(
            parts if len(first) else (), dtype=object, count=len(first)
        )
        return cells

    @classmethod
    def _of_cells(cls, cells):
        """The spike trains of an array of `Train`."""
        if not all(isinstance(cell, Train) for cell in cells.flat):
            raise TypeError(
                "all cells of an array of spike trains must be those of SpikeTrains"
            )
        counts = np.array([len(cell.times) for cell in cells.flat])
        channels = np.tile(np.arange(cells.shape[1]), cells.shape[0])
        return cls._of(
            cells.shape[1],
            counts.reshape(cells.shape).sum(axis=1),
            np.repeat(channels, counts),
            np.concatenate([cell.times for cell in cells.flat]),
        )

    @classmethod
    def _of(cls, n_channels, counts, channels, times):
        """Spike trains of sorted spikes, of which there are `counts` in each sample."""
        out = object.__new__(cls)
        out._n_channels = n_channels
        out._offsets = _offsets(counts)
        out._channels = channels.astype(np.int32, copy=False)
        out._times = times
        return out

    def __getitem__(self, key: Any) -> Self:
        if not isinstance(key, tuple):
            return self._samples(key)
        if len(key) != 2:
            raise IndexError("SpikeTrains have two axes: samples and channels")
        rows, columns = key
        if _is_all(columns):  # X[rows, ...] is what scikit-learn asks for
            return self._samples(rows)
        if not (_is_single(rows) or _is_single(columns)):
            raise IndexError(
                "samples and channels cannot both be selected by arrays at once; use "
                "trains[samples][:, channels]"
            )
        return self._samples(rows)._select_channels(columns)

    def _samples(self, key):
        """Spike trains of some samples."""
        rows = _selected(len(self), key)
        counts = np.diff(self._offsets)[rows]
        events = _entries(self._offsets, rows)
        return self._of(
            self._n_channels, counts, self._channels[events], self._times[events]
        )

    def _select_channels(self, key):
        """Spike trains of some channels, which may be there several times."""
        columns = _selected(self._n_channels, key)
        if len(columns) == 0:
            raise IndexError("SpikeTrains need a channel at least")
        # The places of the channel of each spike among the new channels.
        offsets = _offsets(np.bincount(columns, minlength=self._n_channels))
        places = _entries(offsets, self._channels)
        samples, channels, times = self.events()
        repeats = np.diff(offsets)[channels]
        samples, times = np.repeat(samples, repeats), np.repeat(times, repeats)
        channels = np.argsort(columns, kind="stable")[places]
        # Spikes of each channel are in the order of their times already.
        order = np.argsort(samples * len(columns) + channels, kind="stable")
        counts = np.bincount(samples, minlength=len(self))
        return self._of(len(columns), counts, channels[order], times[order])

    def events(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """All spikes, ordered by sample, then by channel, then by time.

        Returns
        -------
        samples : ndarray of int of shape (n_spikes,)
            The sample of each spike.
        channels : ndarray of int of shape (n_spikes,)
            The channel of each spike.
        times : ndarray of shape (n_spikes,)
            The time of each spike.
        """
        samples = np.repeat(np.arange(len(self)), np.diff(self._offsets))
        return samples, self._channels.astype(samples.dtype), self._times.copy()

    @property
    def has_several_spikes(self):
        """Whether a channel has several spikes in a sample."""
        is_same = np.diff(self._channels) == 0
        # Two spikes of a channel in different samples do not count.
        borders = self._offsets[1:-1]
        is_same[borders[(borders > 0) & (borders < self.n_spikes)] - 1] = False
        return bool(is_same.any())

    def _csr(self):
        """What the core takes: a CSR matrix with an entry for each spike."""
        return csr_array((self._times, self._channels, self._offsets), shape=self.shape)


# What an encoder encodes: the X of estimators.
Features: TypeAlias = "ArrayLike | SparseMatrix | SpikeTrains"


def _sizes(shape):
    """The numbers of samples and channels that `shape` says, checked."""
    sizes = tuple(shape) if np.iterable(shape) else ()
    if len(sizes) != 2 or not all(isinstance(n, Integral) for n in sizes):
        raise ValueError(
            f"shape must be two integers, (n_samples, n_channels), got {shape!r}"
        )
    n_samples, n_channels = map(int, sizes)
    if n_samples < 0 or not 0 < n_channels <= np.iinfo(np.int32).max:
        raise ValueError(
            "shape must have at least 0 samples and from 1 to 2**31 - 1 channels, got "
            f"{shape!r}"
        )
    return n_samples, n_channels


def _indices(array, name, n):
    """Numbers of samples or channels as an array of integers below n."""
    array = np.asarray(array)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    if array.size and not 0 <= array.min() <= array.max() < n:
        raise ValueError(
            f"{name} must be in [0, {n}), as shape says, but range from {array.min()} "
            f"to {array.max()}"
        )
    return array.astype(np.intp)


def _offsets(counts):
    """Where the entries of each row begin, and where those of the last one end."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _entries(offsets, rows):
    """Where the entries of rows are, which begin at `offsets`, row after row."""
    counts = np.diff(offsets)[rows]
    begin = np.repeat(offsets[rows], counts)
    return begin + np.arange(len(begin)) - np.repeat(_offsets(counts)[:-1], counts)


def _selected(n, key):
    """Which of n samples or channels an index selects."""
    # NumPy decides what an index selects, as it does for an array.
    selected = np.atleast_1d(np.arange(n)[key])
    if selected.ndim != 1:
        raise IndexError("an index of SpikeTrains must be at most 1-d")
    return selected


def _is_single(item):
    """Whether an index is no array: there is one way to combine it with another."""
    return item is Ellipsis or isinstance(item, slice | Integral)


def _check_real(name, value, *, above=-np.inf):
    """Raise ValueError unless an argument is a finite number above a limit."""
    if not isinstance(value, Real) or not above < value < np.inf:
        what = "a positive number" if above == 0 else "a number"
        raise ValueError(f"{name} must be {what}, got {value!r}")


def as_trains(X):
    """X as SpikeTrains, if it is an array of their cells; else X."""
    return SpikeTrains._of_cells(X) if is_cells(X) else X


def _is_all(item):
    return item is Ellipsis or (isinstance(item, slice) and item == slice(None))
