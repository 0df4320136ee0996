"""Batches, epochs and learning rates of a call of fit or partial_fit."""

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..engines.recipe import LEFT_PARTIAL, PRUNED_AT

# A loss above this part of the least one without features is no progress.
NO_PROGRESS = 0.97
# Fewer epochs than these are few on purpose, and need not have learned yet.
FEW_EPOCHS = 20
# The learning rate does not begin to fall before this part of the epochs.
EARLIEST_FALL = 1 / 4


class Schedule:
    """How long training goes on, in which batches and at which rates.

    The estimator `parameters` says what it wants, and the recipe of the engine what
    "auto" is. An epoch draws `n_draws` samples by their weights, by default as many as
    it learns from. With `is_partial` this is partial_fit: one epoch, at a constant
    rate.
    """

    def __init__(self, parameters, engine, n_samples, *, n_draws=None, is_partial):
        self.n_draws, self.is_partial = n_draws, is_partial
        self.loss_unit = engine.loss_unit  # in which progress is measured
        self.batch_size = _batch_size(parameters.batch_size, engine, n_samples)
        # Whether the rate falls to 0 over the epochs.
        self.is_cosine = parameters.learning_rate == "cosine" and not is_partial
        # Whether training ends, or the rate begins to fall, if there is no progress.
        self.may_stop = not is_partial and (
            parameters.early_stopping or not self.is_cosine
        )
        # Whether the weights of the best epoch are kept, not those of the last one.
        self.keeps_best = parameters.early_stopping and not self.is_cosine
        self.n_epochs = parameters.max_iter
        if is_partial:
            self.n_epochs = 1
        elif parameters.max_iter == "auto":
            self.n_epochs = engine.recipe.n_epochs(n_samples, self.batch_size)
        self.latest_fall = None  # the epoch from which the rate falls in any case
        if self.is_cosine:
            self.latest_fall = math.ceil(self.n_epochs / 2) if self.may_stop else 0

    def end(self, fall):
        """The number of epochs if the rate falls from the epoch `fall` on.

        A fall takes as long as what came before it. `fall` is None if it is not known
        yet.
        """
        return min(2 * fall, self.n_epochs) if fall else self.n_epochs

    def may_fall(self, epoch, *, has_converged):
        """Whether the rate begins to fall from this epoch on, if it does not yet."""
        if self.latest_fall is None:
            return False
        earliest = int(EARLIEST_FALL * self.n_epochs)
        return epoch >= self.latest_fall or (has_converged and epoch >= earliest)

    def factors(self, epoch, fall, n_samples):
        """Learning rate of each batch of an epoch, as a part of the initial one."""
        done = np.arange(0, n_samples, self.batch_size) / n_samples
        if fall is None:
            return np.ones_like(done)
        return cosine((epoch - fall + done) / (self.end(fall) - fall))

    def left_to_prune(self, epoch):
        """The part of what is left to be pruned that is left after this epoch too.

        Shares of pruned weights rise as 1 - (1 - progress)^3 (Zhu & Gupta 2017), and no
        longer once the rate has fallen far. It depends on the share that is pruned
        already, and not on where it began.
        """
        if self.is_partial:
            return LEFT_PARTIAL
        end = self.n_epochs * (EARLIEST_FALL if self.may_stop else PRUNED_AT)
        before, after = (max(0.0, 1 - n / end) for n in (epoch, epoch + 1))
        return (after / before) ** 3 if before > 0 else 0.0

    def check_progress(self, loss, least):
        """Warn if the last loss is about the least one without features, or more."""
        if least is None or self.n_epochs < FEW_EPOCHS:
            return
        if loss > NO_PROGRESS * least:
            warnings.warn(
                f"training ended at a loss of {loss:.3g}, where outputs that know "
                f"nothing of the features have {least:.3g}: probabilities are about "
                "as good as the frequencies of the classes, or worse. Try, in this "
                "order: more samples or epochs (max_iter), a smaller weight_decay, "
                "another encoder",
                ConvergenceWarning,
                stacklevel=6,
            )


def cosine(progress):
    """Factor of the learning rate: 1 at progress 0, falling to 0 at progress 1."""
    return 0.5 * (1.0 + np.cos(np.pi * progress))


def _batch_size(batch_size, engine, n_samples):
    if batch_size == "auto":
        return engine.recipe.batch_size(n_samples)
    if batch_size > n_samples:
        warnings.warn(
            f"batch_size={batch_size} is larger than the number of samples; "
            f"using {n_samples}",
            stacklevel=7,
        )
    batch_size = min(batch_size, n_samples)
    if engine.max_batch is not None and batch_size > engine.max_batch:
        raise ValueError(
            f"batch_size={batch_size} is too large: gradient='local' with "
            f"arithmetic='fixed' takes at most {engine.max_batch} samples"
        )
    return batch_size
