"""Times as ticks, the unit of time of integers."""

import numpy as np

from .. import core as _core


def n_ticks_of(time, tick):
    """Times in ticks, rounded to nearest, halves up; float64 in the shape of `time`."""
    return np.floor(np.asarray(time, float) / tick + 0.5)


def on_grid(spikes, tick, n_ticks):
    """Spikes at the times of their ticks, which is where integers see them.

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
    with np.errstate(all="ignore"):  # between samples times are undefined
        ticks = np.clip(n_ticks_of(spikes.times, tick), 0, n_ticks)
        times = (ticks * tick).astype(spikes.times.dtype)
    # Spikes are sorted, so the late ones are the last of each sample.
    late = np.zeros(len(ticks) + 1, np.uintp)
    np.cumsum(ticks == n_ticks, out=late[1:])
    end = spikes.end - (late[spikes.end] - late[spikes.begin])
    return _core.Spikes(times, spikes.inputs, spikes.begin, end, spikes.n_in)
