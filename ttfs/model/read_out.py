"""The read-out: biases that make every output neuron fire soon after a given time.

At the time t_r of the read-out input spikes of the same weight, w together, reach all
output neurons. Their current raises a membrane by w / tau_syn for each unit of time at
first, so an output that has not fired before, with the membrane u, fires about

    t - t_r = (threshold - u) tau_syn / w

later: outputs fire in the order of their membranes at the read-out, up to terms of the
order of 1 / w. The weight is not trained; a trained one would be driven back by the
other weights.

Spikes after the read-out lie close together. Decisions and losses stretch the time
after it, by :func:`stretch`: an output that misses the threshold by a unit of membrane
at the read-out is then as late as a silent one whose peak misses it by as much.

The weight is the same for all time constants of the membrane. An output whose membrane
is less than about two thresholds below 0 then fires within half a tau_syn if no other
current holds it down: a leak takes from what lifts it, and from what it has to make up
for. (A weight in :func:`weight_unit` is too small without leak, and leaves samples
without an output spike.)
"""

from dataclasses import replace

import numpy as np

from .initial_weights import weight_unit

WEIGHT = 8.0  # of the read-out, in thresholds
MAX_WEIGHT = 1.0  # of each of its spikes, in weight_unit(): most chips have that
MAX_SPIKES = 1000  # that share the weight


def with_read_out(layer, time, max_weight=np.inf, step=0.0):
    """The output layer with biases, at this time, that read it out and are not trained.

    As many spikes share the weight of the read-out as the greatest weight of a synapse
    and `MAX_WEIGHT` ask for. Weights, and their sum, are multiples of a `step` above 0.
    """
    total, dtype = WEIGHT * layer.neuron.threshold, layer.weights.dtype
    n_spikes = total / min(MAX_WEIGHT * weight_unit(layer.neuron), max_weight)
    if n_spikes > MAX_SPIKES:
        raise ValueError(
            f"weights up to {max_weight:g} are too small for a read-out: more than "
            f"{MAX_SPIKES} input spikes would share its weight of {total:g}; "
            "read_out=None leaves it out"
        )
    n = int(np.ceil(n_spikes * (1 - 1e-6)))  # limits in single precision are lower
    weights = np.full(n, total / n)
    if step > 0:
        # The sum is rounded, not each weight: few bits would leave nothing of them.
        n_steps = round(total / step)
        weights = (n_steps // n + (np.arange(n) < n_steps % n)) * step
    rows = np.repeat(weights[:, None], layer.n_out, axis=1).astype(dtype)
    delays = layer.delays
    if delays is not None:
        delays = np.concatenate([delays, np.zeros((n, *delays.shape[1:]), dtype)])
    return replace(
        layer,
        weights=np.concatenate([layer.weights, rows]),
        bias_times=np.append(layer.bias_times, np.full(n, time)),
        delays=delays,
        n_fixed=layer.n_fixed + n,
    )


def without_read_out(layer):
    """The layer without the biases of :func:`with_read_out`."""
    n_in = len(layer.weights) - layer.n_fixed
    return replace(
        layer,
        weights=layer.weights[:n_in],
        bias_times=layer.bias_times[: len(layer.bias_times) - layer.n_fixed],
        delays=None if layer.delays is None else layer.delays[:n_in],
        n_fixed=0,
    )


def stretch(neuron, pseudo_slope):
    """By how much decisions and losses stretch the time after the read-out.

    A silent output has a delay of `pseudo_slope` for each unit that its peak misses the
    threshold by.
    """
    return pseudo_slope * WEIGHT * neuron.threshold / neuron.tau_syn
