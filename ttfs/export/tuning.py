"""Ticks, bits, neurons and decays of models beside their accuracy and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, column_or_1d, indexable

from .._typing import FeatureType
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier
from ..parameters import FixedPoint
from .estimates import estimate
from .measured import TARGETS
from .scalers import split


@dataclass(frozen=True)
class TuningRow:
    """A setting, and what came of it; a row of a :class:`Tuning`.

    Parameters
    ----------
    decay : str
        The kernel: "table" or "shift".
    tick : float or None
        The tick; None for the default.
    bits : int
        Bits of a weight without its sign.
    neurons : tuple of int
        Neurons of each hidden layer.
    accuracy : float
        Share of held-out samples that are classified correctly, the mean of all splits.
    flash, ram, stack : int
        Bytes that a program takes for it.
    instructions : float or None
        Instructions of an inference; None on an AVR.
    cycles : float
        Cycles of an inference.
    is_best : bool, default=False
        Whether no other row is as good in accuracy, flash and instructions (cycles, on
        an AVR), and better in one of them: whether it is on the Pareto front.
    """

    decay: str
    tick: float | None
    bits: int
    neurons: tuple[int, ...]
    accuracy: float
    flash: int
    ram: int
    stack: int
    instructions: float | None
    cycles: float
    is_best: bool = False


@dataclass(frozen=True)
class Tuning:
    """Settings beside accuracy and cost; made by :func:`tune`.

    Parameters
    ----------
    target : str
        The processor, and how the compiler optimises.
    rows : tuple of TuningRow
        A row for each setting. ``pandas.DataFrame(tuning.rows)`` is a table of them.
    """

    target: str
    rows: tuple[TuningRow, ...]

    @property
    def best(self) -> tuple[TuningRow, ...]:
        """The rows of the Pareto front, the smallest flash first."""
        return tuple(sorted((r for r in self.rows if r.is_best), key=lambda r: r.flash))

    def __str__(self) -> str:
        head = (
            f"{'':2}{'decay':7}{'tick':>9}{'bits':>6}{'neurons':>10}{'accuracy':>10}"
            f"{'flash':>9}{'RAM':>8}{'stack':>7}{'instructions':>14}{'cycles':>12}"
        )
        lines = [f"{self.target}, an inference; * marks the Pareto front", head]
        for row in self.rows:
            tick = "default" if row.tick is None else f"{row.tick:.4g}"
            neurons = "-".join(map(str, row.neurons)) or "none"
            count = "-" if row.instructions is None else f"{row.instructions:,.0f}"
            lines.append(
                f"{'*' if row.is_best else '':2}{row.decay:7}{tick:>9}{row.bits:>6}"
                f"{neurons:>10}{row.accuracy:>10.4f}{row.flash:>9,}{row.ram:>8,}"
                f"{row.stack:>7,}{count:>14}{row.cycles:>12,.0f}"
            )
        return "\n".join(lines)


def _work(row):
    return row.cycles if row.instructions is None else row.instructions


def _with_front(rows):
    """The rows, those of the Pareto front marked."""
    # The smaller, the better.
    goals = np.array([(-row.accuracy, row.flash, _work(row)) for row in rows])
    worse = (goals[:, None] >= goals).all(axis=2) & (goals[:, None] > goals).any(axis=2)
    return tuple(
        replace(row, is_best=not is_worse)
        for row, is_worse in zip(rows, worse.any(axis=1), strict=True)
    )


def _choices(name, values, own):
    """Values to try as a list: those that are given, or the model's own."""
    if values is None:
        return [own]
    if isinstance(values, str) or not isinstance(values, (Sequence, np.ndarray)):
        raise TypeError(f"{name} must be a sequence of values to try, got {values!r}")
    if len(values) == 0:
        raise ValueError(f"{name} must have a value to try")
    return list(values)


def _sizes(value):
    """Neurons of each hidden layer as a tuple."""
    sizes = np.atleast_1d(np.asarray(value)).tolist()
    if not all(isinstance(n, Integral) and n > 0 for n in sizes):
        raise ValueError(
            "neurons must be positive integers, or tuples of them for several hidden "
            f"layers, got {value!r}"
        )
    return tuple(map(int, sizes))


def _settings(last, ticks, bits, neurons, decays):
    """All combinations as parameters of the classifier."""
    own = last.arithmetic if isinstance(last.arithmetic, FixedPoint) else FixedPoint()
    grid = product(
        _choices("decays", decays, own.decay),
        _choices("ticks", ticks, own.tick),
        _choices("bits", bits, own.weight_bits),
        map(_sizes, _choices("neurons", neurons, last.hidden_layer_sizes)),
    )
    settings = []
    for decay, tick, n_bits, sizes in grid:
        arithmetic = replace(own, decay=decay, tick=tick, weight_bits=n_bits)
        arithmetic.validate()
        settings.append({"arithmetic": arithmetic, "hidden_layer_sizes": sizes})
    return settings


def _try(model, setting, train, test, target, features, n_cost):
    """Accuracy and cost of a setting, fitted to one part of the data."""
    model = clone(model)
    _, last = split(model)
    last.set_params(**setting)
    try:
        model.fit(*train)
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from error
    X, y = test
    some = np.random.default_rng(0).permutation(len(y))[:n_cost]
    cost = estimate(model, _safe_indexing(X, some), features=features).targets[target]
    return model.score(X, y), cost


def tune(
    model: TTFSClassifier | Pipeline,
    X: Features,
    y: ArrayLike,
    *,
    ticks: Sequence[float | None] | None = None,
    bits: Sequence[int] | None = None,
    neurons: Sequence[int | Sequence[int]] | None = None,
    decays: Sequence[str] | None = None,
    cv: Any = None,
    validation: tuple[Features, ArrayLike] | None = None,
    target: str = "m0+",
    features: FeatureType | None = None,
    n_cost: int = 100,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Tuning:
    """Try ticks, bits, neurons and decays: accuracy beside cost on a microcontroller.

    Parameters
    ----------
    model : TTFSClassifier or Pipeline
        The classifier, or a pipeline that ends with it; not changed, and need not be
        fitted. Parameters that are not tried are its own, with arithmetic="fixed".
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Classes.
    ticks : sequence of float, default=None
        Values of `tick` of :class:`ttfs.parameters.FixedPoint`, in the unit of
        `tau_syn`; None among them is the default. None: that of `model`, as below.
    bits : sequence of int, default=None
        Values of `weight_bits`.
    neurons : sequence of int or of tuple of int, default=None
        Values of `hidden_layer_sizes`.
    decays : sequence of {"table", "shift"}, default=None
        Values of `decay`.
    cv : int, cross-validation generator or iterable, default=None
        How data are split; scikit-learn's default of 5 folds if None.
    validation : tuple of (X, y), default=None
        Data to measure the accuracy on, instead of `cv`; those above are all for
        training.
    target : {"m0+", "m4f", "rv32", "avr"}, default="m0+"
        The processor.
    features : {"uint8", "int16"}, default=None
        As in :func:`estimate`.
    n_cost : int, default=100
        Samples on which the cost is estimated, at most, of each held-out part.
    n_jobs : int, default=None
        Jobs of joblib; -1 means all processors.
    verbose : int, default=0
        Progress that joblib reports; 0 for none.

    Returns
    -------
    tuning : Tuning
        ``print`` shows it as a table.

    Raises
    ------
    TypeError, ValueError
        If a parameter or the data are not valid, or if a fit fails: the message begins
        with its setting.

    See Also
    --------
    estimate : The cost of one model on all processors.

    Notes
    -----
    Accuracy and cost are means over the held-out parts of all splits, never over
    samples that a model was trained on. The best of many settings is better there than
    on new data: test the model that you choose on data that nothing has seen.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier(arithmetic="fixed", max_iter=1, random_state=0)
    >>> tuning = export.tune(clf, X, y, neurons=[5, 10], bits=[4, 6], cv=2)
    >>> len(tuning.rows)
    4
    """
    _, last = split(model)
    if not isinstance(last, TTFSClassifier):
        raise TypeError(f"model must end with a TTFSClassifier, got {last!r}")
    if target not in TARGETS:
        raise ValueError(f"target must be one of {sorted(TARGETS)}, got {target!r}")
    if not isinstance(n_cost, Integral) or n_cost < 1:
        raise ValueError(f"n_cost must be a positive integer, got {n_cost!r}")
    settings = _settings(last, ticks, bits, neurons, decays)
    parts = _parts(X, y, cv, validation)
    found = Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(_try)(model, setting, train, test, target, features, n_cost)
        for setting in settings
        for train, test in parts
    )
    rows = []
    for k, setting in enumerate(settings):
        of_parts = found[k * len(parts) : (k + 1) * len(parts)]
        accuracies, costs = zip(*of_parts, strict=True)
        arithmetic = setting["arithmetic"]
        rows.append(
            TuningRow(
                decay=arithmetic.decay,
                tick=arithmetic.tick,
                bits=arithmetic.weight_bits,
                neurons=setting["hidden_layer_sizes"],
                accuracy=float(np.mean(accuracies)),
                **{n: round(_mean(costs, n)) for n in ("flash", "ram", "stack")},
                **{n: _mean(costs, n) for n in ("instructions", "cycles")},
            )
        )
    return Tuning(TARGETS[target], _with_front(rows))


def _parts(X, y, cv, validation):
    """Pairs of (X, y) to train and to test, as a list."""
    X, y = indexable(X, y)
    y = column_or_1d(y)
    if validation is None:
        splits = check_cv(cv, y, classifier=True).split(X, y)
        return [
            tuple((_safe_indexing(X, i), _safe_indexing(y, i)) for i in indices)
            for indices in splits
        ]
    if cv is not None:
        raise ValueError("cv and validation exclude each other")
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise ValueError("validation must be a tuple of (X, y)")
    X_test, y_test = indexable(*validation)
    return [((X, y), (X_test, column_or_1d(y_test)))]


def _mean(costs, name):
    values = [getattr(cost, name) for cost in costs]
    return None if values[0] is None else float(np.mean(values))
