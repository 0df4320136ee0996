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


cdef AlignedBuffer _buffer_of(object array):
    """A copy of an array: (n_in,) as it is, (n_in, n_out) packed."""
    array = np.ascontiguousarray(array, DTYPE)
    return _copy(array) if array.ndim == 1 else _pack(array)
