"""Features as ticks of the input channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .model import input_events, read_model
from .scalers import split, transform

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ..encoders.spike_trains import Features
    from ..estimators import TTFSClassifier


def check_single(events):
    """Raise unless every channel has at most one spike in a sample."""
    if events.repeats > 1:
        raise ValueError(
            "X has channels with several spikes in a sample; an exported model takes "
            "one spike from each channel"
        )


def ticks(clf: TTFSClassifier | Pipeline, X: Features) -> NDArray[np.uint16]:
    """Spike times of the input channels in ticks.

    Parameters
    ----------
    clf : TTFSClassifier or Pipeline
        Fitted, with arithmetic="fixed"; or a pipeline that ends with such a classifier.
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features.

    Returns
    -------
    ticks : ndarray of shape (n_samples, n_channels_in_), uint16
        What the functions of :func:`to_c` take: ticks from the start of the inputs, or
        the number of ticks, ``round(clf.t_max_ / clf.tick_)``, where there is no spike.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator or `X` not valid, or if a channel has several
        spikes in a sample.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> export.ticks(clf, X).shape
    (200, 8)
    """
    steps, clf = split(clf)
    model = read_model(clf)
    X = transform(steps, X)
    n_channels = model.code.n_channels
    events = input_events(clf, X)
    check_single(events)
    out = np.full((len(events), n_channels), model.network.n_ticks, np.uint16)
    counts = (events.end - events.begin).astype(np.intp)
    # The events of successive samples follow one another without gaps.
    samples = np.repeat(np.arange(len(events)), counts)
    is_channel = events.inputs < n_channels  # biases come behind the channels
    inputs = events.inputs[is_channel]
    out[samples[is_channel], inputs] = events.ticks[is_channel]
    return out
