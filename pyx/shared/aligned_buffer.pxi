cdef class AlignedBuffer:
    """Bytes for the C core, at the start of a cache line; zeros unless told otherwise.
    """

    cdef unsigned char[::1] buffer
    cdef void *start

    def __cinit__(self, size_t size, bint is_zero=True):
        make = np.zeros if is_zero else np.empty
        self.buffer = make(size + 64, np.uint8)
        self.start = <void *>((<size_t>&self.buffer[0] + 63) // 64 * 64)
