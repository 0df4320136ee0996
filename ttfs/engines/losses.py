"""Losses on the spike times of the outputs, as the core takes them.

docs/architecture.md lists what a new loss takes.
"""

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from scipy.special import entr

from ..parameters import CrossEntropy, SquaredError
from .recipe import EARLY_END, TARGET_TIMES


@dataclass(frozen=True)
class TargetTimes:
    """Mean of (t_k - target_k)**2 / 2, with targets of each sample: regression."""


@singledispatch
def core_parameters(loss, network, time_scale, early_firing):
    """The parameters of `core.loss` for a loss, by the names of ttfs_kernels.h.

    `time_scale` is that of the softmax, and `early_firing` what "auto" stands for.
    """
    raise TypeError(f"{loss!r} is not a loss")


@core_parameters.register
def _(loss: CrossEntropy, network, time_scale, early_firing):
    if loss.early_firing != "auto":
        early_firing = loss.early_firing
    return {
        "kind": "cross_entropy",
        "time_scale": time_scale,
        "early": early_firing,
        "early_scale": network.neuron.tau_syn,
        "early_end": min(
            network.read_out, network.t_max, EARLY_END * network.neuron.tau_syn
        ),
    }


@core_parameters.register
def _(loss: SquaredError, network, time_scale, early_firing):
    targets = loss.targets
    if targets is None:
        targets = [factor * network.neuron.tau_syn for factor in TARGET_TIMES]
    label, other = map(float, targets)
    kind = "shift_invariant" if loss.shift_invariant else "squared_error"
    return {"kind": kind, "target_label": label, "target_other": other}


@core_parameters.register
def _(loss: TargetTimes, network, time_scale, early_firing):
    return {"kind": "target_times"}


def unit_of_loss(loss, tau_syn):
    """The unit of a loss: a squared error is in squared time."""
    return 1.0 if isinstance(loss, CrossEntropy) else tau_syn**2


def error_unit(loss, n_outputs, tau_syn, time_scale):
    """Factor that makes the gradient of a loss an error without unit.

    The local rule takes errors without a unit. The gradient of the cross-entropy is an
    error over time_scale; that of the squared error is 1 / n_outputs of the time by
    which a spike misses its target.
    """
    if isinstance(loss, CrossEntropy):
        return time_scale
    return n_outputs / ((TARGET_TIMES[1] - TARGET_TIMES[0]) * tau_syn)


def loss_without_features(loss, parameters, labels, weights=None):
    """The least mean cross-entropy of outputs that do not depend on the features.

    It is the entropy of the classes, of samples with weights if there are some; with
    early firing that of labels that fire with the read-out: earlier ones have less.
    None for other losses, and where all labels are alike. `parameters` are those of
    `core_parameters`.
    """
    if not isinstance(loss, CrossEntropy) or np.all(labels == labels[0]):
        return None
    counts = np.bincount(labels.astype(np.intp), weights)
    late = np.expm1(parameters["early_end"] / parameters["early_scale"])
    return entr(counts / counts.sum()).sum() + parameters["early"] * late
