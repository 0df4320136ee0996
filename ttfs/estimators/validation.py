"""Data that training watches but does not learn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .first_spikes import has_output_spike


@dataclass(frozen=True)
class Measured:
    """What validation data say of an epoch; None where there are none.

    Parameters
    ----------
    score : float, optional
        The score of the head: the greater, the better.
    loss : float, optional
        Mean loss.
    silent_outputs : float, optional
        Share of the samples without an output spike, if output spikes decide.
    """

    score: float | None = None
    loss: float | None = None
    silent_outputs: float | None = None


@dataclass(frozen=True)
class Validation:
    """Validation data, ready to be run.

    Parameters
    ----------
    spikes : core.Spikes
        What enters the network.
    targets : ndarray
        What a Trainer takes for their targets.
    weights : ndarray of shape (n_samples,) or None
        Weights of the samples.
    is_learned_later : bool
        Whether they are held-out training data, which the rate's fall includes.
    """

    spikes: Any
    targets: np.ndarray
    weights: np.ndarray | None
    is_learned_later: bool

    def is_watched(self, fall):
        """Whether they still tell something, if the rate falls from `fall` on."""
        return fall is None or not self.is_learned_later

    def measure(self, trainer, engine, n_seen, score):
        """What these data say of the weights of a trainer.

        Parameters
        ----------
        trainer : Trainer
        engine : Engine
            That of the trainer.
        n_seen : int
            Samples that have been trained on, which the loss depends on.
        score : callable
            ``score(decisions, targets, weights)``.

        Returns
        -------
        measured : Measured
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
