"""Bindings of the C core.

Everything that reaches C passes through here and is checked here: shapes, dtypes and
contiguity (by the memoryview types), empty arrays, label range. Values are checked by
the callers in Python: times finite or +inf, all else finite.

Work is divided into parts, one for each thread, by samples or by neurons. What a sample
or a neuron does never depends on where the borders are, and parts never write to the
same place, so results have the same bits for any number of threads.
"""
import os
from math import frexp, ldexp
from types import SimpleNamespace

import joblib
import numpy as np

from cython.parallel cimport prange

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from _threads cimport OPENMP, omp_get_max_threads
from c_ttfs cimport *

cdef enum:  # functions of Events
    FIRST_SPIKE
    PEAK
    SLOPE
    GRAD_TIMES

cdef enum:  # how samples pass through a network
    IDEAL
    CHIP
    CLOCKED

cdef enum:
    MOST_INPUTS = 1 << 24
    MOST_SPIKES = 1 << 24  # of a sample, whose numbers float32 can hold
    MOST_LAYERS = 64
    MARGIN = 16  # what v_compress() may write after the last spike
    SMALL = 300_000  # synaptic events: below this threads cost more than they give
    OFTEN = 30_000_000  # synaptic events between two looks at signals: some 10 ms
    SYNAPTIC_COST = 8  # of an event with a delay of its own, to one without

cdef double LAST = 0.99 * TTFS_TIME_LIMIT  # a horizon that is never reached
cdef double MOST_STEPS = 1e15  # of a clocked network: all of them are exact numbers

ctypedef fused real:
    float
    double

ctypedef fused feature:
    float
    double

__version__ = TTFS_VERSION.decode()
TIME_LIMIT = TTFS_TIME_LIMIT  # times and weights stay below it

cdef int CPU_COUNT = joblib.cpu_count()  # what this process may use


# The OpenMP runtime of gcc hangs in a forked child if its parent has used threads.
cdef bint is_forked = False


def _note_fork():
    global is_forked
    is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def n_threads():
    """Threads that the core uses for large batches.

    ``OMP_NUM_THREADS`` and ``threadpoolctl`` decide; without them, the CPUs that this
    process may use. One in a forked child process.
    """
    if is_forked:
        return 1
    if "OMP_NUM_THREADS" in os.environ:
        return omp_get_max_threads()
    return min(omp_get_max_threads(), CPU_COUNT)


cdef int _parts(Py_ssize_t n, double n_events) except -1:
    """Parts for n things that take n_events synaptic events in all."""
    if n_events < SMALL or n < 2:
        return 1
    return <int>min(n, min(<double>n_threads(), 2 * n_events / SMALL))


# -- Instruction sets --------------------------------------------------------------

cdef const ttfs_kernels *KERNELS = NULL
cdef const ttfs_kernels_f *KERNELS_F = NULL
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
    return [name for name, n in SIMD.items() if ttfs_kernels_for(n) != NULL]


def use_simd(name):
    """Choose an instruction set; None means the best.

    What has been made before - networks, trainers - must not be used afterwards.
    """
    global KERNELS, KERNELS_F
    if name is None:
        choice = ttfs_simd_best()
    elif name in SIMD:
        choice = <ttfs_simd>SIMD[name]
    else:
        raise ValueError(
            f"unknown instruction set {name!r}: choose one of {', '.join(SIMD)}"
        )
    if ttfs_kernels_for(choice) == NULL:
        raise ValueError(
            f"this processor, or this build of ttfs, does not have {name!r}; "
            f"available: {', '.join(simd_available())}"
        )
    KERNELS = ttfs_kernels_for(choice)
    KERNELS_F = ttfs_kernels_for_f(choice)


use_simd(os.environ.get("TTFS_SIMD") or None)


def has_openmp():
    """Whether the core was built with OpenMP."""
    return OPENMP != 0


# -- Memory ------------------------------------------------------------------------

cdef class Room:
    """Bytes for the C core, at the start of a cache line."""

    cdef unsigned char[::1] buffer
    cdef void *start

    def __cinit__(self, size_t size):
        self.buffer = np.zeros(size + 64, np.uint8)
        self.start = <void *>((<size_t>&self.buffer[0] + 63) // 64 * 64)


cdef int _init(ttfs_neuron *neuron, object parameters) except -1:
    cdef ttfs_status status = ttfs_neuron_init(
        neuron, parameters.tau_mem, parameters.tau_syn, parameters.threshold
    )
    if status != TTFS_OK:
        raise ValueError(ttfs_strerror(status).decode())
    return 0


def check_neuron(parameters):
    """Raise ValueError unless parameters has a valid tau_mem, tau_syn, threshold."""
    cdef ttfs_neuron neuron
    _init(&neuron, parameters)


# -- Units -------------------------------------------------------------------------
#
# The kernels are given times and weights in units that are powers of two, so chosen
# that tau_syn and the threshold (of the first layer) are in [1, 2): single precision
# is then far from its limits whatever the units outside, and no number loses a bit on
# its way in or out, so that results are the same in all units.

cdef enum:
    WIDEST = 40  # binary orders of magnitude between the layers of a network


def powers_of(neuron):
    """The units of a neuron's times and of its threshold: their exponents."""
    check_neuron(neuron)
    return frexp(neuron.tau_syn)[1] - 1, frexp(neuron.threshold)[1] - 1


def in_units(neuron, int time, int threshold):
    """Parameters of a neuron in units of 2^time and 2^threshold."""
    return SimpleNamespace(
        tau_mem=ldexp(neuron.tau_mem, -time),
        tau_syn=ldexp(neuron.tau_syn, -time),
        threshold=ldexp(neuron.threshold, -threshold),
    )


def shift(array, int power, str name, double limit=TTFS_TIME_LIMIT):
    """array * 2^power, or the array itself where that is the same.

    Raises ValueError where the magnitude of a finite number is not below `limit` then.
    """
    if power == 0:
        return array
    with np.errstate(over="ignore", under="ignore"):
        shifted = np.ldexp(array, power)
    if np.any((np.abs(shifted) >= limit) & np.isfinite(array)):
        raise ValueError(
            f"{name} are out of range: choose units in which tau_syn and the threshold "
            "are nearer to 1"
        )
    return shifted


cdef object _same_shape(object array, Py_ssize_t rows, Py_ssize_t columns, str name):
    if array.shape[0] != rows or array.shape[1] != columns:
        raise ValueError(
            f"{name} must have shape ({rows}, {columns}), "
            f"got ({array.shape[0]}, {array.shape[1]})"
        )


# -- Spikes ------------------------------------------------------------------------

cdef class Spikes:
    """The spikes that enter a layer or network: of each sample, sorted by time.

    Made by `encode`, which is trusted with the numbers of inputs and their order.
    """

    cdef readonly object times      # float32 or float64; with gaps
    cdef readonly object inputs     # uint32
    cdef readonly object begin      # (n_samples,) uintp: where each sample begins
    cdef readonly object end        # (n_samples,) uintp: and ends
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_spikes
    cdef readonly Py_ssize_t n_in   # with biases
    cdef readonly Py_ssize_t most   # spikes of a sample
    cdef const size_t[::1] _begin, _end
    cdef const uint32_t[::1] _inputs
    cdef const float[::1] _times_f
    cdef const double[::1] _times_d

    def __cinit__(self, times, inputs, begin, end, Py_ssize_t n_in):
        if not (len(times) == len(inputs) and len(begin) == len(end)):
            raise ValueError("arrays of spikes must have the same length")
        if np.any(begin > end) or np.any(end > len(times)):
            raise ValueError("a sample's spikes are out of range")
        counts = end - begin
        self.most = int(counts.max(initial=0))
        if self.most >= MOST_SPIKES:
            raise ValueError(f"a sample must have fewer than {MOST_SPIKES} spikes")
        self.times, self.inputs, self.begin, self.end = times, inputs, begin, end
        self.n_in = n_in
        self.n_samples = len(begin)
        self.n_spikes = int(counts.sum())
        self._begin = begin
        self._end = end
        self._inputs = inputs
        if times.dtype == np.float32:
            self._times_f = times
        else:
            self._times_d = times

    def __len__(self):
        return self.n_samples

    cdef Spikes shifted(self, int power):
        """The same spikes with times multiplied by 2^power."""
        if power == 0:
            return self
        first = self.begin[self.end > self.begin]
        shift(self.times[first], power, "times")  # of each sample the most negative
        with np.errstate(all="ignore"):  # gaps may hold anything
            times = np.ldexp(self.times, power)
        return Spikes(times, self.inputs, self.begin, self.end, self.n_in)

    cdef ttfs_spikes_f view_f(self) noexcept:
        cdef ttfs_spikes_f view
        view.begin = &self._begin[0]
        view.end = &self._end[0]
        view.times = &self._times_f[0]
        view.inputs = &self._inputs[0]
        return view

    cdef ttfs_spikes view_d(self) noexcept:
        cdef ttfs_spikes view
        view.begin = &self._begin[0]
        view.end = &self._end[0]
        view.times = &self._times_d[0]
        view.inputs = &self._inputs[0]
        return view

    def dense(self, n_in=None):
        """First spikes (n_samples, n_in) of the first n_in inputs; +inf = absent."""
        n = self.n_in if n_in is None else n_in
        out = np.full((self.n_samples, n), np.inf, self.times.dtype)
        counts = (self.end - self.begin).astype(np.intp)
        rows = np.repeat(np.arange(self.n_samples), counts)
        starts = np.cumsum(counts) - counts
        places = np.arange(len(rows)) - starts[rows] + self.begin.astype(np.intp)[rows]
        inputs = self.inputs[places]
        kept = (inputs < n)[::-1]
        # The last assignment holds: that of the earliest spike.
        rows, inputs, times = rows[::-1], inputs[::-1], self.times[places][::-1]
        out[rows[kept], inputs[kept]] = times[kept]
        return out


# In a prange a variable belongs to the thread if the whole of it is assigned.
cdef inline ttfs_spikes_f _from_f(ttfs_spikes_f spikes, Py_ssize_t s) noexcept nogil:
    """The lists of sample s and those after it."""
    spikes.begin, spikes.end = spikes.begin + s, spikes.end + s
    return spikes


cdef inline ttfs_spikes _from_d(ttfs_spikes spikes, Py_ssize_t s) noexcept nogil:
    """The lists of sample s and those after it."""
    spikes.begin, spikes.end = spikes.begin + s, spikes.end + s
    return spikes


cdef ttfs_encoder _encoder_of(object encoder, dict keep) except *:
    """The C struct for a ttfs._encoding.Encoder; `keep` holds its arrays."""
    cdef ttfs_encoder e
    cdef const double[::1] low, high, scale, absent
    cdef const uint32_t[::1] complemented, always
    e.n_features = encoder.n_features
    e.is_spike_times = encoder.kind == "spike_times"
    e.begin = encoder.begin
    e.window = encoder.window
    e.n_complemented = e.n_always = e.n_fields = 0
    e.low = e.high = e.scale = e.absent = NULL
    e.complemented = e.always = NULL
    if e.is_spike_times or e.n_features == 0:
        return e
    n = encoder.n_features
    for name in ("low", "high", "scale", "absent"):
        if len(getattr(encoder, name)) != n:
            raise ValueError(f"{name} must have {n} entries")
    low = encoder.low
    high = encoder.high
    scale = encoder.scale
    absent = encoder.absent
    complemented = encoder.complemented
    always = encoder.always
    keep["arrays"] = [
        np.asarray(low), np.asarray(high), np.asarray(scale), np.asarray(absent),
        np.asarray(complemented), np.asarray(always),
    ]
    e.low, e.high, e.scale = &low[0], &high[0], &scale[0]
    e.absent = &absent[0]
    for part in keep["arrays"][-2:]:
        if len(part) and part.max() >= n:
            raise ValueError("a feature is out of range")
    e.n_complemented, e.n_always = len(complemented), len(always)
    if encoder.kind == "population":
        if encoder.n_receptive_fields < 3:
            raise ValueError("a population code needs at least 3 receptive fields")
        e.n_fields = encoder.n_receptive_fields
    if len(complemented):
        e.complemented = &complemented[0]
    if len(always):
        e.always = &always[0]
    return e


cdef inline size_t _encode_row(
    const ttfs_encoder *e, const feature *x, const real *bias, size_t n_bias,
    double t_max, real *times, uint32_t *inputs, void *scratch,
) noexcept nogil:
    if real is float:
        if feature is float:
            return KERNELS_F.encode_float(
                e, x, bias, n_bias, t_max, times, inputs, scratch
            )
        else:
            return KERNELS_F.encode_double(
                e, x, bias, n_bias, t_max, times, inputs, scratch
            )
    else:
        if feature is float:
            return KERNELS.encode_float(
                e, x, bias, n_bias, t_max, times, inputs, scratch
            )
        else:
            return KERNELS.encode_double(
                e, x, bias, n_bias, t_max, times, inputs, scratch
            )


cdef inline size_t _encode_sparse_row(
    const ttfs_encoder *e, const feature *x, const int32_t *features, size_t n_stored,
    const real *bias, size_t n_bias, double t_max, real *times, uint32_t *inputs,
    void *scratch,
) noexcept nogil:
    if real is float:
        if feature is float:
            return KERNELS_F.encode_sparse_float(
                e, x, features, n_stored, bias, n_bias, t_max, times, inputs, scratch
            )
        else:
            return KERNELS_F.encode_sparse_double(
                e, x, features, n_stored, bias, n_bias, t_max, times, inputs, scratch
            )
    else:
        if feature is float:
            return KERNELS.encode_sparse_float(
                e, x, features, n_stored, bias, n_bias, t_max, times, inputs, scratch
            )
        else:
            return KERNELS.encode_sparse_double(
                e, x, features, n_stored, bias, n_bias, t_max, times, inputs, scratch
            )


def _encode(
    object encoder,
    const feature[::1] values,
    const int64_t[::1] rows,
    const int32_t[::1] features,
    const real[::1] bias_times,
    double t_max,
):
    """Dense rows where features is None, else CSR with rows as its indptr."""
    cdef dict keep = {}
    cdef ttfs_encoder e = _encoder_of(encoder, keep)
    cdef bint sparse = features is not None
    cdef size_t n_bias = bias_times.shape[0]
    cdef Py_ssize_t n_features = e.n_features, n_samples, s, part, n_parts
    cdef const real *bias = &bias_times[0] if n_bias else NULL
    cdef const feature *x = &values[0] if values.shape[0] else NULL
    cdef const int32_t *indices = NULL
    cdef size_t room, at, per_value, extra, n_values
    cdef char *scratch
    cdef size_t[::1] begin, end
    cdef real[::1] times
    cdef uint32_t[::1] inputs
    cdef Room rooms

    if sparse:
        n_samples = rows.shape[0] - 1
        n_values = np.diff(rows).max(initial=0)
        indices = &features[0] if features.shape[0] else NULL
    else:
        n_samples = values.shape[0] // n_features if n_features else 0
        n_values = n_features
    room = KERNELS_F.encode_workspace_size(&e, n_values, n_bias) if real is float \
        else KERNELS.encode_workspace_size(&e, n_values, n_bias)
    room = (room + 63) // 64 * 64
    n_parts = _parts(n_samples, 8.0 * (values.shape[0] + n_samples))
    rooms = Room(n_parts * room)
    # Room for the greatest number of spikes; what is not written costs no memory. The
    # spikes of a part follow one another.
    per_value = TTFS_MAX_ACTIVE if e.n_fields else 1
    extra = e.n_complemented + n_bias + (per_value * e.n_always if sparse else 0)
    most = per_value * values.shape[0] + n_samples * extra + n_parts * MARGIN
    out_times = np.empty(most, np.float32 if real is float else np.float64)
    out_inputs = np.empty(most, np.uint32)
    bounds = np.zeros((2, n_samples + 1), np.uintp)
    times, inputs, begin, end = out_times, out_inputs, bounds[0], bounds[1]
    for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                       schedule="static"):
        scratch = <char *>rooms.start + part * room
        s = n_samples * part // n_parts
        at = per_value * (rows[s] if sparse else s * n_features) + s * extra
        at = at + part * MARGIN
        for s in range(n_samples * part // n_parts, n_samples * (part + 1) // n_parts):
            begin[s] = at
            if sparse:
                at = at + _encode_sparse_row(
                    &e, x + rows[s], indices + rows[s], rows[s + 1] - rows[s], bias,
                    n_bias, t_max, &times[at], &inputs[at], scratch,
                )
            else:
                at = at + _encode_row(
                    &e, x + s * n_features, bias, n_bias, t_max, &times[at],
                    &inputs[at], scratch,
                )
            end[s] = at
    n_in = encoder.n_channels + n_bias
    return Spikes(out_times, out_inputs, bounds[0, :-1], bounds[1, :-1], n_in)


def check_n_channels(n_in):
    """Raise ValueError if a layer has too many inputs for the core."""
    if n_in >= MOST_INPUTS:
        raise ValueError(
            f"a layer must have fewer than {MOST_INPUTS} inputs, not {n_in}"
        )


def encode(encoder, X, bias_times, double t_max):
    """Spikes of features X (n_samples, n_features), dense or CSR, and of biases.

    Parameters
    ----------
    encoder : Encoder
        Fitted.
    X : ndarray or csr_array, float32 or float64
        CSR: with sorted indices; without duplicates, unless features are spike times.
    bias_times : ndarray of shape (n_bias,), float32 or float64
        Its dtype is that of the spikes.
    t_max : float
        Spikes at or after it are left out.
    """
    if X.shape[1] != encoder.n_features:
        raise ValueError(f"X must have {encoder.n_features} columns, not {X.shape[1]}")
    check_n_channels(encoder.n_channels + len(bias_times))
    if isinstance(X, np.ndarray):
        if encoder.n_features == 0:
            raise ValueError("X has no columns")
        values = np.require(X, requirements=["C", "A"]).reshape(-1)
        return _encode(encoder, values, None, None, bias_times, t_max)
    rows = X.indptr.astype(np.int64)
    if len(rows) != X.shape[0] + 1 or rows[0] != 0 or np.any(np.diff(rows) < 0):
        raise ValueError("indptr of the sparse matrix is not valid")
    if rows[len(rows) - 1] > min(len(X.indices), len(X.data)):
        raise ValueError("the sparse matrix has fewer entries than its indptr says")
    if len(X.indices) and (X.indices.min() < 0 or X.indices.max() >= X.shape[1]):
        raise ValueError("an index of the sparse matrix is out of range")
    # A channel may have several spikes.
    ascends = np.diff(X.indices) >= (0 if encoder.kind == "spike_times" else 1)
    inner = rows[1 : len(rows) - 1]
    ascends[inner[(inner > 0) & (inner <= len(ascends))] - 1] = True  # a new row
    if not ascends[: max(0, rows[len(rows) - 1] - 1)].all():
        raise ValueError("indices of the sparse matrix must ascend in each row")
    stored = slice(0, int(rows[len(rows) - 1]))
    indices = np.require(X.indices[stored], np.int32, ["C", "A"])
    values = np.require(X.data[stored], requirements=["C", "A"])
    return _encode(encoder, values, rows, indices, bias_times, t_max)


def spikes_at(times, bias_times, double t_max=float("inf")):
    """Spikes of given times, and of biases, which are the last inputs.

    Parameters
    ----------
    times : ndarray of shape (n_samples, n_in), float32 or float64
        C-contiguous; +inf = no spike.
    bias_times : array-like of shape (n_bias,)
    t_max : float
        Spikes at or after it are left out.
    """
    n_samples, n_in = times.shape
    bias_times = np.ascontiguousarray(bias_times, times.dtype)
    n_bias = len(bias_times)
    check_n_channels(n_in + n_bias)
    if n_in == 0 and n_bias:
        raise ValueError("times must have at least one column")
    if n_samples == 0 or n_in == 0:
        nowhere = np.zeros(n_samples, np.uintp)
        inputs = np.empty(1, np.uint32)
        return Spikes(np.empty(1, times.dtype), inputs, nowhere, nowhere, n_in + n_bias)
    as_they_are = SimpleNamespace(
        kind="spike_times", begin=0.0, window=0.0, n_features=n_in, n_channels=n_in,
    )
    return encode(as_they_are, times, bias_times, t_max)


# -- One layer ---------------------------------------------------------------------

cdef class Events:
    """Input spikes of a batch, sorted, for layers of one kind of neuron.

    Parameters
    ----------
    times : ndarray of shape (n_samples, n_in), float32 or float64
        Spike times, +inf = absent. The dtype is that of all arrays used later.
    neuron : LIF
    t_max : float
        Horizon: no spike is at or after it; may be +inf.
    """

    cdef ttfs_neuron neuron  # in the units of `time` and `threshold`, as is all below
    cdef Spikes spikes
    cdef double horizon
    cdef bint single
    cdef int time, threshold  # powers of the units
    cdef readonly double t_max
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_in

    def __cinit__(self, times, neuron, double t_max=float("inf")):
        if times is None:
            raise TypeError("times must be an array")
        self.time, self.threshold = powers_of(neuron)
        _init(&self.neuron, in_units(neuron, self.time, self.threshold))
        self.t_max = t_max
        self.horizon = ldexp(t_max, -self.time)
        times = shift(times, -self.time, "times")
        self.spikes = spikes_at(times, (), self.horizon)
        self.n_samples, self.n_in = self.spikes.n_samples, self.spikes.n_in
        if self.n_in >= MOST_INPUTS:
            raise ValueError(f"a layer must have fewer than {MOST_INPUTS} inputs")
        self.single = self.spikes.times.dtype == np.float32

    cdef int check(self, bint single) except -1:
        if single != self.single:
            raise TypeError("arrays must have the dtype of the input times")
        return 0

    cdef object times(self, object array):
        return shift(np.asarray(array), -self.time, "times")

    cdef Room pack(self, object weights):
        return _pack(shift(np.asarray(weights), -self.threshold, "weights"))

    cdef Room room(self, Py_ssize_t n_parts, size_t *size):
        size[0] = KERNELS_F.layer_workspace_size(self.spikes.most) if self.single \
            else KERNELS.layer_workspace_size(self.spikes.most)
        size[0] = (size[0] + 63) // 64 * 64
        return Room(n_parts * size[0])

    def first_spike(self, const real[:, ::1] weights not None):
        """Spike times (n_samples, n_out) for weights (n_in, n_out)."""
        self.check(real is float)
        _same_shape(weights, self.n_in, weights.shape[1], "weights")
        spikes = np.full(
            (self.n_samples, weights.shape[1]), np.inf, np.asarray(weights).dtype
        )
        if spikes.size and self.n_in:
            self.run(FIRST_SPIKE, self.pack(weights), weights.shape[1], None, None,
                     None, spikes, None)
        return _outward(spikes, self.time)

    def peak(
        self,
        const real[:, ::1] weights not None,
        const real[:, ::1] spikes not None,
    ):
        """Membrane peaks of silent neurons: (u_peak, t_peak), see ttfs_kernels.h."""
        cdef Py_ssize_t n_out = weights.shape[1]
        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(spikes, self.n_samples, n_out, "spikes")
        if self.t_max == float("inf"):
            raise ValueError("the peak of a silent neuron needs a finite t_max")
        dtype = np.asarray(weights).dtype
        u_peak = np.zeros((self.n_samples, n_out), dtype)
        t_peak = np.full((self.n_samples, n_out), self.t_max, dtype)
        if u_peak.size and self.n_in == 0:
            u_peak[np.asarray(spikes) < self.t_max] = ldexp(
                self.neuron.threshold, self.threshold
            )
            t_peak = np.minimum(t_peak, spikes)
        elif u_peak.size:
            self.run(PEAK, self.pack(weights), n_out, self.times(spikes), None, None,
                     u_peak, t_peak)
            u_peak = _outward(u_peak, self.threshold)
            t_peak = _outward(t_peak, self.time)
        return u_peak, t_peak

    def slope(
        self, const real[:, ::1] weights not None, const real[:, ::1] at not None
    ):
        """Membrane slopes (n_samples, n_out) at the times at (n_samples, n_out)."""
        cdef Py_ssize_t n_out = weights.shape[1]
        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(at, self.n_samples, n_out, "at")
        slopes = np.zeros((self.n_samples, n_out), np.asarray(weights).dtype)
        if slopes.size and self.n_in:
            self.run(SLOPE, self.pack(weights), n_out, self.times(at), None, None,
                     slopes, None)
        return _outward(slopes, self.threshold - self.time)

    def grad_times(
        self,
        const real[:, ::1] weights not None,
        const real[:, ::1] at not None,
        const real[:, ::1] c not None,
        const real[:, ::1] kink=None,
    ):
        """Gradient (n_samples, n_in) with respect to the input times."""
        cdef Py_ssize_t n_out = weights.shape[1]
        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(at, self.n_samples, n_out, "at")
        _same_shape(c, self.n_samples, n_out, "c")
        if kink is not None:
            _same_shape(kink, self.n_samples, n_out, "kink")
        grad = np.zeros((self.n_samples, self.n_in), np.asarray(weights).dtype)
        if grad.size and n_out:
            power = self.threshold - self.time
            factors = shift(np.asarray(c), power, "factors c", float("inf"))
            self.run(
                GRAD_TIMES, self.pack(weights), n_out, self.times(at), factors,
                None if kink is None else np.asarray(kink), grad, None,
            )
        return grad

    cdef int run(
        self, int what, Room packed, Py_ssize_t n_out, object at, object c,
        object kink, object out, object out_2,
    ) except -1:
        """A function of the samples, in parts of them."""
        if self.single:
            self.run_f(what, <float *>packed.start, n_out, at, c, kink, out, out_2)
        else:
            self.run_d(what, <double *>packed.start, n_out, at, c, kink, out, out_2)
        return 0

    cdef int run_f(
        self, int what, const float *weights, size_t n_out, const float[:, ::1] at,
        const float[:, ::1] c, const float[:, ::1] kink, float[:, ::1] out,
        float[:, ::1] out_2,
    ) except -1:
        cdef Py_ssize_t n_parts = _parts(
            self.n_samples, <double>self.spikes.n_spikes * n_out
        )
        cdef Py_ssize_t part, s, n
        cdef size_t size, n_in = self.n_in
        cdef double t_max = self.horizon
        cdef Room rooms = self.room(n_parts, &size)
        cdef ttfs_spikes_f all = self.spikes.view_f(), mine
        cdef const ttfs_kernels_f *kernels = KERNELS_F
        cdef void *scratch
        cdef const float *no = NULL
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = self.n_samples * part // n_parts
            n = self.n_samples * (part + 1) // n_parts - s
            scratch = <char *>rooms.start + part * size
            mine = _from_f(all, s)
            if what == FIRST_SPIKE:
                kernels.first_spike(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max,
                    &out[s, 0], scratch,
                )
            elif what == PEAK:
                kernels.peak(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max, &at[s, 0],
                    &out[s, 0], &out_2[s, 0], scratch,
                )
            elif what == SLOPE:
                kernels.slope(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max, &at[s, 0],
                    &out[s, 0], scratch,
                )
            else:
                kernels.grad_times(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max, &at[s, 0],
                    &c[s, 0], no if kink is None else &kink[s, 0], &out[s, 0], scratch,
                )
        return 0

    cdef int run_d(
        self, int what, const double *weights, size_t n_out, const double[:, ::1] at,
        const double[:, ::1] c, const double[:, ::1] kink, double[:, ::1] out,
        double[:, ::1] out_2,
    ) except -1:
        cdef Py_ssize_t n_parts = _parts(
            self.n_samples, <double>self.spikes.n_spikes * n_out
        )
        cdef Py_ssize_t part, s, n
        cdef size_t size, n_in = self.n_in
        cdef double t_max = self.horizon
        cdef Room rooms = self.room(n_parts, &size)
        cdef ttfs_spikes all = self.spikes.view_d(), mine
        cdef const ttfs_kernels *kernels = KERNELS
        cdef void *scratch
        cdef const double *no = NULL
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = self.n_samples * part // n_parts
            n = self.n_samples * (part + 1) // n_parts - s
            scratch = <char *>rooms.start + part * size
            mine = _from_d(all, s)
            if what == FIRST_SPIKE:
                kernels.first_spike(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max,
                    &out[s, 0], scratch,
                )
            elif what == PEAK:
                kernels.peak(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max, &at[s, 0],
                    &out[s, 0], &out_2[s, 0], scratch,
                )
            elif what == SLOPE:
                kernels.slope(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max, &at[s, 0],
                    &out[s, 0], scratch,
                )
            else:
                kernels.grad_times(
                    &self.neuron, &mine, n, n_in, weights, n_out, t_max, &at[s, 0],
                    &c[s, 0], no if kink is None else &kink[s, 0], &out[s, 0], scratch,
                )
        return 0

    def grad_weights(
        self,
        const real[:, ::1] at not None,
        const real[:, ::1] c not None,
        real[:, ::1] grad not None,
    ):
        """Add the gradient, summed over samples, to grad (n_in, n_out)."""
        cdef Py_ssize_t n_out = grad.shape[1]
        cdef Py_ssize_t n_parts, n_panels, part, begin, end, lanes
        cdef size_t size
        cdef Room packed, rooms
        cdef ttfs_spikes_f spikes_f
        cdef ttfs_spikes spikes_d
        cdef int power = self.threshold - self.time
        cdef double t_max = self.horizon
        cdef const real[:, ::1] times, factors
        cdef real[:, ::1] sums

        self.check(real is float)
        _same_shape(grad, self.n_in, n_out, "grad")
        _same_shape(at, self.n_samples, n_out, "at")
        _same_shape(c, self.n_samples, n_out, "c")
        if self.n_samples == 0 or self.n_in == 0 or n_out == 0:
            return
        lanes = KERNELS_F.lanes if real is float else KERNELS.lanes
        n_panels = (n_out + lanes - 1) // lanes
        n_parts = _parts(n_panels, <double>self.spikes.n_spikes * n_out)
        rooms = self.room(n_parts, &size)
        times = self.times(at)
        factors = shift(np.asarray(c), power, "factors c", float("inf"))
        sums = shift(np.asarray(grad), power, "gradients", float("inf"))
        packed = _pack(sums)
        if real is float:
            spikes_f = self.spikes.view_f()
        else:
            spikes_d = self.spikes.view_d()
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            begin = lanes * (n_panels * part // n_parts)
            end = min(lanes * (n_panels * (part + 1) // n_parts), n_out)
            if real is float:
                KERNELS_F.grad_weights(
                    &self.neuron, &spikes_f, self.n_samples, self.n_in, &times[0, 0],
                    &factors[0, 0], n_out, begin, end, t_max, <float *>packed.start,
                    <char *>rooms.start + part * size,
                )
            else:
                KERNELS.grad_weights(
                    &self.neuron, &spikes_d, self.n_samples, self.n_in, &times[0, 0],
                    &factors[0, 0], n_out, begin, end, t_max, <double *>packed.start,
                    <char *>rooms.start + part * size,
                )
        if real is float:
            KERNELS_F.unpack(<float *>packed.start, self.n_in, n_out, &sums[0, 0])
        else:
            KERNELS.unpack(<double *>packed.start, self.n_in, n_out, &sums[0, 0])
        if power:
            np.asarray(grad)[...] = shift(
                np.asarray(sums), -power, "gradients", float("inf")
            )


cdef object _outward(object times, int power):
    """What the core has made, in the units outside; the array may be changed."""
    if power:
        with np.errstate(over="ignore", under="ignore"):
            np.ldexp(times, power, out=times)
    return times


def _pack(const real[:, ::1] weights not None):
    """Weights (n_in, n_out) as the kernels want them, not empty."""
    cdef size_t n_in = weights.shape[0], n_out = weights.shape[1]
    cdef Room packed
    if n_in == 0 or n_out == 0:
        return Room(0)
    if real is float:
        packed = Room(KERNELS_F.packed_size(n_in, n_out) * sizeof(float))
        KERNELS_F.pack(&weights[0, 0], n_in, n_out, <float *>packed.start)
    else:
        packed = Room(KERNELS.packed_size(n_in, n_out) * sizeof(double))
        KERNELS.pack(&weights[0, 0], n_in, n_out, <double *>packed.start)
    return packed


def _copy(const real[::1] values not None):
    """Values (n,) in a room of their own."""
    cdef Room room = Room(values.shape[0] * sizeof(real))
    memcpy(room.start, &values[0], values.shape[0] * sizeof(real))
    return room


# -- Networks ----------------------------------------------------------------------

class NeuronMismatch:
    """How the neurons of a chip differ from those of a layer; see ttfs_circuits.

    Parameters
    ----------
    tau_mem, tau_syn : ndarray of shape (n_out,), float64, optional
        Time constants of each neuron; both, or none: those of the layer.
    is_dead : ndarray of bool of shape (n_out,), optional
    threshold_jitter : float
        Standard deviation from trial to trial, as a part of the threshold.
    spike_jitter, resolution : float
        [time]
    spurious_rate : float
        [1/time]
    """

    def __init__(
        self, *, tau_mem=None, tau_syn=None, is_dead=None, threshold_jitter=0.0,
        spike_jitter=0.0, spurious_rate=0.0, resolution=0.0,
    ):
        if (tau_mem is None) != (tau_syn is None):
            raise ValueError("tau_mem and tau_syn must be given together")
        self.tau_mem = self.tau_syn = self.is_dead = None
        if tau_mem is not None:
            self.tau_mem = np.ascontiguousarray(tau_mem, np.float64)
            self.tau_syn = np.ascontiguousarray(tau_syn, np.float64)
        if is_dead is not None:
            self.is_dead = np.ascontiguousarray(is_dead, np.uint8)
        self.threshold_jitter, self.spike_jitter = threshold_jitter, spike_jitter
        self.spurious_rate, self.resolution = spurious_rate, resolution

    def check(self, n_out, double threshold):
        """Raise ValueError unless a layer of n_out neurons can have this mismatch."""
        cdef ttfs_neuron neuron
        cdef ttfs_status status
        for name in ("threshold_jitter", "spike_jitter", "spurious_rate", "resolution"):
            if not 0 <= getattr(self, name) < TTFS_TIME_LIMIT:
                raise ValueError(f"{name} must not be negative, and finite")
        for name in ("tau_mem", "tau_syn", "is_dead"):
            array = getattr(self, name)
            if array is not None and array.shape != (n_out,):
                raise ValueError(f"{name} must have shape ({n_out},)")
        if self.tau_mem is None:
            return
        for mem, syn in zip(self.tau_mem, self.tau_syn, strict=True):
            status = ttfs_neuron_init(&neuron, mem, syn, threshold)
            if status != TTFS_OK:
                raise ValueError(ttfs_strerror(status).decode())


cdef object _checked_delays(object delays, tuple shape, Py_ssize_t k):
    """Delays of layer k: (n_in,), axonal, or (n_in, n_out), synaptic; or None."""
    if delays is None or np.shape(delays) in (shape[:1], shape):
        return delays
    raise ValueError(
        f"layer {k} has delays of shape {np.shape(delays)}, not {shape[:1]} or {shape}"
    )


cdef Room _room_of(object array, object dtype):
    """A copy of an array that belongs to inputs or, packed, to synapses."""
    array = np.ascontiguousarray(array, dtype)
    return _copy(array) if array.ndim == 1 else _pack(array)


cdef tuple _common_powers(object layers):
    """Units of a network's times and thresholds: those of its first layer."""
    powers = [powers_of(layer.neuron) for layer in layers]
    for name, exponents in zip(
        ("time constants", "thresholds"), zip(*powers, strict=True), strict=True
    ):
        if max(exponents) - min(exponents) > WIDEST:
            raise ValueError(
                f"{name} of layers must be within a factor of 2^{WIDEST} of each other"
            )
    return powers[0]


cdef class Network:
    """A network with packed weights, through which samples pass.

    Parameters
    ----------
    layers : sequence of Layer
        All of one dtype, float32 or float64. Weights are copied.
    t_max : float
        Horizon, finite.
    pseudo_slope : float
        Delay of a silent output for each unit that its peak misses the threshold by.
    """

    cdef readonly list shapes   # (n_in, n_out) of the weights
    cdef readonly list delay_shapes  # of the delays, (n_in,) or (n_in, n_out); or None
    cdef readonly Py_ssize_t n_outputs
    cdef list kept              # what the structs point to
    cdef bint single
    cdef Room layers
    cdef list packed, packed_delays
    cdef ttfs_network_f net_f
    cdef ttfs_network net_d
    cdef int time, threshold    # powers of the units that all of this is in
    cdef readonly double t_max
    cdef Room circuits          # of a chip, the seed of its noise
    cdef uint64_t seed
    cdef double step            # of time

    def __cinit__(self, layers, double t_max, double pseudo_slope, *args, **kwargs):
        cdef ttfs_layer_f *layer_f
        cdef ttfs_layer *layer_d
        cdef const float[::1] bias_f
        cdef const double[::1] bias_d
        cdef ttfs_neuron neuron
        cdef size_t n_layers = len(layers)
        cdef Py_ssize_t n_in, n_out = 0, n_bias

        if not 0 < n_layers <= MOST_LAYERS:
            raise ValueError(f"a network must have 1 to {MOST_LAYERS} layers")
        if not -TTFS_TIME_LIMIT < t_max < TTFS_TIME_LIMIT:
            raise ValueError("t_max must be finite")
        self.time, self.threshold = _common_powers(layers)
        self.t_max = t_max
        t_max = min(ldexp(t_max, -self.time), LAST)
        self.single = layers[0].weights.dtype == np.float32
        dtype = np.float32 if self.single else np.float64
        self.layers = Room(n_layers * max(sizeof(ttfs_layer_f), sizeof(ttfs_layer)))
        layer_f = <ttfs_layer_f *>self.layers.start
        layer_d = <ttfs_layer *>self.layers.start
        self.shapes, self.kept, self.packed = [], [], []
        self.delay_shapes, self.packed_delays = [], []
        for k, layer in enumerate(layers):
            n_in, n_out = layer.weights.shape
            bias_times = np.ascontiguousarray(layer.bias_times, dtype)
            bias_times = shift(bias_times, -self.time, "bias_times")
            n_bias = len(bias_times)
            if k > 0 and n_in != self.shapes[k - 1][1] + n_bias:
                raise ValueError(
                    f"layer {k} must have {self.shapes[k - 1][1]} inputs and {n_bias} "
                    f"biases, not {n_in} rows of weights"
                )
            if n_in == 0 or n_out == 0 or n_in >= MOST_INPUTS or n_bias > n_in:
                raise ValueError(f"layer {k} has weights of shape {(n_in, n_out)}")
            _init(&neuron, in_units(layer.neuron, self.time, self.threshold))
            weights = np.ascontiguousarray(layer.weights, dtype)
            packed = _pack(shift(weights, -self.threshold, "weights"))
            delays = _checked_delays(layer.delays, (n_in, n_out), k)
            kind, packed_delays = TTFS_NO_DELAYS, None
            if delays is not None:
                kind = TTFS_AXONAL if np.ndim(delays) == 1 else TTFS_SYNAPTIC
                delays = np.asarray(delays, dtype)
                packed_delays = _room_of(shift(delays, -self.time, "delays"), dtype)
            self.delay_shapes.append(None if delays is None else np.shape(delays))
            self.packed_delays.append(packed_delays)
            if n_bias == 0:
                bias_times = np.zeros(1, dtype)
            self.shapes.append((n_in, n_out))
            self.kept.append(bias_times)
            self.packed.append(packed)
            if self.single:
                bias_f = bias_times
                layer_f[k].neuron = neuron
                layer_f[k].n_in, layer_f[k].n_bias = n_in, n_bias
                layer_f[k].n_out = n_out
                layer_f[k].bias_times = &bias_f[0]
                layer_f[k].weights = <float *>(<Room>packed).start
                layer_f[k].delay_kind = kind
                if delays is not None:
                    layer_f[k].delays = <float *>(<Room>packed_delays).start
            else:
                bias_d = bias_times
                layer_d[k].neuron = neuron
                layer_d[k].n_in, layer_d[k].n_bias = n_in, n_bias
                layer_d[k].n_out = n_out
                layer_d[k].bias_times = &bias_d[0]
                layer_d[k].weights = <double *>(<Room>packed).start
                layer_d[k].delay_kind = kind
                if delays is not None:
                    layer_d[k].delays = <double *>(<Room>packed_delays).start
        self.n_outputs = n_out
        self.net_f.n_layers = self.net_d.n_layers = n_layers
        self.net_f.layers, self.net_d.layers = layer_f, layer_d
        self.net_f.t_max = self.net_d.t_max = t_max
        pseudo_slope = ldexp(pseudo_slope, self.threshold - self.time)
        self.net_f.pseudo_slope = self.net_d.pseudo_slope = pseudo_slope

    cdef int check(self, Spikes spikes) except -1:
        if (spikes.times.dtype == np.float32) != self.single:
            raise TypeError("spikes must have the dtype of the weights")
        if spikes.n_in != self.shapes[0][0]:
            raise ValueError(
                f"spikes must be of {self.shapes[0][0]} inputs, not {spikes.n_in}"
            )
        return 0

    cdef double n_events(self, Spikes spikes) except -1:
        """Synaptic events that n_samples of average activity make."""
        cdef double n = 0.0
        active = spikes.n_spikes / max(1, spikes.n_samples)
        for k, (n_in, n_out) in enumerate(self.shapes):
            cost = SYNAPTIC_COST if self.delay_shapes[k] == (n_in, n_out) else 1
            n += cost * (n_in if k > 0 else active) * n_out
        return n

    def weights(self):
        """The weights (n_in, n_out) of each layer."""
        return [
            _outward(self.unpack(shape, packed), self.threshold)
            for shape, packed in zip(self.shapes, self.packed, strict=True)
        ]

    def delays(self):
        """The delays (n_in,) or (n_in, n_out) of each layer; None where it has none."""
        return [
            None if shape is None else _outward(self.unpack(shape, packed), self.time)
            for shape, packed in zip(self.delay_shapes, self.packed_delays, strict=True)
        ]

    cdef object unpack(self, tuple shape, Room packed):
        cdef float[:, ::1] out_f
        cdef double[:, ::1] out_d
        cdef float[::1] row_f
        cdef double[::1] row_d
        cdef size_t n_in, n_out
        out = np.empty(shape, np.float32 if self.single else np.float64)
        if len(shape) == 1:
            if self.single:
                row_f = out
                memcpy(&row_f[0], packed.start, out.nbytes)
            else:
                row_d = out
                memcpy(&row_d[0], packed.start, out.nbytes)
            return out
        n_in, n_out = shape
        if self.single:
            out_f = out
            KERNELS_F.unpack(<float *>packed.start, n_in, n_out, &out_f[0, 0])
        else:
            out_d = out
            KERNELS.unpack(<double *>packed.start, n_in, n_out, &out_d[0, 0])
        return out

    def spike_times(self, Spikes spikes not None):
        """Spike times (n_samples, n_out) of each layer; +inf = silent."""
        dtype = np.float32 if self.single else np.float64
        layers = [np.empty((len(spikes), n), dtype) for _, n in self.shapes]
        self.infer(IDEAL, spikes, layers, None, None)
        return layers

    def emulate(self, Spikes spikes not None, mismatch, uint64_t seed):
        """Spike times (n_samples, n_out) of each layer on a chip; +inf = silent.

        Parameters
        ----------
        spikes : Spikes
        mismatch : sequence of NeuronMismatch
            Of each layer.
        seed : int
            Of the noise.
        """
        cdef ttfs_circuits_f *c_f
        cdef ttfs_circuits *c_d
        cdef const double[::1] mem, syn
        cdef const uint8_t[::1] dead
        if len(mismatch) != len(self.shapes):
            raise ValueError("mismatch must have one entry for each layer")
        self.check_no_delays()
        self.circuits = Room(
            len(mismatch) * max(sizeof(ttfs_circuits_f), sizeof(ttfs_circuits))
        )
        c_f = <ttfs_circuits_f *>self.circuits.start
        c_d = <ttfs_circuits *>self.circuits.start
        kept = []
        for k, c in enumerate(mismatch):
            if self.single:
                threshold = (<ttfs_layer_f *>self.layers.start)[k].neuron.threshold
            else:
                threshold = (<ttfs_layer *>self.layers.start)[k].neuron.threshold
            c.check(self.shapes[k][1], ldexp(threshold, self.threshold))
            if self.single:
                c_f[k].threshold_jitter = c.threshold_jitter
                c_f[k].spike_jitter = ldexp(c.spike_jitter, -self.time)
                c_f[k].spurious_rate = ldexp(c.spurious_rate, self.time)
                c_f[k].resolution = ldexp(c.resolution, -self.time)
            else:
                c_d[k].threshold_jitter = c.threshold_jitter
                c_d[k].spike_jitter = ldexp(c.spike_jitter, -self.time)
                c_d[k].spurious_rate = ldexp(c.spurious_rate, self.time)
                c_d[k].resolution = ldexp(c.resolution, -self.time)
            if c.tau_mem is not None:
                mem = shift(c.tau_mem, -self.time, "tau_mem")
                syn = shift(c.tau_syn, -self.time, "tau_syn")
                kept.append((np.asarray(mem), np.asarray(syn)))
                if self.single:
                    c_f[k].tau_mem, c_f[k].tau_syn = &mem[0], &syn[0]
                else:
                    c_d[k].tau_mem, c_d[k].tau_syn = &mem[0], &syn[0]
            if c.is_dead is not None:
                dead = c.is_dead
                kept.append(np.asarray(dead))
                if self.single:
                    c_f[k].is_dead = &dead[0]
                else:
                    c_d[k].is_dead = &dead[0]
        self.seed = seed
        dtype = np.float32 if self.single else np.float64
        layers = [np.empty((len(spikes), n), dtype) for _, n in self.shapes]
        self.infer(CHIP, spikes, layers, None, None)
        return layers

    def clocked(self, Spikes spikes not None, double step):
        """Spike times (n_samples, n_out) of each layer on a grid of time steps."""
        self.check_no_delays()
        for k in range(len(self.shapes)):
            if self.single:
                neuron = (<ttfs_layer_f *>self.layers.start)[k].neuron
            else:
                neuron = (<ttfs_layer *>self.layers.start)[k].neuron
            tau_mem = ldexp(neuron.tau_mem, self.time)
            tau_syn = ldexp(neuron.tau_syn, self.time)
            if not 0 < step < min(tau_mem, tau_syn):
                raise ValueError(
                    f"step must be positive, and below tau_mem={tau_mem:g} and "
                    f"tau_syn={tau_syn:g}, got {step:g}"
                )
        if not abs(self.t_max) / step < MOST_STEPS:
            raise ValueError(f"step={step:g} is too small for t_max={self.t_max:g}")
        if spikes.n_spikes and not (
            abs(float(np.min(spikes.times[spikes.begin[spikes.end > spikes.begin]])))
            / step < MOST_STEPS
        ):
            raise ValueError(f"step={step:g} is too small for the times of spikes")
        self.step = ldexp(step, -self.time)
        dtype = np.float32 if self.single else np.float64
        layers = [np.empty((len(spikes), n), dtype) for _, n in self.shapes]
        self.infer(CLOCKED, spikes, layers, None, None)
        return layers

    cdef int check_no_delays(self) except -1:
        if any(shape is not None for shape in self.delay_shapes):
            raise ValueError("a chip has no delays")
        return 0

    def decisions(self, Spikes spikes not None):
        """Decision times (n_samples, n_outputs), float64.

        Those of silent neurons are pseudo-times, later than any spike.
        """
        decisions = np.empty((len(spikes), self.n_outputs))
        self.infer(IDEAL, spikes, None, decisions, None)
        return decisions

    def labels(self, Spikes spikes not None):
        """The number (n_samples,) of the output neuron that decides first."""
        labels = np.zeros(len(spikes), np.uintp)
        self.infer(IDEAL, spikes, None, None, labels)
        return labels

    cdef int infer(
        self, int how, Spikes spikes, object layers, double[:, ::1] decisions,
        size_t[::1] labels,
    ) except -1:
        cdef Py_ssize_t n_samples = spikes.n_samples, n_layers = len(self.shapes)
        cdef Py_ssize_t part, n_parts, s, n, k
        cdef size_t size
        cdef Room rooms, pointers
        cdef ttfs_spikes_f all_f, mine_f
        cdef ttfs_spikes all_d, mine_d
        cdef float[:, ::1] out_f
        cdef double[:, ::1] out_d
        cdef float **layers_f
        cdef double **layers_d

        self.check(spikes)
        if n_samples == 0:
            return 0
        spikes = spikes.shifted(-self.time)
        n_parts = _parts(n_samples, n_samples * self.n_events(spikes))
        if self.single:
            if how == CHIP:
                size = KERNELS_F.emulate_workspace_size(&self.net_f, spikes.most)
            elif how == CLOCKED:
                size = KERNELS_F.clocked_workspace_size(&self.net_f, spikes.most)
            else:
                size = KERNELS_F.infer_workspace_size(&self.net_f, spikes.most)
            all_f = spikes.view_f()
        else:
            if how == CHIP:
                size = KERNELS.emulate_workspace_size(&self.net_d, spikes.most)
            elif how == CLOCKED:
                size = KERNELS.clocked_workspace_size(&self.net_d, spikes.most)
            else:
                size = KERNELS.infer_workspace_size(&self.net_d, spikes.most)
            all_d = spikes.view_d()
        rooms = Room(n_parts * size)
        # Of each part: where its rows of each layer begin.
        pointers = Room(n_parts * n_layers * sizeof(void *))
        layers_f = <float **>pointers.start
        layers_d = <double **>pointers.start
        if layers is not None:
            for part in range(n_parts):
                s = n_samples * part // n_parts
                for k in range(n_layers):
                    if self.single:
                        out_f = layers[k]
                        layers_f[part * n_layers + k] = &out_f[s, 0]
                    else:
                        out_d = layers[k]
                        layers_d[part * n_layers + k] = &out_d[s, 0]
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = n_samples * part // n_parts
            n = n_samples * (part + 1) // n_parts - s
            if self.single:
                mine_f = _from_f(all_f, s)
                if how == CHIP:
                    KERNELS_F.emulate(
                        &self.net_f, <ttfs_circuits_f *>self.circuits.start, self.seed,
                        &mine_f, n, layers_f + part * n_layers,
                        <char *>rooms.start + part * size,
                    )
                elif how == CLOCKED:
                    KERNELS_F.clocked(
                        &self.net_f, self.step, &mine_f, n,
                        layers_f + part * n_layers,
                        <char *>rooms.start + part * size,
                    )
                else:
                    KERNELS_F.infer(
                        &self.net_f, &mine_f, n, layers_f + part * n_layers,
                        NULL if decisions is None else &decisions[s, 0],
                        NULL if labels is None else &labels[s],
                        <char *>rooms.start + part * size,
                    )
            else:
                mine_d = _from_d(all_d, s)
                if how == CHIP:
                    KERNELS.emulate(
                        &self.net_d, <ttfs_circuits *>self.circuits.start, self.seed,
                        &mine_d, n, layers_d + part * n_layers,
                        <char *>rooms.start + part * size,
                    )
                elif how == CLOCKED:
                    KERNELS.clocked(
                        &self.net_d, self.step, &mine_d, n,
                        layers_d + part * n_layers,
                        <char *>rooms.start + part * size,
                    )
                else:
                    KERNELS.infer(
                        &self.net_d, &mine_d, n, layers_d + part * n_layers,
                        NULL if decisions is None else &decisions[s, 0],
                        NULL if labels is None else &labels[s],
                        <char *>rooms.start + part * size,
                    )
        for out in layers or ():
            _outward(out, self.time)
        if decisions is not None:
            _outward(np.asarray(decisions), self.time)
        return 0


cdef dict LOSSES = {
    "cross_entropy": TTFS_CROSS_ENTROPY,
    "squared_error": TTFS_SQUARED_ERROR,
    "shift_invariant": TTFS_SHIFT_INVARIANT,
    "target_times": TTFS_TARGET_TIMES,
}


cdef int _fill_loss(ttfs_training *t, dict loss, int time=0) except -1:
    """Loss and its parameters, in units of 2^time.

    They have the same names in ttfs_kernels.h.
    """
    loss = {"time_scale": 1.0, "early": 0.0, "early_scale": 1.0, "target_label": 0.0,
            "target_other": 0.0, **loss}
    kind = loss.pop("kind")
    if kind not in LOSSES:
        raise ValueError(f"unknown loss {kind!r}")
    t.loss = <ttfs_loss>LOSSES[kind]
    t.early = loss.pop("early")
    t.time_scale = ldexp(loss.pop("time_scale"), -time)
    t.early_scale = ldexp(loss.pop("early_scale"), -time)
    t.target_label = ldexp(loss.pop("target_label"), -time)
    t.target_other = ldexp(loss.pop("target_other"), -time)
    if loss:
        raise TypeError(f"unknown parameters of a loss: {', '.join(loss)}")
    if not (t.time_scale > 0 and t.early_scale > 0):
        raise ValueError("time_scale and early_scale must be positive")
    return 0


cdef object _checked_targets(
    object targets, const double[::1] factors, Py_ssize_t n_samples, size_t n_outputs,
    bint are_times,
):
    """Labels, or the times that outputs should have, as the core may have them."""
    cdef const size_t[::1] labels
    cdef const double[:, ::1] times
    cdef Py_ssize_t s
    if targets is None:
        raise TypeError("targets must be an array")
    if factors.shape[0] != n_samples:
        raise ValueError("factors must have one entry per sample")
    if are_times:
        times = targets
        _same_shape(times, n_samples, n_outputs, "targets")
        if not np.all(np.abs(targets) < TTFS_TIME_LIMIT):
            raise ValueError(f"targets must be finite, and below {TTFS_TIME_LIMIT:g}")
        return targets
    labels = targets
    if labels.shape[0] != n_samples:
        raise ValueError("labels must have one entry per sample")
    for s in range(n_samples):
        if labels[s] >= n_outputs:
            raise ValueError("a label is outside [0, n_classes)")
    return targets


def loss(
    const real[:, ::1] times not None,
    targets,
    const double[::1] factors not None,
    **parameters,
):
    """Loss (n_samples,) and its gradient (n_samples, n_classes) with respect to times.

    Parameters
    ----------
    times : ndarray of shape (n_samples, n_classes)
        Finite.
    targets : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Labels, uintp; with "target_times" the times that are wanted, float64 and
        finite.
    factors : ndarray of shape (n_samples,), float64
    **parameters
        kind, "cross_entropy", "squared_error", "shift_invariant" or "target_times", and
        its numbers; see ttfs_loss.
    """
    cdef Py_ssize_t n = times.shape[0], n_classes = times.shape[1]
    cdef ttfs_training training
    cdef ttfs_training_f training_f
    cdef const size_t[::1] labels
    cdef const double[:, ::1] wanted
    cdef const size_t *label = NULL
    cdef const double *target = NULL
    _fill_loss(&training, parameters)
    are_times = training.loss == TTFS_TARGET_TIMES
    _checked_targets(targets, factors, n, n_classes, are_times)
    out = np.zeros(n)
    grad = np.zeros((n, n_classes), np.asarray(times).dtype)
    if n == 0 or n_classes == 0:
        return out, grad
    cdef double[::1] values = out
    cdef real[:, ::1] g = grad
    if are_times:
        wanted = targets
        target = &wanted[0, 0]
    else:
        labels = targets
        label = &labels[0]
    if real is float:
        _copy_loss(&training, &training_f)
        KERNELS_F.loss(&training_f, &times[0, 0], label, target, &factors[0], n,
                       n_classes, &values[0], &g[0, 0])
    else:
        KERNELS.loss(&training, &times[0, 0], label, target, &factors[0], n, n_classes,
                     &values[0], &g[0, 0])
    return out, grad


cdef void _copy_loss(const ttfs_training *a, ttfs_training_f *b) noexcept:
    b.loss, b.time_scale = a.loss, a.time_scale
    b.early, b.early_scale = a.early, a.early_scale
    b.target_label, b.target_other = a.target_label, a.target_other


cdef int _check_state(dict state, list shapes, list delay_shapes) except -1:
    """Raise ValueError unless a Trainer's state is of a network of these shapes."""
    moments = [[np.shape(a) for a in pair] for pair in state["moments"]]
    steps = [[np.shape(a) for a in pair] for pair in state["steps"]]
    delay_moments = [
        None if pair is None else [np.shape(a) for a in pair]
        for pair in state["delay_moments"]
    ]
    if (
        moments != [[shape, shape] for shape in shapes]
        or steps != [[(1,), (n_in,)] for n_in, _ in shapes]
        or delay_moments
        != [None if shape is None else [shape, shape] for shape in delay_shapes]
    ):
        raise ValueError("state is of a network with layers of other sizes")
    return 0


cdef dict LOCAL_KERNELS = {"table": TTFS_TABLE, "linear": TTFS_LINEAR}
cdef dict FEEDBACKS = {
    "symmetric": TTFS_SYMMETRIC,
    "random": TTFS_RANDOM,
    "direct": TTFS_DIRECT,
    "target": TTFS_TARGET,
}


cdef object _choice(dict choices, str name, object value):
    if value not in choices:
        names = ", ".join(choices)
        raise ValueError(f"unknown {name} {value!r}: choose one of {names}")
    return choices[value]


cdef object _returned(object times, tuple shape, object dtype, str name):
    """A new array of what a callable has returned, which must be real numbers."""
    array = np.asarray(times)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(dtype, "C")


cdef class Trainer(Network):
    """A network in training.

    Parameters
    ----------
    layers, t_max, pseudo_slope
        As for Network.
    units : sequence of float
        Unit of the learning rate of each layer.
    delay_units : sequence of float, optional
        That of the delays of each layer. Needed where layers have delays.
    loss : dict
        Parameters of `loss`. A loss that is a squared error has the unit of a squared
        time, which gradients share.
    floor : float
        Floor of u' at a spike, in threshold units per time.
    existence, tolerated : float
        Weight of the term that asks a hidden neuron to fire, existence (threshold -
        u_peak) averaged over the batch, and the fraction of a batch in which it may
        stay silent.
    beta_1, beta_2, epsilon, weight_decay : float
        Of Adam; the weight decay is per unit. epsilon is in the unit of a gradient:
        loss per threshold of the layer, and for delays loss per tau_syn of the layer,
        where the unit of squared errors is tau_syn^2 of the last layer.
    rests : sequence of float, optional
        The values that the weights of each layer decay to. Default: 0.
    limits : sequence of float, optional
        The greatest weight of each layer, positive: updates leave weights within
        -limit ... limit, where they must be at first. Default: +inf, no limit.
    local : dict, optional
        The simplified local rule instead of the exact gradient and of Adam, see
        ttfs_local: floor, beta_1, beta_2 and epsilon have no part in it, and
        learning_rate unit (in threshold^2) is what the gradient of the losses' sum over
        a batch is multiplied with. Layers must be without delays.

        - "kernel", "table" (kappa) or "linear".
        - "feedback", "symmetric", "random", "direct" or "target".
        - "feedback_weights", needed unless symmetric: fixed weights of each layer for
          the way back to its inputs, finite. "random": in the shape of the layer's
          weights. "direct" and "target": (n_out of the layer before, n_outputs). Those
          of the first layer are not looked at.
    dropout : float
        Probability with which an input spike is deleted.
    may_drop : ndarray of bool of shape (n_channels,), optional
        The channels in which that happens. Needed where dropout > 0.
    seed : int
        Of the deletions, from 0 to 2^64 - 1.
    state : dict, optional
        What `state` returned, to go on.
    """

    cdef ttfs_training_f train_f
    cdef ttfs_training train_d
    cdef list moments, steps, delay_moments
    cdef object data
    cdef const uint8_t[::1] may_drop
    cdef Room workspace
    cdef ttfs_local_f local_f
    cdef ttfs_local local_d
    cdef list feedback  # what the structs point to, as are the next three
    cdef Room feedback_pointers
    cdef object measured
    cdef Room pointers
    cdef list shadows  # packed weights that learn, where others fire; or None
    cdef int loss_power  # of the loss's unit
    cdef bint is_running

    def __init__(
        self, layers, double t_max, double pseudo_slope, *, units, dict loss,
        double floor, double existence, double tolerated, double beta_1, double beta_2,
        double epsilon, double weight_decay, delay_units=None, rests=None,
        limits=None, dict local=None, double dropout=0.0, may_drop=None,
        uint64_t seed=0, state=None,
    ):
        cdef ttfs_layer_f *layer_f = <ttfs_layer_f *>self.layers.start
        cdef ttfs_layer *layer_d = <ttfs_layer *>self.layers.start
        cdef size_t[::1] step, touched

        if len(units) != len(self.shapes):
            raise ValueError("units must have one entry for each layer")
        if delay_units is None:
            delay_units = [0.0] * len(self.shapes)
        if len(delay_units) != len(self.shapes):
            raise ValueError("delay_units must have one entry for each layer")
        if rests is None:
            rests = [0.0] * len(self.shapes)
        if len(rests) != len(self.shapes):
            raise ValueError("rests must have one entry for each layer")
        if limits is None:
            limits = [float("inf")] * len(self.shapes)
        if len(limits) != len(self.shapes) or not all(limit > 0 for limit in limits):
            raise ValueError("limits must be positive, one for each layer")
        n_in = self.shapes[0][0]
        drops = np.zeros(n_in, np.uint8)
        if not 0 <= dropout < 1:
            raise ValueError("dropout must be in [0, 1)")
        if dropout > 0:
            n_channels = n_in - len(layers[0].bias_times)
            if may_drop is None or len(may_drop) != n_channels:
                raise ValueError(f"may_drop must have {n_channels} entries")
            drops[:n_channels] = may_drop
        self.may_drop = drops
        if state is not None:
            _check_state(state, self.shapes, self.delay_shapes)
        dtype = np.float32 if self.single else np.float64
        self.moments, self.steps, self.delay_moments = [], [], []
        with np.errstate(over="ignore"):
            most = [dtype(limit) for limit in limits]
        for k, weights in enumerate(self.weights()):
            if np.abs(weights).max() > most[k]:
                raise ValueError(f"weights of layer {k} are beyond {limits[k]:g}")
        # From here on in the units of the core.
        _fill_loss(&self.train_d, loss, self.time)
        _copy_loss(&self.train_d, &self.train_f)
        is_squared = self.train_d.loss != TTFS_CROSS_ENTROPY
        self.loss_power = 2 * self.time if is_squared else 0
        power = -self.threshold if local is None else self.loss_power
        if local is not None:
            power -= 2 * self.threshold
        units = [ldexp(unit, power) for unit in units]
        delay_units = [ldexp(unit, -self.time) for unit in delay_units]
        rests = [ldexp(rest, -self.threshold) for rest in rests]
        limits = [ldexp(limit, -self.threshold) for limit in limits]
        floor = ldexp(floor, self.time - self.threshold)
        existence = ldexp(existence, self.threshold - self.loss_power)
        for k, (n_in, n_out) in enumerate(self.shapes):
            delay_shape, delay_moments = self.delay_shapes[k], None
            if state is None:
                moments = 2 * [np.zeros((n_in, n_out), dtype)]
                steps = np.zeros(1, np.uintp), np.zeros(n_in, np.uintp)
                if delay_shape is not None:
                    delay_moments = 2 * [np.zeros(delay_shape, dtype)]
            else:
                moments, delay_moments = state["moments"][k], state["delay_moments"][k]
                steps = tuple(np.array(a, np.uintp) for a in state["steps"][k])
            moments = [_room_of(a, dtype) for a in moments]
            if delay_moments is not None:
                delay_moments = [_room_of(a, dtype) for a in delay_moments]
            step, touched = steps
            self.moments.append(moments)
            self.steps.append(steps)
            self.delay_moments.append(delay_moments)
            if self.single:
                layer_f[k].m = <float *>(<Room>moments[0]).start
                layer_f[k].v = <float *>(<Room>moments[1]).start
                layer_f[k].step, layer_f[k].touched = &step[0], &touched[0]
                layer_f[k].unit, layer_f[k].delay_unit = units[k], delay_units[k]
                layer_f[k].rest, layer_f[k].max_weight = rests[k], limits[k]
                if delay_moments is not None:
                    layer_f[k].delay_m = <float *>(<Room>delay_moments[0]).start
                    layer_f[k].delay_v = <float *>(<Room>delay_moments[1]).start
            else:
                layer_d[k].m = <double *>(<Room>moments[0]).start
                layer_d[k].v = <double *>(<Room>moments[1]).start
                layer_d[k].step, layer_d[k].touched = &step[0], &touched[0]
                layer_d[k].unit, layer_d[k].delay_unit = units[k], delay_units[k]
                layer_d[k].rest, layer_d[k].max_weight = rests[k], limits[k]
                if delay_moments is not None:
                    layer_d[k].delay_m = <double *>(<Room>delay_moments[0]).start
                    layer_d[k].delay_v = <double *>(<Room>delay_moments[1]).start
        self.train_f.network, self.train_d.network = self.net_f, self.net_d
        self.train_f.floor = self.train_d.floor = floor
        self.train_f.silence_penalty = self.train_d.silence_penalty = existence
        self.train_f.silence_tolerance = self.train_d.silence_tolerance = tolerated
        self.train_f.beta_1 = self.train_d.beta_1 = beta_1
        self.train_f.beta_2 = self.train_d.beta_2 = beta_2
        self.train_f.epsilon = self.train_d.epsilon = epsilon
        self.train_f.weight_decay = self.train_d.weight_decay = weight_decay
        self.train_f.dropout = self.train_d.dropout = dropout
        self.train_f.may_drop = self.train_d.may_drop = &self.may_drop[0]
        self.train_f.seed = self.train_d.seed = seed
        self.pointers = Room(len(self.shapes) * sizeof(void *))
        self.shadows = None
        if local is not None:
            self.follow(dict(local))

    def weights(self):
        """The weights (n_in, n_out) of each layer that learn."""
        if self.shadows is None:
            return Network.weights(self)
        return [
            _outward(self.unpack(shape, packed), self.threshold)
            for shape, packed in zip(self.shapes, self.shadows, strict=True)
        ]

    cdef int fire_with(self, object weights) except -1:
        """Let other weights fire than those that learn: gradients are with these."""
        cdef ttfs_layer_f *layer_f = <ttfs_layer_f *>self.layers.start
        cdef ttfs_layer *layer_d = <ttfs_layer *>self.layers.start
        cdef Py_ssize_t k
        dtype = np.float32 if self.single else np.float64
        weights = list(weights)
        if len(weights) != len(self.shapes):
            raise ValueError(
                f"forward must return weights of {len(self.shapes)} layers, "
                f"got {len(weights)}"
            )
        for k in range(len(weights)):
            name = f"weights that forward returns for layer {k}"
            weights[k] = _returned(weights[k], self.shapes[k], dtype, name)
            if not np.all(np.abs(weights[k]) < TTFS_TIME_LIMIT):
                raise ValueError(f"{name} must be finite")
        if self.shadows is None:
            self.shadows, self.packed = self.packed, list(self.packed)
        for k in range(len(weights)):
            self.packed[k] = _pack(shift(weights[k], -self.threshold, name))
            if self.single:
                layer_f[k].shadow = <float *>(<Room>self.shadows[k]).start
                layer_f[k].weights = <float *>(<Room>self.packed[k]).start
            else:
                layer_d[k].shadow = <double *>(<Room>self.shadows[k]).start
                layer_d[k].weights = <double *>(<Room>self.packed[k]).start
        return 0

    cdef int follow(self, dict local) except -1:
        """Train by a local rule."""
        cdef Py_ssize_t k, n_layers = len(self.shapes)
        cdef ttfs_feedback feedback
        cdef ttfs_local_kernel kernel
        cdef Room room

        if any(shape is not None for shape in self.delay_shapes):
            raise ValueError("layers with delays cannot be trained by a local rule")
        if local.get("feedback") == "target" and (
            self.train_d.loss == TTFS_TARGET_TIMES
        ):
            raise ValueError("target feedback needs labels, not target times")
        kernel = _choice(LOCAL_KERNELS, "kernel", local.pop("kernel", None))
        name = local.pop("feedback", None)
        feedback = _choice(FEEDBACKS, "feedback", name)
        weights = local.pop("feedback_weights", None)
        if local:
            raise TypeError(f"unknown parameters of a local rule: {', '.join(local)}")
        self.local_f.kernel = self.local_d.kernel = kernel
        self.local_f.feedback = self.local_d.feedback = feedback
        self.train_f.local, self.train_d.local = &self.local_f, &self.local_d
        if feedback == TTFS_SYMMETRIC:
            if weights is not None:
                raise ValueError("symmetric feedback has no feedback_weights")
            return 0
        if weights is None or len(weights) != n_layers:
            raise ValueError(
                f"{name} feedback needs feedback_weights, one entry for each layer"
            )
        dtype = np.float32 if self.single else np.float64
        self.feedback = []
        self.feedback_pointers = Room(n_layers * sizeof(void *))
        for k in range(1, n_layers):
            shape = self.shapes[k]
            if feedback != TTFS_RANDOM:
                shape = self.shapes[k - 1][1], self.n_outputs
            with np.errstate(over="ignore"):
                array = np.asarray(weights[k]).astype(dtype)
            if array.shape != shape:
                raise ValueError(
                    f"feedback_weights of layer {k} must have shape {shape}, "
                    f"got {array.shape}"
                )
            if not np.all(np.abs(array) < TTFS_TIME_LIMIT):
                raise ValueError(f"feedback_weights of layer {k} must be finite")
            if feedback == TTFS_RANDOM:
                array = shift(array, -self.threshold, "feedback_weights")
                room = _room_of(array, dtype)
            else:
                room = _room_of(array.T.ravel(), dtype)
            self.feedback.append(room)
            (<void **>self.feedback_pointers.start)[k] = room.start
        self.local_f.feedback_weights = <const float **>self.feedback_pointers.start
        self.local_d.feedback_weights = <const double **>self.feedback_pointers.start
        return 0

    def state(self):
        """What Adam knows, to go on from later: arrays of the shapes of weights, and of
        delays where there are any, in the units of the core."""
        moments, delay_moments = [
            [
                None if pair is None else tuple(self.unpack(shape, a) for a in pair)
                for shape, pair in zip(shapes, pairs, strict=True)
            ]
            for shapes, pairs in (
                (self.shapes, self.moments), (self.delay_shapes, self.delay_moments)
            )
        ]
        steps = [tuple(a.copy() for a in pair) for pair in self.steps]
        return {"moments": moments, "steps": steps, "delay_moments": delay_moments}

    def epoch(
        self,
        Spikes spikes not None,
        targets,
        const double[::1] factors not None,
        const size_t[::1] order not None,
        Py_ssize_t batch_size,
        const double[::1] rates not None,
        forward=None,
    ):
        """Updates over all samples in the given order; returns the mean loss.

        Parameters
        ----------
        spikes : Spikes
            Of the data set, biases of the first layer included.
        targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Labels, uintp; with the loss "target_times" the time at which each output
            should spike, float64 and finite.
        factors : ndarray of shape (n_samples,)
            Weights in the loss.
        order : ndarray of shape (n,)
            Numbers of samples.
        batch_size : int
        rates : ndarray of shape (ceil(n / batch_size),)
            Learning rate of each batch.
        forward : callable, optional
            What fires instead of the network: a chip, or arithmetic of another kind.
            ``forward(spikes, weights)`` is called for each batch with the Spikes that
            enter it, without deleted ones, and copies of the weights. It returns a list
            of spike times (n, n_out), one array for each layer, where +inf, t_max and
            anything later is silent; or a tuple of that and u_peak (n, n_outputs) of
            silent outputs, in the unit of weights and threshold, for their
            pseudo-times, or None; and perhaps the weights of each layer that fired,
            from now on, where they are not the trainer's: those in fewer bits.
            Gradients are those of the model at these times with these weights; they
            move the trainer's (straight-through). Layers must be without delays.

        Signals are looked at between batches, every few milliseconds: KeyboardInterrupt
        leaves all updates up to there in place, as does an error in `forward`.
        """
        cdef Py_ssize_t n_order = order.shape[0], n_batches, batch, part, n_parts, k
        cdef Py_ssize_t begin, n
        cdef double n_events, since = 0.0, total = 0.0
        cdef double[::1] losses
        cdef bint is_measured = forward is not None

        if self.is_running:
            raise RuntimeError("this trainer is in an epoch already")
        if is_measured and any(shape is not None for shape in self.delay_shapes):
            raise ValueError("layers with delays cannot be trained with forward")
        self.check(spikes)
        are_times = self.train_d.loss == TTFS_TARGET_TIMES
        targets = _checked_targets(
            targets, factors, len(spikes), self.n_outputs, are_times
        )
        if are_times:
            targets = shift(targets, -self.time, "targets")
        if batch_size < 1:
            raise ValueError("batch_size must be positive")
        batch_size = min(batch_size, max(1, n_order))
        n_batches = (n_order + batch_size - 1) // batch_size
        if rates.shape[0] != n_batches:
            raise ValueError(f"rates must have {n_batches} entries")
        for k in range(n_order):
            if order[k] >= <size_t>spikes.n_samples:
                raise ValueError("order has the number of a sample that is not there")
        if n_order == 0:
            return 0.0
        losses = np.empty(batch_size)
        n_events = self.n_events(spikes)
        n_parts = _parts(batch_size, batch_size * n_events)
        self.is_running = True
        try:
            spikes = spikes.shifted(-self.time)
            self.prepare(spikes, targets, factors, batch_size, n_parts)
            with nogil:
                for batch in range(n_batches):
                    begin = batch * batch_size
                    n = min(batch_size, n_order - begin)
                    if is_measured:
                        with gil:
                            self.measure(forward, spikes, order[begin : begin + n])
                    for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                       schedule="static"):
                        if self.single:
                            KERNELS_F.train_forward(
                                &self.train_f, &order[begin], n, part, &losses[0]
                            )
                        else:
                            KERNELS.train_forward(
                                &self.train_d, &order[begin], n, part, &losses[0]
                            )
                    for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                       schedule="static"):
                        if self.single:
                            KERNELS_F.train_backward(
                                &self.train_f, n, rates[batch], part
                            )
                        else:
                            KERNELS.train_backward(
                                &self.train_d, n, rates[batch], part
                            )
                    if n * n_events > OFTEN:  # it can still be dropped
                        with gil:
                            PyErr_CheckSignals()
                    for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                       schedule="static"):
                        if self.single:
                            KERNELS_F.train_update(&self.train_f, n, rates[batch], part)
                        else:
                            KERNELS.train_update(&self.train_d, n, rates[batch], part)
                    for k in range(n):
                        total += losses[k]
                    since += n * n_events
                    if since > OFTEN:
                        since = 0.0
                        with gil:
                            PyErr_CheckSignals()
        finally:
            self.is_running = False
            self.measured = None
            self.train_f.measured, self.train_d.measured = NULL, NULL
            self.train_f.measured_peaks, self.train_d.measured_peaks = NULL, NULL
        PyErr_CheckSignals()
        return ldexp(total / n_order, self.loss_power)

    cdef object inputs(self, Spikes spikes, const size_t[::1] order):
        """The Spikes that enter the network in a batch."""
        cdef Py_ssize_t n = order.shape[0]
        cdef size_t[::1] begin, end
        cdef uint32_t[::1] inputs
        cdef float[::1] times_f
        cdef double[::1] times_d
        size = max(1, n * spikes.most)
        times = np.empty(size, spikes.times.dtype)
        numbers, bounds = np.empty(size, np.uint32), np.empty((2, n), np.uintp)
        begin, end, inputs = bounds[0], bounds[1], numbers
        if self.single:
            times_f = times
            KERNELS_F.train_inputs(&self.train_f, &order[0], n, &begin[0], &end[0],
                                   &times_f[0], &inputs[0])
        else:
            times_d = times
            KERNELS.train_inputs(&self.train_d, &order[0], n, &begin[0], &end[0],
                                 &times_d[0], &inputs[0])
        entering = Spikes(times, numbers, bounds[0], bounds[1], spikes.n_in)
        return entering.shifted(self.time)

    cdef int measure(
        self, object forward, Spikes spikes, const size_t[::1] order
    ) except -1:
        """Get the spikes of a batch from forward, and point the structs to them."""
        cdef Py_ssize_t n = order.shape[0], k
        cdef const float[:, ::1] rows_f
        cdef const double[:, ::1] rows_d
        cdef const float **layers_f = <const float **>self.pointers.start
        cdef const double **layers_d = <const double **>self.pointers.start
        times, peaks = forward(self.inputs(spikes, order), self.weights()), None
        weights = None
        if isinstance(times, tuple):
            if len(times) not in (2, 3):
                raise ValueError(
                    "forward must return a list of arrays, or a tuple of that and "
                    f"peaks, and perhaps weights, got a tuple of {len(times)}"
                )
            times, peaks, weights = (*times, None)[:3]
        times = list(times)
        if len(times) != len(self.shapes):
            raise ValueError(
                f"forward must return spike times of {len(self.shapes)} layers, "
                f"got {len(times)}"
            )
        dtype = np.float32 if self.single else np.float64
        t_max = dtype(self.t_max)
        for k, (_, n_out) in enumerate(self.shapes):
            name = f"spike times that forward returns for layer {k}"
            times[k] = _returned(times[k], (n, n_out), dtype, name)
            if not np.all(times[k] > -TTFS_TIME_LIMIT):
                raise ValueError(f"{name} must be finite or +inf")
            times[k][times[k] >= t_max] = np.inf
            times[k] = shift(times[k], -self.time, name)
            if self.single:
                rows_f = times[k]
                layers_f[k] = &rows_f[0, 0]
            else:
                rows_d = times[k]
                layers_d[k] = &rows_d[0, 0]
        if peaks is not None:
            name = "peaks that forward returns"
            peaks = _returned(peaks, (n, self.n_outputs), dtype, name)
            is_silent = times[len(times) - 1] == np.inf
            if not np.all(np.abs(peaks[is_silent]) < TTFS_TIME_LIMIT):
                raise ValueError(f"{name} must be finite where an output is silent")
            peaks = _outward(peaks, -self.threshold)
        if weights is not None:
            self.fire_with(weights)
        self.measured = times, peaks
        self.train_f.measured, self.train_d.measured = layers_f, layers_d
        self.train_f.measured_peaks, self.train_d.measured_peaks = NULL, NULL
        if peaks is not None and self.single:
            rows_f = peaks
            self.train_f.measured_peaks = &rows_f[0, 0]
        elif peaks is not None:
            rows_d = peaks
            self.train_d.measured_peaks = &rows_d[0, 0]
        return 0

    cdef int prepare(
        self, Spikes spikes, object targets, const double[::1] factors,
        Py_ssize_t batch_size, Py_ssize_t n_parts,
    ) except -1:
        """Point the structs to the data; make room for a batch."""
        cdef size_t size
        cdef const size_t[::1] labels
        cdef const double[:, ::1] times
        self.data = spikes, targets, factors
        if self.train_d.loss == TTFS_TARGET_TIMES:
            times = targets
            self.train_f.targets = self.train_d.targets = &times[0, 0]
        else:
            labels = targets
            self.train_f.labels = self.train_d.labels = &labels[0]
        if self.single:
            self.train_f.spikes = spikes.view_f()
            self.train_f.factors = &factors[0]
            self.train_f.max_samples, self.train_f.n_parts = batch_size, n_parts
            self.train_f.max_spikes = spikes.most
            size = KERNELS_F.training_workspace_size(&self.train_f)
        else:
            self.train_d.spikes = spikes.view_d()
            self.train_d.factors = &factors[0]
            self.train_d.max_samples, self.train_d.n_parts = batch_size, n_parts
            self.train_d.max_spikes = spikes.most
            size = KERNELS.training_workspace_size(&self.train_d)
        if self.workspace is None or <size_t>len(self.workspace.buffer) < size + 64:
            self.workspace = Room(size)
        self.train_f.workspace = self.train_d.workspace = self.workspace.start
        return 0
