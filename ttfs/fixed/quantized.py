"""A network whose weights are integers, beside the real parameters of its neurons."""

from dataclasses import dataclass, replace

from ..model import Network
from ..model.network import check_finite
from .network import FixedNetwork


@dataclass(frozen=True, eq=False)
class QuantizedNetwork(Network):
    """Layers with integer weights, and what learning keeps beside them.

    Parameters
    ----------
    layers, t_max, read_out
        The fields of :class:`ttfs.model.Network`; weights are int16.
    integers : FixedNetwork
        Tables, and the accumulators of the weights.
    tick : float
        Unit of spike times.
    steps : tuple of float
        Value of the integer 1 in the weights of each layer, in the unit of the
        threshold.
    scales : tuple of float
        Scales of the learning rates of each layer, see
        :class:`ttfs.engines.integer.IntegerTrainer`.
    real_weights : list of ndarray or None
        Weights that the exact gradient moves; None where integers learn.
    """

    integers: FixedNetwork | None = None
    tick: float | None = None
    steps: tuple = ()
    scales: tuple = ()
    real_weights: list | None = None

    @property
    def weight_values(self):
        """The weights of each layer as real numbers, in the unit of the threshold."""
        return [w * step for w, step in zip(self.weights, self.steps, strict=True)]

    @property
    def stretch(self):
        """How many times as fast decision times go on, a whole number here."""
        return float(self.integers.stretch)

    def for_inference(self):
        """The FixedNetwork with the integer weights alone, without lower bits."""
        layers = [
            replace(
                layer,
                weights=w,
                fraction=0,
                max_stored=layer.max_stored >> layer.fraction,
            )
            for layer, w in zip(self.integers.layers, self.weights, strict=True)
        ]
        return replace(self.integers, layers=layers)

    def of_inputs(self, rows):
        """The network without inputs that never spike, see `Network.of_inputs`."""
        first, *others = self.integers.layers
        integers = replace(
            self.integers,
            layers=[replace(first, weights=first.weights.take(rows, axis=0)), *others],
            may_drop=self.integers.may_drop[rows],
        )
        return replace(super().of_inputs(rows), integers=integers, real_weights=None)

    def real(self):
        """The Network of the real weights."""
        network = Network(self.layers, self.t_max, self.read_out)
        return network.with_layers(weights=self.real_weights)

    def check_finite(self):
        super().check_finite()
        for weights in self.real_weights or []:
            check_finite("weights", weights)
