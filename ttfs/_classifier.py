"""The scikit-learn estimator."""

import copy
import itertools
import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array, issparse
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
    column_or_1d,
    compute_class_weight,
    gen_batches,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ttfs import _core
from ttfs._activity import count_activity
from ttfs._encoding import ZEROS_SPIKE, Encoder
from ttfs._fixed_point import MOST_NEURONS, MOST_SAMPLES, MOST_TICKS, n_ticks_of
from ttfs._in_loop import Measured, MeasuredTrainer, Run, within
from ttfs._network import (
    Layer,
    cosine,
    feedback_weights,
    initial_weights,
    mean_weight,
    step_unit,
    weight_unit,
)
from ttfs._neuron import LIF
from ttfs._on_chip import (
    LocalTrainer,
    QuantizedTrainer,
    inference,
    make_network,
    on_grid,
)
from ttfs._spike_trains import SpikeTrains
from ttfs._spikes import check_times
from ttfs.energy import check_cost_model
from ttfs.substrates import Network, NetworkError, SubstrateError, calibrate
from ttfs.substrates._measure import name_of, weight_limits

# Samples that predict and spike_times work on at a time.
_BLOCK = 1024

# The recipe. Times are in tau_syn, weights in units of weight_unit().
_INPUT_WINDOW = 1.0  # features spike within this time
_PSEUDO_SLOPE = 2.0  # delay of a silent output neuron for each threshold it misses
_BIAS_TIMES = (0.9,)  # of each layer, after the first possible input
_DRIVE, _SPREAD = 6.0, 2.5  # initial weights, see initial_weights()
_REST = 3.0  # weights decay to this drive: neurons just fire
_EXISTENCE, _TOLERATED = 0.1, 0.15  # silent hidden neurons, see src/training.inc
_TARGET_TIMES = 0.8, 1.2  # default target_times
_LEAST_EPOCHS, _MOST_EPOCHS = 40, 500
_INITIAL = 256  # samples that the initial weights are chosen on
_LONGEST = 1e4  # limit of t_max
_DELAY_STEP = 0.3  # unit of the learning rate of delays, which start at 0

_TICKS = 64  # of a tau_syn, by default

# What the recipes do not share: t_max is `horizon` for each layer, after the inputs;
# `updates` are those of max_iter="auto"; of n samples a batch takes n / `batches`, in a
# range. Weights without an accumulator need large batches.
_EXACT = {
    "horizon": 0.5,
    "time_scale": 0.2,
    "updates": 100_000,
    "batches": 30,
    "batch_range": (10, 50),
}
_LOCAL = {
    "horizon": 1.5,
    "time_scale": 0.03,
    "updates": 15_000,
    "batches": 100,
    "batch_range": (10, 50),
    "rate": 0.02,  # times the square root of the number of active inputs
}
_LOCAL_COARSE = {
    **_LOCAL,
    "updates": 5_000,
    "batches": 10,
    "batch_range": (10, 500),
    "rate": 0.045,
}
_EXACT_RATE = 0.005
_PARTIAL_RATE = 0.1  # of the local rule in partial_fit: the rate stays where it is
_LOCAL_DECAY = 3e-6  # without Adam, small errors do not hold out against more

# Parameters of integer arithmetic and of the local rule that last for a model.
_FIXED = "weight_bits", "accumulator_bits", "tick", "kernel", "feedback", "rounding"

# What must be the same for `fit` to go on with a run that a substrate interrupted.
_SCHEDULE = (
    "batch_size",
    "early_stopping",
    "learning_rate",
    "learning_rate_init",
    "max_iter",
    "shuffle",
    "validation_fraction",
)

# What validate_data accepts. Features keep their precision until they are spike times.
_INPUT = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "order": "C"}


def _checked(X, kind):
    """Validated X, once more: spike times, and the form of a sparse matrix."""
    if issparse(X):
        # Made anew, because the flags of a matrix that was changed may be wrong.
        X = csr_array((X.data, X.indices, X.indptr), shape=X.shape)
        if kind in ZEROS_SPIKE:
            raise TypeError(
                f"encoder={kind!r} has spikes for every zero, which a sparse matrix "
                "does not store; use encoder='auto' or 'latency', or pass a dense array"
            )
        if not X.has_canonical_format:  # sorted, without duplicates
            X = X.copy()
            X.sum_duplicates()
            if kind != "spike_times":
                assert_all_finite(X.data, input_name="X")
    if kind == "spike_times":
        check_times(X.data if issparse(X) else X, "X", nan_is_absent=True)
    return X


def _check_trains(X, kind, substrate, *, is_fitted):
    """Raise unless an encoder of this kind, and a substrate, take the SpikeTrains X."""
    if kind != "spike_times" and (is_fitted or kind != "auto"):
        reason = "was fitted with features" if is_fitted else f"has encoder={kind!r}"
        raise TypeError(
            f"X is a SpikeTrains, but TTFSClassifier {reason}; spike trains need "
            "encoder='auto' or 'spike_times'"
        )
    if len(X) == 0:
        raise ValueError("X has 0 samples, but a minimum of 1 is required")
    if substrate is not None and X._has_several:
        raise ValueError(
            "X has channels with several spikes, but a substrate takes one spike of "
            "each channel: use substrate=None"
        )


class TTFSClassifier(ClassifierMixin, BaseEstimator):
    r"""Spiking neural network classifier with time-to-first-spike coding.

    Features become spike times; each leaky integrate-and-fire (LIF) neuron of the
    hidden layers fires at most once; the class whose output neuron fires first is the
    answer. Trained with Adam on the derivatives of spike times with respect to weights
    and earlier spike times [1]_, which are exact but for a clip, `min_slope`; or by a
    local rule that fits on a chip. Computes in floating point or in small integers, as
    a chip would: docs/fixed_point.md specifies every bit.

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
        Transmission delays, which are trained with the weights [3]_: a spike arrives
        later than it was fired. They start at 0 and are never negative. They make small
        networks more accurate.

        - None: no delays.
        - "axonal": one for each input of a layer: channel, neuron or bias.
        - "synaptic": one for each synapse. Each neuron then has its inputs in an order
          of its own, so that training takes 3 to 10 times as long as with "axonal".

    gradient : {"exact", "local"}, default="exact"
        - "exact": the gradient of the spike times, and Adam.
        - "local": the simplified rule of docs/fixed_point.md. A weight moves by its
          neuron's error, times a `kernel` of the time from the input spike to its own,
          divided by the power of two next to the slope of the membrane; no moments, no
          memory but the weights. It has defaults of its own, and does not use
          `min_slope`, `beta_1`, `beta_2` and `epsilon`. Not with `delays`.

    arithmetic : {"float32", "float64", "fixed"}, default="float32"
        Precision of weights, delays and spike times. "fixed": integers, the same bits
        on every platform: weights of `weight_bits` and a sign, times in ticks. With
        gradient="local" learning is in integers too; with "exact" the gradient is that
        of real weights at the spikes of the integers, into which they are rounded in
        every batch (quantisation-aware training). Not with `delays`.

    weight_bits : int, default=6
        Bits of a weight without its sign, 2 to 8: weights are -63 ... 63 with 6. Only
        used when arithmetic="fixed".

    accumulator_bits : int, default=None
        Learn in weights of so many bits, sign included, at most 16, of which the
        network uses the upper `weight_bits` and the sign. None: what learns are the
        weights themselves; nothing wider is kept from one batch to the next, which
        needs larger batches. Only used when arithmetic="fixed" and gradient="local".

    tick : float, default=None
        Unit of spike times, a small part of `tau_syn` and of `tau_mem`: above
        `tau_syn` / 16 accuracy is lost. None means `tau_syn` / 64. Only used when
        arithmetic="fixed".

    kernel : {"table", "linear"}, default="table"
        The kernel of the local rule: that of the membrane, or piecewise linear with
        the same peak. Only used when gradient="local".

    feedback : {"symmetric", "random", "direct", "target"}, default="symmetric"
        How errors reach hidden neurons: through the weights; through fixed random
        weights from the next layer, or directly from the errors of the outputs, or
        from the labels. Only used when gradient="local".

    rounding : {"stochastic", "floor"}, default="stochastic"
        Of what a weight moves by. With "floor" small moves are lost, or pull all
        weights down: for comparison. Only used when arithmetic="fixed" and
        gradient="local".

    substrate : object, default=None
        What fires in the place of the ideal simulator: a chip, or an emulator of one,
        see :mod:`ttfs.substrates`. It has a method ``forward(times, network)``, which
        is asked for the spike times of every batch, in training and for predictions.
        The gradient is that of the nominal model at the spikes that come back. Not with
        `delays`, nor with arithmetic="fixed", nor where a channel has several spikes.
        None: the ideal simulator.

    encoder : str, default="auto"
        How features become spike times; except for the last, every feature is scaled
        by its range in the training data, and clipped to it.

        - "latency": one channel for each feature; the greatest value spikes at 0, the
          smallest at `tau_syn`.
        - "complement": a second channel for each feature that varies, in which the
          smallest value spikes first.
        - "auto": complements the features in which no zero is absent.
        - "population": `n_receptive_fields` channels for each feature, in the order of
          the features [2]_. Their receptive fields are Gaussians spread over the range
          of the feature; one with activity g in (0, 1] spikes at (1 - g) `tau_syn`, or
          not at all where g < 0.1: two or three of each feature that varies spike.
        - "spike_times": `X` holds spike times, NaN or +inf where there is no spike.
          They should lie within a few `tau_syn` of each other.

        With "auto" and "latency" a zero is absent, which means no spike, in features
        that are 0 in at least half of the training samples; and in all that are ever
        0, if at least half of all training values are. A sparse matrix gives the same
        spikes as the dense array it stands for, except with "spike_times", where what
        it does not store is absent; "complement" and "population", in which every zero
        spikes, refuse it.

        If `X` is a :class:`SpikeTrains`, in which a channel may have several spikes,
        "auto" means "spike_times", for all data until the next `fit`; other encoders
        do not accept it.

    n_receptive_fields : int, default=4
        Receptive fields m of each feature, at least 3. With features scaled to [0, 1],
        their centres are (k - 1/2) / (m - 2) for k = 0 ... m - 1, and their width is
        1 / (1.5 (m - 2)). Only used when encoder="population".

    loss : str, default="cross_entropy"
        Loss on the spike times t_k of the output neurons, with y the true class.

        - "cross_entropy": that of softmax(-t / time_scale), plus
          early_firing * (exp(t_y / tau_syn) - 1), t counted from the first input.
        - "squared_error": mean of (t_k - target_k)**2 / 2, targets in `target_times`.
        - "shift_invariant": the same after the best common shift of the targets.

    time_scale : float, default=None
        Time by which two outputs must differ for odds of e; also used by
        `predict_proba`. None means 0.2 `tau_syn`, or 0.03 if gradient="local",
        where with arithmetic="fixed" it is at least half a `tick`.

    early_firing : float, default=0.0
        Weight of the term that asks for early spikes. Only used when
        loss="cross_entropy".

    target_times : tuple of (float, float), default=None
        Target of the neuron of the true class, and of the others, counted from the
        start of the inputs. None means 0.8 and 1.2 `tau_syn`. Not used when
        loss="cross_entropy".

    t_max : float, default=None
        End of the experiment, counted from the start of the inputs: a neuron that has
        not fired by then is silent. Silent output neurons rank behind those that
        fired, by the peak of their membrane. None means half a `tau_syn` for each
        layer, after the last possible input; 1.5 if gradient="local".

    min_slope : float, default=0.3
        Floor of the membrane's slope at a spike in the gradient, in threshold /
        tau_syn: clips the gradient near tangent crossings, where it diverges. 0 gives
        the exact gradient.

    input_dropout : float, default=0.2
        Fraction of input spikes that are deleted at random in training, on channels
        that are often without one: by the rule for zeros, see `encoder`, or with spike
        times by the same rule for spikes that are absent. Other channels keep theirs:
        all, with "complement" and "population".

    weight_decay : float, default=1.5
        Decoupled weight decay, per unit of learning rate, times the mean number of
        active inputs of the first layer over the number of samples (of `fit`, and those
        that `partial_fit` saw since, as often as it saw them): a prior, which counts
        the less the more data there are for each input. Weights decay to half the mean
        from which those of their layer were drawn at first, so that neurons go on
        firing. Weights whose input has no spike in a batch wait, with their moments,
        until it has one; what they missed is then made up for, apart from moves by
        momentum. For sparse data this is a lazy form of Adam. With gradient="local"
        it is per 333,000 samples and unit of learning rate instead, and integers do not
        make up for what they missed.

    batch_size : int, default="auto"
        Samples of an update. "auto" means n_samples / 30, between 10 and 50; with
        gradient="local" n_samples / 100 in that range, but n_samples / 10, between 10
        and 500, if arithmetic="fixed" without an accumulator. 1 is online learning. An
        interrupt (Ctrl-C) is answered between updates.

    learning_rate : {"cosine", "constant"}, default="cosine"
        - "cosine": falls from `learning_rate_init` to 0 over `max_iter` epochs. The
          end of the schedule is the normal end of training.
        - "constant": stays; training ends when the loss has not improved by `tol` for
          `n_iter_no_change` epochs.

    learning_rate_init : float, default="auto"
        "auto" is 0.005. If gradient="local" it is 0.02 times the square root of the
        number of active inputs, 0.045 times with arithmetic="fixed" and no accumulator,
        and (2 / n)**3 of that with n > 2 layers of weights. There, an input spike at
        the peak of the kernel moves its weight by so many thresholds, if the error is 1
        and the slope of the membrane a threshold per `tau_syn`; other time constants
        scale it by the height of kappa.
        Errors are summed over the batch. With the exact gradient: step size of
        Adam, in units of the threshold, for a layer with 10 active inputs and `tau_mem`
        equal to `tau_syn`. Layers with n take (10 / n)**0.25 of it; with more than one
        hidden layer, n layers of weights take (2 / n)**0.5 of that; other time
        constants scale it by the height of kappa.

    beta_1 : float, default=0.9
        Decay of the first moment of Adam.

    beta_2 : float, default=0.999
        Decay of the second moment of Adam.

    epsilon : float, default=1e-8
        Added to the root of the second moment of Adam, in the unit of a gradient, that
        of the loss over `threshold`: 1 / `threshold`, or `tau_syn` ^2 / `threshold`
        where the loss is a squared error; for delays over `tau_syn` instead.

    max_iter : int, default="auto"
        Number of epochs of a call of `fit`, at most. "auto": as many as make 100,000
        updates (gradient="local": 15,000, or 5,000 without an accumulator), between 40
        and 500.

    early_stopping : bool, default=False
        Hold out `validation_fraction` of the data, stratified, and end training when
        the accuracy there has not improved by `tol` for `n_iter_no_change` epochs. The
        weights and delays of the best epoch are kept.

    validation_fraction : float, default=0.1
        Only used when early_stopping=True.

    n_iter_no_change : int, default=10
        Only used when early_stopping=True or learning_rate="constant".

    tol : float, default=1e-4
        Only used when early_stopping=True or learning_rate="constant".

    warm_start : bool, default=False
        Start `fit` from the weights of the last call, with the same encoder and
        network. The schedule starts anew, unless a substrate interrupted the last call:
        see the notes.

    shuffle : bool, default=True
        Whether to draw new batches in each epoch.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the loss; "balanced" means n_samples / (n_classes *
        count of the class). Not supported by `partial_fit` if "balanced". With
        gradient="local" and arithmetic="fixed" it decides how often `fit` shows a
        sample, and `partial_fit` does not support it.

    random_state : int, RandomState instance or None, default=None
        For initial weights, batches, input dropout and the validation split. The same
        int gives the same weights, bit for bit, whatever the number of threads, on
        processors with the same instruction set; integers that learn by the local rule
        do so with any instruction set.

    verbose : bool, default=False
        Print one line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the output neurons.

    coefs_ : list of ndarray of shape (n_in + n_bias, n_out)
        Weights of each layer, bias rows last. There is no ``intercepts_``: biases are
        input channels that spike at fixed times. Integers, int16, if
        arithmetic="fixed"; training goes on from what it keeps itself, not from here.

    weight_steps_ : list of float
        Of each layer: the value of the integer 1 in `coefs_`, in the unit of the
        threshold. Only if arithmetic="fixed".

    tick_ : float
        The `tick` used. Only if arithmetic="fixed".

    delays_ : list of ndarray or None
        Transmission delays of each layer, not negative: (n_in + n_bias,) if axonal,
        (n_in + n_bias, n_out) if synaptic, biases last. None if delays=None.

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

    time_scale_ : float
        The `time_scale` used.

    loss_ : float
        Loss of the last epoch; None if training was interrupted in the first.

    best_loss_ : float or None
        Lowest loss of `loss_curve_`; None if early_stopping=True.

    loss_curve_ : list of float
        Loss of each epoch since the weights were drawn, `warm_start` and
        `partial_fit` included.

    validation_scores_ : list of float or None
        Accuracy on the validation data after each epoch, `warm_start` included; None
        if early_stopping=False.

    best_validation_score_ : float or None
        Highest of them; None if early_stopping=False.

    n_iter_ : int
        Number of epochs since the weights were drawn: the length of `loss_curve_`.

    n_layers_ : int
        Number of layers, the input among them.

    n_outputs_ : int
        Number of output neurons: one for each class.

    t_ : int
        Number of training samples seen, over all epochs.

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

    A call of `fit` or `partial_fit` that fails leaves the estimator as it was, except
    for a substrate that fails in the middle.

    **Chip in the loop** [1]_. The substrate gets the spike times of the channels, on
    the axis of `t_max_` (with encoder="spike_times" too: times from the start of the
    inputs), and a network: `coefs_`, the times of biases, and the nominal neurons. What
    its own neurons are like is not asked for. Spikes from `t_max_` on are not looked
    at. Gradients, and the peaks by which silent output neurons are ordered, are those
    of the nominal model at the spikes that were measured. (If such a peak is above the
    threshold, those of its sample are lowered together until none is.) With
    `min_slope` > 0 a spike that the model would not produce learns too, if an input
    precedes it. `coefs_` are real. A substrate may have a method ``weight_step(k)``: it
    rounds the weights of layer k to multiples of that, in thresholds. The model then
    has the rounded weights, and its gradient moves the real ones (straight-through).
    With a method ``weight_limit(k)`` they are kept within that limit. Initial weights
    are those without a substrate.

    `substrate` may change at any time: after training with None,
    ``set_params(substrate=chip)`` predicts on a chip with weights of the ideal
    simulator, and with warm_start=True `fit` goes on there.

    A substrate has failed when it raises, or returns anything but one array of times
    for each layer, in the right shape, without NaN; or when a layer is dead: no neuron
    fires, not even with strong weights, which are tried where a layer is silent and
    the model is not. Calls then raise ``ttfs.substrates.SubstrateError``; a network
    that does not fit is a ``ttfs.substrates.NetworkError``. `fit` and `partial_fit`
    keep what was learned until the last update (with early_stopping, in the best
    epoch), and count completed epochs. If `fit` is called again with
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

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "tau_mem": ["array-like", Interval(Real, 0, None, closed="right")],
        "tau_syn": [Interval(Real, 0, None, closed="neither")],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "delays": [StrOptions({"axonal", "synaptic"}), None],
        "gradient": [StrOptions({"exact", "local"})],
        "arithmetic": [StrOptions({"float32", "float64", "fixed"})],
        "weight_bits": [Interval(Integral, 2, 8, closed="both")],
        "accumulator_bits": [Interval(Integral, 4, 16, closed="both"), None],
        "tick": [Interval(Real, 0, None, closed="neither"), None],
        "kernel": [StrOptions({"table", "linear"})],
        "feedback": [StrOptions({"symmetric", "random", "direct", "target"})],
        "rounding": [StrOptions({"stochastic", "floor"})],
        "substrate": [HasMethods("forward"), None],
        "encoder": [
            StrOptions({"auto", "latency", "complement", "population", "spike_times"})
        ],
        "n_receptive_fields": [Interval(Integral, 3, None, closed="left")],
        "loss": [StrOptions({"cross_entropy", "squared_error", "shift_invariant"})],
        "time_scale": [Interval(Real, 0, None, closed="neither"), None],
        "early_firing": [Interval(Real, 0, None, closed="left")],
        "target_times": ["array-like", None],
        "t_max": [Interval(Real, None, None, closed="neither"), None],
        "min_slope": [Interval(Real, 0, None, closed="left")],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [StrOptions({"cosine", "constant"})],
        "learning_rate_init": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "shuffle": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        tau_mem=1.0,
        tau_syn=1.0,
        threshold=1.0,
        delays=None,
        gradient="exact",
        arithmetic="float32",
        weight_bits=6,
        accumulator_bits=None,
        tick=None,
        kernel="table",
        feedback="symmetric",
        rounding="stochastic",
        substrate=None,
        encoder="auto",
        n_receptive_fields=4,
        loss="cross_entropy",
        time_scale=None,
        early_firing=0.0,
        target_times=None,
        t_max=None,
        min_slope=0.3,
        input_dropout=0.2,
        weight_decay=1.5,
        batch_size="auto",
        learning_rate="cosine",
        learning_rate_init="auto",
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        max_iter="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        shuffle=True,
        class_weight=None,
        random_state=None,
        verbose=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tau_mem = tau_mem
        self.tau_syn = tau_syn
        self.threshold = threshold
        self.delays = delays
        self.gradient = gradient
        self.arithmetic = arithmetic
        self.weight_bits = weight_bits
        self.accumulator_bits = accumulator_bits
        self.tick = tick
        self.kernel = kernel
        self.feedback = feedback
        self.rounding = rounding
        self.substrate = substrate
        self.encoder = encoder
        self.n_receptive_fields = n_receptive_fields
        self.loss = loss
        self.time_scale = time_scale
        self.early_firing = early_firing
        self.target_times = target_times
        self.t_max = t_max
        self.min_slope = min_slope
        self.input_dropout = input_dropout
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train on data.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features: finite real numbers, or spike times if
            encoder="spike_times" or `X` is a :class:`SpikeTrains`.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : TTFSClassifier
            The trained estimator.

        Raises
        ------
        ValueError
            If the data are not what is described above, have fewer than two classes,
            or do not fit the earlier ones with warm_start=True; or if training
            produced weights or delays that are not finite.
        ttfs.substrates.SubstrateError
            If the substrate fails. What was learned before is kept, and with
            warm_start=True another call goes on from there: see the class.
        ttfs.substrates.NetworkError
            If the network does not fit on the substrate.
        """
        with _Restore(self):
            is_continued = self.warm_start and hasattr(self, "coefs_")
            X, y = self._validate(X, y, reset=not is_continued)
            classes, labels = np.unique(y, return_inverse=True)
            if len(classes) < 2:
                raise ValueError(
                    "TTFSClassifier needs samples of at least 2 classes; the data "
                    f"contain only one class: {classes[0]}"
                )
            if is_continued and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    "warm_start=True needs the classes of the last call: "
                    f"{self.classes_!r}, got {classes!r}"
                )
            self._rng = check_random_state(self.random_state)
            run = self._run(X, is_continued)
            validation = None
            if self.early_stopping:
                # Before the weights are drawn, so that warm_start with the same seed
                # holds out the same samples again.
                X, X_val, labels, labels_val = self._split(X, labels, len(classes))
                validation = X_val, labels_val
            if is_continued:
                self._check_structure()
            else:
                self._start(X, classes)
            failure = self._train(X, labels, validation, run=run)
        if failure is not None:
            raise failure
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None):
        """Train for one epoch on some of the data, at a constant learning rate.

        The first call chooses the initial weights and the ranges of the features,
        which later values are clipped to, so it should see typical data: more than one
        sample. After `fit` a low `learning_rate_init` keeps what was learned; "auto" is
        a tenth of that of `fit` if gradient="local".

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur. Required in the first call.

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
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.class_weight == "balanced":
            raise ValueError(
                "partial_fit does not support class_weight='balanced': it does not "
                "see all the data; pass a dict"
            )
        if self._is_on_chip and self.class_weight is not None:
            raise ValueError(
                "partial_fit does not support class_weight with gradient='local' and "
                "arithmetic='fixed', where it decides how often fit sees a sample"
            )
        with _Restore(self):
            is_first = not hasattr(self, "coefs_")
            if is_first and classes is None:
                raise ValueError(
                    "classes must be passed on the first call of partial_fit"
                )
            X, y = self._validate(X, y, reset=is_first)
            if classes is not None:
                classes = np.unique(classes)
                if is_first and len(classes) < 2:
                    raise ValueError("classes must have at least 2 different entries")
                if not is_first and not np.array_equal(classes, self.classes_):
                    raise ValueError(
                        f"classes must be those of the first call, {self.classes_!r}, "
                        f"got {classes!r}"
                    )
            known = classes if is_first else self.classes_
            unknown = np.setdiff1d(y, known)
            if len(unknown):
                raise ValueError(
                    f"y contains labels that are not in classes: {unknown!r}"
                )
            if is_first:
                self._rng = check_random_state(self.random_state)
                self._start(X, known)
                if not self._encoder.can_spike:
                    raise ValueError(
                        "the first call of partial_fit learns the ranges of the "
                        "features, but none of them varies in these data: pass several "
                        "samples, or call fit first"
                    )
            else:
                self._check_structure()
            failure = self._train(X, np.searchsorted(known, y), is_partial=True)
        if failure is not None:
            raise failure
        return self

    def _run(self, X, is_continued):
        """The run of `fit` that a substrate has interrupted, or a new one."""
        schedule = X.shape[0], *(getattr(self, name) for name in _SCHEDULE)
        run = self._interrupted if is_continued and self.substrate is not None else None
        if run is None or run.schedule != schedule:
            return Run(schedule, copy.deepcopy(self._rng))
        self._rng = copy.deepcopy(run.rng_before)
        return run

    def _validate(self, X, y, *, reset):
        kind = self.encoder if reset else self._encoder.kind
        if isinstance(X, SpikeTrains):
            _check_trains(X, kind, self.substrate, is_fitted=not reset)
            X, y = validate_data(self, X, y, skip_check_array=True, reset=reset)
            y = column_or_1d(y, warn=True)
            assert_all_finite(y, input_name="y")
            check_consistent_length(X, y)
        else:
            X, y = validate_data(
                self,
                X,
                y,
                **_INPUT,
                ensure_all_finite=kind != "spike_times",
                reset=reset,
            )
            X = _checked(X, kind)
        check_classification_targets(y)
        return X, y

    def _structure(self):
        """Parameters that the weights are made for."""
        self._check_combination()
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes)).tolist()
        if any(type(n) is not int or n < 1 for n in hidden):
            raise ValueError(
                "hidden_layer_sizes must be positive integers, got "
                f"{self.hidden_layer_sizes!r}"
            )
        return {
            "hidden_layer_sizes": hidden,
            "tau_mem": [
                neuron.tau_mem for neuron in self._make_neurons(len(hidden) + 1)
            ],
            "tau_syn": float(self.tau_syn),
            "threshold": float(self.threshold),
            "delays": self.delays,
            "gradient": self.gradient,
            "arithmetic": self.arithmetic,
            "encoder": self.encoder,
            "n_receptive_fields": int(self.n_receptive_fields),
            "t_max": self.t_max,
            **{name: getattr(self, name) for name in _FIXED},
        }

    def _check_combination(self):
        """Raise where parameters do not go together."""
        is_local = self.gradient == "local"
        if self.delays is not None and (is_local or self.arithmetic == "fixed"):
            which = "gradient='local'" if is_local else "arithmetic='fixed'"
            raise ValueError(
                f"delays={self.delays!r} is not supported with {which}: use delays=None"
            )
        if self._is_on_chip and (
            self.loss != "cross_entropy" or self.early_firing != 0
        ):
            raise ValueError(
                "gradient='local' with arithmetic='fixed' learns by the cross-entropy "
                "alone: use loss='cross_entropy', early_firing=0"
            )
        self._check_substrate(self.delays, self.arithmetic)
        accumulator = self.accumulator_bits
        if accumulator is not None and accumulator < self.weight_bits + 2:
            raise ValueError(
                f"accumulator_bits={accumulator} must be at least weight_bits + 2 = "
                f"{self.weight_bits + 2}: the weight, its sign and one bit more"
            )

    def _check_substrate(self, delays, arithmetic, **_):
        """Raise unless the substrate can run such a network."""
        substrate = self.substrate
        if substrate is None:
            return
        if isinstance(substrate, type):
            raise TypeError(
                f"substrate must be an object, not the class {substrate.__name__}: "
                f"use substrate={substrate.__name__}()"
            )
        if not callable(getattr(substrate, "forward", None)):
            raise TypeError(
                "substrate must be None or have a method forward(times, network), got "
                f"{name_of(substrate)}"
            )
        if delays is not None or arithmetic == "fixed":
            which = "arithmetic='fixed'" if delays is None else f"delays={delays!r}"
            raise ValueError(
                f"substrate={name_of(substrate)} is not supported with {which}"
            )

    def _make_neurons(self, n_layers):
        """The neuron parameters of each layer."""
        taus = np.asarray(self.tau_mem, dtype=object)
        if taus.ndim == 0:
            taus = np.full(n_layers, taus)
        if taus.shape != (n_layers,):
            raise ValueError(
                f"tau_mem must be one number, or {n_layers}: one for each hidden layer "
                f"and one for the output, got {self.tau_mem!r}"
            )
        return [LIF(tau, self.tau_syn, self.threshold) for tau in taus]

    def _check_structure(self):
        for name, value in self._structure().items():
            fitted = self._fitted_structure[name]
            if value != fitted:
                raise ValueError(
                    f"{name} was {fitted!r} when the weights were drawn and is "
                    f"{value!r} now: call fit with warm_start=False"
                )

    def _start(self, X, classes):
        """Encoder and initial weights from training data."""
        structure = self._structure()
        hidden = structure["hidden_layer_sizes"]
        kind = "spike_times" if isinstance(X, SpikeTrains) else self.encoder
        window = _INPUT_WINDOW * self.tau_syn
        encoder = Encoder(kind, window, structure["n_receptive_fields"]).fit(X)
        t_max, recipe = self.t_max, self._recipe
        if t_max is None:
            t_max = encoder.end + recipe["horizon"] * (len(hidden) + 1) * self.tau_syn
        if not 0 < t_max <= _LONGEST * self.tau_syn:
            raise ValueError(
                f"t_max={t_max:g} must be positive, since it counts from the start of "
                f"the inputs, and at most {_LONGEST:g} tau_syn"
            )

        self.classes_ = classes
        self.n_outputs_ = len(classes)
        self.n_layers_ = len(hidden) + 2
        self.n_channels_in_ = encoder.n_channels
        self.t_max_ = float(t_max)
        self._fixed = None
        if self.arithmetic == "fixed":
            self.tick_, t_max = self._ticks(t_max)
            self.t_max_ = t_max
        self._encoder = encoder
        self._fitted_structure = structure
        self._neurons, self.coefs_, self.bias_times_ = [], [], []
        self._step_units, self._mean_weights = [], []
        self.delays_ = [] if self.delays else None
        some = self._rng.permutation(X.shape[0])[:_INITIAL]
        bias_times = self.tau_syn * np.array(_BIAS_TIMES)
        if self.arithmetic == "fixed":
            bias_times = n_ticks_of(bias_times, self.tick_) * self.tick_
        n_bias = len(bias_times)
        dtype = self._dtype
        spikes = encoder.spikes(X[some], bias_times.astype(dtype), t_max)
        n_active = self._n_active = spikes.n_spikes / len(some)
        self._n_actives = []
        sizes = [encoder.n_channels, *hidden, len(classes)]
        if self.arithmetic == "fixed" and max(sizes) > MOST_NEURONS:
            raise ValueError(
                f"arithmetic='fixed' takes at most {MOST_NEURONS} neurons in a layer, "
                f"got layers of {sizes}, channels first"
            )
        neurons = self._make_neurons(len(hidden) + 1)
        for neuron, (n_in, n_out) in zip(
            neurons, itertools.pairwise(sizes), strict=True
        ):
            weights = initial_weights(
                self._rng,
                n_in + n_bias,
                n_out,
                n_active,
                neuron,
                drive=_DRIVE,
                spread=_SPREAD,
            )
            self._neurons.append(neuron)
            self.coefs_.append(weights.astype(dtype))
            self.bias_times_.append(bias_times)
            if self.delays:
                shape = weights.shape[: 1 if self.delays == "axonal" else 2]
                self.delays_.append(np.zeros(shape, dtype))
            self._step_units.append(step_unit(neuron, n_active, len(neurons)))
            self._mean_weights.append(mean_weight(neuron, n_active, _REST))
            self._n_actives.append(n_active)
            times = self._simulated.spike_times(spikes)[-1]
            n_active = np.mean(np.sum(np.isfinite(times), axis=1)) + n_bias

        self._feedback_weights = None
        if self.arithmetic == "fixed":
            self._make_fixed()
        elif self.gradient == "local" and self.feedback != "symmetric":
            self._feedback_weights = feedback_weights(
                self._rng, self._layers, self._n_actives, self.feedback, _SPREAD
            )
        self._optimizer = self._interrupted = None
        self._n_seen = 0  # samples that weight_decay is divided by
        self.n_iter_ = 0
        self.t_ = 0
        self.loss_ = None
        self.loss_curve_ = []
        self.best_loss_ = None
        self.validation_scores_ = None
        self.best_validation_score_ = None

    @property
    def _is_on_chip(self):
        """Whether integers learn by the local rule."""
        return self.gradient == "local" and self.arithmetic == "fixed"

    @property
    def _recipe(self):
        if self.gradient == "exact":
            return _EXACT
        is_coarse = self.arithmetic == "fixed" and self.accumulator_bits is None
        return _LOCAL_COARSE if is_coarse else _LOCAL

    def _rate(self, *, is_partial):
        """The initial learning rate."""
        if self.learning_rate_init != "auto":
            return self.learning_rate_init
        if self.gradient == "exact":
            return _EXACT_RATE
        # Errors that pass several layers add up, in the layers and to each other.
        depth = min(1.0, 2 / len(self._neurons)) ** 3
        rate = self._recipe["rate"] * self._n_active**0.5 * depth
        return _PARTIAL_RATE * rate if is_partial else rate

    @property
    def _default_time_scale(self):
        """A time_scale, in whose table there is more than one entry."""
        scale = self._recipe["time_scale"] * self.tau_syn
        return max(scale, self.tick_ / 2) if self._is_on_chip else scale

    @property
    def _dtype(self):
        """That of real spike times and weights."""
        is_double = self._fitted_structure["arithmetic"] == "float64"
        return "float64" if is_double else "float32"

    def _ticks(self, t_max):
        """The tick, and t_max rounded to ticks."""
        tick = self.tau_syn / _TICKS if self.tick is None else float(self.tick)
        n_ticks = int(n_ticks_of(t_max, tick))
        if not 1 < n_ticks <= MOST_TICKS:
            raise ValueError(
                f"tick={tick:g} divides t_max={t_max:g} into {n_ticks} ticks; "
                f"arithmetic='fixed' needs 2 to {MOST_TICKS}"
            )
        return tick, n_ticks * tick

    def _make_fixed(self):
        """Integers in the place of the real weights of coefs_."""
        may_drop = np.zeros(self.coefs_[0].shape[0], np.uint8)
        may_drop[: self.n_channels_in_] = self._encoder.may_drop
        self._fixed, self.weight_steps_, self._scales = make_network(
            self._layers,
            self._n_actives,
            self.t_max_,
            tick=self.tick_,
            kernel=self.kernel,
            weight_bits=self.weight_bits,
            accumulator_bits=self.accumulator_bits,
            feedback=self.feedback,
            is_floor=self.rounding == "floor",
            may_drop=may_drop,
            rests=self._mean_weights,
            rng=self._rng,
        )
        self._real_weights = self.coefs_ if self.gradient == "exact" else None
        self.coefs_ = [layer.integers() for layer in self._fixed.layers]

    @property
    def _layers(self):
        """Layers with real weights."""
        weights = self.coefs_ if self._fixed is None else self._real_weights
        delays = self.delays_ or [None] * len(weights)
        return [
            Layer(weights, bias_times, neuron, layer_delays)
            for weights, bias_times, neuron, layer_delays in zip(
                weights, self.bias_times_, self._neurons, delays, strict=True
            )
        ]

    @property
    def _neuron(self):
        """A neuron of any layer: `tau_syn` and `threshold` are those of all."""
        return self._neurons[-1]

    @property
    def _pseudo_slope(self):
        return _PSEUDO_SLOPE * self._neuron.tau_syn / self._neuron.threshold

    def _train(self, X, labels, validation=None, *, is_partial=False, run=None):
        """Epochs of training, from the weights at hand.

        Returns the error of the substrate that ended it, if one did after the first
        update.
        """
        labels = labels.astype(np.uintp)
        factors = self._class_factors(labels)[labels]
        spikes = self._placed_spikes(X)
        if validation is not None:
            X_val, labels_val = validation
            validation = self._spikes(X_val), labels_val
        n_samples = len(spikes)
        batch_size = self._batch_size(n_samples)

        # Work on copies: what a caller holds of an earlier fit does not change.
        self.loss_curve_ = self.loss_curve_.copy()
        if self.early_stopping:
            self.best_loss_ = None
            self.validation_scores_ = list(self.validation_scores_ or [])
        else:
            self.validation_scores_ = self.best_validation_score_ = None
        self.time_scale_ = self.time_scale or self._default_time_scale
        self._n_seen = n_samples + (self._n_seen if is_partial else 0)
        # Moments last from one partial_fit to the next; fit starts its own.
        run = run or Run(state=self._optimizer)
        self._optimizer = self._interrupted = None
        if run.is_new:
            run.begin(n_samples, None if self._is_on_chip else self._rng)
        else:
            run = run.again()
            self._rng = run.rng
            vars(self).update(run.learned)
        trainer = self._trainer(run, batch_size)

        learning_rate_init = self._rate(is_partial=is_partial)
        is_cosine = self.learning_rate == "cosine" and not is_partial
        may_stop = (self.early_stopping or not is_cosine) and not is_partial
        n_epochs = (
            _auto_epochs(-(-n_samples // batch_size), self._recipe["updates"])
            if self.max_iter == "auto"
            else self.max_iter
        )
        n_epochs = 1 if is_partial else n_epochs
        run.best = run.best or self._learned(trainer)
        done = np.arange(0, n_samples, batch_size) / n_samples  # at each batch
        failure = None

        def rates(epoch):
            progress = (epoch + done) / n_epochs
            factor = cosine(progress) if is_cosine else np.ones_like(done)
            return learning_rate_init * factor

        try:
            for epoch in range(run.epoch, n_epochs):
                run.begin_epoch(epoch, self._rng if self.shuffle else None)
                loss = trainer.epoch(
                    spikes, labels, factors, run.order, batch_size, rates(epoch)
                )
                if not np.isfinite(loss):
                    raise ValueError(
                        f"the loss is {loss} after epoch {self.n_iter_ + 1}; lower "
                        "learning_rate_init or raise min_slope"
                    )
                accuracy = None
                if validation is not None:
                    spikes_val, labels_val = validation
                    predicted = trainer.labels(spikes_val)
                    accuracy = float(np.mean(predicted == labels_val))
                score, is_best = self._note_epoch(loss, n_samples, accuracy)
                if is_best and self.early_stopping:
                    run.best = self._learned(trainer)
                run.end_epoch(score, is_better=score > run.record + self.tol)
                if may_stop and run.n_worse > self.n_iter_no_change:
                    break
            else:
                if may_stop and not is_cosine:
                    warnings.warn(
                        f"training reached max_iter={n_epochs} epochs before it "
                        "converged; increase max_iter, or use learning_rate='cosine'",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except KeyboardInterrupt:
            warnings.warn(
                f"training interrupted in epoch {self.n_iter_ + 1}; the model keeps "
                "what it has learned",
                stacklevel=4,
            )
        except (SubstrateError, NetworkError) as error:
            if trainer.n_updates == 0:
                raise
            failure = error
            error.add_note(
                f"Training ended in epoch {self.n_iter_ + 1}; the model keeps what it "
                "has learned until then"
                + ("." if is_partial else ", fit with warm_start=True goes on.")
            )
            if not is_partial:
                run.interrupt(self._rng, trainer.state(), self._learned(trainer))
                self._interrupted = run
        learned = run.best if self.early_stopping else self._learned(trainer)
        vars(self).update(learned)
        if is_partial:
            self._optimizer = trainer.state()
        for name, arrays in (("weights", self.coefs_), ("delays", self.delays_ or [])):
            if not all(np.isfinite(array).all() for array in arrays):
                raise ValueError(
                    f"training produced {name} that are not finite; lower "
                    "learning_rate_init or raise min_slope"
                )
        return failure

    def _learned(self, trainer):
        """The attributes that training changes."""
        learned = {"coefs_": trainer.weights()}
        if self.delays:
            learned["delays_"] = trainer.delays()
        if isinstance(trainer, LocalTrainer):
            learned["_fixed"] = trainer.network()
        if isinstance(trainer, QuantizedTrainer):
            learned["_real_weights"] = trainer.real_weights()
        return learned

    def _class_factors(self, labels):
        """Weight of each class in the loss."""
        factors = compute_class_weight(
            self.class_weight, classes=self.classes_, y=self.classes_[labels]
        )
        if not (np.isfinite(factors) & (factors >= 0)).all() or not factors.any():
            raise ValueError(
                "class_weight must be finite and not negative, and not all 0, got "
                f"{self.class_weight!r}"
            )
        return factors

    def _split(self, X, labels, n_classes):
        """Training and validation part of the data, stratified."""
        n_samples = X.shape[0]
        n_val = int(np.ceil(self.validation_fraction * n_samples))
        if n_val < max(2, n_classes) or n_samples - n_val < n_classes:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} splits {n_samples} samples into "
                f"{n_samples - n_val} and {n_val}; both parts need at least 2 samples "
                "and one of each class"
            )
        return train_test_split(
            X, labels, test_size=n_val, stratify=labels, random_state=self._rng
        )

    def _batch_size(self, n_samples):
        if self.batch_size == "auto":
            least, most = self._recipe["batch_range"]
            wanted = n_samples // self._recipe["batches"]
            return min(n_samples, max(least, min(most, wanted)))
        if self.batch_size > n_samples:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the number of samples; "
                f"using {n_samples}",
                stacklevel=5,
            )
        batch_size = min(self.batch_size, n_samples)
        if self._is_on_chip and batch_size > MOST_SAMPLES:
            raise ValueError(
                f"batch_size={batch_size} is too large: gradient='local' with "
                f"arithmetic='fixed' takes at most {MOST_SAMPLES} samples"
            )
        return batch_size

    def _trainer(self, run, batch_size):
        """What trains the weights at hand."""
        if self.substrate is not None:
            trainer = self._real_trainer(run, batch_size)
            return MeasuredTrainer(self._measured, trainer, run)
        if self._fixed is None:
            return self._real_trainer(run, batch_size)
        if self.gradient == "exact":
            trainer = self._real_trainer(run, batch_size)
            return QuantizedTrainer(
                self._fixed, self.tick_, self.weight_steps_, trainer
            )
        return LocalTrainer(
            self._fixed,
            self.tick_,
            scales=self._scales,
            time_scale=self.time_scale_,
            input_dropout=self.input_dropout,
            weight_decay=self._decay(batch_size),
        )

    def _decay(self, batch_size):
        """Weight decay per unit of learning rate."""
        if self.gradient == "local":  # errors are summed over the batch, too
            return _LOCAL_DECAY * self.weight_decay * batch_size
        return self.weight_decay * self._n_active / self._n_seen

    def _real_trainer(self, run, batch_size):
        neuron = self._neuron
        units, local = self._step_units, None
        if self.gradient == "local":
            # An error of 1 at the peak of the kernel, with a slope of one threshold per
            # tau_syn, moves a weight by one weight_unit: as with integers. The squared
            # error is 1 / n_outputs of the time by which a spike misses its target.
            unit = self.time_scale_
            if self.loss != "cross_entropy":
                missed = (_TARGET_TIMES[1] - _TARGET_TIMES[0]) * neuron.tau_syn
                unit = self.n_outputs_ / missed
            scale = np.e * unit / neuron.tau_syn
            units = [scale * weight_unit(layer) ** 2 for layer in self._neurons]
            local = {
                "kernel": self.kernel,
                "feedback": self.feedback,
                "feedback_weights": self._feedback_weights,
            }
        # A squared error is in squared time.
        loss_unit = 1.0 if self.loss == "cross_entropy" else neuron.tau_syn**2
        layers, limits = self._layers, None
        if self.substrate is not None:
            limits = weight_limits(self.substrate, layers)
            layers = within(layers, limits)
        return _core.Trainer(
            layers,
            self.t_max_,
            self._pseudo_slope,
            units=units,
            local=local,
            delay_units=[_DELAY_STEP * neuron.tau_syn] * len(self.coefs_),
            loss=self._loss_parameters(),
            floor=self.min_slope * neuron.threshold / neuron.tau_syn,
            existence=_EXISTENCE * loss_unit / neuron.threshold,
            tolerated=_TOLERATED,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=self._decay(batch_size),
            rests=self._mean_weights,
            limits=limits,
            dropout=self.input_dropout,
            may_drop=self._encoder.may_drop,
            seed=run.seed,
            state=run.state,
        )

    def _loss_parameters(self):
        """Of _core.loss."""
        tau_syn = self._neuron.tau_syn
        if self.loss == "cross_entropy":
            return {
                "kind": self.loss,
                "time_scale": self.time_scale_,
                "early": self.early_firing,
                "early_scale": tau_syn,
            }
        targets = self.target_times
        if targets is None:
            targets = [factor * tau_syn for factor in _TARGET_TIMES]
        try:
            label, other = map(float, targets)
        except (TypeError, ValueError):
            label = other = np.nan
        if not (np.isfinite(label) and np.isfinite(other)):
            raise ValueError(
                "target_times must be two finite numbers, for the true class and for "
                f"the others, got {self.target_times!r}"
            )
        return {"kind": self.loss, "target_label": label, "target_other": other}

    def _note_epoch(self, loss, n_samples, accuracy):
        """Record an epoch; returns its score and whether that is the best so far."""
        self.t_ += n_samples
        self.n_iter_ += 1
        self.loss_ = loss
        self.loss_curve_.append(loss)
        line = f"Iteration {self.n_iter_}, loss = {loss:.8f}"
        if accuracy is None:
            score, best = -loss, self.best_loss_
            is_best = best is None or loss < best
            if is_best:
                self.best_loss_ = loss
        else:
            score = accuracy
            self.validation_scores_.append(score)
            best = self.best_validation_score_
            is_best = best is None or score > best
            if is_best:
                self.best_validation_score_ = score
            line += f", validation score = {score:.6f}"
        if self.verbose:
            print(line, flush=True)
        return score, is_best

    # -- Inference -----------------------------------------------------------------

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.encoder == "spike_times"
        return tags

    def _validated(self, X):
        check_is_fitted(self)
        kind = self._encoder.kind
        if isinstance(X, SpikeTrains):
            _check_trains(X, kind, self.substrate, is_fitted=True)
            return validate_data(self, X, skip_check_array=True, reset=False)
        X = validate_data(
            self,
            X,
            **_INPUT,
            ensure_all_finite=kind != "spike_times",
            reset=False,
        )
        return _checked(X, kind)

    def _spikes(self, X):
        """Sorted spikes of the encoder and of the biases of the first layer."""
        bias_times = self.bias_times_[0].astype(self._dtype)
        return self._encoder.spikes(X, bias_times, self.t_max_)

    def _placed_spikes(self, X):
        """The same at the times at which the network sees them."""
        spikes = self._spikes(X)
        if self._fixed is None:
            return spikes
        return on_grid(spikes, self.tick_, self._fixed.n_ticks)

    @property
    def _simulated(self):
        """The network of real numbers in the core."""
        return _core.Network(self._layers, self.t_max_, self._pseudo_slope)

    @property
    def _measured(self):
        """The network on the substrate."""
        return Measured(self.substrate, self._layers, self.t_max_, self._pseudo_slope)

    @property
    def _network(self):
        """What fires."""
        if self.substrate is not None:
            self._check_substrate(**self._fitted_structure)
            return self._measured
        if self._fixed is not None:
            return inference(self._fixed, self.coefs_, self.tick_)
        return self._simulated

    def _blocks(self, X, spikes_of=None):
        """The network, and blocks of rows of X with their spikes."""
        X = self._validated(X)
        network = self._network
        for rows in gen_batches(X.shape[0], _BLOCK):
            yield network, rows, (spikes_of or self._spikes)(X[rows])

    def _decide(self, X):
        """Decision times (n_samples, n_outputs_), float64."""
        blocks = [network.decisions(spikes) for network, _, spikes in self._blocks(X)]
        return np.concatenate(blocks)

    def spike_times(self, X):
        """Spike times of all channels and neurons.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        times : list of ndarray of shape (n_samples, n_neurons)
            Those of the encoder's channels, the first if there are several, then one
            array for each layer; without biases; +inf = absent or silent. In the unit
            of the time constants, from the start of the inputs; if `X` holds spike
            times, on their axis.
        """
        blocks = [
            [spikes.dense(self.n_channels_in_), *network.spike_times(spikes)]
            for network, _, spikes in self._blocks(X, self._placed_spikes)
        ]
        out = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        if self._encoder.kind == "spike_times":
            out = [spikes.astype(np.float64) + self._encoder.begin for spikes in out]
        return out

    def activity(self, X, cost_model=None):
        """Count spikes and synaptic events, and what they cost.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.
        cost_model : str or CostModel, default=None
            What energy and latency are estimated by: a name in
            :data:`ttfs.energy.COST_MODELS`, or a :class:`ttfs.energy.CostModel`.

        Returns
        -------
        activity : ttfs.energy.Activity
            Counts of each sample and layer, decision times, and estimates of energy
            and latency; ``print`` shows the means as a table.
        """
        cost_model = check_cost_model(cost_model)
        return count_activity(self, X, cost_model)

    def calibrate(self, X, **options):
        """Estimate the neurons of the substrate from spike times alone.

        The substrate runs random networks of the shape of this one on the spike times
        of `X`; the weights of this network are neither used nor changed.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Typical features.
        **options
            Of :func:`ttfs.substrates.calibrate`.

        Returns
        -------
        calibration : ttfs.substrates.Calibration
            Threshold and time constants of each neuron. Its `compensate` makes a
            substrate with which they are made up for.

        Raises
        ------
        ValueError
            If there is no substrate.
        """
        check_is_fitted(self)
        if self.substrate is None:
            raise ValueError("calibrate needs a substrate, but substrate is None")
        times = self._spikes(self._validated(X)).dense(self.n_channels_in_)
        network = Network(tuple(self._layers), self.t_max_)
        return calibrate(self.substrate, times, network, **options)

    def decision_function(self, X):
        """Confidence scores: -t / time_scale of the output neurons.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, the score of ``classes_[1]`` less that of
            ``classes_[0]``: positive where ``classes_[1]`` is predicted. A silent
            neuron counts as if it fired after `t_max_`, see the class.
        """
        scores = -self._decide(X) / self.time_scale_
        return scores[:, 1] - scores[:, 0] if self.n_outputs_ == 2 else scores

    def predict(self, X):
        """Class whose output neuron fires first.

        Parameters
        ----------
        X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        blocks = [network.labels(spikes) for network, _, spikes in self._blocks(X)]
        return self.classes_[np.concatenate(blocks)]

    def predict_proba(self, X):
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
        return softmax(-self._decide(X) / self.time_scale_, axis=1)

    def predict_log_proba(self, X):
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
        return log_softmax(-self._decide(X) / self.time_scale_, axis=1)


def _auto_epochs(n_batches, n_updates):
    """Epochs of max_iter="auto"."""
    return min(max(-(-n_updates // n_batches), _LEAST_EPOCHS), _MOST_EPOCHS)


class _Restore:
    """Give an estimator its attributes back when the block raises."""

    def __init__(self, estimator):
        self.estimator = estimator

    def __enter__(self):
        self.before = vars(self.estimator).copy()

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            vars(self.estimator).clear()
            vars(self.estimator).update(self.before)
