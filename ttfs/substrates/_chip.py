"""An emulated analog chip."""

from numbers import Integral, Real

import numpy as np

from ttfs import _core
from ttfs._neuron import LIF
from ttfs.substrates._base import Shared, check_request

_LEAST_FACTOR = 0.1  # of a threshold or a time constant to its nominal value

# Streams of random numbers of the fixed pattern.
_THRESHOLD, _TAU_MEM, _TAU_SYN, _DEAD_NEURON, _DEAD_SYNAPSE, _DRIFT = range(6)


def _number(name, value, least, most=np.inf, *, is_open=False):
    """A float in [least, most]; is_open: greater than least."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    if not is_real or not least <= value <= most or (is_open and value == least):
        bound = f"greater than {least:g}" if is_open else f"at least {least:g}"
        if most < np.inf:
            bound += f" and at most {most:g}"
        raise ValueError(f"{name} must be a number, {bound}; got {value!r}")
    return float(value)


def _count(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer, at least {least}; got {value!r}")
    return int(value)


class AnalogChip(Shared):
    r"""Emulator of an analog chip: limited weights, mismatched and noisy neurons.

    The circuits of a chip differ from the model and from each other; the difference
    stays (fixed pattern). Others come anew with each trial (noise). All are relative
    to the nominal neuron of the network, so that they hold in any unit: thresholds to
    `threshold`, times to `tau_syn`.

    Parameters
    ----------
    weight_bits : int, default=None
        Bits of a weight without its sign: -63 ... 63 with 6. None: real weights.
    weight_clip : float, default=None
        Greatest weight of a synapse, in thresholds; the greatest integer stands for
        it, and `weight_clip` / (2**`weight_bits` - 1) is the step. None: no limit,
        which needs weight_bits=None.
    rows_per_input : int, default=1
        Synapses that share the weight of a network's input: the weights of the first
        layer may then be as many times `weight_clip`, in the same steps.
    threshold_spread, tau_mem_spread, tau_syn_spread : float, default=0.0
        Standard deviation of the neurons' factors of threshold and time constants.
    threshold_offset : float, default=0.0
        The mean factor of thresholds is 1 + `threshold_offset`.
    threshold_drift : float, default=0.0
        Standard deviation of a neuron's factor from one set of weights to the next.
    threshold_jitter : float, default=0.0
        The same from trial to trial: from one sample to the next.
    spike_jitter : float, default=0.0
        Standard deviation of spike times from trial to trial, in `tau_syn`.
    spurious_rate : float, default=0.0
        Rate of spikes that nothing causes, per neuron and `tau_syn`, from time 0 on:
        the first spike of a neuron counts.
    dead_neurons, dead_synapses : float, default=0.0
        Fraction of neurons that never fire, and of synapses whose weight is 0.
    time_resolution : float, default=0.0
        Spike times are multiples of it, in `tau_syn`, rounded down.
    duration : float, default=inf
        Length of an experiment, in `tau_syn`, from time 0: later spikes are lost.
    max_inputs, max_neurons : int, default=None
        Capacity: inputs of a neuron, on its rows of synapses, without biases; and
        neurons of all layers.
    random_state : int, default=0
        The chip: another number is another fixed pattern, and other noise.
    """

    def __init__(
        self,
        *,
        weight_bits=None,
        weight_clip=None,
        rows_per_input=1,
        threshold_spread=0.0,
        threshold_offset=0.0,
        threshold_drift=0.0,
        threshold_jitter=0.0,
        tau_mem_spread=0.0,
        tau_syn_spread=0.0,
        spike_jitter=0.0,
        spurious_rate=0.0,
        dead_neurons=0.0,
        dead_synapses=0.0,
        time_resolution=0.0,
        duration=np.inf,
        max_inputs=None,
        max_neurons=None,
        random_state=0,
    ):
        self.weight_bits = weight_bits
        if weight_bits is not None:
            self.weight_bits = _count("weight_bits", weight_bits, 1)
            if self.weight_bits > 16:
                raise ValueError(f"weight_bits must be at most 16, got {weight_bits}")
            if weight_clip is None:
                raise ValueError("weight_bits needs weight_clip, the greatest weight")
        self.weight_clip = None
        if weight_clip is not None:
            self.weight_clip = _number("weight_clip", weight_clip, 0, is_open=True)
        self.rows_per_input = _count("rows_per_input", rows_per_input, 1)
        self.threshold_spread = _number("threshold_spread", threshold_spread, 0)
        self.threshold_offset = _number("threshold_offset", threshold_offset, -0.9)
        self.threshold_drift = _number("threshold_drift", threshold_drift, 0)
        self.threshold_jitter = _number("threshold_jitter", threshold_jitter, 0)
        self.tau_mem_spread = _number("tau_mem_spread", tau_mem_spread, 0)
        self.tau_syn_spread = _number("tau_syn_spread", tau_syn_spread, 0)
        self.spike_jitter = _number("spike_jitter", spike_jitter, 0)
        self.spurious_rate = _number("spurious_rate", spurious_rate, 0)
        self.dead_neurons = _number("dead_neurons", dead_neurons, 0, 1)
        self.dead_synapses = _number("dead_synapses", dead_synapses, 0, 1)
        self.time_resolution = _number("time_resolution", time_resolution, 0)
        self.duration = _number("duration", duration, 0, is_open=True)
        self.max_inputs = self.max_neurons = None
        if max_inputs is not None:
            self.max_inputs = _count("max_inputs", max_inputs, 1)
        if max_neurons is not None:
            self.max_neurons = _count("max_neurons", max_neurons, 1)
        self.random_state = _count("random_state", random_state, 0)

    def __repr__(self):
        default = AnalogChip.__init__.__kwdefaults__
        changed = [
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if name in default and value != default[name]
        ]
        return f"AnalogChip({', '.join(changed)})"

    # -- Fixed pattern -------------------------------------------------------------

    def _draw(self, stream, n, *more):
        """Standard normal numbers of the first n circuits."""
        return np.random.RandomState(
            [self.random_state & 0xFFFFFFFF, stream, *more]
        ).standard_normal(n)

    def _factors(self, stream, spread, n, mean=1.0):
        return np.maximum(mean + spread * self._draw(stream, n), _LEAST_FACTOR)

    def _check_capacity(self, network):
        n_neurons = sum(layer.weights.shape[1] for layer in network.layers)
        if self.max_neurons is not None and n_neurons > self.max_neurons:
            raise ValueError(
                f"the network has {n_neurons} neurons, and the chip {self.max_neurons}"
            )
        for k, layer in enumerate(network.layers):
            rows = self.rows_per_input if k == 0 else 1
            n_in = rows * (layer.weights.shape[0] - len(layer.bias_times))
            if self.max_inputs is not None and n_in > self.max_inputs:
                raise ValueError(
                    f"layer {k} needs {n_in} inputs for each neuron, and the chip has "
                    f"{self.max_inputs}"
                )

    def weight_limit(self, k):
        """Greatest weight of layer k, in thresholds; inf if there is no limit."""
        if self.weight_clip is None:
            return np.inf
        return self.weight_clip * (self.rows_per_input if k == 0 else 1)

    def _programmed(self, layer, k):
        """The weights that synapses get."""
        limit = self.weight_limit(k) * layer.neuron.threshold
        weights = np.clip(layer.weights, -limit, limit)
        if self.weight_bits is not None:
            step = self.weight_clip * layer.neuron.threshold / (2**self.weight_bits - 1)
            weights = np.rint(weights / step) * step
        return weights

    # -- Protocol ------------------------------------------------------------------

    def forward(self, times, network):
        """Spike times of every layer, see :meth:`Substrate.forward`."""
        times = check_request(times, network)
        self._check_capacity(network)
        n = sum(layer.weights.shape[1] for layer in network.layers)
        mean = 1 + self.threshold_offset
        thresholds = self._factors(_THRESHOLD, self.threshold_spread, n, mean)
        tau_mems = self._factors(_TAU_MEM, self.tau_mem_spread, n)
        tau_syns = self._factors(_TAU_SYN, self.tau_syn_spread, n)
        out, first = [], 0
        for k, layer in enumerate(network.layers):
            n_out = layer.weights.shape[1]
            weights = self._programmed(layer, k).astype(times.dtype)
            inputs = np.hstack(
                [times, np.tile(layer.bias_times, (len(times), 1)).astype(times.dtype)]
            )
            spikes = np.empty((len(times), n_out), times.dtype)
            end = min(network.t_max, self.duration * layer.neuron.tau_syn)
            for j in range(n_out):
                c = first + j
                neuron = LIF(
                    layer.neuron.tau_mem * tau_mems[c],
                    layer.neuron.tau_syn * tau_syns[c],
                    layer.neuron.threshold * thresholds[c],
                )
                column = np.ascontiguousarray(weights[:, [j]])
                events = _core.Events(inputs, neuron, end)
                spikes[:, j] = events.first_spike(column)[:, 0]
            rng = np.random.RandomState(k)
            spikes += (
                self.spike_jitter
                * layer.neuron.tau_syn
                * rng.standard_normal(spikes.shape)
            ).astype(spikes.dtype)
            out.append(spikes)
            times = spikes
            first += n_out
        return out
