"""
Signals in time, and neurons that fire several times
====================================================

Each signal has one to three bumps, as a heart has beats or a walk has steps: at random
times, of random heights, in noise. Their number is the class. A neuron that fires once
says when the first bump was, and knows nothing of those that follow.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from ttfs import TTFSClassifier
from ttfs.encoders import LevelCrossingEncoder

# %%
# The signals
# -----------
#
# Signals are an array (n_samples, n_signals, n_timepoints), or, as here, a list of
# arrays (n_signals, n_timepoints) of unequal lengths.

rng = np.random.default_rng(0)
y = rng.integers(1, 4, size=450)


def bumps(n):
    """A signal of one channel with n bumps."""
    t = np.arange(rng.integers(90, 121))
    centres = rng.permutation(np.arange(10, len(t) - 10, 14))[:n] + rng.uniform(
        -2, 2, n
    )
    heights = rng.uniform(0.8, 1.2, n)
    shapes = np.exp(-(((t - centres[:, np.newaxis]) / 3) ** 2))
    return (heights @ shapes + rng.normal(0, 0.02, len(t)))[np.newaxis]


X = [bumps(n) for n in y]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Events
# ------
#
# The encoder sends a spike whenever a signal has risen or fallen by a step. It sets the
# time that the longest signal takes, in the unit of the time constants.

encoder = LevelCrossingEncoder(n_steps=4, duration=20.0)
trains = encoder.fit(X_train).transform(X_train)
print(trains)

fig, axes = plt.subplots(
    2,
    3,
    figsize=(9.5, 3.4),
    sharex=True,
    sharey="row",
    height_ratios=(3, 1),
    layout="constrained",
)
for n, (top, bottom) in enumerate(axes.T, start=1):
    sample = int(np.flatnonzero(y_train == n)[0])
    signal = X_train[sample][0]
    unit = encoder.duration / max(x.shape[1] - 1 for x in X_train)
    top.plot(unit * np.arange(len(signal)), signal, color="0.3", lw=1)
    _, channels, times = trains[sample].events()
    for channel, color in enumerate(["#0072B2", "#D55E00"]):
        bottom.eventplot(
            times[channels == channel],
            lineoffsets=-channel,
            color=color,
            linelengths=0.7,
        )
    top.set_title(f"class {n}")
    bottom.set(xlabel=r"time [$\tau_\mathrm{syn}$]", yticks=[0, -1])
axes[0, 0].set_ylabel("signal")
axes[1, 0].set_yticklabels(["up", "down"])
plt.show()

# %%
# How many spikes does a neuron need?
# -----------------------------------
#
# The outputs do not fire here: the greatest mean of their membranes decides. So a
# signal is looked at to its end.

max_spikes = [1, 2, 4, 8, 16]
accuracies = []
for n in max_spikes:
    clf = TTFSClassifier(
        (30,), max_spikes=n, read_out="mean", max_iter=40, random_state=0
    )
    model = make_pipeline(encoder, clf).fit(X_train, y_train)
    activity = clf.activity(model[0].transform(X_test)).summary()
    accuracies.append(model.score(X_test, y_test))
    print(
        f"at most {n:2}: accuracy {accuracies[-1]:.2f}, "
        f"{activity['hidden spikes']:4.0f} hidden spikes, "
        f"{activity['synaptic events']:6,.0f} synaptic events"
    )

# %%
# A count by hand
# ---------------
#
# More spikes make the network more accurate, up to the 16 that we allow, since a neuron
# can go on when the second bump comes; and that costs more events only in the output
# layer. But who knows that bumps are to be counted can count the events, and does
# better without a network: this is an example of what spikes can say, not of a task
# that needs them.


def counts(X):
    """How often each signal rose by a step, and how often it fell by one."""
    trains = encoder.transform(X)
    samples, channels, _ = trains.events()
    return np.column_stack(
        [np.bincount(samples[channels == k], minlength=len(X)) for k in (0, 1)]
    )


by_hand = LogisticRegression().fit(counts(X_train), y_train)
by_hand_accuracy = by_hand.score(counts(X_test), y_test)
print(f"logistic regression of the numbers of events: {by_hand_accuracy:.2f}")

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(max_spikes, 100 * np.array(accuracies), "o-", color="#0072B2", label="network")
ax.axhline(
    100 * by_hand_accuracy, color="#CC79A7", ls="--", label="numbers of events, linear"
)
ax.set(
    xscale="log",
    xticks=max_spikes,
    xticklabels=max_spikes,
    xlabel="spikes of a neuron, at most",
    ylabel="test accuracy [%]",
)
ax.minorticks_off()
ax.grid(color="0.92")
ax.legend()
plt.show()
