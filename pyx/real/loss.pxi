cdef dict LOSSES = {
    "cross_entropy": TTFS_CROSS_ENTROPY,
    "squared_error": TTFS_SQUARED_ERROR,
    "shift_invariant": TTFS_SHIFT_INVARIANT,
    "target_times": TTFS_TARGET_TIMES,
}


cdef int _fill_loss(ttfs_training *t, dict loss, int time=0) except -1:
    """Loss and its parameters, in units of 2^time.

    They have the same names in ttfs_kernels.h.
    """
    loss = {"time_scale": 1.0, "early": 0.0, "early_scale": 1.0,
            "early_end": float("inf"), "target_label": 0.0, "target_other": 0.0, **loss}
    kind = loss.pop("kind")
    if kind not in LOSSES:
        raise ValueError(f"unknown loss {kind!r}")
    t.loss = <ttfs_loss>LOSSES[kind]
    t.early = loss.pop("early")
    t.time_scale = ldexp(loss.pop("time_scale"), -time)
    t.early_scale = ldexp(loss.pop("early_scale"), -time)
    t.early_end = ldexp(loss.pop("early_end"), -time)
    t.target_label = ldexp(loss.pop("target_label"), -time)
    t.target_other = ldexp(loss.pop("target_other"), -time)
    if loss:
        raise TypeError(f"unknown parameters of a loss: {', '.join(loss)}")
    if not (t.time_scale > 0 and t.early_scale > 0):
        raise ValueError("time_scale and early_scale must be positive")
    if not t.early_end > -float("inf"):
        raise ValueError("early_end must be a time")
    return 0


cdef object _check_targets(
    object targets, const double[::1] factors, Py_ssize_t n_samples, size_t n_outputs,
    bint are_times,
):
    """Labels, or the times that outputs should have, as the core may have them."""
    cdef const size_t[::1] labels
    cdef const double[:, ::1] times
    cdef Py_ssize_t s
    if targets is None:
        raise TypeError("targets must be an array")
    if factors.shape[0] != n_samples:
        raise ValueError("factors must have one entry per sample")
    if are_times:
        times = targets
        _same_shape(times, n_samples, n_outputs, "targets")
        if not np.all(np.abs(targets) < TTFS_TIME_LIMIT):
            raise ValueError(f"targets must be finite, and below {TTFS_TIME_LIMIT:g}")
        return targets
    labels = targets
    if labels.shape[0] != n_samples:
        raise ValueError("labels must have one entry per sample")
    for s in range(n_samples):
        if labels[s] >= n_outputs:
            raise ValueError("a label is outside [0, n_classes)")
    return targets


def loss(
    const real[:, ::1] times not None,
    targets,
    const double[::1] factors not None,
    **parameters,
):
    """Loss (n_samples,) and its gradient (n_samples, n_classes) with respect to times.

    Parameters
    ----------
    times : ndarray of shape (n_samples, n_classes)
        Finite.
    targets : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Labels, uintp; with "target_times" the times that are wanted, float64 and
        finite.
    factors : ndarray of shape (n_samples,), float64
    **parameters
        kind, "cross_entropy", "squared_error", "shift_invariant" or "target_times", and
        its numbers; see ttfs_loss.
    """
    cdef Py_ssize_t n = times.shape[0], n_classes = times.shape[1]
    cdef ttfs_training training
    cdef const size_t[::1] labels
    cdef const double[:, ::1] wanted
    cdef const size_t *label = NULL
    cdef const double *target = NULL
    _fill_loss(&training, parameters)
    are_times = training.loss == TTFS_TARGET_TIMES
    _check_targets(targets, factors, n, n_classes, are_times)
    out = np.zeros(n)
    grad = np.zeros((n, n_classes), DTYPE)
    if n == 0 or n_classes == 0:
        return out, grad
    cdef double[::1] values = out
    cdef real[:, ::1] g = grad
    if are_times:
        wanted = targets
        target = &wanted[0, 0]
    else:
        labels = targets
        label = &labels[0]
    KERNELS.loss(&training, &times[0, 0], label, target, &factors[0], n, n_classes,
                 &values[0], &g[0, 0])
    return out, grad
