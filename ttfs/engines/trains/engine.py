"""The engine of networks whose neurons fire several times."""

import itertools
from dataclasses import replace

import numpy as np

from ...model import Layer, Network
from ...model.initial_weights import weight_unit
from .. import recipe as recipes
from ..base import Engine
from .events import of_neurons, of_spikes
from .layers import Count, FirstOrPeak, MeanMembrane, Spiking
from .trainer import TrainsTrainer


class TrainsEngine(Engine):
    """Real numbers; hidden neurons fire up to `max_spikes` times.

    The outputs decide by their first spikes, their numbers of spikes, or by the peak or
    mean of membranes that do not fire. All of these become scores, the greatest of
    which decides; decision times are the scores with the opposite sign.
    """

    @property
    def has_read_out(self):
        """No biases make outputs fire: see `decision`."""
        return False

    @property
    def decision(self):
        """What of the outputs decides: "first", "count", "peak" or "mean"."""
        read_out = self.structure.read_out
        if read_out == "auto":
            return recipes.TRAINS_DECISION
        return "first" if read_out is None else read_out

    def default_time_scale(self, network, n_seen):
        """Times have that of other engines; membranes and numbers of spikes have 1."""
        if self.decides_by_first_spike:
            return super().default_time_scale(network, n_seen)
        return 1.0

    def loss_parameters(self, network, n_seen):
        """Those of the plain cross-entropy of scores."""
        scale = self.time_scale(network, n_seen)
        return {
            "kind": "cross_entropy",
            "time_scale": scale,
            "early": 0.0,
            "early_scale": 1.0,
            "early_end": 0.0,
        }

    def bias_times(self, end):
        """Times all over the signals, by which weights can depend on the time."""
        n_biases = recipes.TRAINS_BIASES
        return end * (np.arange(n_biases) + 0.5) / n_biases

    # -- The layers --------------------------------------------------------------------

    def hidden(self, network, min_slope=0.0):
        """What hidden layers do."""
        structure = self.structure
        return Spiking(
            structure.max_spikes, structure.refractory, network.t_max, min_slope
        )

    def outputs(self, network, min_slope=0.0):
        """What the output layer does."""
        t_max = network.t_max
        if self.decision == "mean":
            return MeanMembrane(t_max)
        if self.decision == "count":
            return Count(self.hidden(network, min_slope))
        return FirstOrPeak(
            t_max,
            fires=self.decides_by_first_spike,
            pseudo_slope=network.pseudo_slope,
            min_slope=min_slope,
        )

    def draw_layers(self, rng, geometries, spikes, bias_times, t_max):
        events, layers = of_spikes(spikes), []
        for neuron, geometry in zip(self.neurons, geometries, strict=True):
            shape = geometry.weight_shape(len(bias_times))
            n_active = effective_inputs(events, neuron, t_max)
            weights = drawn_weights(rng, shape, n_active, neuron, self.dtype)
            delays = self._no_delays(shape)
            layer = Layer(weights, bias_times, neuron, delays, n_active)
            layers.append(layer)
            network = Network(tuple(layers), t_max)
            is_output = len(layers) == len(geometries)
            layers[-1] = self._scaled(network, events, is_output)
            if not is_output:
                times, _ = self.hidden(network).run(events, layers[-1])
                events = of_neurons(times, bias_times, t_max)
        return layers

    def _scaled(self, network, events, is_output):
        """The last layer with weights that make it as active as it is to begin.

        Neurons fire `recipes.TRAINS_RATE` times in a sample on average, but at most in
        half of their possible spikes; the membranes of outputs that decide by them
        deviate from each other by `recipes.TRAINS_SCORES`.
        """
        layer = network.layers[-1]
        is_membrane = is_output and self.decision in ("peak", "mean")
        is_first = is_output and self.decides_by_first_spike
        n_possible = 1 if is_first else self.structure.max_spikes
        wanted = min(recipes.TRAINS_RATE, 0.5 * n_possible)
        if is_membrane:
            wanted = recipes.TRAINS_SCORES

        def scaled(scale):
            return replace(
                layer, weights=(layer.weights * scale).astype(layer.weights.dtype)
            )

        def activity(scale):
            if is_membrane:
                scores, _ = self.outputs(network).run(events, scaled(scale))
                return np.std(scores - scores.mean(axis=1, keepdims=True))
            times, _ = self.hidden(network).run(events, scaled(scale))
            is_spike = np.isfinite(times[:, :, :n_possible])
            return is_spike.sum() / times[:, :, 0].size

        low, high = 2.0**-10, 2.0**10
        for _ in range(20):
            scale = (low * high) ** 0.5
            low, high = (scale, high) if activity(scale) < wanted else (low, scale)
        # Neurons that are inhibited more than excited do not fire whatever the scale.
        return scaled(min(scale, recipes.TRAINS_MAX_SCALE))

    # -- Inference and learning --------------------------------------------------------

    def first_outputs(self, runnable, spikes, times):
        return times[-1][:, :, 0].argmin(axis=1)

    def runnable(self, network):
        return TrainsRunner(self, network)

    def trainer(self, network, fit_state, **options):
        return TrainsTrainer(self, network, fit_state, **options)


class TrainsRunner:
    """A network of a TrainsEngine that fires."""

    def __init__(self, engine, network):
        self.engine, self.network = engine, network
        self.hidden, self.outputs = engine.hidden(network), engine.outputs(network)

    def through_hidden(self, spikes):
        """Spike times of each hidden layer, and the Events that enter the outputs."""
        network, times = self.network, []
        events = of_spikes(spikes).delayed(network.layers[0].delays, network.t_max)
        for layer, following in itertools.pairwise(network.layers):
            times.append(self.hidden.run(events, layer)[0])
            events = of_neurons(times[-1], following.bias_times, network.t_max)
            events = events.delayed(following.delays, network.t_max)
        return times, events

    def spike_times(self, spikes):
        """Spike times (n_samples, n_out, n) of each layer, n at most `max_spikes`.

        Unless a neuron of the layer fires `max_spikes` times the last column is +inf.
        Outputs whose membranes decide have none, those whose first spike decides one.
        """
        times, events = self.through_hidden(spikes)
        return [*times, self._output_times(events)]

    def _output_times(self, events):
        scores, kept = self.outputs.run(events, self.network.layers[-1])
        if isinstance(self.outputs, Count):
            return kept[0]
        shape = *scores.shape, min(2, self.engine.structure.max_spikes)
        times = np.full(shape, np.inf, scores.dtype)
        if isinstance(self.outputs, FirstOrPeak):
            times[:, :, 0] = kept[2]
        return times

    def scores(self, spikes):
        """Scores (n_samples, n_outputs); the greatest decides."""
        _, events = self.through_hidden(spikes)
        return self.outputs.run(events, self.network.layers[-1])[0]

    def decisions(self, spikes):
        """The scores with the opposite sign, float64."""
        return -self.scores(spikes).astype(np.float64)

    def labels(self, spikes):
        """The output (n_samples,) with the greatest score."""
        return self.scores(spikes).argmax(axis=1)


def effective_inputs(events, neuron, t_max):
    """The mean number of spikes whose effects meet in a neuron of a layer."""
    window = min(neuron.peak_delay, 2 * neuron.tau_syn) + neuron.tau_syn
    n_spikes = len(events.times) / max(events.n_samples, 1)
    return max(n_spikes * min(1.0, window / t_max), 1.0)


def drawn_weights(rng, shape, n_active, neuron, dtype):
    """Random weights: normal, of either sign alike."""
    deviation = weight_unit(neuron) / np.sqrt(n_active)
    return rng.normal(0, deviation, shape).astype(dtype)
