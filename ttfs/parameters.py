"""Parameter objects: alternatives that have parameters of their own.

Where the parameter of an estimator is a choice between things, it takes one of these
objects, or a string that stands for one with its defaults:

- `arithmetic` - :class:`FixedPoint`, "fixed"
- `gradient` - :class:`ExactGradient`, "exact"; :class:`LocalRule`, "local"
- `loss` - :class:`CrossEntropy`, "cross_entropy"; :class:`SquaredError`,
  "squared_error" or "shift_invariant"

``set_params(arithmetic__weight_bits=4)`` of the estimator takes the object that a
string stands for, and changes it. The objects themselves never change.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

from ._frozen import frozen
from ._typing import Numbers

__all__ = ["CrossEntropy", "ExactGradient", "FixedPoint", "LocalRule", "SquaredError"]


class Parameters:
    """Base class of parameter objects, which are frozen dataclasses.

    Arrays and lists become tuples, so that objects can be compared and hashed.
    """

    _parameter_constraints: ClassVar[dict] = {}

    def __post_init__(self) -> None:
        for name, value in self.get_params().items():
            object.__setattr__(self, name, frozen(value))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, as scikit-learn asks for them.

        Parameters
        ----------
        deep : bool, default=True
            Not used: no parameter has parameters of its own.

        Returns
        -------
        params : dict
            Values by name.
        """
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_params(self, **params: Any) -> Self:
        """The same object with other values of some parameters.

        Parameters
        ----------
        **params
            New values by name.

        Returns
        -------
        parameters : object of the same class
            A new object.

        Raises
        ------
        ValueError
            If there is no parameter of such a name.
        """
        for name in params:
            if name not in self.get_params():
                raise ValueError(
                    f"Invalid parameter {name!r} for {self!r}. Valid parameters are: "
                    f"{list(self.get_params())!r}."
                )
        return replace(self, **params)

    def validate(self) -> None:
        """Raise InvalidParameterError, a ValueError, if a value is not allowed."""
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(), type(self).__name__
        )


@dataclass(frozen=True)
class FixedPoint(Parameters):
    """Arithmetic in small integers, the same bits on every platform.

    A weight is an integer of `weight_bits` and a sign; a spike time is a number of
    ticks. docs/spec/fixed_point.md specifies every operation.

    Parameters
    ----------
    weight_bits : int, default=6
        Bits of a weight without its sign, 2 to 8: weights are -63 ... 63 with 6.
    weight_range : float, default=1.0
        The greatest weight, as a multiple of that of the default, which initial weights
        span. Large data sets train weights beyond it; with 8 bits a range of 4 has the
        steps that 6 bits have in a range of 1. A range is cut to what the integers of
        the membrane can hold.
    accumulator_bits : int, default=None
        Learn in weights of so many bits, sign included, at most 16, of which the
        network uses the upper `weight_bits` and the sign. None: the weights themselves
        learn; nothing wider is kept from one batch to the next, which needs larger
        batches. Only used when learning by a :class:`LocalRule`.
    tick : float, default=None
        Unit of spike times, a small part of `tau_syn` and of `tau_mem`, in their unit.
        Coarse ticks predict faster: images lose little with `tau_syn` / 16, but much
        above `tau_syn` / 8, and fine borders lose earlier. None means `tau_syn` / 64,
        or with decay="shift" about `tau_syn` / 31.5, in which it is exact.
    rounding : {"stochastic", "floor"}, default="stochastic"
        How the move of a weight is rounded. With "floor" small moves are lost, or pull
        all weights down: for comparison. Only used when learning by a
        :class:`LocalRule`.
    decay : {"table", "shift"}, default="table"
        How synaptic currents and membranes decay: by tables of exponentials, or in
        every tick by a part of 2^-k, so that a neuron takes adds and shifts and no
        multiply, as on digital neuromorphic chips. `tau_syn` and `tau_mem` are then
        rounded to -`tick` / ln(1 - 2^-k), which is close to 2^k - 1/2 ticks: k is 1 to
        8 for `tau_syn` and 1 to 15 for `tau_mem`, which may be infinite. `fit` raises
        ValueError where one would change by more than a tenth.

    See Also
    --------
    LocalRule : The rule by which integers can learn.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.parameters import FixedPoint
    >>> clf = TTFSClassifier(arithmetic=FixedPoint(weight_bits=4))
    >>> clf.set_params(arithmetic__tick=1 / 32).arithmetic.tick
    0.03125
    """

    weight_bits: int = 6
    _: KW_ONLY
    weight_range: float = 1.0
    accumulator_bits: int | None = None
    tick: float | None = None
    rounding: Literal["stochastic", "floor"] = "stochastic"
    decay: Literal["table", "shift"] = "table"

    _parameter_constraints: ClassVar[dict] = {
        "weight_bits": [Interval(Integral, 2, 8, closed="both")],
        "weight_range": [Interval(Real, 0.25, 16, closed="both")],
        "accumulator_bits": [Interval(Integral, 4, 16, closed="both"), None],
        "tick": [Interval(Real, 0, None, closed="neither"), None],
        "rounding": [StrOptions({"stochastic", "floor"})],
        "decay": [StrOptions({"table", "shift"})],
    }

    def validate(self) -> None:
        """Raise InvalidParameterError if a value, or two together, are not allowed."""
        super().validate()
        bits = self.accumulator_bits
        if bits is not None and bits < self.weight_bits + 2:
            raise InvalidParameterError(
                "The 'accumulator_bits' parameter of FixedPoint must be at least "
                f"weight_bits + 2 = {self.weight_bits + 2}: the weight, its sign and "
                f"one bit more. Got {bits} instead."
            )


@dataclass(frozen=True)
class ExactGradient(Parameters):
    """The gradient of the spike times, followed by Adam.

    Derivatives of spike times are those of :func:`ttfs.first_spike_vjp` [1]_, exact but
    for a floor of the membrane's slope. Adam is that of [2]_ with decoupled weight
    decay.

    Parameters
    ----------
    min_slope : float, default=0.3
        Floor of the membrane's slope at a spike in the gradient, in threshold /
        tau_syn: clips the gradient near tangent crossings, where it diverges. 0 gives
        the exact gradient.
    beta_1 : float, default=0.9
        Decay of the first moment of Adam.
    beta_2 : float, default=0.999
        Decay of the second moment of Adam.
    epsilon : float, default=1e-8
        Added to the root of the second moment of Adam, in the unit of a gradient, that
        of the loss over `threshold`: 1 / `threshold`, or `tau_syn` ^2 / `threshold`
        where the loss is a squared error; for delays over `tau_syn` instead.

    See Also
    --------
    LocalRule : The rule that fits on a chip.

    References
    ----------
    .. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
       learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).
    .. [2] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR
       (2015).

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.parameters import ExactGradient
    >>> clf = TTFSClassifier(gradient=ExactGradient(min_slope=0.1))
    """

    _: KW_ONLY
    min_slope: float = 0.3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    _parameter_constraints: ClassVar[dict] = {
        "min_slope": [Interval(Real, 0, None, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
    }

    @property
    def optimizer(self):
        """The parameters of the optimizer: these."""
        return self

    @property
    def rule(self):
        """The local rule: none."""
        return None


@dataclass(frozen=True)
class LocalRule(Parameters):
    """The simplified rule of docs/spec/fixed_point.md, which fits on a chip.

    A weight moves by its neuron's error, times a kernel of the time from the input
    spike to the neuron's own, divided by the power of two next to the slope of the
    membrane. There are no moments, and no memory but the weights.

    Parameters
    ----------
    kernel : {"table", "linear"}, default="table"
        The kernel: that of the membrane, or piecewise linear with the same peak.
    feedback : {"symmetric", "random", "direct", "target", "none"}, default="symmetric"
        How errors reach hidden neurons: through the weights; through fixed random
        weights from the next layer [1]_, or directly from the errors of the outputs
        [2]_, or from the labels [3]_. With "none" they do not: hidden layers stay as
        they were drawn, and only the output layer learns, which shows what the others
        are worth. The recipe of "auto" parameters depends on it.

    See Also
    --------
    ExactGradient : The gradient that the rule simplifies.

    References
    ----------
    .. [1] T. P. Lillicrap et al., "Random synaptic feedback weights support error
       backpropagation for deep learning", Nature Communications 7, 13276 (2016).
    .. [2] A. Nøkland, "Direct feedback alignment provides learning in deep neural
       networks", NeurIPS (2016).
    .. [3] C. Frenkel, M. Lefebvre, D. Bol, "Learning without feedback: fixed random
       learning signals allow for feedforward training of deep neural networks",
       Frontiers in Neuroscience 15, 629892 (2021).

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.parameters import LocalRule
    >>> clf = TTFSClassifier(arithmetic="fixed", gradient=LocalRule(kernel="linear"))
    """

    _: KW_ONLY
    kernel: Literal["table", "linear"] = "table"
    feedback: Literal["symmetric", "random", "direct", "target", "none"] = "symmetric"

    _parameter_constraints: ClassVar[dict] = {
        "kernel": [StrOptions({"table", "linear"})],
        "feedback": [StrOptions({"symmetric", "random", "direct", "target", "none"})],
    }

    @property
    def optimizer(self):
        """The parameters of the optimizer: there is none."""
        return None

    @property
    def rule(self):
        """The local rule: this one."""
        return self


@dataclass(frozen=True)
class CrossEntropy(Parameters):
    """Cross-entropy of softmax(-t / time_scale), t being the outputs' spike times.

    The loss of a sample of class y is the cross-entropy plus

        early_firing * (exp(t_y / tau_syn) - 1),

    t counted from the first possible input; after the read-out, or where there is none
    after the end of the experiment, but after 2 `tau_syn` at the latest, this term goes
    on as its tangent. Times after the read-out are stretched.

    Parameters
    ----------
    early_firing : float, default="auto"
        Weight of the term that asks for early spikes. Without it nothing keeps all
        outputs of a sample from firing late together. "auto" is 0.001 with a read-out,
        and 0 without one or if gradient="local"; integers that learn by the local rule
        know of no other.

    See Also
    --------
    SquaredError : A loss with target times.

    References
    ----------
    J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep learning
    with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.parameters import CrossEntropy
    >>> clf = TTFSClassifier(loss=CrossEntropy(early_firing=0.01))
    """

    _: KW_ONLY
    early_firing: float | Literal["auto"] = "auto"

    _parameter_constraints: ClassVar[dict] = {
        "early_firing": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    }


@dataclass(frozen=True)
class SquaredError(Parameters):
    """Mean of (t_k - target_k)**2 / 2 over the outputs k, t_k being their spike times.

    Parameters
    ----------
    targets : array-like of float of shape (2,), default=None
        Target of the neuron of the true class, and of the others, counted from the
        start of the inputs, in the unit of the time constants; kept as a tuple. None
        means 0.8 and 1.2 `tau_syn`.
    shift_invariant : bool, default=False
        Whether all targets of a sample are first shifted by the common time that makes
        the error smallest.

    See Also
    --------
    CrossEntropy : A loss of probabilities.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.parameters import SquaredError
    >>> clf = TTFSClassifier(loss=SquaredError(targets=(0.7, 1.4)))
    """

    _: KW_ONLY
    targets: Numbers | None = None
    shift_invariant: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "targets": ["array-like", None],
        "shift_invariant": ["boolean"],
    }

    def validate(self) -> None:
        """Raise InvalidParameterError, a ValueError, if a value is not allowed."""
        super().validate()
        if self.targets is None:
            return
        try:
            label, other = map(float, self.targets)
        except (TypeError, ValueError):
            label = other = np.nan
        if not (np.isfinite(label) and np.isfinite(other)):
            raise InvalidParameterError(
                "The 'targets' parameter of SquaredError must be two finite numbers, "
                "for the true class and for the others. "
                f"Got {self.targets!r} instead."
            )


# The objects that strings stand for, by parameter of an estimator.
SHORTHANDS = {
    "arithmetic": {"fixed": FixedPoint()},
    "gradient": {"exact": ExactGradient(), "local": LocalRule()},
    "loss": {
        "cross_entropy": CrossEntropy(),
        "squared_error": SquaredError(),
        "shift_invariant": SquaredError(shift_invariant=True),
    },
}


def resolve(name, value):
    """The object that a shorthand stands for; anything else is returned as it is."""
    shorthands = SHORTHANDS.get(name, {})
    return (
        shorthands[value] if isinstance(value, str) and value in shorthands else value
    )
