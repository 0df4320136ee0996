"""The state of a call of fit, which may be interrupted and go on."""

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..model import Network


@dataclass
class FitState:
    """A call of `fit`, which a failing substrate may interrupt.

    Parameters
    ----------
    schedule : tuple, optional
        What must be the same for the call to go on.
    rng_before : RandomState, optional
        The generator at the beginning of the call.
    optimizer : dict, optional
        State of `core.Trainer`.
    seed : int
        Seed of input dropout.
    order : ndarray of shape (n_samples,)
        Order of the samples in this epoch.
    drawn : ndarray of shape (n_draws,)
        The samples that this epoch learns from: those in order, or drawn by weights.
    epoch, n_batches_done : int
        The epoch, and its batches that are done.
    is_in_epoch : bool
        Whether the samples of the epoch are in order already.
    total_loss : float
        Sum of the losses of the samples in the batches that are done.
    best : Network
        What early stopping keeps at a constant rate.
    best_score : float
        Best score of an epoch.
    n_worse : int
        Epochs since then without a better one.
    fall : int or None
        The epoch from which the learning rate falls; None before it is known.
    rng, learned
        The generator and the network where the call was interrupted.
    """

    schedule: tuple | None = None
    rng_before: np.random.RandomState | None = None
    optimizer: dict | None = None
    seed: int = 0
    order: np.ndarray | None = None
    drawn: np.ndarray | None = None
    epoch: int = 0
    is_in_epoch: bool = False
    n_batches_done: int = 0
    total_loss: float = 0.0
    best: Network | None = None
    best_score: float = -np.inf
    n_worse: int = 0
    fall: int | None = None
    rng: np.random.RandomState | None = None
    learned: Network | None = None

    @property
    def is_new(self):
        """Whether the call has not begun."""
        return self.order is None

    def begin(self, order, seed):
        """Begin with samples in this order."""
        self.order, self.seed = order, seed

    def shuffled(self, rng):
        """The samples in the order of the next epoch; without rng it stays."""
        if rng is not None:
            rng.shuffle(self.order)
        return self.order

    def begin_epoch(self, epoch, drawn):
        """Begin an epoch that learns from these samples."""
        self.epoch, self.drawn, self.is_in_epoch = epoch, drawn, True

    def end_batch(self, loss, n_samples):
        """Count a batch with this mean loss."""
        self.n_batches_done += 1
        self.total_loss += loss * n_samples

    def end_epoch(self, score, *, is_better):
        """Count an epoch with this score; the next one has not begun."""
        self.epoch += 1
        self.is_in_epoch, self.n_batches_done, self.total_loss = False, 0, 0.0
        self.n_worse = 0 if is_better else self.n_worse + 1
        self.best_score = max(self.best_score, score)

    def begin_fall(self, epoch, n_samples):
        """Let the learning rate fall from this epoch on, if it does not yet.

        All samples are learned then, those that early stopping held out too.
        """
        if self.fall is None:
            self.fall, self.order = epoch, np.arange(n_samples, dtype=np.uintp)

    def interrupt(self, rng, optimizer, learned):
        """Keep what is needed to go on."""
        self.rng, self.optimizer, self.learned = copy.deepcopy(rng), optimizer, learned

    def resumed(self):
        """A copy that goes on, while this one stays as it is."""
        return replace(self, order=self.order.copy(), rng=copy.deepcopy(self.rng))
