"""Weights that are taken out for good: the smallest, step by step."""

import warnings

import numpy as np


def pruned_below(weights, sparsity, left):
    """Yields hidden layers, by number, and the size up to which their weights become 0.

    Which are out is read off the weights: zeros stay zeros in training, so that it can
    stop and go on anywhere. The smallest are those that do least for the events that
    they cost: an event of a weight w moves a membrane by a multiple of w. `sparsity`
    and `left` are those of :meth:`ttfs.engines.Trainer.prune`.
    """
    for k, of_layer in enumerate(weights[:-1]):
        sizes = np.abs(of_layer).ravel()
        missing = int(sparsity * sizes.size) - np.count_nonzero(sizes == 0)
        n_zeros = int(sparsity * sizes.size) - int(left * missing)
        if missing > 0 and n_zeros > 0:
            yield k, np.partition(sizes, n_zeros - 1)[n_zeros - 1]


def warn_if_few_are_left(layers, sparsity, stacklevel):
    """Warn if a hidden layer keeps less than one weight for each neuron."""
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
