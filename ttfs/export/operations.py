"""What the functions of an exported model do on data: operations that cost time."""

import numpy as np

from .c_arrays import count_shift, row_stride, sums_words
from .timeline import timelines

SILENT = "silent updates"


def _end(network, ticks):
    """The tick (n_samples,) at which an inference ends: the first output spike."""
    return np.minimum(ticks[-1].min(axis=1).astype(np.intp), network.n_ticks - 1)


def _silent_updates(network, line, n_silent):
    """Steps to find the peaks of silent output neurons."""
    return n_silent * np.maximum(network.n_ticks - 1 - line.first, 0)


def _input_spikes(network, events, ticks):
    """Samples, inputs and ticks of the input spikes of each layer, biases included."""
    counts = (events.end - events.begin).astype(np.intp)
    yield np.repeat(np.arange(len(events)), counts), events.inputs, events.ticks
    for layer, before in zip(network.layers[1:], ticks, strict=False):
        biases = np.tile(layer.bias_ticks, (len(before), 1))
        at = np.hstack([before, biases])
        samples, inputs = np.nonzero(at < network.n_ticks)
        yield samples, inputs, at[samples, inputs]


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
    end = np.full(n_samples, network.n_ticks - 1) if to_end else _end(network, ticks)
    lines = timelines(network, events, ticks)
    is_silent = ticks[-1] == network.n_ticks
    n_silent = is_silent.sum(axis=1)
    if not to_end:
        n_silent = n_silent * is_silent.all(axis=1)
    n_channels = len(network.layers[0].weights) - len(network.layers[0].bias_ticks)
    words = sums_words(network, learn=learn)
    n_neurons = sum(layer.weights.shape[1] for layer in network.layers)
    shift = count_shift(network.n_ticks, n_channels)
    counts = {
        "calls": 1,
        "channels": n_channels,
        "ranges of ticks": (network.n_ticks - 1 >> shift) + 1,
        "neurons": n_neurons,
        "input spikes": lines[0].n - len(network.layers[0].bias_ticks),
        SILENT: _silent_updates(network, lines[-1], n_silent),
    }
    names = "windows", "moves", "searches", "search steps", "synaptic events", "spikes"
    counts |= dict.fromkeys((*names, "ticks", "steps", "rows", "groups"), 0)
    at_end = end[:, None]
    spikes = _input_spikes(network, events, ticks)
    for layer, line, fired, its in zip(
        network.layers, lines, ticks, spikes, strict=True
    ):
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
        counts["steps"] += layer.weights.shape[1] * np.maximum(end - line.first, 0)
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
    n_classes = ticks[-1].shape[1]
    names = "errors", "eligibilities", "weight moves"
    counts |= {name: step[name] + 0 * counts["calls"] for name in names}
    counts["products"] = step["look-ups"] - step["eligibilities"] - n_classes - 1
    counts["draws"] = counts["input spikes"] * (network.drop > 0)
    counts["inputs"] = 0 * counts["calls"] + sum(
        len(layer.weights) for layer in network.layers
    )
    return counts
