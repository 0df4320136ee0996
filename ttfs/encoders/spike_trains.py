"""Samples whose channels may have several spikes."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
from scipy.sparse import csr_array

from ..model.checks import check_times, common_dtype

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Array


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
    or a mask, and always gives a `SpikeTrains`. Two of them are equal, ``==``, if they
    have the same shape and the same spikes.

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

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        # NumPy would try to make one of the rows, and the rows of those.
        raise TypeError(
            "SpikeTrains cannot be converted to an array: its channels may have "
            "several spikes, or none; use events()"
        )

    def __getitem__(self, key: Any) -> Self:
        if isinstance(key, tuple):  # X[rows, ...] is what scikit-learn asks for
            if len(key) != 2 or not _is_all(key[1]):
                raise IndexError("only samples of SpikeTrains can be selected")
            key = key[0]
        # Whatever selects from an array selects samples.
        rows = np.atleast_1d(np.arange(len(self))[key])
        if rows.ndim != 1:
            raise IndexError("the index of SpikeTrains must be at most 1-d")
        counts = np.diff(self._offsets)[rows]
        out = object.__new__(type(self))
        out._n_channels = self._n_channels
        out._offsets = _offsets(counts)
        moves = np.repeat(self._offsets[rows] - out._offsets[:-1], counts)
        events = np.arange(len(moves)) + moves
        out._channels = self._channels[events]
        out._times = self._times[events]
        return out

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
        # Not from one sample to the next.
        borders = self._offsets[1:-1]
        is_same[borders[(borders > 0) & (borders < self.n_spikes)] - 1] = False
        return bool(is_same.any())

    def _csr(self):
        """What the core takes: a CSR matrix with an entry for each spike."""
        return csr_array((self._times, self._channels, self._offsets), shape=self.shape)


def _sizes(shape):
    """Numbers of samples and channels."""
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
    """Array of integers below n."""
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
    """Where each of some rows begins, and the end of the last."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _is_all(item):
    return item is Ellipsis or (isinstance(item, slice) and item == slice(None))
