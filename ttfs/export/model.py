"""What export reads from an estimator; no other file here looks inside one."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..estimators import TTFSClassifier
from ..fixed.network import FixedNetwork


@dataclass(frozen=True)
class InputCode:
    """How features become spike times.

    Only the first four fields are known where features are spike times already.

    Parameters
    ----------
    kind : {"auto", "latency", "complement", "population", "spike_times"}
        Kind of encoder.
    n_features, n_channels : int
        Numbers of features and of the channels that they spike on.
    begin : float
        The time in the data from which spike times count.
    window : float
        Time within which features spike.
    low, high : ndarray of shape (n_features,)
        The range of each feature.
    scale : ndarray of shape (n_features,)
        2 / (high - low) of each feature; 0 where the feature never spikes.
    absent : ndarray of shape (n_features,)
        The value of each feature that is no spike; NaN where every value spikes.
    zero_is_absent : ndarray of shape (n_features,), bool
        Whether a zero is no spike.
    complemented : ndarray of shape (n_complemented,), uint32
        The features that have a second channel, in the order of these channels.
    n_receptive_fields : int
        Channels of each feature with kind="population".
    """

    kind: str
    n_features: int
    n_channels: int
    begin: float
    window: float | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    scale: np.ndarray | None = None
    absent: np.ndarray | None = None
    zero_is_absent: np.ndarray | None = None
    complemented: np.ndarray | None = None
    n_receptive_fields: int | None = None


@dataclass(frozen=True)
class Model:
    """A model in integers, and what surrounds it.

    Parameters
    ----------
    network : FixedNetwork
        The integers; the weights are those of the model, without accumulators.
    code : InputCode
        How features become spike times.
    tick : float
        Length of a tick, in the unit of spike times.
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the output neurons.
    can_learn : bool
        Whether the model was fitted by the local rule, in integers.
    """

    network: FixedNetwork
    code: InputCode
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
    fitted = clf._fitted_structure
    if fitted["arithmetic"] != "fixed":
        raise ValueError(
            f"clf must be fitted with arithmetic='fixed', not {fitted['arithmetic']!r}"
        )
    encoder = clf._encoder
    names = list(InputCode.__dataclass_fields__)
    if encoder.kind == "spike_times":
        names = names[:4]
    return Model(
        network=clf._network.core.network(),
        code=InputCode(**{name: getattr(encoder, name) for name in names}),
        tick=clf.tick_,
        classes=clf.classes_,
        can_learn=fitted["gradient"] == "local",
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
    gradient = clf._fitted_structure["gradient"]
    if gradient != "local":
        raise ValueError(
            "learning in integers needs a clf that was fitted with gradient='local', "
            f"not {gradient!r}"
        )
    clf._check_structure()
    trainer = clf._trainer(None, 1)
    rate = clf._rate(is_partial=True)
    (gain,), (shifts,), (decays,) = trainer.rates(np.array([float(rate)]))
    network = trainer.network()
    layers = [
        replace(layer, rate_shift=int(shift), decay=int(decay))
        for layer, shift, decay in zip(network.layers, shifts, decays, strict=True)
    ]
    return replace(network, layers=layers, gain=int(gain))


def event_blocks(clf, X):
    """The input spikes of X in ticks, block by block.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features.

    Yields
    ------
    rows : slice
        The samples of a block.
    events : _fixed.Events
        The spikes of the channels and of the biases of the first layer, which are the
        inputs behind the channels.
    """
    for network, rows, spikes in clf._blocks(X):
        yield rows, network.events(spikes)
