"""
Yin-Yang, step by step
======================

From points in the plane to a spiking network that tells which part of the Yin-Yang sign
they are in: the data, their spike times, training, what the network has learned, and
the membranes by which it decides about one point.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.plotting import LossCurveDisplay, MembraneDisplay, SpikeRasterDisplay

COLORS = ["#0072B2", "#E69F00", "#009E73"]  # distinct for colour-blind readers
NAMES = ["yin", "yang", "dot"]

# %%
# The data
# --------
#
# The set has three classes: the two halves of the sign, and its two dots. A linear
# classifier gets two thirds of the points right, since the borders are curved. Each
# sample has four features: the coordinates x and y, and 1 - x and 1 - y.

X, y = make_yin_yang(2000, random_state=0)
X_test, y_test = make_yin_yang(1000, random_state=1)

fig, ax = plt.subplots(figsize=(5.5, 4.2), layout="constrained")
for k, (name, color) in enumerate(zip(NAMES, COLORS, strict=True)):
    ax.scatter(*X[y == k, :2].T, s=6, color=color, label=name)
ax.set(xlabel="x", ylabel="y", aspect="equal", title="2,000 points to learn from")
ax.legend(markerscale=3, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# Features become spike times
# ---------------------------
#
# Each feature is an input channel of the network, and has one spike. The greatest value
# of a feature spikes first, at 0, and the smallest one a synaptic time constant later,
# at 1: we give all times in units of ``tau_syn``. The two coordinates and their
# complements say the same thing twice, so that small values, too, have an early spike
# somewhere. Other data than these do not come with complements, and the default encoder
# makes them; here ``encoder="latency"`` takes the features as they are.
#
# 60 hidden neurons, each of which fires at most once, are between the four channels and
# one output neuron for each class. The output neuron that fires first is the answer.

clf = TTFSClassifier((60,), encoder="latency", random_state=0)
clf.fit(X, y)

samples = [int(np.flatnonzero(y_test == k)[0]) for k in range(3)]
times = clf.spike_times(X_test[samples])[0]

fig, ax = plt.subplots(figsize=(5.5, 2.6), layout="constrained")
for k, row in enumerate(times):
    ax.scatter(
        row,
        np.arange(4) + 0.25 * (k - 1),
        marker="|",
        s=120,
        lw=2.5,
        color=COLORS[k],
        label=f"a point of {NAMES[k]}",
    )
ax.set(
    xlabel=r"spike time [$\tau_\mathrm{syn}$]",
    yticks=range(4),
    yticklabels=["x", "y", "1 - x", "1 - y"],
    xlim=(-0.03, 1.03),
    title="Input spikes of three points",
)
ax.invert_yaxis()
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# Training
# --------
#
# The time of a spike is a differentiable function of the weights and of the times of
# the input spikes, and its derivatives are known in closed form. Training is gradient
# descent on them. The loss is the cross-entropy of output spike times: the right class
# shall fire before the others.

accuracy = clf.score(X_test, y_test)
print(f"{clf.n_iter_} epochs, test accuracy {accuracy:.3f}")

LossCurveDisplay.from_estimator(clf, log=True)
plt.show()

# %%
# What it has learned
# -------------------
#
# We ask the network about a grid of points within the sign: which output fires first,
# and when. Nearly all errors are at borders. The decision is a spike, so easy points
# are decided early. Those that no output has decided when the inputs are over, at 1,
# get a strong spike to all outputs at 1.1, the read-out: whichever membrane is highest
# then comes first. Most points of this small network need it.

axis = np.linspace(0.0, 1.0, 161)
xx, yy = np.meshgrid(axis, axis)
grid = np.column_stack([xx.ravel(), yy.ravel(), 1 - xx.ravel(), 1 - yy.ravel()])
is_inside = ((grid[:, :2] - 0.5) ** 2).sum(axis=1) < 0.25
outputs = clf.spike_times(grid)[-1]
decisions = np.where(is_inside, outputs.argmin(axis=1), np.nan).reshape(xx.shape)
decision_times = np.where(is_inside, outputs.min(axis=1), np.nan).reshape(xx.shape)

# sphinx_gallery_thumbnail_number = 4
is_wrong = clf.predict(X_test) != y_test
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
left.pcolormesh(xx, yy, decisions, cmap=ListedColormap(COLORS), alpha=0.6)
left.scatter(
    *X_test[is_wrong, :2].T,
    marker="x",
    s=30,
    color="black",
    label=f"errors: {is_wrong.sum()} of {len(y_test)} test points",
)
left.set(title="The output that fires first")
left.legend(loc="lower center", bbox_to_anchor=(0.5, -0.32), frameon=False)
image = right.pcolormesh(xx, yy, decision_times, cmap="cividis")
right.set(title="The time of the decision")
fig.colorbar(image, ax=right, label=r"first output spike [$\tau_\mathrm{syn}$]")
for ax in (left, right):
    ax.set(xlabel="x", ylabel="y", aspect="equal")
plt.show()

activity = clf.activity(X_test).summary()
share_by_read_out = activity["decided by the read-out"]
print(f"decided by the read-out: {share_by_read_out:.0%} of the test points")

# %%
# The membranes of one point
# --------------------------
#
# A neuron adds up the responses of its synapses to the spikes that it gets, and fires
# when the sum reaches the threshold. Here is the test point that is decided first.
# Inputs are at the bottom, hidden neurons above them and outputs at the top.

outputs = clf.spike_times(X_test)[-1]
sample = int(outputs.min(axis=1).argmin())

SpikeRasterDisplay.from_estimator(clf, X_test, y_test, samples=sample)
plt.show()

# %%
# The membranes of the three outputs tell why. Each is the sum of the responses to the
# spikes of the hidden neurons, some of which are negative.

MembraneDisplay.from_estimator(clf, X_test, y_test, sample=sample)
plt.show()

first, winner = outputs[sample].min(), NAMES[outputs[sample].argmin()]
print(f"first output spike at {first:.2f}, of {winner}")
