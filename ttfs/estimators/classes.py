"""Class labels as targets of the output neurons."""

from __future__ import annotations

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from .._typing import Array
from .weights import weights_of_classes


def check_several_classes(estimator, classes):
    """Raise ValueError where the data of an estimator have one class alone."""
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs samples of at least 2 classes; the data "
            f"contain only one class: {classes[0]}"
        )


class ClassesMixin:
    """One output neuron for each class: what a head must say of its targets."""

    classes_: Array

    @property
    def _n_outputs(self):
        return len(self.classes_)

    def _check_targets(self, y):
        """Raise ValueError where a sample has several labels."""
        shape = getattr(y, "shape", None)
        what = ""
        if shape is None:
            try:
                shape = np.asarray(y).shape
            except ValueError:  # rows of different lengths
                shape = ()
                what = "lists of labels"
        if len(shape) == 2 and shape[1] > 1:
            what = f"the shape {shape}"
        elif len(shape) == 1 and getattr(y, "dtype", shape) == np.dtype(object):
            if any(isinstance(label, list | tuple | set | np.ndarray) for label in y):
                what = "lists of labels"
        if what:
            name = type(self).__name__
            raise ValueError(
                f"{name} predicts one label for each sample, but y has {what}: for "
                "several labels wrap it, as in sklearn.multioutput."
                f"MultiOutputClassifier({name}()), with a column of 0 and 1 for each "
                "label, as sklearn.preprocessing.MultiLabelBinarizer makes them"
            )

    def _encode_targets(self, y, *, is_new, is_partial=False, classes=None):
        """The number of the class of each sample, among known or new classes."""
        check_classification_targets(y)
        found = np.unique(y)
        if is_partial:
            known = self._partial_classes(classes, is_new=is_new)
            unknown = np.setdiff1d(found, known)
            if len(unknown):
                raise ValueError(
                    f"y contains labels that are not in classes: {unknown!r}"
                )
        else:
            known = found
            check_several_classes(self, known)
            if not is_new and not np.array_equal(known, self.classes_):
                raise ValueError(
                    "warm_start=True needs the classes of the last call: "
                    f"{self.classes_!r}, got {known!r}"
                )
        if is_new:
            self.classes_ = known
        return np.searchsorted(known, y).astype(np.uintp)

    def _partial_classes(self, classes, *, is_new):
        """The classes of a call of partial_fit."""
        if classes is None:
            return self.classes_
        classes = np.unique(classes)
        if is_new and len(classes) < 2:
            raise ValueError("classes must have at least 2 different entries")
        if not is_new and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_!r}, got "
                f"{classes!r}"
            )
        return classes

    def _class_weights(self, targets, weights):
        """The weight of each class."""
        if self.class_weight is None:
            return None
        return weights_of_classes(self.class_weight, self.classes_, targets, weights)

    def _check_split(self, n_training, n_validation):
        """Raise unless both parts have samples of each class."""
        n_classes = len(self.classes_)
        if n_validation < max(2, n_classes) or n_training < n_classes:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} splits {n_training + n_validation} "
                f"samples into {n_training} and {n_validation}; both parts need at "
                "least 2 samples and one of each class"
            )

    def _stratify(self, targets):
        return targets

    def _validation_score(self, decisions, targets, weights):
        """Accuracy."""
        is_right = decisions.argmin(axis=1) == targets
        return float(np.average(is_right, weights=weights))
