"""Spikes and synaptic events of a fitted network, counted."""

import numpy as np

from .. import core as _core
from ..energy import Activity


def count_activity(network, runs, cost_model):
    """The Activity of a network.

    Parameters
    ----------
    network : Network
        The network that has fired.
    runs : iterable of (core.Spikes, list of ndarray)
        Blocks of samples: the spikes that enter the network, biases included, and the
        spike times (n_samples, n_out) of each layer.
    cost_model : str, CostModel or None
        The cost model of the :class:`ttfs.energy.Activity`.
    """
    blocks = [_count(network, spikes, times) for spikes, times in runs]
    counts = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    return Activity(
        network.sizes,
        *counts,
        t_max=network.t_max,
        tau_syn=network.neuron.tau_syn,
        cost_model=cost_model,
    )


def _count(network, spikes, times):
    """Counts of one block of samples, in the order of the fields of Activity."""
    t_max, n_layers = network.t_max, len(network.layers)
    n_spikes = np.zeros((len(spikes), n_layers + 1), int)
    n_biases, n_events, n_causal = np.zeros((3, len(spikes), n_layers), int)
    for k, (layer, fired) in enumerate(zip(network.layers, times, strict=True)):
        if k > 0:
            before = np.ascontiguousarray(times[k - 1])
            spikes = _core.spikes_at(before, layer.bias_times, t_max)
        for i in range(len(spikes)):
            mine = slice(int(spikes.begin[i]), int(spikes.end[i]))
            inputs, arrivals = spikes.inputs[mine], spikes.times[mine, np.newaxis]
            n_biases[i, k] = np.count_nonzero(inputs >= layer.n_in)
            if k == 0:
                n_spikes[i, 0] = len(inputs) - n_biases[i, 0]
            if layer.delays is not None:
                arrivals = arrivals + layer.delays[inputs].reshape(len(inputs), -1)
            arrive = arrivals < t_max
            n_synapses = layer.n_out // arrivals.shape[1]
            n_events[i, k] = n_synapses * np.count_nonzero(arrive)
            n_causal[i, k] = np.count_nonzero(arrive & (arrivals < fired[i]))
        n_spikes[:, k + 1] = np.count_nonzero(fired < t_max, axis=1)
    first = times[-1].min(axis=1).astype(float)
    is_undecided = n_spikes[:, -1] == 0
    decisions = np.where(is_undecided, t_max, first)
    precision = times[-1].dtype.type
    is_read_out = ~is_undecided & (first > precision(network.read_out))
    return n_spikes, n_biases, n_events, n_causal, decisions, is_undecided, is_read_out
