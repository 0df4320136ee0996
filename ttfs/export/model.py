"""What export reads from an estimator; no other file here looks at one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .. import _fixed
from ..encoders.base import Channels
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier
from ..fixed.network import FixedNetwork
from ..fixed.quantized import QuantizedNetwork
from .records import check_encoder
from .scalers import split, transform


@dataclass(frozen=True)
class Model:
    """A model in integers, and what surrounds it."""

    network: FixedNetwork  # with the weights of the model, without accumulators
    code: Channels  # how features become spike times
    tick: float  # in the unit of spike times
    classes: np.ndarray  # the labels, in the order of the output neurons
    can_learn: bool  # whether it was fitted by the local rule, in integers

    @property
    def sizes(self):
        """Numbers of input channels, and of the neurons of each layer."""
        return self.code.n_channels, *(layer.n_out for layer in self.network.layers)


def read_model(clf):
    """The `Model` of a classifier in integers.

    Raises NotFittedError if it is not fitted, TypeError or ValueError if it is no such
    estimator.
    """
    if not isinstance(clf, TTFSClassifier):
        raise TypeError(f"clf must be a TTFSClassifier, got {type(clf).__name__}")
    check_is_fitted(clf)
    check_encoder(clf.encoder_)
    network = clf.network_
    if clf.max_spikes > 1:
        raise ValueError(
            f"a clf with max_spikes={clf.max_spikes} cannot be exported: neurons fire "
            "once in models in integers"
        )
    if not isinstance(network, QuantizedNetwork):
        raise ValueError(
            "clf must be fitted with arithmetic='fixed', not "
            f"{network.weights[0].dtype.name!r}"
        )
    return Model(
        network=network.for_inference(),
        code=clf.encoder_.channels_,
        tick=network.tick,
        classes=clf.classes_,
        can_learn=network.real_weights is None,
    )


def read_learner(clf):
    """The FixedNetwork with accumulators and the rates of the next online step.

    An online step is a `partial_fit` of one sample with the present parameters. Raises
    ValueError if the classifier was not fitted with gradient="local", or if parameters
    have changed without which `partial_fit` does not go on.
    """
    if clf.network_.real_weights is not None:
        raise ValueError(
            "learning in integers needs a clf that was fitted with gradient='local', "
            "not 'exact'"
        )
    return clf.engine_.for_device(clf.network_)


def input_events(clf, X):
    """The input spikes of X in ticks, as `_fixed.TickSpikes`.

    Biases of the first layer are the inputs behind the channels.
    """
    network = clf.network_
    n_ticks = network.integers.n_ticks
    return _fixed.TickSpikes.from_spikes(clf.encode(X), network.tick, n_ticks)


def samples_of(events):
    """The sample of each input spike; samples follow one another without gaps."""
    return np.repeat(
        np.arange(len(events)), (events.end - events.begin).astype(np.intp)
    )


def events_at(network, ticks):
    """The input spikes of ticks (n_samples, n_channels), as `_fixed.TickSpikes`.

    A tick from the number of ticks on is no spike; biases come behind the channels.
    """
    biases = np.tile(network.layers[0].bias_ticks, (len(ticks), 1))
    ticks = np.hstack([ticks, biases]).astype(np.uint16)
    inputs = np.argsort(ticks, axis=1, kind="stable").astype(np.uint16)
    ticks = np.take_along_axis(ticks, inputs.astype(np.intp), axis=1)
    spikes = ticks < network.n_ticks
    end = np.cumsum(spikes.sum(axis=1), dtype=np.uintp)
    begin = np.append(np.uintp(0), end[:-1])
    n_in = ticks.shape[1]
    return _fixed.TickSpikes(ticks[spikes], inputs[spikes], begin, end, n_in)


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
    is_channel = events.inputs < n_channels  # biases come behind the channels
    at = samples_of(events)[is_channel], events.inputs[is_channel]
    out[at] = events.ticks[is_channel]
    return out
