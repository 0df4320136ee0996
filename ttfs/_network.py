"""Layers, their initial weights, and the passes forward and backward through them.

The model and its gradient are those of :func:`ttfs.first_spike` and
:func:`ttfs.first_spike_vjp`. Training adds a horizon, t_max, and a use for the membrane
of silent neurons: its peak, u_peak at t_peak, is differentiable where the spike time
does not exist,

    du_peak/dw_i = kappa(t_peak - t_i)      du_peak/dt_i = -w_i kappa'(t_peak - t_i)

which is the gradient of a spike at t_peak with u' = -1. (Where the peak is a kink, at
the very time of an input, it moves with that input: u'(t_peak) more for du_peak/dt_i.)
The backward pass treats spikes and peaks alike: each neuron has one time at which it is
looked at, and one factor, c = dL/dt / u' or -dL/du_peak.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ttfs import _core
from ttfs._neuron import LIF
from ttfs._spikes import over_slope


@dataclass
class Layer:
    """Weights (n_in + n_bias, n_out) between input channels and neurons.

    Biases are channels that spike at `bias_times` (n_bias,) in every sample; their
    weights are the last rows.
    """

    weights: np.ndarray
    bias_times: np.ndarray
    neuron: LIF

    def with_biases(self, times):
        """Append the bias channels to times (n_samples, n_in)."""
        n_in = times.shape[1]
        out = np.empty((len(times), n_in + len(self.bias_times)), self.weights.dtype)
        out[:, :n_in] = times
        out[:, n_in:] = self.bias_times
        return out


@dataclass
class LayerPass:
    """What a layer did with a batch: arrays of shape (n_samples, n_out)."""

    layer: Layer
    events: _core.Events
    spikes: np.ndarray  # +inf = silent

    @property
    def fired(self):
        return self.spikes < np.inf

    @cached_property
    def _peak(self):
        return self.events.peak(self.layer.weights, self.spikes)

    @property
    def u_peak(self):
        """Peak of the membrane of silent neurons; the threshold where one fired."""
        return self._peak[0]

    @property
    def t_peak(self):
        """Time of that peak; the spike time where the neuron fired."""
        return self._peak[1]


def forward(layers, times, t_max):
    """Pass times (n_samples, n_in) through all layers; one LayerPass for each."""
    passes = []
    for layer in layers:
        events = _core.Events(layer.with_biases(times), layer.neuron, t_max)
        times = events.first_spike(layer.weights)
        passes.append(LayerPass(layer, events, times))
    return passes


def decision_times(last, t_max, pseudo_slope):
    """Times of the output layer, with pseudo-times for silent neurons.

    A silent neuron counts as t_max + pseudo_slope (threshold - u_peak): later than any
    spike, and the later the further it stayed below threshold.
    """
    missing = np.maximum(last.layer.neuron.threshold - last.u_peak, 0)
    pseudo = (t_max + pseudo_slope * missing).astype(last.spikes.dtype)
    return np.where(last.fired, last.spikes, pseudo)


def backward(passes, grad_times, *, pseudo_slope, floor, existence):
    """Gradients of the weights of all layers.

    Parameters
    ----------
    passes : list of LayerPass
        From forward(), before the weights change.
    grad_times : ndarray of shape (n_samples, n_outputs)
        Gradient with respect to decision_times().
    pseudo_slope : float
        As for decision_times().
    floor : float
        Floor of u' at a spike, in threshold units per time.
    existence : callable
        existence(fired) -> gradient with respect to -u_peak of silent hidden neurons,
        (n_samples, n_out); see `existence_gradient`.
    """
    grads = [None] * len(passes)
    for k in reversed(range(len(passes))):
        did = passes[k]
        layer = did.layer
        slope = did.events.slope(layer.weights, did.t_peak)
        c = over_slope(grad_times, slope, floor)
        if k == len(passes) - 1:
            silent = pseudo_slope * grad_times
        else:
            silent = existence(did.fired)
        c = np.where(did.fired, c, silent).astype(c.dtype)
        grads[k] = np.zeros_like(layer.weights)
        did.events.grad_weights(did.t_peak, c, grads[k])
        if k > 0:
            n_bias = len(layer.bias_times)
            kink = np.where(did.fired, 0, -c * slope).astype(c.dtype)
            grad_times = did.events.grad_times(layer.weights, did.t_peak, c, kink)
            grad_times = np.ascontiguousarray(grad_times[:, : -n_bias or None])
    return grads


def existence_gradient(fired, strength, tolerated):
    """Pull back hidden neurons that are silent too often.

    The term is strength (threshold - u_peak), averaged over the batch, for neurons
    that are silent in more than a fraction `tolerated` of it.
    """
    rare = np.mean(~fired, axis=0) > tolerated
    return np.where(~fired & rare, strength / len(fired), 0.0)


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
    must shrink with it; the power is one that was found to work from 5 to 140 inputs.
    """
    return weight_unit(neuron) * (10.0 / max(n_active, 1.0)) ** 0.25


def initial_weights(rng, n_in, n_out, n_active, neuron, *, drive, spread):
    """Random weights with which most neurons fire after most of their inputs.

    Normal, with mean drive / n_active and standard deviation spread / sqrt(n_active),
    in units of `weight_unit`: the sum over the active inputs of a sample is then
    drive +- spread whatever their number.
    """
    n_active = max(n_active, 1.0)
    weights = rng.normal(drive / n_active, spread / np.sqrt(n_active), (n_in, n_out))
    return weight_unit(neuron) * weights
