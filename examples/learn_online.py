"""A network of 6-bit integers that learns from one sample after the other.

What learns are the integers themselves: no copy of higher precision, no state of an
optimizer. It starts from a `fit` on some data, as a chip would from the factory, in a
world that has changed since: the features are mirrored, which it learns online.
"""

import numpy as np

from ttfs import TTFSClassifier, export
from ttfs.datasets import make_yin_yang

X, y = make_yin_yang(3000, random_state=0)
X_test, y_test = make_yin_yang(1000, random_state=1)

clf = TTFSClassifier((120,), arithmetic="fixed", gradient="local", random_state=0)
clf.fit(X, y)
print(f"after fit:      {clf.score(X_test, y_test):.3f}")


def changed(X):
    """The world as it is now: left is right."""
    return X[:, [2, 1, 0, 3]]


print(f"changed world:  {clf.score(changed(X_test), y_test):.3f}")

more, labels = make_yin_yang(4000, random_state=2)
for k, (sample, label) in enumerate(zip(changed(more), labels, strict=True)):
    clf.partial_fit(sample[None], [label])
    if (k + 1) % 1000 == 0:
        score = clf.score(changed(X_test), y_test)
        print(f"{k + 1:5d} samples:  {score:.3f}")

greatest = max(np.abs(weights).max() for weights in clf.coefs_)
print(f"weights are integers of type {clf.coefs_[0].dtype}, the greatest {greatest}")
print(export.cost_sheet(clf, changed(X_test), y_test))
