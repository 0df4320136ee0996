"""Integers that fire: inference, and quantisation-aware training of real weights."""

from dataclasses import replace

import numpy as np

from ..fixed.build import make_network, weight_steps
from ..fixed.network import MAX_NEURONS, MAX_TICKS
from ..fixed.quantized import QuantizedNetwork
from ..fixed.shifts import default_tick, realise
from ..fixed.simulation import FixedSimulation, n_ticks_of, on_grid
from . import recipe as recipes
from .base import resting_weights
from .float import CoreTrainer, FloatEngine, are_few


class QuantizedEngine(FloatEngine):
    """Spikes of integers; real weights that follow the exact gradient.

    In each batch the weights are rounded to integers, which compute the spikes; the
    gradient is that of the real model at those spikes and moves the real weights
    (straight-through).
    """

    @property
    def tick(self):
        """Unit of spike times."""
        fixed, tau_syn = self.structure.arithmetic, self.structure.tau_syn
        if fixed.tick is not None:
            return float(fixed.tick)
        is_shift = fixed.decay == "shift"
        return default_tick(tau_syn) if is_shift else tau_syn / recipes.TICKS

    @property
    def neurons(self):
        neurons = self.structure.neurons
        if self.structure.arithmetic.decay == "table":
            return neurons
        return [realise(neuron, self.tick)[1] for neuron in neurons]

    def end_of_experiment(self, t_max):
        n_ticks = int(n_ticks_of(t_max, self.tick))
        if not 1 < n_ticks <= MAX_TICKS:
            raise ValueError(
                f"tick={self.tick:g} divides t_max={t_max:g} into {n_ticks} ticks; "
                f"arithmetic='fixed' needs 2 to {MAX_TICKS}"
            )
        return n_ticks * self.tick

    def possible_times(self, times):
        return n_ticks_of(times, self.tick) * self.tick

    def output_weights(self, layers):
        fixed = self.structure.arithmetic
        step = weight_steps(layers, fixed.weight_bits, fixed.weight_range)[-1]
        return (2**fixed.weight_bits - 1) * step, step

    def check_sizes(self, sizes):
        if max(sizes) > MAX_NEURONS:
            raise ValueError(
                f"arithmetic='fixed' takes at most {MAX_NEURONS} neurons in a layer, "
                f"got layers of {sizes}, channels first"
            )

    def prepare(self, network, may_drop, rng):
        rule = self.structure.gradient
        hidden_rate = self.hidden_rate(network)
        first = network.layers[0]
        drops = np.zeros(first.n_in + first.n_bias, np.uint8)
        drops[: network.n_channels] = may_drop
        integers, steps, scales = make_network(
            network,
            self.structure.arithmetic,
            tick=self.tick,
            kernel="table" if rule is None else rule.kernel,
            feedback="symmetric" if rule is None else rule.feedback,
            window=self.window,
            may_drop=drops,
            rests=resting_weights(network.layers),
            rng=rng,
        )
        quantized = QuantizedNetwork(
            network.layers,
            network.t_max,
            network.read_out,
            integers=integers,
            tick=self.tick,
            steps=tuple(steps),
            scales=(*(scale / hidden_rate for scale in scales[:-1]), scales[-1]),
            real_weights=None if self.is_local else network.weights,
        )
        return quantized.with_layers(
            weights=[layer.integers() for layer in integers.layers]
        )

    def place(self, spikes, network):
        return on_grid(spikes, network.tick, network.integers.n_ticks)

    def runnable(self, network):
        return FixedSimulation(network.for_inference(), network.tick)

    def runnable_once(self, network, spikes):
        if are_few(spikes):
            # There is no network without inputs.
            n_bias = max(1, len(network.layers[0].bias_times))
            rows, narrowed = spikes.narrowed(n_bias)
            if 2 * len(rows) <= spikes.n_in:
                return self.runnable(network.of_inputs(rows)), narrowed
        return self.runnable(network), spikes

    def first_outputs(self, runnable, spikes, times):
        # Neurons that fire in the same tick are ordered by their membranes.
        return runnable.labels(spikes)

    def trainer(self, network, fit_state, **options):
        core = self.core_trainer(network.real(), fit_state, **options)
        return QuantizedTrainer(network, core)


class QuantizedTrainer(CoreTrainer):
    """Real weights that learn by the exact gradient from the spikes of integers."""

    def __init__(self, network, core):
        super().__init__(network, core)
        layers = network.integers.layers
        self.max_weights = [layer.max_stored >> layer.fraction for layer in layers]
        network = network.with_layers(weights=self._rounded())
        self.simulation = FixedSimulation(network.for_inference(), network.tick)

    def _rounded(self):
        """The integers, int16, of the weights that learn."""
        weights = [np.empty(shape, np.int16) for shape in self.core.shapes]
        self.core.round(self.network.steps, self.max_weights, weights)
        return weights

    def _simulated(self):
        """The integers of the present weights."""
        weights = self.simulation.core.rows()
        self.core.round(self.network.steps, self.max_weights, weights)
        self.simulation.core.prepare()
        return self.simulation

    def _forward(self, spikes, core):
        return self._simulated().fire(spikes, core)

    def epoch(self, spikes, targets, order, batch_size, rates):
        return self.core.epoch(
            spikes,
            targets,
            np.ones(len(spikes)),
            order,
            batch_size,
            rates,
            forward=self._forward,
        )

    def decisions(self, spikes):
        return self._simulated().decisions(spikes)

    def learned(self):
        network = replace(self.network, real_weights=self.core.weights())
        return network.with_layers(weights=self._rounded())
