"""What an engine is told: frozen, plain values that no estimator can change later."""

from dataclasses import dataclass, fields

from ..model import LIF
from ..parameters import ExactGradient, FixedPoint, LocalRule


@dataclass(frozen=True)
class Structure:
    """What the weights of a network are made for, from the first fit on.

    The fields are parameters of the estimator, which documents them.
    """

    hidden_layer_sizes: tuple
    tau_mem: tuple  # of each layer
    tau_syn: float
    threshold: float
    delays: str | None
    t_max: float | None  # None: the engine's own
    read_out: float | str | None  # "auto": the engine's own, if the loss needs one
    encoder: object  # a value that is equal for equal encoders
    arithmetic: str | FixedPoint
    gradient: LocalRule | None  # None: the exact gradient
    max_spikes: int = 1
    refractory: float = 0.0

    @property
    def has_trains(self):
        """Whether neurons fire several times, or something else than times decides."""
        return self.max_spikes > 1 or self.read_out in ("count", "peak", "mean")

    @property
    def dtype(self):
        """The dtype of real weights and spike times."""
        return "float64" if self.arithmetic == "float64" else "float32"

    @property
    def neurons(self):
        """The neuron parameters of each layer."""
        return [LIF(tau_mem, self.tau_syn, self.threshold) for tau_mem in self.tau_mem]

    def check_equal(self, fitted):
        """Raise ValueError where this structure is not the one of fitted weights."""
        for field in fields(self):
            now, then = getattr(self, field.name), getattr(fitted, field.name)
            if now != then:
                if field.name == "gradient":  # as the user knows it
                    now, then = now or "exact", then or "exact"
                raise ValueError(
                    f"{field.name} was {then!r} when the weights were drawn and is "
                    f"{now!r} now: call fit with warm_start=False"
                )


@dataclass(frozen=True)
class Learning:
    """What may change from one call of fit to the next, as the estimator has it."""

    loss: object  # CrossEntropy, SquaredError or TargetTimes
    optimizer: ExactGradient | None  # None: the local rule learns
    time_scale: float | None  # None: the engine's own
    input_dropout: float
    weight_decay: float
    learning_rate_init: float | str
    sparsity: float = 0.0
    is_partial: bool = False  # whether partial_fit asks, for one epoch
    follows_fit: bool = False  # whether that goes on after a call of fit


@dataclass(frozen=True)
class Specification:
    """All that :func:`ttfs.engines.choose` looks at."""

    structure: Structure
    substrate: object = None  # what fires in the place of the simulator
    learning: Learning | None = None  # None: the weights only infer
