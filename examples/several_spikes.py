"""
Signals in time, and neurons that fire several times
====================================================

Each signal is a burst of a tone that begins at a random time, with a random phase and
loudness, in noise; classes are the pitches. Nothing can be told from one moment: a
network has to see the whole burst. Neurons that fire once are done when it begins.
"""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from ttfs import TTFSClassifier
from ttfs.encoders import LevelCrossingEncoder

# %%
# Signals are an array (n_samples, n_signals, n_timepoints), or a list of arrays
# (n_signals, n_timepoints) of unequal lengths, as here.
rng = np.random.default_rng(0)
pitches = np.array([0.06, 0.08, 0.1])
y = rng.integers(3, size=450)


def burst(pitch):
    """A signal of one channel."""
    n_points = rng.integers(80, 121)
    t = np.arange(n_points) - rng.uniform(10, n_points - 50)
    tone = np.sin(2 * np.pi * pitch * t + rng.uniform(0, 2 * np.pi))
    envelope = np.exp(-(((t - 20) / 15) ** 2))
    return rng.uniform(0.7, 1.3) * envelope * tone + rng.normal(0, 0.05, n_points)


X = [burst(pitch)[np.newaxis] for pitch in pitches[y]]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# The encoder sends a spike whenever a signal has risen or fallen by a step. It sets the
# time that the longest signal takes, in the unit of the time constants.
encoder = LevelCrossingEncoder(n_steps=6, duration=20.0)
print(encoder.fit(X_train).transform(X_train[:1]))

# %%
# By default the greatest peak of the membranes of outputs that do not fire decides.
print("spikes of a neuron   accuracy   hidden spikes   synaptic events")
for max_spikes in (1, 16):
    clf = TTFSClassifier(
        (50,), max_spikes=max_spikes, read_out="peak", max_iter=40, random_state=0
    )
    model = make_pipeline(encoder, clf).fit(X_train, y_train)
    activity = clf.activity(model[0].transform(X_test)).summary()
    print(
        f"at most {max_spikes:2}           {model.score(X_test, y_test):8.2f}"
        f"{activity['hidden spikes']:16.0f}{activity['synaptic events']:18.0f}"
    )
