"""Real features to spike times."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from ttfs import _core
from ttfs._spike_trains import SpikeTrains

# Kinds of encoder in which no zero is absent.
ZEROS_SPIKE = "complement", "population"


@dataclass
class Encoder:
    """Latency code of real features: the greater the value, the earlier the spike.

    Each feature is scaled to [0, 1] by its range in the training data, and clipped to
    that range. A value v then spikes at ``window * (1 - v)`` on the feature's own
    channel and, where the feature is complemented, at ``window * v`` on a second one,
    so that small values are early somewhere too.

    A zero is *absent* - no spike - in features that are 0 in at least half of the
    training samples, and in all that are ever 0 if at least half of all values are;
    those are never complemented. Features that are constant in training never spike.

    A population code [1]_ gives each feature m = `n_receptive_fields` channels, side by
    side. Field k = 0 ... m - 1 is a Gaussian of height 1, centre (k - 1/2) / (m - 2)
    and width 1 / (1.5 (m - 2)); with activity g at v it spikes at ``window * (1 - g)``,
    or not at all where g < 0.1. Two or three fields of a feature spike; zeros are
    values like others.

    Sparse matrices give the same spikes as the dense arrays they stand for, at a cost
    that grows with what they store: features whose zeros are not absent are stored in
    most samples. (Not so where no zero is absent, see `ZEROS_SPIKE`.)

    Times are counted from `begin`: 0 for features, and the earliest spike in the
    training data for spike times, so that large offsets cost no precision. What a
    sparse matrix of spike times does not store is absent.

    Channels that are absent in many samples - by that rule, which also holds for spike
    times - `may_drop` some of their spikes in training.

    Parameters
    ----------
    kind : {"auto", "latency", "complement", "population", "spike_times"}
        - "auto": complement the features in which no zero is absent.
        - "latency": one channel for each feature.
        - "complement": two channels for each feature; zeros are values like others.
        - "population": `n_receptive_fields` channels for each feature.
        - "spike_times": features are spike times already; +inf or NaN = absent. Also
          takes `SpikeTrains`.
    window : float
        Time within which inputs spike.
    n_receptive_fields : int, default=4
        At least 3. Only used when kind="population".

    References
    ----------
    .. [1] S. M. Bohte, J. N. Kok, H. La Poutré, "Error-backpropagation in temporally
       encoded networks of spiking neurons", Neurocomputing 48, 17-37 (2002).
    """

    kind: str
    window: float
    n_receptive_fields: int = 4

    def fit(self, X):
        """Learn ranges from X (n_samples, n_features); finite unless spike times."""
        X = _matrix(X)
        self.n_features = n_features = X.shape[1]
        _core.check_n_channels(n_features)
        if self.kind == "spike_times":
            self.may_drop = _is_often_absent(_n_absent(X), X.shape[0])
            values = X.data[: X.indptr[-1]] if issparse(X) else X
            finite = values[np.isfinite(values)]
            self.n_channels = n_features
            self.begin = float(finite.min()) if finite.size else 0.0
            self.end = float(finite.max()) - self.begin if finite.size else 0.0
            return self
        self.low, self.high, n_zeros = _ranges(X)
        # Halves, so that the difference of two large numbers does not overflow.
        span = self.high / 2 - self.low / 2
        varies = span > 0
        # Rounded up: the greatest value is 1, not a little less.
        inverse = np.nextafter(1 / np.where(varies, span, 1.0), np.inf)
        varies &= np.isfinite(inverse)
        self.scale = np.where(varies, inverse, 0.0)
        n_samples = X.shape[0]
        self.zero_is_absent = _is_often_absent(n_zeros, n_samples)
        if self.kind in ZEROS_SPIKE:
            self.zero_is_absent = np.zeros(n_features, dtype=bool)
        complemented = ~self.zero_is_absent & varies
        if self.kind in ("latency", "population"):
            complemented = np.zeros(n_features, dtype=bool)
        # A feature that does not vary is clipped to the one value that it had.
        self.absent = np.where(self.zero_is_absent, 0.0, np.nan)
        self.absent[~varies] = self.high[~varies] = self.low[~varies]
        self.always = np.flatnonzero(varies & ~self.zero_is_absent).astype(np.uint32)
        self.complemented = np.flatnonzero(complemented).astype(np.uint32)
        n_fields = self.n_receptive_fields if self.kind == "population" else 1
        self.n_channels = n_features * n_fields + len(self.complemented)
        n_others = self.n_channels - n_features
        self.may_drop = np.append(self.zero_is_absent, np.zeros(n_others, dtype=bool))
        self.begin, self.end = 0.0, self.window
        return self

    @property
    def can_spike(self):
        """Whether any channel ever will."""
        return self.kind == "spike_times" or bool(np.any(self.scale > 0))

    def spikes(self, X, bias_times, t_max):
        """Sorted spikes of X, and of biases, in the dtype of bias_times."""
        return _core.encode(self, _matrix(X), bias_times, t_max)


def _matrix(X):
    """SpikeTrains as a sparse matrix in which a channel may have several entries."""
    return X._csr() if isinstance(X, SpikeTrains) else X


def _is_often_absent(n_absent, n_samples):
    """Columns absent in at least half of the samples; or in any, if half of all are."""
    if 2 * n_absent.sum() >= n_samples * len(n_absent):
        return n_absent > 0
    return 2 * n_absent >= n_samples


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


def _ranges(X):
    """Smallest and greatest value of each feature, float64, and how often it is 0."""
    n_samples, n_features = X.shape
    if not issparse(X):
        zeros = n_samples - np.count_nonzero(X, axis=0)
        return X.min(axis=0).astype(float), X.max(axis=0).astype(float), zeros
    low = X.min(axis=0).toarray().ravel().astype(float)
    high = X.max(axis=0).toarray().ravel().astype(float)
    n_stored = X.indptr[-1]
    nonzero = X.indices[:n_stored][X.data[:n_stored] != 0]
    stored = np.bincount(nonzero, minlength=n_features)
    return low, high, n_samples - stored
