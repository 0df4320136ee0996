"""Batches, epochs and learning rates of a call of fit or partial_fit."""

import warnings

import numpy as np


class Schedule:
    """How long training goes on, in which batches and at which rates.

    Parameters
    ----------
    parameters : BaseTTFS
        Has batch_size, max_iter, learning_rate and early_stopping.
    engine : Engine
        Has the recipe for "auto", the largest batch, and the unit of the loss.
    n_samples : int
        Number of training samples.
    is_partial : bool
        Whether this is partial_fit: one epoch at a constant rate.

    Attributes
    ----------
    batch_size, n_epochs : int
        Samples of an update, and epochs at most.
    is_cosine : bool
        Whether the rate falls to 0 over the epochs.
    may_stop : bool
        Whether training ends when it no longer makes progress.
    loss_unit : float
        Unit of the loss in which progress is measured.
    """

    def __init__(self, parameters, engine, n_samples, *, is_partial):
        self.n_samples, self.loss_unit = n_samples, engine.loss_unit
        self.batch_size = _batch_size(parameters.batch_size, engine, n_samples)
        self.is_cosine = parameters.learning_rate == "cosine" and not is_partial
        self.may_stop = not is_partial and (
            parameters.early_stopping or not self.is_cosine
        )
        n_batches = -(-n_samples // self.batch_size)
        self.n_epochs = parameters.max_iter
        if is_partial:
            self.n_epochs = 1
        elif parameters.max_iter == "auto":
            self.n_epochs = engine.recipe.n_epochs(n_batches)

    def factors(self, epoch):
        """Learning rate of each batch of an epoch, as a part of the initial one."""
        done = np.arange(0, self.n_samples, self.batch_size) / self.n_samples
        if not self.is_cosine:
            return np.ones_like(done)
        return cosine((epoch + done) / self.n_epochs)


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
