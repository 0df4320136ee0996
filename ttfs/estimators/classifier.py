"""The classifier."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions

from .._documentation import with_shared_entries
from .._typing import (
    ArithmeticName,
    Array,
    Auto,
    EncoderName,
    GradientName,
    LossName,
    Numbers,
    RandomState,
    ReadOutName,
    Sizes,
    validated,
)
from ..encoders.base import BaseEncoder
from ..encoders.spike_trains import Features
from ..parameters import (
    SHORTHANDS,
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    SquaredError,
)
from ..substrates import Substrate
from .base import BaseTTFS
from .classes import ClassesMixin
from .first_spikes import FirstSpikesMixin
from .parameters import COUNT, NOT_NEGATIVE, POSITIVE


@with_shared_entries
class TTFSClassifier(ClassifierMixin, ClassesMixin, FirstSpikesMixin, BaseTTFS):
    r"""Spiking neural network classifier with time-to-first-spike coding.

    `fit` trains the network, `predict` gives classes, `predict_proba` probabilities,
    and `score` the accuracy. `partial_fit` goes on learning; `spike_times`, `record`,
    `activity` and `anytime` show what the neurons do, and `transform` gives the spike
    times of the last hidden layer. The defaults suit most data::

        clf = TTFSClassifier().fit(X_train, y_train)
        y_pred = clf.predict(X_test)

    Features become spike times; each leaky integrate-and-fire (LIF) neuron of the
    hidden layers fires at most once; the class whose output neuron fires first is the
    answer. The network learns by Adam from the derivatives of spike times with respect
    to weights and earlier spike times [1]_, which are exact but for a clip where the
    membrane is flat; or by a local rule that fits on a chip. It computes in floating
    point or in small integers, as a chip would: docs/spec/fixed_point.md specifies
    every bit.

    Parameters
    ----------
    .. shared: hidden_layer_sizes, tau_mem, tau_syn, threshold

    delays : {"axonal", "synaptic"}, default=None
        Transmission delays, which are trained with the weights [3]_: a spike arrives
        later than it was fired. They start at 0 and are never negative. They make small
        networks more accurate.

        - None: no delays.
        - "axonal": one for each input of a layer: channel, neuron or bias.
        - "synaptic": one for each synapse. Each neuron then has its inputs in an order
          of its own, so that training takes 3 to 10 times as long as with "axonal".

    t_max : float, default=None
        End of the experiment, counted from the start of the inputs: a neuron that has
        not fired by then is silent. Silent output neurons rank behind those that
        fired, by the peak of their membrane. None means half a `tau_syn` after the
        read-out. Without a read-out it means half a `tau_syn` for each layer after the
        last possible input, 1.5 if gradient="local".

    read_out : float or None, default="auto"
        Time of the read-out, counted from the start of the inputs: strong input spikes,
        whose weights are not trained, reach all output neurons, so that those that have
        not fired do so now, in the order of their membranes. A first spike then decides
        every sample. "auto": the end of the possible inputs and 0.05 `tau_syn` for each
        layer, 1.2 if gradient="local"; where `t_max` is given, so long before it that
        outputs can still fire. (In less than half a `tau_syn` those with a low membrane
        cannot.) With a squared error, by which the outputs fire anyway, there is none.
        None: there is none, as for inputs without a clock; outputs may stay silent.

        What else may decide: "count", the number of output spikes, of which the earlier
        ones count a little more; "peak" or "mean", the greatest or the mean membrane of
        outputs that do not fire: docs/guide/several_spikes.md has the formulas. If
        `max_spikes` is above 1, "auto" is "peak", and None the first output spike; a
        time is not supported.

    max_spikes : int, default=1
        Spikes of a neuron, at most. With more than one a spike resets the membrane to 0
        and leaves the synaptic current; gradients are exact as for one spike [4]_.
        Signals that unfold in time need several, see
        :class:`ttfs.encoders.LevelCrossingEncoder`. Not with arithmetic="fixed",
        gradient="local", a `substrate`, synaptic delays or squared errors.

    refractory : float, default=0.0
        Time after a spike for which the membrane stays at 0.

    encoder : str or encoder, default="auto"
        How features become spike times: an encoder of :mod:`ttfs.encoders`, or a string
        that stands for one. Except for the last, every feature is scaled by its range
        in the training data, and clipped to it; values that are far from the rest are
        outside the range (`max_deviation` of the encoder).

        - "latency": ``LatencyEncoder(complement=False)``, one channel for each feature;
          the greatest value spikes at 0, the smallest at `tau_syn`.
        - "complement": ``LatencyEncoder(complement=True)``, a second channel for each
          feature that varies, in which the smallest value spikes first.
        - "auto": ``LatencyEncoder()``, complements the features in which no zero is
          absent.
        - "population": ``PopulationEncoder()``, several channels for each feature, with
          Gaussian receptive fields over its range [2]_.
        - "spike_times": ``SpikeTimesEncoder()``; `X` holds spike times, NaN or +inf
          where there is no spike. They should lie within a few `tau_syn` of each other.

        With "auto" and "latency" a zero is absent, which means no spike, in features
        that are 0 in at least half of the training samples; and in all that are ever
        0, if at least half of all training values are. A sparse matrix gives the same
        spikes as the dense array it stands for, except with "spike_times", where what
        it does not store is absent; "complement" and "population", in which every zero
        spikes, refuse it.

        If `X` is a :class:`SpikeTrains`, in which a channel may have several spikes,
        "auto" means "spike_times", for all data until the next `fit`; other encoders
        do not accept it.

    arithmetic : {"float32", "float64", "fixed"} or FixedPoint, default="float32"
        Precision of weights, delays and spike times. "fixed" stands for
        :class:`ttfs.parameters.FixedPoint`: integers, the same bits on every platform.
        With gradient="local" learning is in integers too; with "exact" the gradient is
        that of real weights at the spikes of the integers, into which they are rounded
        in every batch (quantisation-aware training). Not with `delays`.

    substrate : object, default=None
        What fires in the place of the ideal simulator: a chip, or an emulator of one,
        see :mod:`ttfs.substrates`. It has a method ``forward(times, network)``, which
        is asked for the spike times of every batch, in training and for predictions.
        The gradient is that of the nominal model at the spikes that come back. Not with
        `delays`, nor with arithmetic="fixed", nor where a channel has several spikes.
        None: the ideal simulator.

    gradient : {"exact", "local"}, ExactGradient or LocalRule, default="exact"
        - "exact" stands for :class:`ttfs.parameters.ExactGradient`: the gradient of the
          spike times, clipped where the membrane is flat, and Adam.
        - "local" stands for :class:`ttfs.parameters.LocalRule`: the simplified rule of
          docs/spec/fixed_point.md, which fits on a chip. It has defaults of its own for
          the schedule. Not with `delays`.

    loss : str, CrossEntropy or SquaredError, default="cross_entropy"
        Loss on the spike times of the output neurons.

        - "cross_entropy" stands for :class:`ttfs.parameters.CrossEntropy`: that of
          softmax(-t / time_scale).
        - "squared_error" stands for :class:`ttfs.parameters.SquaredError`, with target
          times for the true class and the others.
        - "shift_invariant" stands for SquaredError(shift_invariant=True): the same
          after the best common shift of the targets.

    time_scale : float, default=None
        Time by which two outputs must differ for odds of e; also used by
        `predict_proba`. None means 0.0015 `tau_syn` for each input of the first layer
        that spikes in a sample, on average, but 0.1 to 0.2; the 0.1 falls with the
        fourth root of the samples above 2,000. It means 0.2 on a substrate or
        without a read-out; 0.03 if gradient="local", where with arithmetic="fixed" it
        is at least half a `tick`.

    input_dropout : float, default=0.2
        Fraction of input spikes that are deleted at random in training, on channels
        that are often without one: by the rule for zeros, see `encoder`, or with spike
        times by the same rule for spikes that are absent. Other channels keep theirs:
        all, with "complement" and "population".

    .. shared: weight_decay

    sparsity : float, default=0.0
        How sparse the network shall be, from 0 to below 1: the share of the weights
        into hidden neurons that are 0 in the end, and the strength of a cost of each
        hidden spike before the decision. With 0 there is neither. The smallest weights
        are pruned after each epoch of the first half of training, and never come back:
        `fit` with warm_start=True and `partial_fit` go on from what is pruned. Spikes
        and synaptic events are saved at the price of some accuracy, which may be more
        or less than what a smaller network costs: docs/guide/sparsity.md. If a layer
        keeps less than one weight for each neuron, `fit` warns. With the exact
        gradient, for one spike of a neuron and for several.

    .. shared: batch_size, learning_rate, learning_rate_init

    max_iter : int, default="auto"
        Number of epochs of a call of `fit`, at most. "auto": as many as make 70
        n_samples ^0.7 updates, or 100,000 if that is less, but 20 to 300 epochs; up to
        500 without a read-out. With gradient="local" 15,000 updates, or 5,000 without
        an accumulator, and 40 to 500 epochs.

    .. shared: early_stopping, validation_fraction, n_iter_no_change, tol, warm_start

    .. shared: shuffle

    class_weight : dict or "balanced", default=None
        Weights of the classes, by which those of samples are multiplied; "balanced"
        means n_samples / (n_classes * count of the class), where weights of samples are
        counted. With the exact gradient that raises the balanced accuracy where a class
        is rare, at the cost of precision. `partial_fit` does not support "balanced".

    .. shared: random_state, verbose

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the output neurons.

    .. shared: encoder_, network_, engine_, coefs_, weight_steps_, tick_, delays_

    .. shared: bias_times_, n_channels_in_, n_features_in_, feature_names_in_, t_max_

    read_out_ : float or None
        Time of the read-out, from the start of the inputs; None: there is none.

    time_scale_ : float
        The `time_scale` used.

    .. shared: loss_, best_loss_, loss_curve_, validation_scores_

    .. shared: validation_loss_curve_, best_validation_score_, n_iter_, n_layers_

    .. shared: n_outputs_, t_

    See Also
    --------
    SpikeTrains : Data in which a channel may have several spikes.
    sklearn.neural_network.MLPClassifier : Multilayer perceptron; parameters of the
        same meaning have the same names.

    Notes
    -----
    With u = I = 0 at the beginning, each neuron follows

    .. math::

        \frac{du}{dt} &= -\frac{u}{\tau_{mem}} + \frac{I}{\tau_{syn}} \\
        \frac{dI}{dt} &= -\frac{I}{\tau_{syn}} + \sum_i w_i \delta(t - t_i)

    and fires at the first time at which u equals the threshold.

    Where labels are wrong, probabilities stay calibrated better than those of a dense
    network: with 20 % of them flipped the log-loss is about half that of MLPClassifier
    (docs/guide/when_worse.md, which also says what to change on data that the defaults
    do not suit).

    A call of `fit` or `partial_fit` that fails leaves the estimator as it was, except
    for a substrate that fails in the middle.

    **Chip in the loop** [1]_. The substrate gets the spike times of the channels, on
    the axis of `t_max_` (with encoder="spike_times" too: times from the start of the
    inputs), and a network: `coefs_`, the times of biases, and the nominal neurons. What
    its own neurons are like is not asked for. Spikes from `t_max_` on are not looked
    at. Gradients, and the peaks by which silent output neurons are ordered, are those
    of the nominal model at the spikes that were measured. (If such a peak is above the
    threshold, those of its sample are lowered together until none is.) With a positive
    `min_slope` of the gradient a spike that the model would not produce learns too, if
    an input precedes it. `coefs_` are real. A substrate may have a method
    ``weight_step(k)``: it rounds the weights of layer k to multiples of that, in
    thresholds. The model then has the rounded weights, and its gradient moves the real
    ones (straight-through).
    With a method ``weight_limit(k)`` they are kept within that limit. Initial weights
    are those without a substrate; a read-out has as many more spikes as the limit of
    the output layer asks for, also where training with warm_start=True goes on there.

    `substrate` may change at any time: after training with None,
    ``set_params(substrate=chip)`` predicts on a chip with weights of the ideal
    simulator, and with warm_start=True `fit` goes on there.

    A substrate has failed when it raises, or returns anything but one array of times
    for each layer, in the right shape, without NaN; or when a layer is dead: no neuron
    fires, not even with strong weights, which are tried where a layer is silent and
    the model is not. Calls then raise ``ttfs.substrates.SubstrateError``; a network
    that does not fit is a ``ttfs.substrates.NetworkError``. `fit` and `partial_fit`
    keep what was learned until the last update (with early stopping at a constant
    rate, in the best epoch), and count completed epochs. If `fit` is called again with
    warm_start=True, for as many samples and the same `max_iter`, `batch_size`,
    `shuffle`, `learning_rate`, `learning_rate_init`, `early_stopping` and
    `validation_fraction`, it goes on where it was interrupted, and ends with the
    weights that it would have had without.

    References
    ----------
    .. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
       learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).
    .. [2] S. M. Bohte, J. N. Kok, H. La Poutré, "Error-backpropagation in temporally
       encoded networks of spiking neurons", Neurocomputing 48, 17-37 (2002).
    .. [3] J. Göltz, J. Weber, L. Kriener et al., "DelGrad: exact event-based gradients
       for training delays and weights on spiking neuromorphic hardware", Nature
       Communications 16 (2025), doi 10.1038/s41467-025-63120-y.
    .. [4] T. C. Wunderlich, C. Pehle, "Event-based backpropagation can compute exact
       gradients for spiking neural networks", Scientific Reports 11, 12829 (2021).

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(500, random_state=0)
    >>> clf = TTFSClassifier(max_iter=40, random_state=0).fit(X, y)
    >>> X_test, y_test = make_yin_yang(200, random_state=1)
    >>> clf.score(X_test, y_test) > 0.8
    True
    """

    classes_: Array

    _parameter_constraints: ClassVar[dict] = {
        **BaseTTFS._parameter_constraints,
        "loss": [StrOptions(set(SHORTHANDS["loss"])), CrossEntropy, SquaredError],
        "read_out": [
            StrOptions({"auto", "count", "peak", "mean"}),
            POSITIVE,
            None,
        ],
        "max_spikes": [COUNT],
        "refractory": [NOT_NEGATIVE],
        "sparsity": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (100,),
        *,
        tau_mem: Numbers = 1.0,
        tau_syn: float = 1.0,
        threshold: float = 1.0,
        delays: Literal["axonal", "synaptic"] | None = None,
        t_max: float | None = None,
        read_out: float | Auto | ReadOutName | None = "auto",
        max_spikes: int = 1,
        refractory: float = 0.0,
        encoder: EncoderName | BaseEncoder = "auto",
        arithmetic: ArithmeticName | FixedPoint = "float32",
        substrate: Substrate | None = None,
        gradient: GradientName | ExactGradient | LocalRule = "exact",
        loss: LossName | CrossEntropy | SquaredError = "cross_entropy",
        time_scale: float | None = None,
        input_dropout: float = 0.2,
        weight_decay: float = 1.0,
        sparsity: float = 0.0,
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
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        random_state: RandomState = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tau_mem = tau_mem
        self.tau_syn = tau_syn
        self.threshold = threshold
        self.delays = delays
        self.t_max = t_max
        self.read_out = read_out
        self.max_spikes = max_spikes
        self.refractory = refractory
        self.encoder = encoder
        self.arithmetic = arithmetic
        self.substrate = substrate
        self.gradient = gradient
        self.loss = loss
        self.time_scale = time_scale
        self.input_dropout = input_dropout
        self.weight_decay = weight_decay
        self.sparsity = sparsity
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
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    # -- Training ------------------------------------------------------------------

    @validated
    def partial_fit(
        self,
        X: Features,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on some of the data, at a constant learning rate.

        The first call chooses the initial weights and the ranges of the features,
        which later values are clipped to, so it should see typical data: more than one
        sample. After `fit` it goes on with the moments of Adam and, by "auto", a tenth
        of the learning rate, which keeps what was learned; so does gradient="local"
        without a `fit`. Other data are learned in about 20 to 40 calls; a higher
        `learning_rate_init` is quicker and forgets more.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur. Required in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample is shown, on average over many calls: 0.5 is in every
            second call, 3 is three times. Their mean is at most 1000. None: once.

        Returns
        -------
        self : TTFSClassifier
            The trained estimator.

        Raises
        ------
        ValueError
            If the data are not valid, `y` has labels that are not in `classes`,
            `classes` is missing in the first call or differs later, or
            early_stopping=True.
        ttfs.substrates.SubstrateError
            If the substrate fails. What was learned before is kept.
        ttfs.substrates.NetworkError
            If the network does not fit on the substrate.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "partial_fit does not support class_weight='balanced': it does not "
                "see all the data; pass a dict"
            )
        if not hasattr(self, "network_") and classes is None:
            raise ValueError("classes must be passed on the first call of partial_fit")
        draft = self._draft()
        failure = draft._partial_fit(X, y, sample_weight, classes=classes)
        return self._adopt(draft, failure)

    # -- Targets -------------------------------------------------------------------

    @property
    def _loss(self):
        return self._resolved("loss")

    @property
    def read_out_(self) -> float | None:
        read_out = self.network_.read_out
        return None if np.isinf(read_out) else read_out

    @property
    def time_scale_(self) -> float:
        return self._time_scale

    def _decisions(self, X):
        """Decision times (n_samples, n_outputs_), float64."""
        return self._run(X, "decisions")

    # -- Predictions -------------------------------------------------------------

    def decision_function(self, X: Features) -> Array:
        """Confidence scores: -t / time_scale of the output neurons.

        Where their number of spikes or their membranes decide, that takes the place of
        -t: see `read_out`.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, the score of ``classes_[1]`` less that of
            ``classes_[0]``: positive where ``classes_[1]`` is predicted. Times after
            the read-out are stretched, so that a threshold by which a membrane is
            lower there counts as 2 `tau_syn`; a silent neuron counts as if it fired
            after `t_max_`.
        """
        scores = -self._decisions(X) / self.time_scale_
        return scores[:, 1] - scores[:, 0] if self.n_outputs_ == 2 else scores

    def predict(self, X: Features) -> Array:
        """Class whose output neuron fires first, or has the greatest score.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        labels = self._run(X, "labels")
        return self.classes_[labels]

    def predict_proba(self, X: Features) -> Array:
        """Probabilities of the classes: softmax(-t / time_scale).

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        return softmax(-self._decisions(X) / self.time_scale_, axis=1)

    def predict_log_proba(self, X: Features) -> Array:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Log-probabilities, in the order of ``classes_``.
        """
        return log_softmax(-self._decisions(X) / self.time_scale_, axis=1)
