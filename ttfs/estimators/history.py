"""What an estimator remembers of its epochs."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class History:
    """Losses and scores of all epochs since the weights were drawn.

    A history never changes: an interrupt leaves an estimator with the one before an
    epoch or the one after it.

    Parameters
    ----------
    losses : tuple of float
        Loss of each epoch.
    best_loss : float or None
        Lowest of them; None with early stopping.
    scores : tuple of float or None
        Validation scores with early stopping, of each epoch until the learning rate
        falls; None without.
    best_score : float or None
        Highest of them.
    n_samples_seen : int
        Number of training samples seen, over all epochs.
    """

    losses: tuple = ()
    best_loss: float | None = None
    scores: tuple | None = None
    best_score: float | None = None
    n_samples_seen: int = 0

    def begun(self, *, has_scores):
        """The history at the beginning of a call, with or without early stopping."""
        if has_scores:
            return replace(self, best_loss=None, scores=self.scores or ())
        return replace(self, scores=None, best_score=None)

    def with_epoch(self, loss, score, n_samples):
        """The history after one more epoch; score is None if there is none."""
        history = replace(
            self,
            losses=(*self.losses, loss),
            n_samples_seen=self.n_samples_seen + n_samples,
        )
        if score is None and self.scores is not None:
            return history
        if score is None:
            is_best = self.best_loss is None or loss < self.best_loss
            return replace(history, best_loss=loss) if is_best else history
        history = replace(history, scores=(*self.scores, score))
        is_best = self.best_score is None or score > self.best_score
        return replace(history, best_score=score) if is_best else history

    def last_line(self, score):
        """The last epoch and its score, if any, as a line of text for verbose=True."""
        line = f"Iteration {len(self.losses)}, loss = {self.losses[-1]:.8f}"
        if score is not None:
            line += f", validation score = {score:.6f}"
        return line
