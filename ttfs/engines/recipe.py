"""The recipes of training: data that the engines do not share.

docs/notes/training.md says how they were found.
"""

import math
from dataclasses import dataclass, replace

from ..parameters import FixedPoint

# Times are in tau_syn, weights in units of weight_unit().
INPUT_WINDOW = 1.0  # features spike within this time
BIAS_TIMES = (0.9,)  # spikes of each layer's biases, after its first possible input
DRIVE = 6.0  # initial weights, see initial_weights()
SPREAD, MAX_SPREAD = 2.5, 4.0  # the same, see spread_of()
TIME_SCALE = 0.1  # of the softmax, with few samples
TIME_SCALE_PER_INPUT = 0.0015  # of the softmax, for each active input
FEW_SAMPLES = 2_000  # with more the time scale falls
REST = 3.0  # weights decay to this drive: neurons just fire
SILENCE_PENALTY = 0.1  # of silent hidden neurons, src/real/training/backward.h
SILENCE_TOLERANCE = 0.15  # fraction of a batch in which silence costs nothing
SPARSE_TOLERANCE = 0.9  # the same with sparsity
SPIKE_COST, SPIKE_SCALE = 0.0001, 0.3  # of hidden spikes before the decision
PRUNED_AT = 0.5  # part of the epochs after which all is pruned that is to be
LEFT_PARTIAL = 0.75  # of the way to there, after a call of partial_fit
TARGET_TIMES = 0.8, 1.2  # default targets of the squared error
TARGET_WINDOW = 0.45, 0.85  # targets of regression lie between these parts of t_max
EARLY_END = 2.0  # the term of early firing is exponential up to this time at most
FEW_INPUTS = 15  # with fewer inputs weights decay less
MAX_DECAY = 1.0  # of weights, per unit of the learning rate
DELAY_STEP = 0.3  # unit of the learning rate of delays, which start at 0
TICKS = 64  # number of ticks of a tau_syn, by default
MAX_T_MAX = 1e4  # limit of t_max
AFTER_READ_OUT = 0.5  # time in which outputs fire after the read-out
LEAST_AFTER = 0.3  # the same where t_max is given and short, or a quarter of t_max

# Networks whose neurons fire several times.
TRAINS_DECISION = "peak"  # of read_out="auto"
TRAINS_RATE = 3.0  # spikes of a hidden neuron in a sample, before training
TRAINS_MAX_SCALE = 16.0  # of initial weights in their usual deviation
TRAINS_SCORES = 0.5  # deviation of scores before training
TRAINS_BIASES = 10  # spikes of each layer's biases, all over the signals
TRAINS_TOLERANCE = 0.85  # fraction of a batch in which silence costs nothing

N_INITIAL_SAMPLES = 256  # samples that the initial weights are chosen on
AFTER_FIT = 0.1  # factor of the learning rate in partial_fit after a fit


@dataclass(frozen=True)
class Recipe:
    """Defaults of one way to learn; times are in tau_syn.

    Names that begin with `local` or `hidden`, and `window`, are for the local rule.
    """

    # What t_max, in a network without read-out, and what the read-out leave each layer
    # after the last possible input.
    time_per_layer: float
    read_out_per_layer: float
    time_scale: tuple  # of the softmax, least and greatest: see `time_scale_of`
    early_firing: float  # weight of the term that asks for early spikes
    n_updates: int  # of max_iter="auto", at most
    max_epochs: int  # of max_iter="auto", at most
    batches: int  # batch_size="auto" makes so many batches,
    batch_range: tuple  # but none smaller or larger than these
    rate: float  # that of the local rule is for one active input
    min_epochs: int = 40  # of max_iter="auto", at least
    update_factor: float = math.inf  # updates over the power 0.7 of n_samples
    min_updates: int = 0  # of max_iter="auto", at least, if `max_epochs` allows
    # Samples that the prior of the weights counts for, in hidden layers and in the
    # output layer. The local rule has a decay for each sample of a batch instead:
    # without Adam, small errors lose against a greater one.
    prior: tuple = (30.0, 300.0)
    local_decay: float = 4.5e-6
    partial_rate: float = 1.0  # factor in partial_fit without fit: it does not fall
    rate_growth: float = 0.5  # power of the number of active inputs, by the local rule
    # The rate of hidden layers in that of the output layer: for one active input, and
    # the power of their number that it grows with.
    hidden_rate: float = 1.0
    hidden_growth: float = 0.0
    # Hidden neurons learn from spikes in this time after the first possible input.
    window: tuple = (-math.inf, math.inf)

    def batch_size(self, n_samples):
        """The size of batch_size="auto"."""
        smallest, largest = self.batch_range
        wanted = n_samples // self.batches
        return min(n_samples, max(smallest, min(largest, wanted)))

    def n_epochs(self, n_samples, batch_size):
        """The number of epochs of max_iter="auto"."""
        n_updates = max(self.update_factor * n_samples**0.7, self.min_updates)
        n_updates = min(n_updates, self.n_updates)
        n_epochs = math.ceil(n_updates / math.ceil(n_samples / batch_size))
        return min(max(n_epochs, self.min_epochs), self.max_epochs)

    def decays(self, n_samples, n_inputs, n_active):
        """Weight decay per unit of learning rate, of hidden layers and of the output.

        The prior counts for so many samples, with few inputs for fewer, since borders
        can be finer there. It counts the more the fewer samples there are for each
        active input. Above `MAX_DECAY` it would leave nothing to learn. `n_inputs` are
        those of the first layer, of which `n_active` spike in a sample.
        """
        few = min(n_inputs / FEW_INPUTS, 1.0) ** 2
        hidden, output = (few * n_prior / n_samples for n_prior in self.prior)
        wide = 1.0 + n_active / n_samples
        return min(hidden * wide, MAX_DECAY), min(output, MAX_DECAY)

    def time_scale_of(self, n_active, n_samples):
        """The time scale of the softmax [tau_syn].

        It grows with the number of inputs that spike. A small one tells classes apart
        by smaller differences of times, which takes many samples to learn.
        """
        least, greatest = self.time_scale
        many = max(n_samples / FEW_SAMPLES, 1.0)
        wanted = max(TIME_SCALE * many**-0.25, TIME_SCALE_PER_INPUT * n_active)
        return min(max(least, wanted), greatest)


EXACT = Recipe(
    time_per_layer=0.5,
    read_out_per_layer=0.05,
    time_scale=(0.02, 0.2),
    early_firing=0.001,
    n_updates=100_000,
    update_factor=70.0,
    min_epochs=20,
    max_epochs=300,
    batches=60,
    batch_range=(10, 50),
    rate=0.01,
)
# Noise and mismatch of a substrate ask for a softer decision, and regularise, too.
ON_SUBSTRATE = replace(EXACT, time_scale=(0.2, 0.2), prior=(10.0, 10.0))
# Where nothing makes outputs fire, or the loss has target times.
NO_READ_OUT = replace(
    EXACT,
    time_scale=(0.2, 0.2),
    early_firing=0.0,
    max_epochs=500,
    rate=0.005,
)
LOCAL = Recipe(
    time_per_layer=1.5,
    read_out_per_layer=1.2,
    time_scale=(0.03, 0.03),
    early_firing=0.0,
    n_updates=15_000,
    max_epochs=500,
    batches=100,
    batch_range=(10, 50),
    rate=0.02,
    partial_rate=0.1,
)
# Regression needs finer spike times than the order of classes does.
REGRESSION = replace(NO_READ_OUT, rate=0.02, update_factor=100.0, prior=(15.0, 5.0))
LOCAL_REGRESSION = replace(LOCAL, rate=0.005, local_decay=1.5e-6)
# Weights without an accumulator need large batches.
LOCAL_COARSE = replace(
    LOCAL, n_updates=5_000, batches=10, batch_range=(10, 500), rate=0.045
)

# What depends on the feedback of the local rule. Hidden neurons that follow labels are
# told no errors that become small; those that learn nothing leave steps to the outputs
# that must not grow with the inputs.
FEEDBACKS = {
    "target": {
        "rate": 0.04,
        "rate_growth": 0.0,
        "hidden_rate": 0.02,
        "hidden_growth": 1.0,
        "window": (0.8, 1.1),
    },
    "none": {"rate": 0.04, "rate_growth": 0.0},
}


def spike_cost(sparsity):
    """What a hidden spike long before the decision costs [unit of the loss].

    It grows with the odds that a weight is pruned, so that it has no upper end either.
    """
    return SPIKE_COST * sparsity / (1 - sparsity)


def silence_tolerance(sparsity):
    """The fraction of a batch in which silence costs a hidden neuron nothing."""
    return SILENCE_TOLERANCE if sparsity == 0 else SPARSE_TOLERANCE


def trains_tolerance(sparsity):
    """The fraction of silence that costs nothing where neurons fire several times."""
    return TRAINS_TOLERANCE if sparsity == 0 else SPARSE_TOLERANCE


# Neurons that fire several times.
SEVERAL = replace(
    NO_READ_OUT,
    rate=0.01,
    prior=(10.0, 10.0),
    update_factor=15.0,
    min_updates=500,
    min_epochs=20,
    max_epochs=300,
)


def spread_of(n_layers):
    """The spread of initial weights, which grows with the depth of a network.

    Differences of spike times shrink from layer to layer by about spread / drive, until
    the outputs see nothing of the inputs; above the drive they grow without order.
    """
    return min(SPREAD * max(1.0, n_layers / 2) ** 0.5, MAX_SPREAD)


def choose_recipe(structure, *, is_regression, has_read_out, has_substrate):
    """The recipe of an engine for a Structure."""
    if structure.has_trains:
        return SEVERAL
    if structure.gradient is None:
        if is_regression:
            return REGRESSION
        if not has_read_out:
            return NO_READ_OUT
        return ON_SUBSTRATE if has_substrate else EXACT
    if is_regression:
        return LOCAL_REGRESSION
    arithmetic = structure.arithmetic
    is_coarse = isinstance(arithmetic, FixedPoint) and not arithmetic.accumulator_bits
    recipe = LOCAL_COARSE if is_coarse else LOCAL
    changes = FEEDBACKS.get(structure.gradient.feedback)
    return replace(recipe, **changes) if changes else recipe


def target_window(network, end):
    """Times that stand for the greatest and the smallest target of regression.

    They are parts of the time that `EXACT` leaves the layers after the last possible
    input, at `end`, or of t_max if that is earlier.
    """
    tau_syn, n_layers = network.neuron.tau_syn, len(network.layers)
    last = min(end + EXACT.time_per_layer * n_layers * tau_syn, network.t_max)
    return [part * last for part in TARGET_WINDOW]
