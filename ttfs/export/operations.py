"""What the functions of an exported model do on data: operations that cost time."""

import numpy as np

from .c_arrays import count_shift, row_stride, sums_words
from .model import samples_of


class Timeline:
    """Spikes of samples by tick, and how many of them come before a tick.

    `spikes` are samples, inputs and ticks, see `spikes_of`.
    """

    def __init__(self, spikes, n_samples, n_ticks):
        samples, _, ticks = spikes
        at = np.zeros((n_samples, n_ticks + 1), np.int64)
        np.add.at(at, (samples, ticks), 1)
        self.n = at.sum(axis=1)
        self.first = np.where(self.n > 0, np.argmax(at > 0, axis=1), n_ticks)
        self._spikes = np.cumsum(at, axis=1) - at
        self._times = np.cumsum(at > 0, axis=1) - (at > 0)

    def before(self, ticks):
        """Spikes before each tick of (n_samples, n) ticks."""
        return np.take_along_axis(self._spikes, ticks.astype(np.intp), axis=1)

    def times_before(self, ticks):
        """Ticks with spikes before each of (n_samples, n) ticks."""
        return np.take_along_axis(self._times, ticks.astype(np.intp), axis=1)


def spikes_of(ticks, n_ticks):
    """Samples, neurons and ticks of spikes; `ticks` are (n_samples, n_neurons)."""
    samples, neurons = np.nonzero(ticks < n_ticks)
    return samples, neurons, ticks[samples, neurons]


def input_spikes(network, events, ticks):
    """Samples, inputs and ticks of the input spikes of each layer, biases included.

    `ticks` (n_samples, n_neurons) of each layer are what its neurons do.
    """
    yield samples_of(events), events.inputs, events.ticks
    for layer, before in zip(network.layers[1:], ticks, strict=False):
        biases = np.tile(layer.bias_ticks, (len(before), 1))
        yield spikes_of(np.hstack([before, biases]), network.n_ticks)


def timelines(network, events, ticks):
    """The timelines of the input spikes of each layer, biases included."""
    return [
        Timeline(spikes, len(events), network.n_ticks)
        for spikes in input_spikes(network, events, ticks)
    ]


def _searches(network, layer, spikes, fired, end):
    """Searches (n_samples,) of neurons for a spike, by the table kernel; their steps.

    These are of the neurons whose bound in a window reaches the threshold. A step
    halves the window. U and I are not rounded here, so that a few may be others.
    """
    samples, inputs, ticks = spikes
    weights = layer.integers() * 2.0**layer.current_shift
    tables = layer.decay_mem, layer.decay_syn, layer.kappa
    decay_mem, decay_syn, kappa = (table / 32768 for table in tables)
    top = int(np.argmax(kappa))
    u, i = np.zeros((2, *fired.shape))
    last = np.full(len(fired), -1)
    n, n_steps = np.zeros((2, len(fired)), int)

    def move(rows, until):
        """Let samples whose last input spikes were before `until` go on to it."""
        rows = rows[last[rows] >= 0]
        gap = until - last[rows]
        waits = (fired[rows] > last[rows, None]) & (last[rows] <= end[rows])[:, None]
        rise = kappa[np.minimum(gap, top)][:, None] * i[rows]
        leaked = decay_mem[gap][:, None] * u[rows]
        bound = np.where(u[rows] > 0, u[rows], leaked) + rise
        found = (waits & (i[rows] > 0) & (bound >= layer.threshold)).sum(axis=1)
        n[rows] += found
        n_steps[rows] += found * (1 + np.log2(gap).astype(int))
        u[rows] = leaked + kappa[gap][:, None] * i[rows]
        i[rows] *= decay_syn[gap][:, None]

    order = np.argsort(ticks, kind="stable")
    for some in np.split(order, 1 + np.flatnonzero(np.diff(ticks[order].astype(int)))):
        if len(some) == 0:
            continue
        tick = int(ticks[some[0]])
        rows = np.unique(samples[some])
        move(rows, tick)
        np.add.at(i, samples[some], weights[inputs[some].astype(np.intp)])
        np.clip(i, -32768, 32767, out=i)
        last[rows] = tick
    move(np.flatnonzero(last < network.n_ticks - 1), network.n_ticks - 1)
    return n, n_steps


def inference_operations(network, events, ticks, *, learn, to_end=False):
    """Operations (n_samples,) of an inference by the exported functions, by name.

    `ticks` are those of the neurons of each layer in whole samples. With `to_end` the
    inference goes on after its decision, as a step of learning does.

    A *window* is a tick in which a layer has input spikes, and a *move* a neuron that
    goes through one without having fired; *searches* are for its spike in one, where a
    bound does not exclude it. A *step* is a tick of a neuron, also of one that has
    fired. *Groups* are neurons times windows, and *rows* are neurons times input
    spikes: with shifts all neurons take them, four at once.
    """
    n_samples = len(events)
    last = network.n_ticks - 1
    end = np.full(n_samples, last)
    if not to_end:  # it ends at the first output spike
        end = np.minimum(ticks[-1].min(axis=1).astype(np.intp), last)
    lines = timelines(network, events, ticks)
    is_silent = ticks[-1] == network.n_ticks
    n_silent = is_silent.sum(axis=1)
    if not to_end:
        n_silent = n_silent * is_silent.all(axis=1)
    n_channels = network.n_channels
    words = sums_words(network, learn=learn)
    shift = count_shift(network.n_ticks, n_channels)
    counts = {
        "calls": 1,
        "channels": n_channels,
        "ranges of ticks": (last >> shift) + 1,
        "neurons": sum(layer.n_out for layer in network.layers),
        "input spikes": lines[0].n - network.layers[0].n_bias,
        # to find the peaks of silent output neurons
        "silent updates": n_silent * np.maximum(last - lines[-1].first, 0),
    }
    names = "windows", "moves", "searches", "search steps", "synaptic events", "spikes"
    counts |= dict.fromkeys((*names, "ticks", "steps", "rows", "groups"), 0)
    at_end = end[:, None]
    spikes = input_spikes(network, events, ticks)
    parts = zip(network.layers, lines, ticks, spikes, strict=True)
    for layer, line, fired, its in parts:
        width = row_stride(layer, has_words=words)
        until = np.minimum(fired, at_end)
        windows = line.times_before(at_end)[:, 0]
        counts["windows"] += windows
        counts["moves"] += line.times_before(until).sum(axis=1)
        if not layer.syn_shift:
            searches, its_steps = _searches(network, layer, its, fired, end)
            counts["searches"] += searches
            counts["search steps"] += its_steps
        counts["synaptic events"] += line.before(until).sum(axis=1)
        counts["spikes"] += (fired <= at_end).sum(axis=1)
        counts["ticks"] += end
        counts["steps"] += layer.n_out * np.maximum(end - line.first, 0)
        counts["groups"] += width * windows
        counts["rows"] += width * line.before(at_end)[:, 0]
    zero = np.zeros(n_samples, int)
    return {name: zero + count for name, count in counts.items()}


def step_operations(network, events, step, ticks):
    """Operations (n_samples,) of an online step by the exported functions, by name.

    `step` is what a step does besides its inference, by the specification. *Products*
    are those of errors and weights, on the way back.
    """
    counts = inference_operations(network, events, ticks, learn=True, to_end=True)
    n_classes = network.layers[-1].n_out
    names = "errors", "eligibilities", "weight moves"
    counts |= {name: step[name] + 0 * counts["calls"] for name in names}
    counts["products"] = step["look-ups"] - step["eligibilities"] - n_classes - 1
    counts["draws"] = counts["input spikes"] * (network.drop > 0)
    n_inputs = sum(layer.n_in for layer in network.layers)
    counts["inputs"] = n_inputs + 0 * counts["calls"]
    return counts
