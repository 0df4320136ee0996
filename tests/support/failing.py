"""Models of scikit-learn's kind whose training does not end as it should."""

import signal

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier


class Failing(ClassifierMixin, BaseEstimator):
    """A model that does not fit."""

    def fit(self, X, y):
        raise RuntimeError("no luck\nat all")


class Interrupted(DummyClassifier):
    """A model that ends its training on Ctrl-C without passing it on."""

    def fit(self, X, y):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass
        return super().fit(X, y)
