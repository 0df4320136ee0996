"""Data sets for trying and comparing first-spike networks."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._typing import Floats, RandomState

__all__ = ["make_yin_yang"]


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "r_small": [Interval(Real, 0, None, closed="neither")],
        "r_big": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_yin_yang(
    n_samples: int = 1000,
    *,
    r_small: float = 0.1,
    r_big: float = 0.5,
    random_state: RandomState = None,
) -> tuple[Floats, NDArray[np.int64]]:
    """Make the Yin-Yang classification data set.

    Points in a circle belong to one of three classes: yin, yang, or one of the
    two dots. All classes are equally likely, so the small dots are as frequent as
    the large halves. A linear classifier reaches about 64 % accuracy.

    The set published in [1]_ is reproduced sample for sample by
    ``n_samples=5000, random_state=42`` (training), ``n_samples=1000,
    random_state=41`` (validation) and ``n_samples=1000, random_state=40`` (test).

    Parameters
    ----------
    n_samples : int, default=1000
        Number of points.

    r_small : float, default=0.1
        Radius of the two dots. At most ``r_big / 2``, so that a dot stays inside
        its half.

    r_big : float, default=0.5
        Radius of the circle. The circle's centre is ``(r_big, r_big)``, the
        dots' centres are ``(0.5 * r_big, r_big)`` and ``(1.5 * r_big, r_big)``.

    random_state : int, RandomState instance or None, default=None
        Source of the points. Pass an int for the same points in every call.

    Returns
    -------
    X : ndarray of shape (n_samples, 4)
        The features ``(x, y, 1 - x, 1 - y)``. With the default radii all of them
        lie between 0 and 1.

    y : ndarray of shape (n_samples,)
        The classes: 0 and 1 for the two halves, 2 for the dots.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    .. [1] L. Kriener, J. Göltz, M. A. Petrovici, "The Yin-Yang dataset",
       Neuro-Inspired Computational Elements Conference, 107-111, 2022.

    Examples
    --------
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(5000, random_state=42)
    >>> X.shape, y.shape
    ((5000, 4), (5000,))
    >>> X[0].round(3).tolist(), int(y[0])
    ([0.68, 0.45, 0.32, 0.55], 2)
    """
    if r_small > 0.5 * r_big:
        raise ValueError(
            f"r_small must be at most r_big / 2, got r_small={r_small!r} "
            f"and r_big={r_big!r}."
        )
    rng = check_random_state(random_state)
    points = np.empty((n_samples, 2))
    y = np.empty(n_samples, dtype=np.int64)
    for k in range(n_samples):
        # The published order of draws: the class, then points until one fits.
        y[k] = rng.randint(3)
        while True:
            point = rng.rand(2) * 2.0 * r_big
            if _yin_yang_class(*point.tolist(), r_small, r_big) == y[k]:
                break
        points[k] = point
    return np.hstack([points, 1.0 - points]), y


def _yin_yang_class(x, y, r_small, r_big):
    """Class of one point, or None outside the circle."""
    if np.sqrt((x - r_big) ** 2 + (y - r_big) ** 2) > r_big:
        return None
    left = np.sqrt((x - 0.5 * r_big) ** 2 + (y - r_big) ** 2)
    right = np.sqrt((x - 1.5 * r_big) ** 2 + (y - r_big) ** 2)
    if left < r_small or right < r_small:
        return 2
    in_left_bulge = left <= 0.5 * r_big
    in_right_bulge = right <= 0.5 * r_big
    return int(in_left_bulge or (y > r_big and not in_right_bulge))
