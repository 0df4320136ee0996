"""Checks of spike times and weights that come from users."""

from numbers import Real

import numpy as np
from scipy.sparse import issparse

from .. import core as _core

# Times and weights stay below this, so that sums of them are far from overflow.
TIME_LIMIT = _core.TIME_LIMIT


def check_times(times, name, *, nan_is_absent=False):
    """Raise ValueError unless all times are finite, or +inf for no spike."""
    absent, bad = ("NaN or +inf", "-inf") if nan_is_absent else ("+inf", "NaN or -inf")
    if np.isneginf(times).any() or (not nan_is_absent and np.isnan(times).any()):
        raise ValueError(
            f"{name} must be finite, or {absent} where there is no spike; found {bad}"
        )
    if np.any((np.abs(times) >= TIME_LIMIT) & np.isfinite(times)):
        raise ValueError(
            f"{name} must be below {TIME_LIMIT:g}, or {absent} where there is no spike"
        )


def check_matrix(array, name, dtype, *, inf_is_absent=False):
    """The array, 2-d, C-contiguous, native and aligned, of dtype; raise if invalid."""
    out = np.require(array, dtype=dtype, requirements=["C", "A"])
    if out.ndim != 2:
        raise ValueError(f"{name} must be a 2-d array, got {out.ndim} dimension(s)")
    if inf_is_absent:
        check_times(out, name)
    elif not np.isfinite(out).all():
        raise ValueError(f"{name} must be finite; found NaN or infinity")
    elif np.any(np.abs(out) >= TIME_LIMIT):
        raise ValueError(f"{name} must be below {TIME_LIMIT:g}")
    return out


def check_several(times, dtype):
    """Spike times (n_samples, n_in), or (n_samples, n_in, n_spikes), as an array."""
    times = np.require(times, dtype, ["C", "A"])
    if times.ndim not in (2, 3):
        raise ValueError(
            "times must be an array of shape (n_samples, n_in) or (n_samples, n_in, "
            f"n_spikes), got {times.ndim} dimension(s)"
        )
    check_times(times, "times")
    return times


def check_weights(weights, dtype, n_in):
    """The matrix of the weights of n_in inputs."""
    weights = check_matrix(weights, "weights", dtype)
    if len(weights) != n_in:
        raise ValueError(
            f"times has {n_in} inputs, but weights has {len(weights)} (rows)"
        )
    return weights


def check_not_negative(name, value, limit=np.inf):
    """Raise TypeError or ValueError unless a number is at least 0 and below a limit."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    if not 0 <= value < limit:
        raise ValueError(f"{name} must be finite and at least 0, got {value!r}")


def blocks(n_samples, size):
    """Slices of at most `size` samples; none if there are no samples."""
    begins = range(0, n_samples, size)
    return [slice(begin, min(begin + size, n_samples)) for begin in begins]


def common_dtype(**arrays):
    """float32 if all arrays are, float64 for all else that is real."""
    dtypes = []
    for name, array in arrays.items():
        if issparse(array):
            raise TypeError(
                f"{name} is a sparse matrix, but a dense array is needed; absent "
                "inputs have the time +inf"
            )
        dtype = np.asarray(array).dtype
        if dtype.kind not in "biufO":
            raise ValueError(f"{name} must hold real numbers, not {dtype}")
        dtypes.append(dtype.newbyteorder("="))
    single = all(dtype == np.float32 for dtype in dtypes)
    return np.dtype(np.float32 if single else np.float64)


def arrays_like(name, arrays, present):
    """Arrays in the shapes and dtypes of those that they replace; raise otherwise."""
    arrays = [np.asarray(array) for array in arrays]
    shapes = [array.shape for array in present]
    if [array.shape for array in arrays] != shapes:
        raise ValueError(
            f"{name} must be arrays of shapes {shapes}, got "
            f"{[array.shape for array in arrays]}"
        )
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"{name} must be finite")
    return [
        np.ascontiguousarray(array, old.dtype)
        for array, old in zip(arrays, present, strict=True)
    ]
