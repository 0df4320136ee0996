"""S4NN: first spikes in stepped time."""

from __future__ import annotations

from sklearn.base import BaseEstimator, ClassifierMixin

from .._stored import Stored


class S4NNClassifier(ClassifierMixin, Stored, BaseEstimator):
    """A network of non-leaky neurons with first spikes in stepped time."""
