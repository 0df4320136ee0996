"""A network whose weights are integers, beside the real parameters of its neurons."""

from dataclasses import dataclass, replace

from ..model import Network
from ..model.network import check_finite
from .network import FixedNetwork


@dataclass(frozen=True, eq=False)
class QuantizedNetwork(Network):
    """Layers whose weights are int16, and what learning keeps beside them."""

    integers: FixedNetwork | None = None  # tables, and the accumulators of the weights
    tick: float | None = None  # unit of spike times
    # Of each layer: the value of the integer 1 in its weights, in the unit of the
    # threshold, and the scale of its learning rate, see `engines.integer`.
    steps: tuple = ()
    scales: tuple = ()
    real_weights: list | None = (
        None  # moved by the exact gradient; None: integers learn
    )

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
        layers = []
        for layer, weights in zip(self.integers.layers, self.weights, strict=True):
            most = layer.max_stored >> layer.fraction
            layers.append(replace(layer, weights=weights, fraction=0, max_stored=most))
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
