"""Weights that learn from spike trains, by the exact gradient and Adam."""

import copy
import itertools

import numpy as np
from scipy.special import log_softmax

from ...parameters import ExactGradient
from .. import recipe as recipes
from ..base import Trainer
from ..pruning import pruned_below
from .events import of_neurons, of_spikes
from .layers import MeanMembrane
from .spike_cost import SpikeCost


class TrainsTrainer(Trainer):
    """Weights of a network whose neurons fire several times.

    The FitState holds the moments of an earlier call, and the seed of input dropout;
    other arguments are those of :meth:`ttfs.engines.Engine.trainer`.
    """

    def __init__(self, engine, network, fit_state, *, batch_size, n_seen, may_drop):
        learning = engine.learning
        adam = learning.optimizer or ExactGradient()
        self.engine, self.network, self.adam = engine, network, adam
        self.hidden = engine.hidden(network, adam.min_slope)
        self.outputs = engine.outputs(network, adam.min_slope)
        self.pull = MeanMembrane(network.t_max)
        self.silence_tolerance = recipes.trains_tolerance(learning.sparsity)
        self.spike_cost = SpikeCost(
            recipes.spike_cost(learning.sparsity),
            network.t_max,
            decides_by_first_spike=engine.decides_by_first_spike,
        )
        self.keeps_zeros = learning.sparsity > 0
        self.scale = engine.time_scale(network, n_seen)
        self.dropout, self.seed = learning.input_dropout, fit_state.seed
        first = network.layers[0]
        self.may_drop = np.zeros(len(first.weights), bool)
        self.may_drop[: len(may_drop)] = may_drop
        n_layers = len(network.layers)
        self.weights = [layer.weights.copy() for layer in network.layers]
        self.delays = [
            None if layer.delays is None else layer.delays.copy()
            for layer in network.layers
        ]
        self.units = engine.step_units(network)
        decay = engine.weight_decay(network, batch_size, n_seen)
        self.decay = np.broadcast_to(decay, n_layers)
        self.optimizer = fit_state.optimizer or {
            "n_steps": 0,
            "weights": [_no_moments(w) for w in self.weights],
            "delays": [_no_moments(d) for d in self.delays],
        }
        self.optimizer = copy.deepcopy(self.optimizer)

    # -- Learning ----------------------------------------------------------------------

    def epoch(self, spikes, targets, order, batch_size, rates):
        total = 0.0
        for n, begin in enumerate(range(0, len(order), batch_size)):
            rows = np.asarray(order[begin : begin + batch_size], np.intp)
            total += self._update(spikes.samples(rows), targets[rows], rates[n])
        return total / len(order)

    def prune(self, sparsity, left):
        for k, limit in pruned_below(self.weights, sparsity, left):
            self.weights[k][np.abs(self.weights[k]) <= limit] = 0

    def _update(self, spikes, labels, rate):
        """An update from a batch; returns the sum of its losses."""
        self.optimizer["n_steps"] += 1
        network = self._current()
        events = self._inputs(spikes, network.layers[0])
        loss, by_layer = self.gradients(network, events, labels)
        for k, (by_weight, by_delay) in enumerate(by_layer):
            self._move(k, by_weight, by_delay, rate)
        return loss * len(labels)

    def gradients(self, network, events, labels):
        """The mean cross-entropy of some samples, and its gradients by layer.

        `events` enter the first layer, after its delays. The gradients are pairs, with
        respect to weights and to delays or None, of the loss and of the cost of hidden
        spikes; neurons that are silent in nearly all samples have the gradient that
        wakes them besides.
        """
        layers, t_max, kept = network.layers, network.t_max, []
        for layer, following in itertools.pairwise(layers):
            times, of_layer = self.hidden.run(events, layer)
            kept.append((events, times, of_layer))
            events = of_neurons(times, following.bias_times, t_max)
            events = events.delayed(following.delays, t_max)
        scores, of_outputs = self.outputs.run(events, layers[-1])
        loss, grad = self._loss(scores, labels)
        pushes = self.spike_cost.gradients([times for _, times, _ in kept], scores)
        grad += pushes[-1]
        by_weight, by_time = self.outputs.back(layers[-1], events, of_outputs, grad)
        gradients = [(by_weight, self._by_delay(events, by_time, layers[-1]))]
        for layer, (before, times, of_layer), push in zip(
            layers[-2::-1], kept[::-1], pushes[-2::-1], strict=True
        ):
            by_slot = events.by_slot(by_time)[:, : times[0].size]
            grad = np.ascontiguousarray(by_slot.reshape(times.shape)) + push
            by_weight, by_time = self.hidden.back(
                layer,
                times,
                of_layer,
                grad,
                with_times=layer is not layers[0] or layer.delays is not None,
            )
            events = before
            by_weight += self._pull(events, layer, times)
            gradients.append((by_weight, self._by_delay(events, by_time, layer)))
        return loss, gradients[::-1]

    def _loss(self, scores, labels):
        """The mean cross-entropy, and its gradient with respect to the scores."""
        picked = np.arange(len(labels)), labels.astype(np.intp)
        log_p = log_softmax(scores.astype(np.float64) / self.scale, axis=1)
        error = np.exp(log_p)
        error[picked] -= 1
        grad = error / (self.scale * len(labels))
        return -log_p[picked].mean(), grad.astype(scores.dtype)

    def _inputs(self, spikes, layer):
        """The Events of a batch, without those that are dropped."""
        events = of_spikes(spikes)
        if self.dropout > 0:
            rng = np.random.default_rng([self.seed, self.optimizer["n_steps"]])
            kept = rng.random(len(events.times)) >= self.dropout
            events = events.keep(kept | ~self.may_drop[events.rows])
        return events.delayed(layer.delays, self.network.t_max)

    def _pull(self, events, layer, times):
        """What wakes neurons that are silent in nearly all samples: a gradient that
        lifts their mean membranes."""
        is_silent = np.isinf(times[:, :, 0])
        share = is_silent.mean(axis=0)
        needs = share > self.silence_tolerance
        if not needs.any():
            return np.zeros_like(layer.weights)
        features = self.pull.features(events, layer)
        lift = np.where(needs, -recipes.SILENCE_PENALTY * share, 0)
        return np.outer(features.mean(axis=0), lift).astype(layer.weights.dtype)

    @staticmethod
    def _by_delay(events, by_time, layer):
        if layer.delays is None:
            return None
        return np.bincount(events.rows, by_time, len(layer.delays))

    def _move(self, k, by_weight, by_delay, rate):
        """A step of Adam for a layer (Kingma & Ba 2015), and of decay towards 0."""
        weights = self.weights[k]
        step = self._step(self.optimizer["weights"][k], by_weight)
        step *= rate * self.units[k]
        step += float(rate * self.decay[k]) * weights
        if self.keeps_zeros:
            step *= weights != 0
        n_trained = len(weights) - self.network.layers[k].n_fixed
        weights[:n_trained] -= step[:n_trained]
        if by_delay is not None:
            delays = self.delays[k]
            step = self._step(self.optimizer["delays"][k], by_delay)
            step *= rate * recipes.DELAY_STEP * self.network.neuron.tau_syn
            np.maximum(delays - step, 0, out=delays)

    def _step(self, moments, grad):
        """The direction of Adam for a gradient, by which the moments move."""
        adam, n_steps = self.adam, self.optimizer["n_steps"]
        m, v = moments
        m += (1 - adam.beta_1) * (grad - m)
        v += (1 - adam.beta_2) * (grad * grad - v)
        root = np.sqrt(v / (1 - adam.beta_2**n_steps))
        root += adam.epsilon
        return m / (1 - adam.beta_1**n_steps) / root

    # -- What is learned ---------------------------------------------------------------

    def decisions(self, spikes):
        return self.engine.runnable(self._current()).decisions(spikes)

    def learned(self):
        network = self._current()
        return network.with_layers(
            weights=[weights.copy() for weights in self.weights],
            delays=[None if d is None else d.copy() for d in self.delays],
        )

    def _current(self):
        """The same, whose arrays the next update changes."""
        return self.network.with_layers(weights=self.weights, delays=self.delays)

    def state(self):
        return copy.deepcopy(self.optimizer)

    def take_state(self):
        return self.optimizer


def _no_moments(array):
    """The moments of Adam before its first step."""
    if array is None:
        return None
    return [np.zeros_like(array), np.zeros_like(array)]
