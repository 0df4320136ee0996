"""What an exported model costs on microcontrollers, before it is flashed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from .. import _fixed
from .._typing import FeatureType
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier
from .c_arrays import bytes_by_kind, model_code
from .c_encoder import encoder_code
from .cost import WORK, means, numbers_of, step_counts
from .encoder import integer_encoder
from .measured import COLUMNS, COSTS, SIZES, TARGETS
from .model import check_single, events_at, input_events, read_learner, read_model
from .operations import inference_operations, step_operations
from .scalers import split, transform

# Arrays that learning changes, and those of them that begin with 0.
_LEARNED = "weights", "lfsr"
_ZEROS = ("silence",)


@dataclass(frozen=True)
class TargetCost:
    """What a model costs on a microcontroller; part of an :class:`Estimate`.

    Parameters
    ----------
    target : str
        The processor, and how the compiler optimises.
    flash : int
        Bytes of flash: tables, weights and functions.
    ram : int
        Bytes of static memory.
    stack : int
        Bytes of stack.
    cycles : float
        Cycles of an inference, or of a step of learning, the mean of the samples.
    cycles_32 : float or None
        The same with the small multiplier of a Cortex-M0+, which takes 32 cycles.
    instructions : float or None
        Instructions; None on an AVR, where only cycles have been measured.
    """

    target: str
    flash: int
    ram: int
    stack: int
    cycles: float
    cycles_32: float | None
    instructions: float | None


@dataclass(frozen=True)
class Estimate:
    """What an exported model costs; made by :func:`estimate`.

    Parameters
    ----------
    sizes : tuple of int
        Input channels, and neurons of each layer.
    n_samples : int
        Samples of which the mean was taken.
    learn : bool
        Whether it is the cost of a step of learning.
    features : str or None
        Type of the raw features, if the model takes these.
    targets : dict of str to TargetCost
        The cost on each processor: "m0+", "m4f", "rv32" and "avr".
    """

    sizes: tuple[int, ...]
    n_samples: int
    learn: bool
    features: str | None
    targets: dict[str, TargetCost]

    def __str__(self) -> str:
        what = "a step of learning" if self.learn else "an inference"
        if self.features is not None:
            what += f" from {self.features}"
        rows = [("", "flash", "RAM", "stack", "instructions", "cycles", "mult. 32")]
        for x in self.targets.values():
            cycles = x.instructions, x.cycles, x.cycles_32
            numbers = x.flash, x.ram, x.stack, *cycles
            cells = ("-" if n is None else f"{n:,.0f}" for n in numbers)
            rows.append((x.target, *cells))
        lines = [f"network {'-'.join(map(str, self.sizes))}, {what}, estimated"]
        lines += ["{:16}{:>9}{:>9}{:>7}{:>14}{:>12}{:>12}".format(*row) for row in rows]
        return "\n".join(lines)


def array_bytes(n_bytes, *, learn):
    """Bytes of flash and of RAM that arrays take, from their sizes by name."""
    flash = ram = 0
    for kind, size in bytes_by_kind(n_bytes).items():
        is_learned = learn and kind in _LEARNED
        is_zero = kind in WORK or kind in _ZEROS
        ram += size * (is_zero or is_learned)
        flash += size * (not is_zero)
    return flash, ram


def kind_of(network, *, learn):
    """The kind of an exported model, a key of the tables of measured.py."""
    kernel = "shift" if network.has_shifts else "table"
    return kernel, "learns" if learn else "infers"


def operations_of(network, events, labels=None):
    """Operations (n_samples,) by name, of an inference or, with labels, of learning.

    Labels are numbers of classes; a network that learns has accumulators.
    """
    core = _fixed.FixedCore(network)
    if labels is None:
        ticks, _ = core.run(events)
        return inference_operations(network, events, ticks, learn=False)
    step = step_counts(core, network, events, labels)
    _, ticks, _ = core.errors(events, labels)
    return step_operations(network, events, step, ticks)


def encoder_operations(encoder):
    """What encoding a sample takes: calls, codes of features, and channels."""
    n_codes = encoder.n_features + len(encoder.complemented)
    return {"calls": 1, "codes": n_codes, "fields": n_codes * encoder.n_fields}


def estimate(
    clf: TTFSClassifier | Pipeline,
    X: Features,
    y: ArrayLike | None = None,
    *,
    features: FeatureType | None = None,
) -> Estimate:
    """Estimate what an exported model costs on microcontrollers.

    Parameters
    ----------
    clf : TTFSClassifier or Pipeline
        Fitted, with arithmetic="fixed"; or a pipeline that ends with such a classifier.
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features of typical samples.
    y : array-like of shape (n_samples,), default=None
        Classes of the samples. With classes the cost is that of steps of learning, each
        from the weights that the model has now: ``to_c(clf, path, learn=True)``. This
        needs gradient="local".
    features : {"uint8", "int16"}, default=None
        The type of raw features, if the model is to take these:
        ``to_c(clf, path, features=...)``. `X` is then raw.

    Returns
    -------
    estimate : Estimate
        ``print`` shows it as a table.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator or the data are not valid, or if a channel has
        several spikes in a sample; with `features`, if the encoder cannot be one of
        integers.

    See Also
    --------
    cost_sheet : Operations, which depend on no processor.
    tune : The same for many models, beside their accuracy.

    Notes
    -----
    Bytes of tables, weights and memory to work in are those of the exported file. The
    rest was measured: functions and stack are constants of a processor and a kind of
    model, and instructions and cycles are sums of counted operations with coefficients
    that were fitted to programs in emulators. ``benchmarks/microcontroller.py`` prints
    estimates beside measurements.

    Flash and RAM are what the model adds to a program that calls one of its functions,
    linked without those that nobody calls; RAM counts the input of this function, too.
    Cycles are those of memory without wait states: each instruction takes one, and
    loads, stores and branches that are taken one more.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> estimate = export.estimate(clf, X)
    >>> estimate.targets["avr"].ram < 2048
    True
    """
    learn = y is not None
    steps, last = split(clf)
    model = read_model(last)
    network = read_learner(last) if learn else model.network
    labels = numbers_of(model.classes, y, np.shape(X)[0]) if learn else None
    encoder = None if features is None else integer_encoder(clf, features)
    if encoder is not None:
        events = events_at(network, encoder.encode(X))
    else:
        events = input_events(last, transform(steps, X))
        check_single(events)
    operations = means(operations_of(network, events, labels))
    parts = [(kind_of(network, learn=learn), operations, len(network.layers))]
    n_bytes, _ = model_code(network, learn=learn)
    flash, ram = array_bytes(n_bytes, learn=learn)
    ram += 2 * model.code.n_channels
    if encoder is not None:
        n_bytes, _, kind = encoder_code(encoder)
        parts.append((("encoder", kind), encoder_operations(encoder), 0))
        flash += array_bytes(n_bytes, learn=False)[0]
        ram += encoder.n_features * np.dtype(features).itemsize
    targets = {target: _cost(target, parts, flash, ram) for target in TARGETS}
    return Estimate(model.sizes, len(events), learn, features, targets)


def _cost(target, parts, flash, ram):
    """The cost of parts of a program: kind, operations and number of layers of each."""
    figures = {"instructions": None, "cycles_32": None}
    figures |= {figure: 0.0 for its, figure in COLUMNS if its == target}
    stack = 0
    for kind, operations, n_layers in parts:
        sizes = SIZES[kind][target]
        flash += sizes.flash + n_layers * sizes.flash_of_layer
        ram += sizes.ram + n_layers * sizes.ram_of_layer
        stack = max(stack, sizes.stack)
        for column, (its, figure) in enumerate(COLUMNS):
            if its == target:
                figures[figure] += sum(
                    costs[column] * operations[name]
                    for name, costs in COSTS[kind].items()
                )
    return TargetCost(TARGETS[target], flash, ram, stack, **figures)
