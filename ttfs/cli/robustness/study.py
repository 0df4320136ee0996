"""What a study runs: sweeps of chips, and networks trained with and without them."""

import copy
import time
import zlib
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from ...core import __version__
from ...engines.recipe import EXACT
from ...estimators import TTFSClassifier
from ...substrates import PRESETS, AnalogChip
from ..arguments import make_chip, read_number
from ..data import Data, DataError
from ..terminal import one_line, one_thread

# Bits of a weight mean nothing without a greatest weight: here that of a real chip.
_CLIP = PRESETS["delgrad"].parameters["weight_clip"]
# Features times rows of synapses for each feature. As was published, the 4 features of
# Yin-Yang have 5 rows each: where inputs are few their weights are large.
_ROWS = 20
# The features of Yin-Yang are complements of each other.
_ENCODERS = {"yin_yang": "latency"}


@dataclass(frozen=True)
class Sweep:
    """What a sweep changes: parameters of `AnalogChip`, which all have one value."""

    label: str  # of the axis in the figure, with the unit
    values: tuple  # of a command line without values
    parameters: tuple


_DEFAULT = {
    "weight_bits": ("bits of a weight", (2, 3, 4, 6)),
    "weight_clip": ("greatest weight [threshold]", (0.2, 0.4, 0.8, 1.6)),
    "spike_jitter": ("jitter of spikes [tau_syn]", (0.01, 0.02, 0.05, 0.1)),
    "threshold_spread": ("spread of thresholds", (0.02, 0.05, 0.1, 0.2)),
    "tau_spread": ("spread of time constants", (0.05, 0.1, 0.2, 0.3)),
    "dead_neurons": ("fraction of dead neurons", (0.02, 0.05, 0.1, 0.2)),
}
_OTHERS = {
    "threshold_jitter": ("jitter of thresholds", (0.01, 0.02, 0.05, 0.1)),
    "time_resolution": ("time resolution [tau_syn]", (0.01, 0.02, 0.05, 0.1)),
    "spurious_rate": (
        "rate of spurious spikes [1 / tau_syn]",
        (0.005, 0.01, 0.02, 0.05),
    ),
    "dead_synapses": ("fraction of dead synapses", (0.02, 0.05, 0.1, 0.2)),
}
# A sweep is called like the parameter that it changes, except where there are several.
_SEVERAL = {"tau_spread": ("tau_mem_spread", "tau_syn_spread")}
DEFAULT_SWEEPS = tuple(_DEFAULT)
SWEEPS = {
    name: Sweep(*row, _SEVERAL.get(name, (name,)))
    for name, row in (_DEFAULT | _OTHERS).items()
}


def read_sweeps(texts):
    """The points of the sweeps that texts name, or of the default sweeps.

    A point is a pair of the name of a sweep and a value; values of a sweep are sorted.
    """
    chosen = {}
    for text in texts or DEFAULT_SWEEPS:
        name, numbers = read_sweep(text)
        chosen.setdefault(name, set()).update(numbers)
    return [(name, value) for name in chosen for value in sorted(chosen[name])]


def read_sweep(text):
    """The name and the values of a sweep, from ``NAME`` or ``NAME=V1,V2,...``."""
    name, equals, values = text.partition("=")
    name = name.strip()
    if name not in SWEEPS:
        raise DataError(f"unknown sweep {name!r}: choose from {', '.join(SWEEPS)}")
    numbers = SWEEPS[name].values
    if equals:
        numbers = [read_number(part.strip(), text) for part in values.split(",")]
    if not all(number is not None and np.isfinite(number) for number in numbers):
        raise DataError(f"values of {name} must be finite numbers, got {values!r}")
    return name, numbers


def make_base(data, preset, settings):
    """The chip that the sweeps start from: an ideal one, unless something is set.

    Without a preset its wiring follows from the data: the fewer features there are, the
    more rows of synapses each feature has.
    """
    if preset is None:
        rows = max(1, round(_ROWS / data.n_channels))
        settings = [f"rows_per_input={rows}", *settings]
    return make_chip(preset, settings)


def make_point(base, name, value, number):
    """The chip with this number at a point of a sweep."""
    parameters = {key: getattr(base, key) for key in AnalogChip.__init__.__kwdefaults__}
    if name == "weight_bits" and base.weight_clip is None:
        parameters["weight_clip"] = _CLIP
    parameters.update(dict.fromkeys(SWEEPS[name].parameters, value))
    return AnalogChip(**{**parameters, "random_state": base.random_state + number})


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
