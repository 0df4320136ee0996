"""
Handwritten digits: a pipeline and a grid search
================================================

A spiking network is an estimator like any other, so scikit-learn's tools search for its
parameters and for those of the steps before it. The search also shows which of them
matter on a small set of images, and which do not.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSClassifier
from ttfs.plotting import WeightImagesDisplay

# %%
# The images have 8 × 8 pixels, and half of these are 0. The encoder takes a zero for an
# absent spike where zeros are that many: black pixels send nothing. It finds the range
# of each feature itself, so that there is no need for a scaler in front of it. A
# ``StandardScaler`` makes other numbers of the zeros, and then every pixel has a spike:
# does that do any harm? The search tries both.
#
# 30 epochs are enough for a search on these data; the default would be about 150.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, stratify=y, random_state=0
)
pipeline = Pipeline(
    [
        ("scaler", "passthrough"),
        ("network", TTFSClassifier(max_iter=30, random_state=0)),
    ]
)

# %%
# The search
# ----------
#
# A grid reaches into steps by their names, as always. ``weight_decay`` is the parameter
# of the network that is worth a search first.

sizes = [(10,), (30,), (100,)]
decays = [0.1, 1.0, 10.0]
scalers = ["passthrough", StandardScaler()]
search = GridSearchCV(
    pipeline,
    {
        "scaler": scalers,
        "network__hidden_layer_sizes": sizes,
        "network__weight_decay": decays,
    },
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
)
search.fit(X_train, y_train)

print("best parameters:", search.best_params_)
print(f"their accuracy in cross-validation: {search.best_score_:.3f}")

# %%
# Each cell is the mean of three folds, and below it is the standard deviation. The size
# of the hidden layer matters, up to 30 neurons; beyond that nothing does: cells differ
# by about as much as folds do, and which of them is the best is luck. Nor does the
# scaler cost accuracy.

shape = len(scalers), len(sizes), len(decays)
order = [
    search.cv_results_["params"].index(
        {
            "scaler": scaler,
            "network__hidden_layer_sizes": size,
            "network__weight_decay": decay,
        }
    )
    for scaler in scalers
    for size in sizes
    for decay in decays
]
means = 100 * search.cv_results_["mean_test_score"][order].reshape(shape)
deviations = 100 * search.cv_results_["std_test_score"][order].reshape(shape)

fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), sharey=True, layout="constrained")
for ax, title, mean, deviation in zip(
    axes, ["as they are", "StandardScaler"], means, deviations, strict=True
):
    image = ax.imshow(mean, cmap="cividis", vmin=means.min(), vmax=means.max())
    middle = (means.min() + means.max()) / 2
    for (row, column), value in np.ndenumerate(mean):
        ax.text(
            column,
            row,
            f"{value:.1f}\n± {deviation[row, column]:.1f}",
            ha="center",
            va="center",
            color="white" if value < middle else "black",
        )
    ax.set(
        xticks=range(len(decays)),
        xticklabels=decays,
        yticks=range(len(sizes)),
        yticklabels=[size[0] for size in sizes],
        xlabel="weight_decay",
        title=f"Pixels: {title}",
    )
axes[0].set_ylabel("hidden neurons")
fig.colorbar(image, ax=axes, label="accuracy in cross-validation [%]")
plt.show()

# %%
# What the scaler does cost are spikes: with it all pixels have one, and the features in
# which no zero is absent get a second channel, the complement. An event is a spike that
# arrives at a synapse; the chip that runs such a network pays for each of them.

spikes, events = [], []
for scaler in scalers:
    model = pipeline.set_params(scaler=scaler).fit(X_train, y_train)
    activity = model[-1].activity(model[:-1].transform(X_test)).summary()
    spikes.append(activity["input spikes"])
    events.append(activity["events until the decision"])
for name, s, e in zip(["as they are", "StandardScaler"], spikes, events, strict=True):
    print(f"{name:14}  {s:4.0f} input spikes  {e:6,.0f} events until the decision")

# %%
# The test
# --------
#
# The best of many is a little lucky, so what it is worth is for images to say that the
# search has not seen. The network with the default parameters, which trains for five
# times as many epochs, is beside it: on these images that is worth at least as much as
# the whole search.

best_accuracy = search.score(X_test, y_test)
default = TTFSClassifier(random_state=0).fit(X_train, y_train)
default_accuracy = default.score(X_test, y_test)
print(f"test accuracy of the best model {best_accuracy:.3f}")
print(f"test accuracy of the defaults   {default_accuracy:.3f}")

fig, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    search, X_test, y_test, cmap="Blues", colorbar=False, ax=ax
)
ax.set_title(f"{len(y_test)} test images")
plt.show()

# %%
# What its hidden neurons look for
# --------------------------------
#
# The weights of the first layer, as images. An early spike of a white pixel drives a
# neuron where the weight is positive, and keeps it from firing where it is negative.

WeightImagesDisplay.from_estimator(search, (8, 8))
plt.show()
