"""Real numbers in the C core, which also learn where spikes come from elsewhere."""

import numpy as np

from .. import core as _core
from ..model.initial_weights import feedback_weights, weight_unit
from ..parameters import ExactGradient
from . import recipe as recipes
from .base import Engine, Trainer, resting_weights
from .losses import error_unit
from .pruning import pruned_below


def simulator(network, **parameters):
    """A network of real numbers in the core."""
    return _core.Simulator(*network.core_parameters, **parameters)


def are_few(spikes):
    """Whether all weights of the inputs take longer to copy than these to pass."""
    return spikes.n_spikes <= 4 * spikes.n_in


class FloatEngine(Engine):
    """float32 or float64; the exact gradient, or the local rule in real numbers."""

    def prepare(self, network, may_drop, rng):
        rule = self.structure.gradient
        if rule is None or rule.feedback in ("symmetric", "none"):
            return network
        n_actives = [layer.n_active for layer in network.layers]
        drawn = feedback_weights(
            rng, network.layers, n_actives, rule.feedback, recipes.SPREAD
        )
        return network.with_layers(feedback=drawn)

    def runnable(self, network):
        return simulator(network)

    def runnable_once(self, network, spikes):
        return simulator(network, for_few=are_few(spikes)), spikes

    def trainer(self, network, fit_state, **options):
        return FloatTrainer(network, self.core_trainer(network, fit_state, **options))

    def core_trainer(
        self, network, fit_state, *, batch_size, n_seen, may_drop, limits=None
    ):
        """A `core.Trainer` of the real weights of a network, as :meth:`Engine.trainer`.

        `limits` are the greatest weights of each layer, None where there are none.
        """
        neuron, learning = network.neuron, self.learning
        units, local = self.step_units(network), None
        if self.is_local:
            # An error of 1 at the peak of the kernel, with a slope of one threshold per
            # tau_syn, moves a weight by one weight_unit: as with integers.
            unit = error_unit(
                learning.loss,
                network.n_outputs,
                neuron.tau_syn,
                self.time_scale(network, n_seen),
            )
            scale = np.e * unit / neuron.tau_syn
            units = [scale * weight_unit(layer.neuron) ** 2 for layer in network.layers]
            hidden_rate = self.hidden_rate(network)
            units[:-1] = [hidden_rate * unit for unit in units[:-1]]
            local = self._local_rule(network)
        adam = learning.optimizer or ExactGradient()  # the local rule reads none of it
        return _core.Trainer(
            *network.core_parameters,
            units=units,
            local=local,
            delay_units=[recipes.DELAY_STEP * neuron.tau_syn] * len(network.layers),
            loss=self.loss_parameters(network, n_seen),
            min_slope=adam.min_slope * neuron.threshold / neuron.tau_syn,
            silence_penalty=self.silence_penalty / neuron.threshold,
            silence_tolerance=recipes.silence_tolerance(learning.sparsity),
            spike_cost=recipes.spike_cost(learning.sparsity) * self.loss_unit,
            spike_scale=recipes.SPIKE_SCALE * neuron.tau_syn,
            keeps_zeros=learning.sparsity > 0,
            beta_1=adam.beta_1,
            beta_2=adam.beta_2,
            epsilon=adam.epsilon,
            weight_decay=self.weight_decay(network, batch_size, n_seen),
            rests=resting_weights(network.layers),
            limits=limits,
            dropout=learning.input_dropout,
            may_drop=may_drop,
            seed=fit_state.seed,
            state=fit_state.optimizer,
        )

    @property
    def silence_penalty(self):
        """The penalty of silent hidden neurons for each threshold that they miss."""
        rule = self.structure.gradient
        is_frozen = rule is not None and rule.feedback == "none"
        return 0.0 if is_frozen else recipes.SILENCE_PENALTY * self.loss_unit

    def _local_rule(self, network):
        rule = self.structure.gradient
        local = {"kernel": rule.kernel, "feedback": rule.feedback}
        if rule.feedback == "none":  # a window in which no spike is
            return local | {"feedback": "symmetric", "window": (-np.inf, -np.inf)}
        if rule.feedback != "symmetric":
            local["feedback_weights"] = [layer.feedback for layer in network.layers]
        return local | {"window": self.window}


class CoreTrainer(Trainer):
    """Real weights of a network that a `core.Trainer` has, and makes learn."""

    def __init__(self, network, core):
        self.network, self.core = network, core

    def prune(self, sparsity, left):
        for k, limit in pruned_below(self.core.weights(), sparsity, left):
            self.core.prune(k, limit)

    def state(self):
        return self.core.state()

    def take_state(self):
        return self.core.take_state()


class FloatTrainer(CoreTrainer):
    """Real weights that learn from their own spikes."""

    def __init__(self, network, core):
        super().__init__(network.outline(), core)  # without the weights

    def epoch(self, spikes, targets, order, batch_size, rates):
        factors = np.ones(len(spikes))
        return self.core.epoch(spikes, targets, factors, order, batch_size, rates)

    def decisions(self, spikes):
        return self.core.decisions(spikes)

    def learned(self):
        network = self.network.with_layers(weights=self.core.weights())
        return network.with_layers(delays=self.core.delays())
