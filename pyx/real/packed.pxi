# Arrays on their way into the core, packed, and out of it.
cdef object _outward(object times, int power):
    """Values of the core in the units outside; the array itself is changed."""
    if power:
        with np.errstate(over="ignore", under="ignore"):
            np.ldexp(times, power, out=times)
    return times


def _pack(const real[:, ::1] weights not None):
    """A copy of weights (n_in, n_out) in the order that the kernels read."""
    cdef size_t n_in = weights.shape[0], n_out = weights.shape[1]
    cdef AlignedBuffer packed
    if n_in == 0 or n_out == 0:
        return AlignedBuffer(0)
    packed = AlignedBuffer(
        KERNELS.packed_size(n_in, n_out) * sizeof(real), is_zero=False
    )
    KERNELS.pack(&weights[0, 0], n_in, n_out, <real *>packed.start)
    return packed


def _copy(const real[::1] values not None):
    """Values (n,) in a buffer of their own."""
    cdef AlignedBuffer buffer = AlignedBuffer(
        values.shape[0] * sizeof(real), is_zero=False
    )
    memcpy(buffer.start, &values[0], values.shape[0] * sizeof(real))
    return buffer


cdef object _reals(AlignedBuffer buffer, Py_ssize_t n):
    """The n reals of a buffer as an array."""
    cdef Py_ssize_t begin = <size_t>buffer.start - <size_t>&buffer.buffer[0]
    array = np.asarray(buffer.buffer)[begin : begin + n * <Py_ssize_t>sizeof(real)]
    return array.view(DTYPE)


cdef list _panels_of(AlignedBuffer buffer, Py_ssize_t n_in, Py_ssize_t n_out):
    """Views of the panels (n_in, neurons) of moments, which follow one another."""
    cdef Py_ssize_t j, n, width = KERNELS.moments_width(n_out), lanes = KERNELS.lanes
    reals = _reals(buffer, n_in * width)
    panels = []
    for j in range(0, n_out, lanes):
        n = min(lanes, width - j)
        panel = reals[n_in * j : n_in * (j + n)].reshape(n_in, n)
        panels.append(panel[:, : n_out - j])
    return panels


cdef AlignedBuffer _by_panels(object array, Py_ssize_t n_in, Py_ssize_t n_out):
    """A copy of moments (n_in, n_out), panel by panel; without an array they are 0, and
    take memory where they are written."""
    cdef AlignedBuffer buffer = AlignedBuffer(
        n_in * KERNELS.moments_width(n_out) * sizeof(real)
    )
    cdef Py_ssize_t j = 0
    if array is not None:
        for panel in _panels_of(buffer, n_in, n_out):
            panel[:] = array[:, j : j + panel.shape[1]]
            j += panel.shape[1]
    return buffer


cdef object _from_panels(AlignedBuffer buffer, Py_ssize_t n_in, Py_ssize_t n_out):
    """Moments (n_in, n_out); a view of the buffer where it has one panel."""
    panels = _panels_of(buffer, n_in, n_out)
    return panels[0] if len(panels) == 1 else np.concatenate(panels, axis=1)


cdef AlignedBuffer _buffer_of(object array):
    """A copy of an array: (n_in,) as it is, (n_in, n_out) packed."""
    array = np.ascontiguousarray(array, DTYPE)
    return _copy(array) if array.ndim == 1 else _pack(array)
