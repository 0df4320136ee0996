"""Bindings of the core in integers, docs/spec/fixed_point.md.

Everything that reaches C passes through here and is checked here, all that
ttfs_fixed_kernels.h asks for: dtypes, shapes and ranges.

Inference divides samples among threads; a sample's bits do not depend on the others.
Learning is one sequence of samples, and one thread.
"""
import os
from dataclasses import replace
from math import log, prod
from operator import index

import joblib
import numpy as np

from cython.parallel cimport prange

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int16_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from c_fixed cimport *
from shared.c_ttfs cimport TTFS_VERSION
from shared.openmp cimport OPENMP, omp_get_max_threads

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void *address) noexcept nogil

__version__ = TTFS_VERSION.decode()

include "shared/threads.pxi"

cdef enum:
    MAX_TICKS = 16_384
    MAX_INPUTS = 65_535
    MAX_SPIKES = 1 << 24  # of a sample
    AHEAD = 2  # samples
    MAX_STRETCH = 65_535  # 16384 * 65535 + 131068 < 2^31
    MAX_WEIGHT = 2047  # 11 bits: 8191 * 2047 * 127 < 2^31
    MAX_SYN_SHIFT = 8
    MAX_MEM_SHIFT = 15

MAX_NEURONS = 65_536 - TTFS_FIXED_LANES  # of a layer: padded, they are still a uint16

# -- Instruction sets --------------------------------------------------------------

cdef const ttfs_fixed_kernels *KERNELS = NULL
cdef const ttfs_fixed_conversion *CONVERSION = NULL
cdef dict SIMD = {
    "baseline": TTFS_SIMD_BASELINE,
    "avx2": TTFS_SIMD_AVX2,
    "avx512": TTFS_SIMD_AVX512,
}


def simd():
    """Name of the instruction set in use."""
    return KERNELS.name.decode()


def simd_available():
    """Names of the instruction sets that may be used here."""
    return [name for name, n in SIMD.items() if ttfs_fixed_kernels_for(n) != NULL]


def use_simd(name):
    """Choose an instruction set for what is made from now on; None means the best."""
    global KERNELS, CONVERSION
    if name is None:
        name = max(simd_available(), key=SIMD.get)
    if name not in SIMD:
        raise ValueError(
            f"unknown instruction set {name!r}: choose one of {', '.join(SIMD)}"
        )
    if name not in simd_available():
        raise ValueError(
            f"this processor, or this build of ttfs, does not have {name!r}; "
            f"available: {', '.join(simd_available())}"
        )
    KERNELS = ttfs_fixed_kernels_for(<ttfs_simd>SIMD[name])
    CONVERSION = ttfs_fixed_conversion_for(<ttfs_simd>SIMD[name])


use_simd(os.environ.get("TTFS_SIMD") or None)


# -- Memory ------------------------------------------------------------------------


def _aligned(shape, dtype):
    """Zeros that begin at a cache line."""
    n_bytes = prod(shape) if isinstance(shape, tuple) else shape
    n_bytes *= np.dtype(dtype).itemsize
    buffer = np.zeros(n_bytes + 64, np.uint8)
    begin = 63 - (<size_t>_start(buffer) + 63) % 64
    return buffer[begin : begin + n_bytes].view(dtype).reshape(shape)


cdef void *_start(array) except? NULL:
    """Where a C-contiguous array begins; NULL if it is empty."""
    cdef const uint8_t[::1] view
    if array is None or array.size == 0:
        return NULL
    view = array.reshape(-1).view(np.uint8)
    return <void *>&view[0]


def _checked(value, dtype, shape, str name):
    """The array, of which dtype and shape must be these."""
    dtype = np.dtype(dtype)
    if not isinstance(value, np.ndarray) or value.dtype != dtype:
        got = getattr(value, "dtype", type(value).__name__)
        raise TypeError(f"{name} must be an array of {dtype}, got {got}")
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
    return value


def _array(value, dtype, shape, str name):
    """A contiguous copy of an array of which dtype and shape must be these."""
    return np.array(_checked(value, dtype, shape, name), order="C")


def _integer(value, low, high, str name):
    """An integer in [low, high]."""
    try:
        value = index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if not low <= value <= high:
        raise ValueError(f"{name} must be in [{low}, {high}], got {value}")
    return value


def _within(array, low, high, str name):
    """The array, whose elements must be in [low, high]."""
    if array.size and not (low <= array.min() and array.max() <= high):
        raise ValueError(f"{name} must be in [{low}, {high}]")
    return array


include "fixed/tick_spikes.pxi"


# -- Networks ----------------------------------------------------------------------

cdef dict FEEDBACKS = {
    "symmetric": TTFS_FIXED_SYMMETRIC,
    "random": TTFS_FIXED_RANDOM,
    "direct": TTFS_FIXED_DIRECT,
    "target": TTFS_FIXED_TARGET,
}

cdef class FixedCore:
    """A network in integers, for inference and learning.

    Parameters
    ----------
    network : ttfs.fixed.network.FixedNetwork
        It is copied; the property `network` returns it with what has been learned.
    """

    cdef readonly list shapes  # (n_in, n_out) of each layer, biases included
    cdef readonly Py_ssize_t n_outputs
    cdef const ttfs_fixed_kernels *kernels
    cdef ttfs_fixed_network net
    cdef object original, layers, prepared, scratch
    cdef object spare  # workspace of the last inference
    cdef list arrays   # all that the structs point to
    cdef list states   # (weights, lfsr, silence) of each layer
    cdef object lfsr   # of the network
    cdef bint is_running

    def __init__(self, network):
        cdef ttfs_fixed_layer *layer
        cdef Py_ssize_t k, n_layers = len(network.layers)

        self.kernels = KERNELS
        self.original = network
        self.arrays, self.states, self.shapes = [], [], []
        _integer(n_layers, 1, 65_535, "the number of layers")
        if network.feedback not in FEEDBACKS:
            raise ValueError(
                f"feedback must be one of {', '.join(FEEDBACKS)}, "
                f"got {network.feedback!r}"
            )
        self.layers = _aligned(n_layers * sizeof(ttfs_fixed_layer), np.uint8)
        layer = <ttfs_fixed_layer *>_start(self.layers)
        self.net.n_layers = <uint16_t>n_layers
        self.net.layers = layer
        n_ticks = _integer(network.n_ticks, 1, MAX_TICKS, "n_ticks")
        self.net.n_ticks = <uint16_t>n_ticks
        for k in range(n_layers):
            if np.ndim(network.layers[k].weights) != 2:
                raise ValueError("weights must have two dimensions")
            self.shapes.append(network.layers[k].weights.shape)
        for k in range(n_layers):
            self.fill(&layer[k], k)
        self.n_outputs = self.shapes[n_layers - 1][1]
        self.net.silent_delay = _integer(
            network.silent_delay, 0, 65_535, "silent_delay"
        )
        self.net.read_out = _integer(network.read_out, 0, n_ticks, "read_out")
        self.net.stretch = _integer(network.stretch, 1, MAX_STRETCH, "stretch")
        n_softmax = _integer(len(network.softmax), 1, 65_535, "the length of softmax")
        self.net.n_softmax = <uint16_t>n_softmax
        softmax = self.array(network.softmax, np.uint16, (n_softmax,), "softmax")
        if softmax[0] != 256 or softmax.max() > 256:
            raise ValueError("softmax must begin with 256, its greatest entry")
        self.net.softmax = <const uint16_t *>_start(softmax)
        self.net.reciprocal = <const uint16_t *>_start(
            self.array(network.reciprocal, np.uint16, (128,), "reciprocal")
        )
        self.net.gain = _integer(network.gain, 0, 255, "gain")
        self.net.push = _integer(network.push, -32_768, 32_767, "push")
        self.net.learn_from = _integer(network.learn_from, 0, MAX_TICKS, "learn_from")
        self.net.learn_until = _integer(
            network.learn_until, 0, MAX_TICKS, "learn_until"
        )
        self.net.feedback = <ttfs_fixed_feedback>FEEDBACKS[network.feedback]
        self.net.is_floor = bool(network.is_floor)
        self.net.drop = _integer(network.drop, 0, 255, "drop")
        self.net.may_drop = <const uint8_t *>_start(
            self.array(
                network.may_drop, np.uint8, (self.shapes[0][0],), "may_drop"
            )
        )
        self.lfsr = self.array(network.lfsr, np.uint16, (1,), "lfsr")
        _within(self.lfsr, 1, 65_535, "lfsr")
        self.net.lfsr = <uint16_t *>_start(self.lfsr)
        prepared_size = self.kernels.prepare_workspace_size(&self.net)
        self.prepared = _aligned(prepared_size, np.uint8)
        self.kernels.prepare(&self.net, _start(self.prepared))

    cdef object array(self, value, dtype, shape, str name):
        """A checked copy that lives as long as this object."""
        array = _array(value, dtype, shape, name)
        self.arrays.append(array)
        return array

    cdef int fill(self, ttfs_fixed_layer *layer, Py_ssize_t k) except -1:
        """The struct of layer k."""
        model = self.original.layers[k]
        n_layers = self.net.n_layers
        n_ticks = self.net.n_ticks
        n_in, n_out = self.shapes[k]
        _integer(n_in, 0, MAX_INPUTS, "the number of inputs of a layer")
        _integer(n_out, 1, MAX_NEURONS, "the number of neurons of a layer")
        n_bias = len(model.bias_ticks)
        if n_bias > n_in or (k > 0 and n_in - n_bias != self.shapes[k - 1][1]):
            raise ValueError(f"layer {k} does not have the inputs that enter it")
        layer.n_in, layer.n_bias, layer.n_out = n_in, n_bias, n_out
        layer.n_fixed = _integer(model.n_fixed, 0, n_bias, "n_fixed")
        stride = -(-n_out // TTFS_FIXED_LANES) * TTFS_FIXED_LANES
        layer.stride = <uint16_t>stride
        bias_ticks = self.array(model.bias_ticks, np.uint16, (n_bias,), "bias_ticks")
        _within(bias_ticks, 0, n_ticks, "bias_ticks")
        layer.bias_ticks = <const uint16_t *>_start(bias_ticks)

        # The weight, its accumulator, its current
        fraction = _integer(model.fraction, 0, 14, "fraction")
        max_stored = _integer(model.max_stored, 1, 32_767, "max_stored")
        half = (1 << fraction) >> 1
        if max_stored + half > 32_767:
            raise ValueError(
                "max_stored, rounded to a weight, does not fit into 16 bits"
            )
        greatest = (max_stored + half) >> fraction
        _integer(greatest, 0, MAX_WEIGHT, "the greatest weight")
        shift = _integer(model.current_shift, 0, 14, "current_shift")
        _integer(greatest << shift, 0, 32_767, "the current of the greatest weight")
        weights = _aligned((n_in, stride), np.int16)
        weights[:, :n_out] = _checked(model.weights, np.int16, (n_in, n_out), "weights")
        _within(weights, -max_stored, max_stored, "weights")
        layer.weights = <int16_t *>_start(weights)
        layer.fraction, layer.current_shift = fraction, shift
        layer.max_stored = max_stored
        layer.threshold = _integer(model.threshold, 1, 32_767, "threshold")

        layer.syn_shift = _integer(model.syn_shift, 0, MAX_SYN_SHIFT, "syn_shift")
        max_mem_shift = MAX_MEM_SHIFT if layer.syn_shift else 0
        layer.mem_shift = _integer(model.mem_shift, 0, max_mem_shift, "mem_shift")
        n_entries = 0 if layer.syn_shift else n_ticks + 1
        for name in ("decay_mem", "decay_syn", "kappa"):
            table = self.array(getattr(model, name), np.int16, (n_entries,), name)
            _within(table, 0, 32_767, name)
            if name == "decay_mem":
                layer.decay_mem = <const int16_t *>_start(table)
            elif name == "decay_syn":
                layer.decay_syn = <const int16_t *>_start(table)
            else:
                layer.kappa = <const int16_t *>_start(table)
        layer.slope_mem = _integer(model.slope_mem, -32_767, 32_767, "slope_mem")
        layer.slope_syn = _integer(model.slope_syn, -32_767, 32_767, "slope_syn")
        layer.slope_bounds = <const int16_t *>_start(
            self.array(
                model.slope_bounds, np.int16, (TTFS_FIXED_SLOPE_BOUNDS,), "slope_bounds"
            )
        )
        kernel = self.array(model.kernel, np.int8, (n_ticks + 1,), "kernel")
        kernel_slope = self.array(
            model.kernel_slope, np.int8, (n_ticks + 1,), "kernel_slope"
        )
        _within(kernel, 0, 127, "kernel")
        _within(kernel_slope, -127, 127, "kernel_slope")
        if kernel[0] != 0 or kernel_slope[0] != 0:
            raise ValueError("kernel and kernel_slope must begin with 0")
        layer.kernel = <const int8_t *>_start(kernel)
        layer.kernel_slope = <const int8_t *>_start(kernel_slope)

        layer.rest = _integer(model.rest, -32_768, 32_767, "rest")
        layer.decay = _integer(model.decay, -32_768, 32_767, "decay")
        layer.rate_shift = _integer(model.rate_shift, 0, 30, "rate_shift")
        layer.feedback = NULL
        if k + 1 < n_layers:
            layer.error_shift = _integer(model.error_shift, 5, 25, "error_shift")
            if self.original.feedback != "symmetric":
                is_random = self.original.feedback == "random"
                columns = self.shapes[k + 1 if is_random else n_layers - 1][1]
                feedback = self.array(
                    model.feedback, np.int16, (n_out, columns), "feedback"
                )
                if is_random:
                    _within(feedback, -MAX_WEIGHT, MAX_WEIGHT, "feedback")
                layer.feedback = <const int16_t *>_start(feedback)
        sums = _aligned((n_in, stride), np.int32)
        touched = np.zeros(n_in, np.uint8)
        lfsr, silence = _aligned((2, stride), np.uint16)[0], np.zeros(stride, np.uint8)
        lfsr[:] = 1
        lfsr[:n_out] = _within(
            _array(model.lfsr, np.uint16, (n_out,), "lfsr"), 1, 65_535, "lfsr"
        )
        silence[:n_out] = _array(model.silence, np.uint8, (n_out,), "silence")
        layer.sums = <int32_t *>_start(sums)
        layer.touched = <uint8_t *>_start(touched)
        layer.lfsr = <uint16_t *>_start(lfsr)
        layer.silence = <uint8_t *>_start(silence)
        self.arrays += [weights, sums, touched, lfsr, silence]
        self.states.append((weights[:, :n_out], lfsr[:n_out], silence[:n_out]))
        return 0

    cdef object stored(self, weights, Py_ssize_t k):
        """The weights of layer k, checked."""
        max_stored = self.original.layers[k].max_stored
        weights = _array(weights, np.int16, self.shapes[k], "weights")
        return _within(weights, -max_stored, max_stored, "weights")

    def set_weights(self, weights):
        """Replace the weights (n_in, n_out) of each layer, int16, biases last."""
        if len(weights) != len(self.shapes):
            raise ValueError(f"there are {len(self.shapes)} layers, not {len(weights)}")
        weights = [self.stored(w, k) for k, w in enumerate(weights)]
        self.check_idle()
        for (own, _, _), w in zip(self.states, weights, strict=True):
            own[:] = w
        self.prepare()

    def rows(self):
        """The weights (n_in, n_out) of each layer, for the Trainer of real weights.

        It writes there what it has rounded, within `max_weights` of its `round`, and
        calls `prepare`.
        """
        return [weights for weights, _, _ in self.states]

    def prepare(self):
        """Compute with the weights that are in `rows` now."""
        self.check_idle()
        self.kernels.prepare(&self.net, _start(self.prepared))

    @property
    def simd(self):
        """Name of the instruction set that computes."""
        return self.kernels.name.decode()

    def network(self):
        """The model as it is now: weights, registers and silence are copies."""
        layers = [
            replace(
                layer, weights=weights.copy(), lfsr=lfsr.copy(), silence=silence.copy()
            )
            for layer, (weights, lfsr, silence) in zip(
                self.original.layers, self.states, strict=True
            )
        ]
        return replace(self.original, layers=layers, lfsr=self.lfsr.copy())

    cdef int check_idle(self) except -1:
        if self.is_running:
            raise RuntimeError("this network is learning already, in another thread")
        return 0

    cdef int check(self, TickSpikes events) except -1:
        if events.n_in != self.shapes[0][0]:
            raise ValueError(
                f"events must be of {self.shapes[0][0]} inputs, not {events.n_in}"
            )
        if events.n_ticks > self.net.n_ticks:
            raise ValueError(f"an event is outside [0, {self.net.n_ticks}) ticks")
        return 0

    cdef double n_events(self, TickSpikes events) except -1:
        """Synaptic events that a sample of average activity makes."""
        cdef double n = 0.0
        active = events.n_spikes / max(1, events.n_samples)
        for k, (n_in, n_out) in enumerate(self.shapes):
            n += (n_in if k > 0 else active) * n_out
        return n

    def labels(self, TickSpikes events not None):
        """The number (n_samples,) of the output neuron that decides, uintp."""
        labels = np.zeros(len(events), np.uintp)
        self.infer(events, None, None, labels)
        return labels

    def run(self, TickSpikes events not None):
        """What every neuron does.

        Returns
        -------
        ticks : list of ndarray of shape (n_samples, n_out), uint16
            The spike times of each layer; n_ticks = silent.
        u : list of ndarray of shape (n_samples, n_out), int16
            The membrane at the spike, or its peak.
        """
        ticks = [np.empty((len(events), n), np.uint16) for _, n in self.shapes]
        u = [np.empty((len(events), n), np.int16) for _, n in self.shapes]
        self.infer(events, ticks, u, None)
        return ticks, u

    def fire(self, TickSpikes events not None):
        """`ticks` of `run`, and `u` of the last layer alone, which is faster."""
        ticks = [np.empty((len(events), n), np.uint16) for _, n in self.shapes]
        u = np.empty((len(events), self.n_outputs), np.int16)
        self.infer(events, ticks, (len(self.shapes) - 1) * [None] + [u], None)
        return ticks, u

    cdef int infer(
        self, TickSpikes events, list ticks, list u, size_t[::1] labels
    ) except -1:
        cdef Py_ssize_t n_samples = events.n_samples, n_layers = len(self.shapes)
        cdef Py_ssize_t part, n_parts, s, n, k
        cdef size_t size
        cdef uint16_t **ticks_of = NULL
        cdef int16_t **u_of = NULL
        cdef uint16_t[:, ::1] part_ticks
        cdef int16_t[:, ::1] part_u
        cdef char *scratch
        cdef void *prepared = _start(self.prepared)
        cdef ttfs_fixed_lists mine

        self.check(events)
        if n_samples == 0:
            return 0
        work = n_samples * self.n_events(events)
        n_parts = _parts(n_samples, work)
        size = self.kernels.infer_workspace_size(&self.net, events.max_spikes)
        size = (size + 63) // 64 * 64
        workspaces, self.spare = self.spare, None
        if workspaces is None or workspaces.size < n_parts * size:
            workspaces = _aligned(n_parts * size, np.uint8)
        scratch = <char *>_start(workspaces)
        pointers = np.zeros((2, n_parts, n_layers), np.uintp)
        if ticks is not None:
            ticks_of = <uint16_t **>_start(pointers[0])
            u_of = <int16_t **>_start(pointers[1])
            for part in range(n_parts):
                s = n_samples * part // n_parts
                for k in range(n_layers):
                    part_ticks = ticks[k]
                    ticks_of[part * n_layers + k] = &part_ticks[s, 0]
                    if u[k] is not None:
                        part_u = u[k]
                        u_of[part * n_layers + k] = &part_u[s, 0]
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = n_samples * part // n_parts
            n = n_samples * (part + 1) // n_parts - s
            mine = _from(events.lists, s)
            self.kernels.infer(
                &self.net, prepared, &mine, n,
                NULL if ticks_of == NULL else ticks_of + part * n_layers,
                NULL if u_of == NULL else u_of + part * n_layers,
                NULL if labels is None else &labels[s],
                scratch + part * size,
            )
        self.spare = workspaces
        return 0

    def errors(self, TickSpikes events not None, const size_t[::1] labels not None):
        """What learning from each sample would begin with, by the header itself.

        Weights stay; the register of deletions and what counts silence go on.

        Parameters
        ----------
        events : TickSpikes
        labels : ndarray of shape (n_samples,), uintp

        Returns
        -------
        left : TickSpikes
            What the deletions of input spikes leave.
        ticks : list of ndarray of shape (n_samples, n_out), uint16
        errors : list of ndarray of shape (n_samples, n_out), int16
        """
        cdef Py_ssize_t n_layers = len(self.shapes), s, k
        cdef size_t n, begin
        cdef uint16_t[:, ::1] pairs, sample_ticks
        cdef int16_t[:, ::1] sample_errors
        cdef size_t[::1] first, last
        cdef ttfs_fixed_workspace work
        cdef ttfs_fixed_state *state
        cdef ttfs_fixed_event *sample
        cdef TickSpikes left = TickSpikes.__new__(TickSpikes)

        self.check_idle()
        self.check(events)
        if labels.shape[0] != events.n_samples:
            raise ValueError("labels must have one entry per sample")
        _within(np.asarray(labels), 0, self.n_outputs - 1, "labels")
        kept = np.empty((events.n_spikes, 2), np.uint16)
        bounds = np.empty((2, len(events)), np.uintp)
        pairs, first, last = kept, bounds[0], bounds[1]
        ticks = [np.empty((len(events), n_out), np.uint16) for _, n_out in self.shapes]
        errors = [np.empty((len(events), n_out), np.int16) for _, n_out in self.shapes]

        max_spikes = max(events.max_spikes, *(n_in for n_in, _ in self.shapes))
        sample_spikes = _aligned((max_spikes + 1, 2), np.uint16)
        counts = _aligned(self.net.n_ticks, np.uint16)
        states = _aligned(n_layers * sizeof(ttfs_fixed_state), np.uint8)
        rest = [_aligned((2, n_out), np.int16) for _, n_out in self.shapes]
        sample = work.events = <ttfs_fixed_event *>_start(sample_spikes)
        work.counts = <uint16_t *>_start(counts)
        state = work.states = <ttfs_fixed_state *>_start(states)
        begin = 0
        for s in range(events.n_samples):
            for k in range(n_layers):
                sample_ticks, sample_errors = ticks[k], errors[k]
                state[k].ticks = &sample_ticks[s, 0]
                state[k].error = &sample_errors[s, 0]
                state[k].u = <int16_t *>_start(rest[k])
                state[k].slope = state[k].u + sample_errors.shape[1]
            n = events.lists.end[s] - events.lists.begin[s]
            memcpy(sample, events.lists.events + events.lists.begin[s],
                   n * sizeof(ttfs_fixed_event))
            n = ttfs_fixed_drop_inputs(&self.net, sample, <uint32_t>n)
            first[s], last[s] = begin, begin + n
            if n:
                memcpy(&pairs[begin, 0], sample, n * sizeof(ttfs_fixed_event))
            begin += n
            ttfs_fixed_forward(&self.net, <uint32_t>n, &work)
            ttfs_fixed_errors(&self.net, state, <uint32_t>labels[s])
        left.fill(kept[:begin], bounds[0], bounds[1], events.n_in)
        return left, ticks, errors

    def train(
        self,
        TickSpikes events not None,
        const size_t[::1] labels not None,
        const size_t[::1] order not None,
        Py_ssize_t batch_size,
        const uint16_t[::1] gains not None,
        const uint8_t[:, ::1] rate_shifts not None,
        const int16_t[:, ::1] decays not None,
    ):
        """Learn from samples in the given order; an epoch, or a part of one.

        Parameters
        ----------
        events : TickSpikes
            The spikes of the data set, biases of the first layer included.
        labels : ndarray of shape (n_samples,), uintp
        order : ndarray of shape (n,), uintp
            Numbers of samples.
        batch_size : int
            At most 2048, divided by `events.repeats`.
        gains : ndarray of shape (n_batches,), uint16
            Gain of each batch; there are ceil(n / batch_size) batches.
        rate_shifts : ndarray of shape (n_batches, n_layers), uint8
        decays : ndarray of shape (n_batches, n_layers), int16

        Returns
        -------
        n_correct : int
            Samples that were classified correctly before they were learned.
        loss : float
            Sum of their cross-entropies, from probabilities of 8 bits: one of 0 counts
            as half a step, 1/512.

        Signals are looked at between batches, every few milliseconds: KeyboardInterrupt
        leaves whole batches in place. RuntimeError if another thread is in this method.
        """
        self.check_idle()
        self.is_running = True
        try:
            # Copies: C trusts what has been checked.
            return self.learn(
                events, np.array(labels), np.array(order), batch_size, np.array(gains),
                np.array(rate_shifts), np.array(decays),
            )
        finally:
            self.is_running = False

    cdef object learn(
        self, TickSpikes events, const size_t[::1] labels, const size_t[::1] order,
        Py_ssize_t batch_size, const uint16_t[::1] gains,
        const uint8_t[:, ::1] rate_shifts, const int16_t[:, ::1] decays,
    ):
        cdef Py_ssize_t n_order = order.shape[0], n_layers = len(self.shapes)
        cdef Py_ssize_t n_batches, batch, begin, n, k
        cdef size_t n_samples = events.n_samples, n_classes = self.n_outputs
        cdef double n_events, since = 0.0
        cdef ttfs_fixed_layer *layers = <ttfs_fixed_layer *>self.net.layers
        cdef ttfs_fixed_tally tally
        cdef void *prepared = _start(self.prepared)
        cdef void *scratch

        self.check(events)
        _integer(
            batch_size, 1, TTFS_FIXED_MAX_SAMPLES // max(1, events.repeats),
            "batch_size",
        )
        n_batches = (n_order + batch_size - 1) // batch_size
        if labels.shape[0] != events.n_samples:
            raise ValueError("labels must have one entry per sample")
        if gains.shape[0] != n_batches:
            raise ValueError(f"gains must have {n_batches} entries")
        for name, array in (("rate_shifts", rate_shifts), ("decays", decays)):
            if np.shape(array) != (n_batches, n_layers):
                raise ValueError(f"{name} must have shape ({n_batches}, {n_layers})")
        _within(np.asarray(labels), 0, n_classes - 1, "labels")
        _within(np.asarray(order), 0, n_samples - 1, "order")
        _within(np.asarray(gains), 0, 255, "gains")
        _within(np.asarray(rate_shifts), 0, 30, "rate_shifts")
        if n_order == 0:
            return 0, 0.0
        size = self.kernels.train_workspace_size(&self.net, events.max_spikes)
        if self.scratch is None or self.scratch.size < size:
            self.scratch = _aligned(size, np.uint8)
        scratch = _start(self.scratch)
        memset(&tally, 0, sizeof(tally))
        n_events = self.n_events(events)
        with nogil:
            for batch in range(n_batches):
                begin = batch * batch_size
                n = min(batch_size, n_order - begin)
                self.net.gain = gains[batch]
                for k in range(n_layers):
                    layers[k].rate_shift = rate_shifts[batch, k]
                    layers[k].decay = decays[batch, k]
                self.kernels.train(
                    &self.net, prepared, &events.lists, &labels[0], &order[begin], n,
                    &tally, scratch,
                )
                since += n * n_events
                if since > SIGNAL_INTERVAL:
                    since = 0.0
                    with gil:
                        PyErr_CheckSignals()
        PyErr_CheckSignals()
        loss = 0.0
        for k in range(257):
            if tally.p_label[k]:
                loss -= tally.p_label[k] * log(max(k, 0.5) / 256)
        return tally.n_correct, loss


cdef inline ttfs_fixed_lists _from(ttfs_fixed_lists lists, Py_ssize_t s) noexcept nogil:
    """The lists of sample s and those after it."""
    lists.begin, lists.end = lists.begin + s, lists.end + s
    return lists
