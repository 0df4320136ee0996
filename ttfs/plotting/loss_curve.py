"""Loss and validation score against epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import is_classifier

from .estimators import last_step
from .figures import (
    BLUE,
    ORANGE,
    VERMILION,
    add_legend,
    add_line,
    hide_spines,
    one_axes,
    second_scale,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


class LossCurveDisplay:
    """Loss of each epoch and, if there are validation data, their loss and score.

    Parameters
    ----------
    losses : array-like of shape (n_epochs,)
        Loss of each epoch.
    scores : array-like of shape (n_validated,), default=None
        Validation scores of some epochs that follow each other: with early stopping
        there are none once the learning rate falls. None: there are none.
    validation_losses : array-like of shape (n_validated,), default=None
        Losses of the validation data in these epochs. None: they are not known.
    first_validated : int, default=1
        The first of these epochs.
    score_name : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : Axes
        The axes of the loss.
    scores_ax_ : Axes or None
        The axes of the scores.
    figure_ : Figure
        The figure.
    loss_ : Line2D
        The curve of the loss.
    validation_loss_ : Line2D or None
        The curve of the validation loss.
    score_ : Line2D or None
        The curve of the scores.

    Raises
    ------
    ValueError
        If there are no losses, or validation has epochs that training has not.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.plotting import LossCurveDisplay
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=5, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    >>> len(display.loss_.get_xdata())
    5
    """

    def __init__(
        self,
        losses: ArrayLike,
        scores: ArrayLike | None = None,
        *,
        validation_losses: ArrayLike | None = None,
        first_validated: int = 1,
        score_name: str = "score",
    ) -> None:
        self.losses = np.asarray(losses, float)
        if self.losses.ndim != 1 or not len(self.losses):
            raise ValueError("losses must be one or more numbers, (n_epochs,)")
        self.first_validated = first_validated
        self.scores = self._validated(scores, "scores")
        self.validation_losses = self._validated(validation_losses, "validation_losses")
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **options: Any) -> Self:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : TTFSClassifier, TTFSRegressor, or a pipeline that ends in one
            Fitted. Of a search its best estimator is taken.
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        **options
            Options of :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        TypeError
            If it is no estimator of this package.
        ValueError
            If it was never trained for an epoch.
        """
        last, _ = last_step(estimator, cls.__name__)
        losses, scores = last.loss_curve_, last.validation_scores_ or None
        # What early stopping holds out is learned in the end; other validation data
        # may have come with a later call than the first.
        first = 1
        if scores and not last.early_stopping:
            first += len(losses) - len(scores)
        display = cls(
            losses,
            scores,
            validation_losses=last.validation_loss_curve_ or None,
            first_validated=first,
            score_name="accuracy" if is_classifier(last) else "R2",
        )
        return display.plot(ax=ax, **options)

    def _validated(self, values, name):
        """Numbers of the validation as an array; None if there are none."""
        if values is None:
            return None
        values = np.asarray(values, float)
        last = self.first_validated + len(np.atleast_1d(values)) - 1
        if values.ndim != 1 or self.first_validated < 1 or last > len(self.losses):
            raise ValueError(
                f"{name} must have one number for each of some epochs from 1 to "
                f"{len(self.losses)}; got epochs {self.first_validated} to {last}"
            )
        return values

    def plot(self, ax: Any = None, *, log: bool = False, legend: bool = True) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        log : bool, default=False
            Whether the scale of the loss is logarithmic.
        legend : bool, default=True
            Whether there is a legend below the picture.

        Returns
        -------
        display : LossCurveDisplay
        """
        from matplotlib.ticker import MaxNLocator

        is_ours = ax is None
        self.ax_ = ax = one_axes(ax, (6.4, 3.8))
        self.figure_ = ax.figure
        self.loss_ = _curve(ax, 1, self.losses, "training loss", BLUE, "-")
        self.validation_loss_ = self.scores_ax_ = self.score_ = None
        first = self.first_validated
        if self.validation_losses is not None:
            self.validation_loss_ = _curve(
                ax, first, self.validation_losses, "validation loss", VERMILION, "--"
            )
        if log:
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=min(0, 1.05 * self.losses.min()))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss")
        hide_spines(ax, "top", "right")
        if self.scores is not None:
            name = f"validation {self.score_name}"
            self.scores_ax_ = right = second_scale(ax, name)
            hide_spines(right, "left")
            label = f"{name} (right scale)"
            self.score_ = _curve(right, first, self.scores, label, ORANGE, "-.")
        handles = [self.loss_, self.validation_loss_, self.score_]
        if legend:
            add_legend(ax, 3, handles, is_ours=is_ours)
        return self


def _curve(ax, first, values, label, color, linestyle):
    """The line of a number of each epoch, from the first one."""
    epochs = first + np.arange(len(values))
    style = {"linestyle": linestyle, "linewidth": 1.8}
    return add_line(ax, epochs, values, label, color, **style)
