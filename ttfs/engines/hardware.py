"""Networks that fire on a substrate: inference, and training in the loop.

The substrate is asked for spike times and nothing else; what its neurons are like, only
it knows. Gradients, and the order of silent outputs, are those of the nominal model at
the spikes that were measured [1]_.

.. [1] J. Göltz, L. Kriener et al., "Fast and energy-efficient neuromorphic deep
   learning with first-spike times", Nature Machine Intelligence 3, 823-835 (2021).
"""

import warnings
from dataclasses import replace
from functools import cached_property

import numpy as np

from .. import core as _core
from ..model import Network
from ..model.checks import blocks
from ..model.read_out import with_read_out, without_read_out
from ..substrates.checks import measure, name_of, weight_limits, weight_steps
from ..substrates.protocol import SubstrateError
from ..substrates.simulated import fire, is_ideal, is_simulated
from .float import CoreTrainer, FloatEngine, simulator

# A silent layer in which, with strong weights, no neuron of the substrate fires either
# in so many samples, is dead.
DEAD_AFTER = 100
_STRONG = 10.0  # weight [threshold]

_BLOCK = 1024  # samples of a request, at most, outside training


class HardwareEngine(FloatEngine):
    """Spikes of a substrate; real weights, and the gradient of the nominal model."""

    def check_takes_several_spikes(self):
        raise ValueError(
            "X has channels with several spikes, but a substrate takes one spike of "
            "each channel: use substrate=None"
        )

    def output_weights(self, layers):
        substrate = self.substrate
        step = weight_steps(substrate, layers)[-1]
        return weight_limits(substrate, layers)[-1], step or 0.0

    def runnable(self, network):
        return SubstrateNetwork(
            self.substrate, network, has_ranks=not self.is_regression
        )

    def runnable_once(self, network, spikes):
        # A substrate is always asked for the whole network.
        return self.runnable(network), spikes

    def effective_weights(self, network, runnable):
        return [runnable.rounded(k) for k in range(len(network.layers))]

    def with_its_read_out(self, network):
        """The network with a read-out in the weights of this substrate.

        Where it was made for another one, its weights may be too great here, or lie
        between steps.
        """
        *hidden, last = network.layers
        limit, step = self.output_weights(network.layers)
        rows = last.weights[len(last.weights) - last.n_fixed :]
        is_rounded = step == 0 or np.allclose(rows / step, np.rint(rows / step))
        if is_rounded and np.all(np.abs(rows) <= limit):
            return network
        last = with_read_out(without_read_out(last), network.read_out, limit, step)
        return replace(network, layers=(*hidden, last))

    def trainer(self, network, fit_state, **options):
        present, network = network, self.with_its_read_out(network)
        if network.layers[-1].n_fixed != present.layers[-1].n_fixed:
            fit_state.optimizer = None  # moments of a network of other sizes
        limits = weight_limits(self.substrate, network.layers)
        limited = [
            np.clip(weights, -limit, limit)
            for weights, limit in zip(network.weights, limits, strict=True)
        ]
        limited = network.with_layers(weights=limited)
        core = self.core_trainer(limited, fit_state, limits=limits, **options)
        return HardwareTrainer(self.runnable(network), core, fit_state)


class SubstrateNetwork:
    """A network without delays on a substrate.

    `steps` are those of the weights of each layer, by default what the substrate says.
    `has_ranks` says whether silent outputs are compared with each other, as those of
    classes are; the outputs of a regression are independent.
    """

    def __init__(self, substrate, network, steps=None, *, has_ranks=True):
        self.substrate, self.network = substrate, network
        self.has_ranks = has_ranks
        self.layers, self.t_max = network.layers, network.t_max
        self.steps = weight_steps(substrate, self.layers) if steps is None else steps

    def with_weights(self, weights):
        """The same network with other weights."""
        network = self.network.with_layers(weights=weights)
        return SubstrateNetwork(
            self.substrate, network, self.steps, has_ranks=self.has_ranks
        )

    def rounded(self, k):
        """The weights of layer k that the substrate is taken to have."""
        weights, step = self.layers[k].weights, self.steps[k]
        return np.rint(weights / step) * weights.dtype.type(step) if step else weights

    @cached_property
    def in_core(self):
        """The network in the core."""
        return simulator(self.network)

    def spike_times(self, spikes):
        """Spike times (n_samples, n_out) of each layer; +inf = silent."""
        if is_simulated(self.substrate):
            return fire(self.substrate, spikes, self.in_core).times()
        times = spikes.dense(self.network.n_channels)
        layers = tuple(
            replace(
                layer,
                weights=_read_only(layer.weights),
                bias_times=_read_only(layer.bias_times),
            )
            for layer in self.layers
        )
        network = Network(layers, self.t_max, self.network.read_out)
        return measure(self.substrate, _read_only(times), network)

    def check_alive(self, spikes, measured):
        """Raise SubstrateError if a layer is dead: silent, however it is driven.

        Whether a silent layer is dead is only asked if the model is not silent at what
        the layer sees. Then its weights are made strong, in a request of their own.
        """
        silent = [k for k, times in enumerate(measured) if np.isinf(times).all()]
        if not any(self._fires(k, spikes, measured).any() for k in silent):
            return
        limits = weight_limits(self.substrate, self.layers)
        weights = self.network.weights
        for k in silent:
            strong = min(_STRONG * self.layers[k].neuron.threshold, limits[k])
            weights[k] = np.full_like(weights[k], strong)
        driven = self.with_weights(weights)
        some = spikes.samples(np.resize(np.arange(len(spikes)), 2 * DEAD_AFTER))
        measured = driven.spike_times(some)
        for k in silent:
            if np.isfinite(measured[k]).any():
                continue
            n_samples = driven._fires(k, some, measured, 2.0).sum()
            if n_samples >= DEAD_AFTER:
                raise SubstrateError(
                    f"layer {k} of {name_of(self.substrate)} is dead: none of its "
                    f"neurons has fired before t_max in {n_samples} samples with "
                    f"weights of {weights[k][0, 0]:.3g}, though the model does"
                )

    def _fires(self, k, spikes, measured, threshold=1.0):
        """In which samples (n_samples,) a neuron of layer k of the model fires at what
        the layer sees, with a threshold so many times as high."""
        layer = self.layers[k]
        if k > 0:
            spikes = _core.spikes_at(measured[k - 1], layer.bias_times)
        layer = replace(
            layer, weights=self.rounded(k) / layer.weights.dtype.type(threshold)
        )
        (times,) = _core.Simulator([layer], self.t_max, 0.0).spike_times(spikes)
        return np.isfinite(times).any(axis=1)

    def decisions(self, spikes):
        """Decision times (n_samples, n_outputs), float64.

        Silent neurons have pseudo-times, later than any spike: the peaks are those of
        the nominal membrane at the spikes that were measured before it.
        """
        measured = self._measured_alive(spikes)
        return self._decided(spikes, measured, np.isinf(measured[-1]).any(axis=1))

    def labels(self, spikes):
        """The number (n_samples,) of the output neuron that decides first."""
        measured = self._measured_alive(spikes)
        # A spike is earlier than any pseudo-time.
        decisions = self._decided(spikes, measured, np.isinf(measured[-1]).all(axis=1))
        return decisions.argmin(axis=1).astype(np.uintp)

    def _measured_alive(self, spikes):
        """Spike times of a substrate that is alive."""
        measured = self.spike_times(spikes)
        if len(spikes) and np.isinf(measured[-1]).all():
            self.check_alive(spikes, measured)
            if len(spikes) >= DEAD_AFTER:
                warnings.warn(
                    f"no output neuron of {name_of(self.substrate)} has fired before "
                    f"t_max in {len(spikes)} samples: the model decides",
                    stacklevel=4,
                )
        return measured

    def _decided(self, spikes, measured, needs_peaks):
        """Decision times; pseudo-times in the rows that need them, else +inf."""
        times = self.network.stretched(measured[-1].astype(float))
        rows = np.flatnonzero(needs_peaks)
        if len(rows):
            peaks = self._peaks(spikes, measured, rows).astype(float)
            missed = np.maximum(self.layers[-1].neuron.threshold - peaks, 0)
            end = self.network.stretched(np.float64(self.t_max))
            pseudo = end + self.network.pseudo_slope * missed
            times[rows] = np.where(np.isinf(times[rows]), pseudo, times[rows])
        return times

    def _peaks(self, spikes, measured, rows):
        """u_peak of the nominal outputs, at the spikes measured before them.

        Where the substrate is silent and the model is not, u_peak may pass the
        threshold, and is lowered to it: pseudo-times follow all spikes. Where outputs
        have ranks, all peaks of such a sample are lowered by what the highest has too
        much, so that their order counts; but by a threshold at most, or a dead neuron,
        whose weights grow, would put off others.
        """
        layer, at = self.layers[-1], measured[-1][rows]
        inputs = self._inputs(spikes, measured, rows)
        events = _core.LayerBatch(inputs, layer.neuron, self.t_max)
        u_peak, _ = events.peak(np.ascontiguousarray(self.rounded(-1)), at)
        threshold = u_peak.dtype.type(layer.neuron.threshold)
        if self.has_ranks:
            highest = np.max(u_peak, axis=1, where=np.isinf(at), initial=-np.inf)
            u_peak -= np.clip(highest - threshold, 0, threshold)[:, None]
        return np.minimum(u_peak, threshold)

    def _inputs(self, spikes, measured, rows):
        """Times at which the inputs of the last layer spike, biases included."""
        if len(self.layers) == 1:
            return spikes.dense()[rows]
        hidden, bias_times = measured[-2][rows], self.layers[-1].bias_times
        biases = np.tile(np.asarray(bias_times, hidden.dtype), (len(rows), 1))
        return np.hstack([hidden, biases])


class HardwareTrainer(CoreTrainer):
    """Weights that learn by the gradient of the model from spikes of a substrate.

    Where the weights of the substrate have steps, the gradient is that of the rounded
    weights, and moves the real ones (straight-through). An epoch begins after the
    batches that the FitState says are done. Nothing is learned from a dead substrate:
    the weights move after a check.
    """

    def __init__(self, on_substrate, core, fit_state):
        super().__init__(on_substrate.network, core)
        self.on_substrate, self.fit_state = on_substrate, fit_state

    def epoch(self, spikes, targets, order, batch_size, rates):
        state = self.fit_state
        n_done = state.n_batches_done
        # A substrate that is the trainer's own network fires as that learns, unless the
        # gradient is to be that of rounded weights.
        network = self.on_substrate
        is_own = not any(network.steps) and is_ideal(network.substrate)
        self.core.epoch(
            spikes,
            targets,
            np.ones(len(spikes)),
            order[n_done * batch_size :],
            batch_size,
            rates[n_done:],
            forward=None if is_own else self._forward,
            end_batch=self._end_batch,
        )
        return state.total_loss / len(order)

    def _end_batch(self, loss, n_samples):
        self.fit_state.end_batch(loss, n_samples)
        self.n_updates += 1

    def _forward(self, spikes, core):
        """What fires in a batch, and the weights that are taken to have fired."""
        network, fired = self.on_substrate, None
        if is_simulated(network.substrate):
            fired = fire(network.substrate, spikes, core)
        if fired is None or any(network.steps) or fired.silent_layers():
            network = network.with_weights(core.weights())
        if fired is None:
            fired = network.spike_times(spikes)
            network.check_alive(spikes, fired)
        elif fired.silent_layers():
            fired = fired.times()
            network.check_alive(spikes, fired)
        if not any(network.steps):
            return fired
        n_layers = len(network.layers)
        return fired, None, [network.rounded(k) for k in range(n_layers)]

    def decisions(self, spikes):
        network = self.on_substrate.with_weights(self.core.weights())
        return np.concatenate(
            [
                network.decisions(spikes.samples(rows))
                for rows in blocks(len(spikes), _BLOCK)
            ]
        )

    def learned(self):
        return self.network.with_layers(weights=self.core.weights())


def _read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view
