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
        cdef Py_ssize_t s, n_samples = len(begin), max_spikes = 0, n_spikes = 0
        cdef Py_ssize_t n_ticks = 0, n
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
                n = <Py_ssize_t>(last[s] - first[s])
                n_spikes += n
                max_spikes = max(max_spikes, n)
                before = 0
                for k in range(first[s], last[s]):
                    key = _key(events[k])
                    is_inside &= events[k].input < n_in
                    is_sorted &= key >= before
                    before = key
                if n:
                    n_ticks = max(n_ticks, <Py_ssize_t>(before >> 16) + 1)
        if not is_inside:
            raise ValueError(f"an event has an input outside [0, {n_in})")
        if not is_sorted:
            raise ValueError("events must be sorted by tick, ties by input")
        for array in (pairs, begin, end):
            array.setflags(write=False)
        self.pairs, self.begin, self.end = pairs, begin, end
        self.n_samples, self.n_in, self.n_spikes = n_samples, n_in, n_spikes
        self.max_spikes, self.n_ticks, self._repeats = max_spikes, n_ticks, -1
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
    def from_spikes(spikes, double tick, Py_ssize_t n_ticks, bias_ticks=None):
        """Ticks of spike times, [t / tick]; a spike at n_ticks or later is absent.

        Parameters
        ----------
        spikes : ttfs.core.Spikes
            Times before 0 count as 0.
        tick : float
        n_ticks : int
        bias_ticks : ndarray of shape (n_bias,), uint16, optional
            Biases, inputs that are added after those of the spikes.
        """
        cdef const size_t[::1] begin = spikes.begin, end = spikes.end
        cdef const uint32_t[::1] inputs = spikes.inputs
        cdef const float[::1] times_f
        cdef const double[::1] times_d
        cdef const uint16_t[::1] biases
        cdef ttfs_fixed_event *out
        cdef ttfs_fixed_event event
        cdef size_t[::1] out_begin, out_end
        cdef bint single = spikes.times.dtype == np.float32
        cdef Py_ssize_t n_samples = begin.shape[0], n_spikes = 0
        cdef Py_ssize_t n_in = spikes.n_in, n_bias, s
        cdef size_t k, at = 0, run, longest, n_all = inputs.shape[0]
        cdef uint32_t key, before
        cdef bint is_sorted
        cdef double t
        cdef TickSpikes events = TickSpikes.__new__(TickSpikes)

        if not tick > 0:
            raise ValueError(f"tick must be positive, got {tick}")
        _integer(n_ticks, 1, MAX_TICKS, "n_ticks")
        if bias_ticks is None:
            bias_ticks = np.empty(0, np.uint16)
        biases = bias_ticks
        n_bias = biases.shape[0]
        if n_in + n_bias > MAX_INPUTS:
            raise ValueError(
                f"a network in integers has at most {MAX_INPUTS} inputs, "
                f"not {n_in + n_bias}"
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
        pairs = np.empty((n_spikes + n_samples * n_bias, 2), np.uint16)
        bounds = np.zeros((2, n_samples), np.uintp)
        out = <ttfs_fixed_event *>_start(pairs)
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
                out_begin[s] = at
                run = longest = 0
                before, is_sorted = 0, True
                for k in range(begin[s], end[s] + n_bias):
                    if k < end[s]:
                        t = (times_f[k] if single else times_d[k]) / tick + 0.5
                        t = max(t, 0.0)
                        if not t < n_ticks:
                            continue
                        event.tick, event.input = <uint16_t>t, <uint16_t>inputs[k]
                    else:
                        event.tick = biases[k - end[s]]
                        event.input = <uint16_t>(n_in + k - end[s])
                        if event.tick >= n_ticks:
                            continue
                    key = _key(event)
                    is_sorted = is_sorted and key >= before
                    run = run + 1 if key >> 16 == before >> 16 else 1
                    longest = max(longest, run)
                    before = key
                    out[at] = event
                    at += 1
                out_end[s] = at
                if not is_sorted:
                    _sort(out + out_begin[s], at - out_begin[s], longest)
        events.fill(pairs[:at], bounds[0], bounds[1], n_in + n_bias)
        return events


cdef inline uint32_t _key(ttfs_fixed_event event) noexcept nogil:
    return <uint32_t>event.tick << 16 | event.input


cdef void _sort(ttfs_fixed_event *events, size_t n, size_t longest) noexcept nogil:
    """Shell's sort of spikes in order but for runs in one tick, of `longest` at most,
    and for a few at the end."""
    cdef size_t gap, k, m
    cdef ttfs_fixed_event event
    gap = 1
    while gap < longest // 8:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, n):
            event = events[k]
            m = k
            while m >= gap and _key(events[m - gap]) > _key(event):
                events[m] = events[m - gap]
                m -= gap
            events[m] = event
        gap //= 3
