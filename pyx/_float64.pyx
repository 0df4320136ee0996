"""The core in double precision: the text of pyx/real with doubles."""
cdef extern from *:
    """
    #define TTFS_OF(name) name
    """

ctypedef double real

include "real/core.pxi"
