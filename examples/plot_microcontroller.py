"""
A model on a microcontroller
============================

A model in integers leaves Python as one file of C. We compile it with the compiler of
this machine, let it classify, and compare it with Python bit by bit. What it would cost
on a small processor is known before it is there.
"""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ttfs import TTFSClassifier, export
from ttfs.parameters import FixedPoint

# %%
# Train
# -----
#
# The device has a camera of 8 × 8 pixels, whose bytes are the features. Ticks are
# coarse and decay is by shifts, so that an inference takes few instructions, and hardly
# any products.

X, y = load_digits(return_X_y=True)
X = X.astype(np.uint8)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, stratify=y, random_state=0
)


def digits(n_hidden, decay="shift"):
    """A classifier of digits in integers, fitted."""
    return TTFSClassifier(
        (n_hidden,),
        arithmetic=FixedPoint(tick=1 / 7.5, decay=decay),
        max_iter=40,
        random_state=0,
    ).fit(X_train, y_train)


clf = digits(32)
print(f"accuracy in Python: {clf.score(X_test, y_test):.3f}")

# %%
# Export and compile
# ------------------
#
# The file is C99, and needs no library, no allocation and no floating point. On the
# device it would be compiled with ``-Os`` by the compiler of its processor; here it is
# a shared library, so that Python can call it.

with tempfile.TemporaryDirectory() as folder:
    source, library = Path(folder, "model.c"), Path(folder, "model.so")
    export.to_c(clf, source, features="uint8")
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run(
        [*compiler, "-std=c99", "-Os", "-shared", "-fPIC", "-o", library, source],
        check=True,
    )
    print(f"{len(source.read_text().splitlines())} lines of C")
    model = ctypes.CDLL(str(library))

# %%
# The same bits?
# --------------
#
# For each test image the C program makes ticks of the pixels, decides, and tells when
# each output neuron fired. Python does the same with the estimator. Nothing may differ.

model.ttfs_model_output_ticks.restype = ctypes.POINTER(ctypes.c_uint16)
n_channels, n_classes = clf.n_channels_in_, len(clf.classes_)

pixels = (ctypes.c_uint8 * X.shape[1])()
ticks = (ctypes.c_uint16 * n_channels)()
margin = ctypes.c_uint32()
in_c = {name: [] for name in ("input ticks", "output ticks", "classes", "margins")}
for x in X_test:
    pixels[:] = x.tolist()
    model.ttfs_model_encode(pixels, ticks)
    in_c["input ticks"].append(ticks[:])
    in_c["classes"].append(model.ttfs_model_margin(ticks, ctypes.byref(margin)))
    in_c["margins"].append(margin.value)
    in_c["output ticks"].append(model.ttfs_model_output_ticks()[:n_classes])
in_c = {name: np.array(values) for name, values in in_c.items()}

spikes = clf.spike_times(X_test)[-1]
n_ticks = round(clf.t_max_ / clf.tick_)
in_python = {
    "input ticks": export.integer_encoder(clf, "uint8").encode(X_test),
    "output ticks": np.where(np.isfinite(spikes), np.rint(spikes / clf.tick_), n_ticks),
    "classes": clf.predict(X_test),
}
differences = {
    name: int(np.sum(in_c[name] != values)) for name, values in in_python.items()
}
for name, n in differences.items():
    print(f"{name:13} {in_c[name].size:7,} numbers, {n} differ")

# %%
# How sure is it?
# ---------------
#
# The margin says by how many ticks the next output neuron comes later; those that stay
# silent count as later still. Where two outputs fire in the same tick, at margin 0, the
# higher membrane decides, and a quarter of these decisions is wrong. They are a tenth
# of all images: a device could ask for a second picture.

is_wrong = in_c["classes"] != y_test
margins = in_c["margins"]
groups = {
    "0": margins == 0,
    "1 to 11": (margins > 0) & (margins < n_ticks),
    "others silent": margins >= n_ticks,
}
shares = [100 * is_wrong[group].mean() for group in groups.values()]

fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
bars = ax.bar(list(groups), shares, width=0.6, color="#D55E00")
ax.bar_label(
    bars, [f"{is_wrong[g].sum()} of {g.sum()}" for g in groups.values()], padding=3
)
ax.set(xlabel="margin [ticks]", ylabel="wrong decisions [%]")
ax.margins(y=0.15)
plt.show()

# %%
# What it costs
# -------------
#
# ``estimate`` needs no device and no compiler: sizes of arrays are exact, and
# instructions are sums of counted operations with costs that were measured in
# emulators. Here are networks of several sizes on a Cortex-M0+, with decay by shifts
# and, for comparison, by tables of exponentials.

print(export.estimate(clf, X_test[:100], features="uint8"))

# sphinx_gallery_thumbnail_number = 2
sizes = [8, 16, 32, 64]
costs = {}
for decay in ("shift", "table"):
    rows = []
    for n in sizes:
        candidate = clf if (n, decay) == (32, "shift") else digits(n, decay)
        estimate = export.estimate(candidate, X_test[:100], features="uint8")
        target = estimate.targets["m0+"]
        accuracy = 100 * candidate.score(X_test, y_test)
        rows.append((accuracy, target.instructions / 1000, target.flash / 1024))
    costs[decay] = np.array(rows)

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for (decay, rows), marker, color in zip(
    costs.items(), "os", ["#0072B2", "#D55E00"], strict=True
):
    for ax, column in zip(axes, (1, 2), strict=True):
        ax.plot(rows[:, column], rows[:, 0], marker + "-", color=color, label=decay)
        for n, row in zip(sizes, rows, strict=True):
            ax.annotate(
                str(n),
                (row[column], row[0]),
                xytext=(5, -12),
                textcoords="offset points",
                color=color,
            )
axes[0].set(
    xlabel="thousands of instructions of an inference", ylabel="test accuracy [%]"
)
axes[1].set(xlabel="flash [KiB]")
axes[0].legend(title="decay", loc="lower right")
for ax in axes:
    ax.margins(x=0.1, y=0.15)
    ax.grid(color="0.92")
    ax.set_axisbelow(True)
fig.suptitle("Digits on a Cortex-M0+; numbers are hidden neurons")
plt.show()

# %%
# Is that little? A multilayer perceptron with 32 hidden neurons in 8-bit integers, in a
# loop that leaves out black pixels, takes 14,000 instructions, and 22,000 in a plain
# loop; it is about a point more accurate. On a processor that does one thing after the
# other, spikes do not pay for images as small as these; from about 256 inputs on they
# do. The page on export in the user guide has that table.
