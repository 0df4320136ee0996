"""Values that can be compared and hashed, and that nobody else can change."""

import numpy as np


def frozen(value):
    """A value in which tuples stand for arrays and lists.

    A value that holds neither is returned as it is: `sklearn.base.clone` asks for the
    same object that a constructor was given.
    """
    if hasattr(value, "__array__") and not isinstance(value, type | np.generic):
        value = np.asarray(value).tolist()
    if isinstance(value, list):
        value = tuple(value)
    if type(value) is tuple:
        items = tuple(map(frozen, value))
        if any(new is not old for new, old in zip(items, value, strict=True)):
            return items
    return value
