"""Rate code: a ReLU network, converted to integrate-and-fire neurons."""

from __future__ import annotations

from sklearn.base import BaseEstimator, ClassifierMixin

from .._stored import Stored


class RateClassifier(ClassifierMixin, Stored, BaseEstimator):
    """A ReLU network whose neurons answer by the rates of their spikes."""
