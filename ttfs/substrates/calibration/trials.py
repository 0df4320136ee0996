"""Experiments that excite all neurons of a substrate."""

from dataclasses import replace

import numpy as np

from ...model import Network
from ...model.geometry import Full
from ...model.initial_weights import initial_weights
from ..checks import measure, weight_limits, weight_steps

# What neurons are excited with: stretched inputs tell most about time constants.
_STRETCHES = 1.0, 2.0, 3.0  # factors of the input times
_DRIVES = 3.0, 4.0, 6.0  # mean of the weights, see initial_weights()
_SPREAD = 2.5  # spread of the weights, see initial_weights()


def _excitation(rng, layer, n_active, drive, limit, step):
    """A layer with random weights: the substrate has them, and most neurons fire."""
    n_active += layer.n_bias - layer.n_fixed
    shape = layer.n_in + layer.n_bias, layer.n_out
    weights = initial_weights(
        rng, *shape, n_active, layer.neuron, drive=drive, spread=_SPREAD
    )
    weights = np.clip(weights, -limit, limit)
    # Spikes of a read-out, all at one time, would tell little.
    weights[len(weights) - layer.n_fixed :] = 0
    if step > 0:
        weights = np.rint(weights / step) * step
    weights = weights.astype(layer.weights.dtype)
    full = Full.of_weights(weights, layer.n_bias)
    return replace(layer, weights=weights, geometry=full)


def run_trials(substrate, times, network, n_trials, n_samples, rng):
    """Let the substrate run random networks of the shape of `network`.

    For each layer: the inputs (n, n_in) in the samples of all trials, biases included;
    the weights (n_trials, n_in, n_out); the spikes (n, n_out); and the time t_max of
    each trial, from which on spikes were not seen.
    """
    begin = times[np.isfinite(times)].min(initial=0.0)
    n_active = [np.isfinite(times).sum(axis=1).mean()]
    n_active += [layer.n_out for layer in network.layers[:-1]]
    limits = weight_limits(substrate, network.layers)
    steps = weight_steps(substrate, network.layers)
    trials = []
    for r in range(n_trials):
        stretch = _STRETCHES[r % len(_STRETCHES)]
        drive = _DRIVES[r // len(_STRETCHES) % len(_DRIVES)]
        layers = tuple(
            _excitation(rng, layer, n, drive, limit, step)
            for layer, n, limit, step in zip(
                network.layers, n_active, limits, steps, strict=True
            )
        )
        rows = rng.permutation(len(times))[:n_samples]
        inputs = begin + stretch * (times[rows] - begin)
        t_max = begin + stretch * (network.t_max - begin)
        inputs = inputs.astype(times.dtype)
        spikes = measure(substrate, inputs, Network(layers, t_max))
        n_active[1:] = [np.isfinite(s).sum(axis=1).mean() for s in spikes[:-1]]
        spikes = [layer.astype(float) for layer in spikes]
        seen = [inputs.astype(float), *spikes[:-1]]
        trials.append(
            [
                (
                    np.hstack([s, np.tile(layer.bias_times, (len(s), 1))]),
                    layer.weights.astype(float),
                    fired,
                    t_max,
                )
                for s, layer, fired in zip(seen, layers, spikes, strict=True)
            ]
        )
    return [
        (np.vstack(inputs), np.stack(weights), np.vstack(fired), t_max)
        for inputs, weights, fired, t_max in (
            zip(*layer, strict=True) for layer in zip(*trials, strict=True)
        )
    ]
