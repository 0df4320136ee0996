"""Write golden_<regime>.npz: first spikes of random neurons to 50 digits, rounded.

    python tests/data/make_golden.py [regime ...]

The inputs are not stored: ``neurons.draw(regime, index)`` gives them back bit by bit,
to be scaled by the ``scale`` stored here. ``checksum`` covers parameters, times and
scaled weights. Meaning of the other columns: see ``reference.Spike``.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path += [str(Path(__file__).parents[1] / name) for name in ("support", "twins")]

import neurons
import reference

N_NEURONS = 2304


def make(regime):
    scales, rows, scaled = [], [], []
    for index in range(N_NEURONS):
        raw = neurons.draw(regime, index)
        taus = raw.tau_mem, raw.tau_syn
        maxima = reference.local_maxima(raw.times, raw.weights, *taus)
        scale = neurons.choose_scale(raw, maxima, index)
        neuron = raw.scaled(scale)
        spike = reference.first_spike(neuron.times, neuron.weights, *neuron.parameters)
        scales.append(scale)
        scaled.append(neuron)
        rows.append([float(value) for value in spike])
    columns = dict(zip(reference.Spike._fields, np.array(rows).T, strict=True))
    digest = neurons.checksum(scaled)
    path = neurons.DATA / f"golden_{regime}.npz"
    np.savez_compressed(path, scale=scales, checksum=digest, **columns)
    return np.isfinite(columns["time"]).mean()


if __name__ == "__main__":
    for name in sys.argv[1:] or neurons.REGIMES:
        start = time.perf_counter()
        fired = make(name)
        seconds = time.perf_counter() - start
        print(f"{name}: {fired:.1%} of {N_NEURONS} fire, {seconds:.0f} s")
