"""What a network is: neurons, layers, initial weights, and spike times of one layer."""

from .first_spike import first_spike, first_spike_vjp
from .layer import Layer
from .lif import LIF
from .membrane import membrane_traces
from .network import Network
from .recording import Recording
from .spike_trains import spike_trains, spike_trains_vjp

__all__ = [
    "LIF",
    "Layer",
    "Network",
    "Recording",
    "first_spike",
    "first_spike_vjp",
    "membrane_traces",
    "spike_trains",
    "spike_trains_vjp",
]
