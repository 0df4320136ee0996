"""What a fitted estimator consists of, beside its parameters: to store and to rebuild.

No part of it is the state of an optimiser or of a random generator: an estimator that
is made of it predicts the same, and goes on learning with new ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._typing import Array
from ..encoders.base import BaseEncoder
from ..engines import Specification, choose
from ..fixed.quantized import QuantizedNetwork
from ..model import Network
from ..model.geometry import geometries_of
from .classifier import TTFSClassifier
from .history import History
from .regressor import TTFSRegressor

# The attribute in which a head keeps what it has learned of its targets.
_TARGETS = {TTFSClassifier: "classes_", TTFSRegressor: "target_range_"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned:
    """What `fit` has learned in real numbers."""

    network: Network
    encoder: BaseEncoder
    targets: Array  # classes_ of a classifier, target_range_ of a regressor
    feature_names: Array | None = None
    time_scale: float | None = None  # of the softmax; None: that of a new network
    n_seen: int = 0  # samples of the last `fit`, and of `partial_fit` since
    was_fit: bool = False  # whether the weights have gone through `fit`
    history: History = field(default_factory=History)


def learned(estimator) -> Learned:
    """What an estimator has learned, in real numbers and without a substrate.

    Raises NotFittedError, TypeError for objects of other classes, and ValueError if it
    computes otherwise or parameters were changed that its weights were made for.
    """
    if type(estimator) not in _TARGETS:
        raise TypeError(
            "a TTFSClassifier or a TTFSRegressor is needed, got "
            f"{type(estimator).__name__}"
        )
    check_is_fitted(estimator)
    if isinstance(estimator.network_, QuantizedNetwork):
        raise ValueError("the estimator computes in integers, not in real numbers")
    if estimator.substrate is not None:
        raise ValueError(
            "the estimator runs on a substrate, which is not part of the model: "
            "set_params(substrate=None) leaves the nominal network"
        )
    estimator._structure().check_equal(estimator._fitted_structure)
    return Learned(
        network=estimator.network_,
        encoder=estimator.encoder_,
        targets=getattr(estimator, _TARGETS[type(estimator)]),
        feature_names=getattr(estimator, "feature_names_in_", None),
        time_scale=estimator._time_scale,
        n_seen=estimator._n_seen,
        was_fit=estimator._was_fit,
        history=estimator._history,
    )


def rebuild(cls, parameters: dict[str, Any], learned: Learned):
    """A fitted estimator of a class with these parameters; they are checked.

    What it has learned is consistent in itself. Raises TypeError or ValueError if the
    parameters are not valid, or are not those of the network.
    """
    estimator = cls(**parameters)
    estimator._validate_params()
    structure = estimator._structure()
    if not isinstance(structure.arithmetic, str) or estimator.substrate is not None:
        raise ValueError("real numbers are needed, without a substrate")
    _check_network(structure, learned.network)
    specification = estimator._specification(structure)
    engine = choose(specification)
    choose(Specification(structure))
    encoder = learned.encoder
    if encoder.n_channels_ != learned.network.n_channels:
        raise ValueError(
            f"the encoder has {encoder.n_channels_} channels, but the network "
            f"{learned.network.n_channels}"
        )
    if learned.targets.shape[-1] != learned.network.n_outputs:
        raise ValueError(
            f"{_TARGETS[cls]} is for {learned.targets.shape[-1]} outputs, but the "
            f"network has {learned.network.n_outputs}"
        )
    estimator.n_features_in_ = encoder.n_features_in_
    if learned.feature_names is not None:
        estimator.feature_names_in_ = learned.feature_names
    setattr(estimator, _TARGETS[cls], learned.targets)
    estimator._rng = check_random_state(estimator.random_state)
    estimator.network_, estimator.encoder_ = learned.network, encoder
    estimator._fitted_structure = structure
    estimator._optimizer = estimator._interrupted = None
    estimator._n_seen, estimator._was_fit = learned.n_seen, learned.was_fit
    estimator._history = learned.history
    estimator._time_scale = learned.time_scale
    if learned.time_scale is None:
        estimator._time_scale = engine.time_scale(
            learned.network, max(1, learned.n_seen)
        )
    return estimator


def _check_network(structure, network):
    """Raise ValueError unless the network is one that the parameters ask for."""
    hidden = structure.hidden_layer_sizes
    wanted = geometries_of(network.n_channels, hidden)
    if wanted != [layer.geometry for layer in network.layers[:-1]]:
        raise ValueError(
            f"hidden_layer_sizes={hidden}, but the layers have "
            f"{network.sizes[1:-1]} hidden neurons"
        )
    for k, (layer, neuron) in enumerate(
        zip(network.layers, structure.neurons, strict=True)
    ):
        if layer.neuron != neuron:
            raise ValueError(
                f"the neurons of layer {k} are {layer.neuron}, but the parameters ask "
                f"for {neuron}"
            )
        if layer.weights.dtype != np.dtype(structure.dtype):
            raise ValueError(
                f"weights of layer {k} are {layer.weights.dtype}, but the parameters "
                f"ask for {structure.dtype}"
            )
        kinds = {None: None, "axonal": 1, "synaptic": 2}
        found = None if layer.delays is None else layer.delays.ndim
        if found != kinds[structure.delays]:
            raise ValueError(
                f"layer {k} has not the delays of delays={structure.delays!r}"
            )
