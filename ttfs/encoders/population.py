"""Population code: several receptive fields for each feature."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .base import RangeEncoder


class PopulationEncoder(RangeEncoder):
    """Population code of real features: a channel for each of their receptive fields.

    Each feature is scaled to [0, 1] by its range in the training data, and clipped to
    that range. A few values that are far from the rest do not stretch the range: see
    `max_deviation`.

    A feature has m = `n_fields` channels, side by side [1]_. Field k = 0 ... m - 1 is a
    Gaussian of height 1, centre (k - 1/2) / (m - 2) and width 1 / (1.5 (m - 2)). With
    activity g at the scaled value it spikes at ``window * (1 - g)``, or not at all
    where g < 0.1: two or three fields of each feature spike. Zeros are values like
    others. Features that are constant in training never spike. Sparse matrices are
    refused.

    Parameters
    ----------
    n_fields : int, default=4
        Receptive fields of each feature, at least 3.

    max_deviation : float, default=2.0
        A range ends at the smallest and the greatest training value, or before: at most
        so many times as far from the median as the decile (the value that a tenth of
        the values are beyond) on that side. inf: at the smallest and the greatest
        value. See Notes.

    window : float, default=None
        Time within which features spike, from time 0. None means `tau_syn` of the
        estimator that the encoder is a parameter of, and 1.0 in a pipeline.

    levels : int, default=None
        Number of equally spaced times, at least 2, to which spikes are rounded: the
        first is 0 and the last `window`. None: spikes are not rounded. See Notes.

    silent_time : float, default=inf
        What `transform` returns for a channel without a spike; not before `window`. An
        estimator that takes no infinities needs a number: the end of the experiment,
        for example. An estimator that the encoder is a parameter of does not look at
        it.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of features. Only defined if `X` has feature names that are all strings.
    n_channels_ : int
        Number of channels: `n_fields` of the first feature, then of the second, ...
    begin_ : float
        Start of the inputs: 0.
    end_ : float
        End of the inputs: the window.
    may_drop_ : ndarray of bool of shape (n_channels_,)
        All False: `input_dropout` of an estimator does not act on these channels.
    channels_ : ttfs.encoders.base.Channels
        What was learned, as the compiled core reads it.

    See Also
    --------
    LatencyEncoder : One or two channels for each feature.

    Notes
    -----
    Where one decile is the median the distance of the other one counts on both sides;
    where both are, and with fewer than 10 samples, the range is that of all values.
    Deciles are those of at most 2,000 samples, evenly spaced.

    With `levels` = n, a spike at t becomes one at ``window * k / (n - 1)``, where k is
    the nearest integer to ``(n - 1) * t / window``, the greater one of two that are as
    near. Spikes keep their number and, but for those that come to be at the same time,
    their order. Features whose small differences carry the classes need many levels.

    A pipeline of this encoder and an estimator has the bits of encoder="population" if
    the estimator is told what spike times do not show:
    ``encoder=SpikeTimesEncoder(begin=0.0, duration=1.0, may_drop=False)``. The duration
    is that of the window. With early_stopping=True a pipeline learns ranges from all
    the data, and an estimator with an encoder from the part that is not held out.

    References
    ----------
    .. [1] S. M. Bohte, J. N. Kok, H. La Poutré, "Error-backpropagation in temporally
       encoded networks of spiking neurons", Neurocomputing 48, 17-37 (2002).

    Examples
    --------
    >>> from ttfs.encoders import PopulationEncoder
    >>> X = [[10.0], [20.0], [15.0]]
    >>> encoder = PopulationEncoder(3).fit(X)
    >>> encoder.transform(X).round(2)
    array([[0.25, 0.25,  inf],
           [ inf, 0.25, 0.25],
           [0.68, 0.  , 0.68]])
    >>> encoder.get_feature_names_out()
    array(['x0_field0', 'x0_field1', 'x0_field2'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        **RangeEncoder._parameter_constraints,
        "n_fields": [Interval(Integral, 3, None, closed="left")],
    }

    def __init__(
        self,
        n_fields: int = 4,
        *,
        max_deviation: float = 2.0,
        window: float | None = None,
        levels: int | None = None,
        silent_time: float = np.inf,
    ) -> None:
        self.n_fields = n_fields
        self.max_deviation = max_deviation
        self.window = window
        self.levels = levels
        self.silent_time = silent_time

    def _learn(self, X):
        return self._learn_ranges(
            X,
            kind="population",
            zeros_spike=True,
            complement=False,
            n_fields=int(self.n_fields),
        )
