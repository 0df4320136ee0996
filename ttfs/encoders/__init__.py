"""Features to spike times: scikit-learn transformers, and spike trains.

Public names:

- :class:`LatencyEncoder` - the greater a feature, the earlier its spike
- :class:`PopulationEncoder` - several receptive fields for each feature
- :class:`SpikeTimesEncoder` - for features that are spike times already
- :class:`LevelCrossingEncoder` - signals to spike trains, by send-on-delta
- :class:`FilterBank` - bands of frequencies of signals
- :class:`ttfs.SpikeTrains` - data in which a channel may have several spikes
"""

import reprlib
from dataclasses import dataclass

from sklearn.base import clone

from .._frozen import frozen
from .cells import is_cells
from .latency import LatencyEncoder
from .population import PopulationEncoder
from .signals import FilterBank, LevelCrossingEncoder
from .spike_times import SpikeTimesEncoder
from .spike_trains import SpikeTrains

__all__ = [
    "FilterBank",
    "LatencyEncoder",
    "LevelCrossingEncoder",
    "PopulationEncoder",
    "SpikeTimesEncoder",
    "SpikeTrains",
]

# What estimators take in place of an encoder.
SHORTHANDS = {
    "auto": LatencyEncoder(),
    "latency": LatencyEncoder(complement=False),
    "complement": LatencyEncoder(complement=True),
    "population": PopulationEncoder(),
    "spike_times": SpikeTimesEncoder(),
}


def make_encoder(encoder, window, X=None):
    """A new valid encoder, not fitted, from the parameter `encoder` of an estimator.

    An encoder without a window gets `window`; for spike trains X, "auto" means
    "spike_times".
    """
    if isinstance(encoder, str):
        if encoder == "auto" and (isinstance(X, SpikeTrains) or is_cells(X)):
            encoder = "spike_times"
        encoder = SHORTHANDS[encoder]
    encoder = clone(encoder)
    if getattr(encoder, "window", window) is None:
        encoder.set_params(window=window)
    encoder._validate_params()
    return encoder


@dataclass(frozen=True, eq=False)
class FrozenEncoder:
    """What distinguishes an encoder from another one: its class and its parameters.

    A parameter that is missing counts as None: a stored model may be older than it.
    """

    name: str
    params: tuple

    def _given(self):
        return self.name, {k: value for k, value in self.params if value is not None}

    def __eq__(self, other):
        return isinstance(other, FrozenEncoder) and self._given() == other._given()

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        values = ", ".join(
            f"{name}={reprlib.repr(value)}" for name, value in self.params
        )
        return f"{self.name}({values})"


def freeze(encoder):
    """The parameter `encoder` of an estimator as a value that does not change.

    A shorthand gives the value of the object that it stands for.
    """
    encoder = SHORTHANDS[encoder] if isinstance(encoder, str) else encoder
    params = encoder.get_params().items()
    return FrozenEncoder(
        type(encoder).__name__, tuple((name, frozen(value)) for name, value in params)
    )
