cdef class LayerSpikes:
    """Spike times of every layer in some samples, which the core has made.

    A Trainer learns from them without a check: all times are finite and before t_max,
    or +inf, which is silent.
    """

    cdef list arrays      # of each layer (n_samples, n_out), in units of the core
    cdef object u_peak    # of silent outputs, (n_samples, n_outputs), likewise; or None
    cdef int time         # exponent of the unit of the times
    cdef double t_max     # in that unit
    cdef int n_readers    # trainers that are learning from the arrays now

    def times(self):
        """Spike times (n_samples, n_out) of each layer; +inf = silent.

        The arrays are those of this object, which cannot be used afterwards.
        RuntimeError while a trainer is learning from them.
        """
        if self.n_readers:
            raise RuntimeError("a trainer is learning from these spikes")
        arrays, self.arrays = self.arrays, None
        for array in arrays:
            _outward(array, self.time)
        return arrays

    def silent_layers(self):
        """The numbers of the layers in which no neuron has fired."""
        return [k for k, array in enumerate(self.arrays) if not _any_fired(array)]


cdef bint _any_fired(const real[:, ::1] times) noexcept:
    cdef Py_ssize_t s, j
    for s in range(times.shape[0]):
        for j in range(times.shape[1]):
            if times[s, j] < INFINITY:
                return True
    return False


cdef int _silence(real[:, ::1] times, real t_max) noexcept:
    """Spikes at t_max or later are none."""
    cdef Py_ssize_t s, j
    for s in range(times.shape[0]):
        for j in range(times.shape[1]):
            if times[s, j] >= t_max:
                times[s, j] = INFINITY
    return 0


cdef object _looked_up(const uint16_t[:, ::1] places, const real[::1] table):
    """The entries of a table; places after its end have the last one."""
    cdef Py_ssize_t s, j, last = table.shape[0] - 1
    cdef real[:, ::1] out
    entries = np.empty((places.shape[0], places.shape[1]), DTYPE)
    out = entries
    for s in range(places.shape[0]):
        for j in range(places.shape[1]):
            out[s, j] = table[min(<Py_ssize_t>places[s, j], last)]
    return entries
