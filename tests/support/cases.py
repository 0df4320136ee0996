"""Parameters of tests, of which some are slow."""

import itertools

import pytest


def in_turn(first, *others):
    """All combinations of values; by default each first value has one of the others.

    The others take turns; what is left is slow, as it repeats facts for more cases.
    """
    rests = list(itertools.product(*others))
    return [
        pytest.param(value, *rest, marks=[pytest.mark.slow] * (n != k % len(rests)))
        for k, value in enumerate(first)
        for n, rest in enumerate(rests)
    ]
