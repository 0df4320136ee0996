"""The equations of S4NN in NumPy, slow and obvious, in double precision.

From the paper (Kheradpisheh, Masquelier, International Journal of Neural Systems 30,
2050027, 2020): membranes are sums of weights over whole spike trains, and every array
has one entry for each synapse. Weights are (n_in, n_out); a silent neuron, or an input
without a spike, has the time `n_steps`.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Twin:
    """A network that learns by the rule."""

    weights: list  # (n_in, n_out) of each layer, which learning changes
    n_steps: int
    threshold: float = 100.0
    rates: tuple = ()
    weight_decay: float = 0.0
    gamma: float = 3.0
    margins: list = field(default_factory=list)  # of membranes from the threshold

    def fire(self, times, weights):
        """Spike times of a layer, and its membranes (n_steps, n_out)."""
        steps = np.arange(self.n_steps)
        has_arrived = times[np.newaxis, :] <= steps[:, np.newaxis]
        membranes = has_arrived.astype(float) @ weights
        self.margins.append(np.abs(membranes - self.threshold).min())
        is_above = membranes > self.threshold
        crossings = np.where(is_above.any(axis=0), is_above.argmax(axis=0), np.inf)
        return np.minimum(crossings + 1, self.n_steps).astype(int), membranes

    def run(self, times):
        """Times of the inputs and of each layer; membranes that decide (n_outputs,)."""
        out = [np.asarray(times)]
        for weights in self.weights:
            times, membranes = self.fire(out[-1], weights)
            out.append(times)
        first = out[-1].min()
        return out, membranes[first - 1 if first < self.n_steps else -1]

    def targets(self, times, label):
        """T of the output neurons, of which `times` are those of the outputs."""
        first = times.min()
        if first == self.n_steps:
            targets = np.full(len(times), float(self.n_steps))
            targets[label] = self.n_steps - self.gamma
        else:
            late = min(first + self.gamma, self.n_steps)
            targets = np.where(times - first < self.gamma, late, times).astype(float)
            targets[label] = first
        return targets

    def learn(self, times, label):
        """Learn one sample; returns its loss."""
        times, _ = self.run(times)
        errors = (self.targets(times[-1], label) - times[-1]) / self.n_steps
        loss = (errors**2).sum() / 2
        for k in reversed(range(len(self.weights))):
            norm = np.linalg.norm(errors)
            if norm > 0:
                errors = errors / norm
            is_before = times[k][:, np.newaxis] < times[k + 1][np.newaxis, :]
            weights, rate = self.weights[k], self.rates[k]
            weights = weights - rate * errors * is_before
            weights = weights - rate * self.weight_decay * weights
            self.weights[k] = weights
            errors = (errors * is_before * weights).sum(axis=1)
        return loss
