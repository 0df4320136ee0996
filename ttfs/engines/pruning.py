"""Weights that are taken out for good: the smallest, step by step."""

import warnings

import numpy as np


def prune(core, sparsity, left):
    """Set the smallest weights into hidden neurons to 0, layer by layer.

    Parameters
    ----------
    core : core.Trainer
        It keeps zeros.
    sparsity, left
        As those of :func:`limits`.
    """
    for k, limit in limits(core.weights(), sparsity, left):
        core.prune(k, limit)


def limits(weights, sparsity, left):
    """Yields (number of a hidden layer, the size up to which its weights become 0).

    Which are out is read off the weights: zeros stay zeros in training, so that it can
    stop and go on anywhere. The smallest are those that do least for the events that
    they cost: an event of a weight w moves a membrane by a multiple of w.

    Parameters
    ----------
    weights : list of ndarray
        Those of all layers.
    sparsity : float
        The share of the weights of each hidden layer that is to be 0 in the end.
    left : float
        What is left of the way to there after this step, as a part of what there is.
    """
    for k, of_layer in enumerate(weights[:-1]):
        sizes = np.abs(of_layer).ravel()
        missing = int(sparsity * sizes.size) - np.count_nonzero(sizes == 0)
        n_zeros = int(sparsity * sizes.size) - int(left * missing)
        if missing > 0 and n_zeros > 0:
            yield k, np.partition(sizes, n_zeros - 1)[n_zeros - 1]


def warn_if_few_are_left(layers, sparsity, stacklevel):
    """Warn if a hidden layer keeps less than one weight for each neuron.

    Parameters
    ----------
    layers : sequence of Layer
    sparsity : float
        The share of the weights of each hidden layer that is to be 0 in the end.
    stacklevel : int
        That of the warning, seen from the caller.
    """
    for k, layer in enumerate(layers[:-1]):
        size = layer.weights.size
        n_left = size - int(sparsity * size)
        if n_left < layer.n_out:
            warnings.warn(
                f"sparsity={sparsity:g} leaves {n_left} of {size} weights to the "
                f"{layer.n_out} neurons of hidden layer {k + 1}, less than one for "
                "each: they can learn little. Use a smaller sparsity, or fewer neurons",
                stacklevel=stacklevel + 1,
            )
