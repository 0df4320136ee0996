"""Loss and validation score against epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import is_classifier

from .estimators import last_step
from .figures import BLUE, ORANGE, add_legend, one_axes

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


class LossCurveDisplay:
    """Training loss of each epoch and, if there is one, the validation score.

    Parameters
    ----------
    losses : array-like of shape (n_epochs,)
        Loss of each epoch.
    scores : array-like of shape (n_scores,), default=None
        Validation scores of the first epochs: with early stopping there are none once
        the learning rate falls. None: there are none.
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
    score_ : Line2D or None
        The curve of the scores.

    Raises
    ------
    ValueError
        If there are no losses, or more scores than losses.

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
        score_name: str = "score",
    ) -> None:
        self.losses = np.asarray(losses, float)
        self.scores = None if scores is None else np.asarray(scores, float)
        if self.losses.ndim != 1 or not len(self.losses):
            raise ValueError("losses must be one or more numbers, (n_epochs,)")
        if self.scores is not None and (
            self.scores.ndim != 1 or len(self.scores) > len(self.losses)
        ):
            raise ValueError(
                "scores must be one-dimensional, and not more than there are losses"
            )
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
        scores = last.validation_scores_
        name = "validation accuracy" if is_classifier(last) else "validation R2"
        display = cls(last.loss_curve_, scores or None, score_name=name)
        return display.plot(ax=ax, **options)

    def plot(self, ax: Any = None, *, log: bool = False, legend: bool = True) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw into. None: those of a new figure.
        log : bool, default=False
            Whether the scale of the loss is logarithmic.
        legend : bool, default=True
            Whether there is a legend below the picture, where there are two curves.

        Returns
        -------
        display : LossCurveDisplay
        """
        from matplotlib.ticker import MaxNLocator

        is_ours = ax is None
        self.ax_ = ax = one_axes(ax, (6.4, 3.8))
        self.figure_ = ax.figure
        epochs = np.arange(1, len(self.losses) + 1)
        (self.loss_,) = ax.plot(
            epochs, self.losses, color=BLUE, linewidth=1.8, label="training loss"
        )
        if log:
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=min(0, 1.05 * self.losses.min()))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("epoch")
        ax.set_ylabel("training loss")
        ax.spines["top"].set_visible(False)
        self.scores_ax_ = self.score_ = None
        if self.scores is None:
            ax.spines["right"].set_visible(False)
            return self
        self.scores_ax_ = right = ax.twinx()
        (self.score_,) = right.plot(
            epochs[: len(self.scores)],
            self.scores,
            color=ORANGE,
            linestyle="-.",
            linewidth=1.8,
            label=f"{self.score_name} (right scale)",
        )
        right.set_ylabel(self.score_name)
        right.spines["top"].set_visible(False)
        if legend:
            add_legend(ax, 2, [self.loss_, self.score_], is_ours=is_ours)
        return self
