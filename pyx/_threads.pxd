# OpenMP where the compiler has it, one thread where not.
cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define TTFS_HAS_OPENMP 1
    #else
    #define TTFS_HAS_OPENMP 0
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_thread_num(void) { return 0; }
    #endif
    """
    const bint TTFS_HAS_OPENMP
    int omp_get_max_threads() noexcept nogil
    int omp_get_thread_num() noexcept nogil
