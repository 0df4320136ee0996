"""What is told of a training while it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

_LOG = logging.getLogger("ttfs.training")


@dataclass(frozen=True)
class EpochRecord:
    """An epoch that has ended, as a `callback` of `fit` is told of it.

    Parameters
    ----------
    epoch : int
        Number of the epoch in this call of `fit`, from 1.
    n_epochs : int
        The epoch after which the call ends at the latest, as far as it is known yet.
    loss : float
        Mean loss of the epoch, as in `loss_curve_`.
    validation_score : float or None
        Accuracy, or R2 of spike times, as in `validation_scores_`. None, as the next
        two, where nothing is validated: without validation data, and where those that
        early stopping had held out are learned.
    validation_loss : float or None
        Mean loss of the validation data, as in `validation_loss_curve_`.
    silent_outputs : float or None
        Share of the validation samples in which no output neuron has fired. None also
        where the outputs decide by their number of spikes, or by membranes.
    learning_rate : float
        The learning rate with which the epoch began.
    seconds : float
        How long the epoch took, validation included [s].

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(100, random_state=0)
    >>> records = []
    >>> clf = TTFSClassifier(max_iter=3, random_state=0)
    >>> clf = clf.fit(X, y, callback=records.append)
    >>> [record.epoch for record in records], records[-1].loss == clf.loss_
    ([1, 2, 3], True)
    """

    epoch: int
    n_epochs: int
    loss: float
    validation_score: float | None
    validation_loss: float | None
    silent_outputs: float | None
    learning_rate: float
    seconds: float
    # Makes a copy of the estimator, as long as it has these weights.
    _copy: Callable[[], Any] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def snapshot(self) -> Any:
        """The estimator as it would be if training ended with this epoch.

        It is a copy, which predicts, learns and can be stored. To make it costs the
        memory of weights, delays and their moments; whoever does not ask pays nothing.

        Returns
        -------
        estimator : TTFSClassifier or TTFSRegressor
            With the weights of this epoch, also where the best ones will be kept.

        Raises
        ------
        RuntimeError
            After the callback has returned: training has gone on.
        """
        if self._copy is None:
            raise RuntimeError(
                f"the weights of epoch {self.epoch} have changed since: call snapshot "
                "in the callback itself"
            )
        return self._copy()


# A `callback` of fit, which ends the training by returning a true value.
Callback: TypeAlias = "Callable[[EpochRecord], bool | np.bool_ | None]"


class Watcher:
    """Tells of epochs: the terminal, as `verbose` says, the log, and a callback.

    It is a context, in which training goes on; `is_stopped` says whether the callback
    has ended it.
    """

    def __init__(self, verbose, callback=None):
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable or None, got {callback!r}")
        self.verbose, self.callback = int(verbose), callback
        self.is_stopped, self._bar = False, None

    def begin(self, name, n_samples, schedule, n_done):
        """Tell that training begins, or goes on after `n_done` epochs.

        `name` is that of the estimator, `schedule` its Schedule.
        """
        _LOG.info(
            "%s learns from %d samples: batches of %d, at most %d epochs",
            *(name, n_samples, schedule.batch_size, schedule.n_epochs),
        )
        if self.verbose >= 2 and not schedule.is_partial:
            self._bar = _progress_bar(schedule.n_epochs, n_done)

    def tell(self, record, line, copy):
        """Tell of an epoch; returns whether training shall end.

        The line is printed, and ``copy()`` is the estimator with the present weights.
        """
        _LOG.debug("%s", record)
        if self._bar is not None:
            self._bar.total = record.n_epochs
            score = record.validation_score
            scores = {} if score is None else {"score": f"{score:.4f}"}
            self._bar.set_postfix(loss=f"{record.loss:.4g}", **scores, refresh=False)
            self._bar.update()
        elif self.verbose:
            print(line, flush=True)
        if self.callback is not None:
            object.__setattr__(record, "_copy", copy)
            answer = self.callback(record)
            object.__setattr__(record, "_copy", None)  # the weights change
            if answer is not None and not isinstance(answer, (bool, np.bool_)):
                raise TypeError(
                    "callback must return True, to end training, or False or None, got "
                    f"{answer!r}"
                )
            self.is_stopped = bool(answer)
        return self.is_stopped

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._bar is not None:
            self._bar.close()


def _progress_bar(n_epochs, n_done):
    """The bar of tqdm; None, and a hint, where it is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        print('for a progress bar: pip install "scikit-ttfs[progress]"', flush=True)
        return None
    return tqdm(total=n_epochs, initial=n_done, unit="epoch", dynamic_ncols=True)
