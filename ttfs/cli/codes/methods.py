"""The codes and rules that are compared: what each is called, and how it is made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sklearn.neural_network import MLPClassifier

from ...baselines import RateClassifier, S4NNClassifier
from ...estimators import TTFSClassifier
from ...parameters import FixedPoint, LocalRule

_MLP_EPOCHS = 1000  # at most: MLPClassifier ends when its loss does not fall any more
# Published are 100 epochs of 60,000 images, at a rate of 0.2. Few samples need more
# epochs, and do not bear a greater rate: on folds of the training parts of digits 300
# epochs have 91 %, 100 epochs 87 %, and 100 epochs at a rate of 0.6 60 %.
_S4NN_UPDATES, _S4NN_RATE = 400_000, 0.2
# Integers learn in accumulators of this width, of which the network uses the upper
# bits: docs/spec/fixed_point.md.
_ACCUMULATOR_BITS = 16


@dataclass(frozen=True)
class Method:
    """A code and a learning rule that are compared.

    ``make(hidden, seed, n_samples, **options)`` makes the classifier, which has the
    parameter `hidden_layer_sizes`, for so many training samples; the options are
    ``max_iter`` and those of a variant.
    """

    title: str  # what the table calls it
    make: Callable
    about: str  # what is compared, for the help
    # The answer: first spikes, counts after any number of steps, or real numbers.
    kind: Literal["first spikes", "steps", "dense"] = "first spikes"
    # Else a hidden neuron learns from one number, which random weights make of the
    # label.
    passes_errors_back: bool = True
    # Options of `make` that are varied, by the labels of their rows.
    variants: dict = field(default_factory=lambda: {"": {}})

    @property
    def learns_by_spikes(self):
        """Whether training itself is spiking: a rate code is converted afterwards."""
        return self.kind == "first spikes"


def _maker(cls, **parameters):
    """What makes a classifier with parameters that differ from the defaults."""

    def make(hidden, seed, n_samples, **options):
        return cls(hidden, random_state=seed, **{**parameters, **options})

    return make


def _s4nn(hidden, seed, n_samples, max_iter=None):
    if max_iter is None:
        max_iter = min(max(_S4NN_UPDATES // n_samples, 100), 300)
    return S4NNClassifier(
        hidden, learning_rate_init=_S4NN_RATE, max_iter=max_iter, random_state=seed
    )


def _narrow(hidden, seed, n_samples, part, **options):
    """A TTFSClassifier that has the `part`-th part of the hidden neurons."""
    sizes = tuple(max(1, round(size / part)) for size in hidden)
    return TTFSClassifier(sizes, random_state=seed, **options)


_INTEGERS = FixedPoint(accumulator_bits=_ACCUMULATOR_BITS)
_TARGET = LocalRule(feedback="target")

METHODS = {
    "dense": Method(
        "dense network",
        _maker(MLPClassifier, max_iter=_MLP_EPOCHS),
        "neurons with real values, ReLU and Adam: MLPClassifier",
        kind="dense",
    ),
    "rate": Method(
        "rate code",
        _maker(RateClassifier, max_iter=_MLP_EPOCHS),
        "that network, converted to neurons with a rate code: RateClassifier",
        kind="steps",
    ),
    "s4nn": Method("S4NN", _s4nn, "neurons without leak, stepped time: S4NNClassifier"),
    "nonleaky": Method(
        "TTFS, no leak",
        _maker(TTFSClassifier, tau_mem=float("inf")),
        "exact gradient, neurons without leak: TTFSClassifier(tau_mem=inf)",
    ),
    "exact": Method(
        "TTFS, exact", _maker(TTFSClassifier), "exact gradient: TTFSClassifier()"
    ),
    "sparse": Method(
        "TTFS, sparsity",
        _maker(TTFSClassifier),
        "the same, with few spikes and weights: TTFSClassifier(sparsity=...)",
        variants={f"{s:g}": {"sparsity": s} for s in (0.5, 0.8, 0.9)},
    ),
    "narrow": Method(
        "TTFS, narrow",
        _narrow,
        "without sparsity, with a third and a fifth of the hidden neurons",
        variants={f"1/{part}": {"part": part} for part in (3, 5)},
    ),
    "local": Method(
        "TTFS, local rule, integers",
        _maker(TTFSClassifier, arithmetic=_INTEGERS, gradient="local"),
        "the local rule, in integers",
    ),
    "target": Method(
        "TTFS, target projection",
        _maker(TTFSClassifier, gradient=_TARGET),
        "the local rule with random target projection",
        passes_errors_back=False,
    ),
    "target-integers": Method(
        "TTFS, target, integers",
        _maker(TTFSClassifier, arithmetic=_INTEGERS, gradient=_TARGET),
        "the same, in integers",
        passes_errors_back=False,
    ),
}
