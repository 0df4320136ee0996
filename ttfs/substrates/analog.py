"""An emulated analog chip."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any, Self

import numpy as np

from .. import core as _core
from .checks import check_count, check_number
from .presets import PRESETS
from .protocol import NetworkError
from .simulated import Simulated

# The smallest factor of a threshold or a time constant to its nominal value.
_MIN_FACTOR = 0.1
# The smallest `weight_clip`, in thresholds: single precision still resolves weights.
_MIN_CLIP = 1e-6

# The fixed pattern draws each parameter from its own stream of random numbers.
_THRESHOLD, _TAU_MEM, _TAU_SYN, _DEAD_NEURONS, _DEAD_SYNAPSES, _DRIFT = range(6)


@lru_cache(maxsize=64)
def _draw(seed, kind, stream, shape, *more):
    """Random numbers of a chip; its first neurons always get the same numbers."""
    rng = np.random.RandomState([seed, stream, *more])
    draw = rng.uniform if kind == "uniform" else rng.standard_normal
    numbers = draw(size=shape)
    numbers.flags.writeable = False
    return numbers


def _factors(seed, stream, n, mean, spread):
    """Factors of a parameter of the first n neurons to its nominal value."""
    z = _draw(seed, "normal", stream, n)
    return np.maximum(mean + spread * z, _MIN_FACTOR)


def _setting(weights, neurons):
    """A hash of the weights of all layers, the same in all units of the threshold."""
    setting = 0
    for own, neuron in zip(weights, neurons, strict=True):
        # Scaled by a power of two, no weight is rounded.
        _, exponent = np.frexp(neuron.threshold)
        own = np.ldexp(own, 1 - exponent)
        setting = zlib.adler32(np.ascontiguousarray(own), setting)
    return setting


class AnalogChip(Simulated):
    r"""Emulator of an analog chip: limited weights, mismatched and noisy neurons.

    The neurons of a chip differ from the model and from each other. Some differences
    stay (mismatch, the fixed pattern), others come anew with each trial (noise). All
    are relative to the nominal neuron of the network, so that they hold in any unit:
    thresholds are relative to `threshold`, times to `tau_syn`.

    Parameters
    ----------
    weight_bits : int, default=None
        Bits of a weight without its sign: -63 ... 63 with 6. None: real weights.
    weight_clip : float, default=None
        Greatest weight of a synapse, in thresholds, at least 1e-6; the greatest
        integer stands for it, and `weight_clip` / (2**`weight_bits` - 1) is the step.
        None: no limit, which needs weight_bits=None.
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
        Standard deviation of a neuron's factor from trial to trial: from one sample to
        the next.
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

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    PRESETS : Parameters that were published, with their sources.

    Notes
    -----
    Neuron c of the network, counted through its layers, is neuron c of the chip. Its
    parameters, with factors f = 1 + spread z that are at least 0.1 and standard normal
    z, are

    .. math:: \vartheta_c = f^\vartheta_c \vartheta \quad
              \tau_{mem,c} = f^{mem}_c \tau_{mem} \quad
              \tau_{syn,c} = f^{syn}_c \tau_{syn}

    Noise is a hash of the chip, the weights, and the input spikes of the sample: the
    same request gives the same spikes, in any process and whatever else is in the
    batch; so does a request in other units, scaled by powers of two. Other weights, or
    input spikes that are shifted by a little, are another trial. Spikes are disturbed
    in the order of the parameters above; what a neuron emits then is what the next
    layer sees and what is measured.

    The C core computes it, in 1.2 to 2 times the time of :class:`Ideal`, the more the
    smaller the batch, or two to three times where time constants differ by neuron.

    Examples
    --------
    >>> from ttfs import TTFSClassifier
    >>> from ttfs.datasets import make_yin_yang
    >>> from ttfs.substrates import AnalogChip
    >>> X, y = make_yin_yang(300, random_state=0)
    >>> chip = AnalogChip.preset("delgrad", random_state=1)
    >>> clf = TTFSClassifier((30,), substrate=chip, max_iter=40, random_state=0)
    >>> clf.fit(X, y).score(X, y) > 0.75
    True
    """

    def __init__(
        self,
        *,
        weight_bits: int | None = None,
        weight_clip: float | None = None,
        rows_per_input: int = 1,
        threshold_spread: float = 0.0,
        tau_mem_spread: float = 0.0,
        tau_syn_spread: float = 0.0,
        threshold_offset: float = 0.0,
        threshold_drift: float = 0.0,
        threshold_jitter: float = 0.0,
        spike_jitter: float = 0.0,
        spurious_rate: float = 0.0,
        dead_neurons: float = 0.0,
        dead_synapses: float = 0.0,
        time_resolution: float = 0.0,
        duration: float = np.inf,
        max_inputs: int | None = None,
        max_neurons: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.weight_bits = weight_bits
        if weight_bits is not None:
            self.weight_bits = check_count("weight_bits", weight_bits, 1)
            if self.weight_bits > 16:
                raise ValueError(f"weight_bits must be at most 16, got {weight_bits}")
            if weight_clip is None:
                raise ValueError("weight_bits needs weight_clip, the greatest weight")
        self.weight_clip = None
        if weight_clip is not None:
            self.weight_clip = check_number("weight_clip", weight_clip, _MIN_CLIP)
        self.rows_per_input = check_count("rows_per_input", rows_per_input, 1)
        self.threshold_spread = check_number("threshold_spread", threshold_spread, 0)
        self.threshold_offset = check_number("threshold_offset", threshold_offset, -0.9)
        self.threshold_drift = check_number("threshold_drift", threshold_drift, 0)
        self.threshold_jitter = check_number("threshold_jitter", threshold_jitter, 0)
        self.tau_mem_spread = check_number("tau_mem_spread", tau_mem_spread, 0)
        self.tau_syn_spread = check_number("tau_syn_spread", tau_syn_spread, 0)
        self.spike_jitter = check_number("spike_jitter", spike_jitter, 0)
        self.spurious_rate = check_number("spurious_rate", spurious_rate, 0)
        self.dead_neurons = check_number("dead_neurons", dead_neurons, 0, 1)
        self.dead_synapses = check_number("dead_synapses", dead_synapses, 0, 1)
        self.time_resolution = check_number("time_resolution", time_resolution, 0)
        self.duration = check_number("duration", duration, 0, np.inf, is_open=True)
        self.max_inputs = self.max_neurons = None
        if max_inputs is not None:
            self.max_inputs = check_count("max_inputs", max_inputs, 1)
        if max_neurons is not None:
            self.max_neurons = check_count("max_neurons", max_neurons, 1)
        self.random_state = check_count("random_state", random_state, 0)
        if self.random_state >= 2**32:
            raise ValueError(f"random_state must be below 2**32, got {random_state}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A chip with published parameters.

        Parameters
        ----------
        name : str
            A key of :data:`ttfs.substrates.PRESETS`, whose `source` says where they
            are from.
        **changes
            Parameters that differ, such as `random_state`.

        Returns
        -------
        chip : AnalogChip

        Raises
        ------
        ValueError
            If there is no such preset.

        Examples
        --------
        >>> from ttfs.substrates import AnalogChip
        >>> AnalogChip.preset("dynapse2", threshold_spread=0.0)
        AnalogChip(tau_mem_spread=0.1, tau_syn_spread=0.1)
        """
        if name not in PRESETS:
            raise ValueError(
                f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}"
            )
        return cls(**{**PRESETS[name].parameters, **changes})

    def __repr__(self) -> str:
        return f"AnalogChip({', '.join(self._changed(AnalogChip))})"

    # -- Fixed pattern -------------------------------------------------------------

    def _check_capacity(self, network):
        n_neurons = sum(n_out for _, n_out in network.shapes)
        if self.max_neurons is not None and n_neurons > self.max_neurons:
            raise NetworkError(
                f"the network has {n_neurons} neurons, and the chip {self.max_neurons}"
            )
        layers = zip(network.shapes, network.n_biases, strict=True)
        for k, ((n_in, _), n_bias) in enumerate(layers):
            n_channels = n_in - n_bias
            rows = self.rows_per_input if k == 0 else 1
            if self.max_inputs is not None and rows * n_channels > self.max_inputs:
                each = f" with {rows} rows each" if rows > 1 else ""
                raise NetworkError(
                    f"layer {k} has {n_channels} inputs{each}, and a neuron of the "
                    f"chip {self.max_inputs}"
                )

    def weight_limit(self, k: int) -> float:
        """Greatest weight of layer k, in thresholds; inf if there is no limit."""
        if self.weight_clip is None:
            return np.inf
        return self.weight_clip * (self.rows_per_input if k == 0 else 1)

    def weight_step(self, k: int) -> float:
        """Step of the weights of layer k, in thresholds; 0: any weight is possible."""
        if self.weight_bits is None:
            return 0.0
        return self.weight_clip / (2**self.weight_bits - 1)

    def _programmed(self, weights, threshold, k):
        """The weights that the synapses of layer k get."""
        limit = self.weight_limit(k) * threshold
        weights = np.clip(weights, -limit, limit)
        if self.weight_bits is not None:
            step = self.weight_step(k) * threshold
            weights = np.rint(weights / step) * step
        if self.dead_synapses > 0:
            u = _draw(self.random_state, "uniform", _DEAD_SYNAPSES, weights.shape, k)
            weights = np.where(u < self.dead_synapses, 0, weights)
        return weights

    def _mismatch(self, neuron, first, n):
        """Mismatch and noise of neurons first to first + n, which form a layer."""
        rows, seed = slice(first, first + n), self.random_state
        tau_syn = neuron.tau_syn
        taus = {}
        if self.tau_mem_spread > 0 or self.tau_syn_spread > 0:
            mem = _factors(seed, _TAU_MEM, first + n, 1.0, self.tau_mem_spread)[rows]
            syn = _factors(seed, _TAU_SYN, first + n, 1.0, self.tau_syn_spread)[rows]
            taus = {"tau_mem": neuron.tau_mem * mem, "tau_syn": tau_syn * syn}
        if self.dead_neurons > 0:
            u = _draw(seed, "uniform", _DEAD_NEURONS, first + n)[rows]
            taus["is_dead"] = u < self.dead_neurons
        return _core.NeuronMismatch(
            **taus,
            threshold_jitter=self.threshold_jitter,
            spike_jitter=self.spike_jitter * tau_syn,
            spurious_rate=self.spurious_rate / tau_syn,
            resolution=self.time_resolution * tau_syn,
        )

    # -- Simulation ----------------------------------------------------------------

    def _fire(self, spikes, network):
        self._check_capacity(network)
        seed, own = self.random_state, network.weights()
        setting = _setting(own, network.neurons)
        n = sum(n_out for _, n_out in network.shapes)
        factors = _factors(
            seed, _THRESHOLD, n, 1 + self.threshold_offset, self.threshold_spread
        )
        if self.threshold_drift > 0:
            # Each set of weights draws once, from a generator that is quick to make.
            key = seed << 64 | _DRIFT << 32 | setting
            drift = np.random.Generator(np.random.Philox(key=key)).standard_normal(n)
            factors = factors + self.threshold_drift * drift
            factors = np.maximum(factors, _MIN_FACTOR)
        programmed, mismatch, first = [], [], 0
        for k, (weights, neuron) in enumerate(zip(own, network.neurons, strict=True)):
            n_out = weights.shape[1]
            weights = self._programmed(weights, neuron.threshold, k)
            # A high threshold is emulated by weights that are low by the same factor.
            programmed.append(weights / factors[first : first + n_out])
            mismatch.append(self._mismatch(neuron, first, n_out))
            first += n_out
        duration = self.duration * network.neurons[0].tau_syn
        noise = seed << 32 | setting
        return network.emulate(
            spikes, mismatch, noise, weights=programmed, t_max=duration
        )
