cdef class AlignedBuffer:
    """Bytes for the C core, at the start of a cache line."""

    cdef unsigned char[::1] buffer
    cdef void *start

    def __cinit__(self, size_t size):
        self.buffer = np.zeros(size + 64, np.uint8)
        self.start = <void *>((<size_t>&self.buffer[0] + 63) // 64 * 64)
