cdef enum:  # functions of LayerBatch
    FIRST_SPIKE
    PEAK
    SLOPE
    GRAD_TIMES


cdef class LayerBatch:
    """Input spikes of a batch, sorted, for layers of one kind of neuron.

    Parameters
    ----------
    times : ndarray of shape (n_samples, n_in), or Spikes
        Spike times, +inf = absent; or sorted spikes, all of them before t_max.
    neuron : LIF
    t_max : float
        Horizon: no spike is at or after it; may be +inf.
    """

    cdef ttfs_neuron neuron  # in the units of `time` and `threshold`
    cdef Spikes spikes
    cdef double horizon
    cdef int time, threshold  # exponents of the units
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
        if isinstance(times, Spikes):
            self.spikes = (<Spikes>times).shifted(-self.time)
            if self.spikes.last() >= DTYPE(self.horizon):
                raise ValueError("all spikes must be before t_max")
        else:
            times = shift(times, -self.time, "times")
            self.spikes = spikes_at(times, (), self.horizon)
        self.n_samples, self.n_in = self.spikes.n_samples, self.spikes.n_in
        if self.n_in >= MAX_INPUTS:
            raise ValueError(f"a layer must have fewer than {MAX_INPUTS} inputs")

    cdef object times(self, object array):
        return shift(np.asarray(array), -self.time, "times")

    cdef AlignedBuffer pack(self, object weights):
        return _pack(shift(np.asarray(weights), -self.threshold, "weights"))

    cdef AlignedBuffer workspaces(self, Py_ssize_t n_parts, size_t *size):
        size[0] = (KERNELS.layer_workspace_size(self.spikes.max_spikes) + 63) // 64 * 64
        return AlignedBuffer(n_parts * size[0])

    def first_spike(self, const real[:, ::1] weights not None):
        """Spike times (n_samples, n_out) for weights (n_in, n_out)."""
        _same_shape(weights, self.n_in, weights.shape[1], "weights")
        spikes = np.full((self.n_samples, weights.shape[1]), np.inf, DTYPE)
        if spikes.size and self.n_in:
            self.run_parts(
                FIRST_SPIKE, self.pack(weights), weights.shape[1],
                None, None, None, spikes, None,
            )
        return _outward(spikes, self.time)

    def peak(
        self,
        const real[:, ::1] weights not None,
        const real[:, ::1] spikes not None,
    ):
        """Membrane peaks of silent neurons: (u_peak, t_peak), see ttfs_kernels.h."""
        cdef Py_ssize_t n_out = weights.shape[1]
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(spikes, self.n_samples, n_out, "spikes")
        if self.t_max == float("inf"):
            raise ValueError("the peak of a silent neuron needs a finite t_max")
        u_peak = np.zeros((self.n_samples, n_out), DTYPE)
        t_peak = np.full((self.n_samples, n_out), self.t_max, DTYPE)
        if u_peak.size and self.n_in == 0:
            u_peak[np.asarray(spikes) < self.t_max] = ldexp(
                self.neuron.threshold, self.threshold
            )
            t_peak = np.minimum(t_peak, spikes)
        elif u_peak.size:
            self.run_parts(
                PEAK, self.pack(weights), n_out, self.times(spikes),
                None, None, u_peak, t_peak,
            )
            u_peak = _outward(u_peak, self.threshold)
            t_peak = _outward(t_peak, self.time)
        return u_peak, t_peak

    def slope(
        self, const real[:, ::1] weights not None, const real[:, ::1] at not None
    ):
        """Membrane slopes (n_samples, n_out) at the times at (n_samples, n_out)."""
        cdef Py_ssize_t n_out = weights.shape[1]
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(at, self.n_samples, n_out, "at")
        slopes = np.zeros((self.n_samples, n_out), DTYPE)
        if slopes.size and self.n_in:
            self.run_parts(
                SLOPE, self.pack(weights), n_out, self.times(at),
                None, None, slopes, None,
            )
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
        _same_shape(weights, self.n_in, n_out, "weights")
        _same_shape(at, self.n_samples, n_out, "at")
        _same_shape(c, self.n_samples, n_out, "c")
        if kink is not None:
            _same_shape(kink, self.n_samples, n_out, "kink")
        grad = np.zeros((self.n_samples, self.n_in), DTYPE)
        if grad.size and n_out:
            power = self.threshold - self.time
            factors = shift(np.asarray(c), power, "factors c", float("inf"))
            self.run_parts(
                GRAD_TIMES, self.pack(weights), n_out, self.times(at), factors,
                None if kink is None else np.asarray(kink), grad, None,
            )
        return grad

    cdef int run_parts(
        self, int what, AlignedBuffer packed, size_t n_out, const real[:, ::1] at,
        const real[:, ::1] c, const real[:, ::1] kink, real[:, ::1] out,
        real[:, ::1] out_2,
    ) except -1:
        """A function of the samples, in parts of them."""
        cdef Py_ssize_t n_parts = _parts(
            self.n_samples, <double>self.spikes.n_spikes * n_out
        )
        cdef Py_ssize_t part, s, n
        cdef size_t size, n_in = self.n_in
        cdef double t_max = self.horizon
        cdef AlignedBuffer scratches = self.workspaces(n_parts, &size)
        cdef ttfs_spikes all = self.spikes.view(), mine
        cdef const ttfs_kernels *kernels = KERNELS
        cdef void *scratch
        cdef const real *no = NULL
        cdef const real *weights = <real *>packed.start
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = self.n_samples * part // n_parts
            n = self.n_samples * (part + 1) // n_parts - s
            scratch = <char *>scratches.start + part * size
            mine = _from(all, s)
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
        cdef AlignedBuffer packed, scratches
        cdef ttfs_spikes spikes
        cdef int power = self.threshold - self.time
        cdef double t_max = self.horizon
        cdef const real[:, ::1] times, factors
        cdef real[:, ::1] sums

        _same_shape(grad, self.n_in, n_out, "grad")
        _same_shape(at, self.n_samples, n_out, "at")
        _same_shape(c, self.n_samples, n_out, "c")
        if self.n_samples == 0 or self.n_in == 0 or n_out == 0:
            return
        lanes = KERNELS.lanes
        n_panels = (n_out + lanes - 1) // lanes
        n_parts = _parts(n_panels, <double>self.spikes.n_spikes * n_out)
        scratches = self.workspaces(n_parts, &size)
        times = self.times(at)
        factors = shift(np.asarray(c), power, "factors c", float("inf"))
        sums = shift(np.asarray(grad), power, "gradients", float("inf"))
        packed = _pack(sums)
        spikes = self.spikes.view()
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            begin = lanes * (n_panels * part // n_parts)
            end = min(lanes * (n_panels * (part + 1) // n_parts), n_out)
            KERNELS.grad_weights(
                &self.neuron, &spikes, self.n_samples, self.n_in, &times[0, 0],
                &factors[0, 0], n_out, begin, end, t_max, <real *>packed.start,
                <char *>scratches.start + part * size,
            )
        KERNELS.unpack(<real *>packed.start, self.n_in, n_out, &sums[0, 0])
        if power:
            np.asarray(grad)[...] = shift(
                np.asarray(sums), -power, "gradients", float("inf")
            )
