"""Times as ticks, the unit of time of integers."""

import numpy as np

from .. import _fixed
from .. import core as _core


def n_ticks_of(time, tick):
    """Times in ticks, rounded to nearest, halves up; float64 in the shape of `time`."""
    return np.floor(np.asarray(time, float) / tick + 0.5)


def on_grid(spikes, tick, n_ticks):
    """Spikes at the times of their ticks, sorted by input in each.

    Those at `n_ticks` ticks or later are absent.
    """
    events = _fixed.TickSpikes.from_spikes(spikes, tick, n_ticks)
    times = (events.ticks * tick).astype(spikes.times.dtype)
    inputs = events.inputs.astype(np.uint32)
    return _core.Spikes(times, inputs, events.begin, events.end, spikes.n_in)
