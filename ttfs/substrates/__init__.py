"""Substrates: what fires in the place of the ideal simulator.

A substrate is a chip, or something that stands for one: any object with a method
``forward(times, network)`` that returns spike times, see :class:`Substrate`.
``TTFSClassifier(substrate=...)`` trains on the spike times that it measures there.

- :data:`PRESETS` - published noise of chips for an :class:`AnalogChip`, by name
"""

from ..model import Layer, Network
from .analog import AnalogChip
from .calibration import Calibrated, Calibration, calibrate
from .clocked import Clocked
from .ideal import Ideal
from .presets import PRESETS, Preset
from .protocol import NetworkError, Substrate, SubstrateError
from .remote import Remote, Server, serve

__all__ = [
    "PRESETS",
    "AnalogChip",
    "Calibrated",
    "Calibration",
    "Clocked",
    "Ideal",
    "Layer",
    "Network",
    "NetworkError",
    "Preset",
    "Remote",
    "Server",
    "Substrate",
    "SubstrateError",
    "calibrate",
    "serve",
]
