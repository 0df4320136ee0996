"""Classifiers for tests of the estimators."""

from ttfs import TTFSClassifier


def small(**parameters):
    """A classifier that trains in a fraction of a second."""
    clf = TTFSClassifier(hidden_layer_sizes=(12,), max_iter=5)
    return clf.set_params(**parameters)
