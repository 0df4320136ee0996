"""Substrates: what fires in the place of the ideal simulator.

A substrate is a chip, or something that stands for one: any object with a method
``forward(times, network)`` that returns spike times, see :class:`Substrate`.
``TTFSClassifier(substrate=...)`` trains on what it measures there.
"""

from ttfs.substrates._base import Network, NetworkError, Substrate, SubstrateError
from ttfs.substrates._calibration import Calibrated, Calibration, calibrate
from ttfs.substrates._chip import AnalogChip
from ttfs.substrates._clocked import Clocked
from ttfs.substrates._ideal import Ideal
from ttfs.substrates._presets import PRESETS, Preset
from ttfs.substrates._remote import Remote
from ttfs.substrates._server import Server, serve

from ..model import Layer

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
