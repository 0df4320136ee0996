"""Epochs of training, and the validation data that they are watched on."""

import warnings
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..engines.pruning import warn_if_few_are_left
from ..substrates import NetworkError, SubstrateError
from .first_spikes import has_output_spike
from .schedule import Schedule
from .watching import EpochRecord
from .weights import draw


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


class TrainingMixin:
    """Trains a draft of an estimator that has data and a network."""

    def _train(
        self,
        engine,
        data,
        state,
        watcher,
        held_out=None,
        rows=None,
        *,
        n_draws=None,
        is_partial=False,
    ):
        """Epochs of training, from the weights at hand and the FitState of the call.

        Training data and `held_out`, validation data, are (X, targets, weights or
        None). `rows` are the numbers of the samples that early stopping learns from,
        until the rate falls, and of those that it watches, if it has split the data. An
        epoch draws `n_draws` samples, by default as many as it learns from.

        Returns the error of the substrate that ended it, if one did after the first
        update, or None.
        """
        X, targets, weights = data
        targets = self._training_targets(targets)
        spikes = engine.place(self._spikes(X), self.network_)
        validation, training = None, np.arange(len(spikes))
        if rows is not None:
            training, held = rows
            weights_val = None if weights is None else weights[held]
            validation = self._spikes(X[held]), targets[held], weights_val
        elif held_out is not None:
            X_val, targets_val, weights_val = held_out
            targets_val = self._training_targets(targets_val)
            validation = self._spikes(X_val), targets_val, weights_val
        if validation is not None:
            validation = Validation(*validation, is_learned_later=rows is not None)
        n_samples = len(spikes) if n_draws is None else n_draws
        self._n_seen = n_samples + (self._n_seen if is_partial else 0)
        self._time_scale = engine.time_scale(self.network_, self._n_seen)
        if n_samples == 0:
            return None
        if self.sparsity > 0:
            warn_if_few_are_left(self.network_.layers, self.sparsity, stacklevel=5)
        schedule = Schedule(
            self, engine, n_samples, n_draws=n_draws, is_partial=is_partial
        )

        self._history = self._history.begun(
            has_scores=validation is not None, stops_early=self.early_stopping
        )
        self._optimizer = self._interrupted = None
        if state.is_new:
            state.begin(training.astype(np.uintp), engine.seed(self._rng))
            if schedule.may_fall(0, has_converged=False):
                state.begin_fall(0, len(spikes))
        else:
            state = state.resumed()
            self._rng, self.network_ = state.rng, state.learned
        trainer = engine.trainer(
            self.network_,
            state,
            batch_size=schedule.batch_size,
            n_seen=self._n_seen,
            may_drop=self.encoder_.may_drop_,
        )
        self.network_, failure = trainer.network, None
        if schedule.keeps_best:
            state.best = state.best or trainer.learned()
        try:
            self._run_epochs(
                *(engine, trainer, state, schedule, watcher),
                *((spikes, targets, weights), validation),
            )
        except KeyboardInterrupt:
            warnings.warn(
                f"training interrupted in epoch {self.n_iter_ + 1}; the model keeps "
                "what it has learned",
                stacklevel=5,
            )
        except (SubstrateError, NetworkError) as error:
            if trainer.n_updates == 0:
                raise
            failure = error
            error.add_note(
                f"Training ended in epoch {self.n_iter_ + 1}; the model keeps what it "
                "has learned until then"
                + ("." if is_partial else ", fit with warm_start=True goes on.")
            )
            if not is_partial:
                state.interrupt(self._rng, trainer.state(), trainer.learned())
                self._interrupted = state
        else:
            if not (is_partial or watcher.is_stopped):
                least = engine.loss_without_features(
                    self.network_, self._n_seen, targets, weights
                )
                schedule.check_progress(self.loss_, least)
        del spikes, validation  # their memory is needed
        self._optimizer = trainer.take_state()
        self.network_ = state.best if schedule.keeps_best else trainer.learned()
        self.network_.check_finite()
        return failure

    def _run_epochs(self, engine, trainer, state, schedule, watcher, data, validation):
        """Epochs until the schedule or a callback ends, or the score stops improving.

        Training data are (spikes, targets, weights or None).
        """
        *samples, weights = data
        rate = engine.learning_rate(self.network_)
        watcher.begin(type(self).__name__, len(state.order), schedule, state.epoch)
        for epoch in range(state.epoch, schedule.n_epochs):
            if epoch >= schedule.end(state.fall):
                return
            start = perf_counter()
            if not state.is_in_epoch:
                order = state.shuffled(self._rng if self.shuffle else None)
                if weights is not None:
                    n_draws = schedule.n_draws or len(order)
                    order = draw(order, weights, n_draws, self._rng)
                    if self.shuffle:  # the draws of a sample follow each other
                        self._rng.shuffle(order)
                state.begin_epoch(epoch, order)
            rates = rate * schedule.factors(epoch, state.fall, len(state.drawn))
            loss = float(
                trainer.epoch(*samples, state.drawn, schedule.batch_size, rates)
            )
            if not np.isfinite(loss):
                raise ValueError(
                    f"the loss is {loss} after epoch {self.n_iter_ + 1}; lower "
                    "learning_rate_init or raise min_slope of the gradient"
                )
            is_pruned = True
            if self.sparsity > 0:
                left = schedule.left_to_prune(epoch)
                trainer.prune(self.sparsity, left)
                is_pruned = left == 0
            measured = Measured()
            if validation is not None and validation.is_watched(state.fall):
                measured = validation.measure(
                    trainer, engine, self._n_seen, self._validation_score
                )
                if measured.score > state.best_score and schedule.keeps_best:
                    state.best = trainer.learned()
            self._history = self._history.with_epoch(
                loss, len(state.drawn), measured, stops_early=self.early_stopping
            )
            has_converged = self._end_epoch(state, schedule, is_pruned, measured)
            if schedule.may_fall(epoch + 1, has_converged=has_converged):
                state.begin_fall(epoch + 1, len(samples[0]))
            record = EpochRecord(
                epoch + 1,
                schedule.end(state.fall),
                loss,
                measured.score,
                measured.loss,
                measured.silent_outputs,
                learning_rate=float(rates[0]),
                seconds=perf_counter() - start,
            )
            line = self._history.last_line(record.validation_score)
            if watcher.tell(record, line, partial(self._snapshot, trainer)):
                return
            if has_converged and schedule.may_stop and not schedule.is_cosine:
                return
        if schedule.may_stop and not schedule.is_cosine:
            warnings.warn(
                f"training reached max_iter={schedule.n_epochs} epochs before it "
                "converged; increase max_iter, or use learning_rate='cosine'",
                ConvergenceWarning,
                stacklevel=6,
            )

    def _end_epoch(self, state, schedule, is_pruned, measured):
        """Count the last epoch of the history; returns whether training converged.

        Without a pruned network no epoch is the best, or one too many.
        """
        if not is_pruned:
            state.end_epoch(-np.inf, is_better=True)
            return False
        score = -self._history.losses[-1] / schedule.loss_unit
        if self.early_stopping and measured.score is not None:
            score = measured.score
        state.end_epoch(score, is_better=score > state.best_score + self.tol)
        return state.n_worse > self.n_iter_no_change

    def _snapshot(self, trainer):
        """A copy of this draft with what a trainer has learned until now."""
        snapshot = self._draft()
        snapshot.network_ = trainer.learned()
        snapshot._optimizer = trainer.state()
        return snapshot
