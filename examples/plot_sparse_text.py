"""
Sparse text
===========

Word counts are sparse: of thousands of words a document has a hundred. A word that is
absent sends no spike, so it costs nothing, neither here nor on a chip. Does a spiking
network classify text well? It learns, and it is quick, but a linear model is better.
"""

import importlib
import inspect
import re
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from ttfs import TTFSClassifier

# %%
# Documents that are there
# ------------------------
#
# No download: the documents are the docstrings of the functions of SciPy, and the class
# is the subpackage that a function is in. Names of the subpackages, and examples of
# code, which import them, are left out.

subpackages = [
    *("interpolate", "linalg", "ndimage", "optimize"),
    *("signal", "sparse", "special", "stats"),
]


def documents(name):
    """Docstrings of the public functions and classes of a subpackage."""
    module = importlib.import_module(f"scipy.{name}")
    for public in sorted(module.__all__):
        text = inspect.getdoc(getattr(module, public)) or ""
        text = text.split("Examples\n---")[0]
        text = re.sub(r"\b(scipy|" + "|".join(subpackages) + r")\b", " ", text)
        if len(text) > 200:
            yield text


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    collections = [list(documents(name)) for name in subpackages]
texts = [text for collection in collections for text in collection]
y = np.repeat(subpackages, [len(collection) for collection in collections])
for name, collection in zip(subpackages, collections, strict=True):
    print(f"{name:12} {len(collection):4} documents")

# %%
# As spikes
# ---------
#
# The vectorizer makes a sparse matrix, which the network takes as it is. Each word of
# the vocabulary is a channel; in a document most of them are silent, and the words that
# weigh most spike first.

vectorizer = TfidfVectorizer(min_df=5, sublinear_tf=True, stop_words="english")
X = vectorizer.fit_transform(texts)
n_documents, n_words = X.shape
print(f"{n_documents} documents, {n_words} words, {X.nnz / n_documents:.0f} in each")

# %%
# Beside other models
# -------------------
#
# How does accuracy grow with the number of documents to learn from? All models see the
# same documents of three random splits, and are tested on the third that is left.
# Points are means, and bars standard deviations, of the splits.
#
# From 200 documents on the spiking network is one to five points behind both others,
# and the linear model, the simplest of them, is as good as the dense network. Try
# ``LogisticRegression`` first where the features are words.

models = {
    "TTFSClassifier": TTFSClassifier((100,), max_iter=40, random_state=0),
    "MLPClassifier": MLPClassifier(
        (100,), learning_rate_init=0.003, max_iter=30, random_state=0
    ),
    "logistic regression": LogisticRegression(C=30),
}
n_train = [50, 100, 200, 400, 800]
accuracies = np.empty((len(models), len(n_train), 3))
for split in range(3):
    order = np.random.RandomState(split).permutation(len(y))
    test = order[n_train[-1] :]
    for i, n in enumerate(n_train):
        train = order[:n]
        for j, model in enumerate(models.values()):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X[train], y[train])
            accuracies[j, i, split] = 100 * model.score(X[test], y[test])

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, row, marker, color in zip(
    models, accuracies, "Do^", ["#0072B2", "#E69F00", "#CC79A7"], strict=True
):
    mean, error = row.mean(axis=1), row.std(axis=1)
    ax.errorbar(
        n_train,
        mean,
        yerr=error,
        fmt=marker + "-",
        ms=7,
        capsize=3,
        color=color,
        label=name,
    )
ax.set(
    xscale="log",
    xticks=n_train,
    xticklabels=n_train,
    xlabel="documents to learn from",
    ylabel="test accuracy [%]",
    title="Docstrings of eight subpackages: three splits",
)
ax.minorticks_off()
ax.grid(color="0.92")
ax.legend(loc="lower right")
plt.show()

print(f"{'documents':20}" + "".join(f"{n:>7}" for n in n_train))
for name, row in zip(models, accuracies.mean(axis=2), strict=True):
    print(f"{name:20}" + "".join(f"{value:>7.1f}" for value in row))

# %%
# What a document costs
# ---------------------
#
# Nearly nothing beside a dense network of this size, which multiplies all words by all
# weights. But that is owed to the text more than to spikes: a dense network that leaves
# out absent words does nearly as little. What the spiking network saves beyond that are
# spikes after the decision, and neurons that have fired and take no more.

clf = models["TTFSClassifier"]
activity = clf.activity(X[test]).summary()
n_present = activity["input spikes"]
costs = {
    "dense network": n_words * 100 + 100 * 8,
    "without absent words": n_present * 100 + 100 * 8,
    "spiking network": activity["events until the decision"],
}

fig, ax = plt.subplots(figsize=(6.5, 2.4), layout="constrained")
bars = ax.barh(
    list(costs), list(costs.values()), color=["#E69F00", "#E69F00", "#0072B2"]
)
ax.bar_label(bars, [f"{cost:,.0f}" for cost in costs.values()], padding=4)
ax.invert_yaxis()
ax.set(
    xscale="log", xlim=(1e3, 3e6), xlabel="products or synaptic events of a document"
)
plt.show()
