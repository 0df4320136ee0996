"""The regressor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from sklearn.base import RegressorMixin

from .._typing import validated
from ..engines import TargetTimes
from ..engines.recipe import target_window
from .base import BaseTTFS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import (
        ArithmeticName,
        Auto,
        EncoderName,
        Floats,
        GradientName,
        Numbers,
        RandomState,
        Sizes,
    )
    from ..encoders.base import BaseEncoder
    from ..encoders.spike_trains import Features
    from ..parameters import ExactGradient, FixedPoint, LocalRule
    from ..substrates import Substrate
    from .watching import Callback


# Validation targets vary by this part of their range, at least.
_MIN_PART = 1e-2


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

    weight_decay : float, default=1.0
        Strength of a decoupled weight decay towards the weights with which neurons just
        fire. It is a prior, as strong as some samples are, and counts the less the more
        samples there are. Less of it fits small data more closely, more is for noise.
        With gradient="local" it does not depend on the number of samples:
        docs/guide/parameters.md has a table.

    batch_size : int, default="auto"
        Samples of an update. "auto" means n_samples / 60, between 10 and 50; with
        gradient="local" n_samples / 100 in that range.

    learning_rate : {"cosine", "constant"}, default="cosine"
        - "cosine": falls from `learning_rate_init` to 0 over `max_iter` epochs. With
          early_stopping=True it falls later, and for fewer epochs.
        - "constant": stays; training ends when the loss, or with early_stopping=True
          the validation score, has not improved by `tol` for `n_iter_no_change` epochs.

    learning_rate_init : float, default="auto"
        Step size of Adam, in units of the threshold, for a layer with 10 active inputs;
        other layers scale it. "auto" is 0.02. With gradient="local" it has another
        meaning and another default: docs/guide/parameters.md has a table.

    max_iter : int, default="auto"
        Number of epochs of a call of `fit`, at most. "auto": as many as make 100
        n_samples ^0.7 updates, or 100,000 if that is less (gradient="local": 15,000),
        but 20 to 500 epochs.

    early_stopping : bool, default=False
        Hold out `validation_fraction` of the data, and watch R2 of the spike times
        there. The learning rate is constant until it has not improved by `tol` for
        `n_iter_no_change` epochs, for a quarter of `max_iter` at least and half of it
        at most. Then the rate falls along a cosine over as many epochs as there were,
        in which all data are learned, those held out included: the last weights and
        delays are kept. With learning_rate="constant" it does not fall: training ends
        there, and those of the best epoch are kept.

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
        and range of targets.

    shuffle : bool, default=True
        Whether to draw new batches in each epoch.

    random_state : int, RandomState instance or None, default=None
        The source of initial weights, batches, input dropout and the validation split.

    verbose : bool or int, default=False
        1 or True prints one line for each epoch. 2 shows a progress bar in `fit`, if
        tqdm is installed: ``pip install "scikit-ttfs[progress]"``.

    Attributes
    ----------
    target_range_ : ndarray of shape (2, n_targets)
        Smallest and greatest value of each target in the training data.

    encoder_ : encoder
        The fitted encoder, of :mod:`ttfs.encoders`.

    network_ : ttfs.model.Network
        The layers: what `coefs_`, `delays_` and `bias_times_` show.

    engine_ : ttfs.engines.Engine
        The engine that would train the network next.

    coefs_ : list of ndarray of shape (n_in + n_bias, n_out)
        Weights of each layer, bias rows last. Integers, int16, if arithmetic="fixed".

    weight_steps_ : list of float
        The value of the integer 1 in `coefs_` of each layer, in the unit of the
        threshold. The attribute exists only if arithmetic="fixed".

    tick_ : float
        The tick used. Only if arithmetic="fixed".

    delays_ : list of ndarray or None
        Transmission delays of each layer, not negative; None if delays=None.

    bias_times_ : list of ndarray of shape (n_bias,)
        Spike times of the biases of each layer, from the start of the inputs.

    n_channels_in_ : int
        Number of input channels, without biases.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features. Only defined if `X` has feature names that are all strings.

    t_max_ : float
        End of the experiment, from the start of the inputs.

    loss_ : float
        Loss of the last epoch; None if training was interrupted in the first.

    best_loss_ : float or None
        Lowest loss of `loss_curve_`; None if early_stopping=True.

    loss_curve_ : list of float
        Loss of each epoch since the weights were drawn, in the squared unit of time.

    validation_scores_ : list of float or None
        R2 of the spike times on the validation data after each epoch: on `X_val` of
        `fit`, or on what early stopping held out, until the learning rate falls. None
        if there were neither.

    validation_loss_curve_ : list of float or None
        Mean loss of these data, with the weights after the epoch.

    best_validation_score_ : float or None
        Highest of them; None if there is none.

    n_iter_ : int
        Number of epochs since the weights were drawn: the length of `loss_curve_`.

    n_layers_ : int
        Number of layers, the input among them.

    n_outputs_ : int
        Number of output neurons: one for each target.

    t_ : int
        Number of training samples seen, over all epochs.

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
            Features: finite real numbers, or spike times if encoder="spike_times" or
            `X` is a :class:`ttfs.SpikeTrains`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, finite real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative, of which only the ratios count: an
            epoch draws a sample as often as its weight says, in proportion to the
            others. One of weight 0 is as if it were not there. None: all are equal.
        X_val : {array-like, sparse matrix, SpikeTrains}, default=None
            Validation data, which are not learned: of shape (n_validation, n_features).
            After each epoch they are scored, see `validation_scores_`; with
            early_stopping=True they are watched in the place of a part of `X`.
        y_val : array-like, default=None
            Their targets, of shape (n_validation,) or (n_validation, n_targets);
            required with `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights in score and loss.
        callback : callable, default=None
            ``callback(record)`` is called after each epoch, with an
            :class:`ttfs.EpochRecord`. If it returns True, training ends, as
            early stopping would end it; if it returns False or None, it goes on. An
            exception in it leaves the estimator as it was before `fit`; Ctrl-C in it
            keeps what was learned. docs/guide/watching.md has examples.

        Returns
        -------
        self : TTFSRegressor
            The trained estimator.

        Raises
        ------
        ValueError
            If the data are not what is described above, or do not fit the earlier ones
            with warm_start=True; if validation data are not valid, or have other
            features or another number of targets; or if training produced weights or
            delays that are not finite.
        TypeError
            If `callback` is not callable, or returns what is neither a bool nor None.
        ttfs.substrates.SubstrateError
            If the substrate fails. What was learned before is kept, and with
            warm_start=True another call goes on from there.
        ttfs.substrates.NetworkError
            If the network does not fit on the substrate.
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
