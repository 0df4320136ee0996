"""Rate code: a ReLU network, converted to integrate-and-fire neurons."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_array, gen_batches
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _is_fitted, check_is_fitted

from .._baselines import RateNetwork
from .._documentation import with_shared_entries
from .._typing import Array, RandomState, Sizes, SparseMatrix
from ..energy.anytime import N_MOMENTS, check_moments
from ..estimators.classes import check_several_classes
from ..estimators.parameters import COUNT, NOT_NEGATIVE
from .base import BaselineClassifier
from .features import dense, validated_features

_BLOCK = 1024  # samples that are run at a time
# Samples that scales are measured on, at most: evenly spaced ones of the training data.
_MAX_SAMPLES = 20_000
_MAX_STEPS = 2**31 - 1  # counts of spikes are int32


@with_shared_entries
class RateClassifier(BaselineClassifier):
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
    .. shared: classes_

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

    .. shared: n_features_in_, feature_names_in_

    n_iter_ : int
        Number of epochs of the ReLU network.

    .. shared: n_layers_, n_outputs_

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
        "hidden_layer_sizes": ["array-like", COUNT],
        "ann": [HasMethods(["fit", "predict"]), None],
        "n_steps": [Interval(Integral, 1, _MAX_STEPS, closed="both")],
        "percentile": [Interval(Real, 0, 100, closed="right")],
        "inputs": [StrOptions({"current", "spikes"})],
        "outputs": [StrOptions({"spikes", "membrane"})],
        "initial_membrane": [Interval(Real, 0, 1, closed="left")],
        "alpha": [NOT_NEGATIVE],
        "max_iter": [COUNT],
        "random_state": ["random_state"],
    }

    # What `fit` learns; scikit-learn sets some of it.
    ann_: Any
    intercepts_: list[Array]
    scales_: Array

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

    # -- Training ------------------------------------------------------------------

    def _fit(self, X, y):
        found = np.unique(y)
        ann = self._make_ann()
        if _is_fitted(ann):
            unknown = np.setdiff1d(found, _attribute(ann, "classes_"))
            if len(unknown):
                raise ValueError(f"ann has not learned the labels {unknown!r} of y")
        else:
            check_several_classes(self, found)
            ann = clone(ann).fit(X, y)
        coefs, intercepts = _relu_layers(ann)
        if len(coefs[0]) != X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} features, but ann has learned from "
                f"{len(coefs[0])} features"
            )
        coefs, intercepts, scales = _convert(X, coefs, intercepts, self.percentile)
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

    # -- Running -------------------------------------------------------------------

    @property
    def _duration(self):
        return self.n_steps

    def _runs(self, X, moments=None):
        """Yields scaled inputs, and what a RateNetwork returns."""
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
            steps = [self.n_steps] if moments is None else moments
            yield x, *network.run(x, steps)

    def _scores_of(self, counts, membranes):
        """Scores of the outputs, in spikes: a tie is broken by membranes."""
        membranes = membranes.astype(np.float64)
        if self.outputs == "membrane":
            return membranes - self.initial_membrane
        return counts + 0.5 * membranes / (1 + abs(membranes))

    def _scores(self, X):
        runs = self._runs(X)
        return np.concatenate([self._scores_of(c, v)[:, 0] for _, c, v, *_ in runs])

    def _logits(self, X):
        """What the outputs tell of the logits (n_samples, n_outputs)."""
        logits = self._scores(X) * (self.scales_[-1] / self.n_steps)
        # Of the pair z, -z of one logit z spikes tell of the positive one alone.
        is_pair = len(self.ann_.intercepts_[-1]) == 1 and self.outputs == "membrane"
        return logits / 2 if is_pair else logits

    # -- Predictions ---------------------------------------------------------------

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
        labels = [self._scores_of(c, v).argmax(axis=2) for _, c, v, *_ in runs]
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
        return self._between(self._logits(X))

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
        counts = np.concatenate([run[-1] for run in self._runs(X)])
        ends = np.cumsum([len(b) for b in self.intercepts_])
        return np.split(counts / self.n_steps, ends[:-1], axis=1)

    def _counts(self, x, counts, membranes, n_spikes, n_events, by_neuron):
        n_spikes = n_spikes[:, 0]
        n_synaptic = n_spikes[:, :-1] * self._sizes[1:]
        found = {
            "n_spikes": n_spikes,
            "n_events": n_synaptic,
            "n_causal_events": n_synaptic,
            "decision_times": np.full(len(x), float(self.n_steps)),
            "is_undecided": (n_spikes[:, -1] == 0) & (self.outputs == "spikes"),
            "n_events_to_decision": n_events[:, 0],
        }
        if self.inputs == "current":
            found["n_macs"] = (x != 0) @ np.count_nonzero(self.coefs_[0], axis=1)
        return found

    def _moments(self, times):
        if times is not None:
            return check_moments(times, "times", _MAX_STEPS)
        spaced = np.geomspace(1, self.n_steps, N_MOMENTS).round()
        return np.unique(spaced.astype(int))

    def _curves(self, moments, labels, x, counts, membranes, n_spikes, n_events, _):
        chosen = self.classes_[self._scores_of(counts, membranes).argmax(axis=2)]
        is_decided = counts.any(axis=2) | (self.outputs == "membrane")
        is_right = chosen == labels[:, np.newaxis]
        return [
            (is_right & is_decided).sum(axis=0),
            is_decided.sum(axis=0),
            n_spikes[:, :, 1:].sum(axis=(0, 2)),
            n_events.sum(axis=(0, 2)),
        ]


def _attribute(ann, name):
    """An attribute that a ReLU network must have."""
    try:
        return getattr(ann, name)
    except AttributeError:
        raise ValueError(
            "ann must be a classifier like MLPClassifier, with activation, coefs_, "
            f"intercepts_ and classes_; {type(ann).__name__} has no {name}"
        ) from None


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


def activations(X, coefs, intercepts):
    """Yields the activations of each layer of a ReLU network; the last has no ReLU."""
    for k, (w, b) in enumerate(zip(coefs, intercepts, strict=True), 1):
        X = safe_sparse_dot(X, w, dense_output=True) + b
        if k < len(coefs):
            np.maximum(X, 0, out=X)
        yield X


def _scale_of(activation, percentile):
    """The percentile of the activations that are above 0; 1 if there are none."""
    active = activation[activation > 0]
    return float(np.percentile(active, percentile)) if active.size else 1.0


def _convert(X, coefs, intercepts, percentile):
    """Weights and biases in thresholds, and what a rate of 1 stands for.

    With scales lambda of the inputs and the layers, weights W_l become
    W_l lambda_(l-1) / lambda_l and biases b_l / lambda_l: one spike per step then
    stands for the activation lambda_l. A scale is a percentile of the activations
    above 0 on training data X; for the inputs, of their magnitudes.
    """
    X = X[:: -(-X.shape[0] // _MAX_SAMPLES)]
    scales = [_scale_of(abs(X.data if issparse(X) else X), percentile)]
    scales += [_scale_of(a, percentile) for a in activations(X, coefs, intercepts)]
    weights, biases = [], []
    for k, (w, b) in enumerate(zip(coefs, intercepts, strict=True)):
        before, after = scales[k : k + 2]
        weights.append(np.ascontiguousarray(w * (before / after), np.float32))
        biases.append(np.ascontiguousarray(b / after, np.float32))
    return weights, biases, np.array(scales)
