"""The scikit-learn estimators."""

from .classifier import TTFSClassifier

__all__ = ["TTFSClassifier"]
