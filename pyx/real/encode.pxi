ctypedef fused feature:
    float
    double

cdef enum:
    MARGIN = 16  # what v_compress() may write after the last spike


cdef ttfs_encoder _encoder_of(object encoder, list keep) except *:
    """The C struct of ttfs.encoders.base.Channels; `keep` holds the arrays of it."""
    cdef ttfs_encoder e
    cdef const double[::1] low, high, scale, absent
    cdef const uint32_t[::1] complemented, always
    e.n_features = encoder.n_features
    e.is_spike_times = encoder.kind == "spike_times"
    e.begin = encoder.begin
    e.window = encoder.window
    e.n_complemented = e.n_always = e.n_fields = e.n_levels = 0
    e.low = e.high = e.scale = e.absent = NULL
    e.complemented = e.always = NULL
    if e.is_spike_times or e.n_features == 0:
        return e
    keep += [
        encoder.low, encoder.high, encoder.scale, encoder.absent, encoder.complemented,
        encoder.always,
    ]
    for name, array in zip(("low", "high", "scale", "absent"), keep):
        if <size_t>len(array) != e.n_features:
            raise ValueError(f"{name} must have {e.n_features} entries")
    low, high, scale, absent, complemented, always = keep
    e.low, e.high, e.scale = &low[0], &high[0], &scale[0]
    e.absent = &absent[0]
    if not (_below(complemented, e.n_features) and _below(always, e.n_features)):
        raise ValueError("a feature is out of range")
    e.n_complemented, e.n_always = complemented.shape[0], always.shape[0]
    if encoder.kind == "population":
        if encoder.n_receptive_fields < 3:
            raise ValueError("a population code needs at least 3 receptive fields")
        e.n_fields = encoder.n_receptive_fields
    if encoder.levels is not None:
        if encoder.levels < 2:
            raise ValueError("spikes need at least 2 levels")
        e.n_levels = encoder.levels
    if e.n_complemented:
        e.complemented = &complemented[0]
    if e.n_always:
        e.always = &always[0]
    return e


cdef bint _below(const uint32_t[::1] numbers, size_t limit) noexcept:
    """Whether all numbers are below the limit."""
    cdef Py_ssize_t k
    cdef bint is_below = True
    for k in range(numbers.shape[0]):
        is_below &= numbers[k] < limit
    return is_below


cdef inline bint _is_finite(const feature *x, size_t n) noexcept nogil:
    if feature is float:
        return KERNELS.is_finite_float(x, n)
    else:
        return KERNELS.is_finite_double(x, n)


cdef inline size_t _encode_row(
    const ttfs_encoder *e, const feature *x, const real *bias, size_t n_bias,
    double t_max, real *times, uint32_t *inputs, void *scratch,
) noexcept nogil:
    if feature is float:
        return KERNELS.encode_float(
            e, x, bias, n_bias, t_max, times, inputs, scratch
        )
    else:
        return KERNELS.encode_double(
            e, x, bias, n_bias, t_max, times, inputs, scratch
        )


cdef inline size_t _encode_sparse_row(
    const ttfs_encoder *e, const feature *x, const int32_t *features, size_t n_stored,
    const real *bias, size_t n_bias, double t_max, real *times, uint32_t *inputs,
    void *scratch,
) noexcept nogil:
    if feature is float:
        return KERNELS.encode_sparse_float(
            e, x, features, n_stored, bias, n_bias, t_max, times, inputs, scratch
        )
    else:
        return KERNELS.encode_sparse_double(
            e, x, features, n_stored, bias, n_bias, t_max, times, inputs, scratch
        )


cdef Spikes _encode(
    object encoder,
    const feature[::1] values,
    const int64_t[::1] rows,
    const int32_t[::1] features,
    const real[::1] bias_times,
    double t_max,
):
    """Dense rows where features is None, else CSR with rows as its indptr."""
    cdef list keep = []
    cdef ttfs_encoder e = _encoder_of(encoder, keep)
    cdef bint sparse = features is not None
    cdef bint must_be_finite = not (sparse or e.is_spike_times)
    cdef size_t n_bias = bias_times.shape[0]
    cdef Py_ssize_t n_features = e.n_features, n_samples, s, part, n_parts
    cdef const real *bias = &bias_times[0] if n_bias else NULL
    cdef const feature *x = &values[0] if values.shape[0] else NULL
    cdef const int32_t *indices = NULL
    cdef size_t size, at, per_value, extra, n_values
    cdef char *scratch
    cdef size_t[::1] begin, end
    cdef real[::1] times
    cdef uint32_t[::1] inputs
    cdef uint8_t[::1] is_finite
    cdef AlignedBuffer scratches

    if sparse:
        n_samples = rows.shape[0] - 1
        n_values = np.diff(rows).max(initial=0)
        indices = &features[0] if features.shape[0] else NULL
    else:
        n_samples = values.shape[0] // n_features if n_features else 0
        n_values = n_features
    size = (KERNELS.encode_workspace_size(&e, n_values, n_bias) + 63) // 64 * 64
    n_parts = _parts(n_samples, 8.0 * (values.shape[0] + n_samples))
    scratches = AlignedBuffer(n_parts * size, is_zero=False)
    # The arrays have room for the greatest number of spikes: what is not written costs
    # no memory. The spikes of a part follow one another.
    per_value = TTFS_MAX_ACTIVE if e.n_fields else 1
    extra = e.n_complemented + n_bias + (per_value * e.n_always if sparse else 0)
    max_spikes = per_value * values.shape[0] + n_samples * extra + n_parts * MARGIN
    out_times = np.empty(max_spikes, DTYPE)
    out_inputs = np.empty(max_spikes, np.uint32)
    bounds = np.zeros((2, n_samples + 1), np.uintp)
    times, inputs, begin, end = out_times, out_inputs, bounds[0], bounds[1]
    are_finite = np.ones(n_parts, np.uint8)
    is_finite = are_finite
    for part in prange(n_parts, nogil=True, num_threads=n_parts, chunksize=1,
                       schedule="static"):
        scratch = <char *>scratches.start + part * size
        s = n_samples * part // n_parts
        at = per_value * (rows[s] if sparse else s * n_features) + s * extra
        at = at + part * MARGIN
        for s in range(n_samples * part // n_parts, n_samples * (part + 1) // n_parts):
            begin[s] = at
            if sparse:
                at = at + _encode_sparse_row(
                    &e, x + rows[s], indices + rows[s], rows[s + 1] - rows[s], bias,
                    n_bias, t_max, &times[at], &inputs[at], scratch,
                )
            else:
                # Here, and not of all samples before, as the row comes from memory.
                if must_be_finite and not _is_finite(x + s * n_features, n_features):
                    is_finite[part] = False
                    break
                at = at + _encode_row(
                    &e, x + s * n_features, bias, n_bias, t_max, &times[at],
                    &inputs[at], scratch,
                )
            end[s] = at
    if not are_finite.all():
        raise ValueError("X must be finite")
    n_in = encoder.n_channels + n_bias
    return _trusted(out_times, out_inputs, bounds[0, :-1], bounds[1, :-1], n_in)


def check_n_channels(n_in):
    """Raise ValueError if a layer has too many inputs for the core."""
    if n_in >= MAX_INPUTS:
        raise ValueError(
            f"a layer must have fewer than {MAX_INPUTS} inputs, not {n_in}"
        )


def encode(encoder, X, bias_times, double t_max):
    """Spikes of features X (n_samples, n_features), dense or CSR, and of biases.

    Parameters
    ----------
    encoder : ttfs.encoders.base.Channels
    X : ndarray or csr_array, float32 or float64
        An array of features that are not spike times must be finite, else ValueError
        is raised. CSR: with sorted indices; without duplicates, unless features are
        spike times.
    bias_times : ndarray of shape (n_bias,)
    t_max : float
        Spikes at or after it are left out.
    """
    if X.shape[1] != encoder.n_features:
        raise ValueError(f"X must have {encoder.n_features} columns, not {X.shape[1]}")
    check_n_channels(encoder.n_channels + len(bias_times))
    if isinstance(X, np.ndarray):
        if encoder.n_features == 0:
            raise ValueError("X has no columns")
        values = np.require(X, requirements=["C", "A"]).reshape(-1)
        if values.dtype == np.float32:
            return _encode[float](encoder, values, None, None, bias_times, t_max)
        return _encode[double](encoder, values, None, None, bias_times, t_max)
    rows = X.indptr.astype(np.int64)
    if len(rows) != X.shape[0] + 1 or rows[0] != 0 or np.any(np.diff(rows) < 0):
        raise ValueError("indptr of the sparse matrix is not valid")
    if rows[len(rows) - 1] > min(len(X.indices), len(X.data)):
        raise ValueError("the sparse matrix has fewer entries than its indptr says")
    if len(X.indices) and (X.indices.min() < 0 or X.indices.max() >= X.shape[1]):
        raise ValueError("an index of the sparse matrix is out of range")
    # A channel may have several spikes.
    ascends = np.diff(X.indices) >= (0 if encoder.kind == "spike_times" else 1)
    inner = rows[1 : len(rows) - 1]
    ascends[inner[(inner > 0) & (inner <= len(ascends))] - 1] = True  # a new row
    if not ascends[: max(0, rows[len(rows) - 1] - 1)].all():
        raise ValueError("indices of the sparse matrix must ascend in each row")
    stored = slice(0, int(rows[len(rows) - 1]))
    indices = np.require(X.indices[stored], np.int32, ["C", "A"])
    values = np.require(X.data[stored], requirements=["C", "A"])
    if values.dtype == np.float32:
        return _encode[float](encoder, values, rows, indices, bias_times, t_max)
    return _encode[double](encoder, values, rows, indices, bias_times, t_max)


def spikes_at(times, bias_times, double t_max=float("inf")):
    """Spikes of given times, and of biases, which are the last inputs.

    Parameters
    ----------
    times : ndarray of shape (n_samples, n_in)
        C-contiguous; +inf = no spike.
    bias_times : array-like of shape (n_bias,)
    t_max : float
        Spikes at or after it are left out.
    """
    if times.dtype != DTYPE:
        raise TypeError(f"times must have dtype {DTYPE.__name__}, not {times.dtype}")
    n_samples, n_in = times.shape
    bias_times = np.ascontiguousarray(bias_times, DTYPE)
    n_bias = len(bias_times)
    check_n_channels(n_in + n_bias)
    if n_in == 0 and n_bias:
        raise ValueError("times must have at least one column")
    if n_samples == 0 or n_in == 0:
        nowhere = np.zeros(n_samples, np.uintp)
        inputs = np.empty(1, np.uint32)
        return _trusted(np.empty(1, DTYPE), inputs, nowhere, nowhere, n_in + n_bias)
    as_they_are = SimpleNamespace(
        kind="spike_times", begin=0.0, window=0.0, n_features=n_in, n_channels=n_in,
    )
    return encode(as_they_are, times, bias_times, t_max)
