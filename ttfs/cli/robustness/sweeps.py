"""Sweeps: the parameters of an emulated chip that are varied, and the chips."""

from dataclasses import dataclass

import numpy as np

from ...substrates import PRESETS, AnalogChip
from ..arguments import make_chip, read_number
from ..data import DataError

# Bits of a weight mean nothing without a greatest weight: here that of a real chip.
_CLIP = PRESETS["delgrad"].parameters["weight_clip"]
# Features times rows of synapses for each feature. As was published, the 4 features of
# Yin-Yang have 5 rows each: where inputs are few their weights are large.
_ROWS = 20


@dataclass(frozen=True)
class Sweep:
    """What a sweep changes: parameters of `AnalogChip`, which all have one value."""

    label: str  # of the axis in the figure, with the unit
    values: tuple  # of a command line without values
    parameters: tuple


_DEFAULT = {
    "weight_bits": ("bits of a weight", (2, 3, 4, 6)),
    "weight_clip": ("greatest weight [threshold]", (0.2, 0.4, 0.8, 1.6)),
    "spike_jitter": ("jitter of spikes [tau_syn]", (0.01, 0.02, 0.05, 0.1)),
    "threshold_spread": ("spread of thresholds", (0.02, 0.05, 0.1, 0.2)),
    "tau_spread": ("spread of time constants", (0.05, 0.1, 0.2, 0.3)),
    "dead_neurons": ("fraction of dead neurons", (0.02, 0.05, 0.1, 0.2)),
}
_OTHERS = {
    "threshold_jitter": ("jitter of thresholds", (0.01, 0.02, 0.05, 0.1)),
    "time_resolution": ("time resolution [tau_syn]", (0.01, 0.02, 0.05, 0.1)),
    "spurious_rate": (
        "rate of spurious spikes [1 / tau_syn]",
        (0.005, 0.01, 0.02, 0.05),
    ),
    "dead_synapses": ("fraction of dead synapses", (0.02, 0.05, 0.1, 0.2)),
}
# A sweep is called like the parameter that it changes, except where there are several.
_SEVERAL = {"tau_spread": ("tau_mem_spread", "tau_syn_spread")}
DEFAULT_SWEEPS = tuple(_DEFAULT)
SWEEPS = {
    name: Sweep(*row, _SEVERAL.get(name, (name,)))
    for name, row in (_DEFAULT | _OTHERS).items()
}


def read_sweeps(texts):
    """The points of the sweeps that texts name, or of the default sweeps.

    A point is a pair of the name of a sweep and a value; values of a sweep are sorted.
    """
    chosen = {}
    for text in texts or DEFAULT_SWEEPS:
        name, numbers = read_sweep(text)
        chosen.setdefault(name, set()).update(numbers)
    return [(name, value) for name in chosen for value in sorted(chosen[name])]


def read_sweep(text):
    """The name and the values of a sweep, from ``NAME`` or ``NAME=V1,V2,...``."""
    name, equals, values = text.partition("=")
    name = name.strip()
    if name not in SWEEPS:
        raise DataError(f"unknown sweep {name!r}: choose from {', '.join(SWEEPS)}")
    numbers = SWEEPS[name].values
    if equals:
        numbers = [read_number(part.strip(), text) for part in values.split(",")]
    if not all(number is not None and np.isfinite(number) for number in numbers):
        raise DataError(f"values of {name} must be finite numbers, got {values!r}")
    return name, numbers


def make_base(data, preset, settings):
    """The chip that the sweeps start from: an ideal one, unless something is set.

    Without a preset its wiring follows from the data: the fewer features there are, the
    more rows of synapses each feature has.
    """
    if preset is None:
        rows = max(1, round(_ROWS / data.n_channels))
        settings = [f"rows_per_input={rows}", *settings]
    return make_chip(preset, settings)


def make_point(base, name, value, number):
    """The chip with this number at a point of a sweep."""
    parameters = {key: getattr(base, key) for key in AnalogChip.__init__.__kwdefaults__}
    if name == "weight_bits" and base.weight_clip is None:
        parameters["weight_clip"] = _CLIP
    parameters.update(dict.fromkeys(SWEEPS[name].parameters, value))
    return AnalogChip(**{**parameters, "random_state": base.random_state + number})
