"""
Several spikes in a channel
===========================

Data may be spike trains: as a sensor of events sends them, or a recording of neurons.
Here each class is a rhythm: in every channel a spike at a random time, and three more
after intervals that are typical of the class. All first spikes come from one
distribution, so that a code with one spike for each channel, by its latency, knows
nothing.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from ttfs import SpikeTrains, TTFSClassifier

# %%
# The data
# --------
#
# Times are in units of ``tau_syn``. The events of all samples form three long arrays,
# in any order: the sample, the channel and the time of each spike.

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
# Two samples of one class, and one of another. First spikes, which are circled, are
# scattered alike; the intervals after them repeat within the class.

shown = [*np.flatnonzero(y == 0)[:2], np.flatnonzero(y == 1)[0]]

fig, axes = plt.subplots(1, 3, figsize=(9.5, 3), sharey=True, layout="constrained")
for ax, sample, color in zip(
    axes, shown, ["#0072B2", "#0072B2", "#D55E00"], strict=True
):
    ax.eventplot(times[sample], color=color, linelengths=0.7, lw=2)
    ax.plot(first[sample, :, 0], np.arange(n_channels), "o", mfc="none", color="0.3")
    ax.set(
        xlabel=r"time [$\tau_\mathrm{syn}$]",
        xlim=(0, 1.8),
        xticks=[0, 0.5, 1, 1.5],
        title=f"a sample of class {y[sample]}",
    )
axes[0].set_ylabel("channel")
plt.show()

# %%
# All spikes, and the first ones
# ------------------------------
#
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

# %%
# Bins instead of times
# ---------------------
#
# One may also count the spikes of each channel in bins of time, and forget when in a
# bin they were. One bin has four spikes in every sample, and tells nothing. How many
# does a linear model need to know as much as the network does?

n_bins = [1, 2, 4, 8, 16, 32]
by_bins = []
for n in n_bins:
    bins = np.minimum(times * n / 2.0, n - 1).astype(int)
    counts = np.zeros((n_samples, n_channels, n))
    np.add.at(counts, (samples, channels, bins), 1)
    linear = LogisticRegression(max_iter=1000)
    by_bins.append(
        cross_val_score(linear, counts.reshape(n_samples, -1), y, cv=3).mean()
    )

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.axhline(100 * all_spikes, color="#0072B2", label="network, all spikes")
ax.axhline(100 * first_spikes, color="#0072B2", ls="--", label="network, first spikes")
ax.plot(
    n_bins,
    100 * np.array(by_bins),
    "^-",
    color="#CC79A7",
    label="logistic regression of counts",
)
ax.set(
    xscale="log",
    xticks=n_bins,
    xticklabels=n_bins,
    xlabel=r"bins of a channel, which divide $2\,\tau_\mathrm{syn}$",
    ylabel="accuracy [%]",
    title="Three classes, cross-validated",
)
ax.minorticks_off()
ax.grid(color="0.92")
ax.legend(loc="center right")
plt.show()

# %%
# Not many: with eight bins a linear model is a little better than the network on these
# data. The network needs no choice of bins, sees each spike as it comes, and has 10
# inputs instead of 80. Where those are of no use, bins are the simpler way.
