"""
A chip in the loop
==================

No two neurons of an analog chip are alike. A network that was trained on an ideal
simulator is therefore worse on a chip. If the chip fires in training, and only the
weights are computed elsewhere, the network learns the neurons that there are. The chips
of this example are emulated.
"""

import matplotlib.pyplot as plt
import numpy as np

from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.substrates import AnalogChip

# %%
# Chips
# -----
#
# Each chip has thresholds that differ by 5 %, time constants that differ by 10 %, and
# spikes that jitter. ``random_state`` is the number of the chip: the mismatch is fixed,
# the jitter is new in each trial. Four chips show by how much they differ.

X, y = make_yin_yang(1000, random_state=0)
X_test, y_test = make_yin_yang(1000, random_state=1)
chips = [
    AnalogChip(
        threshold_spread=0.05,
        tau_mem_spread=0.1,
        tau_syn_spread=0.1,
        spike_jitter=0.01,
        random_state=number,
    )
    for number in range(4)
]


def network(substrate=None):
    """A network of the same size, on the ideal simulator or on a chip."""
    return TTFSClassifier(
        (60,), encoder="latency", max_iter=60, random_state=0, substrate=substrate
    )


# %%
# Four ways
# ---------
#
# - *ideal*: trained and run on the simulator, with no chip at all;
# - *naive*: the same weights on the chip;
# - *calibrated*: the same weights again, but those of each neuron are multiplied by a
#   factor that makes up for its threshold. ``calibrate`` finds it from nothing but
#   spike times;
# - *in the loop*: the chip fires in training, too. ``substrate=chip`` is all that it
#   takes.

ways = ["ideal", "naive", "calibrated", "in the loop"]
ideal = network().fit(X, y)
accuracies = []
for chip in chips:
    ideal.set_params(substrate=None)
    row = [ideal.score(X_test, y_test)]
    ideal.set_params(substrate=chip)
    row.append(ideal.score(X_test, y_test))
    calibration = ideal.calibrate(X[:300])
    ideal.set_params(substrate=calibration.compensate(chip))
    row.append(ideal.score(X_test, y_test))
    in_the_loop = network(chip).fit(X, y)
    row.append(in_the_loop.score(X_test, y_test))
    accuracies.append(row)
accuracies = 100 * np.array(accuracies)

for way, column in zip(ways, accuracies.T, strict=True):
    print(f"{way:12}  {column.mean():5.1f} ± {column.std():.1f} %")

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for number, row in enumerate(accuracies):
    ax.plot(ways, row, "o-", color="0.7", ms=4, label=None if number else "each chip")
ax.plot(ways, accuracies.mean(axis=0), "D", color="#0072B2", ms=8, label="mean")
ax.set_ylabel("test accuracy [%]")
ax.grid(axis="y", color="0.92")
ax.set_axisbelow(True)
ax.legend(loc="lower right")
plt.show()

# %%
# A network that has never seen its chip loses a quarter of the points, and which chip
# it is makes a great difference. Calibration needs no labels and no training, and gives
# most of it back: thresholds can be compensated, time constants only in part. Training
# in the loop gives nearly all of it back, and takes the chip for as long as training
# lasts.
#
# What the chip does to spikes
# ----------------------------
#
# The spike times of the hidden neurons, on the last chip and as the simulator has them
# for the same weights. Each neuron has an error of its own, which is the mismatch; what
# is left within a neuron is jitter, and time constants, whose effect depends on the
# inputs.

ideal.set_params(substrate=None)
nominal = ideal.spike_times(X_test)[1]
ideal.set_params(substrate=chip)
measured = ideal.spike_times(X_test)[1]
both = np.isfinite(nominal) & np.isfinite(measured)
late = np.where(both, measured, np.nan) - np.where(both, nominal, np.nan)
often = both.mean(axis=0) > 0.5
late = late[:, often]
order = np.argsort(np.nanmedian(late, axis=0))
quantiles = np.nanquantile(late[:, order], [0.05, 0.5, 0.95], axis=0)

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
neurons = np.arange(often.sum())
ax.vlines(
    neurons, quantiles[0], quantiles[2], color="#56B4E9", lw=3, label="90 % of spikes"
)
ax.plot(neurons, quantiles[1], "o", ms=4, color="#0072B2", label="median")
ax.axhline(0, color="0.4", lw=1)
ax.set(
    xlabel="hidden neuron, in the order of the median",
    ylabel=r"too late by [$\tau_\mathrm{syn}$]",
    title="Spikes of one chip less those of the simulator",
)
ax.legend(loc="upper left")
plt.show()
