"""The state of a call of fit, which may be interrupted and go on."""

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..model import Network


@dataclass
class FitState:
    """A call of `fit`, which a failing substrate may interrupt."""

    schedule: tuple | None = None  # what must be the same for the call to go on
    rng_before: np.random.RandomState | None = None  # at the beginning of the call
    optimizer: dict | None = None  # the state of the trainer
    seed: int = 0  # of input dropout
    order: np.ndarray | None = None  # of the samples in this epoch
    drawn: np.ndarray | None = None  # what it learns: those, or some drawn by weights
    epoch: int = 0
    is_in_epoch: bool = False  # whether its samples are in order already
    n_batches_done: int = 0  # in this epoch
    total_loss: float = 0.0  # the sum over the samples of these batches
    best: Network | None = None  # what early stopping keeps at a constant rate
    best_score: float = -np.inf  # of an epoch
    n_worse: int = 0  # epochs since then without a better one
    fall: int | None = None  # from which epoch the rate falls; None: not known yet
    rng: np.random.RandomState | None = None  # where the call was interrupted
    learned: Network | None = None  # where the call was interrupted

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
