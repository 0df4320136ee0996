"""
Learning with integers
======================

A chip computes in small integers. Here the whole network does: weights have a few bits,
spike times are numbers of ticks, and every operation is specified to the bit. How many
bits does it take, and how fine a tick? And can such a network learn on its own, with a
rule that needs nothing but integers?
"""

import matplotlib.pyplot as plt
import numpy as np

from ttfs import TTFSClassifier
from ttfs.datasets import make_yin_yang
from ttfs.parameters import FixedPoint

# %%
# Two ways to learn
# -----------------
#
# - ``gradient="exact"``, the default, keeps real weights while it learns. They are
#   rounded in every batch, the integers fire, and the gradient at their spikes moves
#   the real weights: quantisation-aware training, for a chip that is programmed once.
# - ``gradient="local"`` learns in integers: spike times, one error for each neuron, a
#   small table and shifts. An accumulator of 16 bits for each weight keeps moves that
#   are smaller than a step. This is a rule that a chip itself can apply.
#
# All networks have 60 hidden neurons and 40 epochs; everything else is the default.

N_SEEDS = 3
X, y = make_yin_yang(1500, random_state=0)
X_test, y_test = make_yin_yang(1000, random_state=1)


def accuracies(**parameters):
    """Test accuracy in % of networks with these parameters, one for each seed."""
    return [
        100
        * TTFSClassifier(
            (60,), encoder="latency", max_iter=40, random_state=seed, **parameters
        )
        .fit(X, y)
        .score(X_test, y_test)
        for seed in range(N_SEEDS)
    ]


# %%
# Bits of the weights
# -------------------
#
# ``weight_bits`` does not count the sign: with 6 bits weights are integers from -63 to
# 63.

bits = [2, 3, 4, 6, 8]
by_bits = {
    gradient: np.array(
        [
            accuracies(
                arithmetic=FixedPoint(weight_bits=n, accumulator_bits=accumulator),
                gradient=gradient,
            )
            for n in bits
        ]
    )
    for gradient, accumulator in (("exact", None), ("local", 16))
}
real = {gradient: np.mean(accuracies(gradient=gradient)) for gradient in by_bits}

print("weight bits      " + "".join(f"{n:>7}" for n in bits) + "   float32")
for gradient, rows in by_bits.items():
    cells = "".join(f"{value:7.1f}" for value in rows.mean(axis=1))
    print(f"{gradient + ' gradient':17}{cells}{real[gradient]:10.1f}")

# %%
# The tick
# --------
#
# A tick is the unit of spike times. Coarse ticks make programs small and quick, but two
# spikes within one tick are at the same time. The borders of the Yin-Yang sign are
# fine, and so must ticks be; images bear a sixteenth of ``tau_syn``.

ticks = [1 / 64, 1 / 32, 1 / 16, 1 / 8]
by_tick = np.array([accuracies(arithmetic=FixedPoint(tick=tick)) for tick in ticks])

fig, (left, right) = plt.subplots(
    1, 2, figsize=(9.5, 3.8), sharey=True, layout="constrained"
)
for (gradient, rows), name, marker, color in zip(
    by_bits.items(),
    ("integers, gradient of real weights", "integers, local rule"),
    "os",
    ("#0072B2", "#D55E00"),
    strict=True,
):
    left.plot(bits, rows.mean(axis=1), marker + "-", color=color, label=name)
    left.scatter(np.repeat(bits, N_SEEDS), rows, s=8, color=color, alpha=0.5)
    left.axhline(real[gradient], color=color, ls=":", label=f"float32, {gradient}")
left.set(
    xlabel="bits of a weight, without the sign", xticks=bits, ylabel="accuracy [%]"
)
left.set_title(r"Ticks of $\tau_\mathrm{syn} / 64$")
left.legend(loc="lower right")
parts = [round(1 / tick) for tick in ticks]
right.plot(parts, by_tick.mean(axis=1), "o-", color="#0072B2")
right.scatter(np.repeat(parts, N_SEEDS), by_tick, s=8, color="#0072B2", alpha=0.5)
right.set(
    xscale="log",
    xticks=parts,
    xticklabels=parts,
    title="Weights of 6 bits",
    xlabel=r"ticks in $\tau_\mathrm{syn}$",
)
right.minorticks_off()
for ax in (left, right):
    ax.grid(color="0.92")
    ax.set_axisbelow(True)
plt.show()

# %%
# Four bits and a sign are less than two points behind real numbers, two bits are not
# enough, and more than six bring nothing. The local rule costs about a point, with real
# numbers too: it is the price of the simple rule, not of the integers.
#
# The integers themselves
# -----------------------
#
# ``coefs_`` holds them, ``weight_steps_`` the real value of a step in each layer, and a
# prediction needs nothing else. The weights of the read-out, which are not trained, are
# left out of the picture.

clf = TTFSClassifier(
    (60,),
    encoder="latency",
    arithmetic=FixedPoint(weight_bits=4, accumulator_bits=16),
    gradient="local",
    max_iter=40,
    random_state=0,
).fit(X, y)
print(f"{clf.coefs_[0].dtype}, steps of the layers {np.round(clf.weight_steps_, 3)}")

fig, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
values = np.arange(-15, 16)
trained = [clf.coefs_[0], clf.coefs_[1][: -clf.network_.layers[1].n_fixed]]
for ax, weights, title in zip(axes, trained, ["hidden layer", "output"], strict=True):
    ax.bar(values, [(weights == value).sum() for value in values], color="#0072B2")
    ax.set(xlabel="weight, 4 bits and a sign", ylabel="synapses", title=title)
plt.show()
