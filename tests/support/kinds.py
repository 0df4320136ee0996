"""Kinds of engines, by the arithmetic and the gradient that an estimator asks for."""

import numpy as np
import pytest

from ttfs import TTFSClassifier
from ttfs.parameters import FixedPoint, LocalRule, resolve

FLOAT_LOCAL = {"gradient": "local"}
EXACT = {"arithmetic": "fixed"}
LOCAL = {"arithmetic": "fixed", "gradient": "local"}
ACCUMULATORS = {"arithmetic": FixedPoint(accumulator_bits=16), "gradient": "local"}
INTEGERS = {"local": LOCAL, "accumulators": ACCUMULATORS}
FIXED = {"exact": EXACT} | INTEGERS
KINDS = {"float": {}} | FIXED | {"float-local": FLOAT_LOCAL}


def parametrize(names, kinds, slow=("accumulators",)):
    """A test for each of these kinds, which have names; those of `slow` are slow.

    They compute by the code of another kind, which the default run has.
    """
    cases = []
    for key, kind in kinds.items():
        values = kind if isinstance(kind, tuple) else (kind,)
        marks = [pytest.mark.slow] if key in slow else []
        cases.append(pytest.param(*values, id=key, marks=marks))
    return pytest.mark.parametrize(names, cases)


every_integer = parametrize("kind", INTEGERS)
every_fixed = parametrize("kind", FIXED)
every_kind = parametrize("kind", KINDS)


def classifier(**parameters):
    """A classifier with these parameters, `arithmetic__weight_bits` and its kin too."""
    return TTFSClassifier().set_params(**parameters)


def slow(parameters):
    """Learning rates for short training with the local rule."""
    clf = classifier(**parameters)
    arithmetic = resolve("arithmetic", clf.arithmetic)
    is_coarse = getattr(arithmetic, "accumulator_bits", 0) is None
    is_local = isinstance(resolve("gradient", clf.gradient), LocalRule)
    return {"learning_rate_init": 0.04} if is_local and not is_coarse else {}


def with_absent(seed=0, n_samples=90):
    """Three classes of samples with features that are often absent."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n_samples)
    X = rng.uniform(0.3, 0.7, (n_samples, 9))
    X[rng.random(X.shape) < 0.6] = 0.0
    X[np.arange(n_samples), y] = 1.0
    return X, y
