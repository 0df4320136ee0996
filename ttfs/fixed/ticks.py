"""Times as ticks, the unit of time of integers."""

import numpy as np

from .. import _fixed
from .. import core as _core


def n_ticks_of(time, tick):
    """Times in ticks, rounded to nearest, halves up; float64 in the shape of `time`."""
    return np.floor(np.asarray(time, float) / tick + 0.5)


def on_grid(spikes, tick, n_ticks):
    """Spikes at the times of their ticks, which is where integers see them.

    Spikes in one tick are sorted by input.

    Parameters
    ----------
    spikes : core.Spikes
        Spikes at real times.
    tick : float
        Length of a tick, in the unit of the times.
    n_ticks : int
        Number of ticks; spikes in later ones are absent.

    Returns
    -------
    spikes : core.Spikes
    """
    events = _fixed.TickSpikes.from_spikes(spikes, tick, n_ticks)
    times = (events.ticks * tick).astype(spikes.times.dtype)
    inputs = events.inputs.astype(np.uint32)
    return _core.Spikes(times, inputs, events.begin, events.end, spikes.n_in)
