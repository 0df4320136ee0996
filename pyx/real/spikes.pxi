cdef class Spikes:
    """The spikes that enter a layer or network: of each sample, sorted by time.

    Parameters
    ----------
    times : ndarray of shape (n,)
        Finite; there may be gaps between samples, as `begin` and `end` have it.
    inputs : ndarray of shape (n,), uint32
    begin, end : ndarray of shape (n_samples,), uintp
        Where the spikes of each sample begin and end.
    n_in : int
        Number of inputs, biases included.

    The arrays are copied and checked; those that the core has made itself it takes as
    they are. All are read-only from then on, as C trusts them.
    """

    cdef readonly object times      # DTYPE; with gaps
    cdef readonly object inputs     # uint32
    cdef readonly object begin      # (n_samples,) uintp: where each sample begins
    cdef readonly object end        # (n_samples,) uintp: and ends
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_spikes
    cdef readonly Py_ssize_t n_in   # with biases
    cdef readonly Py_ssize_t max_spikes  # of a sample
    cdef const size_t[::1] _begin, _end
    cdef const uint32_t[::1] _inputs
    cdef const real[::1] _times

    def __init__(self, times, inputs, begin, end, Py_ssize_t n_in):
        if times is None or inputs is None or begin is None or end is None:
            raise TypeError("spikes must be arrays")
        self.fill(
            np.array(times), np.array(inputs), np.array(begin), np.array(end), n_in,
            is_trusted=False,
        )

    cdef int fill(
        self, times, inputs, begin, end, Py_ssize_t n_in, bint is_trusted
    ) except -1:
        """Take over arrays; trusted are the numbers of inputs, the times, their order.
        """
        cdef const size_t[::1] first = begin, last = end
        cdef const uint32_t[::1] numbers = inputs
        cdef const real[::1] values = times
        cdef Py_ssize_t s, n_samples = first.shape[0]
        cdef size_t n, n_all = values.shape[0], n_spikes = 0, max_spikes = 0
        if numbers.shape[0] != values.shape[0] or last.shape[0] != n_samples:
            raise ValueError("arrays of spikes must have the same length")
        for s in range(n_samples):
            if first[s] > last[s] or last[s] > n_all:
                raise ValueError("a sample's spikes are out of range")
            n = last[s] - first[s]
            n_spikes += n
            max_spikes = max(max_spikes, n)
        if max_spikes >= MAX_SPIKES:
            raise ValueError(f"a sample must have fewer than {MAX_SPIKES} spikes")
        if not is_trusted:
            _check_spikes(values, numbers, first, last, n_in)
        for array in (times, inputs, begin, end):
            array.setflags(write=False)
        self._begin, self._end, self._inputs, self._times = first, last, numbers, values
        self.times, self.inputs, self.begin, self.end = times, inputs, begin, end
        self.n_samples, self.n_in = n_samples, n_in
        self.n_spikes, self.max_spikes = n_spikes, max_spikes
        return 0

    def __len__(self):
        return self.n_samples

    def first(self):
        """The time of the earliest spike; +inf if there is none."""
        firsts = self.times[self.begin[self.end > self.begin]]
        return float(np.min(firsts, initial=np.inf))

    def last(self):
        """The time of the latest spike; -inf if there is none."""
        lasts = self.times[self.end[self.end > self.begin] - 1]
        return float(np.max(lasts, initial=-np.inf))

    def samples(self, numbers):
        """The spikes of some samples, by their numbers or a slice, in this order."""
        begin, end = self.begin[numbers], self.end[numbers]
        return _trusted(
            self.times, self.inputs, np.ascontiguousarray(begin),
            np.ascontiguousarray(end), self.n_in,
        )

    def narrowed(self, Py_ssize_t n_kept):
        """The spikes as those of a network without the inputs that have none.

        Parameters
        ----------
        n_kept : int
            So many of the last inputs remain whether or not they spike.

        Returns
        -------
        numbers : ndarray of intp
            The inputs that remain, in their order.
        spikes : Spikes
            The same spikes of the inputs 0, 1, ... that take their places.
        """
        cdef Py_ssize_t s, i, n = 0
        cdef size_t k
        cdef uint32_t[::1] places, out
        cdef Py_ssize_t[::1] remaining
        if not 0 <= n_kept <= self.n_in:
            raise ValueError(f"n_kept must be in [0, {self.n_in}], got {n_kept}")
        places = np.zeros(self.n_in, np.uint32)
        places[self.n_in - n_kept :] = 1
        for s in range(self.n_samples):
            for k in range(self._begin[s], self._end[s]):
                places[self._inputs[k]] = 1
        for i in range(self.n_in):
            n += places[i]
        numbers = np.empty(n, np.intp)
        remaining, n = numbers, 0
        for i in range(self.n_in):
            if places[i]:
                remaining[n], places[i] = i, n
                n += 1
        inputs = np.empty(len(self.inputs), np.uint32)
        out = inputs
        for s in range(self.n_samples):
            for k in range(self._begin[s], self._end[s]):
                out[k] = places[self._inputs[k]]
        return numbers, _trusted(self.times, inputs, self.begin, self.end, n)

    cdef Spikes shifted(self, int power):
        """The same spikes with times multiplied by 2^power."""
        if power == 0:
            return self
        first = self.begin[self.end > self.begin]
        shift(self.times[first], power, "times")  # of each sample the most negative
        with np.errstate(all="ignore"):  # gaps may hold anything
            times = np.ldexp(self.times, power)
        return _trusted(times, self.inputs, self.begin, self.end, self.n_in)

    cdef ttfs_spikes view(self) noexcept:
        cdef ttfs_spikes view
        view.begin = &self._begin[0]
        view.end = &self._end[0]
        view.times = &self._times[0]
        view.inputs = &self._inputs[0]
        return view

    def dense(self, n_in=None):
        """First spikes (n_samples, n_in) of the first n_in inputs; +inf = absent."""
        n = self.n_in if n_in is None else n_in
        out = np.full((self.n_samples, n), np.inf, DTYPE)
        counts = (self.end - self.begin).astype(np.intp)
        rows = np.repeat(np.arange(self.n_samples), counts)
        starts = np.cumsum(counts) - counts
        places = np.arange(len(rows)) - starts[rows] + self.begin.astype(np.intp)[rows]
        inputs = self.inputs[places]
        kept = (inputs < n)[::-1]
        # The last assignment holds: that of the earliest spike.
        rows, inputs, times = rows[::-1], inputs[::-1], self.times[places][::-1]
        out[rows[kept], inputs[kept]] = times[kept]
        return out


cdef int _check_spikes(
    const real[::1] times, const uint32_t[::1] inputs, const size_t[::1] begin,
    const size_t[::1] end, Py_ssize_t n_in,
) except -1:
    """Raise ValueError unless samples are sorted, finite, and of inputs below n_in."""
    cdef Py_ssize_t s
    cdef size_t k
    cdef real before, lowest = np.finfo(DTYPE).min
    cdef bint is_inside = True, is_sorted = True
    with nogil:
        for s in range(begin.shape[0]):
            before = lowest
            for k in range(begin[s], end[s]):
                is_inside &= inputs[k] < n_in
                is_sorted &= before <= times[k] < INFINITY
                before = times[k]
    if not is_inside:
        raise ValueError(f"a spike has an input outside [0, {n_in})")
    if not is_sorted:
        raise ValueError("spikes of a sample must be finite and sorted by time")
    return 0


cdef Spikes _trusted(times, inputs, begin, end, Py_ssize_t n_in):
    """Spikes in arrays that the core has made."""
    cdef Spikes spikes = Spikes.__new__(Spikes)
    spikes.fill(times, inputs, begin, end, n_in, is_trusted=True)
    return spikes


# In a prange a variable belongs to the thread if the whole of it is assigned.
cdef inline ttfs_spikes _from(ttfs_spikes spikes, Py_ssize_t s) noexcept nogil:
    """The lists of sample s and those after it."""
    spikes.begin, spikes.end = spikes.begin + s, spikes.end + s
    return spikes
