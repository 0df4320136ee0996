"""The regressor."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from .._documentation import with_shared_entries
from .._typing import (
    ArithmeticName,
    Auto,
    EncoderName,
    Floats,
    GradientName,
    Numbers,
    RandomState,
    Sizes,
    validated,
)
from ..encoders.base import BaseEncoder
from ..encoders.spike_trains import Features
from ..engines import TargetTimes
from ..engines.recipe import target_window
from ..parameters import ExactGradient, FixedPoint, LocalRule
from ..substrates import Substrate
from .base import BaseTTFS

# Validation targets vary by this part of their range, at least.
_MIN_PART = 1e-2


@with_shared_entries
class TTFSRegressor(RegressorMixin, BaseTTFS):
    r"""Spiking neural network regressor with time-to-first-spike coding.

    `fit` trains the network, `predict` gives numbers, and `score` how much of their
    variance is explained, R2. `partial_fit` learns from more data; `spike_times` and
    `activity` show what the neurons do. The defaults suit most data::

        reg = TTFSRegressor().fit(X_train, y_train)
        y_pred = reg.predict(X_test)

    Features become spike times; each leaky integrate-and-fire (LIF) neuron of the
    hidden layers fires at most once; each target has an output neuron, and the
    prediction is an affine function of the time at which that neuron fires. The network
    learns as :class:`TTFSClassifier` does [1]_, from the squared error of the outputs'
    spike times.

    Parameters
    ----------
    .. shared: hidden_layer_sizes, tau_mem, tau_syn, threshold

    delays : {"axonal", "synaptic"}, default=None
        Transmission delays, which are trained with the weights: see
        :class:`TTFSClassifier`.

    t_max : float, default=None
        End of the experiment, counted from the start of the inputs. None means half a
        `tau_syn` for each layer, after the last possible input; 1.5 if
        gradient="local".

    encoder : str or encoder, default="auto"
        How features become spike times: an encoder of :mod:`ttfs.encoders`, or one of
        the strings "auto", "latency", "complement", "population" and "spike_times",
        see :class:`TTFSClassifier`.

    arithmetic : {"float32", "float64", "fixed"} or FixedPoint, default="float32"
        Precision of weights, delays and spike times. "fixed" stands for
        :class:`ttfs.parameters.FixedPoint`: the network fires in integers, and real
        weights learn; predictions are as fine as a tick. Not with `delays`, and not
        with gradient="local": the integer rule needs classes.

    substrate : object, default=None
        What fires in the place of the ideal simulator: a chip, or an emulator of one,
        see :mod:`ttfs.substrates`.

    gradient : {"exact", "local"}, ExactGradient or LocalRule, default="exact"
        - "exact" stands for :class:`ttfs.parameters.ExactGradient`: the gradient of the
          spike times, clipped where the membrane is flat, and Adam.
        - "local" stands for :class:`ttfs.parameters.LocalRule`: the simplified rule of
          docs/spec/fixed_point.md, in real numbers. Its feedback is not "target".

    input_dropout : float, default=0.0
        Fraction of input spikes that are deleted at random in training, on channels
        that are often without one.

    .. shared: weight_decay, batch_size, learning_rate, learning_rate_init

    max_iter : int, default="auto"
        Number of epochs of a call of `fit`, at most. "auto": as many as make 100
        n_samples ^0.7 updates, or 100,000 if that is less (gradient="local": 15,000),
        but 20 to 500 epochs.

    .. shared: early_stopping, validation_fraction, n_iter_no_change, tol, warm_start

    .. shared: shuffle, random_state, verbose

    Attributes
    ----------
    target_range_ : ndarray of shape (2, n_targets)
        Smallest and greatest value of each target in the training data.

    .. shared: encoder_, network_, engine_, coefs_, weight_steps_, tick_, delays_

    .. shared: bias_times_, n_channels_in_, n_features_in_, feature_names_in_, t_max_

    .. shared: loss_, best_loss_, loss_curve_, validation_scores_

    .. shared: validation_loss_curve_, best_validation_score_, n_iter_, n_layers_

    .. shared: n_outputs_, t_

    See Also
    --------
    TTFSClassifier : Classifier with the same network.
    sklearn.neural_network.MLPRegressor : Multilayer perceptron; parameters of the same
        meaning have the same names.

    Notes
    -----
    The neurons are those of :class:`TTFSClassifier`. The greatest target of the
    training data, y_max, stands for a spike at t_first = 0.45 T, and the smallest,
    y_min, for one at t_last = 0.85 T:

    .. math::

        t = t_{last} - (t_{last} - t_{first}) \frac{y - y_{min}}{y_{max} - y_{min}}

    T is half a `tau_syn` for each layer after the last possible input, or `t_max_` if
    that is earlier. Predictions are the inverse of this map. They are not bounded by
    the range of the targets, but by time: a spike cannot come before the inputs, nor
    after `t_max_`; targets of later calls that ask for such times are clipped. An
    output that is silent predicts as if it fired at `t_max_`: the
    smallest value that the network can tell, 0.375 of the range below y_min where T is
    `t_max_`. In the loss a silent output has a pseudo-time after `t_max_`, which grows
    with what its membrane misses of the threshold, so that it learns to fire.

    References
    ----------
    .. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
       learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from ttfs import TTFSRegressor
    >>> X, y = make_friedman1(300, noise=0.5, random_state=0)
    >>> reg = TTFSRegressor(max_iter=40, random_state=0).fit(X[:200], y[:200])
    >>> reg.score(X[200:], y[200:]) > 0.7
    True
    """

    target_range_: Floats

    _target_options: ClassVar[dict] = {"multi_output": True, "y_numeric": True}

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (100,),
        *,
        tau_mem: Numbers = 1.0,
        tau_syn: float = 1.0,
        threshold: float = 1.0,
        delays: Literal["axonal", "synaptic"] | None = None,
        t_max: float | None = None,
        encoder: EncoderName | BaseEncoder = "auto",
        arithmetic: ArithmeticName | FixedPoint = "float32",
        substrate: Substrate | None = None,
        gradient: GradientName | ExactGradient | LocalRule = "exact",
        input_dropout: float = 0.0,
        weight_decay: float = 1.0,
        batch_size: int | Auto = "auto",
        learning_rate: Literal["cosine", "constant"] = "cosine",
        learning_rate_init: float | Auto = "auto",
        max_iter: int | Auto = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        shuffle: bool = True,
        random_state: RandomState = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tau_mem = tau_mem
        self.tau_syn = tau_syn
        self.threshold = threshold
        self.delays = delays
        self.t_max = t_max
        self.encoder = encoder
        self.arithmetic = arithmetic
        self.substrate = substrate
        self.gradient = gradient
        self.input_dropout = input_dropout
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose

    # -- Training ------------------------------------------------------------------

    @validated
    def partial_fit(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on some of the data, at a constant learning rate.

        The first call chooses the initial weights and the ranges of the features and of
        the targets, so it should see typical data: more than one sample. After `fit` it
        goes on with the moments of Adam and, by "auto", a tenth of the learning rate.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample is shown, on average over many calls: 0.5 is in every
            second call, 3 is three times. Their mean is at most 1000. None: once.

        Returns
        -------
        self : TTFSRegressor
            The trained estimator.

        Raises
        ------
        ValueError
            If the data are not valid, their number of targets differs from that of
            earlier calls, or early_stopping=True.
        ttfs.substrates.SubstrateError
            If the substrate fails. What was learned before is kept.
        ttfs.substrates.NetworkError
            If the network does not fit on the substrate.
        """
        draft = self._draft()
        return self._adopt(draft, draft._partial_fit(X, y, sample_weight))

    # -- Targets -------------------------------------------------------------------

    _loss = TargetTimes()

    @property
    def _n_outputs(self):
        return self.target_range_.shape[1]

    def _encode_targets(self, y, *, is_new, is_partial=False):
        """Targets (n_samples, n_outputs), float64, as parts of their range."""
        y = np.asarray(y, np.float64)
        y = y.reshape(len(y), -1)
        if is_new:
            self.target_range_ = np.array([y.min(axis=0), y.max(axis=0)])
            if is_partial and not np.all(self.target_range_[0] < self.target_range_[1]):
                raise ValueError(
                    "the first call of partial_fit learns the range of each target, "
                    "but not all of them vary in these data: pass several samples, or "
                    "call fit first"
                )
        elif y.shape[1] != self._n_outputs:
            raise ValueError(
                f"y has {y.shape[1]} targets, but TTFSRegressor was fitted with "
                f"{self._n_outputs}"
            )
        low, high = self.target_range_
        # Halves, so that the difference of two large numbers does not overflow.
        span = high / 2 - low / 2
        return (y / 2 - low / 2) / np.where(span > 0, span, 1.0)

    def _target_window(self):
        """Times that stand for the greatest and the smallest target."""
        return target_window(self.network_, self.encoder_.end_)

    def _training_targets(self, targets):
        """Desired spike times of the outputs."""
        first, last = self._target_window()
        times = np.clip(last - (last - first) * targets, 0, self.t_max_)
        return np.ascontiguousarray(times)

    def _check_split(self, n_training, n_validation):
        if n_validation < 2 or n_training < 1:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} splits {n_training + n_validation} "
                f"samples into {n_training} and {n_validation}; validation needs at "
                "least 2 samples, and training 1"
            )

    def _stratify(self, targets):
        return None

    def _validation_score(self, decisions, targets, weights):
        """R2 of the spike times, with a floor of the variance of constant targets."""
        times = np.minimum(decisions, self.t_max_)
        first, last = self._target_window()
        mean = np.average(targets, axis=0, weights=weights)
        variance, error = (
            np.average((values - targets) ** 2, axis=0, weights=weights)
            for values in (mean, times)
        )
        least = (_MIN_PART * (last - first)) ** 2
        return float(np.mean(1 - error / np.maximum(variance, least)))

    # -- Predictions ---------------------------------------------------------------

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Features) -> Floats:
        """Targets from the spike times of the output neurons.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions; one-dimensional for one target. Where an output neuron is
            silent, the value that a spike at `t_max_` stands for: see the class.
        """
        times = np.minimum(self._run(X, "decisions"), self.t_max_)
        first, last = self._target_window()
        parts = (last - times) / (last - first)
        low, high = self.target_range_ / 2
        y = 2 * (low + parts * (high - low))
        return y.ravel() if y.shape[1] == 1 else y
