"""Spikes and synaptic events of a fitted network, counted."""

import numpy as np

from .. import core as _core
from ..energy import Activity, Anytime


def count_activity(network, weights, runs, cost_model, *, decides_by_first_spike=True):
    """The Activity of a network that has fired with these weights of its layers.

    `runs` are blocks of samples: the spikes that enter the network, biases included,
    and the spike times of each layer, (n_samples, n_out) or (n_samples, n_out,
    max_spikes). The first output spike decides, or else the end of the experiment.
    """
    synapses = _synapses(network, weights)
    blocks = [
        _count(network, synapses, *run, decides_by_first_spike=decides_by_first_spike)
        for run in runs
    ]
    counts = {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
    return Activity(
        network.sizes,
        **counts,
        t_max=network.t_max,
        tau_syn=network.neuron.tau_syn,
        cost_model=cost_model,
    )


def count_by_moment(network, weights, runs, times):
    """The Anytime of a network whose first output spikes decide.

    `runs` are those of :func:`count_activity`, and whether the first output spike of
    each sample is right.
    """
    synapses = _synapses(network, weights)
    n_samples, counts = 0, np.zeros((4, len(times)))
    for spikes, fired, is_right in runs:
        fired = [np.atleast_3d(times) for times in fired]
        first, ends = _ends(network, fired)
        decided = np.searchsorted(times, np.where(first < network.t_max, first, np.inf))
        seen = [f[(f < network.t_max) & (f <= ends[:, :, np.newaxis])] for f in fired]
        counts[0] += _until(times, decided, is_right)
        counts[1] += _until(times, decided)
        counts[2] += _until(times, np.searchsorted(times, np.concatenate(seen)))
        for k, layer, inputs, sent, i in _each(network, spikes, fired):
            arrivals = _arrivals(layer, inputs, sent)
            limits = np.minimum(_takes_until(fired[k][i]), ends[i])
            is_event = synapses[k].among(inputs, arrivals < limits)
            if arrivals.shape[1] == 1:  # all neurons see a spike at the same time
                is_event = np.count_nonzero(is_event, axis=1)
            moments = np.searchsorted(times, arrivals.ravel())
            counts[3] += _until(times, moments, is_event.ravel())
        n_samples += len(spikes)
    accuracy, decided, n_spikes, n_events = counts / n_samples
    return Anytime(times, accuracy, decided, n_spikes, n_events)


def _until(times, moments, weights=None):
    """How many `moments`, indices of times, are at most each index; weighted."""
    return np.bincount(moments, weights, len(times) + 1)[:-1].cumsum()


def _synapses(network, weights):
    """The synapses of each layer, which have these weights."""
    layers = zip(network.layers, weights, strict=True)
    return [_Synapses(layer.geometry, w) for layer, w in layers]


class _Synapses:
    """The synapses of a layer: which weights (n_in, n_out) are not 0."""

    def __init__(self, geometry, weights):
        self.exist = geometry.unrolled(weights) != 0
        self.are_all = bool(self.exist.all())
        # An input that reaches all neurons has synapses of weight 0, too.
        self.n_of_input = np.full(len(self.exist), geometry.n_out)
        self.n_of_input[: geometry.n_in] = geometry.fan_out
        self.is_full = bool((self.n_of_input == geometry.n_out).all())

    def passed(self, inputs, is_event):
        """Those of `is_event` (n_spikes, n_out), by input, that neurons may see."""
        return is_event if self.is_full else is_event & self.exist[inputs]

    def among(self, inputs, is_event):
        """Those of `is_event` (n_spikes, n_out), by input, that pass a synapse."""
        return is_event if self.are_all else is_event & self.exist[inputs]


def _ends(network, fired):
    """The first output spike of each sample, and the time (n_samples, 1) it ends at."""
    first = fired[-1].min(axis=(1, 2))
    return first, np.minimum(first, network.t_max)[:, np.newaxis]


def _takes_until(times):
    """The time until which each neuron takes events, from its spikes (n_out, n).

    One that fires once has done all it does. Others go on, and take events whether or
    not they have fired as often as they may.
    """
    n_out, n = times.shape
    return times[:, 0] if n == 1 else np.full(n_out, np.inf, times.dtype)


def _each(network, spikes, fired):
    """What each layer sees in each sample.

    Yields the number of the layer, the layer, inputs and times (n_spikes, 1) of the
    spikes that it sees, and the number of the sample.
    """
    for k, layer in enumerate(network.layers):
        owners = np.arange(layer.n_in + len(layer.bias_times))  # of the spikes' inputs
        if k > 0:
            before = np.ascontiguousarray(fired[k - 1])
            n_samples, n_in, repeats = before.shape
            before = before.reshape(n_samples, n_in * repeats)
            spikes = _core.spikes_at(before, layer.bias_times, network.t_max)
            owners = np.append(np.repeat(owners[:n_in], repeats), owners[n_in:])
        for i in range(len(spikes)):
            mine = slice(int(spikes.begin[i]), int(spikes.end[i]))
            inputs = owners[spikes.inputs[mine]]
            yield k, layer, inputs, spikes.times[mine, np.newaxis], i


def _arrivals(layer, inputs, sent):
    """Times (n_spikes, 1) or, with synaptic delays, (n_spikes, n_out)."""
    if layer.delays is None:
        return sent
    return sent + layer.delays[inputs].reshape(len(inputs), -1)


def _count(network, synapses, spikes, fired, *, decides_by_first_spike):
    """Counts of one block of samples by the fields of Activity."""
    t_max, n_layers = network.t_max, len(network.layers)
    fired = [np.atleast_3d(times) for times in fired]
    first, ends = _ends(network, fired)
    if not decides_by_first_spike:
        first, ends = np.full_like(first, t_max), np.full_like(ends, t_max)
    n_spikes, n_until = np.zeros((2, len(spikes), n_layers + 1), int)
    n_biases, n_events, n_causal, n_deciding = np.zeros((4, len(spikes), n_layers), int)
    for k, layer, inputs, sent, i in _each(network, spikes, fired):
        is_bias = inputs >= layer.n_in
        n_biases[i, k] = np.count_nonzero(is_bias)
        if k == 0:
            n_spikes[i, 0] = len(inputs) - n_biases[i, 0]
            n_until[i, 0] = np.count_nonzero(sent[~is_bias] <= ends[i])
        arrivals = _arrivals(layer, inputs, sent)
        n_synapses = synapses[k].n_of_input[inputs] // arrivals.shape[1]
        arrivals = np.where(arrivals < t_max, arrivals, np.inf)
        n_events[i, k] = n_synapses @ np.count_nonzero(arrivals < np.inf, axis=1)
        is_causal = arrivals < fired[k][i, :, -1]
        n_causal[i, k] = np.count_nonzero(synapses[k].passed(inputs, is_causal))
        is_event = arrivals < np.minimum(_takes_until(fired[k][i]), ends[i])
        n_deciding[i, k] = np.count_nonzero(synapses[k].among(inputs, is_event))
    for k, times in enumerate(fired, 1):
        is_spike = times < t_max
        n_spikes[:, k] = np.count_nonzero(is_spike, axis=(1, 2))
        is_until = is_spike & (times <= ends[:, :, np.newaxis])
        n_until[:, k] = np.count_nonzero(is_until, axis=(1, 2))
    is_undecided = (n_spikes[:, -1] == 0) & decides_by_first_spike
    precision = fired[-1].dtype.type
    return {
        "n_spikes": n_spikes,
        "n_bias_spikes": n_biases,
        "n_events": n_events,
        "n_causal_events": n_causal,
        "decision_times": np.where(is_undecided, t_max, first.astype(float)),
        "is_undecided": is_undecided,
        "is_read_out": ~is_undecided & (first > precision(network.read_out)),
        "n_spikes_to_decision": n_until,
        "n_events_to_decision": n_deciding,
    }
