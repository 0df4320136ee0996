"""What an estimator has learned, by the names of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

from .._typing import Array
from ..model import Network
from ..model.checks import arrays_like
from .history import History


class LearnedMixin:
    """Shows a network and a history as attributes.

    Attributes
    ----------
    encoder_ : encoder
        The fitted encoder, of :mod:`ttfs.encoders`.

    network_ : ttfs.model.Network
        The layers: what `coefs_`, `delays_` and `bias_times_` show.

    engine_ : ttfs.engines.Engine
        The engine that would train the network next.

    coefs_ : list of ndarray of shape (n_in + n_bias, n_out)
        Weights of each layer, bias rows last. There is no ``intercepts_``: biases are
        input channels that spike at fixed times. Integers, int16, if
        arithmetic="fixed"; training goes on from what it keeps itself, not from here.

    weight_steps_ : list of float
        The value of the integer 1 in `coefs_` of each layer, in the unit of the
        threshold. The attribute exists only if arithmetic="fixed".

    tick_ : float
        The `tick` used. Only if arithmetic="fixed".

    delays_ : list of ndarray or None
        Transmission delays of each layer, not negative: (n_in + n_bias,) if axonal,
        (n_in + n_bias, n_out) if synaptic, biases last. None if delays=None.

    bias_times_ : list of ndarray of shape (n_bias,)
        Spike times of the biases of each layer, from the start of the inputs.

    n_channels_in_ : int
        Number of input channels, without biases.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features. Only defined if `X` has feature names that are all strings.

    t_max_ : float
        End of the experiment, from the start of the inputs.

    loss_ : float
        Loss of the last epoch; None if training was interrupted in the first.

    best_loss_ : float or None
        Lowest loss of `loss_curve_`; None if early_stopping=True.

    loss_curve_ : list of float
        Loss of each epoch since the weights were drawn, `warm_start` and
        `partial_fit` included; a squared error is in the squared unit of time.

    validation_scores_ : list of float or None
        Accuracy, in a regressor R2 of the spike times, on the validation data after
        each epoch, `warm_start` included: on `X_val` of `fit`, or on what early
        stopping held out, until the learning rate falls, since data that are learned
        tell nothing. None if there were neither.

    validation_loss_curve_ : list of float or None
        Mean loss of these data, without what silent and hidden neurons cost in
        `loss_curve_`; with the weights after the epoch, and without input dropout.

    best_validation_score_ : float or None
        Highest of them; None if there is none.

    n_iter_ : int
        Number of epochs since the weights were drawn: the length of `loss_curve_`.

    n_layers_ : int
        Number of layers, the input among them.

    n_outputs_ : int
        Number of output neurons: one for each class or target.

    t_ : int
        Number of training samples seen, over all epochs.
    """

    network_: Network
    _history: History

    @property
    def coefs_(self) -> list[Array]:
        return self.network_.weights

    @coefs_.setter
    def coefs_(self, weights: Sequence[Array]) -> None:
        weights = arrays_like("coefs_", weights, self.network_.weights)
        self.network_ = self.network_.with_layers(weights=weights)

    @property
    def delays_(self) -> list[Array] | None:
        delays = [layer.delays for layer in self.network_.layers]
        return None if delays[0] is None else delays

    @delays_.setter
    def delays_(self, delays: Sequence[Array]) -> None:
        delays = arrays_like("delays_", delays, self.delays_ or [])
        self.network_ = self.network_.with_layers(delays=delays)

    @property
    def bias_times_(self) -> list[Array]:
        return [layer.bias_times for layer in self.network_.layers]

    @property
    def loss_curve_(self) -> list[float]:
        return list(self._history.losses)

    @property
    def loss_(self) -> float | None:
        losses = self._history.losses
        return losses[-1] if losses else None

    @property
    def best_loss_(self) -> float | None:
        return self._history.best_loss

    @property
    def validation_scores_(self) -> list[float] | None:
        scores = self._history.scores
        return None if scores is None else list(scores)

    @property
    def best_validation_score_(self) -> float | None:
        return self._history.best_score

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        losses = self._history.validation_losses
        return None if losses is None else list(losses)

    @property
    def n_iter_(self) -> int:
        return len(self._history.losses)

    @property
    def t_(self) -> int:
        return self._history.n_samples_seen

    @property
    def n_outputs_(self) -> int:
        return self.network_.n_outputs

    @property
    def n_layers_(self) -> int:
        return len(self.network_.layers) + 1

    @property
    def n_channels_in_(self) -> int:
        return self.network_.n_channels

    @property
    def t_max_(self) -> float:
        return self.network_.t_max

    @property
    def tick_(self) -> float:
        return self.network_.tick

    @property
    def weight_steps_(self) -> list[float]:
        return list(self.network_.steps)
