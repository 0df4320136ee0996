"""Real features to spike times."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Encoder:
    """Latency code of real features: the greater the value, the earlier the spike.

    Each feature is scaled to [0, 1] by its range in the training data, and clipped to
    that range. A value v then spikes at ``window * (1 - v)`` on the feature's own
    channel and, where the feature is complemented, at ``window * v`` on a second one,
    so that small values are early somewhere too.

    A zero is *absent* - no spike - in features whose minimum is 0 and that are 0 in at
    least half of the training samples; those are never complemented. Features that are
    constant in training never spike.

    Times are counted from `begin`: 0 for features, and the earliest spike in the
    training data for spike times, so that large offsets cost no precision.

    Parameters
    ----------
    kind : {"auto", "latency", "complement", "spike_times"}
        - "auto": complement the features in which no zero is absent.
        - "latency": one channel for each feature.
        - "complement": two channels for each feature; zeros are values like others.
        - "spike_times": features are spike times already; +inf = absent.
    window : float
        Time within which inputs spike.
    """

    kind: str
    window: float

    def fit(self, X):
        """Learn ranges from X (n_samples, n_features); finite unless spike times."""
        n_features = X.shape[1]
        if self.kind == "spike_times":
            self.n_channels = n_features
            finite = X[np.isfinite(X)]
            self.begin = float(finite.min()) if finite.size else 0.0
            self.end = float(finite.max()) - self.begin if finite.size else 0.0
            return self
        self.low, self.high = X.min(axis=0), X.max(axis=0)
        # Halves, so that the difference of two large numbers does not overflow.
        span = self.high / 2 - self.low / 2
        self.varies = span > 0
        self.span = np.where(self.varies, span, 1.0)
        if self.kind == "complement":
            self.zero_is_absent = np.zeros(n_features, dtype=bool)
        else:
            mostly_zero = 2 * np.count_nonzero(X == 0, axis=0) >= X.shape[0]
            self.zero_is_absent = (self.low == 0) & mostly_zero
        if self.kind == "latency":
            self.complemented = np.zeros(n_features, dtype=bool)
        else:
            self.complemented = ~self.zero_is_absent & self.varies
        self.n_channels = n_features + int(self.complemented.sum())
        self.begin, self.end = 0.0, self.window
        return self

    def transform(self, X):
        """Spike times (n_samples, n_channels), float64; +inf = absent."""
        if self.kind == "spike_times":
            return X - self.begin
        value = np.clip((X / 2 - self.low / 2) / self.span, 0.0, 1.0)
        times = np.where(self.varies, self.window * (1.0 - value), np.inf)
        times[self.zero_is_absent & (X <= 0)] = np.inf  # clipped to 0
        complement = self.window * value[:, self.complemented]
        return np.hstack([times, complement])
