"""Graphs of NIR in fine steps, by its published equations: slow and obvious.

Each node does what its equation says, by the method of Euler:

    CubaLIF   tau_syn dI/dt = -I + w_in S    tau_mem dv/dt = v_leak - v + r I
    CubaLI    the same; the output is v
    LIF, LI   tau dv/dt = v_leak - v + r S   the output of LI is v
    IF, I     dv/dt = r S                    that of I too
    Linear    weight S       Affine   weight S + bias       Delay    S(t - delay)

CubaLIF, LIF and IF fire where v > v_threshold, which sets v to v_reset. A spike is an
impulse S, 1 / step for one step, or a pulse of another `height` that lasts as long.
What several edges bring to a node adds up. One rule is not of NIR: after `max_spikes` a
neuron is silent.
"""

from graphlib import TopologicalSorter

import numpy as np


def run(graph, times, *, step, t_max, max_spikes=np.inf, height=None):
    """What the nodes of a graph put out.

    Parameters
    ----------
    graph : nir.NIRGraph
    times : ndarray of shape (n_samples, n_inputs)
        Spike times of the inputs; +inf: none.
    step, t_max : float
    max_spikes : int
        Spikes of a neuron, at most.
    height : float
        The S of a spike; None: 1 / step.

    Returns
    -------
    outputs : dict of str to ndarray of shape (n_steps, n_samples, n)
        What each node has put out in each step.
    """
    height = 1 / step if height is None else height
    before = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        before[target].append(source)
    order = list(TopologicalSorter(before).static_order())
    n_steps = round(t_max / step)
    ticks = np.where(np.isfinite(times), times, t_max) / step
    ticks = np.floor(ticks + 0.5).astype(int)
    outputs = {name: [] for name in order}
    state = {name: {} for name in order}
    for now in range(n_steps):
        for name in order:
            node = graph.nodes[name]
            if type(node).__name__ == "Input":
                x = (ticks == now) * height
            else:
                x = sum(outputs[source][now] for source in before[name])
            if type(node).__name__ == "Delay":
                y = _delayed(node, outputs[before[name][0]], x, now, step)
            else:
                y = _put_out(node, x, state[name], step, max_spikes, height)
            outputs[name].append(y)
    return {name: np.array(values) for name, values in outputs.items()}


def _delayed(node, inputs, x, now, step):
    late = np.zeros_like(x)
    for i, n in enumerate(np.floor(node.delay / step + 0.5).astype(int)):
        if n <= now:
            late[:, i] = inputs[now - n][:, i]
    return late


def _put_out(node, x, state, step, max_spikes, height):
    kind = type(node).__name__
    if kind in ("Input", "Output"):
        return x
    if kind in ("Linear", "Affine"):
        return x @ node.weight.T + getattr(node, "bias", 0.0)
    current = state.setdefault("current", np.zeros_like(x))
    v = state.setdefault("v", np.zeros_like(x))
    if kind in ("CubaLIF", "CubaLI"):  # a step of I, then one of v
        current += step * (-current + node.w_in * x) / node.tau_syn
        v += step * (node.v_leak - v + node.r * current) / node.tau_mem
    elif kind in ("LI", "LIF"):
        v += step * (node.v_leak - v + node.r * x) / node.tau
    elif kind in ("IF", "I"):
        v += step * node.r * x
    else:
        raise ValueError(f"{kind} is no node that a network is exported to")
    if kind not in ("CubaLIF", "LIF", "IF"):
        return v.copy()
    count = state.setdefault("count", np.zeros(x.shape, int))
    fires = (v > node.v_threshold) & (count < max_spikes)
    count += fires
    v[fires] = np.broadcast_to(node.v_reset, v.shape)[fires]
    return fires * height


def spike_times(output, n_spikes, step):
    """The first spikes (n_samples, n, n_spikes) of what a node has put out."""
    n_steps, n_samples, n = output.shape
    times = np.full((n_samples, n, n_spikes), np.inf)
    count = np.zeros((n_samples, n), int)
    for now in range(n_steps):
        for s, j in zip(*np.nonzero(output[now]), strict=True):
            if count[s, j] < n_spikes:
                times[s, j, count[s, j]] = (now + 0.5) * step
            count[s, j] += 1
    return times
