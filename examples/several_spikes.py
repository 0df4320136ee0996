"""
Signals in time, and neurons that fire several times
====================================================

Each signal has one to three bumps, as a heart has beats or a walk has steps: at random
times, of random heights, in noise. Their number is the class. A neuron that fires once
says when the first bump was, and knows nothing of those that follow.
"""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from ttfs import TTFSClassifier
from ttfs.encoders import LevelCrossingEncoder

# %%
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
# The encoder sends a spike whenever a signal has risen or fallen by a step. It sets the
# time that the longest signal takes, in the unit of the time constants.
encoder = LevelCrossingEncoder(n_steps=4, duration=20.0)
print(encoder.fit(X_train).transform(X_train[:1]))

# %%
# The outputs do not fire here: the greatest mean of their membranes decides.
print("spikes of a neuron   accuracy   hidden spikes   synaptic events")
for max_spikes in (1, 16):
    clf = TTFSClassifier(
        (30,), max_spikes=max_spikes, read_out="mean", max_iter=40, random_state=0
    )
    model = make_pipeline(encoder, clf).fit(X_train, y_train)
    activity = clf.activity(model[0].transform(X_test)).summary()
    print(
        f"at most {max_spikes:2}           {model.score(X_test, y_test):8.2f}"
        f"{activity['hidden spikes']:16.0f}{activity['synaptic events']:18.0f}"
    )
