"""Weights of samples: how often training draws each of them.

A weight is no factor of a gradient. Adam takes out a common factor, rare great factors
upset its moments, and small integers cannot be multiplied by one; a sample that is
drawn more often is learned more by every engine alike.
"""

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

# Draws of a sample in a call of partial_fit, on average over the samples, at most.
MAX_DRAWS = 1000


def check_sample_weight(sample_weight, X):
    """Valid weights (n_samples,), float64, or None where there are none."""
    if sample_weight is None:
        return None
    # Samples are only counted there: a stand-in has the shape of any kind of data.
    return _check_sample_weight(
        sample_weight, np.empty(X.shape[0]), dtype=np.float64, ensure_non_negative=True
    )


def weights_of_classes(class_weight, classes, targets, weights=None):
    """The weight of each class, from numbers of classes and weights of samples.

    "balanced" gives the samples of each class the same sum of weights.
    """
    if class_weight == "balanced":
        counts = np.bincount(targets.astype(np.intp), weights, minlength=len(classes))
        return counts.sum() / (len(classes) * counts)
    factors = compute_class_weight(class_weight, classes=classes, y=classes[targets])
    if not (np.isfinite(factors) & (factors >= 0)).all() or not factors.any():
        raise ValueError(
            "class_weight must be finite and not negative, and not all 0, got "
            f"{class_weight!r}"
        )
    return factors


def with_weight(X, y, weights):
    """The samples whose weight is not 0; None in place of weights that are all 1."""
    if weights is None or weights.all():
        return X, y, None if weights is None or np.all(weights == 1) else weights
    rows = np.flatnonzero(weights)
    if len(rows) == 0:
        raise ValueError("all samples have weight 0, by sample_weight or class_weight")
    return with_weight(X[rows], y[rows], weights[rows])


def weighted_by_class(X, targets, weights, factors):
    """The samples whose weight is not 0 after it is multiplied by that of their class.

    `factors` are the weights of the classes, or None; see :func:`with_weight`.
    """
    if factors is not None:
        factors = factors[targets]
        weights = factors if weights is None else factors * weights
    return with_weight(X, targets, weights)


def relative(weights):
    """Weights of which only the ratios count; None if all are equal, to rounding."""
    if weights is None or np.allclose(weights, weights[0], rtol=1e-12, atol=0.0):
        return None
    return weights / weights.max()


def number_of_draws(weights, rng, n_samples):
    """A whole number whose mean over many calls is the sum of the weights."""
    if weights is None:
        return n_samples
    if weights.mean() > MAX_DRAWS:
        raise ValueError(
            "partial_fit shows a sample as often as its weight says, on average at "
            f"most {MAX_DRAWS} times, but the mean of the weights is {weights.mean():g}"
        )
    return int(weights.sum() + rng.uniform())


def draw(order, weights, n_draws, rng):
    """So many samples, each about as often as its weight says, and in this order.

    The draws are systematic: a sample is drawn n times or n + 1 times if n is the part
    of its weight in the sum, times `n_draws`, rounded down. Its mean over many calls is
    exact. `order` are numbers of samples, by which `weights` go; the generator gives
    the draws their common offset.
    """
    seen = np.cumsum(weights[order])
    places = (np.arange(n_draws) + rng.uniform()) / n_draws * seen[-1]
    found = np.searchsorted(seen, places, side="right")
    return order[np.minimum(found, len(order) - 1)]
