"""What a network is: neurons, layers, initial weights, and spike times of one layer."""

from .first_spike import first_spike, first_spike_vjp
from .layer import Layer
from .lif import LIF
from .network import Network
from .spike_trains import spike_trains, spike_trains_vjp

__all__ = [
    "LIF",
    "Layer",
    "Network",
    "first_spike",
    "first_spike_vjp",
    "spike_trains",
    "spike_trains_vjp",
]
