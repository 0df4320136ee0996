"""Integrate-and-fire neurons with a rate code, one at a time: slow and obvious.

Sums are in float32 and in the order that include/ttfs_baselines.h names, so that the C
core must give the same bits.
"""

import numpy as np

ONE = np.float32(1)


def run(weights, biases, initial, x, n_steps, *, input_spikes, output_spikes):
    """What one sample does, step by step.

    Parameters
    ----------
    weights, biases : list of ndarray of float32
        (n_in, n_out) and (n_out,) of each layer.
    initial : float
        All membranes at the start.
    x : ndarray of shape (n_in,), float32
    n_steps : int
    input_spikes, output_spikes : bool
        Whether inputs and outputs are neurons that fire.

    Returns
    -------
    trains : list of ndarray of int of shape (n_steps, n)
        Spikes of the inputs, with their signs, and of the neurons of each layer.
    membranes : ndarray of shape (n_steps, n_outputs)
        Those of the outputs after each step.
    """
    sizes = [len(x), *(len(b) for b in biases)]
    trains = [np.zeros((n_steps, n), int) for n in sizes]
    v = [np.full(n, initial, np.float32) for n in sizes]
    membranes = np.zeros((n_steps, sizes[-1]), np.float32)
    order = [i for i in range(len(x)) if x[i] > 0]
    order += [i for i in range(len(x)) if x[i] < 0]
    for t in range(n_steps):
        if input_spikes:
            for i in order:
                v[0][i] += abs(x[i])
                if v[0][i] >= 1:
                    v[0][i] -= ONE
                    trains[0][t, i] = 1 if x[i] > 0 else -1
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            for j in range(len(b)):
                if k == 0 and not input_spikes:
                    current = b[j]
                    for i in order:
                        current += x[i] * w[i, j]
                    v[1][j] += current
                else:
                    v[k + 1][j] += b[j]
                    for i in order if k == 0 else range(len(w)):
                        if trains[k][t, i]:
                            v[k + 1][j] += np.float32(trains[k][t, i]) * w[i, j]
                is_output = k == len(weights) - 1
                if v[k + 1][j] >= 1 and (output_spikes or not is_output):
                    v[k + 1][j] -= ONE
                    trains[k + 1][t, j] = 1
        membranes[t] = v[-1]
    return trains, membranes


def count(weights, trains):
    """Spikes of each layer, and events over weights that are not 0, until each step.

    Returns
    -------
    n_spikes : ndarray of int of shape (n_steps, n_layers + 1)
    n_events : ndarray of int of shape (n_steps, n_layers)
    """
    n_steps = len(trains[0])
    n_spikes = np.zeros((n_steps, len(trains)), int)
    n_events = np.zeros((n_steps, len(weights)), int)
    for t in range(n_steps):
        for k, train in enumerate(trains):
            for i in range(train.shape[1]):
                if train[t, i]:
                    n_spikes[t:, k] += 1
                    if k < len(weights):
                        n_events[t:, k] += sum(w != 0 for w in weights[k][i])
    return n_spikes, n_events
