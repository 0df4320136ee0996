"""Networks, requests and chips for tests of the emulators."""

import itertools

import numpy as np
from numpy.testing import assert_allclose

from ttfs import LIF
from ttfs.substrates import Layer, Network

NEURONS = {
    "equal": LIF(),
    "double": LIF(2.0, 1.0, 0.5),
    "general": LIF(0.03, 0.02, 2.6),
    "nonleaky": LIF(np.inf, 1.0, 1.0),
}


def make(neuron=LIF(), sizes=(20, 37, 5), n_samples=12, dtype=np.float64, seed=0, **kw):
    """Times of a batch, and a network in which most neurons fire."""
    rng = np.random.RandomState(seed)
    tau = neuron.tau_syn
    times = tau * rng.uniform(size=(n_samples, sizes[0]))
    times[rng.uniform(size=times.shape) < 0.4] = np.inf
    unit = neuron.threshold / (np.e * neuron.kappa(min(neuron.peak_delay, 2 * tau)))
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        active = 0.6 * n_in
        weights = rng.normal(8 / active, 2.5 / active**0.5, (n_in + 1, n_out)) * unit
        bias_times = np.array([0.9 * tau], dtype)
        layers.append(Layer(weights.astype(dtype), bias_times, neuron))
    return times.astype(dtype), Network(tuple(layers), **kw)


def check(got, wanted, atol, wrong=0):
    """The same neurons fire, but for `wrong` of them, and at the same times."""
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        differs = np.isinf(a) != np.isinf(b)
        assert differs.sum() <= wrong
        fires = np.isfinite(a) & np.isfinite(b)
        assert fires.mean() > 0.2
        assert_allclose(a[fires], b[fires], rtol=0, atol=atol)


EVERYTHING = {
    "weight_bits": 6,
    "weight_clip": 1.5,
    "threshold_spread": 0.05,
    "threshold_offset": 0.05,
    "threshold_drift": 0.02,
    "threshold_jitter": 0.03,
    "tau_mem_spread": 0.1,
    "tau_syn_spread": 0.1,
    "spike_jitter": 0.02,
    "spurious_rate": 0.05,
    "dead_neurons": 0.1,
    "dead_synapses": 0.1,
    "random_state": 7,
}
EACH = {
    "weight_bits": {"weight_bits": 4, "weight_clip": 1.0, "rows_per_input": 2},
    "weight_clip": {"weight_clip": 0.6},
    **{
        name: {name: 0.1}
        for name in EVERYTHING
        if name not in ("weight_bits", "weight_clip", "random_state")
    },
    "duration": {"duration": 1.5},
    "everything": EVERYTHING,
}
