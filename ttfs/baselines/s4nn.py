"""S4NN: integrate-and-fire neurons without leak, in steps, that learn by their rule."""

from __future__ import annotations

import copy
import warnings
from itertools import pairwise
from numbers import Integral, Real
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._baselines import StepNetwork, StepSpikes
from .._documentation import with_shared_entries
from .._typing import Auto, Floats, RandomState, Sizes, SparseMatrix, validated
from ..estimators.classes import ClassesMixin
from ..estimators.parameters import AUTO, COUNT, NOT_NEGATIVE, POSITIVE, checked_sizes
from .base import BaselineClassifier
from .features import validated_features, validated_samples
from .s4nn_measures import S4NNMeasures
from .step_code import StepCode

# The published network has, in units of its threshold of 100, these upper ends of its
# initial weights, and learning rates of 0.2. Hidden neurons have 150 active inputs.
_DRIVE = 7.5  # 5 / 100 times 150
_LATER_RANGE = 0.48
_PUBLISHED_RANGES = 5.0, 48.0  # of the first layer and of later ones

# Neurons that fire in a smaller share of the samples of an epoch are drawn again.
_MIN_ACTIVE = 0.001


@with_shared_entries
class S4NNClassifier(S4NNMeasures, ClassesMixin, BaselineClassifier):
    r"""Classifier of integrate-and-fire neurons in steps, by the rule of S4NN.

    The network of Kheradpisheh and Masquelier [1]_: neurons without leak and without
    synaptic dynamics, that fire at most once, in time that is divided into steps; the
    class whose output fires first is the answer. It learns one sample at a time, by an
    approximate gradient of spike times. :class:`ttfs.TTFSClassifier` learns by the
    exact one, and is more accurate; this estimator is there to compare with.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(400,)
        Number of neurons of each hidden layer. Published is one layer; with several,
        the rule passes errors back through all of them.

    n_steps : int or "auto", default="auto"
        Number of steps of an inference, up to 65535. "auto": the number of different
        values that a feature has, or all features if they have one range, in up to
        2,000 training samples; at least 16, at most 256, which is what images of 256
        grey levels have, as published. With more steps than values spikes only lie
        further apart, and `gamma` is no margin.

    threshold : float, default=100.0
        Threshold of all neurons, in the unit of the weights.

    encoder : {"auto", "latency", "complement"}, default="auto"
        How features become spikes. A value that is x of the way from the lower to the
        upper end of its range, and is clipped to it, spikes in step
        ``floor((1 - x) * n_steps)``, so that the lower end has no spike.

        - "latency": one input for each feature, and one range for all of them: from
          the smallest value of all training data, or from 0 if that is smaller, to
          the greatest. That is the published code of images.
        - "complement": each feature has its own range, and a second input on which
          small values are early.
        - "auto": "latency" for data like images: none is negative, at least a quarter
          are 0, and half of the features that vary come within a tenth of the greatest
          value of all; else "complement".

    init_ranges : "auto" or array-like of shape (n_layers, 2), default="auto"
        Lower and upper ends of the uniform distribution of initial weights, for each
        hidden layer and the output. "auto": from 0 to 7.5 `threshold` / n in the first
        layer, where n is the mean number of inputs that spike in a training sample, and
        to 0.48 `threshold` in later layers, but at least 7.5 `threshold` / n where n
        is the number of their inputs. With MNIST that is 0 to 5 and 0 to 48, as
        published.

    learning_rate : {"cosine", "constant"}, default="cosine"
        - "cosine": falls from `learning_rate_init` to 0 over `max_iter` epochs.
        - "constant": stays, as published.

    learning_rate_init : float, default=0.3
        Learning rate of a network with the published initial weights; published is a
        constant rate of 0.2. In other networks the rate of a layer is multiplied by the
        upper end of the initial weights that "auto" stands for, in units of the
        published one, 5 or 48.

    weight_decay : float, default=1e-6
        Weights are made smaller by this times the learning rate with each sample.

    gamma : float, default=3.0
        Steps by which the label should fire before other classes.

    max_iter : int, default=100
        Number of epochs.

    early_stopping : bool, default=False
        Hold out `validation_fraction` of the data, stratified, keep the weights of the
        epoch that is best there, and stop when `n_iter_no_change` epochs were no
        better by `tol`.

    validation_fraction : float, default=0.1
        Only used when early_stopping=True.

    n_iter_no_change : int, default=10
        Only used when early_stopping=True.

    tol : float, default=1e-4
        Only used when early_stopping=True.

    shuffle : bool, default=True
        Whether each epoch has an order of the samples of its own.

    random_state : int, RandomState instance or None, default=None
        The source of initial weights, of the order of the samples, and of the
        validation split.

    verbose : bool, default=False
        Print one line for each epoch.

    Attributes
    ----------
    .. shared: classes_

    coefs_ : list of ndarray of shape (n_in, n_out), float32
        Weights of each layer. There are no biases.

    feature_range_ : ndarray of shape (2, n_features)
        Lower and upper ends of the ranges of the features.

    complement_ : bool
        Whether there is a second input for each feature.

    n_steps_ : int
        Number of steps used.

    init_ranges_ : ndarray of shape (n_layers, 2)
        The ranges that the initial weights were drawn from.

    loss_curve_ : list of float
        Mean of :math:`\sum_j (T_j - t_j)^2 / (2 n_{steps}^2)` in each epoch, of each
        sample before it was learned.

    loss_ : float
        The last of them.

    validation_scores_ : list of float or None
        Accuracy on the validation data after each epoch; None without early stopping.

    best_validation_score_ : float or None
        The highest of them.

    n_iter_ : int
        Number of epochs.

    .. shared: n_layers_, n_outputs_, n_features_in_, feature_names_in_

    See Also
    --------
    ttfs.TTFSClassifier : Continuous time, leaky neurons, exact gradients.
    RateClassifier : Many spikes for each neuron.

    Notes
    -----
    With steps t = 0, 1, ... the membrane and the spike time of a neuron j are

    .. math::

        V_j(t) = \sum_i w_{ij} [t_i \le t], \qquad
        t_j = 1 + \min \{t: V_j(t) > \theta\}

    and t_j = n_steps, which means silent, if that is less. With m the time of the first
    output, the target times are T_label = m and T_j = t_j for the others, but
    min(m + gamma, n_steps) for those with t_j - m < gamma. If no output fires, they are
    n_steps - gamma and n_steps. From the errors d_j = (T_j - t_j) / n_steps the layers
    learn in turn, the output first [1]_:

    .. math::

        d &\leftarrow d / |d| \\
        w_{ij} &\leftarrow w_{ij} - \eta d_j [t_i < t_j] \\
        w_{ij} &\leftarrow w_{ij} - \eta \lambda w_{ij} \\
        d_i &= \sum_j d_j [t_i < t_j] w_{ij}

    The last line, with the new weights, gives the errors of the layer before. Hidden
    neurons that fire in fewer than 0.1 % of the samples of an epoch get new weights.

    **Ties.** Outputs often fire in the same step. `predict` then takes the one with the
    highest membrane in that step, and so does `score`. The authors count a sample as
    right if its label is any of those that are first: :meth:`published_score`. That no
    other fires with it is asked for by :meth:`strict_score`. If no output fires, the
    membranes in the last step decide.

    References
    ----------
    .. [1] S. R. Kheradpisheh, T. Masquelier, "Temporal backpropagation for spiking
       neural networks with one spike per neuron", International Journal of Neural
       Systems 30, 2050027 (2020).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ttfs.baselines import S4NNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = S4NNClassifier((200,), max_iter=30, random_state=0)
    >>> clf.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", COUNT],
        "n_steps": [AUTO, Interval(Integral, 1, 65_535, closed="both")],
        "threshold": [POSITIVE],
        "encoder": [StrOptions({"auto", "latency", "complement"})],
        "init_ranges": [AUTO, "array-like"],
        "learning_rate": [StrOptions({"cosine", "constant"})],
        "learning_rate_init": [POSITIVE],
        "weight_decay": [NOT_NEGATIVE],
        "gamma": [POSITIVE],
        "max_iter": [COUNT],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [COUNT],
        "tol": [NOT_NEGATIVE],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # What `fit` learns; scikit-learn sets some of it.
    feature_range_: Floats
    complement_: bool
    n_steps_: int
    init_ranges_: Floats
    loss_curve_: list[float]
    validation_scores_: list[float] | None

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (400,),
        *,
        n_steps: int | Auto = "auto",
        threshold: float = 100.0,
        encoder: Literal["auto", "latency", "complement"] = "auto",
        init_ranges: ArrayLike | Auto = "auto",
        learning_rate: Literal["cosine", "constant"] = "cosine",
        learning_rate_init: float = 0.3,
        weight_decay: float = 1e-6,
        gamma: float = 3.0,
        max_iter: int = 100,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        shuffle: bool = True,
        random_state: RandomState = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_steps = n_steps
        self.threshold = threshold
        self.encoder = encoder
        self.init_ranges = init_ranges
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.gamma = gamma
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose

    # -- Training ------------------------------------------------------------------

    @validated
    def partial_fit(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Learn samples once, at the learning rate `learning_rate_init`.

        The first call chooses the initial weights and the ranges of the features, so it
        should see typical data. No neurons are drawn again.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur. Required in the first call.

        Returns
        -------
        self : S4NNClassifier
            The trained estimator.

        Raises
        ------
        ValueError
            If the data are not valid; if `classes` is missing in the first call,
            differs later, or lacks a label of `y`; or if early_stopping=True.
        """
        draft = copy.copy(self)
        draft._partial_fit(X, y, classes)
        return self._adopt(draft)

    def _adopt(self, draft):
        for weights in draft.coefs_:
            if not np.isfinite(weights).all():
                raise ValueError(
                    "training produced weights that are not finite; lower "
                    "learning_rate_init"
                )
        return super()._adopt(draft)

    def _fit(self, X, y):
        labels = self._encode_targets(y, is_new=True)
        self._rng = check_random_state(self.random_state)
        validation = None
        if self.early_stopping:
            X, held_out, labels, held_out_labels = self._split(X, labels)
        self._start(X)
        if self.early_stopping:
            validation = self._spikes(held_out), held_out_labels
        self._learn_epochs(self._spikes(X), labels, validation)

    def _partial_fit(self, X, y, classes):
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        is_first = not hasattr(self, "coefs_")
        if is_first and classes is None:
            raise ValueError("classes must be passed on the first call of partial_fit")
        X, y = validated_samples(self, X, y, reset=is_first)
        labels = self._encode_targets(
            y, is_new=is_first, is_partial=True, classes=classes
        )
        if is_first:
            self._rng = check_random_state(self.random_state)
            self._start(X)
        else:  # the draft shares them with the estimator
            self._rng = copy.deepcopy(self._rng)
            self.coefs_ = [weights.copy() for weights in self.coefs_]
            self.loss_curve_ = list(self.loss_curve_)
        self._learn_epoch(self._spikes(X), labels, 1.0)

    def _split(self, X, labels):
        """Parts of the data that are learned and held out, and of their labels."""
        try:
            return train_test_split(
                X,
                labels,
                test_size=self.validation_fraction,
                stratify=labels,
                random_state=self._rng,
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} cannot split {len(labels)} samples: both "
                f"parts need samples of each class ({error})"
            ) from error

    def _start(self, X):
        """Learn the ranges of the features, and draw the initial weights."""
        code = StepCode.learn(X, self.encoder, self.n_steps)
        self.feature_range_ = np.stack([code.low, code.high])
        self.complement_ = code.complement
        self.n_steps_, self._threshold = code.n_steps, float(self.threshold)
        hidden = checked_sizes(self.hidden_layer_sizes)
        sizes = [code.n_inputs, *hidden, len(self.classes_)]
        n_active = sum(
            np.count_nonzero(steps < code.n_steps) for steps in code.blocks(X)
        )
        # Later layers have many inputs, of which a few suffice: see the class.
        ends = self._threshold * np.array(
            [_DRIVE / max(1, n_active / X.shape[0])]
            + [max(_LATER_RANGE, _DRIVE / n) for n in sizes[1:-1]]
        )
        published = np.full(len(ends), _PUBLISHED_RANGES[1])
        published[0] = _PUBLISHED_RANGES[0]
        self._relative_rates = ends / published
        if isinstance(self.init_ranges, str):
            self.init_ranges_ = np.stack([np.zeros_like(ends), ends], axis=1)
        else:
            self.init_ranges_ = self._checked_ranges(len(ends))
        self.coefs_ = [self._draw(k, shape) for k, shape in enumerate(pairwise(sizes))]
        self.loss_curve_ = []
        self.validation_scores_ = [] if self.early_stopping else None

    def _checked_ranges(self, n_layers):
        ranges = np.asarray(self.init_ranges, dtype=float)
        if ranges.shape != (n_layers, 2):
            raise ValueError(
                f"init_ranges must have shape ({n_layers}, 2), one range for each "
                f"layer; got {ranges.shape}"
            )
        if not (np.isfinite(ranges).all() and (ranges[:, 0] <= ranges[:, 1]).all()):
            raise ValueError(
                "init_ranges must be finite, lower ends first; got "
                f"{self.init_ranges!r}"
            )
        return ranges

    def _draw(self, k, shape):
        """Initial weights of layer k."""
        return self._rng.uniform(*self.init_ranges_[k], shape).astype(np.float32)

    def _learn_epochs(self, spikes, labels, validation):
        """Epochs until `max_iter`, or until early stopping."""
        best, best_score, n_worse, dead = None, -np.inf, 0, []
        try:
            for epoch in range(self.max_iter):
                factor = 1.0
                if self.learning_rate == "cosine":
                    factor = (1 + np.cos(np.pi * epoch / self.max_iter)) / 2
                self._draw_again(dead)
                dead = self._learn_epoch(spikes, labels, factor)
                score = None
                if validation is not None:
                    spikes_val, labels_val = validation
                    decisions = self._decisions(spikes_val)
                    score = self._validation_score(decisions, labels_val, None)
                    self.validation_scores_.append(score)
                    n_worse = 0 if score > best_score + self.tol else n_worse + 1
                    if score > best_score:
                        best, best_score = [w.copy() for w in self.coefs_], score
                if self.verbose:
                    shown = "" if score is None else f", validation score {score:.4f}"
                    print(
                        f"Epoch {self.n_iter_}: loss {self.loss_:.6f}{shown}",
                        flush=True,
                    )
                if n_worse >= self.n_iter_no_change:
                    break
        except KeyboardInterrupt:
            warnings.warn(
                f"training interrupted in epoch {self.n_iter_ + 1}; the model keeps "
                "what it has learned",
                stacklevel=5,
            )
        if best is not None:
            self.coefs_ = best

    def _learn_epoch(self, spikes, labels, factor):
        """Learn all samples once; returns the silent neurons of each hidden layer."""
        order = np.arange(len(labels))
        if self.shuffle:
            self._rng.shuffle(order)
        network = self._network()
        rates = self.learning_rate_init * factor * self._relative_rates
        if self.weight_decay * rates.max() >= 1:
            raise ValueError(
                f"weight_decay={self.weight_decay} times the learning rate "
                f"{rates.max():g} must be less than 1"
            )
        n_fired = np.zeros(network.n_neurons, np.uintp)
        _, loss = network.learn(
            spikes,
            labels.astype(np.uint32),
            order.astype(np.uintp),
            rates,
            self.weight_decay,
            self.gamma,
            n_fired,
        )
        self.loss_curve_.append(loss / len(labels))
        ends = np.cumsum(network.sizes[1:-1])
        hidden = np.split(n_fired[: sum(network.sizes[1:-1])], ends[:-1])
        return [np.flatnonzero(n < _MIN_ACTIVE * len(labels)) for n in hidden]

    def _draw_again(self, dead):
        """New weights of the neurons `dead` of each hidden layer."""
        for k, neurons in enumerate(dead):
            weights = self.coefs_[k]
            weights[:, neurons] = self._draw(k, (len(weights), len(neurons)))

    def _decisions(self, spikes):
        times, membranes = self._network().run(spikes)
        return self._refined(times[:, -self.n_outputs_ :], membranes)

    # -- What was learned ----------------------------------------------------------

    @property
    def loss_(self) -> float | None:
        return self.loss_curve_[-1] if self.loss_curve_ else None

    @property
    def best_validation_score_(self) -> float | None:
        return max(self.validation_scores_) if self.validation_scores_ else None

    @property
    def n_iter_(self) -> int:
        return len(self.loss_curve_)

    def _network(self):
        return StepNetwork(self.coefs_, self.n_steps_, self._threshold)

    @property
    def _code(self):
        return StepCode(*self.feature_range_, self.complement_, self.n_steps_)

    def _spikes(self, X):
        code = self._code
        return StepSpikes(code.blocks(X), code.n_inputs, self.n_steps_)

    # -- Inference -----------------------------------------------------------------

    @property
    def _duration(self):
        return self.n_steps_

    def _runs(self, X, moments=None):
        """Yields membranes, and steps of the inputs and times of each layer."""
        check_is_fitted(self)
        X = validated_features(self, X)
        network, code = self._network(), self._code
        ends = np.cumsum(network.sizes[1:-1])
        for steps in code.blocks(X):
            spikes = StepSpikes([steps], code.n_inputs, self.n_steps_)
            times, membranes = network.run(spikes)
            layers = np.split(times, ends, axis=1)
            yield membranes, [steps, *map(np.ascontiguousarray, layers)]

    def _outputs(self, X):
        """Spike times of the outputs, and the membranes that decide between them."""
        runs = [(times[-1], membranes) for membranes, times in self._runs(X)]
        times, membranes = map(np.concatenate, zip(*runs, strict=True))
        return times, membranes

    def _refined(self, times, membranes):
        """Spike times less a part of a step: the more, the higher the membrane is."""
        ratio = membranes / self._threshold
        return times - (1 + ratio / (1 + np.abs(ratio))) / 2

    def _scores(self, X):
        return -self._refined(*self._outputs(X))

    def _logits(self, X):
        return self._scores(X) / self.gamma

    def decision_function(self, X: ArrayLike | SparseMatrix) -> Floats:
        """Confidence scores: -t of the output neurons, in steps.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, the score of ``classes_[1]`` less that of
            ``classes_[0]``: positive where ``classes_[1]`` is predicted. A silent
            output counts as if it fired at the end. To each score a part of a step,
            0 to 1, is added: (1 + r / (1 + abs(r))) / 2, where r is the membrane in the
            step that the first output answers (if none fires, in the last step),
            divided by the threshold. It decides where spike times are the same.
        """
        return self._between(self._scores(X))
