"""Temporal patterns as the studies leak.py and mismatch.py learn them."""

from dataclasses import dataclass

import numpy as np
from sklearn.neural_network import MLPClassifier

from ttfs import TTFSClassifier
from ttfs.datasets import make_temporal_patterns
from ttfs.encoders import SpikeTimesEncoder

N_TRAINING, N_TEST = 1500, 2000
AFTER_PATTERN = 0.3  # time after the last template of a pattern: three jitters of 0.1


@dataclass(frozen=True)
class Task:
    """Parameters of `make_temporal_patterns`; times in one unit."""

    n_distractors: int = 0
    window: float = 4.0
    lead: float = 1.0
    width: float | tuple = 1.0
    shift: float = 0.5
    jitter: float = 0.1
    balanced: bool = False
    n_channels: int = 10

    @property
    def start(self):
        """The earliest start of a pattern."""
        return self.window + self.lead

    @property
    def end(self):
        """The end of the inputs, which is the same for all models."""
        return self.start + self.shift + np.max(self.width) * (1 + AFTER_PATTERN)

    def load(self, seed, n_training=N_TRAINING):
        """(X, y, X_test, y_test): patterns of their own for each seed."""
        X, y = make_temporal_patterns(
            n_training + N_TEST, random_state=seed, **vars(self)
        )
        return X[:n_training], y[:n_training], X[n_training:], y[n_training:]

    def encoder(self):
        """Spike times as they are; the experiment begins at time 0 and ends at `end`."""
        return SpikeTimesEncoder(begin=0.0, duration=self.end, may_drop=False)


def fit(X, y, *, seed, gain=1.0, **parameters):
    """A TTFSClassifier whose initial hidden weights are `gain` times the default.

    With less gain neurons are silent until many spikes have come: they do not fire at
    distractors before they have learned anything.
    """
    clf = TTFSClassifier(random_state=seed, **parameters)
    if gain == 1:
        return clf.fit(X, y)
    # A first epoch without a step draws the weights.
    clf.set_params(warm_start=True, max_iter=1, learning_rate_init=1e-12)
    clf.fit(X, y)
    first, *others = clf.coefs_
    clf.coefs_ = [gain * first, *others]
    rate, n_epochs = (parameters.get(key, "auto") for key in _SCHEDULE)
    return clf.set_params(learning_rate_init=rate, max_iter=n_epochs).fit(X, y)


_SCHEDULE = "learning_rate_init", "max_iter"


def last_spikes(X):
    """Time of the last spike of each channel, (n_samples, n_channels)."""
    samples, channels, times = X.events()
    out = np.full(X.shape, -np.inf)
    np.maximum.at(out, (samples, channels), times)
    return out


def dense_score(X, y, X_test, y_test, seed):
    """Accuracy of a dense network that is told which spikes are the pattern.

    Where distractors come before a pattern, that is the last spike of each channel. Its
    features are relative times, which carry the class.
    """
    features = [
        times - times.mean(axis=1, keepdims=True)
        for times in map(last_spikes, (X, X_test))
    ]
    dense = MLPClassifier((60,), max_iter=200, random_state=seed)
    return dense.fit(features[0], y).score(features[1], y_test)
