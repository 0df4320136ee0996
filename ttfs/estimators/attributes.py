"""What an estimator has learned, by the names of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.checks import arrays_like

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Array
    from ..model import Network
    from .history import History


class LearnedMixin:
    """Shows a network and a history as attributes; the classes document them."""

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
