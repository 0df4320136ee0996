# S4NN: the bindings of src/baselines/s4nn.c.
cdef extern from "ttfs_baselines.h" nogil:
    ctypedef struct ttfs_s4nn_layer:
        size_t n_in
        size_t n_out
        float *weights
        double scale

    ctypedef struct ttfs_s4nn_network:
        size_t n_layers
        ttfs_s4nn_layer *layers
        int32_t n_steps
        double threshold

    ctypedef struct ttfs_s4nn_spikes:
        const size_t *begin
        const uint32_t *inputs
        const uint16_t *steps

    ctypedef struct ttfs_s4nn_rule:
        const double *rates
        double weight_decay
        double gamma

    ctypedef struct ttfs_s4nn_tally:
        size_t n_correct
        double loss
        size_t *n_fired

    size_t ttfs_s4nn_sort_spikes(
        const int32_t *times, size_t n, int32_t n_steps, size_t *counts,
        uint32_t *inputs, uint16_t *steps,
    ) noexcept
    size_t ttfs_s4nn_workspace_size(const ttfs_s4nn_network *network) noexcept
    void ttfs_s4nn_run(
        const ttfs_s4nn_network *network, const ttfs_s4nn_spikes *spikes, size_t begin,
        size_t end, int32_t *times, float *membranes, void *scratch,
    ) noexcept
    void ttfs_s4nn_learn(
        ttfs_s4nn_network *network, const ttfs_s4nn_rule *rule,
        const ttfs_s4nn_spikes *spikes, const uint32_t *labels, const size_t *order,
        size_t n, ttfs_s4nn_tally *tally, void *scratch,
    ) noexcept
    void ttfs_s4nn_fold_scales(ttfs_s4nn_network *network) noexcept
    void ttfs_s4nn_count_events(
        const ttfs_s4nn_layer *layer, const int32_t *arrivals, const int32_t *ends,
        int32_t *counts,
    ) noexcept

cdef enum:
    S4NN_MAX_STEPS = 65_535  # a step is a uint16


cdef int _check_n_steps(int n_steps) except -1:
    if not 1 <= n_steps <= S4NN_MAX_STEPS:
        raise ValueError(f"n_steps must be 1 to {S4NN_MAX_STEPS}, got {n_steps}")
    return 0


cdef object _check_shape(object shape, tuple expected, str name):
    if tuple(shape) != expected:
        raise ValueError(f"{name} must have shape {expected}, got {tuple(shape)}")


cdef class StepSpikes:
    """Input spikes of samples in steps; those of a sample are sorted by step.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n, n_in), int32
        The step of the spike of each input, not negative, for samples one block after
        the other; `n_steps` or more: no spike.
    n_in : int
        Number of inputs.
    n_steps : int
        Number of steps.
    """

    cdef readonly Py_ssize_t n_samples, n_in
    cdef readonly int n_steps
    cdef readonly object begin, inputs, steps
    cdef ttfs_s4nn_spikes spikes

    def __init__(self, blocks, Py_ssize_t n_in, int n_steps):
        _check_n_steps(n_steps)
        self.n_in, self.n_steps = n_in, n_steps
        lists = [self._sort(block) for block in blocks]
        counts, inputs, steps = map(np.concatenate, zip(*lists))
        self.n_samples = len(counts)
        self.begin = np.append(0, np.cumsum(counts)).astype(np.uintp)
        # One entry more, so that there is a first one.
        self.inputs, self.steps = (
            np.append(array, array.dtype.type(0)) for array in (inputs, steps)
        )
        cdef const size_t[::1] begin = self.begin
        cdef const uint32_t[::1] all_inputs = self.inputs
        cdef const uint16_t[::1] all_steps = self.steps
        self.spikes = ttfs_s4nn_spikes(&begin[0], &all_inputs[0], &all_steps[0])

    def _sort(self, const int32_t[:, ::1] steps not None):
        """Numbers of spikes, inputs and steps of a block of samples."""
        cdef Py_ssize_t n = steps.shape[0], i
        cdef size_t end = 0
        _check_shape(steps.base.shape, (n, self.n_in), "steps")
        if n > 0 and np.min(steps) < 0:
            raise ValueError("steps must not be negative")
        cdef size_t[::1] scratch = np.empty(self.n_steps, np.uintp)
        cdef size_t[::1] counts = np.empty(n, np.uintp)
        cdef uint32_t[::1] inputs = np.empty(n * self.n_in + 1, np.uint32)
        cdef uint16_t[::1] out = np.empty(n * self.n_in + 1, np.uint16)
        with nogil:
            for i in range(n):
                counts[i] = ttfs_s4nn_sort_spikes(
                    &steps[i, 0], self.n_in, self.n_steps, &scratch[0],
                    &inputs[end], &out[end],
                )
                end += counts[i]
        parts = np.asarray(inputs)[:end], np.asarray(out)[:end]
        return np.asarray(counts), parts[0].copy(), parts[1].copy()

    def __len__(self):
        return self.n_samples


cdef class StepNetwork:
    """Layers of non-leaky neurons in steps, and the rule of S4NN.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out), float32
        Weights of the layers; C-contiguous. Learning changes them in place.
    n_steps : int
        Number of steps.
    threshold : float
        Threshold of all neurons.
    """

    cdef readonly list weights
    cdef readonly object sizes
    cdef readonly int n_neurons, n_outputs
    cdef object layers  # the memory of the structs
    cdef ttfs_s4nn_network net

    def __init__(self, list weights not None, int n_steps, double threshold):
        _check_n_steps(n_steps)
        if not 0 < threshold < float("inf"):
            raise ValueError(f"threshold must be positive and finite, got {threshold}")
        if not weights:
            raise ValueError("weights must have at least one layer")
        self.weights = weights
        self.layers = AlignedBuffer(len(weights) * sizeof(ttfs_s4nn_layer))
        self.net.layers = <ttfs_s4nn_layer *>(<AlignedBuffer>self.layers).start
        self.net.n_layers = len(weights)
        self.net.n_steps = n_steps
        self.net.threshold = threshold
        cdef const float[:, ::1] view
        sizes = []
        for k, array in enumerate(weights):
            view = array
            if 0 in array.shape or (k > 0 and array.shape[0] != sizes[k]):
                raise ValueError(
                    f"weights[{k}] has shape {array.shape}: it must have inputs and "
                    "neurons, as many inputs as the layer before has neurons"
                )
            self.net.layers[k] = ttfs_s4nn_layer(
                view.shape[0], view.shape[1], <float *>&view[0, 0], 1.0
            )
            sizes += array.shape if k == 0 else array.shape[1:]
        self.sizes = tuple(sizes)
        self.n_neurons = sum(sizes[1:])
        self.n_outputs = sizes[len(weights)]

    cdef int _check(self, StepSpikes spikes) except -1:
        if spikes.n_in != self.sizes[0] or spikes.n_steps != self.net.n_steps:
            raise ValueError(
                f"spikes of {spikes.n_in} inputs in {spikes.n_steps} steps do not fit "
                f"a network of {self.sizes[0]} inputs in {self.net.n_steps} steps"
            )
        return 0

    cdef double _n_events(self, StepSpikes spikes) except -1:
        """About as many synaptic events as the samples have at most."""
        later = sum(n * m for n, m in zip(self.sizes[1:], self.sizes[2:]))
        n_spikes = int(spikes.begin[spikes.n_samples])
        return n_spikes * self.sizes[1] + later * spikes.n_samples

    def run(self, StepSpikes spikes not None):
        """Spike times, and the membranes that decide between outputs.

        Parameters
        ----------
        spikes : StepSpikes

        Returns
        -------
        times : ndarray of shape (n_samples, n_neurons), int32
            The layers one after the other; `n_steps`: silent.
        membranes : ndarray of shape (n_samples, n_outputs), float32
            Of the outputs in the step that the first of them answers, or the last step.
        """
        self._check(spikes)
        cdef size_t n = spikes.n_samples
        cdef int32_t[:, ::1] times = np.empty((n, self.n_neurons), np.int32)
        cdef float[:, ::1] membranes = np.empty((n, self.n_outputs), np.float32)
        if n == 0:
            return np.asarray(times), np.asarray(membranes)
        cdef size_t size = (ttfs_s4nn_workspace_size(&self.net) + 63) // 64 * 64
        cdef int n_parts = _parts(n, self._n_events(spikes)), part
        cdef AlignedBuffer scratch = AlignedBuffer(n_parts * size, is_zero=False)
        cdef char *start = <char *>scratch.start
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            ttfs_s4nn_run(
                &self.net, &spikes.spikes, n * part // n_parts,
                n * (part + 1) // n_parts, &times[0, 0], &membranes[0, 0],
                start + part * size,
            )
        return np.asarray(times), np.asarray(membranes)

    def learn(self, StepSpikes spikes not None, const uint32_t[::1] labels not None,
              const size_t[::1] order not None, const double[::1] rates not None,
              double weight_decay, double gamma, size_t[::1] n_fired not None):
        """Learn samples one after the other, in place.

        An interrupt ends it between two samples; the weights are then what was learned
        until there.

        Parameters
        ----------
        spikes : StepSpikes
        labels : ndarray of shape (n_samples,), uint32
            Numbers of output neurons.
        order : ndarray of shape (n,), uintp
            The samples, in the order in which they are learned.
        rates : ndarray of shape (n_layers,)
            Learning rates, positive.
        weight_decay, gamma : float
            See include/ttfs_baselines.h.
        n_fired : ndarray of shape (n_neurons,), uintp
            Raised by the number of samples in which each neuron fires.

        Returns
        -------
        n_correct : int
            Samples whose label was among the first outputs before it was learned.
        loss : float
            Sum of (T - t)^2 / (2 n_steps^2).
        """
        self._check(spikes)
        if len(labels) != spikes.n_samples:
            raise ValueError(
                f"{len(labels)} labels do not fit {spikes.n_samples} samples"
            )
        if len(labels) > 0 and np.max(labels) >= self.n_outputs:
            raise ValueError(f"labels must be below {self.n_outputs}")
        if len(order) > 0 and np.max(order) >= spikes.n_samples:
            raise ValueError(f"order must be below {spikes.n_samples}")
        has_positive = len(rates) > 0 and np.min(rates) > 0  # no NaN
        if not has_positive or len(rates) != len(self.weights):
            raise ValueError(f"rates must be {self.net.n_layers} positive numbers")
        if not 0 <= weight_decay * np.max(rates) < 1:
            raise ValueError("weight_decay must be from 0 to less than 1 / rate")
        if not gamma > 0:
            raise ValueError(f"gamma must be positive, got {gamma}")
        if len(n_fired) != self.n_neurons:
            raise ValueError(f"n_fired must have shape ({self.n_neurons},)")
        if not all(array.flags.writeable for array in self.weights):
            raise ValueError("weights must be writeable")
        cdef ttfs_s4nn_tally tally = ttfs_s4nn_tally(0, 0.0, &n_fired[0])
        if len(order) == 0:
            return 0, 0.0
        cdef ttfs_s4nn_rule rule = ttfs_s4nn_rule(&rates[0], weight_decay, gamma)
        cdef AlignedBuffer scratch = AlignedBuffer(ttfs_s4nn_workspace_size(&self.net))
        cdef double per_sample = self._n_events(spikes) / spikes.n_samples
        cdef size_t stride = <size_t>max(1, SIGNAL_INTERVAL / (per_sample + 1))
        cdef size_t n = len(order), begin = 0
        try:
            with nogil:
                while begin < n:
                    stride = min(stride, n - begin)
                    ttfs_s4nn_learn(
                        &self.net, &rule, &spikes.spikes, &labels[0], &order[begin],
                        stride, &tally, scratch.start,
                    )
                    begin += stride
                    with gil:
                        PyErr_CheckSignals()
        finally:
            ttfs_s4nn_fold_scales(&self.net)
        return tally.n_correct, tally.loss

    def count_events(self, int k, const int32_t[:, ::1] arrivals not None,
                     const int32_t[:, ::1] ends not None):
        """Synaptic events of a layer, by the input that they come from.

        Parameters
        ----------
        k : int
            Number of the layer, from 0.
        arrivals : ndarray of shape (n_samples, n_in), int32
            Steps of the spikes that arrive.
        ends : ndarray of shape (n_samples, n_out), int32
            The step from which on a neuron takes no more.

        Returns
        -------
        counts : ndarray of shape (n_samples, n_in), int32
            Neurons with a weight that is not 0, whose end is after the arrival.
        """
        if not 0 <= k < <int>self.net.n_layers:
            raise ValueError(f"k must be 0 to {self.net.n_layers - 1}, got {k}")
        cdef Py_ssize_t n = arrivals.shape[0], i
        cdef const ttfs_s4nn_layer *layer = &self.net.layers[k]
        _check_shape(arrivals.base.shape, (n, layer.n_in), "arrivals")
        _check_shape(ends.base.shape, (n, layer.n_out), "ends")
        cdef int32_t[:, ::1] counts = np.empty((n, layer.n_in), np.int32)
        with nogil:
            for i in range(n):
                ttfs_s4nn_count_events(
                    layer, &arrivals[i, 0], &ends[i, 0], &counts[i, 0]
                )
        return np.asarray(counts)
