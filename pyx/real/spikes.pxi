cdef class Spikes:
    """The spikes that enter a layer or network: of each sample, sorted by time.

    Made by `encode`, which is trusted with the numbers of inputs and their order.
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

    def __cinit__(self, times, inputs, begin, end, Py_ssize_t n_in):
        cdef Py_ssize_t s
        cdef size_t n_all, n, n_spikes = 0, max_spikes = 0
        if times is None or inputs is None or begin is None or end is None:
            raise TypeError("spikes must be arrays")
        self._begin, self._end, self._inputs, self._times = begin, end, inputs, times
        n_all = self._times.shape[0]
        self.n_samples = self._begin.shape[0]
        if self._inputs.shape[0] != self._times.shape[0] or (
            self._end.shape[0] != self.n_samples
        ):
            raise ValueError("arrays of spikes must have the same length")
        for s in range(self.n_samples):
            if self._begin[s] > self._end[s] or self._end[s] > n_all:
                raise ValueError("a sample's spikes are out of range")
            n = self._end[s] - self._begin[s]
            n_spikes += n
            max_spikes = max(max_spikes, n)
        if max_spikes >= MAX_SPIKES:
            raise ValueError(f"a sample must have fewer than {MAX_SPIKES} spikes")
        self.times, self.inputs, self.begin, self.end = times, inputs, begin, end
        self.n_in, self.n_spikes, self.max_spikes = n_in, n_spikes, max_spikes

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

    cdef Spikes shifted(self, int power):
        """The same spikes with times multiplied by 2^power."""
        if power == 0:
            return self
        first = self.begin[self.end > self.begin]
        shift(self.times[first], power, "times")  # of each sample the most negative
        with np.errstate(all="ignore"):  # gaps may hold anything
            times = np.ldexp(self.times, power)
        return Spikes(times, self.inputs, self.begin, self.end, self.n_in)

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


# In a prange a variable belongs to the thread if the whole of it is assigned.
cdef inline ttfs_spikes _from(ttfs_spikes spikes, Py_ssize_t s) noexcept nogil:
    """The lists of sample s and those after it."""
    spikes.begin, spikes.end = spikes.begin + s, spikes.end + s
    return spikes
