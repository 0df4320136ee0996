"""The runs of a study: networks that are trained with and without a chip."""

import copy
import time
import zlib
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from ...core import __version__
from ...engines.recipe import EXACT
from ...estimators import TTFSClassifier
from ...substrates import AnalogChip
from ..data import Data
from ..terminal import one_line, one_thread
from .sweeps import make_point

# The features of Yin-Yang are complements of each other.
_ENCODERS = {"yin_yang": "latency"}


def n_epochs(n_samples, n_updates):
    """Epochs that make this number of updates, about."""
    n_batches = -(-n_samples // EXACT.batch_size(n_samples))
    return max(1, round(n_updates / n_batches))


@dataclass(frozen=True)
class Study:
    """What all runs have in common: data, chip before a sweep, network and epochs."""

    data: Data
    base: AnalogChip
    hidden: tuple
    max_iter: int

    def settings(self):
        """What the results depend on: numbers and texts, for a file."""
        data = self.data
        return {
            "ttfs": __version__,
            "data": data.name,
            "checksum": zlib.crc32(
                np.asarray(data.y).astype(str), zlib.crc32(np.ascontiguousarray(data.X))
            ),
            "splits": len(data.splits),
            "hidden": ",".join(map(str, self.hidden)),
            "max_iter": self.max_iter,
            "base": repr(self.base),
        }

    def split(self, number):
        """Training and test data of a chip: chips take turns at the folds."""
        train, test = self.data.splits[number % len(self.data.splits)]
        X, X_test = self.data.X[train], self.data.X[test]
        preprocessor = self.data.preprocessor().fit(X)
        X, X_test = preprocessor.transform(X), preprocessor.transform(X_test)
        return X, self.data.y[train], X_test, self.data.y[test]

    def model(self, number, substrate=None):
        """The classifier of the chip with this number, not yet trained."""
        return TTFSClassifier(
            hidden_layer_sizes=self.hidden,
            encoder=_ENCODERS.get(self.data.name, "auto"),
            max_iter=self.max_iter,
            random_state=number,
            substrate=substrate,
        )


@dataclass(frozen=True)
class Run:
    """Accuracies of one chip on test data; None where an error came before.

    The accuracies are: `ideal`, trained and tested without the chip; `naive`, the same
    network tested on the chip; `in_loop`, trained and tested on the chip.
    """

    sweep: str
    value: float
    chip: int
    ideal: float | None = None
    naive: float | None = None
    in_loop: float | None = None
    seconds: float = 0.0
    error: str = ""

    @property
    def key(self):
        """The sweep, the value and the number of the chip, as in `measure_all`."""
        return self.sweep, self.value, self.chip


def train_ideal(study, number):
    """The model that was trained without a chip, its accuracy, and an error."""
    X, y, X_test, y_test = study.split(number)
    try:
        with one_thread():
            model = study.model(number).fit(X, y)
            return model, model.first_spike_score(X_test, y_test), ""
    except Exception as error:  # the other chips are still tried
        return None, None, one_line(error)


def measure(study, ideal, name, value, number):
    """The run of a chip, which tests the ideal model and one that is trained on it."""
    model, accuracy, error = ideal
    run = Run(name, value, number, ideal=accuracy, error=error)
    if error:
        return run
    start = time.perf_counter()
    chip = make_point(study.base, name, value, number)
    X, y, X_test, y_test = study.split(number)
    try:
        with one_thread():
            naive = copy.copy(model).set_params(substrate=chip)
            run = replace(run, naive=naive.first_spike_score(X_test, y_test))
            in_loop = study.model(number, chip).fit(X, y)
            run = replace(run, in_loop=in_loop.first_spike_score(X_test, y_test))
    except Exception as error:  # the other chips are still tried
        run = replace(run, error=one_line(error))
    return replace(run, seconds=time.perf_counter() - start)


def measure_all(study, keys, n_jobs=1):
    """Measure runs, given by their keys (sweep, value, number of the chip).

    Yields lists of the next runs in the order of the keys, one for each process.
    """
    n_jobs = effective_n_jobs(n_jobs)
    numbers = sorted({number for *_, number in keys})
    with Parallel(n_jobs) as parallel:
        ideals = parallel(delayed(train_ideal)(study, number) for number in numbers)
        ideals = dict(zip(numbers, ideals, strict=True))
        for start in range(0, len(keys), n_jobs):
            yield parallel(
                delayed(measure)(study, ideals[key[-1]], *key)
                for key in keys[start : start + n_jobs]
            )
