"""The core in single precision: the text of pyx/real with floats."""
cdef extern from *:
    """
    #define TTFS_OF(name) name##_f
    """

ctypedef float real

include "real/core.pxi"
