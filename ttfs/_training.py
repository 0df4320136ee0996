"""Steps and epochs of training."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.utils import gen_batches

from ttfs import _core
from ttfs._network import backward, decision_times, existence_gradient, forward


class Adam:
    """State of Adam with decoupled weight decay; the step itself is in the C core.

    Parameters
    ----------
    weights : list of ndarray
        What will be optimized, in place.
    units : list of float
        Unit of each matrix: learning rates are given in it.
    """

    def __init__(self, weights, units, *, beta_1, beta_2, epsilon, weight_decay):
        self.units = units
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.n_steps = 0
        self.first_moments = [np.zeros_like(w) for w in weights]
        self.second_moments = [np.zeros_like(w) for w in weights]

    def step(self, weights, grads, learning_rate):
        """Update weights in place."""
        self.n_steps += 1
        for w, g, m, v, unit in zip(
            weights,
            grads,
            self.first_moments,
            self.second_moments,
            self.units,
            strict=True,
        ):
            _core.adam(
                w,
                g,
                m,
                v,
                learning_rate * unit,
                self.beta_1,
                self.beta_2,
                self.epsilon,
                self.weight_decay / unit,
                self.n_steps,
            )


def cosine(progress):
    """Factor of the learning rate: 1 at progress 0, falling to 0 at progress 1."""
    return 0.5 * (1.0 + np.cos(np.pi * progress))


@dataclass
class Trainer:
    """What the steps of a training run have in common.

    Parameters
    ----------
    layers : list of Layer
        Their weights are updated in place.
    optimizer : Adam
    loss : callable
        loss(times, labels, factors) -> (loss of each sample, gradient of times).
    t_max, pseudo_slope, floor, existence, tolerated : float
        See `forward`, `decision_times`, `backward` and `existence_gradient`.
    """

    layers: list
    optimizer: Adam
    loss: Callable
    t_max: float
    pseudo_slope: float
    floor: float
    existence: float
    tolerated: float

    def step(self, times, labels, factors, learning_rate):
        """One update of the weights; returns the loss summed over the batch."""
        n_samples = len(labels)
        passes = forward(self.layers, times, self.t_max)
        decisions = decision_times(passes[-1], self.t_max, self.pseudo_slope)
        loss, grad = self.loss(decisions, labels, factors / n_samples)
        grads = backward(
            passes,
            grad,
            pseudo_slope=self.pseudo_slope,
            floor=self.floor,
            existence=partial(
                existence_gradient, strength=self.existence, tolerated=self.tolerated
            ),
        )
        weights = [layer.weights for layer in self.layers]
        self.optimizer.step(weights, grads, learning_rate)
        return n_samples * float(loss.sum())

    def epoch(self, times, labels, factors, order, batch_size, rate):
        """Steps over all samples in the given order; returns the mean loss.

        `rate` maps the fraction of the epoch that is done to a learning rate.
        """
        n_samples = len(order)
        loss = 0.0
        for rows in gen_batches(n_samples, batch_size):
            batch = order[rows]
            learning_rate = rate(rows.start / n_samples)
            loss += self.step(
                times[batch], labels[batch], factors[batch], learning_rate
            )
        return loss / n_samples
