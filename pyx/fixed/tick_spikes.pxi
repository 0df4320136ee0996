# Input spikes of networks in integers.
cdef class TickSpikes:
    """The spikes that enter a network: of each sample, sorted by tick, ties by input.

    Parameters
    ----------
    ticks, inputs : ndarray of shape (n_spikes,), uint16
        Spikes; there may be gaps between samples, as `begin` and `end` have it.
    begin, end : ndarray of shape (n_samples,), uintp
        Where the spikes of each sample begin and end.
    n_in : int
        Number of inputs, biases included.

    The arrays are copied, and those of the object are read-only: C trusts what was
    checked here.
    """

    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_spikes
    cdef readonly Py_ssize_t n_in
    cdef readonly Py_ssize_t max_spikes  # of a sample
    cdef readonly Py_ssize_t n_ticks  # that the experiment has at least
    cdef readonly object pairs        # (n, 2) uint16: tick and input
    cdef readonly object begin, end   # (n_samples,) uintp
    cdef ttfs_fixed_lists lists
    cdef Py_ssize_t _repeats          # -1: not counted yet

    def __init__(
        self,
        const uint16_t[::1] ticks not None,
        const uint16_t[::1] inputs not None,
        const size_t[::1] begin not None,
        const size_t[::1] end not None,
        Py_ssize_t n_in,
    ):
        if ticks.shape[0] != inputs.shape[0] or begin.shape[0] != end.shape[0]:
            raise ValueError("arrays of events must have the same length")
        pairs = np.empty((ticks.shape[0], 2), np.uint16)
        pairs[:, 0] = ticks
        pairs[:, 1] = inputs
        self.fill(pairs, np.array(begin), np.array(end), n_in)

    cdef int fill(self, pairs, begin, end, Py_ssize_t n_in) except -1:
        """Take over and check arrays."""
        cdef const size_t[::1] first = begin, last = end
        cdef const ttfs_fixed_event *events = <const ttfs_fixed_event *>_start(pairs)
        cdef size_t k, n_all = len(pairs)
        cdef Py_ssize_t s, n_samples = len(begin)
        cdef uint32_t key, before
        cdef bint is_sorted = True, is_inside = True

        if not 0 <= n_in <= MAX_INPUTS:
            raise ValueError(f"n_in must be in [0, {MAX_INPUTS}], got {n_in}")
        for s in range(n_samples):
            if first[s] > last[s] or last[s] > n_all:
                raise ValueError("a sample's events are out of range")
            if last[s] - first[s] >= MAX_SPIKES:
                raise ValueError(f"a sample must have fewer than {MAX_SPIKES} events")
        with nogil:
            for s in range(n_samples):
                before = 0
                for k in range(first[s], last[s]):
                    key = _key(events[k])
                    is_inside &= events[k].input < n_in
                    is_sorted &= key >= before
                    before = key
        if not is_inside:
            raise ValueError(f"an event has an input outside [0, {n_in})")
        if not is_sorted:
            raise ValueError("events must be sorted by tick, ties by input")
        self.take(pairs, begin, end, n_in)
        return 0

    cdef int take(self, pairs, begin, end, Py_ssize_t n_in) except -1:
        """Take over arrays of valid events, and count these."""
        cdef const size_t[::1] first = begin, last = end
        cdef const ttfs_fixed_event *events = <const ttfs_fixed_event *>_start(pairs)
        cdef Py_ssize_t s, n, n_spikes = 0, max_spikes = 0, n_ticks = 0
        for s in range(first.shape[0]):
            n = <Py_ssize_t>(last[s] - first[s])
            n_spikes += n
            max_spikes = max(max_spikes, n)
            if n > 0:
                n_ticks = max(n_ticks, <Py_ssize_t>events[last[s] - 1].tick + 1)
        for array in (pairs, begin, end):
            array.setflags(write=False)
        self.pairs, self.begin, self.end = pairs, begin, end
        self.n_samples, self.n_in, self._repeats = len(begin), n_in, -1
        self.n_spikes, self.max_spikes, self.n_ticks = n_spikes, max_spikes, n_ticks
        self.lists.begin = <const size_t *>_start(begin)
        self.lists.end = <const size_t *>_start(end)
        self.lists.events = events
        return 0

    def __len__(self):
        return self.n_samples

    @property
    def repeats(self):
        """The greatest number of spikes of one input in a sample."""
        cdef uint32_t[::1] counts
        cdef Py_ssize_t s, repeats = 0
        cdef size_t k
        if self._repeats >= 0:
            return self._repeats
        counts = np.zeros(MAX_INPUTS + 1, np.uint32)  # of all that a uint16 can be
        with nogil:
            for s in range(self.n_samples):
                for k in range(self.lists.begin[s], self.lists.end[s]):
                    counts[self.lists.events[k].input] += 1
                    repeats = max(
                        repeats, <Py_ssize_t>counts[self.lists.events[k].input]
                    )
                for k in range(self.lists.begin[s], self.lists.end[s]):
                    counts[self.lists.events[k].input] = 0
        self._repeats = repeats
        return repeats

    @property
    def ticks(self):
        """Ticks, a view."""
        return self.pairs[:, 0]

    @property
    def inputs(self):
        """Numbers of inputs, a view."""
        return self.pairs[:, 1]

    @staticmethod
    def from_spikes(spikes, double tick, Py_ssize_t n_ticks):
        """Ticks of spike times, [t / tick]; a spike at n_ticks or later is absent.

        Parameters
        ----------
        spikes : ttfs.core.Spikes
            Spikes of each sample, in any order. Times before 0 count as 0.
        tick : float
        n_ticks : int
        """
        cdef const size_t[::1] begin = spikes.begin, end = spikes.end
        cdef const uint32_t[::1] inputs = spikes.inputs
        cdef const float[::1] times_f
        cdef const double[::1] times_d
        cdef ttfs_fixed_event *out
        cdef size_t[::1] out_begin, out_end
        cdef bint single = spikes.times.dtype == np.float32
        cdef Py_ssize_t n_samples = begin.shape[0], n_in = spikes.n_in, s
        cdef size_t k, n, at = 0, n_all = inputs.shape[0], n_spikes = 0, longest = 0
        cdef uint32_t greatest = 0
        cdef void *scratch
        cdef TickSpikes events = TickSpikes.__new__(TickSpikes)

        if not tick > 0:
            raise ValueError(f"tick must be positive, got {tick}")
        _integer(n_ticks, 1, MAX_TICKS, "n_ticks")
        if n_in > MAX_INPUTS:
            raise ValueError(
                f"a network in integers has at most {MAX_INPUTS} inputs, not {n_in}"
            )
        if single:
            times_f = spikes.times
        else:
            times_d = spikes.times
        if len(spikes.times) != inputs.shape[0] or end.shape[0] != n_samples:
            raise ValueError("arrays of spikes must have the same length")
        for s in range(n_samples):
            if begin[s] > end[s] or end[s] > n_all:
                raise ValueError("a sample's spikes are out of range")
            n_spikes += end[s] - begin[s]
            longest = max(longest, end[s] - begin[s])
        if longest >= MAX_SPIKES:
            raise ValueError(f"a sample must have fewer than {MAX_SPIKES} events")
        pairs = np.empty((n_spikes, 2), np.uint16)
        bounds = np.empty((2, n_samples), np.uintp)
        keys = _aligned(CONVERSION.workspace_size(longest), np.uint8)
        out, scratch = <ttfs_fixed_event *>_start(pairs), _start(keys)
        out_begin, out_end = bounds[0], bounds[1]
        with nogil:
            for s in range(n_samples):
                if s + AHEAD < n_samples:  # samples of a batch are anywhere in memory
                    for k in range(begin[s + AHEAD], end[s + AHEAD], 8):
                        prefetch(&inputs[k])
                        if single:
                            prefetch(&times_f[k])
                        else:
                            prefetch(&times_d[k])
                k, n = begin[s], end[s] - begin[s]
                out_begin[s] = out_end[s] = at
                if n == 0:
                    continue
                greatest = max(greatest, _greatest(&inputs[k], n))
                if single:
                    n = CONVERSION.from_float(
                        &times_f[k], &inputs[k], n, tick, n_ticks, out + at, scratch
                    )
                else:
                    n = CONVERSION.from_double(
                        &times_d[k], &inputs[k], n, tick, n_ticks, out + at, scratch
                    )
                at += n
                out_end[s] = at
        if n_spikes and not greatest < n_in:
            raise ValueError(f"an event has an input outside [0, {n_in})")
        events.take(pairs[:at], bounds[0], bounds[1], n_in)
        return events


cdef inline uint32_t _greatest(const uint32_t *inputs, size_t n) noexcept nogil:
    cdef uint32_t greatest = 0
    cdef size_t k
    for k in range(n):
        greatest = max(greatest, inputs[k])
    return greatest


cdef inline uint32_t _key(ttfs_fixed_event event) noexcept nogil:
    return <uint32_t>event.tick << 16 | event.input
