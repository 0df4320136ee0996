"""What all engines have in common: their recipe, and what follows from it."""

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from .. import core as _core
from ..model import Layer, Network
from ..model.initial_weights import initial_weights, mean_weight, step_unit
from ..parameters import CrossEntropy
from . import recipe as recipes
from .losses import (
    TargetTimes,
    core_parameters,
    loss_without_features,
    unit_of_loss,
)


class Trainer(ABC):
    """Weights that learn; `network` is what they belong to, maybe without weights."""

    n_updates = 0  # since the trainer was made; counted where a substrate may fail

    @abstractmethod
    def epoch(self, spikes, targets, order, batch_size, rates):
        """Updates over samples in this order; returns the mean loss."""

    @abstractmethod
    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs) of the output neurons."""

    @abstractmethod
    def learned(self):
        """The Network with what was learned."""

    @abstractmethod
    def state(self):
        """What the optimizer keeps from one call of partial_fit to the next."""

    def prune(self, sparsity, left):
        """Set the smallest weights into hidden neurons to 0; they stay 0.

        `sparsity` is the share of the weights of each hidden layer that is to be 0 in
        the end, `left` the part of the present way to there that is left after this
        step. :func:`ttfs.engines.choose` refuses `sparsity` where this raises.
        """
        raise TypeError(f"{type(self).__name__} has weights that cannot be pruned")

    def take_state(self):
        """The same as :meth:`state`, at the end: the trainer learns no more.

        A copy of the moments would take twice the memory of the weights.
        """
        return self.state()


class Engine(ABC):
    """One way to compute: numbers, place and rule by which a network learns and infers.

    An engine is made by :func:`ttfs.engines.choose` from a Specification and never sees
    the estimator.
    """

    max_batch = None  # samples of an update, at most
    decision = "first"  # what of the outputs decides, see `TrainsEngine`

    def __init__(self, specification):
        self.structure = specification.structure
        self.substrate = specification.substrate
        self.learning = specification.learning
        self.recipe = recipes.choose_recipe(
            self.structure,
            is_regression=self.is_regression,
            has_read_out=self.has_read_out,
            has_substrate=self.substrate is not None,
        )

    @property
    def is_regression(self):
        """Whether it learns target times of each output, not the order of outputs."""
        return self.learning is not None and isinstance(self.learning.loss, TargetTimes)

    @property
    def decides_by_first_spike(self):
        """Whether first output spikes decide, and not the end of the experiment."""
        return self.decision == "first"

    @property
    def is_local(self):
        """Whether the local rule learns."""
        return self.structure.gradient is not None

    @property
    def has_read_out(self):
        """Whether a new network gets a read-out.

        With target times outputs fire anyway.
        """
        if self.structure.read_out != "auto" or self.learning is None:
            return self.structure.read_out is not None
        return isinstance(self.learning.loss, CrossEntropy)

    # -- Structure ---------------------------------------------------------------------

    @property
    def neurons(self):
        """The neuron parameters of each layer, as this engine can have them."""
        return self.structure.neurons

    @property
    def dtype(self):
        """The dtype of real weights and spike times."""
        return self.structure.dtype

    def end_of_experiment(self, t_max):
        """The end of the experiment nearest to t_max that this engine can have."""
        return t_max

    def possible_times(self, times):
        """Times nearest to the given ones at which this engine can fire."""
        return times

    def bias_times(self, end):
        """Times at which biases of each layer spike; inputs may spike until `end`."""
        return self.structure.tau_syn * np.array(recipes.BIAS_TIMES)

    def output_weights(self, layers):
        """The weights that a synapse of the last of these layers can have.

        Returns the greatest of them, and the step that they are multiples of, 0 if any.
        """
        return np.inf, 0.0

    def check_sizes(self, sizes):
        """Raise ValueError unless layers of these sizes fit."""

    def check_takes_several_spikes(self):
        """Raise ValueError unless a channel may have several spikes."""

    def draw_layers(self, rng, geometries, spikes, bias_times, t_max):
        """Layers with random weights, in the scale of the activity of training data.

        `geometries` are those of the layers, `spikes` those of some samples, biases of
        the first layer included.
        """
        spread = recipes.spread_of(len(self.structure.neurons))
        n_active, n_bias, layers = spikes.n_spikes / len(spikes), len(bias_times), []
        for neuron, geometry in zip(self.neurons, geometries, strict=True):
            n_active = geometry.active_inputs(n_active, n_bias)
            shape = geometry.weight_shape(n_bias)
            weights = initial_weights(
                rng,
                *shape,
                n_active,
                neuron,
                drive=recipes.DRIVE,
                spread=spread,
                dtype=self.dtype,
            )
            delays = self._no_delays(shape)
            layer = Layer(weights, bias_times, neuron, delays, n_active)
            layers.append(replace(layer, geometry=geometry))
            network = Network(tuple(layers), t_max)
            times = _core.Simulator(*network.core_parameters).spike_times(spikes)[-1]
            n_fired = np.sum(np.isfinite(times), axis=1)
            n_active = np.mean(n_fired) + n_bias
        return layers

    def _no_delays(self, shape):
        """The delays of a new layer with weights of this shape."""
        if self.structure.delays is None:
            return None
        n_axes = 1 if self.structure.delays == "axonal" else 2
        return np.zeros(shape[:n_axes], self.dtype)

    def prepare(self, network, may_drop, rng):
        """A new network with all that this engine keeps beside real weights.

        `may_drop` (n_channels,) says whose spikes may be dropped in training.
        """
        return network

    # -- Inference ---------------------------------------------------------------------

    def place(self, spikes, network):
        """The spikes at the times at which the network sees them."""
        return spikes

    @abstractmethod
    def runnable(self, network):
        """What fires: it has spike_times, decisions and labels of `core.Spikes`."""

    def runnable_once(self, network, spikes):
        """What fires once, with these spikes, and the spikes that it is to be given.

        If they are few, it needs no weights of inputs that have no spike.
        """
        return self.runnable(network), spikes

    def effective_weights(self, network, runnable):
        """The weights (n_in, n_out) of each layer with which a network fires."""
        return network.weights

    def first_outputs(self, runnable, spikes, times):
        """The number (n_samples,) of the output neuron that fires first.

        `times` are what `runnable.spike_times(spikes)` gave; where no output fires, any
        number may stand.
        """
        return times[-1].argmin(axis=1)

    # -- Learning ----------------------------------------------------------------------

    def time_scale(self, network, n_seen):
        """The time scale of the softmax, in the unit of the time constants."""
        return self.learning.time_scale or self.default_time_scale(network, n_seen)

    def default_time_scale(self, network, n_seen):
        """The time scale of time_scale=None, after training on n_seen samples."""
        n_active = network.layers[0].n_active
        return self.recipe.time_scale_of(n_active, n_seen) * self.structure.tau_syn

    def loss_parameters(self, network, n_seen):
        """The parameters of `core.loss`, after training on n_seen samples."""
        return core_parameters(
            self.learning.loss,
            network,
            self.time_scale(network, n_seen),
            self.recipe.early_firing,
        )

    def losses(self, network, n_seen, decisions, targets):
        """The loss (n_samples,) of decision times, after training on n_seen samples.

        It is that of training without what silent and hidden neurons cost; targets are
        those of :meth:`Trainer.epoch`.
        """
        parameters = self.loss_parameters(network, n_seen)
        values, _ = _core.loss(
            np.ascontiguousarray(decisions, np.float64),
            targets,
            np.ones(len(decisions)),
            **parameters,
        )
        return values

    def loss_without_features(self, network, n_seen, targets, weights):
        """The least cross-entropy of outputs that know nothing of the features.

        targets are those of :meth:`Trainer.epoch`; weights are None or (n_samples,).
        None for other losses.
        """
        parameters = self.loss_parameters(network, n_seen)
        return loss_without_features(self.learning.loss, parameters, targets, weights)

    @property
    def loss_unit(self):
        """The unit of the loss: without it, a loss is the same in all units of time."""
        return unit_of_loss(self.learning.loss, self.structure.tau_syn)

    def learning_rate(self, network):
        """The initial learning rate."""
        if self.learning.learning_rate_init != "auto":
            return self.learning.learning_rate_init
        rate = self.recipe.rate
        if self.is_local:
            # Errors that pass several layers add up, in the layers and to each other.
            depth = min(1.0, 2 / len(network.layers)) ** 3
            n_active = network.layers[0].n_active
            rate = rate * n_active**self.recipe.rate_growth * depth
        if not self.learning.is_partial:
            return rate
        follows_fit = self.learning.follows_fit
        return (recipes.AFTER_FIT if follows_fit else self.recipe.partial_rate) * rate

    def weight_decay(self, network, batch_size, n_seen):
        """Weight decay per unit of learning rate, of each layer.

        n_seen is the number of samples that have been trained on.
        """
        strength = self.learning.weight_decay
        n_hidden, first = len(network.layers) - 1, network.layers[0]
        if self.is_local:  # errors are summed over the batch, too
            decay = self.recipe.local_decay * strength * batch_size
            is_frozen = self.structure.gradient.feedback == "none"
            return [0.0 if is_frozen else decay] * n_hidden + [decay]
        hidden, output = self.recipe.decays(n_seen, first.n_in, first.n_active)
        return [strength * hidden] * n_hidden + [strength * output]

    def step_units(self, network):
        """The unit of the learning rate of each layer."""
        return [step_unit(layer.neuron, layer.n_active) for layer in network.layers]

    def hidden_rate(self, network):
        """The learning rate of hidden layers in that of the output, by a local rule."""
        n_active = network.layers[0].n_active
        return self.recipe.hidden_rate * n_active**self.recipe.hidden_growth

    @property
    def window(self):
        """The times of spikes from which hidden neurons learn by the local rule."""
        begin, end = self.recipe.window
        tau_syn = self.structure.tau_syn
        return begin * tau_syn, end * tau_syn

    def seed(self, rng):
        """The seed of input dropout, drawn from rng."""
        return int(rng.randint(2**32, dtype="uint64"))

    @abstractmethod
    def trainer(self, network, fit_state, *, batch_size, n_seen, may_drop):
        """A Trainer of the weights of a network, which goes on from a FitState.

        The network is one that :meth:`prepare` or :meth:`Trainer.learned` have made.
        Weight decay and time scale depend on `n_seen`, the number of samples that have
        been trained on; `may_drop` (n_channels,) says whose spikes may be dropped.
        """


def resting_weights(layers):
    """The weight that the weights of each layer decay to."""
    return [mean_weight(layer.neuron, layer.n_active, recipes.REST) for layer in layers]
