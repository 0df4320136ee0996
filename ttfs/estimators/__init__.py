"""The scikit-learn estimators."""

from .classifier import TTFSClassifier
from .regressor import TTFSRegressor
from .watching import EpochRecord

__all__ = ["EpochRecord", "TTFSClassifier", "TTFSRegressor"]
