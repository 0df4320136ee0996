"""
Several spikes in a channel
===========================

Each class is a rhythm: in every channel a spike at a random time, and three more after
intervals that are typical of the class. All first spikes come from one distribution, so
that a code with one spike for each channel, by its latency, knows nothing.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from ttfs import SpikeTrains, TTFSClassifier

# %%
# Times in units of tau_syn. The events of all samples form three long arrays, in any
# order: the sample, the channel and the time of each spike.
n_samples, n_channels, n_classes = 600, 10, 3
rng = np.random.default_rng(0)
rhythms = rng.uniform(0.1, 0.5, (n_classes, n_channels, 3))

y = rng.integers(n_classes, size=n_samples)
first = rng.uniform(0.0, 0.5, (n_samples, n_channels, 1))
intervals = rhythms[y] + rng.normal(0.0, 0.03, (n_samples, n_channels, 3))
later = first + np.cumsum(intervals, axis=2)
times = np.concatenate([first, later], axis=2)

samples, channels, _ = np.indices(times.shape)
X = SpikeTrains(
    samples.ravel(), channels.ravel(), times.ravel(), shape=(n_samples, n_channels)
)

# %%
# Spike trains are cross-validated like an array. Where each channel has one spike at
# most, spike times may be an array. First spikes tell nothing here: `fit` would warn of
# that.
clf = TTFSClassifier((30,), encoder="spike_times", max_iter=50, random_state=0)
all_spikes = cross_val_score(clf, X, y, cv=3).mean()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    first_spikes = cross_val_score(clf, first[:, :, 0], y, cv=3).mean()
print(f"accuracy with all spikes    {all_spikes:.2f}")
print(f"accuracy with first spikes  {first_spikes:.2f}")
