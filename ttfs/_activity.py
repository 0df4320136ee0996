"""Spikes and synaptic events of a fitted classifier, counted."""

import numpy as np

from ttfs import _core
from ttfs.energy import Activity


def count_activity(clf, X, cost_model):
    """The Activity of a fitted TTFSClassifier on X."""
    blocks = [
        _count(clf, spikes, network.spike_times(spikes))
        for network, _, spikes in clf._blocks(X, clf._placed_spikes)
    ]
    counts = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    neuron = clf._neurons[0]
    return Activity(
        (clf.n_channels_in_, *(weights.shape[1] for weights in clf.coefs_)),
        *counts,
        t_max=clf.t_max_,
        tau_syn=neuron.tau_syn,
        cost_model=cost_model,
    )


def _count(clf, spikes, layers):
    """Spikes, those of biases, events, causal ones, decisions, and where there is none.

    `spikes` are those that enter the network, and `layers` the spike times of neurons.
    """
    t_max, n_layers = clf.t_max_, len(layers)
    n_spikes = np.zeros((len(spikes), n_layers + 1), int)
    n_biases, n_events, n_causal = np.zeros((3, len(spikes), n_layers), int)
    delays = clf.delays_ or [None] * n_layers
    for k, fired in enumerate(layers):
        if k > 0:
            times = np.ascontiguousarray(layers[k - 1])
            spikes = _core.spikes_at(times, clf.bias_times_[k], t_max)
        n_channels = spikes.n_in - len(clf.bias_times_[k])
        for i in range(len(spikes)):
            mine = slice(int(spikes.begin[i]), int(spikes.end[i]))
            inputs, arrivals = spikes.inputs[mine], spikes.times[mine, np.newaxis]
            n_biases[i, k] = np.count_nonzero(inputs >= n_channels)
            if k == 0:
                n_spikes[i, 0] = len(inputs) - n_biases[i, 0]
            if delays[k] is not None:
                arrivals = arrivals + delays[k][inputs].reshape(len(inputs), -1)
            arrive = arrivals < t_max
            n_synapses = fired.shape[1] // arrivals.shape[1]
            n_events[i, k] = n_synapses * np.count_nonzero(arrive)
            n_causal[i, k] = np.count_nonzero(arrive & (arrivals < fired[i]))
        n_spikes[:, k + 1] = np.count_nonzero(fired < t_max, axis=1)
    first = layers[-1].min(axis=1).astype(float)
    is_undecided = n_spikes[:, -1] == 0
    decisions = np.where(is_undecided, t_max, first)
    return n_spikes, n_biases, n_events, n_causal, decisions, is_undecided
