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


def name_of(x):
    return getattr(x, "__name__", str(x))


def diagonal(*choices):
    """All combinations of choices, slow but for so many that each choice occurs.

    A choice is a dict of names and values, or a list of names that are the values.
    """
    choices = [
        c if isinstance(c, dict) else {name_of(x): x for x in c} for c in choices
    ]
    lists = [list(c) for c in choices]
    chosen = [
        tuple(names[n % len(names)] for names in lists)
        for n in range(max(map(len, lists)))
    ]
    params = []
    for names in itertools.product(*lists):
        values = [c[name] for c, name in zip(choices, names, strict=True)]
        marks = [] if names in chosen else [pytest.mark.slow]
        params.append(pytest.param(*values, id="-".join(names), marks=marks))
    return params


def first_of(values, n=1):
    """Values as parameters, of which all but the first n are slow."""
    cases = [value if isinstance(value, tuple) else (value,) for value in values]
    return [
        pytest.param(*case, marks=[pytest.mark.slow] * (k >= n))
        for k, case in enumerate(cases)
    ]
