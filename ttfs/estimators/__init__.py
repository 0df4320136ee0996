"""The scikit-learn estimators."""

from .classifier import TTFSClassifier
from .regressor import TTFSRegressor

__all__ = ["TTFSClassifier", "TTFSRegressor"]
