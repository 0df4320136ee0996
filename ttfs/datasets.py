"""Data sets for trying and comparing first-spike networks."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from ._typing import Floats, RandomState
from .encoders import SpikeTrains

__all__ = ["make_temporal_patterns", "make_yin_yang"]


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 1, None, closed="left")],
        "n_patterns": [Interval(Integral, 1, None, closed="left")],
        "width": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "jitter": [Interval(Real, 0, None, closed="left")],
        "shift": [Interval(Real, 0, None, closed="left")],
        "n_distractors": [Interval(Integral, 0, None, closed="left")],
        "window": [Interval(Real, 0, None, closed="left")],
        "lead": [Interval(Real, None, None, closed="neither")],
        "balanced": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_temporal_patterns(
    n_samples: int = 1000,
    *,
    n_channels: int = 10,
    n_classes: int = 4,
    n_patterns: int = 2,
    width: float | ArrayLike = 1.0,
    jitter: float = 0.1,
    shift: float = 0.5,
    n_distractors: int = 0,
    window: float = 4.0,
    lead: float = 1.0,
    balanced: bool = False,
    random_state: RandomState = None,
) -> tuple[SpikeTrains, NDArray[np.int64]]:
    """Make spike trains whose class is in the relative times of a pattern.

    A pattern is one spike in each channel, at random times that are the same in all
    samples of the pattern; each class has some patterns. In a sample these times are
    jittered, and shifted together. Spikes that say nothing, the distractors, come
    before it or among it. Number and channels of spikes tell nothing about the class.

    All times have one unit: that of the time constants of the neurons, as a rule.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of samples.

    n_channels : int, default=10
        Number of channels.

    n_classes : int, default=4
        Number of classes, which are equally likely.

    n_patterns : int, default=2
        Number of patterns of each class.

    width : float or array-like of shape (n_channels,), default=1.0
        Times of a pattern are uniform in an interval of this length, from the start of
        the pattern. Channels may have widths of their own: time scales of a pattern.

    jitter : float, default=0.1
        Standard deviation of a spike of a pattern, as a part of `width`.

    shift : float, default=0.5
        A sample's pattern starts late by a time that is uniform in [0, `shift`].

    n_distractors : int, default=0
        Number of distractors of a sample: spikes in random channels, at uniform times
        in [0, `window`].

    window : float, default=4.0
        Length of the time in which there are distractors.

    lead : float, default=1.0
        Time from the end of that window to the start of a pattern, which is at
        `window` + `lead`, also where there are no distractors. If it is negative, which
        it may be down to -`window`, distractors come among the pattern, too.

    balanced : bool, default=False
        Whether all channels have the same number of distractors in each sample, so that
        a sum of weights over them is always the same. `n_distractors` must be a
        multiple of `n_channels` then.

    random_state : int, RandomState instance or None, default=None
        Source of patterns and samples. Pass an int for the same in every call; training
        and test data with the same patterns are parts of one call.

    Returns
    -------
    X : SpikeTrains of shape (n_samples, n_channels)
        The spikes: ``n_channels + n_distractors`` in each sample.

    y : ndarray of shape (n_samples,)
        The classes, from 0.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> from ttfs.datasets import make_temporal_patterns
    >>> X, y = make_temporal_patterns(100, n_distractors=5, random_state=0)
    >>> X
    SpikeTrains(shape=(100, 10), n_spikes=1500, dtype=float64)
    >>> y[:5].tolist()
    [1, 3, 1, 3, 1]
    """
    width = np.asarray(width, float)
    if width.shape not in ((), (n_channels,)):
        raise ValueError(
            f"width must be a number or have one for each of the {n_channels} "
            f"channels, got the shape {width.shape}"
        )
    if not np.all((width > 0) & (width < np.inf)):
        raise ValueError("width must be positive and finite")
    if window + lead < 0:
        raise ValueError(
            f"lead must be at least -window, got lead={lead!r} and window={window!r}"
        )
    if balanced and n_distractors % n_channels:
        raise ValueError(
            "n_distractors must be a multiple of n_channels if balanced=True, got "
            f"{n_distractors} distractors for {n_channels} channels"
        )
    rng = check_random_state(random_state)
    patterns = width * rng.uniform(size=(n_classes * n_patterns, n_channels))
    pattern = rng.randint(len(patterns), size=n_samples)
    start = window + lead + rng.uniform(0, shift, n_samples)
    noise = jitter * width * rng.normal(size=(n_samples, n_channels))
    spikes = start[:, None] + patterns[pattern] + noise
    if balanced:
        channels = np.tile(np.arange(n_distractors) % n_channels, (n_samples, 1))
    else:
        channels = rng.randint(n_channels, size=(n_samples, n_distractors))
    distractors = rng.uniform(0, window, (n_samples, n_distractors))
    samples = np.arange(n_samples)
    X = SpikeTrains(
        np.concatenate(
            [np.repeat(samples, n_channels), np.repeat(samples, n_distractors)]
        ),
        np.concatenate([np.tile(np.arange(n_channels), n_samples), channels.ravel()]),
        np.concatenate([spikes.ravel(), distractors.ravel()]),
        shape=(n_samples, n_channels),
    )
    return X, (pattern // n_patterns).astype(np.int64)


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
