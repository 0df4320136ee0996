"""Bindings of the C core.

Everything that reaches C passes through here and is checked here: shapes, dtypes and
contiguity (by the memoryview types), empty arrays, label range. Values are checked by
the callers in Python: times finite or +inf, all else finite.

Work is divided into chunks whose borders do not depend on the number of threads, and
chunks never write to the same place, so results have the same bits for any number.
"""
import os

import joblib
import numpy as np

from cython.parallel cimport prange

from _threads cimport omp_get_max_threads
from c_ttfs cimport *

cdef enum:
    SAMPLES = 8    # of a chunk
    NEURONS = 64   # of a chunk: the panel of the C core
    SMALL = 200_000  # synapses: below this threads cost more than they give

ctypedef fused real:
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


cdef inline Py_ssize_t _chunks(Py_ssize_t n, Py_ssize_t size) noexcept nogil:
    return (n + size - 1) // size


cdef int _threads_for(Py_ssize_t n_chunks, double n_synapses) except -1:
    if n_synapses < SMALL or n_chunks < 2:
        return 1
    return <int>min(n_chunks, <Py_ssize_t>n_threads())


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


cdef object _same_shape(object array, Py_ssize_t rows, Py_ssize_t columns, str name):
    if array.shape[0] != rows or array.shape[1] != columns:
        raise ValueError(
            f"{name} must have shape ({rows}, {columns}), "
            f"got ({array.shape[0]}, {array.shape[1]})"
        )


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

    cdef ttfs_neuron neuron
    cdef double[::1] buffer       # the event lists; double for its alignment
    cdef size_t[::1] counts
    cdef size_t row               # bytes of one sample's list
    cdef bint single
    cdef readonly double t_max
    cdef readonly Py_ssize_t n_samples, n_in

    # Not __init__, which could run again while another thread reads the lists.
    def __cinit__(self, times not None, neuron not None, double t_max=float("inf")):
        cdef const float[:, ::1] single
        cdef const double[:, ::1] double_
        _init(&self.neuron, neuron)
        if t_max != t_max:
            raise ValueError("t_max must not be NaN")
        self.t_max = t_max
        self.single = times.dtype == np.float32
        if self.single:
            single = times
            self.sort(single)
        else:
            double_ = times
            self.sort(double_)

    cdef int sort(self, const real[:, ::1] times) except -1:
        cdef Py_ssize_t n_samples = times.shape[0], n_in = times.shape[1]
        cdef Py_ssize_t chunk, begin, n, n_chunks = _chunks(n_samples, SAMPLES)
        cdef size_t scratch_size
        cdef double[:, ::1] scratch
        cdef char *events
        cdef int threads

        self.n_samples = n_samples
        self.n_in = n_in
        if real is float:
            self.row = n_in * ttfs_event_size_f()
            scratch_size = ttfs_sort_scratch_size_f(n_in)
        else:
            self.row = n_in * ttfs_event_size()
            scratch_size = ttfs_sort_scratch_size(n_in)
        self.buffer = np.empty(_chunks(n_samples * self.row, 8))
        self.counts = np.zeros(n_samples, dtype=np.uintp)
        if n_samples == 0 or n_in == 0:
            return 0

        scratch = np.empty((n_chunks, _chunks(scratch_size, 8)))
        events = <char *>&self.buffer[0]
        threads = _threads_for(n_chunks, 64.0 * n_samples * n_in)
        for chunk in prange(n_chunks, nogil=True, num_threads=threads):
            begin = chunk * SAMPLES
            n = min(<Py_ssize_t>SAMPLES, n_samples - begin)
            if real is float:
                ttfs_sort_events_f(
                    &self.neuron, &times[begin, 0], n, n_in, self.t_max,
                    events + begin * self.row, &self.counts[begin], &scratch[chunk, 0],
                )
            else:
                ttfs_sort_events(
                    &self.neuron, &times[begin, 0], n, n_in, self.t_max,
                    events + begin * self.row, &self.counts[begin], &scratch[chunk, 0],
                )
        return 0

    cdef int check(self, bint single) except -1:
        if single != self.single:
            raise TypeError("arrays must have the dtype of the input times")
        return 0

    def first_spike(self, const real[:, ::1] weights not None):
        """Spike times (n_samples, n_out) for weights (n_in, n_out)."""
        cdef Py_ssize_t n_out = weights.shape[1]
        cdef Py_ssize_t chunk, begin, n, n_chunks = _chunks(self.n_samples, SAMPLES)
        cdef const char *events
        cdef real[:, ::1] out
        cdef int threads

        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        spikes = np.full((self.n_samples, n_out), np.inf, np.asarray(weights).dtype)
        if spikes.size == 0 or self.n_in == 0:
            return spikes
        out = spikes
        events = <const char *>&self.buffer[0]
        threads = _threads_for(n_chunks, <double>self.n_samples * self.n_in * n_out)
        for chunk in prange(n_chunks, nogil=True, num_threads=threads):
            begin = chunk * SAMPLES
            n = min(<Py_ssize_t>SAMPLES, self.n_samples - begin)
            if real is float:
                ttfs_first_spike_f(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, self.t_max, &out[begin, 0],
                )
            else:
                ttfs_first_spike(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, self.t_max, &out[begin, 0],
                )
        return spikes

    def peak(
        self,
        const real[:, ::1] weights not None,
        const real[:, ::1] spikes not None,
    ):
        """Membrane peaks of silent neurons: (u_peak, t_peak), see ttfs_peak()."""
        cdef Py_ssize_t n_out = weights.shape[1]
        cdef Py_ssize_t chunk, begin, n, n_chunks = _chunks(self.n_samples, SAMPLES)
        cdef const char *events
        cdef real[:, ::1] u, t
        cdef int threads

        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(spikes, self.n_samples, n_out, "spikes")
        if self.t_max == float("inf"):
            raise ValueError("the peak of a silent neuron needs a finite t_max")
        dtype = np.asarray(weights).dtype
        u_peak = np.zeros((self.n_samples, n_out), dtype)
        t_peak = np.full((self.n_samples, n_out), self.t_max, dtype)
        if u_peak.size == 0:
            return u_peak, t_peak
        if self.n_in == 0:
            fired = np.asarray(spikes) < self.t_max
            u_peak[fired] = self.neuron.threshold
            return u_peak, np.minimum(t_peak, spikes)
        u, t = u_peak, t_peak
        events = <const char *>&self.buffer[0]
        threads = _threads_for(n_chunks, <double>self.n_samples * self.n_in * n_out)
        for chunk in prange(n_chunks, nogil=True, num_threads=threads):
            begin = chunk * SAMPLES
            n = min(<Py_ssize_t>SAMPLES, self.n_samples - begin)
            if real is float:
                ttfs_peak_f(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, self.t_max, &spikes[begin, 0],
                    &u[begin, 0], &t[begin, 0],
                )
            else:
                ttfs_peak(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, self.t_max, &spikes[begin, 0],
                    &u[begin, 0], &t[begin, 0],
                )
        return u_peak, t_peak

    def slope(
        self, const real[:, ::1] weights not None, const real[:, ::1] at not None
    ):
        """Membrane slopes (n_samples, n_out) at the times at (n_samples, n_out)."""
        cdef Py_ssize_t n_out = weights.shape[1]
        cdef Py_ssize_t chunk, begin, n, n_chunks = _chunks(self.n_samples, SAMPLES)
        cdef const char *events
        cdef real[:, ::1] out
        cdef int threads

        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(at, self.n_samples, n_out, "at")
        slopes = np.zeros((self.n_samples, n_out), np.asarray(weights).dtype)
        if slopes.size == 0 or self.n_in == 0:
            return slopes
        out = slopes
        events = <const char *>&self.buffer[0]
        threads = _threads_for(n_chunks, <double>self.n_samples * self.n_in * n_out)
        for chunk in prange(n_chunks, nogil=True, num_threads=threads):
            begin = chunk * SAMPLES
            n = min(<Py_ssize_t>SAMPLES, self.n_samples - begin)
            if real is float:
                ttfs_slope_f(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, &at[begin, 0], &out[begin, 0],
                )
            else:
                ttfs_slope(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, &at[begin, 0], &out[begin, 0],
                )
        return slopes

    def grad_weights(
        self,
        const real[:, ::1] at not None,
        const real[:, ::1] c not None,
        real[:, ::1] grad not None,
    ):
        """Add the gradient, summed over samples, to grad (n_in, n_out)."""
        cdef Py_ssize_t n_out = grad.shape[1]
        cdef Py_ssize_t chunk, begin, end, n_chunks = _chunks(n_out, NEURONS)
        cdef const char *events
        cdef int threads

        self.check(real is float)
        _same_shape(grad, self.n_in, n_out, "grad")
        _same_shape(at, self.n_samples, n_out, "at")
        _same_shape(c, self.n_samples, n_out, "c")
        if self.n_samples == 0 or self.n_in == 0 or n_out == 0:
            return
        events = <const char *>&self.buffer[0]
        threads = _threads_for(n_chunks, <double>self.n_samples * self.n_in * n_out)
        for chunk in prange(n_chunks, nogil=True, num_threads=threads):
            begin = chunk * NEURONS
            end = min(begin + NEURONS, n_out)
            if real is float:
                ttfs_grad_weights_f(
                    &self.neuron, events, &self.counts[0], self.n_samples, self.n_in,
                    &at[0, 0], &c[0, 0], n_out, begin, end, &grad[0, 0],
                )
            else:
                ttfs_grad_weights(
                    &self.neuron, events, &self.counts[0], self.n_samples, self.n_in,
                    &at[0, 0], &c[0, 0], n_out, begin, end, &grad[0, 0],
                )

    def grad_times(
        self,
        const real[:, ::1] weights not None,
        const real[:, ::1] at not None,
        const real[:, ::1] c not None,
        const real[:, ::1] kink=None,
    ):
        """Gradient (n_samples, n_in) with respect to the input times."""
        cdef Py_ssize_t n_out = weights.shape[1]
        cdef Py_ssize_t chunk, begin, n, n_chunks = _chunks(self.n_samples, SAMPLES)
        cdef const char *events
        cdef real[:, ::1] out
        cdef const real *kinks = NULL
        cdef int threads

        self.check(real is float)
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(at, self.n_samples, n_out, "at")
        _same_shape(c, self.n_samples, n_out, "c")
        if kink is not None:
            _same_shape(kink, self.n_samples, n_out, "kink")
        grad = np.zeros((self.n_samples, self.n_in), np.asarray(weights).dtype)
        if grad.size == 0 or n_out == 0:
            return grad
        out = grad
        if kink is not None:
            kinks = &kink[0, 0]
        events = <const char *>&self.buffer[0]
        threads = _threads_for(n_chunks, <double>self.n_samples * self.n_in * n_out)
        for chunk in prange(n_chunks, nogil=True, num_threads=threads):
            begin = chunk * SAMPLES
            n = min(<Py_ssize_t>SAMPLES, self.n_samples - begin)
            if real is float:
                ttfs_grad_times_f(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, &at[begin, 0], &c[begin, 0],
                    kinks + begin * n_out if kinks != NULL else NULL, &out[begin, 0],
                )
            else:
                ttfs_grad_times(
                    &self.neuron, events + begin * self.row, &self.counts[begin], n,
                    self.n_in, &weights[0, 0], n_out, &at[begin, 0], &c[begin, 0],
                    kinks + begin * n_out if kinks != NULL else NULL, &out[begin, 0],
                )
        return grad


cdef int _check_labels(
    const size_t[::1] labels,
    const double[::1] weights,
    Py_ssize_t n_samples,
    Py_ssize_t n_classes,
) except -1:
    cdef Py_ssize_t s
    if labels.shape[0] != n_samples or weights.shape[0] != n_samples:
        raise ValueError("labels and weights must have one entry per sample")
    for s in range(n_samples):
        if labels[s] >= <size_t>n_classes:
            raise ValueError("a label is outside [0, n_classes)")
    return 0


def loss_cross_entropy(
    const real[:, ::1] times not None,
    const size_t[::1] labels not None,
    const double[::1] weights not None,
    double time_scale,
    double early,
    double early_scale,
):
    """Loss (n_samples,) and its gradient (n_samples, n_classes) with respect to times.

    See ttfs_loss_cross_entropy(): times are finite; labels and weights (n_samples,).
    """
    cdef Py_ssize_t n = times.shape[0], n_classes = times.shape[1]
    _check_labels(labels, weights, n, n_classes)
    if not (time_scale > 0 and early_scale > 0):
        raise ValueError("time_scale and early_scale must be positive")
    loss = np.zeros(n)
    grad = np.zeros((n, n_classes), np.asarray(times).dtype)
    if n == 0 or n_classes == 0:
        return loss, grad
    cdef double[::1] out = loss
    cdef real[:, ::1] g = grad
    with nogil:
        if real is float:
            ttfs_loss_cross_entropy_f(
                &times[0, 0], &labels[0], &weights[0], n, n_classes, time_scale,
                early, early_scale, &out[0], &g[0, 0],
            )
        else:
            ttfs_loss_cross_entropy(
                &times[0, 0], &labels[0], &weights[0], n, n_classes, time_scale,
                early, early_scale, &out[0], &g[0, 0],
            )
    return loss, grad


def loss_squared_error(
    const real[:, ::1] times not None,
    const size_t[::1] labels not None,
    const double[::1] weights not None,
    double target_label,
    double target_other,
    bint shift_invariant,
):
    """Loss (n_samples,) and its gradient (n_samples, n_classes) with respect to times.

    See ttfs_loss_squared_error() and ttfs_loss_shift_invariant(): times are finite;
    labels and weights (n_samples,).
    """
    cdef Py_ssize_t n = times.shape[0], n_classes = times.shape[1]
    _check_labels(labels, weights, n, n_classes)
    loss = np.zeros(n)
    grad = np.zeros((n, n_classes), np.asarray(times).dtype)
    if n == 0 or n_classes == 0:
        return loss, grad
    cdef double[::1] out = loss
    cdef real[:, ::1] g = grad
    with nogil:
        if real is float:
            if shift_invariant:
                ttfs_loss_shift_invariant_f(
                    &times[0, 0], &labels[0], &weights[0], n, n_classes, target_label,
                    target_other, &out[0], &g[0, 0],
                )
            else:
                ttfs_loss_squared_error_f(
                    &times[0, 0], &labels[0], &weights[0], n, n_classes, target_label,
                    target_other, &out[0], &g[0, 0],
                )
        else:
            if shift_invariant:
                ttfs_loss_shift_invariant(
                    &times[0, 0], &labels[0], &weights[0], n, n_classes, target_label,
                    target_other, &out[0], &g[0, 0],
                )
            else:
                ttfs_loss_squared_error(
                    &times[0, 0], &labels[0], &weights[0], n, n_classes, target_label,
                    target_other, &out[0], &g[0, 0],
                )
    return loss, grad


def adam(
    real[:, ::1] param not None,
    const real[:, ::1] grad not None,
    real[:, ::1] m not None,
    real[:, ::1] v not None,
    double learning_rate,
    double beta_1,
    double beta_2,
    double epsilon,
    double weight_decay,
    Py_ssize_t step,
):
    """One step of Adam in place, see ttfs_adam(); step counts from 1."""
    cdef Py_ssize_t rows = param.shape[0], columns = param.shape[1]
    _same_shape(grad, rows, columns, "grad")
    _same_shape(m, rows, columns, "m")
    _same_shape(v, rows, columns, "v")
    if step < 1:
        raise ValueError("step counts from 1")
    if rows == 0 or columns == 0:
        return
    with nogil:
        if real is float:
            ttfs_adam_f(
                &param[0, 0], &grad[0, 0], &m[0, 0], &v[0, 0], rows * columns,
                learning_rate, beta_1, beta_2, epsilon, weight_decay, step,
            )
        else:
            ttfs_adam(
                &param[0, 0], &grad[0, 0], &m[0, 0], &v[0, 0], rows * columns,
                learning_rate, beta_1, beta_2, epsilon, weight_decay, step,
            )
