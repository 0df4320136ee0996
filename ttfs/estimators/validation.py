"""Data that training watches but does not learn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .first_spikes import has_output_spike


@dataclass(frozen=True)
class Measured:
    """What validation data say of an epoch; None where there are none."""

    score: float | None = None  # of the head: the greater, the better
    loss: float | None = None
    silent_outputs: float | None = None  # share of samples, if output spikes decide


@dataclass(frozen=True)
class Validation:
    """Validation data, ready to be run."""

    spikes: Any
    targets: np.ndarray  # as a Trainer takes them
    weights: np.ndarray | None
    is_learned_later: bool  # whether they were held out until the rate falls

    def is_watched(self, fall):
        """Whether they still tell something, if the rate falls from `fall` on."""
        return fall is None or not self.is_learned_later

    def measure(self, trainer, engine, n_seen, score):
        """What these data say of the weights of a trainer, a Measured.

        `n_seen` samples have been trained on, which the loss depends on;
        ``score(decisions, targets, weights)`` is the score.
        """
        decisions, network = trainer.decisions(self.spikes), trainer.network
        losses = engine.losses(network, n_seen, decisions, self.targets)
        silent = None
        if engine.decides_by_first_spike:
            is_silent = ~has_output_spike(network, decisions)
            silent = float(np.average(is_silent, weights=self.weights))
        return Measured(
            score(decisions, self.targets, self.weights),
            float(np.average(losses, weights=self.weights)),
            silent,
        )
