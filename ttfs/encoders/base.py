"""What all encoders share: from validated features to the spikes of channels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_y,
    check_is_fitted,
    validate_data,
)

from .. import core as _core
from .._documentation import Documented
from .._stored import Stored
from .._typing import validated
from ..model.checks import blocks, check_times
from .checks import check_sparse, has_signals, is_valid
from .spike_trains import SpikeTrains, as_trains

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Array, Floats
    from .spike_trains import Features

# What validate_data accepts. Features keep their precision until they are spike times.
_INPUT = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "order": "C"}

# Values that are encoded at a time, in blocks of samples: at most, unless one sample
# has more, and as many as that where samples store few of their values.
_N_VALUES = 1 << 22
_N_STORED = 1 << 18


# Arrays that are empty unless features are scaled.
_no_numbers, _no_features = (partial(np.empty, 0, dtype) for dtype in (float, "u4"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Channels:
    """How features become spikes on channels: what an encoder has learned, as data.

    One rule serves all encoders; they differ in these numbers. The compiled core reads
    them by these names. All times but `begin` are counted from `begin`.

    A feature x that is not a spike time is clipped to ``low`` ... ``high`` and scaled:
    v = (x/2 - low/2) * scale, at most 1. It spikes on its own channel at ``window *
    (1 - v)``, unless the clipped feature is ``absent``, and on a second channel at
    ``window * v`` if it is among those `complemented`. With several receptive fields,
    v spikes on the channels of those that it activates, see `PopulationEncoder`. With
    `levels`, these times are then rounded to so many, see `RangeEncoder`.

    Attributes
    ----------
    kind : {"auto", "latency", "complement", "population", "spike_times"}
        The shorthand of the encoder.
    n_features, n_channels : int
        Numbers of features and of channels: those of the features in their order, then
        the complements.
    begin : float
        Start of the inputs, on the axis of features that are spike times.
    end : float
        The last possible input.
    window : float
        Time within which features spike that are not spike times.
    may_drop : ndarray of bool of shape (n_channels,)
        Channels that are often without a spike, whose spikes input dropout may delete.
    low, high, scale : ndarray of shape (n_features,)
        Ranges of the features and the factors that bring them to [0, 1]; a scale of 0
        belongs to a feature that is constant, or whose range is below 1.1e-308, and
        which never spikes. Empty for spike times.
    absent : ndarray of shape (n_features,)
        The clipped feature that has no spike; NaN where there is none.
    zero_is_absent : ndarray of bool of shape (n_features,)
        Whether a zero has no spike.
    complemented, always : ndarray of uint32
        The features that have a second channel, and those that spike in every sample.
    n_receptive_fields : int
        Channels of each feature, without the complement.
    levels : int or None
        Number of different spike times; None: any time.
    """

    kind: str
    n_features: int
    n_channels: int
    begin: float = 0.0
    end: float
    window: float = 0.0
    may_drop: np.ndarray
    low: np.ndarray = field(default_factory=_no_numbers)
    high: np.ndarray = field(default_factory=_no_numbers)
    scale: np.ndarray = field(default_factory=_no_numbers)
    absent: np.ndarray = field(default_factory=_no_numbers)
    zero_is_absent: np.ndarray = field(default_factory=_no_numbers)
    complemented: np.ndarray = field(default_factory=_no_features)
    always: np.ndarray = field(default_factory=_no_features)
    n_receptive_fields: int = 1
    levels: int | None = None


class BaseEncoder(Documented, Stored, TransformerMixin, BaseEstimator, ABC):
    """Base class of the encoders: features become spike times of channels.

    A subclass says which input it takes (sparse matrices: only if an entry that is not
    stored has no spike or a spike like other zeros; NaN: only if features are spike
    times), and learns its `Channels` in `_learn`.

    Two users call an encoder. A pipeline calls `fit` and `transform`, which make dense
    spike times. An estimator of this package validates its own data with
    `validate_data`, and calls `learn` and `spikes`, which make sorted lists of spikes
    without a dense array.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of features. Only defined if `X` has feature names that are all strings.
    channels_ : ttfs.encoders.base.Channels
        What was learned, as the compiled core reads it.
    """

    n_features_in_: int
    feature_names_in_: Array
    channels_: Channels
    silent_time: float

    takes_spike_times = False  # whether features are spike times already
    takes_sparse = False

    _parameter_constraints: ClassVar[dict] = {
        "silent_time": [Interval(Real, 0, None, closed="right")],
    }

    # -- For pipelines -------------------------------------------------------------

    @validated
    def fit(self, X: Features, y: object = None) -> Self:
        """Learn the channels of the features.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Training data, of the kinds that the encoder takes.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If the data are not valid, or `silent_time` is before `end_`.
        TypeError
            If `X` is a sparse matrix, or a SpikeTrains, and the encoder does not take
            these.
        """
        X = self.validate_data(self, X, reset=True)
        return self.learn(X, getattr(self, "feature_names_in_", None))

    def transform(self, X: Features) -> Floats:
        """Spike times of the channels.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Data of the kinds that the encoder takes.

        Returns
        -------
        times : ndarray of shape (n_samples, n_channels_)
            The first spike of each channel, float64, counted from `begin_`;
            `silent_time` where it has none before that.
        """
        check_is_fitted(self)
        X = self.validate_data(self, X, reset=False)
        times = self.spikes(X, np.empty(0), self.silent_time).dense(self.n_channels_)
        times[np.isinf(times)] = self.silent_time
        return times

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Names of the channels.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features. None means `feature_names_in_` if that is defined,
            else "x0", "x1", ...

        Returns
        -------
        names : ndarray of str of shape (n_channels_,)
            Names of the channels, made from those of their features.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        channels = self.channels_
        if channels.n_receptive_fields > 1:
            fields = range(channels.n_receptive_fields)
            own = [f"{name}_field{k}" for name in names for k in fields]
        else:
            own = list(names)
        others = [f"{names[i]}_complement" for i in channels.complemented]
        return np.array(own + others, dtype=object)

    # -- For estimators of this package --------------------------------------------

    def validate_data(self, estimator, X, y="no_validation", *, reset, **options):
        """Data in the form that `learn` and `spikes` take, in the name of an estimator.

        Parameters
        ----------
        estimator : object
            Named in errors, with its parameter `encoder` if it has one; has
            `n_features_in_` and `feature_names_in_` set or checked.
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like, default="no_validation"
            Targets.
        reset : bool
            Whether `X` is training data of an encoder that is not fitted yet.
        **options
            Options of `sklearn.utils.validation.check_X_y` for `y`: `multi_output`,
            `y_numeric`.

        Returns
        -------
        X, or X and y
            Valid data: a C-contiguous array, a canonical CSR array, or the SpikeTrains
            that was passed.
        """
        with_y = not (isinstance(y, str) and y == "no_validation")
        if not (with_y or reset) and is_valid(X, estimator):
            return self._check_values(estimator, X)
        check_sparse(X)
        X = as_trains(X)
        if isinstance(X, SpikeTrains):
            self._check_trains(estimator, X, reset)
            out = validate_data(estimator, X, y, skip_check_array=True, reset=reset)
            if not with_y:
                return out
            y = _check_y(y, estimator=estimator, **options)
            check_consistent_length(X, y)
            return X, y
        try:
            out = validate_data(
                estimator,
                X,
                y,
                **_INPUT,
                ensure_all_finite=not self.takes_spike_times,
                reset=reset,
                **options,
            )
        except ValueError as error:
            if not has_signals(X):
                raise
            raise ValueError(
                f"{error} Signals (n_samples, n_channels, n_timepoints) become spike "
                "trains first, by ttfs.encoders.LevelCrossingEncoder"
            ) from error
        if with_y:
            return self._check_values(estimator, out[0]), out[1]
        return self._check_values(estimator, out)

    def learn(self, X, feature_names=None):
        """Fit to data that `validate_data` has returned.

        Parameters
        ----------
        X : {ndarray, csr_array, SpikeTrains} of shape (n_samples, n_features)
            Training data.
        feature_names : ndarray of str of shape (n_features,), default=None
            Names of the features, if they have any.

        Returns
        -------
        self : object
            The fitted encoder.
        """
        self.n_features_in_ = X.shape[1]
        if feature_names is not None:
            self.feature_names_in_ = feature_names
        _core.check_n_channels(self.n_features_in_)
        channels = self._learn(_matrix(X))
        _core.check_n_channels(channels.n_channels)
        if self.silent_time < channels.end:
            raise ValueError(
                f"silent_time={self.silent_time:g} must not be before the last "
                f"possible spike, {channels.end:g}"
            )
        self.channels_ = channels
        return self

    def spikes(self, X, bias_times, t_max, estimator=None):
        """Sorted spikes of data that `validate_data` has returned, and of biases.

        Parameters
        ----------
        X : {ndarray, csr_array, SpikeTrains} of shape (n_samples, n_features)
            Features.
        bias_times : ndarray of shape (n_bias,)
            Times of the biases, which are the last inputs. Their dtype, float32 or
            float64, is that of the spikes.
        t_max : float
            Spikes at or after it are left out.
        estimator : object, default=None
            Named in errors; None: the encoder.

        Returns
        -------
        spikes : core.Spikes
            Lists of spikes, sorted by time.

        Raises
        ------
        ValueError
            If features of an array are not finite.
        """
        try:
            return _core.encode(self.channels_, _matrix(X), bias_times, t_max)
        except ValueError:
            if isinstance(X, np.ndarray) and not self.takes_spike_times:
                name = type(self if estimator is None else estimator).__name__
                assert_all_finite(X, estimator_name=name, input_name="X")
            raise

    def blocks(self, X, size):
        """Slices of samples, so that what is made of each takes little memory.

        Parameters
        ----------
        X : {ndarray, csr_array, SpikeTrains} of shape (n_samples, n_features)
            Data that `validate_data` has returned.
        size : int
            The number of samples of a slice; they are fewer where samples have many
            values, and more where a matrix stores few of them.

        Returns
        -------
        slices : list of slice
            All samples, in their order; none if there are none.
        """
        n_values = X.n_spikes if isinstance(X, SpikeTrains) else X.size
        few = max(1, _N_VALUES * X.shape[0] // max(1, n_values))
        if not isinstance(X, np.ndarray):
            size = max(size, _N_STORED * X.shape[0] // max(1, n_values))
        return blocks(X.shape[0], min(size, few))

    @property
    def n_channels_(self) -> int:
        return self.channels_.n_channels

    @property
    def begin_(self) -> float:
        return self.channels_.begin

    @property
    def end_(self) -> float:
        return self.channels_.end

    @property
    def may_drop_(self) -> NDArray[np.bool_]:
        return self.channels_.may_drop

    @property
    def can_spike(self) -> bool:
        """Whether any channel ever will spike."""
        return self.takes_spike_times or bool(np.any(self.channels_.scale > 0))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.takes_spike_times
        tags.input_tags.sparse = self.takes_sparse
        return tags

    # -- For subclasses ------------------------------------------------------------

    @abstractmethod
    def _learn(self, X):
        """The `Channels` of training data, an array or a CSR array."""

    def _check_trains(self, estimator, X, reset):
        """Raise unless the encoder takes the SpikeTrains X."""
        if not self.takes_spike_times:
            name = type(estimator).__name__
            if estimator is self:
                reason = "encodes features"
            elif reset:
                reason = f"has encoder={estimator.encoder!r}"
            else:
                reason = "was fitted with features"
            raise TypeError(
                f"X is a SpikeTrains, but {name} {reason}; spike trains need "
                "encoder='auto' or 'spike_times', or SpikeTimesEncoder"
            )
        if len(X) == 0:
            raise ValueError("X has 0 samples, but a minimum of 1 is required")

    def _check_values(self, estimator, X):
        """Validated X once more: spike times, and the form of a sparse matrix."""
        if issparse(X):
            # The matrix is made anew: flags of one that was changed may be wrong.
            X = csr_array((X.data, X.indices, X.indptr), shape=X.shape)
            if not self.takes_sparse:
                name, other = repr(self), "LatencyEncoder()"
                if estimator is not self:
                    name = f"encoder={estimator.encoder!r}"
                    other = "encoder='auto' or 'latency'"
                raise TypeError(
                    f"{name} has spikes for every zero, which a sparse matrix does not "
                    f"store; use {other}, or pass a dense array"
                )
            if not X.has_canonical_format:  # sorted, without duplicates
                X = X.copy()
                X.sum_duplicates()
                if not self.takes_spike_times:
                    assert_all_finite(X.data, input_name="X")
        if self.takes_spike_times:
            check_times(X.data if issparse(X) else X, "X", nan_is_absent=True)
        return X


def _matrix(X):
    """SpikeTrains as a sparse matrix in which a channel may have several entries."""
    return X._csr() if isinstance(X, SpikeTrains) else X


def is_often_absent(n_absent, n_samples):
    """Columns absent in at least half of the samples; or in any, if half of all are."""
    if 2 * n_absent.sum() >= n_samples * len(n_absent):
        return n_absent > 0
    return 2 * n_absent >= n_samples
