# Rate code: the bindings of src/baselines/rate.c.
cdef extern from "ttfs_baselines.h" nogil:
    ctypedef struct ttfs_rate_layer:
        size_t n_in
        size_t n_out
        const float *weights
        const float *bias
        const uint32_t *n_targets

    ctypedef struct ttfs_rate_network:
        size_t n_layers
        const ttfs_rate_layer *layers
        float initial
        int has_input_spikes
        int has_output_spikes

    ctypedef struct ttfs_rate_record:
        int32_t *counts
        float *membranes
        int64_t *n_spikes
        int64_t *n_events
        int32_t *by_neuron

    size_t ttfs_rate_workspace_size(const ttfs_rate_network *network) noexcept nogil
    void ttfs_rate_run(
        const ttfs_rate_network *network, const float *x, size_t n_samples,
        const uint32_t *moments, size_t n_moments, const ttfs_rate_record *record,
        void *scratch
    ) noexcept nogil


cdef double TYPICAL_RATE = 0.1  # of a neuron, for the division of work


cdef class RateNetwork:
    """A network with a rate code, see ttfs_baselines.h.

    Parameters
    ----------
    weights : sequence of ndarray of shape (n_in, n_out), float32
        Weights of each layer, in thresholds.
    biases : sequence of ndarray of shape (n_out,), float32
    initial : float
        Membrane of all neurons at the start.
    has_input_spikes, has_output_spikes : bool
        Whether inputs and outputs are neurons that fire.
    """

    cdef ttfs_rate_network net
    cdef AlignedBuffer layers
    cdef list arrays  # all that the structs point to
    cdef Py_ssize_t n_neurons
    cdef double work_once, work_per_step  # of a sample, in additions, roughly

    def __init__(
        self, weights, biases, float initial, bint has_input_spikes,
        bint has_output_spikes,
    ):
        cdef const float[:, ::1] w
        cdef const float[::1] bias
        cdef const uint32_t[::1] n_targets
        cdef ttfs_rate_layer *layer
        cdef Py_ssize_t k, n_layers = len(weights)

        if n_layers < 1 or len(biases) != n_layers:
            raise ValueError("there must be one bias array for each of the layers")
        self.layers = AlignedBuffer(n_layers * sizeof(ttfs_rate_layer))
        self.arrays, self.n_neurons = [], 0
        self.work_once, self.work_per_step = 0.0, 0.0
        layer = <ttfs_rate_layer *>self.layers.start
        for k in range(n_layers):
            w, bias = weights[k], biases[k]
            if w.shape[0] < 1 or w.shape[1] < 1 or bias.shape[0] != w.shape[1]:
                raise ValueError(
                    f"layer {k}: weights ({w.shape[0]}, {w.shape[1]}) do not have "
                    f"biases of shape ({bias.shape[0]},)"
                )
            if k > 0 and <size_t>w.shape[0] != layer[k - 1].n_out:
                raise ValueError(f"layer {k} does not have the inputs that enter it")
            counts = np.count_nonzero(weights[k], axis=1).astype(np.uint32)
            n_targets = counts
            layer[k].n_in, layer[k].n_out = w.shape[0], w.shape[1]
            layer[k].weights, layer[k].bias = &w[0, 0], &bias[0]
            layer[k].n_targets = &n_targets[0]
            self.arrays += [weights[k], biases[k], counts]
            self.n_neurons += w.shape[1]
            self.work_per_step += w.shape[1]
            if k == 0 and not has_input_spikes:
                self.work_once += w.shape[0] * w.shape[1]
            else:
                self.work_per_step += w.shape[0] * w.shape[1] * TYPICAL_RATE
        self.net.n_layers, self.net.layers = n_layers, layer
        self.net.initial = initial
        self.net.has_input_spikes = has_input_spikes
        self.net.has_output_spikes = has_output_spikes

    def run(self, const float[:, ::1] x, moments):
        """Run samples, and record them at some steps.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_in), float32
            Inputs, finite.
        moments : array-like of int of shape (n_moments,)
            Steps, ascending, from 1 on.

        Returns
        -------
        counts : ndarray of int32 of shape (n_samples, n_moments, n_outputs)
            Spikes of the outputs until then.
        membranes : ndarray of float32 of shape (n_samples, n_moments, n_outputs)
        n_spikes : ndarray of int64 of shape (n_samples, n_moments, n_layers + 1)
            Spikes of the inputs and of each layer until then.
        n_events : ndarray of int64 of shape (n_samples, n_moments, n_layers)
            Spikes that have arrived over a weight that is not 0.
        by_neuron : ndarray of int32 of shape (n_samples, n_neurons)
            Spikes of all neurons until the last of these steps.
        """
        cdef const uint32_t[::1] steps = _moments(moments)
        cdef Py_ssize_t n_samples = x.shape[0], n_moments = steps.shape[0]
        cdef Py_ssize_t n_layers = self.net.n_layers, n_in = self.net.layers[0].n_in
        cdef Py_ssize_t n_out = self.net.layers[n_layers - 1].n_out, begin, n
        cdef double work = self.work_once + steps[n_moments - 1] * self.work_per_step
        cdef int part, n_parts = _parts(n_samples, work * n_samples)
        cdef Py_ssize_t block = n_parts * (1 + <Py_ssize_t>(SIGNAL_INTERVAL / work))
        cdef size_t scratch_size = ttfs_rate_workspace_size(&self.net)
        cdef AlignedBuffer scratch = AlignedBuffer(n_parts * scratch_size)
        cdef int32_t[:, :, ::1] counts
        cdef float[:, :, ::1] membranes
        cdef int64_t[:, :, ::1] n_spikes, n_events
        cdef int32_t[:, ::1] by_neuron
        cdef ttfs_rate_record record

        if x.shape[1] != n_in:
            raise ValueError(f"x must have {n_in} columns, got {x.shape[1]}")
        if n_samples < 1:
            raise ValueError("there must be at least one sample")
        counts = np.empty((n_samples, n_moments, n_out), np.int32)
        membranes = np.empty((n_samples, n_moments, n_out), np.float32)
        n_spikes = np.empty((n_samples, n_moments, n_layers + 1), np.int64)
        n_events = np.empty((n_samples, n_moments, n_layers), np.int64)
        by_neuron = np.empty((n_samples, self.n_neurons), np.int32)
        record.counts, record.membranes = &counts[0, 0, 0], &membranes[0, 0, 0]
        record.n_spikes, record.n_events = &n_spikes[0, 0, 0], &n_events[0, 0, 0]
        record.by_neuron = &by_neuron[0, 0]
        for begin in range(0, n_samples, block):
            n = min(block, n_samples - begin)
            with nogil:
                for part in prange(n_parts, num_threads=n_parts, chunksize=1,
                                   schedule="static"):
                    self.run_rows(
                        &x[0, 0], begin + n * part // n_parts,
                        begin + n * (part + 1) // n_parts, &steps[0], n_moments,
                        &record, <char *>scratch.start + part * scratch_size,
                    )
            PyErr_CheckSignals()
        return (
            np.asarray(counts), np.asarray(membranes), np.asarray(n_spikes),
            np.asarray(n_events), np.asarray(by_neuron),
        )

    cdef void run_rows(
        self, const float *x, size_t begin, size_t end, const uint32_t *steps,
        size_t n_moments, const ttfs_rate_record *record, void *scratch
    ) noexcept nogil:
        """Run some of the samples."""
        cdef size_t n_layers = self.net.n_layers
        cdef size_t n_out = self.net.layers[n_layers - 1].n_out
        cdef size_t first = begin * n_moments
        cdef ttfs_rate_record own

        own.counts = record.counts + first * n_out
        own.membranes = record.membranes + first * n_out
        own.n_spikes = record.n_spikes + first * (n_layers + 1)
        own.n_events = record.n_events + first * n_layers
        own.by_neuron = record.by_neuron + begin * self.n_neurons
        ttfs_rate_run(
            &self.net, x + begin * self.net.layers[0].n_in, end - begin, steps,
            n_moments, &own, scratch,
        )


cdef object _moments(moments):
    """Steps at which to record, uint32."""
    steps = np.asarray(moments)
    if steps.ndim != 1 or steps.dtype.kind not in "iu" or not steps.size:
        raise ValueError("moments must be one or more integers")
    if steps.min() < 1 or steps.max() > 2**31 - 1 or np.any(np.diff(steps) <= 0):
        raise ValueError("moments must be ascending steps, from 1 on")
    return np.ascontiguousarray(steps, np.uint32)
