"""Pipelines with scalers in front of a classifier."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import compress

import numpy as np
from sklearn import preprocessing
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def split(model):
    """A model as the steps of its pipeline, pairs of name and object, and the last one.

    A pipeline may be nested, which joins names by "__"; other estimators are pipelines
    of one step, and a search that is fitted is its best estimator. Steps that are
    "passthrough" are left out.
    """
    *steps, (_, last) = _steps(model, "")
    is_step = [not (step is None or step == "passthrough") for _, step in steps]
    return list(compress(steps, is_step)), last


def _steps(model, name):
    """The steps of a pipeline and of those in it."""
    model = getattr(model, "best_estimator_", model)
    if not isinstance(model, Pipeline):
        return [(name, model)]
    prefix = f"{name}__" if name else ""
    return [
        inner for own, step in model.steps for inner in _steps(step, f"{prefix}{own}")
    ]


def warn_of_steps(steps, what):
    """Warn that a file or graph lacks the steps before the last one, if any."""
    if steps:
        names = ", ".join(f"{name!r} ({type(step).__name__})" for name, step in steps)
        warnings.warn(
            f"{what} holds the last step of the pipeline alone; not in it are the "
            f"steps {names}, which features must pass first",
            stacklevel=3,
        )


def transform(steps, X):
    """X after the steps that `split` has returned."""
    for _, step in steps:
        X = step.transform(X)
    return X


# What scalers do to a feature: ufuncs, their operands, and the parameters that ask for
# them, by the names of attributes.
_OPERATIONS = {
    preprocessing.StandardScaler: [
        (np.subtract, "mean_", "with_mean"),
        (np.divide, "scale_", "with_std"),
    ],
    preprocessing.MinMaxScaler: [(np.multiply, "scale_", None), (np.add, "min_", None)],
    preprocessing.MaxAbsScaler: [(np.divide, "scale_", None)],
    preprocessing.RobustScaler: [
        (np.subtract, "center_", "with_centering"),
        (np.divide, "scale_", "with_scaling"),
    ],
}


def _operations(scaler):
    """Pairs of a ufunc and its second operand for all features, in their order."""
    operations = [
        (ufunc, getattr(scaler, operand))
        for ufunc, operand, option in _OPERATIONS[type(scaler)]
        if option is None or getattr(scaler, option)
    ]
    if getattr(scaler, "clip", False):  # a MaxAbsScaler of older versions has none
        low, high = getattr(scaler, "feature_range", (-1.0, 1.0))
        operations += [(np.maximum, low), (np.minimum, high)]
    return operations


@dataclass(frozen=True, eq=False)
class Scaling:
    """What scalers do to each feature, with the bits that they have in float64."""

    ufuncs: list  # the operations, in their order
    operands: np.ndarray  # their second operands (n_operations, n_features)

    @classmethod
    def of(cls, steps, n_features):
        """The scaling of features by the steps of a pipeline that `split` has returned.

        Raises NotFittedError if a scaler is not fitted, TypeError if a step is not one
        of the known scalers, and ValueError if it has another number of features.
        """
        operations = []
        for name, step in steps:
            if type(step) not in _OPERATIONS:
                known = ", ".join(kind.__name__ for kind in _OPERATIONS)
                raise TypeError(
                    f"the step {name!r}, a {type(step).__name__}, cannot be folded "
                    f"into an encoder of integers; these can: {known}"
                )
            check_is_fitted(step)
            if step.n_features_in_ != n_features:
                raise ValueError(
                    f"the step {name!r} has {step.n_features_in_} features, but the "
                    f"classifier {n_features}"
                )
            operations += _operations(step)
        operands = np.empty((len(operations), n_features))
        for row, (_, operand) in zip(operands, operations, strict=True):
            row[:] = operand
        return cls([ufunc for ufunc, _ in operations], operands)

    def of_feature(self, x, i):
        """Feature i of values x, scaled; ndarray of the shape of `x`."""
        for ufunc, operand in zip(self.ufuncs, self.operands[:, i], strict=True):
            x = ufunc(x, operand)
        return x

    def gain(self, i):
        """What a unit of feature i becomes where nothing is clipped."""
        gain = 1.0
        for ufunc, operand in zip(self.ufuncs, self.operands[:, i], strict=True):
            if ufunc in (np.multiply, np.divide):
                gain = ufunc(gain, operand)
        return float(gain)
