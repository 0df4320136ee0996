# Division of the work among threads; the including module imports what this text needs.
cdef enum:
    MIN_PARALLEL_EVENTS = 300_000  # synaptic events: below it threads cost too much
    SIGNAL_INTERVAL = 30_000_000  # synaptic events between two looks at signals: 10 ms

cdef int CPU_COUNT = joblib.cpu_count()  # what this process may use


# The OpenMP runtime of gcc hangs in a forked child if its parent has used threads.
cdef bint is_forked = False


def _note_fork():
    global is_forked
    is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def n_threads():
    """Threads that the core uses for large batches.

    ``OMP_NUM_THREADS`` and ``threadpoolctl`` decide; without them, the CPUs that this
    process may use. One in a forked child process.
    """
    if is_forked:
        return 1
    if "OMP_NUM_THREADS" in os.environ:
        return omp_get_max_threads()
    return min(omp_get_max_threads(), CPU_COUNT)


cdef int _parts(Py_ssize_t n, double n_events) except -1:
    """Number of parts to divide n samples or neurons into, for n_events in all."""
    if n_events < MIN_PARALLEL_EVENTS or n < 2:
        return 1
    return <int>min(n, min(<double>n_threads(), 2 * n_events / MIN_PARALLEL_EVENTS))


def has_openmp():
    """Whether the core was built with OpenMP."""
    return OPENMP != 0
