"""Parameters of the estimators: what they may be, and what engines are told of them."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from ..encoders import SHORTHANDS as ENCODERS
from ..encoders import freeze
from ..encoders.base import BaseEncoder
from ..engines import Learning, Specification, Structure
from ..model import LIF
from ..model.geometry import Geometry
from ..parameters import SHORTHANDS as PARAMETERS
from ..parameters import ExactGradient, FixedPoint, LocalRule, Parameters, resolve

# The objects that strings stand for, by parameter.
SHORTHANDS = {**PARAMETERS, "encoder": ENCODERS}

# What the numbers of many parameters are.
COUNT = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
AUTO = StrOptions({"auto"})


def checked_sizes(hidden_layer_sizes, also=()):
    """Numbers of neurons, or values of the types `also`, as a list; ValueError."""
    hidden = np.atleast_1d(np.asarray(hidden_layer_sizes)).tolist()
    numbers = [n for n in hidden if not isinstance(n, also)]
    if any(type(n) is not int or n < 1 for n in numbers):
        raise ValueError(
            f"hidden_layer_sizes must be positive integers, got {hidden_layer_sizes!r}"
        )
    return hidden


class WithParameters(BaseEstimator):
    """Parameters that the estimators share, and their way to the engines.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of neurons of each hidden layer. Empty: outputs see the inputs.

    tau_mem : float or array-like of float, default=1.0
        Membrane time constant; ``float("inf")`` gives neurons without leak. One number
        for all layers, or one for each: the hidden layers, then the output. All times
        and time constants share one unit.

    tau_syn : float, default=1.0
        Synaptic time constant. Features spike within one `tau_syn`, from time 0.

    threshold : float, default=1.0
        Threshold of the neurons, in the unit of the weights.

    weight_decay : float, default=1.0
        Strength of a decoupled weight decay towards the weights with which neurons just
        fire. It is a prior, as strong as some samples are, and counts the less the more
        samples there are. Less of it fits small data more closely, more is for noise.
        With gradient="local" it does not depend on the number of samples:
        docs/guide/parameters.md has a table.

    batch_size : int, default="auto"
        Samples of an update. "auto" means n_samples / 60, between 10 and 50; with
        gradient="local" n_samples / 100 in that range, but n_samples / 10, between 10
        and 500, in a classifier with arithmetic="fixed" and without an accumulator. 1
        is online learning. An interrupt (Ctrl-C) is answered between updates.

    learning_rate : {"cosine", "constant"}, default="cosine"
        - "cosine": falls from `learning_rate_init` to 0 over `max_iter` epochs. The
          end of the schedule is the normal end of training. With early_stopping=True
          it falls later, and for fewer epochs.
        - "constant": stays; training ends when the loss, or with early_stopping=True
          the validation score, has not improved by `tol` for `n_iter_no_change` epochs.

    learning_rate_init : float, default="auto"
        Step size of Adam, in units of the threshold, for a layer with 10 active inputs;
        other layers scale it. "auto" is 0.01, or 0.005 without a read-out; in a
        regressor 0.02. With gradient="local" it has another meaning and another
        default: docs/guide/parameters.md has a table.

    early_stopping : bool, default=False
        Hold out `validation_fraction` of the data, stratified by class, and watch the
        accuracy there, or in a regressor R2 of the spike times. The learning rate is
        constant until it has not improved by `tol` for `n_iter_no_change` epochs, for a
        quarter of `max_iter` at least and half of it at most. Then the rate falls along
        a cosine over as many epochs as there were, in which all data are learned, those
        held out included: the last weights and delays are kept. With
        learning_rate="constant" it does not fall: training ends there, and those of the
        best epoch are kept.

    validation_fraction : float, default=0.1
        Only used when early_stopping=True.

    n_iter_no_change : int, default=10
        Number of epochs without an improvement after which the learning rate falls, or
        training ends. Only used when early_stopping=True or learning_rate="constant".

    tol : float, default=1e-4
        What an improvement of the loss, or of the score with early_stopping=True, must
        exceed to count; squared errors of times are in units of `tau_syn` ^2. Only used
        when early_stopping=True or learning_rate="constant".

    warm_start : bool, default=False
        Start `fit` from the weights of the last call, with the same encoder, network
        and, in a regressor, range of targets. The schedule starts anew, unless a
        substrate interrupted the last call: see the notes of :class:`TTFSClassifier`.

    shuffle : bool, default=True
        Whether to draw new batches in each epoch.

    random_state : int, RandomState instance or None, default=None
        The source of initial weights, batches, input dropout and the validation split.
        The same int gives the same weights, bit for bit, whatever the number of
        threads, on processors with the same instruction set; integers that learn by the
        local rule do so with any instruction set.

    verbose : bool or int, default=False
        1 or True prints one line for each epoch. 2 shows a progress bar in `fit`, if
        tqdm is installed: ``pip install "scikit-ttfs[progress]"``.
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", COUNT],
        "tau_mem": ["array-like", Interval(Real, 0, None, closed="right")],
        "tau_syn": [POSITIVE],
        "threshold": [POSITIVE],
        "delays": [StrOptions({"axonal", "synaptic"}), None],
        "t_max": [Interval(Real, None, None, closed="neither"), None],
        "encoder": [StrOptions(set(ENCODERS)), BaseEncoder],
        "arithmetic": [StrOptions({"float32", "float64", "fixed"}), FixedPoint],
        "substrate": [HasMethods("forward"), None],
        "gradient": [StrOptions({"exact", "local"}), ExactGradient, LocalRule],
        "time_scale": [POSITIVE, None],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [NOT_NEGATIVE],
        "batch_size": [AUTO, COUNT],
        "learning_rate": [StrOptions({"cosine", "constant"})],
        "learning_rate_init": [AUTO, POSITIVE],
        "max_iter": [AUTO, COUNT],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [COUNT],
        "tol": [NOT_NEGATIVE],
        "warm_start": ["boolean"],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Parameters of heads with classes.
    time_scale = None
    read_out = None
    max_spikes = 1
    refractory = 0.0
    sparsity = 0.0

    _was_fit = False  # whether the weights have gone through `fit`

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator, and of its parameter objects.

        Parameters
        ----------
        **params
            Values by name; ``arithmetic__weight_bits=4`` sets a parameter of the object
            `arithmetic`, or of the object that its shorthand stands for.

        Returns
        -------
        self : object
            This estimator.
        """
        nested = {}
        for key in list(params):
            name, _, inner = key.partition("__")
            if inner and name in SHORTHANDS and hasattr(self, name):
                nested.setdefault(name, {})[inner] = params.pop(key)
        super().set_params(**params)
        for name, inner in nested.items():
            setattr(self, name, _with_params(name, getattr(self, name), inner))
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # The encoder may not be valid yet: `fit` says so, tags do not.
        encoder = self.encoder
        if isinstance(encoder, str):
            encoder = ENCODERS.get(encoder)
        if isinstance(encoder, BaseEncoder):
            tags.input_tags.sparse = encoder.takes_sparse
            tags.input_tags.allow_nan = encoder.takes_spike_times
        return tags

    def _structure(self):
        """The Structure that the parameters ask for."""
        hidden = checked_sizes(self.hidden_layer_sizes, also=Geometry)
        n_layers = len(hidden) + 1
        taus = np.asarray(self.tau_mem, dtype=object)
        if taus.ndim == 0:
            taus = np.full(n_layers, taus)
        if taus.shape != (n_layers,):
            raise ValueError(
                f"tau_mem must be one number, or {n_layers}: one for each hidden layer "
                f"and one for the output, got {self.tau_mem!r}"
            )
        neurons = [LIF(tau, self.tau_syn, self.threshold) for tau in taus]
        return Structure(
            hidden_layer_sizes=tuple(hidden),
            tau_mem=tuple(neuron.tau_mem for neuron in neurons),
            tau_syn=float(self.tau_syn),
            threshold=float(self.threshold),
            delays=self.delays,
            t_max=self.t_max,
            read_out=self.read_out,
            encoder=freeze(self.encoder),
            arithmetic=self._resolved("arithmetic"),
            gradient=self._resolved("gradient").rule,
            max_spikes=self.max_spikes,
            refractory=float(self.refractory),
        )

    def _resolved(self, name):
        """A valid parameter object, or what takes its place."""
        value = resolve(name, getattr(self, name))
        if hasattr(value, "validate"):
            value.validate()
        return value

    def _specification(self, structure, *, is_partial=False):
        """What :func:`ttfs.engines.choose` is told."""
        time_scale = self.time_scale
        if is_partial and time_scale is None:  # that of the first call stays
            time_scale = getattr(self, "_time_scale", None)
        learning = Learning(
            loss=self._loss,
            optimizer=self._resolved("gradient").optimizer,
            time_scale=time_scale,
            input_dropout=self.input_dropout,
            weight_decay=self.weight_decay,
            learning_rate_init=self.learning_rate_init,
            sparsity=float(self.sparsity),
            is_partial=is_partial,
            follows_fit=self._was_fit,
        )
        return Specification(structure, self.substrate, learning)


def _with_params(name, value, params):
    """The object of a parameter, or of its shorthand, with other values in it."""
    shorthands = SHORTHANDS[name]
    value = shorthands.get(value, value) if isinstance(value, str) else value
    if isinstance(value, Parameters):
        return value.with_params(**params)
    if isinstance(value, BaseEncoder):
        return clone(value).set_params(**params)
    raise ValueError(
        f"Invalid parameter {next(iter(params))!r} for {name}={value!r}, which has no "
        f"parameters, unlike {', '.join(map(repr, shorthands))}"
    )
