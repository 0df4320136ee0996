"""Population code: several receptive fields for each feature."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .._documentation import with_shared_entries
from .ranges import RangeEncoder


@with_shared_entries
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

    .. shared: max_deviation, window, levels, silent_time

    Attributes
    ----------
    .. shared: n_features_in_, feature_names_in_, begin_, end_, channels_

    n_channels_ : int
        Number of channels: `n_fields` of the first feature, then of the second, ...
    may_drop_ : ndarray of bool of shape (n_channels_,)
        All False: `input_dropout` of an estimator does not act on these channels.

    See Also
    --------
    LatencyEncoder : One or two channels for each feature.

    Notes
    -----
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
