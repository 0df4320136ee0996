"""What an estimator remembers of its epochs."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class History:
    """Losses and scores of all epochs since the weights were drawn.

    A history never changes: an interrupt leaves an estimator with the one before an
    epoch or the one after it.
    """

    losses: tuple = ()
    best_loss: float | None = None  # None with early stopping
    # Of the epochs with validation data that were not learned; None if the last call
    # had none.
    scores: tuple | None = None
    best_score: float | None = None
    n_samples_seen: int = 0  # over all epochs
    validation_losses: tuple | None = None  # where there are scores

    def begun(self, *, has_scores, stops_early):
        """The history at the beginning of a call, with validation data or without."""
        history = replace(self, best_loss=None) if stops_early else self
        if has_scores:
            return replace(
                history,
                scores=self.scores or (),
                validation_losses=self.validation_losses or (),
            )
        return replace(history, scores=None, best_score=None, validation_losses=None)

    def with_epoch(self, loss, n_samples, measured, *, stops_early):
        """The history after one more epoch, of which validation data say `measured`."""
        changes = {
            "losses": (*self.losses, loss),
            "n_samples_seen": self.n_samples_seen + n_samples,
        }
        if not stops_early and (self.best_loss is None or loss < self.best_loss):
            changes["best_loss"] = loss
        if measured.score is not None:
            changes["scores"] = (*self.scores, measured.score)
            changes["validation_losses"] = (*self.validation_losses, measured.loss)
            if self.best_score is None or measured.score > self.best_score:
                changes["best_score"] = measured.score
        return replace(self, **changes)

    def last_line(self, score):
        """The last epoch and its score, if any, as a line of text for verbose=True."""
        line = f"Iteration {len(self.losses)}, loss = {self.losses[-1]:.8f}"
        if score is not None:
            line += f", validation score = {score:.6f}"
        return line
