"""Rate code: a ReLU network, converted to integrate-and-fire neurons."""

from __future__ import annotations

import copy
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.utils import (
    check_array,
    check_consistent_length,
    column_or_1d,
    gen_batches,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._baselines import RateNetwork
from .._documentation import Documented
from .._stored import Stored
from .._typing import validated_with_nested
from ..energy import Activity, Anytime
from ..energy.anytime import N_MOMENTS, check_moments
from ..energy.presets import check_cost_model
from .conversion import convert
from .features import dense, validated_features, validated_samples

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Array, RandomState, Sizes, SparseMatrix
    from ..energy import CostModel

_BLOCK = 1024  # samples that are run at a time
_MAX_STEPS = 2**31 - 1  # counts of spikes are int32


class RateClassifier(ClassifierMixin, Documented, Stored, BaseEstimator):
    r"""Classifier with a rate code: a ReLU network, converted to spiking neurons.

    `fit` trains a :class:`sklearn.neural_network.MLPClassifier`, or takes one that is
    given, and replaces its ReLU neurons by integrate-and-fire neurons whose rates of
    spikes stand for their activations [1]_. It is what
    :class:`ttfs.TTFSClassifier` is compared with: it needs no training of its own, and
    many spikes.

    A sample is shown for `n_steps` steps. In each of them, layer by layer,

    .. math:: V_j \leftarrow V_j + b_j + \sum_i w_{ij} s_i

    where `s_i` is 1 if input i of the layer spikes in this step; a neuron with
    :math:`V_j \ge 1` spikes, and 1 is taken from its membrane. Weights and biases are
    those of the ReLU network, scaled so that one spike per step stands for the
    activation :math:`\lambda_l`, a percentile of those of layer l in the training data:
    `W_l` becomes :math:`W_l \lambda_{l-1} / \lambda_l`, and `b_l` becomes
    :math:`b_l / \lambda_l`. The error of the rates falls as 1 / `n_steps`.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of neurons of each hidden layer; unless `ann` is given.

    ann : object, default=None
        The ReLU network: an MLPClassifier with activation="relu", or another classifier
        that has its attributes `activation`, `coefs_`, `intercepts_` and `classes_`. A
        fitted one is converted as it is; one that is not fitted is cloned, and trained.
        `clone` and searches pass on a clone, which is not fitted: put a fitted network
        into a :class:`sklearn.frozen.FrozenEstimator` to keep its weights there too.
        None: an MLPClassifier of the parameters `hidden_layer_sizes`, `alpha`,
        `max_iter` and `random_state`.

    n_steps : int, default=100
        Number of steps. It may be changed after `fit`.

    percentile : float, default=99.9
        Percentile of the activations above 0 that becomes the scale of a layer: 99 to
        99.9 in [1]_. A lower one makes rates higher, so that fewer steps are needed;
        activations above it saturate at one spike per step.

    inputs : {"current", "spikes"}, default="current"
        - "current": features are currents, which enter the first layer in every step.
        - "spikes": features are neurons, which spike regularly; a spike of a negative
          feature has the opposite sign. A percentile of their magnitudes is one spike
          per step.

        It may be changed after `fit`, and so may the following two.

    outputs : {"spikes", "membrane"}, default="spikes"
        - "spikes": the output neuron with most spikes is the answer; of several, the
          one with the highest membrane.
        - "membrane": output neurons do not spike; the highest membrane is the answer,
          as in [1]_ for a softmax layer.

        Outputs are scaled as the other layers are: with a scale of 1, that of a softmax
        layer, all whose logits are above 1 would spike in every step.

    initial_membrane : float, default=0.5
        Membrane of all neurons before the first step, in thresholds. With 0, as in
        [1]_, a neuron of a constant current has spiked floor(sum of its currents)
        times. Half a threshold, a known correction [2]_, rounds to the nearest number,
        which helps where steps are few.

    alpha : float, default=0.0001
        Strength of the L2 regularisation of the MLPClassifier.

    max_iter : int, default=200
        Number of epochs of the MLPClassifier, at most.

    random_state : int, RandomState instance or None, default=None
        The source of initial weights and batches of the MLPClassifier. Spikes are not
        random.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the output neurons.

    ann_ : object
        The fitted ReLU network.

    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer in thresholds, float32. With two classes the ReLU network
        may have one output: the second neuron has its weights, and the first one their
        negatives.

    intercepts_ : list of ndarray of shape (n_out,)
        Currents that enter the neurons of each layer in every step.

    scales_ : ndarray of shape (n_layers,)
        The value of an input, and the activations of the layers, that one spike per
        step stands for.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features. Only defined if `X` has feature names that are all strings.

    n_iter_ : int
        Number of epochs of the ReLU network.

    n_layers_ : int
        Number of layers, that of the inputs included.

    n_outputs_ : int
        Number of output neurons.

    See Also
    --------
    ttfs.TTFSClassifier : One spike for each neuron, and exact gradients of its time.
    S4NNClassifier : First spikes in stepped time.

    References
    ----------
    .. [1] B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer and S.-C. Liu, "Conversion of
       continuous-valued deep networks to efficient event-driven networks for image
       classification", Frontiers in Neuroscience 11, 682 (2017).

    .. [2] T. Bu, J. Ding, Z. Yu and T. Huang, "Optimized potential initialization for
       low-latency spiking neural networks", Proceedings of the AAAI Conference on
       Artificial Intelligence 36 (2022).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ttfs.baselines import RateClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = make_pipeline(
    ...     StandardScaler(), RateClassifier((20,), max_iter=1000, random_state=0)
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.95)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "ann": [HasMethods(["fit", "predict"]), None],
        "n_steps": [Interval(Integral, 1, _MAX_STEPS, closed="both")],
        "percentile": [Interval(Real, 0, 100, closed="right")],
        "inputs": [StrOptions({"current", "spikes"})],
        "outputs": [StrOptions({"spikes", "membrane"})],
        "initial_membrane": [Interval(Real, 0, 1, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    # What `fit` learns; scikit-learn sets some of it.
    ann_: Any
    classes_: Array
    coefs_: list[Array]
    intercepts_: list[Array]
    scales_: Array
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (100,),
        *,
        ann: Any = None,
        n_steps: int = 100,
        percentile: float = 99.9,
        inputs: Literal["current", "spikes"] = "current",
        outputs: Literal["spikes", "membrane"] = "spikes",
        initial_membrane: float = 0.5,
        alpha: float = 0.0001,
        max_iter: int = 200,
        random_state: RandomState = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.ann = ann
        self.n_steps = n_steps
        self.percentile = percentile
        self.inputs = inputs
        self.outputs = outputs
        self.initial_membrane = initial_membrane
        self.alpha = alpha
        self.max_iter = max_iter
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- Training ------------------------------------------------------------------

    @validated_with_nested
    def fit(self, X: ArrayLike | SparseMatrix, y: ArrayLike) -> Self:
        """Train the ReLU network, unless it is fitted, and convert it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features. Networks learn best from features of a common scale.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : RateClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not what is described above, have fewer than two classes,
            or do not fit a network that is given; or if that is no ReLU network.
        """
        draft = copy.copy(self)  # a failure changes nothing
        draft._fit(X, y)
        vars(self).update(vars(draft))
        return self

    def _fit(self, X, y):
        X, y = validated_samples(self, X, y)
        check_classification_targets(y)
        y = column_or_1d(y)
        found = np.unique(y)
        ann = self._make_ann()
        if _is_fitted(ann):
            unknown = np.setdiff1d(found, _attribute(ann, "classes_"))
            if len(unknown):
                raise ValueError(f"ann has not learned the labels {unknown!r} of y")
        else:
            if len(found) < 2:
                raise ValueError(
                    "RateClassifier needs samples of at least 2 classes; the data "
                    f"contain only one class: {found[0]}"
                )
            ann = clone(ann).fit(X, y)
        coefs, intercepts = _relu_layers(ann)
        if len(coefs[0]) != X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} features, but ann has learned from "
                f"{len(coefs[0])} features"
            )
        coefs, intercepts, scales = convert(X, coefs, intercepts, self.percentile)
        self.ann_, self.classes_ = ann, ann.classes_
        self.coefs_, self.intercepts_, self.scales_ = coefs, intercepts, scales

    def _make_ann(self):
        """The ReLU network, which may be fitted."""
        if self.ann is not None:
            activation = _attribute(self.ann, "activation")
            if activation != "relu":
                raise ValueError(
                    f"only ReLU networks can be converted, but ann has activation="
                    f"{activation!r}"
                )
            return self.ann
        return MLPClassifier(
            self.hidden_layer_sizes,
            alpha=self.alpha,
            max_iter=self.max_iter,
            random_state=self.random_state,
        )

    # -- What was learned ----------------------------------------------------------

    @property
    def n_iter_(self) -> int:
        return self.ann_.n_iter_

    @property
    def n_layers_(self) -> int:
        return len(self.coefs_) + 1

    @property
    def n_outputs_(self) -> int:
        return self.coefs_[-1].shape[1]

    # -- Running -------------------------------------------------------------------

    def _runs(self, X, moments):
        """What the network does with X, block by block, recorded at some steps.

        Yields scaled inputs, and what :meth:`ttfs._baselines.RateNetwork.run` returns.
        """
        check_is_fitted(self)
        self._validate_params()
        with np.errstate(over="ignore"):  # what is too large is infinite, and refused
            X = validated_features(self, X, np.float32)
        network = RateNetwork(
            self.coefs_,
            self.intercepts_,
            self.initial_membrane,
            self.inputs == "spikes",
            self.outputs == "spikes",
        )
        for rows in gen_batches(X.shape[0], _BLOCK):
            x = np.ascontiguousarray(dense(X[rows]) / np.float32(self.scales_[0]))
            yield x, *network.run(x, moments)

    def _scores(self, counts, membranes):
        """Scores of the outputs, in spikes: a tie is broken by membranes."""
        membranes = membranes.astype(np.float64)
        if self.outputs == "membrane":
            return membranes - self.initial_membrane
        return counts + 0.5 * membranes / (1 + abs(membranes))

    def _final_scores(self, X):
        """Scores (n_samples, n_outputs) after the last step."""
        runs = self._runs(X, [self.n_steps])
        return np.concatenate([self._scores(c, v)[:, 0] for _, c, v, *_ in runs])

    def _logits(self, X):
        """What the outputs tell of the logits (n_samples, n_outputs)."""
        logits = self._final_scores(X) * (self.scales_[-1] / self.n_steps)
        # Of the pair z, -z of one logit z spikes tell of the positive one alone.
        is_pair = len(self.ann_.intercepts_[-1]) == 1 and self.outputs == "membrane"
        return logits / 2 if is_pair else logits

    # -- Predictions ---------------------------------------------------------------

    def predict(self, X: ArrayLike | SparseMatrix) -> Array:
        """Class of the output neuron that has spiked most, or has the highest membrane.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels after `n_steps` steps.
        """
        labels = self._final_scores(X).argmax(axis=1)
        return self.classes_[labels]

    def decisions(self, X: ArrayLike | SparseMatrix, steps: ArrayLike) -> Array:
        """Class labels by the step at which one stops, of one simulation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        steps : array-like of int of shape (n_moments,)
            Steps, in increasing order, from 1 on. They may be after `n_steps`.

        Returns
        -------
        labels : ndarray of shape (n_samples, n_moments)
            What :meth:`predict` would return with these numbers of steps.
        """
        runs = self._runs(X, check_moments(steps, "steps", _MAX_STEPS))
        labels = [self._scores(c, v).argmax(axis=2) for _, c, v, *_ in runs]
        return self.classes_[np.concatenate(labels)]

    def decision_function(self, X: ArrayLike | SparseMatrix) -> Array:
        """Estimates of the logits of the ReLU network by the output neurons.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Spikes, or membranes, per step times the scale of the outputs. With
            outputs="spikes" a logit below 0 counts as 0, and membranes add less than
            half a spike, as they break ties. With two classes, the score of
            ``classes_[1]`` less that of ``classes_[0]``.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if self.n_outputs_ == 2 else logits

    def predict_proba(self, X: ArrayLike | SparseMatrix) -> Array:
        """Probabilities of the classes: softmax of the estimates of the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``. With many steps they approach
            those of the ReLU network, if outputs="membrane" and no neuron saturates;
            with outputs="spikes" logits below 0 are not told apart.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X: ArrayLike | SparseMatrix) -> Array:
        """Logarithms of the probabilities of the classes.

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

    def firing_rates(self, X: ArrayLike | SparseMatrix) -> list[Array]:
        """Spikes per step of each neuron.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        rates : list of ndarray of shape (n_samples, n_neurons)
            Rates of each layer within `n_steps` steps. Times ``scales_[1:]`` they stand
            for the activations of the ReLU network.
        """
        counts = np.concatenate([run[-1] for run in self._runs(X, [self.n_steps])])
        ends = np.cumsum([len(b) for b in self.intercepts_])
        return np.split(counts / self.n_steps, ends[:-1], axis=1)

    def activity(
        self, X: ArrayLike | SparseMatrix, cost_model: str | CostModel | None = None
    ) -> Activity:
        """Count spikes and synaptic events, and what they cost.

        The decision is taken after `n_steps` steps, and all events count until then.
        Biases, and features with inputs="current", are currents: they do not spike.
        What features have to be multiplied by for that, once for each sample, is
        `n_macs`; adding a constant current to a membrane is part of a neuron's step.

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
            Counts of each sample and layer; times are in steps. A sample is undecided
            if outputs="spikes" and no output has spiked.
        """
        check_is_fitted(self)
        cost_model = check_cost_model(cost_model)
        n_targets = np.count_nonzero(self.coefs_[0], axis=1)
        blocks = [
            (n_spikes[:, 0], n_events[:, 0], (x != 0) @ n_targets)
            for x, _, _, n_spikes, n_events, _ in self._runs(X, [self.n_steps])
        ]
        n_spikes, n_events, n_macs = map(np.concatenate, zip(*blocks, strict=True))
        sizes = self.n_features_in_, *(len(b) for b in self.intercepts_)
        n_synaptic = n_spikes[:, :-1] * sizes[1:]
        is_undecided = n_spikes[:, -1] == 0
        return Activity(
            sizes,
            n_spikes=n_spikes,
            n_bias_spikes=np.zeros_like(n_events),
            n_events=n_synaptic,
            n_causal_events=n_synaptic,
            decision_times=np.full(len(n_spikes), float(self.n_steps)),
            is_undecided=is_undecided & (self.outputs == "spikes"),
            is_read_out=np.zeros(len(n_spikes), bool),
            t_max=float(self.n_steps),
            tau_syn=1.0,
            cost_model=cost_model,
            n_events_to_decision=n_events,
            n_macs=n_macs if self.inputs == "current" else None,
            step=1.0,
        )

    def anytime(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        times: ArrayLike | None = None,
    ) -> Anytime:
        """Accuracy, spikes and events by the step at which one stops.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            True labels.
        times : array-like of int of shape (n_times,), default=None
            Steps, in increasing order, from 1 on. None: up to fifty, the more densely
            the earlier, the last of which is `n_steps`.

        Returns
        -------
        curves : ttfs.energy.Anytime
            A sample counts as decided if any output has spiked; with outputs="membrane"
            always. All spikes and events until a step count, but no
            multiply-accumulates of currents: those are `n_macs` of :meth:`activity`.
        """
        if times is None:
            spaced = np.geomspace(1, self.n_steps, N_MOMENTS).round()
            steps = np.unique(spaced.astype(int))
        else:
            steps = check_moments(times, "times", _MAX_STEPS)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        n_samples, sums = 0, np.zeros((4, len(steps)))
        for x, counts, membranes, n_spikes, n_events, _ in self._runs(X, steps):
            labels = self.classes_[self._scores(counts, membranes).argmax(axis=2)]
            is_decided = counts.any(axis=2) | (self.outputs == "membrane")
            is_right = labels == y[n_samples : n_samples + len(x), np.newaxis]
            sums += [
                (is_right & is_decided).sum(axis=0),
                is_decided.sum(axis=0),
                n_spikes[:, :, 1:].sum(axis=(0, 2)),
                n_events.sum(axis=(0, 2)),
            ]
            n_samples += len(x)
        return Anytime(steps.astype(float), *(sums / n_samples), unit="step")


def _attribute(ann, name):
    """An attribute that a ReLU network must have."""
    try:
        return getattr(ann, name)
    except AttributeError:
        raise ValueError(
            "ann must be a classifier like MLPClassifier, with activation, coefs_, "
            f"intercepts_ and classes_; {type(ann).__name__} has no {name}"
        ) from None


def _is_fitted(ann):
    try:
        check_is_fitted(ann)
    except NotFittedError:
        return False
    return True


def _relu_layers(ann):
    """Weights and biases of a fitted ReLU network with one output for each class."""
    numeric = np.float64, np.float32
    coefs = [check_array(w, dtype=numeric) for w in _attribute(ann, "coefs_")]
    intercepts = [
        check_array(b, dtype=numeric, ensure_2d=False)
        for b in _attribute(ann, "intercepts_")
    ]
    n_classes = len(_attribute(ann, "classes_"))
    if n_classes == 2 and coefs[-1].shape[1] == 1:
        # One logit z of the second class: its neuron has z, the other one -z.
        coefs[-1] = np.hstack([-coefs[-1], coefs[-1]])
        intercepts[-1] = np.concatenate([-intercepts[-1], intercepts[-1]])
    if coefs[-1].shape[1] != n_classes:
        raise ValueError(
            f"ann must have an output for each of its {n_classes} classes, but has "
            f"{coefs[-1].shape[1]}"
        )
    return coefs, intercepts
