# OpenMP where the compiler has it, one thread where not.
cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define TTFS_OPENMP 1
    #else
    static int omp_get_max_threads(void) { return 1; }
    #define TTFS_OPENMP 0
    #endif
    """
    const int OPENMP "TTFS_OPENMP"
    int omp_get_max_threads() noexcept nogil
