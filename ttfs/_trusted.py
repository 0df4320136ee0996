"""Names of the types that skops.io may load."""

from .baselines import RateClassifier, S4NNClassifier
from .encoders import (
    FilterBank,
    FrozenEncoder,
    LatencyEncoder,
    LevelCrossingEncoder,
    PopulationEncoder,
    SpikeTimesEncoder,
)
from .encoders.base import Channels
from .engines import FitState, Structure
from .estimators import TTFSClassifier, TTFSRegressor
from .estimators.history import History
from .fixed.network import FixedLayer, FixedNetwork
from .fixed.quantized import QuantizedNetwork
from .model import LIF, Layer, Network
from .model.geometry import Full
from .parameters import (
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    SquaredError,
)
from .substrates import AnalogChip, Calibrated, Calibration, Clocked, Ideal

# Whatever a stored estimator may consist of. A connection to a chip is not trusted: its
# address may be a command.
_TYPES = (
    AnalogChip,
    Calibrated,
    Calibration,
    Channels,
    Clocked,
    CrossEntropy,
    ExactGradient,
    FilterBank,
    FitState,
    FixedLayer,
    FixedNetwork,
    FixedPoint,
    FrozenEncoder,
    Full,
    History,
    Ideal,
    LIF,
    LatencyEncoder,
    Layer,
    LevelCrossingEncoder,
    LocalRule,
    Network,
    PopulationEncoder,
    QuantizedNetwork,
    RateClassifier,
    S4NNClassifier,
    SpikeTimesEncoder,
    SquaredError,
    Structure,
    TTFSClassifier,
    TTFSRegressor,
)

# The optimisers of an MLPClassifier, which a RateClassifier holds.
_OPTIMIZERS = "AdamOptimizer", "SGDOptimizer"

TRUSTED_TYPES = [f"{cls.__module__}.{cls.__qualname__}" for cls in _TYPES] + [
    f"sklearn.neural_network._stochastic_optimizers.{name}" for name in _OPTIMIZERS
]
