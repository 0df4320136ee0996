"""Features that are spike times already."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._param_validation import Interval, StrOptions

from .._documentation import with_shared_entries
from .base import BaseEncoder, Channels, is_often_absent

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Auto


@with_shared_entries
class SpikeTimesEncoder(BaseEncoder):
    """Features that are spike times: one channel for each of them.

    Times are counted from `begin_`, so that large offsets cost no precision. There is
    no spike where a time is +inf or NaN, and where a sparse matrix stores nothing; a
    zero that it stores is a spike. Also takes :class:`ttfs.SpikeTrains`, whose channels
    may spike several times: an estimator sees all of these spikes, `transform` returns
    the first.

    Parameters
    ----------
    begin : float, default=None
        Start of the inputs, on the axis of `X`. None means the earliest spike in the
        training data.

    duration : float, default=None
        Time from `begin` to the last possible spike, from which an estimator counts the
        end of its experiment; later spikes are not an error. None means: to the last
        spike in the training data.

    may_drop : bool, array-like of bool or "auto", default="auto"
        Channels on which `input_dropout` of an estimator acts: all or none, or those of
        an array with an entry for each. "auto": those without a spike in at least half
        of the training samples; and all that are ever without one, if at least half of
        all entries have no spike.

    silent_time : float, default=inf
        What `transform` returns for a channel that does not spike before that, counted
        from `begin_`; not before `end_`. An estimator that takes no infinities needs a
        number: the end of the experiment, for example. An estimator that the encoder is
        a parameter of does not look at it.

    Attributes
    ----------
    .. shared: n_features_in_, feature_names_in_, channels_

    n_channels_ : int
        Number of channels: that of the features.
    begin_ : float
        Start of the inputs, on the axis of `X`.
    end_ : float
        The last possible spike, counted from `begin_`.
    may_drop_ : ndarray of bool of shape (n_channels_,)
        Channels on which `input_dropout` of an estimator acts.

    See Also
    --------
    ttfs.SpikeTrains : Data in which a channel may have several spikes.
    LatencyEncoder : Makes spike times of features.

    Examples
    --------
    >>> import numpy as np
    >>> from ttfs.encoders import SpikeTimesEncoder
    >>> X = [[0.5, np.nan], [2.5, 1.0]]
    >>> SpikeTimesEncoder().fit_transform(X)
    array([[0. , inf],
           [2. , 0.5]])
    >>> SpikeTimesEncoder(begin=0.0, silent_time=4.0).fit_transform(X)
    array([[0.5, 4. ],
           [2.5, 1. ]])
    """

    takes_spike_times = takes_sparse = True

    _parameter_constraints: ClassVar[dict] = {
        **BaseEncoder._parameter_constraints,
        "begin": [Interval(Real, None, None, closed="neither"), None],
        "duration": [Interval(Real, 0, None, closed="left"), None],
        "may_drop": ["boolean", "array-like", StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        begin: float | None = None,
        duration: float | None = None,
        may_drop: bool | ArrayLike | Auto = "auto",
        silent_time: float = np.inf,
    ) -> None:
        self.begin = begin
        self.duration = duration
        self.may_drop = may_drop
        self.silent_time = silent_time

    def _learn(self, X):
        values = X.data[: X.indptr[-1]] if issparse(X) else X
        finite = values[np.isfinite(values)]
        first = float(finite.min()) if finite.size else 0.0
        last = float(finite.max()) if finite.size else 0.0
        begin = first if self.begin is None else float(self.begin)
        if self.duration is None:
            end = max(last - begin, 0.0) if finite.size else 0.0
        else:
            end = float(self.duration)
        return Channels(
            kind="spike_times",
            n_features=X.shape[1],
            n_channels=X.shape[1],
            begin=begin,
            end=end,
            may_drop=self._may_drop(X),
        )

    def _may_drop(self, X):
        """Whether input dropout acts on each channel."""
        n_samples, n_channels = X.shape
        if isinstance(self.may_drop, str):
            return is_often_absent(_n_absent(X), n_samples)
        may_drop = np.asarray(self.may_drop)
        if may_drop.dtype != bool or may_drop.shape not in ((), (n_channels,)):
            raise ValueError(
                f"may_drop must be 'auto', or a boolean for each of {n_channels} "
                f"channels or one for all, got {self.may_drop!r}"
            )
        return np.broadcast_to(may_drop, n_channels).copy()


def _n_absent(X):
    """Samples in which each channel has no spike, among spike times."""
    n_samples, n_channels = X.shape
    if not issparse(X):
        return np.count_nonzero(~np.isfinite(X), axis=0)
    samples = np.repeat(np.arange(n_samples), np.diff(X.indptr))
    n_stored = len(samples)
    spikes = np.isfinite(X.data[:n_stored])
    # A channel may have several spikes in a sample.
    pairs = np.unique(samples[spikes] * n_channels + X.indices[:n_stored][spikes])
    return n_samples - np.bincount(pairs % n_channels, minlength=n_channels)
