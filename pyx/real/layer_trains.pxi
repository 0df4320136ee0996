cdef enum:  # functions of LayerTrains that run by samples
    SPIKE_TRAINS
    TRAINS_SLOPES
    TRAINS_ADJOINT


cdef class LayerTrains:
    """Input spikes of a batch, for a layer whose neurons fire several times.

    Parameters
    ----------
    spikes : Spikes
        Spikes that enter the layer; those at `t_max` and later have no effect.
    neuron : LIF
    refractory : float
        Time after a spike in which a neuron cannot fire.
    t_max : float
        Horizon: no spike is at or after it; may be +inf.

    Arrays of spikes are (n_samples, n_out, max_spikes), +inf after the last spike of a
    neuron. Slopes and adjoints of spikes are in units of the core.
    """

    cdef ttfs_neuron neuron  # in the units of `time` and `threshold`
    cdef Spikes spikes
    cdef double horizon, refractory
    cdef int time, threshold  # exponents of the units

    def __cinit__(
        self, Spikes spikes not None, neuron, double refractory=0.0,
        double t_max=float("inf"),
    ):
        self.time, self.threshold = powers_of(neuron)
        _init(&self.neuron, in_units(neuron, self.time, self.threshold))
        if not 0 <= refractory < TIME_LIMIT:
            raise ValueError("refractory must be finite and not negative")
        if spikes.n_in >= MAX_INPUTS:
            raise ValueError(f"a layer must have fewer than {MAX_INPUTS} inputs")
        self.refractory = ldexp(refractory, -self.time)
        self.horizon = ldexp(t_max, -self.time)
        self.spikes = spikes.shifted(-self.time)
        if self.spikes.last() >= DTYPE(self.horizon):
            raise ValueError("all spikes must be before t_max")

    cdef AlignedBuffer pack(self, object weights):
        return _pack(shift(np.asarray(weights), -self.threshold, "weights"))

    cdef int check(self, array, Py_ssize_t n_out, name) except -1:
        shape = (self.spikes.n_samples, n_out)
        if array.ndim != 3 or array.shape[:2] != shape or array.shape[2] < 1:
            raise ValueError(f"{name} must have shape {(*shape, 'max_spikes')}")
        return 0

    def spike_trains(
        self, const real[:, ::1] weights not None, Py_ssize_t max_spikes
    ):
        """Spikes of the neurons for weights (n_in, n_out), their slopes and rises."""
        shape = (self.spikes.n_samples, weights.shape[1], max_spikes)
        times = np.full(shape, np.inf, DTYPE)
        slopes, rises = np.zeros(shape, DTYPE), np.zeros(shape, DTYPE)
        self.run(SPIKE_TRAINS, weights, times, slopes, rises, None, 0.0, None, None)
        return _outward(times, self.time), slopes, rises

    def slopes(self, const real[:, ::1] weights not None, times):
        """Slopes and rises of neurons that fire at given times."""
        self.check(times, weights.shape[1], "times")
        times = shift(times, -self.time, "times")
        slopes, rises = np.zeros_like(times), np.zeros_like(times)
        self.run(TRAINS_SLOPES, weights, times, slopes, rises, None, 0.0, None, None)
        return slopes, rises

    def adjoint(
        self, const real[:, ::1] weights not None, times, slopes, rises, grad,
        double min_slope, bint with_times=True,
    ):
        """Adjoints of spikes, and dL/dt of each input spike, at its place in `spikes`.

        Parameters
        ----------
        grad : ndarray of shape (n_samples, n_out, max_spikes)
            dL/dt of the spikes.
        min_slope : float
            Floor of slopes [threshold / tau_syn].
        with_times : bool
            Whether dL/dt of the input spikes is wanted, else it is None.
        """
        for array in (times, slopes, rises, grad):
            self.check(array, weights.shape[1], "spikes")
        times = shift(times, -self.time, "times")
        grad = np.where(times < np.inf, grad, 0)
        adjoint = np.zeros_like(times)
        grad_times = np.zeros(self.spikes.times.shape, DTYPE) if with_times else None
        floor = min_slope * self.neuron.threshold / self.neuron.tau_syn
        self.run(
            TRAINS_ADJOINT, weights, times, slopes, rises, grad, floor, adjoint,
            grad_times,
        )
        return adjoint, grad_times

    cdef int run(
        self, int what, const real[:, ::1] weights, real[:, :, ::1] times,
        real[:, :, ::1] slopes, real[:, :, ::1] rises, real[:, :, ::1] grad,
        double floor, real[:, :, ::1] adjoint, real[::1] grad_times,
    ) except -1:
        """A function of the samples, in parts of them."""
        cdef Spikes spikes = self.spikes
        cdef Py_ssize_t n_samples = spikes.n_samples, n_out = weights.shape[1]
        cdef Py_ssize_t n_parts, part, s, n
        cdef size_t n_in = spikes.n_in, max_out = times.shape[2], size
        cdef double t_max = self.horizon
        cdef AlignedBuffer packed, scratches
        cdef ttfs_spikes all, mine
        cdef void *scratch
        cdef const real *w
        cdef real *by_time = NULL
        _same_shape(weights, n_in, n_out, "weights")
        if n_samples == 0 or n_in == 0 or n_out == 0 or spikes.n_spikes == 0:
            return 0
        n_parts = _parts(n_samples, <double>spikes.n_spikes * n_out)
        size = (KERNELS.trains_workspace_size(spikes.max_spikes) + 63) // 64 * 64
        scratches = AlignedBuffer(n_parts * size)
        packed = self.pack(weights)
        w = <real *>packed.start
        all = spikes.view()
        if grad_times is not None:
            by_time = &grad_times[0]
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            s = n_samples * part // n_parts
            n = n_samples * (part + 1) // n_parts - s
            scratch = <char *>scratches.start + part * size
            mine = _from(all, s)
            if what == SPIKE_TRAINS:
                KERNELS.spike_trains(
                    &self.neuron, self.refractory, max_out, &mine, n, n_in, w, n_out,
                    t_max, &times[s, 0, 0], &slopes[s, 0, 0], &rises[s, 0, 0], scratch,
                )
            elif what == TRAINS_SLOPES:
                KERNELS.trains_slopes(
                    &self.neuron, self.refractory, max_out, &mine, n, n_in, w, n_out,
                    t_max, &times[s, 0, 0], &slopes[s, 0, 0], &rises[s, 0, 0], scratch,
                )
            else:
                KERNELS.trains_adjoint(
                    &self.neuron, self.refractory, max_out, &mine, n, n_in, w, n_out,
                    t_max, &times[s, 0, 0], &slopes[s, 0, 0], &rises[s, 0, 0],
                    &grad[s, 0, 0], floor, &adjoint[s, 0, 0], by_time, scratch,
                )
        return 0

    def grad_weights(self, times, adjoint, real[:, ::1] grad not None):
        """Add the gradient, summed over samples, to grad (n_in, n_out)."""
        cdef Spikes spikes = self.spikes
        cdef Py_ssize_t n_out = grad.shape[1], n_samples = spikes.n_samples
        cdef Py_ssize_t n_parts, n_panels, part, begin, end, lanes = KERNELS.lanes
        cdef size_t n_in = spikes.n_in, size, max_out
        cdef double t_max = self.horizon
        cdef AlignedBuffer packed, scratches
        cdef ttfs_spikes view
        cdef const real[:, :, ::1] at, p
        cdef real[:, ::1] sums
        _same_shape(grad, n_in, n_out, "grad")
        self.check(times, n_out, "times")
        self.check(adjoint, n_out, "adjoint")
        if n_samples == 0 or n_in == 0 or n_out == 0 or spikes.n_spikes == 0:
            return
        at, p = shift(times, -self.time, "times"), adjoint
        max_out = at.shape[2]
        n_panels = (n_out + lanes - 1) // lanes
        n_parts = _parts(n_panels, <double>spikes.n_spikes * n_out)
        size = (KERNELS.trains_workspace_size(spikes.max_spikes) + 63) // 64 * 64
        scratches = AlignedBuffer(n_parts * size)
        sums = shift(np.asarray(grad), self.threshold - self.time, "gradients", np.inf)
        packed = _pack(sums)
        view = spikes.view()
        for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                           schedule="static"):
            begin = lanes * (n_panels * part // n_parts)
            end = min(lanes * (n_panels * (part + 1) // n_parts), n_out)
            KERNELS.trains_grad_weights(
                &self.neuron, self.refractory, max_out, &view, n_samples, n_in,
                &at[0, 0, 0], &p[0, 0, 0], n_out, begin, end, t_max,
                <real *>packed.start, <char *>scratches.start + part * size,
            )
        KERNELS.unpack(<real *>packed.start, n_in, n_out, &sums[0, 0])
        np.asarray(grad)[...] = shift(
            np.asarray(sums), self.time - self.threshold, "gradients", np.inf
        )
