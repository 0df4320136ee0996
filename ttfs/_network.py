"""Layers, their initial weights, and training.

The model and its gradient are those of :func:`ttfs.first_spike` and
:func:`ttfs.first_spike_vjp`. Training adds a horizon, t_max, and a use for the membrane
of silent neurons: its peak, u_peak at t_peak, is differentiable where the spike time
does not exist,

    du_peak/dw_i = kappa(t_peak - t_i)      du_peak/dt_i = -w_i kappa'(t_peak - t_i)

which is the gradient of a spike at t_peak with u' = -1. (Where the peak is a kink, at
the very time of an input, it moves with that input: u'(t_peak) more for du_peak/dt_i.)
The backward pass treats spikes and peaks alike: each neuron has one time at which it is
looked at, and one factor, c = dL/dt / u' or -dL/du_peak.

All of it happens in the C core (src/network.inc, src/training.inc).
"""

from dataclasses import dataclass

import numpy as np

from ttfs._neuron import LIF


@dataclass
class Layer:
    """Weights (n_in + n_bias, n_out) between input channels and neurons.

    Biases are channels that spike at `bias_times` (n_bias,) in every sample; their
    weights are the last rows.

    A spike at t arrives at t + delay. Delays are axonal, (n_in + n_bias,), or synaptic,
    in the shape of the weights; None: there are none. They are trained like weights:
    the gradient of a delay is that of the time at which its input arrives [1]_.

    References
    ----------
    .. [1] J. Göltz, J. Weber, L. Kriener et al., "DelGrad: exact event-based gradients
       for training delays and weights on spiking neuromorphic hardware", Nature
       Communications 16 (2025), doi 10.1038/s41467-025-63120-y.
    """

    weights: np.ndarray
    bias_times: np.ndarray
    neuron: LIF
    delays: np.ndarray | None = None


def cosine(progress):
    """Factor of the learning rate: 1 at progress 0, falling to 0 at progress 1."""
    return 0.5 * (1.0 + np.cos(np.pi * progress))


def weight_unit(neuron):
    """The weight at which one input reaches 1/e of the threshold.

    For tau_mem = tau_syn that is the threshold; for other ratios kappa is higher or
    lower, and weights and steps follow.
    """
    delay = min(neuron.peak_delay, 2 * neuron.tau_syn)
    return neuron.threshold / (np.e * float(neuron.kappa(delay)))


def step_unit(neuron, n_active, n_layers):
    """Unit of learning rates in a layer.

    A common step of all weights moves the membrane by n_active times as much, and the
    steps of all layers add up at the output, so steps must shrink with both. The powers
    are ones that were found to work, from 5 to 800 active inputs and up to 5 layers.
    """
    fan_in = (10.0 / max(n_active, 1.0)) ** 0.25
    depth = min(1.0, (2.0 / n_layers) ** 0.5)
    return weight_unit(neuron) * fan_in * depth


def mean_weight(neuron, n_active, drive):
    """The weight with which n_active inputs add up to `drive`, in `weight_unit`."""
    return weight_unit(neuron) * drive / max(n_active, 1.0)


def initial_weights(rng, n_in, n_out, n_active, neuron, *, drive, spread):
    """Random weights with which most neurons fire after most of their inputs.

    Normal, with mean `mean_weight` and standard deviation spread / sqrt(n_active),
    in units of `weight_unit`: the sum over the active inputs of a sample is then
    drive +- spread whatever their number.
    """
    deviation = weight_unit(neuron) * spread / np.sqrt(max(n_active, 1.0))
    mean = mean_weight(neuron, n_active, drive)
    return rng.normal(mean, deviation, (n_in, n_out))


def feedback_weights(rng, layers, n_actives, feedback, spread):
    """Fixed random weights of the local rule, for the errors of each layer's inputs.

    They are drawn like weights, but with mean 0. The first layer has none. Those of
    feedback="random" are (n_in + n_bias, n_out); "direct" and "target" lead from the
    outputs, (n_in, n_classes), and have no unit.
    """
    drawn = [None]
    is_direct = feedback != "random"
    for k in range(1, len(layers)):
        source = layers[-1] if is_direct else layers[k]
        n_active = n_actives[-1] if is_direct else n_actives[k]
        unit = weight_unit(source.neuron)
        n_in = layers[k].weights.shape[0]
        if is_direct:
            unit, n_in = (
                unit / source.neuron.threshold,
                n_in - len(layers[k].bias_times),
            )
        deviation = unit * spread / np.sqrt(max(n_active, 1.0))
        drawn.append(rng.normal(0, deviation, (n_in, source.weights.shape[1])))
    return drawn
