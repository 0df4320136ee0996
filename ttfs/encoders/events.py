"""Events of cameras and of silicon cochleas: channels and times of their fields."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np

# What libraries call the fields of an event.
_NAMES = {
    "x": ("x", "addr", "units"),
    "y": ("y",),
    "t": ("t", "ts", "timestamp", "times"),
    "p": ("p", "pol", "polarity", "on"),
}


@dataclass(frozen=True)
class Sensor:
    """The pixels of a sensor, of which `factor` times `factor` become one channel."""

    width: int
    height: int
    n_polarities: int
    factor: int

    @classmethod
    def of(cls, sensor_size, factor):
        """The sensor of the parameters `sensor_size` and `downsample`."""
        sizes = sensor_size if np.iterable(sensor_size) else (sensor_size,)
        sizes = tuple(sizes)
        if not (
            1 <= len(sizes) <= 3
            and all(isinstance(n, Integral) and n >= 1 for n in sizes)
        ):
            raise ValueError(
                "sensor_size must be a positive integer, or two or three of them: "
                f"(width, height, n_polarities), got {sensor_size!r}"
            )
        if not (isinstance(factor, Integral) and factor >= 1):
            raise ValueError(f"downsample must be a positive integer, got {factor!r}")
        width, height, n_polarities = (int(n) for n in (*sizes, 1, 1)[:3])
        return cls(width, height, n_polarities, int(factor))

    @property
    def shape(self):
        """Polarities, rows and columns of what is left of the pixels."""
        rows, columns = (-(-n // self.factor) for n in (self.height, self.width))
        return self.n_polarities, rows, columns

    def channels(self, fields):
        """The channel of each event, from its `Fields`."""
        x = fields.indices("x", self.width) // self.factor
        y = fields.indices("y", self.height, or_zeros=self.height == 1) // self.factor
        p = 0
        if self.n_polarities > 1:
            p = fields.indices("p", self.n_polarities)
        _, rows, columns = self.shape
        return (p * rows + y) * columns + x


def has_fields(events):
    """Whether this is a structured array or a mapping, such as a DataFrame."""
    dtype = getattr(events, "dtype", None)
    return hasattr(events, "keys") or getattr(dtype, "names", None) is not None


class Fields:
    """The fields of the events of one sample, checked; `name` is that of the sample."""

    def __init__(self, events, name):
        self._events, self._name = events, name
        if not has_fields(events):
            raise TypeError(
                f"{name} must be a structured array, with a name for each field, got "
                f"{type(events).__name__}; of pairs (events, target) pass the events "
                "alone"
            )
        keys = getattr(events, "keys", None)
        self._names = tuple(keys() if keys else events.dtype.names)
        self.times = self._field("t")
        if self.times.dtype.kind not in "iuf":
            raise TypeError(
                f"the times of {name} must be real numbers, not {self.times.dtype}"
            )
        if not np.isfinite(self.times).all():
            raise ValueError(
                f"the times of {name} must be finite, but there are NaN or infinite "
                "ones: an event without a time is no event"
            )

    def _find(self, field):
        """The name that a field has here, or None."""
        return next((name for name in _NAMES[field] if name in self._names), None)

    def _field(self, field):
        found = self._find(field)
        if found is None:
            raise ValueError(
                f"{self._name} has no field {' or '.join(map(repr, _NAMES[field]))}: "
                f"its fields are {', '.join(map(repr, self._names))}"
            )
        values = np.asarray(self._events[found])
        if values.ndim != 1 or (field != "t" and values.shape != self.times.shape):
            raise ValueError(
                f"the fields of {self._name} must be 1-d and equally long, but "
                f"{found!r} has shape {values.shape}"
            )
        return values

    def indices(self, field, n, *, or_zeros=False):
        """A field as integers below n; zeros, if it may be missing and is."""
        if or_zeros and self._find(field) is None:
            return np.zeros(len(self.times), np.int64)
        values = self._field(field)
        if len(values) and values.dtype.kind not in ("biu" if field == "p" else "iu"):
            raise TypeError(
                f"{field} of {self._name} must be integers, not {values.dtype}"
            )
        values = values.astype(np.int64)
        if field == "p" and n == 2 and np.isin(values, (-1, 1)).all():
            values = np.maximum(values, 0)  # -1 and 1 instead of 0 and 1
        if len(values) and not 0 <= values.min() <= values.max() < n:
            raise ValueError(
                f"{field} of {self._name} must be in [0, {n}), as sensor_size says, "
                f"but ranges from {values.min()} to {values.max()}"
            )
        return values


def in_window(times, time_unit, t_start, duration):
    """Times from `t_start` in another unit, and which are in the window."""
    is_kept = np.ones(len(times), bool)
    if isinstance(t_start, str):
        # Integers lose nothing, however long the clock of the sensor has run.
        if len(times):
            times = times - times.min()
        t_start = 0.0
    times = times * np.float64(time_unit)
    if t_start is not None:
        times = times - t_start
        is_kept &= times >= 0
    if duration is not None:
        is_kept &= times < duration
    return times, is_kept
