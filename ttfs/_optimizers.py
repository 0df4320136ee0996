"""Adam for a list of weight matrices, and the learning-rate schedule."""

import numpy as np

from ttfs import _core


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
