"""Engines: in which numbers, in which place, by which rule a network learns.

:func:`choose` is the only place that looks at arithmetic, gradient, substrate and
delays together, and the only one that refuses combinations of them:

==================  =================  ==================
                    exact gradient     local rule
==================  =================  ==================
float32, float64    `FloatEngine`      `FloatEngine`
substrate           `HardwareEngine`   `HardwareEngine`
`FixedPoint`        `QuantizedEngine`  `IntegerEngine`
several spikes      `TrainsEngine`
==================  =================  ==================

An engine gets a frozen :class:`Specification` and never sees the estimator.
"""

from ..model.geometry import Full
from ..parameters import CrossEntropy, FixedPoint
from ..substrates.checks import name_of
from .base import Engine, Trainer
from .fit_state import FitState
from .float import FloatEngine
from .hardware import HardwareEngine
from .integer import IntegerEngine
from .losses import TargetTimes
from .quantized import QuantizedEngine
from .specification import Learning, Specification, Structure
from .trains.engine import TrainsEngine

__all__ = [
    "Engine",
    "FitState",
    "Learning",
    "Specification",
    "Structure",
    "TargetTimes",
    "Trainer",
    "choose",
]


def choose(specification):
    """The engine of a Specification; raises where parameters do not go together."""
    structure = specification.structure
    is_fixed = isinstance(structure.arithmetic, FixedPoint)
    is_local = structure.gradient is not None
    _refuse(specification, is_fixed, is_local)
    if structure.has_trains:
        return TrainsEngine(specification)
    if is_fixed:
        return (IntegerEngine if is_local else QuantizedEngine)(specification)
    if specification.substrate is not None:
        return HardwareEngine(specification)
    return FloatEngine(specification)


def _refuse(specification, is_fixed, is_local):
    """Raise where parameters do not go together."""
    structure, learning = specification.structure, specification.learning
    _refuse_geometries(specification, is_fixed, is_local)
    if structure.has_trains:
        _refuse_trains(specification, is_fixed, is_local)
    if structure.delays is not None and (is_local or is_fixed):
        which = "gradient='local'" if is_local else "arithmetic='fixed'"
        raise ValueError(
            f"delays={structure.delays!r} is not supported with {which}: use "
            "delays=None"
        )
    if learning is not None:
        _refuse_learning(structure, learning, is_fixed and is_local)
    substrate = specification.substrate
    if substrate is None:
        return
    if isinstance(substrate, type):
        raise TypeError(
            f"substrate must be an object, not the class {substrate.__name__}: "
            f"use substrate={substrate.__name__}()"
        )
    if not callable(getattr(substrate, "forward", None)):
        raise TypeError(
            "substrate must be None or have a method forward(times, network), got "
            f"{name_of(substrate)}"
        )
    if structure.delays is not None or is_fixed:
        delays = f"delays={structure.delays!r}"
        which = "arithmetic='fixed'" if structure.delays is None else delays
        raise ValueError(
            f"substrate={name_of(substrate)} is not supported with {which}"
        )


def _refuse_geometries(specification, is_fixed, is_local):
    """Raise where something needs layers in which all neurons see all inputs."""
    structure = specification.structure
    refused = {
        "arithmetic='fixed'": is_fixed,
        "gradient='local'": is_local,
        "a substrate": specification.substrate is not None,
        f"delays={structure.delays!r}": structure.delays is not None,
        f"max_spikes={structure.max_spikes}": structure.has_trains,
    }
    for layer in structure.hidden_layer_sizes:
        if isinstance(layer, (int, Full)):
            continue
        for name, is_refused in refused.items():
            if is_refused:
                raise ValueError(f"{layer!r} is not supported with {name}")


def _refuse_trains(specification, is_fixed, is_local):
    """Raise where something does not go with several spikes of a neuron."""
    structure, learning = specification.structure, specification.learning
    what = f"max_spikes={structure.max_spikes}"
    if structure.max_spikes == 1:
        what = f"read_out={structure.read_out!r}"
    refused = {
        "arithmetic='fixed'": is_fixed,
        "gradient='local'": is_local,
        "a substrate": specification.substrate is not None,
        "delays='synaptic'": structure.delays == "synaptic",
    }
    if learning is not None:
        refused["regression"] = isinstance(learning.loss, TargetTimes)
        refused[f"loss={learning.loss!r}"] = not isinstance(learning.loss, CrossEntropy)
        early_firing = getattr(learning.loss, "early_firing", "auto")
        refused[f"early_firing={early_firing}"] = early_firing not in ("auto", 0)
    for name, is_refused in refused.items():
        if is_refused:
            raise ValueError(f"{what} is not supported with {name}")
    if structure.read_out not in ("auto", "count", "peak", "mean", None):
        raise ValueError(
            f"{what} is not supported with read_out={structure.read_out!r}: use "
            "'auto', 'count', 'peak', 'mean' or None"
        )


def _refuse_learning(structure, learning, integers_learn):
    """Raise where a way of learning does not go with the network."""
    if integers_learn and isinstance(learning.loss, TargetTimes):
        raise ValueError(
            "gradient='local' with arithmetic='fixed' learns classes alone: use "
            "gradient='exact' for regression"
        )
    if integers_learn and learning.loss not in (
        CrossEntropy(),
        CrossEntropy(early_firing=0.0),
    ):
        raise ValueError(
            "gradient='local' with arithmetic='fixed' learns by the cross-entropy "
            "alone: use loss='cross_entropy' without early_firing"
        )
    if isinstance(learning.loss, TargetTimes) and (
        structure.gradient is not None and structure.gradient.feedback == "target"
    ):
        raise ValueError("feedback='target' needs classes, and regression has none")
    if learning.sparsity > 0:
        if structure.gradient is not None:
            raise ValueError(
                f"sparsity={learning.sparsity:g} is not supported with "
                "gradient='local': use gradient='exact', or sparsity=0"
            )
        if not structure.hidden_layer_sizes:
            raise ValueError(
                f"sparsity={learning.sparsity:g} is about hidden neurons, and "
                "hidden_layer_sizes is empty: use sparsity=0"
            )
