"""What a model in integers costs: operations and bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils import column_or_1d

from .. import _fixed
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier
from .c_arrays import bytes_by_kind, model_code, weight_type
from .model import check_single, input_events, read_learner, read_model
from .operations import Timeline, spikes_of, timelines
from .scalers import split, transform

# Arrays that are memory to work in.
WORK = "ticks", "u", "slope", "error", "events", "neurons", "counts"


@dataclass(frozen=True)
class CostSheet:
    """What a model costs, counted on data; made by :func:`cost_sheet`.

    Parameters
    ----------
    sizes : tuple of int
        Input channels, and neurons of each layer.
    n_samples : int
        Samples that were counted.
    inference : dict of str to float
        Operations of an inference of a whole sample, the mean of the samples.
    to_decision : dict of str to float
        The same up to the first output spike, with which ``ttfs_model_infer`` ends.
    inference_max : dict of str to int
        Operations of an inference, the greatest number in one sample.
    learning : dict of str to float or None
        Operations that an online step has besides those of the inference it begins
        with, the mean of the samples. None where nothing was learned.
    inference_bytes, learning_bytes : dict of str to int
        Memory; None where the model cannot learn.
    weight_bytes : dict of str to int
        Memory of all weights: of up to 7 bits and a sign, alone, or as accumulators.
    """

    sizes: tuple[int, ...]
    n_samples: int
    inference: dict[str, float]
    to_decision: dict[str, float]
    inference_max: dict[str, int]
    learning: dict[str, float] | None
    inference_bytes: dict[str, int]
    learning_bytes: dict[str, int] | None
    weight_bytes: dict[str, int]

    def __str__(self) -> str:
        lines = [
            f"network {'-'.join(map(str, self.sizes))}, {self.n_samples} samples",
            "",
            f"{'an inference':<26}{'to decision':>14}{'to the end':>14}{'max':>14}",
        ]
        for name, count in self.inference.items():
            lines.append(
                f"  {name:<24}{self.to_decision[name]:>14,.1f}{count:>14,.1f}"
                f"{self.inference_max[name]:>14,}"
            )
        for title, counts, form in (
            (f"{'an online step, besides':<26}{'mean':>14}", self.learning, ",.1f"),
            (f"{'bytes for inference':<26}", self.inference_bytes, ","),
            (f"{'bytes for learning':<26}", self.learning_bytes, ","),
            ("bytes of weights", self.weight_bytes, ","),
        ):
            if counts is not None:
                lines += ["", title]
                lines += [f"  {k:<24}{n:>14{form}}" for k, n in counts.items()]
        return "\n".join(lines)


def _inference_counts(network, events, ticks, end):
    """Numbers (n_samples,) of each operation of sections 3 and 3b.

    They are those up to the ticks `end` (n_samples,).
    """
    at_end = np.minimum(end, network.n_ticks - 1)[:, None]
    names = (
        *("input spikes", "synaptic events", "membrane updates", "state updates"),
        *("spikes", "look-ups", "multiplies", "adds", "shifts"),
    )
    n = dict.fromkeys(names, 0)
    lines = timelines(network, events, ticks)
    for layer, line, fired in zip(network.layers, lines, ticks, strict=True):
        has_fired = fired <= at_end
        last = np.where(has_fired, fired, at_end).astype(int)
        # A spike in the last tick of a sample has synaptic events, and does nothing.
        until = np.where(has_fired, fired, end[:, None])
        synaptic = line.before(until).sum(axis=1)
        membrane = np.maximum(last - line.first[:, None], 0).sum(axis=1)
        spikes = has_fired.sum(axis=1)
        n["input spikes"] += line.before(end[:, None])[:, 0]
        n["synaptic events"] += synaptic
        n["membrane updates"] += membrane
        n["spikes"] += spikes
        if layer.syn_shift:
            n_shifts = 1 + (layer.mem_shift > 0)
            n["adds"] += synaptic + (1 + n_shifts) * membrane
            n["shifts"] += n_shifts * membrane
            continue
        # A neuron that stops between two input spikes has one move less.
        stops = has_fired | (end < network.n_ticks)[:, None]
        state = np.maximum(line.times_before(until) - stops, 0).sum(axis=1)
        n["state updates"] += state
        n["look-ups"] += 2 * membrane + 3 * state + spikes
        n["multiplies"] += 2 * membrane + 3 * state + 3 * spikes
        n["adds"] += synaptic + membrane + state + spikes
    zero = np.zeros(len(events), int)
    return {name: zero + count for name, count in n.items()}


def step_counts(core, network, events, labels):
    """Numbers (n_samples,) of each operation of sections 5 to 7, in online steps."""
    check_single(events)
    left, ticks, errors = core.errors(events, labels)
    n_ticks, layers = network.n_ticks, network.layers
    n_samples, n_classes = ticks[-1].shape
    fired = [times < n_ticks for times in ticks]
    learns = [(error != 0).any(axis=1) for error in errors]

    # An output takes e R, its look-up and rounding, t - min t, S, delta, and the
    # rounding of c; delta gain unless it is silent and not the label; after the
    # read-out, the stretch of its time; and, if it is silent, the membrane that it
    # missed.
    late = np.count_nonzero(ticks[-1] > network.read_out, axis=1)
    silent = np.count_nonzero(~fired[-1], axis=1)
    label_is_silent = ~fired[-1][np.arange(n_samples), labels]
    n_errors = np.full(n_samples, n_classes)
    look_ups = n_errors + 1
    multiplies = n_errors + (n_classes - silent + label_is_silent) + late + silent
    adds = 5 * n_errors + 2 * late + 2 * silent

    for layer, has_fired in zip(layers, fired, strict=True):
        if layer.syn_shift:  # the slope, which inference does not need
            multiplies += 2 * has_fired.sum(axis=1)
            adds += has_fired.sum(axis=1)

    for k in range(len(layers) - 1):
        n_fired = fired[k].sum(axis=1)
        n_errors = n_errors + n_fired
        adds += len(layers[k].lfsr) + n_fired  # silence; rounding
        if network.feedback == "target":
            multiplies += n_fired
        elif network.feedback == "direct":
            multiplies += learns[-1] * n_fired * n_classes
            adds += learns[-1] * n_fired * n_classes
        else:
            line = Timeline(spikes_of(ticks[k], n_ticks), n_samples, n_ticks)
            causal = np.sum(line.before(ticks[k + 1]) * (errors[k + 1] != 0), axis=1)
            is_rounded = network.feedback == "symmetric" and layers[k + 1].fraction > 0
            look_ups += causal
            multiplies += 2 * causal
            adds += causal * (1 + is_rounded)

    eligibilities, moves, random = 0, 0, 0
    lines = timelines(network, left, ticks)
    for layer, line, times, does in zip(layers, lines, ticks, learns, strict=True):
        n_synaptic = line.before(times).sum(axis=1)
        adds += n_synaptic * (layer.fraction > 0)
        fixed = layer.bias_ticks[layer.n_bias - layer.n_fixed :]
        fixed = fixed[fixed < n_ticks]
        n_fixed_before = sum((times > t).sum(axis=1) for t in fixed)
        eligibilities += does * (n_synaptic - n_fixed_before)
        n_moved = does * (line.n - len(fixed)) * layer.n_out
        moves += n_moved
        # The adds are w - rest, G - decay, + r, + W; and one that rounds the weight
        # from its accumulator.
        random += n_moved * (not network.is_floor)
        adds += n_moved * (3 + (not network.is_floor) + (layer.fraction > 0))
    if network.drop:
        may_drop = np.add.reduceat(
            np.append(network.may_drop[events.inputs].astype(int), 0),
            events.begin.astype(np.intp),
        )
        random += np.where(events.end > events.begin, may_drop, 0)
    return {
        "errors": n_errors,
        "eligibilities": eligibilities,
        "weight moves": moves,
        "random numbers": random,
        "look-ups": look_ups + eligibilities,
        "multiplies": multiplies + eligibilities + moves,
        "adds": adds,
    }


def _memory(network, *, learn):
    """Bytes of memory of the exported file, by what they are for."""
    groups = {"weights": "weights", "feedback": "feedback weights"}
    groups |= dict.fromkeys(("lfsr", "silence"), "registers")
    groups |= dict.fromkeys(WORK, "work")
    n_bytes = {}
    for kind, size in bytes_by_kind(model_code(network, learn=learn)[0]).items():
        group = groups.get(kind, "tables")
        n_bytes[group] = n_bytes.get(group, 0) + size
    n_bytes["total"] = sum(n_bytes.values())
    if learn:
        # Sums G have 32 bits, and each row has a mark.
        sums = sum(layer.n_in * (4 * layer.n_out + 1) for layer in network.layers)
        n_bytes["sums, for batches only"] = sums
    return n_bytes


def cost_sheet(
    clf: TTFSClassifier | Pipeline, X: Features, y: ArrayLike | None = None
) -> CostSheet:
    """Count what a model costs on data: operations and memory.

    Parameters
    ----------
    clf : TTFSClassifier or Pipeline
        Fitted, with arithmetic="fixed"; or a pipeline that ends with such a classifier.
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features of typical samples.
    y : array-like of shape (n_samples,), default=None
        Classes of the samples. With classes online steps are counted, each from the
        weights that the model has now. This needs gradient="local".

    Returns
    -------
    sheet : CostSheet
        ``print`` shows it as a table.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator or the data are not valid; or, with `y`, if a
        channel has several spikes in a sample.

    Notes
    -----
    Counted is what the specification asks for, sample by sample and neuron by neuron:
    of whole samples, which a step of learning needs, and up to the decision. The
    functions of :func:`to_c` give the same bits for less: they end with the decision,
    the table kernel skips membrane updates that cannot reach the threshold and the
    slopes of spikes where nothing learns, and the shift kernel adds weights four at
    once. :func:`estimate` says what that takes on processors.

    Additions and multiplications are those of ``docs/spec/fixed_point.md``. Shifts are
    those by which currents and membranes decay with decay="shift"; other ones,
    comparisons, addresses, counters of loops, and the sorting of input spikes are not
    counted.

    An inference:

    - *input spikes* of all layers, biases included, before the end.
    - *synaptic events*: an input spike of a layer and a neuron that has not fired
      before it, at the tick of the input spike or earlier. One add each.
    - *membrane updates*: a tick of a neuron, from its first input spike to its own
      spike, or to the end: 2 look-ups, 2 multiplies, 1 add.
    - *state updates*: U and I move to the next tick with input spikes: 3, 3, 1.
    - *spikes* of neurons: their slope, 1, 3, 1.

    With decay="shift" a membrane update is 2 shifts and 3 adds, without leak 1 shift
    and 2 adds, and there is nothing else: no state update, no look-up, no multiply. The
    slopes of spikes are part of learning then, 2 multiplies and 1 add each.

    An online step begins with one (input dropout may leave it fewer input spikes). With
    accumulators every weight that is read, in that too, takes one more add, to be
    rounded. Then come:

    - *errors*: of all outputs, and of hidden neurons that fired. An output takes 1
      look-up, 2 multiplies, 5 adds; a silent one 1 multiply and 2 adds for its time,
      and no multiply by the gain unless it is the label; one that does not fire up to
      the read-out 1 multiply and 2 adds to stretch its time. There is 1 look-up of the
      reciprocal. A hidden neuron takes 1 add, those that count its silence included 2;
      and for each later neuron of the next layer with an error 1 look-up, 2 multiplies,
      1 add. With feedback="direct" it is 1 multiply and 1 add for each output, with
      "target" 1 multiply.
    - *eligibilities*: an input spike and a neuron that fires later, or never, in layers
      with an error: 1 look-up, 1 multiply. Those of the read-out, whose weights do not
      learn, count neither here nor below.
    - *weight moves*: all synapses of input spikes, in layers with an error: 1 multiply,
      4 adds; 3 if rounding="floor".
    - *random numbers*: one for each move, a step of a register; and one, 8 steps, for
      each input spike that may be deleted.

    Bytes are those of the arrays in the exported file. *Sums* are not in it: they are
    what batches of more than one sample would take.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> sheet = export.cost_sheet(clf, X)
    >>> sheet.inference_bytes["weights"]  # (8 + 1) 20 + (20 + 1 + 8 of the read-out) 3
    267
    """
    steps, clf = split(clf)
    model = read_model(clf)
    network, learner = model.network, None
    if y is not None or model.can_learn:
        learner = read_learner(clf)
        learner_core = _fixed.FixedCore(learner)
    if y is not None:
        labels = numbers_of(model.classes, y, np.shape(X)[0])
    events = input_events(clf, transform(steps, X))
    ticks, _ = _fixed.FixedCore(network).run(events)
    end = np.full(len(events), network.n_ticks)
    inference = _inference_counts(network, events, ticks, end)
    decided = _inference_counts(network, events, ticks, ticks[-1].min(axis=1))
    learning = {}
    if y is not None:
        learning = step_counts(learner_core, learner, events, labels)
    n_weights = sum(layer.n_in * layer.n_out for layer in network.layers)
    bytes_alone = weight_type(network, learn=True).itemsize
    return CostSheet(
        sizes=model.sizes,
        n_samples=len(inference["spikes"]),
        inference=means(inference),
        to_decision=means(decided),
        inference_max={name: int(np.max(count)) for name, count in inference.items()},
        learning=means(learning) or None,
        inference_bytes=_memory(network, learn=False),
        learning_bytes=learner and _memory(learner, learn=True),
        weight_bytes={
            f"alone, {8 * bytes_alone} bits": bytes_alone * n_weights,
            "accumulators, 16 bits": 2 * n_weights,
        },
    )


def numbers_of(classes, y, n_samples):
    """The number of the class of each sample."""
    y = column_or_1d(y)
    if len(y) != n_samples:
        raise ValueError(f"X has {n_samples} samples, but y has {len(y)}")
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"y contains labels that are not in classes_: {unknown!r}")
    return np.searchsorted(classes, y).astype(np.uintp)


def means(counts):
    """The means of operations over samples."""
    return {name: float(np.mean(count)) for name, count in counts.items()}
