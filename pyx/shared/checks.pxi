# Checks that raise an error with the name of the argument.
cdef object _same_shape(object array, Py_ssize_t rows, Py_ssize_t columns, str name):
    if array.shape[0] != rows or array.shape[1] != columns:
        raise ValueError(
            f"{name} must have shape ({rows}, {columns}), "
            f"got ({array.shape[0]}, {array.shape[1]})"
        )


cdef object _choice(dict choices, str name, object value):
    if value not in choices:
        names = ", ".join(choices)
        raise ValueError(f"unknown {name} {value!r}: choose one of {names}")
    return choices[value]


cdef object _returned(object times, tuple shape, object dtype, str name):
    """A new array of what a callable has returned, which must be real numbers."""
    array = np.asarray(times)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(dtype, "C")
