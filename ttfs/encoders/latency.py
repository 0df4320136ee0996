"""Latency code: the greater a feature, the earlier its spike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._documentation import with_shared_entries
from .ranges import RangeEncoder

if TYPE_CHECKING:
    from .._typing import Auto


@with_shared_entries
class LatencyEncoder(RangeEncoder):
    """Latency code of real features: the greater the value, the earlier the spike.

    Each feature is scaled to [0, 1] by its range in the training data, and clipped to
    that range. A few values that are far from the rest do not stretch the range: see
    `max_deviation`. A value v then spikes at ``window * (1 - v)`` on the feature's own
    channel and, where the feature is complemented, at ``window * v`` on a second one,
    so that small values are early somewhere too.

    A zero is *absent*, which means that it has no spike, in features that are 0 in at
    least half of the training samples; and in all features that are ever 0, if at least
    half of all training values are. Features with absent zeros are never complemented.
    Features that are constant in training never spike.

    Parameters
    ----------
    complement : bool or "auto", default="auto"
        - "auto": complement the features in which no zero is absent.
        - False: one channel for each feature.
        - True: zeros are values like others, never absent, and each feature that varies
          is complemented. Sparse matrices are refused.

    .. shared: max_deviation, window, levels, silent_time

    Attributes
    ----------
    .. shared: n_features_in_, feature_names_in_, begin_, end_, channels_

    n_channels_ : int
        Number of channels: those of the features, in their order, then the complements.
    may_drop_ : ndarray of bool of shape (n_channels_,)
        Channels in which zeros are absent: `input_dropout` of an estimator acts on
        these.

    See Also
    --------
    PopulationEncoder : Several channels for each feature.
    SpikeTimesEncoder : For features that are spike times already.

    Notes
    -----
    Sparse matrices give the same spikes as the dense arrays they stand for. Where zeros
    are absent, only other values count for ranges, and only the upper end is cut.

    ``make_pipeline(LatencyEncoder(), TTFSClassifier(encoder="spike_times"))`` has, for
    features that reach both ends of the window, the bits of
    ``TTFSClassifier(encoder="auto")``; with complement=False those of "latency", and
    with True those of "complement". What cannot be seen from the spike times is then
    told to a `SpikeTimesEncoder` in place of "spike_times":

    - If zeros are absent in all features, no spike may be at 0, or none at the end of
      the window, from which `t_max` is counted: ``begin=0.0, duration=window``.
    - With "auto", complements add channels without absent spikes. The rule for half of
      all values may then not hold for channels, on whose result input dropout depends:
      ``may_drop=encoder.may_drop_``.

    With early_stopping=True a pipeline learns ranges from all the data, and an
    estimator with an encoder from the part that is not held out.

    Examples
    --------
    >>> from ttfs.encoders import LatencyEncoder
    >>> X = [[0.0, 10.0], [0.0, 20.0], [4.0, 15.0]]
    >>> encoder = LatencyEncoder().fit(X)
    >>> encoder.transform(X)
    array([[inf, 1. , 0. ],
           [inf, 0. , 1. ],
           [0. , 0.5, 0.5]])
    >>> encoder.get_feature_names_out()
    array(['x0', 'x1', 'x1_complement'], dtype=object)

    Spikes at five times only:

    >>> encoder = LatencyEncoder(complement=False, levels=5)
    >>> encoder.fit_transform([[0.0], [0.3], [0.4], [1.0]]).ravel()
    array([1.  , 0.75, 0.5 , 0.  ])
    """

    _parameter_constraints: ClassVar[dict] = {
        **RangeEncoder._parameter_constraints,
        "complement": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        complement: bool | Auto = "auto",
        max_deviation: float = 2.0,
        window: float | None = None,
        levels: int | None = None,
        silent_time: float = np.inf,
    ) -> None:
        self.complement = complement
        self.max_deviation = max_deviation
        self.window = window
        self.levels = levels
        self.silent_time = silent_time

    @property
    def takes_sparse(self):
        """Whether sparse matrices are accepted: not where every zero spikes."""
        return not self._zeros_spike

    @property
    def _zeros_spike(self):
        return self.complement != "auto" and bool(self.complement)

    def _learn(self, X):
        shorthands = {"auto": "auto", False: "latency", True: "complement"}
        return self._learn_ranges(
            X,
            kind=shorthands[self.complement],
            zeros_spike=self._zeros_spike,
            complement=bool(self.complement),
        )
