"""Parameters of the objects that are parameters of an estimator."""

from sklearn.base import clone

from ..encoders import SHORTHANDS as ENCODERS
from ..encoders.base import BaseEncoder
from ..parameters import SHORTHANDS as PARAMETERS
from ..parameters import Parameters

# The objects that strings stand for, by parameter.
SHORTHANDS = {**PARAMETERS, "encoder": ENCODERS}


def with_params(name, value, params):
    """The object of a parameter, or of its shorthand, with other values in it."""
    shorthands = SHORTHANDS[name]
    value = shorthands.get(value, value) if isinstance(value, str) else value
    if isinstance(value, Parameters):
        return value.with_params(**params)
    if isinstance(value, BaseEncoder):
        return clone(value).set_params(**params)
    raise ValueError(
        f"Invalid parameter {next(iter(params))!r} for {name}={value!r}, which has no "
        f"parameters, unlike {', '.join(map(repr, shorthands))}"
    )
