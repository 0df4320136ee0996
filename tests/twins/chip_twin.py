"""An emulated chip, slow and readable: what src/real/network/chip.h must do.

Each neuron of each sample is one call of `ttfs.first_spike`, which other tests compare
with 50 digits. Random bits are those of the C core, from whole numbers; their normal
quantiles are SciPy's.
"""

import math
import struct
import zlib

import numpy as np
from scipy.special import ndtri

from ttfs import LIF, first_spike

MASK = 2**64 - 1
THRESHOLD_NOISE, SPIKE_NOISE, SPURIOUS_NOISE = range(3)


def mix(x):
    """SplitMix64."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def draw(key, n):
    return mix(key + (n + 1) * 0x9E3779B97F4A7C15 & MASK)


def sample_key(seed, spikes, tau_syn):
    """The key of the noise of a sample with spikes (time, input), sorted.

    Spike times are taken in the greatest power of two that is not above the tau_syn of
    the first layer, so that the key is the same in all units.
    """
    key = draw(seed, len(spikes))
    unit = 2.0 ** math.floor(math.log2(tau_syn))
    for t, i in spikes:
        (bits,) = struct.unpack("<Q", struct.pack("<d", t / unit + 0.0))
        key = mix((key ^ bits) + i * 0x9E3779B97F4A7C15 & MASK)
    return key


def uniforms(key, n):
    """Numbers in (0, 1), by 23 bits of a 32-bit hash."""
    out = []
    for j in range(n):
        h = (key & 0xFFFFFFFF) + j * 0x9E3779B9 & 0xFFFFFFFF
        h ^= h >> 16
        h = h * 0x7FEB352D & 0xFFFFFFFF
        h ^= h >> 15
        h = (h ^ key >> 32) * 0x846CA68B & 0xFFFFFFFF
        h ^= h >> 16
        h = h * 0x7FEB352D & 0xFFFFFFFF
        h ^= h >> 15
        out.append(((h >> 9) + 0.5) / 2**23)
    return np.array(out)


def setting(network):
    """The number of a set of weights.

    In the greatest power of two that the threshold has room for, like the key of a
    sample.
    """
    n = 0
    for layer in network.layers:
        unit = 2.0 ** math.floor(math.log2(layer.neuron.threshold))
        weights = layer.weights / layer.weights.dtype.type(unit)
        n = zlib.adler32(np.ascontiguousarray(weights).tobytes(), n)
    return n


class Pattern:
    """The fixed pattern of the first n circuits of a chip."""

    def __init__(self, chip, n, network):
        def factors(stream, spread, mean=1.0):
            rng = np.random.RandomState([chip.random_state, stream])
            return np.maximum(mean + spread * rng.standard_normal(n), 0.1)

        self.threshold = factors(0, chip.threshold_spread, 1 + chip.threshold_offset)
        self.tau_mem = factors(1, chip.tau_mem_spread)
        self.tau_syn = factors(2, chip.tau_syn_spread)
        rng = np.random.RandomState([chip.random_state, 3])
        self.is_dead = rng.uniform(size=n) < chip.dead_neurons
        key = chip.random_state << 64 | 5 << 32 | setting(network)
        rng = np.random.Generator(np.random.Philox(key=key))
        drift = chip.threshold_drift * rng.standard_normal(n)
        self.threshold = np.maximum(self.threshold + drift, 0.1)


def programmed(chip, layer, k):
    """The weights that synapses get."""
    weights, unit = layer.weights.astype(float), layer.neuron.threshold
    if chip.weight_clip is not None:
        limit = chip.weight_clip * (chip.rows_per_input if k == 0 else 1)
        weights = np.clip(weights, -limit * unit, limit * unit)
    if chip.weight_bits is not None:
        step = chip.weight_clip * unit / (2**chip.weight_bits - 1)
        weights = np.round(weights / step) * step
    rng = np.random.RandomState([chip.random_state, 4, k])
    is_dead = rng.uniform(size=weights.shape) < chip.dead_synapses
    return np.where(is_dead, 0.0, weights)


def forward(chip, times, network):
    """Spike times (n_samples, n_out) of each layer, float64."""
    n_neurons = sum(layer.weights.shape[1] for layer in network.layers)
    pattern = Pattern(chip, n_neurons, network)
    seed = chip.random_state << 32 | setting(network)
    weights = [programmed(chip, layer, k) for k, layer in enumerate(network.layers)]
    out = [np.empty((len(times), w.shape[1])) for w in weights]
    for s, row in enumerate(np.asarray(times, float)):
        first, inputs = 0, row
        for k, layer in enumerate(network.layers):
            bias_times = layer.bias_times.astype(times.dtype).astype(float)
            inputs = np.concatenate([inputs, bias_times])
            if k == 0:
                spikes = [(t, i) for i, t in enumerate(inputs) if t < np.inf]
                key = sample_key(seed, sorted(spikes), network.layers[0].neuron.tau_syn)
            n_out = weights[k].shape[1]
            inputs = fire(
                chip, pattern, layer.neuron, first, weights[k], inputs, draw(key, k)
            )
            t_max = min(network.t_max, chip.duration * layer.neuron.tau_syn)
            inputs[inputs >= t_max] = np.inf
            inputs[pattern.is_dead[first : first + n_out]] = np.inf
            out[k][s] = inputs
            first += n_out
    return out


def fire(chip, pattern, nominal, first, weights, inputs, key):
    """Spikes of a layer in one sample, before they are lost."""
    n = weights.shape[1]
    trial = np.ones(n)
    if chip.threshold_jitter:
        z = ndtri(uniforms(draw(key, THRESHOLD_NOISE), n))
        trial = np.maximum(1 + chip.threshold_jitter * z, 0.1)
    spikes = np.empty(n)
    for j in range(n):
        c = first + j
        neuron = LIF(
            nominal.tau_mem * pattern.tau_mem[c],
            nominal.tau_syn * pattern.tau_syn[c],
            nominal.threshold * pattern.threshold[c] * trial[j],
        )
        spikes[j] = first_spike(inputs[None], weights[:, [j]], neuron)[0, 0]
    tau = nominal.tau_syn
    if chip.spike_jitter:
        z = ndtri(uniforms(draw(key, SPIKE_NOISE), n))
        spikes = spikes + chip.spike_jitter * tau * z
    if chip.spurious_rate:
        u = uniforms(draw(key, SPURIOUS_NOISE), n)
        spikes = np.minimum(spikes, -np.log(u) * tau / chip.spurious_rate)
    if chip.time_resolution:
        step = chip.time_resolution * tau
        spikes = np.floor(spikes / step) * step
    return spikes


def clocked(times, layer, step, t_max):
    """Spike times of a layer in time steps, forward Euler, float64."""
    out = np.full((len(times), layer.weights.shape[1]), np.inf)
    neuron = layer.neuron
    for s, row in enumerate(np.asarray(times, float)):
        inputs = np.concatenate([row, layer.bias_times])
        if not np.isfinite(inputs).any():
            continue
        arrives = np.ceil(inputs / step)
        u = current = np.zeros(out.shape[1])
        for n in range(int(arrives.min()), int(np.ceil(t_max / step))):
            current = current + layer.weights[arrives == n].sum(axis=0)
            out[s, (u >= neuron.threshold) & np.isinf(out[s])] = n * step
            u, current = (
                u + step * (current / neuron.tau_syn - u / neuron.tau_mem),
                current - step * current / neuron.tau_syn,
            )
    return out
