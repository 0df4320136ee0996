"""What export reads from an estimator; no other file here looks at one."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import _fixed
from ..encoders import LatencyEncoder, PopulationEncoder, SpikeTimesEncoder
from ..encoders.base import Channels
from ..estimators import TTFSClassifier
from ..fixed.network import FixedNetwork
from ..fixed.quantized import QuantizedNetwork

_ENCODERS = LatencyEncoder, PopulationEncoder, SpikeTimesEncoder


@dataclass(frozen=True)
class Model:
    """A model in integers, and what surrounds it.

    Parameters
    ----------
    network : FixedNetwork
        The integers; the weights are those of the model, without accumulators.
    code : ttfs.encoders.base.Channels
        How features become spike times.
    tick : float
        Length of a tick, in the unit of spike times.
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the output neurons.
    can_learn : bool
        Whether the model was fitted by the local rule, in integers.
    """

    network: FixedNetwork
    code: Channels
    tick: float
    classes: np.ndarray
    can_learn: bool

    @property
    def sizes(self):
        """Numbers of input channels, and of the neurons of each layer."""
        layers = self.network.layers
        return self.code.n_channels, *(layer.weights.shape[1] for layer in layers)


def read_model(clf):
    """The model of a fitted classifier in integers.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".

    Returns
    -------
    model : Model

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is no such estimator.
    """
    if not isinstance(clf, TTFSClassifier):
        raise TypeError(f"clf must be a TTFSClassifier, got {type(clf).__name__}")
    check_is_fitted(clf)
    if type(clf.encoder_) not in _ENCODERS:
        raise TypeError(
            f"the encoder {clf.encoder_!r} cannot be exported: its channels are not "
            "those of an encoder of ttfs.encoders"
        )
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
    """The network with its accumulators and the rates of the next online step.

    An online step is a `partial_fit` of one sample with the present parameters.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".

    Returns
    -------
    network : FixedNetwork

    Raises
    ------
    ValueError
        If `clf` was not fitted with gradient="local", or if parameters have changed
        without which `partial_fit` does not go on.
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
