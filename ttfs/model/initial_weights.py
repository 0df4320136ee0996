"""Weights before training, and the units in which they move."""

import numpy as np

from .checks import blocks

# Numbers that are drawn at a time, in double precision.
_N_DRAWN = 1 << 16


def weight_unit(neuron):
    """The weight at which one input reaches 1/e of the threshold.

    For tau_mem = tau_syn that is the threshold; for other ratios kappa is higher or
    lower, and weights and steps follow.
    """
    delay = min(neuron.peak_delay, 2 * neuron.tau_syn)
    return neuron.threshold / (np.e * float(neuron.kappa(delay)))


def step_unit(neuron, n_active):
    """Unit of learning rates in a layer.

    A common step of all weights moves the membrane by n_active times as much, so steps
    must shrink with it. The power is one that was found to work, from 5 to 800 active
    inputs and up to 9 layers.
    """
    return weight_unit(neuron) * (10.0 / max(n_active, 1.0)) ** 0.25


def mean_weight(neuron, n_active, drive):
    """The weight with which n_active inputs add up to `drive`, in `weight_unit`."""
    return weight_unit(neuron) * drive / max(n_active, 1.0)


def initial_weights(
    rng, n_in, n_out, n_active, neuron, *, drive, spread, dtype=np.float64
):
    """Random weights with which most neurons fire after most of their inputs.

    The weights are normal, with mean `mean_weight` and standard deviation
    spread / sqrt(n_active), in units of `weight_unit`: the sum over the active inputs
    of a sample is then drive +- spread whatever their number.
    """
    deviation = weight_unit(neuron) * spread / np.sqrt(max(n_active, 1.0))
    mean = mean_weight(neuron, n_active, drive)
    weights = np.empty((n_in, n_out), dtype)
    for rows in blocks(n_in, max(1, _N_DRAWN // n_out)):
        weights[rows] = rng.normal(mean, deviation, weights[rows].shape)
    return weights


def feedback_weights(rng, layers, n_actives, feedback, spread):
    """Fixed random weights of the local rule, for the errors of each layer's inputs.

    They are drawn like weights, but with mean 0. The first layer has none. The weights
    of feedback="random" have the shape (n_in + n_bias, n_out); those of "direct" and
    "target" lead from the outputs, (n_in, n_outputs), and have no unit. With "target"
    those of each neuron have mean 0 over the outputs, or labels would drive it to one
    side, whatever they are; and all neurons the same mean square, so that all learn.
    """
    drawn = [None]
    is_direct = feedback != "random"
    for k in range(1, len(layers)):
        source = layers[-1] if is_direct else layers[k]
        n_active = n_actives[-1] if is_direct else n_actives[k]
        unit = weight_unit(source.neuron)
        n_in = layers[k].n_in
        if is_direct:
            unit = unit / source.neuron.threshold
        else:
            n_in += layers[k].n_bias
        deviation = unit * spread / np.sqrt(max(n_active, 1.0))
        weights = rng.normal(0, deviation, (n_in, source.n_out))
        if feedback == "target":
            weights -= weights.mean(axis=1, keepdims=True)
            weights *= deviation / np.sqrt(np.mean(weights**2, axis=1, keepdims=True))
        drawn.append(weights)
    return drawn
