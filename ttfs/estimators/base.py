"""What the estimators share: everything but targets and predictions.

An estimator is a head on :class:`BaseTTFS`: it says what its targets are to the output
neurons, which loss they have, and what their spikes mean.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._documentation import Documented
from .._stored import Stored
from .._typing import Array, validated
from ..encoders import make_encoder
from ..encoders.base import BaseEncoder
from ..encoders.spike_trains import Features
from ..engines import Engine, FitState, choose
from ..engines.initial import draw_network
from ..engines.recipe import INPUT_WINDOW
from ..model import Network
from .attributes import LearnedMixin
from .hidden import HiddenTimesMixin
from .history import History
from .measures import MeasuresMixin
from .parameters import WithParameters
from .training import TrainingMixin
from .watching import Callback, Watcher
from .weights import (
    check_sample_weight,
    number_of_draws,
    relative,
    weighted_by_class,
    with_weight,
)

# What must be the same for `fit` to go on with a call that a substrate interrupted.
_RESUMABLE = (
    "batch_size",
    "early_stopping",
    "learning_rate",
    "learning_rate_init",
    "max_iter",
    "shuffle",
    "validation_fraction",
)


class NoEngineError(ValueError, AttributeError):
    """The parameters have no engine: for hasattr, the attribute is not there."""


class BaseTTFS(
    TrainingMixin,
    HiddenTimesMixin,
    MeasuresMixin,
    LearnedMixin,
    Documented,
    Stored,
    WithParameters,
    ABC,
):
    """Base class of the estimators: fits, runs and measures a network.

    A head - :class:`TTFSClassifier`, :class:`TTFSRegressor` - has the methods under
    "The head" below; a class that lacks one of the abstract methods has no objects.
    """

    # What `fit` learns; scikit-learn sets some of it.
    encoder_: BaseEncoder
    network_: Network
    n_features_in_: int
    feature_names_in_: Array

    # -- The head ------------------------------------------------------------------

    # Options of check_X_y for the targets.
    _target_options: ClassVar[dict] = {}

    @property
    @abstractmethod
    def _loss(self):
        """The loss: of :mod:`ttfs.parameters`, or a `TargetTimes` of the engines."""

    @property
    @abstractmethod
    def _n_outputs(self):
        """The number of output neurons."""

    @abstractmethod
    def _encode_targets(self, y, *, is_new, is_partial=False):
        """Valid targets y as numbers of classes, or as parts of a range.

        With `is_new` the estimator learns from y which outputs there are.
        """

    def _training_targets(self, targets):
        """What a Trainer takes for encoded targets, when the network is there."""
        return targets

    def _check_targets(self, y):
        """Raise ValueError where scikit-learn's check of y would not say what to do."""

    def _class_weights(self, targets, weights):
        """The weight of each class, for training data with weights, or None."""
        return None

    @abstractmethod
    def _check_split(self, n_training, n_validation):
        """Raise ValueError if one part of the data is too small for early stopping."""

    @abstractmethod
    def _stratify(self, targets):
        """What the validation split of early stopping stratifies by, or None."""

    @abstractmethod
    def _validation_score(self, decisions, targets, weights):
        """The score of decision times (n_samples, n_outputs): the greater, the better.

        targets are those of training, weights (n_samples,) or None.
        """

    # -- The engine ----------------------------------------------------------------

    @property
    def engine_(self) -> Engine:
        """The ``ttfs.engines.Engine`` that would train this network next.

        It is that of partial_fit: an exported model learns from one sample at a time.

        Raises
        ------
        ValueError
            If parameters were changed that the weights were drawn for, or are not
            valid. It is an AttributeError too, as NotFittedError is, so that ``dir``
            and the display of a notebook leave the attribute out.
        """
        check_is_fitted(self)
        try:
            self._validate_params()
            return self._fitted_engine(is_partial=True)
        except (TypeError, ValueError) as error:
            raise NoEngineError(str(error)) from error

    def _fitted_engine(self, **options):
        """The engine for these weights; `options` go to :meth:`_specification`."""
        structure = self._structure()
        structure.check_equal(self._fitted_structure)
        return choose(self._specification(structure, **options))

    @property
    def _window(self):
        """Time within which features spike."""
        return INPUT_WINDOW * self.tau_syn

    # -- Training ------------------------------------------------------------------

    @validated
    def fit(
        self,
        X: Features,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Features | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        callback: Callback | None = None,
    ) -> Self:
        """Train on data.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features: finite real numbers, or spike times if
            encoder="spike_times" or `X` is a :class:`SpikeTrains`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Class labels, or the targets of a regressor, finite real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative, of which only the ratios count: an
            epoch draws a sample as often as its weight says, in proportion to the
            others. One of weight 0 is as if it were not there. None: all are equal.
        X_val : {array-like, sparse matrix, SpikeTrains}, default=None
            Validation data, which are not learned: of shape (n_validation, n_features).
            After each epoch they are scored, see `validation_scores_`; with
            early_stopping=True they are watched in the place of a part of `X`.
        y_val : array-like, default=None
            Their class labels, all of which are in `y`, or their targets: of shape
            (n_validation,) or (n_validation, n_targets); required with `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights in score and loss, which a classifier multiplies by
            `class_weight`.
        callback : callable, default=None
            ``callback(record)`` is called after each epoch, with an
            :class:`ttfs.EpochRecord`. If it returns True, training ends, as
            early stopping would end it; if it returns False or None, it goes on. An
            exception in it leaves the estimator as it was before `fit`; Ctrl-C in it
            keeps what was learned. docs/guide/watching.md has examples.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        ValueError
            If the data are not what is described above, have fewer than two classes,
            or do not fit the earlier ones with warm_start=True; if validation data
            are not valid, or have other features, classes or another number of
            targets; or if training produced weights or delays that are not finite.
        TypeError
            If `callback` is not callable, or returns what is neither a bool nor None.
        ttfs.substrates.SubstrateError
            If the substrate fails. What was learned before is kept, and with
            warm_start=True another call goes on from there: see the notes of
            :class:`TTFSClassifier`.
        ttfs.substrates.NetworkError
            If the network does not fit on the substrate.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If training at a constant rate ends at `max_iter`. In a classifier also if
            after 20 epochs or more the cross-entropy is not clearly below the entropy
            of the classes: probabilities are no better than the frequencies of the
            classes. The message says what to try.
        """
        draft = self._draft()
        failure = draft._fit(
            X,
            y,
            sample_weight,
            callback=callback,
            X_val=X_val,
            y_val=y_val,
            sample_weight_val=sample_weight_val,
        )
        return self._adopt(draft, failure)

    def _draft(self):
        """A shallow copy that a fit works on, so that a failure changes nothing.

        In the end :meth:`_adopt` takes over all attributes in one step.
        """
        draft = object.__new__(type(self))
        draft.__dict__.update(self.__dict__)
        if hasattr(self, "_rng"):
            draft._rng = copy.deepcopy(self._rng)
        return draft

    def _adopt(self, draft, failure):
        """Become the draft; raise the failure that ended its training, if one did."""
        self.__dict__ = draft.__dict__
        if failure is not None:
            raise failure
        return self

    def _fit(self, X, y, sample_weight=None, *, callback=None, **validation):
        """Fit a draft; returns the error of a substrate that ended training.

        `validation` are the other arguments of `fit`.
        """
        watcher = Watcher(self.verbose, callback)
        is_continued = self.warm_start and hasattr(self, "network_")
        encoder = self._encoder_for(X, is_new=not is_continued)
        self._check_targets(y)
        X, y = encoder.validate_data(
            self, X, y, reset=not is_continued, **self._target_options
        )
        weights = relative(check_sample_weight(sample_weight, X))
        X, targets, weights, factors = self._weighted(
            X, y, weights, is_new=not is_continued
        )
        weights = relative(weights)
        held_out = self._validation_data(encoder, factors, **validation)
        self._rng = check_random_state(self.random_state)
        is_split = self.early_stopping and held_out is None
        state = self._fit_state(X, is_continued, is_split)
        rows = None
        if is_split:
            # Before the weights are drawn, so that warm_start with the same seed
            # holds out the same samples again.
            rows = self._split(X.shape[0], targets)
        if is_continued:
            engine = self._fitted_engine(is_partial=False)
        else:
            learned = X if rows is None else X[rows[0]]
            engine = self._start(learned, encoder, is_partial=False)
        self._check_trains(X, engine)
        if held_out is not None:
            self._check_trains(held_out[0], engine)
        self._was_fit = True
        data = X, targets, weights
        with watcher:
            return self._train(engine, data, state, watcher, held_out, rows)

    def _validation_data(
        self, encoder, factors, X_val=None, y_val=None, sample_weight_val=None
    ):
        """Valid data, encoded targets, and weights or None; None without X_val.

        `factors` are the weights of the classes in training, or None.
        """
        if X_val is None or y_val is None:
            given = {"X_val": X_val, "y_val": y_val}
            given["sample_weight_val"] = sample_weight_val
            given = [name for name, value in given.items() if value is not None]
            if given:
                missing = "X_val" if X_val is None else "y_val"
                raise ValueError(
                    f"validation data need X_val and y_val: got {', '.join(given)} "
                    f"without {missing}"
                )
            return None
        try:
            self._check_targets(y_val)
            X, y = encoder.validate_data(
                self, X_val, y_val, reset=False, **self._target_options
            )
            weights = relative(check_sample_weight(sample_weight_val, X))
            X, y, weights = with_weight(X, y, weights)
            targets = self._encode_targets(y, is_new=False, is_partial=True)
            X, targets, weights = weighted_by_class(X, targets, weights, factors)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"validation data (X_val, y_val): {error}") from error
        return X, targets, relative(weights)

    def _partial_fit(self, X, y, sample_weight=None, **options):
        """One epoch of a draft; returns the error of a substrate that ended it.

        `options` go to `_encode_targets`.
        """
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        is_first = not hasattr(self, "network_")
        encoder = self._encoder_for(X, is_new=is_first)
        self._check_targets(y)
        X, y = encoder.validate_data(self, X, y, reset=is_first, **self._target_options)
        weights = check_sample_weight(sample_weight, X)
        X, targets, weights, _ = self._weighted(
            X, y, weights, is_new=is_first, is_partial=True, **options
        )
        if is_first:
            self._rng = check_random_state(self.random_state)
            engine = self._start(X, encoder, is_partial=True)
            if not self.encoder_.can_spike:
                raise ValueError(
                    "the first call of partial_fit learns the ranges of the "
                    "features, but none of them varies in these data: pass several "
                    "samples, or call fit first"
                )
        else:
            engine = self._fitted_engine(is_partial=True)
        self._check_trains(X, engine)
        # Moments last from one call to the next partial_fit; fit starts its own.
        state = FitState(optimizer=self._optimizer)
        n_draws = number_of_draws(weights, self._rng, len(targets))
        data = X, targets, weights
        with Watcher(self.verbose) as watcher:
            return self._train(
                engine, data, state, watcher, n_draws=n_draws, is_partial=True
            )

    def _weighted(self, X, y, weights, **options):
        """Samples that have a weight, their targets, their weights or None.

        A sample of weight 0 is as if it were not there; those of a class of weight 0
        tell that there is the class. `options` go to `_encode_targets`. The last that
        is returned are the weights of the classes, or None.
        """
        X, y, weights = with_weight(X, y, weights)
        targets = self._encode_targets(y, **options)
        factors = self._class_weights(targets, weights)
        return *weighted_by_class(X, targets, weights, factors), factors

    def _encoder_for(self, X, *, is_new):
        if is_new:
            return make_encoder(self.encoder, self._window, X)
        return self.encoder_

    def _fit_state(self, X, is_continued, is_split):
        """The call of `fit` that a substrate has interrupted, or a new one."""
        schedule = X.shape[0], is_split, *(getattr(self, name) for name in _RESUMABLE)
        state = None
        if is_continued and self.substrate is not None:
            state = self._interrupted
        if state is None or state.schedule != schedule:
            return FitState(schedule, copy.deepcopy(self._rng))
        self._rng = copy.deepcopy(state.rng_before)
        return state

    def _split(self, n_samples, targets):
        """The numbers of the training and of the validation samples."""
        n_val = int(np.ceil(self.validation_fraction * n_samples))
        self._check_split(n_samples - n_val, n_val)
        return train_test_split(
            np.arange(n_samples),
            test_size=n_val,
            stratify=self._stratify(targets),
            random_state=self._rng,
        )

    def _start(self, X, encoder, *, is_partial):
        """Encoder and initial weights from training data; returns the engine."""
        encoder.learn(X, getattr(self, "feature_names_in_", None))
        structure = self._structure()
        engine = choose(self._specification(structure, is_partial=is_partial))
        self.network_ = draw_network(engine, encoder, X, self._n_outputs, self._rng)
        self.encoder_ = encoder
        self._fitted_structure = structure
        self._optimizer = self._interrupted = None
        self._n_seen = 0  # samples that have been trained on
        self._history = History()
        return engine
