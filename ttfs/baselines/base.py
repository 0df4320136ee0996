"""What the baselines share: classifiers in steps, with counts of spikes and events."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from .._documentation import Documented
from .._stored import Stored
from .._typing import Array, Floats, SparseMatrix, validated_with_nested
from ..energy import Activity, Anytime, CostModel
from ..energy.presets import check_cost_model
from .features import validated_samples


class BaselineClassifier(ClassifierMixin, Documented, Stored, BaseEstimator, ABC):
    """Base class of the baselines: fits, predicts and measures a network in steps.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the output neurons.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features. Only defined if `X` has feature names that are all strings.

    n_layers_ : int
        Number of layers, the input among them.

    n_outputs_ : int
        Number of output neurons: one for each class.
    """

    # What `fit` learns; scikit-learn sets some of it.
    classes_: Array
    coefs_: list[Array]
    n_features_in_: int
    feature_names_in_: Array

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- The baseline --------------------------------------------------------------

    @abstractmethod
    def _fit(self, X, y):
        """Fit a draft to valid data."""

    @abstractmethod
    def _runs(self, X, moments=None):
        """What the network does with X, block by block: tuples, a row for each sample.

        A network that goes on after its answer is recorded at some steps, by default at
        the last.
        """

    @abstractmethod
    def _scores(self, X):
        """Scores (n_samples, n_outputs), the greatest of which is the answer."""

    @abstractmethod
    def _logits(self, X):
        """Scores (n_samples, n_outputs) of which probabilities are the softmax."""

    @property
    @abstractmethod
    def _duration(self):
        """The number of steps of an inference."""

    @abstractmethod
    def _counts(self, *run):
        """Counts of a block of `_runs` by the fields of Activity."""

    @abstractmethod
    def _moments(self, times):
        """The steps of a curve, from those that are asked for or None."""

    @abstractmethod
    def _curves(self, moments, labels, *run):
        """Sums (4, n_times) over a block of `_runs`: right, decided, spikes, events."""

    # -- Training ------------------------------------------------------------------

    @validated_with_nested
    def fit(self, X: ArrayLike | SparseMatrix, y: ArrayLike) -> Self:
        """Train on data.

        A `RateClassifier` trains its ReLU network, unless that is fitted, and converts
        it; such networks learn best from features of a common scale. An interrupt
        (Ctrl-C) ends the training of an `S4NNClassifier`, which keeps what it has
        learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features: finite real numbers.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not what is described above, have fewer than two classes,
            or do not fit a network that is given; if that is no ReLU network; if
            parameters do not fit each other; or if weights became infinite.
        """
        draft = copy.copy(self)  # a failure changes nothing
        draft._fit(*validated_samples(draft, X, y))
        return self._adopt(draft)

    def _adopt(self, draft):
        """Become the draft on which a fit worked."""
        self.__dict__ = draft.__dict__
        return self

    # -- What was learned ----------------------------------------------------------

    @property
    def n_layers_(self) -> int:
        return len(self.coefs_) + 1

    @property
    def n_outputs_(self) -> int:
        return self.coefs_[-1].shape[1]

    @property
    def _sizes(self):
        """Numbers of inputs, and of the neurons of each layer."""
        return len(self.coefs_[0]), *(weights.shape[1] for weights in self.coefs_)

    # -- Predictions ---------------------------------------------------------------

    def _between(self, scores):
        """Scores as scikit-learn wants them: with two classes, their difference."""
        return scores[:, 1] - scores[:, 0] if self.n_outputs_ == 2 else scores

    def predict(self, X: ArrayLike | SparseMatrix) -> Array:
        """Class that the network answers.

        In an `S4NNClassifier` it is that of the output neuron that fires first; of
        several, the one with the highest membrane. In a `RateClassifier` it is that of
        the one that has spiked most after `n_steps` steps, or has the highest membrane:
        see `outputs`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        labels = self._scores(X).argmax(axis=1)
        return self.classes_[labels]

    def predict_proba(self, X: ArrayLike | SparseMatrix) -> Floats:
        """Probabilities of the classes: softmax of the scores of the outputs.

        The scores are those of `decision_function`. An `S4NNClassifier` divides them by
        `gamma`; its rule has no probabilities: these are ordered as the scores are, and
        are not calibrated. With many steps those of a `RateClassifier` approach those
        of the ReLU network, if outputs="membrane" and no neuron saturates; with
        outputs="spikes" logits below 0 are not told apart.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X: ArrayLike | SparseMatrix) -> Floats:
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Log-probabilities, in the order of ``classes_``.
        """
        return log_softmax(self._logits(X), axis=1)

    # -- Measuring -----------------------------------------------------------------

    def activity(
        self, X: ArrayLike | SparseMatrix, cost_model: str | CostModel | None = None
    ) -> Activity:
        """Count spikes and synaptic events, and what they cost.

        An `S4NNClassifier` decides in the step that its first output answers: a spike
        at t_i is a causal event of a neuron that fires at t_j if t_i < t_j, and events
        in that step are before the decision.

        A `RateClassifier` decides after `n_steps` steps, and all events count until
        then. Its biases, and features with inputs="current", are currents: they do not
        spike. What features have to be multiplied by for that, once for each sample, is
        `n_macs`; adding a constant current to a membrane is part of a neuron's step. A
        sample is undecided if outputs="spikes" and no output has spiked.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        cost_model : str or CostModel, default=None
            The model that energy and latency are estimated by: a name in
            :data:`ttfs.energy.COST_MODELS`, or a :class:`ttfs.energy.CostModel`.

        Returns
        -------
        activity : ttfs.energy.Activity
            Counts of each sample and layer, with times in steps.
        """
        cost_model = check_cost_model(cost_model)
        blocks = [self._counts(*run) for run in self._runs(X)]
        counts = {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
        n_samples, n_layers = len(counts["n_spikes"]), len(self.coefs_)
        return Activity(
            self._sizes,
            **counts,
            n_bias_spikes=np.zeros((n_samples, n_layers), int),
            is_read_out=np.zeros(n_samples, bool),
            t_max=float(self._duration),
            tau_syn=1.0,
            step=1.0,
            cost_model=cost_model,
        )

    def anytime(
        self, X: ArrayLike | SparseMatrix, y: ArrayLike, times: ArrayLike | None = None
    ) -> Anytime:
        """Accuracy, spikes and events by the moment at which one stops.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        times : array-like of shape (n_times,), default=None
            Moments in steps, in increasing order; of a `RateClassifier` integers from 1
            on. None: up to fifty, from 1 to the last step, which in a `RateClassifier`
            are the denser the earlier.

        Returns
        -------
        curves : ttfs.energy.Anytime
            What is decided, and spent, by each moment. Ties are decided as `predict`
            does. A spike at the moment is counted; so are events before it. In a
            `RateClassifier` a sample counts as decided if any output has spiked, with
            outputs="membrane" always; multiply-accumulates of currents are not counted:
            those are `n_macs` of :meth:`activity`.
        """
        check_is_fitted(self)
        moments = self._moments(times)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        n_samples, sums = 0, np.zeros((4, len(moments)))
        for run in self._runs(X, moments):
            n_before, n_samples = n_samples, n_samples + len(run[0])
            sums += self._curves(moments, y[n_before:n_samples], *run)
        return Anytime(moments.astype(float), *(sums / n_samples), unit="step")
