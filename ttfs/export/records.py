"""JSON that is read with checks: every entry has a name, a kind and a place.

Whatever a file says wrongly is a `FormatError`, a ValueError that names the place.
"""

import json
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np

from .. import encoders, parameters
from ..core import TIME_LIMIT

_GREATEST = np.finfo(np.float64).max
_NOT_FINITE = {"inf": np.inf, "-inf": -np.inf}


def _by_name(*classes):
    return {cls.__name__: cls for cls in classes}


# Encoders whose channels are known, by their names in files.
ENCODERS = _by_name(
    encoders.LatencyEncoder, encoders.PopulationEncoder, encoders.SpikeTimesEncoder
)
# Objects that parameters may be.
_OBJECTS = ENCODERS | _by_name(
    parameters.CrossEntropy,
    parameters.ExactGradient,
    parameters.LocalRule,
    parameters.SquaredError,
)


def check_encoder(encoder):
    """Raise TypeError unless an encoder can be exported."""
    if type(encoder) not in ENCODERS.values():
        raise TypeError(
            f"the encoder {encoder!r} cannot be exported: its channels are not those "
            "of an encoder of ttfs.encoders"
        )


class FormatError(ValueError):
    """A file that is not what it should be."""


@contextmanager
def errors_of(where):
    """Let errors of objects that are made of entries be FormatErrors of their place."""
    try:
        yield
    except FormatError:
        raise
    except (TypeError, ValueError) as error:
        raise FormatError(f"{where}: {error}") from error


def parse(text):
    """The data of a text in JSON, without numbers that are not finite."""
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        raise FormatError(f"it is not valid JSON: {error}") from error


def _refuse_constant(name):
    raise FormatError(f"{name} is no number of JSON")


def _unique(pairs):
    data = dict(pairs)
    if len(data) < len(pairs):
        raise FormatError("an object has two entries of one name")
    return data


class Record:
    """An object of JSON whose entries are asked for by name and kind.

    `where` is its place in the file, for errors; it must have the entries `names`, and
    no others.
    """

    def __init__(self, data, where, names):
        self.where = where
        if not isinstance(data, dict):
            raise FormatError(f"{where} must be an object, got {_shown(data)}")
        names = set(names)
        for found, what in ((names - set(data), "no"), (set(data) - names, "unknown")):
            if found:
                raise FormatError(f"{where} has {what} entry {sorted(found)[0]!r}")
        self.data = data

    def check(self, name, is_right, wanted):
        """Raise FormatError unless an entry is what it should be."""
        if not is_right:
            shown = _shown(self.data[name])
            raise FormatError(f"{self.where}.{name} must be {wanted}, got {shown}")

    def optional(self, name, read, *args):
        """What a method of this record reads; None if there is no value."""
        return None if self.data[name] is None else read(name, *args)

    def flag(self, name):
        """True or False."""
        self.check(name, type(self.data[name]) is bool, "true or false")
        return self.data[name]

    def text(self, name, options=None):
        """A string, one of the options if there are any."""
        value = self.data[name]
        is_right = isinstance(value, str) and (not options or value in options)
        self.check(name, is_right, f"one of {list(options)}" if options else "a string")
        return value

    def integer(self, name, low=0, high=2**53):
        """An integer from low to high."""
        value = self.data[name]
        is_right = type(value) is int and low <= value <= high
        self.check(name, is_right, f"an integer from {low} to {high}")
        return value

    def number(self, name, *, may_be_inf=False):
        """A finite number, or "inf" if it may be."""
        value = self.data[name]
        if may_be_inf and value == "inf":
            return np.inf
        # Numbers like 1e999 are read as infinity.
        is_right = type(value) in (int, float) and abs(value) <= _GREATEST
        self.check(name, is_right, "a finite number")
        return float(value)

    def positive(self, name):
        """A finite number above 0."""
        value = self.number(name)
        self.check(name, value > 0, "positive")
        return value

    def items(self, name, length=None):
        """A list, of this length if one is given."""
        value = self.data[name]
        is_right = isinstance(value, list) and length in (None, len(value))
        self.check(name, is_right, "a list" + (f" of {length}" if length else ""))
        return value

    def shape(self, name, n_axes=1):
        """The shape of an array, or of a list of as many axes by its first entries."""
        value, found = self.data[name], []
        if isinstance(value, np.ndarray):
            return value.shape
        for _ in range(n_axes):
            self.check(name, isinstance(value, list), f"an array with {n_axes} axes")
            found.append(len(value))
            value = value[0] if value else []
        return tuple(found)

    def array(self, name, shape, dtype=np.float64, *, null=None, limit=TIME_LIMIT):
        """Finite numbers in an array of this shape, whose magnitude is below a limit.

        Booleans and integers are not mixed with other numbers. null in JSON stands for
        `null`, or is refused if that is None.
        """
        value, wanted = self.data[name], f"numbers of shape {shape}"
        if isinstance(value, np.ndarray):  # not from JSON
            array = value
        else:
            self.check(name, _has_shape(value, shape), wanted)
            flat = value
            for _ in shape[1:]:
                flat = [item for row in flat for item in row]
            dtype = np.dtype(dtype)
            kinds = {"b": {bool}, "u": {int}, "i": {int}}.get(dtype.kind, {int, float})
            if null is not None:
                kinds = {*kinds, type(None)}
            self.check(name, set(map(type, flat)) <= kinds, wanted)
            if null is not None:
                flat = [null if item is None else item for item in flat]
            try:
                array = np.array(flat, dtype).reshape(shape)
            except OverflowError:
                self.check(name, False, f"{wanted}, of type {dtype}")
        self.check(name, array.shape == shape, wanted)
        if array.dtype.kind == "f":
            finite = array if null is None else array[~np.isnan(array)]
            is_right = (np.abs(finite) < limit).all()
            self.check(name, is_right, f"{wanted}, finite and below {limit:g}")
        return np.ascontiguousarray(array, dtype)


def _has_shape(value, shape):
    if not isinstance(value, list) or len(value) != shape[0]:
        return False
    return len(shape) == 1 or all(_has_shape(row, shape[1:]) for row in value)


def _shown(value):
    text = json.dumps(value) if not isinstance(value, np.ndarray) else "an array"
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- Parameters ------------------------------------------------------------------------


def encoded(value, name):
    """The parameter of an estimator or of an object as data.

    Numbers, strings, true, false, null and lists stand for themselves, arrays become
    lists; {"number": "inf"} and {"tuple": [...]}, {"pairs": [[key, value], ...]} for a
    dict and {"object": class, "parameters": {...}} are all else.
    """
    if value is None or isinstance(value, str | bool | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and not np.isnan(value):
        value = float(value)
        return value if np.isfinite(value) else {"number": str(value)}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [encoded(item, name) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encoded(item, name) for item in value]}
    if isinstance(value, dict):
        pairs = [[encoded(k, name), encoded(v, name)] for k, v in value.items()]
        return {"pairs": pairs}
    if _OBJECTS.get(type(value).__name__) is type(value):
        return {
            "object": type(value).__name__,
            "parameters": {
                inner: encoded(one, f"{name}__{inner}")
                for inner, one in value.get_params(deep=False).items()
            },
        }
    raise ValueError(
        f"JSON cannot hold the parameter {name}={value!r}: only numbers, strings, "
        "lists, and encoders and parameter objects of ttfs"
    )


def decoded(data, where):
    """The parameter that `encoded` has made data of."""
    if isinstance(data, list):
        return [decoded(item, where) for item in data]
    if not isinstance(data, dict):
        return data
    if set(data) == {"number"}:
        name = Record(data, where, ["number"]).text("number", _NOT_FINITE)
        return _NOT_FINITE[name]
    if set(data) == {"tuple"}:
        items = Record(data, where, ["tuple"]).items("tuple")
        return tuple(decoded(item, where) for item in items)
    if set(data) == {"pairs"}:
        return _decoded_dict(Record(data, where, ["pairs"]))
    record = Record(data, where, ["object", "parameters"])
    cls = _OBJECTS[record.text("object", _OBJECTS)]
    return decoded_object(cls, data["parameters"], f"{where}.parameters")


def _decoded_dict(record):
    result = {}
    for pair in record.items("pairs"):
        is_pair = isinstance(pair, list) and len(pair) == 2
        record.check("pairs", is_pair, "pairs of a key and a value")
        key, value = (decoded(item, record.where) for item in pair)
        is_key = isinstance(key, str | int | float)
        record.check("pairs", is_key, "pairs with keys that are strings or numbers")
        result[key] = value
    return result


def decoded_parameters(data, where):
    """Arguments of a constructor."""
    names = set(data) if isinstance(data, dict) else ()
    data = Record(data, where, names).data
    return {name: decoded(value, f"{where}.{name}") for name, value in data.items()}


def decoded_object(cls, data, where):
    """An object of a class with these parameters, which are valid."""
    with errors_of(where):
        value = cls(**decoded_parameters(data, where))
        getattr(value, "validate", getattr(value, "_validate_params", None))()
    return value
