"""What hidden spikes cost in sparse training."""

import numpy as np


class SpikeCost:
    """The cost of hidden spikes at t before the decision t*.

    It is the sum of price (t* - t) / t_max over these spikes, averaged over samples. A
    spike that moves to t* costs nothing there, so the cost is continuous where spikes
    vanish. t* is the first output spike if that decides, else t_max; the gradient is
    exact, that of t* too. With `decides_by_first_spike` scores are the first spike
    times of outputs with the opposite sign.
    """

    def __init__(self, price, t_max, *, decides_by_first_spike):
        self.price, self.t_max = price, t_max
        self.decides_by_first_spike = decides_by_first_spike

    def decisions(self, scores):
        """The time t* (n_samples,)."""
        if self.decides_by_first_spike:
            return np.minimum(-scores.max(axis=1), self.t_max)
        return np.full(len(scores), self.t_max, scores.dtype)

    def gradients(self, hidden, scores):
        """Gradients of the cost with respect to each of `hidden`, and to the scores.

        `hidden` are the spike times (n_samples, n_neurons, max_spikes) of the hidden
        layers. Without a price gradients are 0.
        """
        if self.price == 0:
            return [0] * (len(hidden) + 1)
        decisions = self.decisions(scores)
        push = scores.dtype.type(self.price / (self.t_max * len(scores)))
        are_before = [times < decisions[:, np.newaxis, np.newaxis] for times in hidden]
        by_score = np.zeros_like(scores)
        if self.decides_by_first_spike:
            n_before = sum(is_before.sum(axis=(1, 2)) for is_before in are_before)
            has_fired = decisions < self.t_max
            rows = np.arange(len(scores))
            by_score[rows, scores.argmax(axis=1)] = -push * n_before * has_fired
        return [*(-push * is_before for is_before in are_before), by_score]
