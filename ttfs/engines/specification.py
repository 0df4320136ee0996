"""What an engine is told: frozen, plain values that no estimator can change later."""

from dataclasses import dataclass, fields

from ..model import LIF
from ..parameters import ExactGradient, FixedPoint, LocalRule


@dataclass(frozen=True)
class Structure:
    """What the weights of a network are made for, from the first fit on.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
        Number of neurons of each hidden layer.
    tau_mem : tuple of float
        Membrane time constant of each layer.
    tau_syn, threshold : float
        Parameters of all neurons.
    delays : {"axonal", "synaptic"} or None
        Kind of delays.
    t_max : float or None
        End of the experiment; None: the engine's own.
    read_out : float, str or None
        The time at which all outputs are made to fire; "auto": the engine's own, if
        the loss needs one; None: they are not. "count", "peak" and "mean": their
        spikes or membranes decide instead.
    encoder : object
        A value that is equal for equal encoders.
    arithmetic : {"float32", "float64"} or FixedPoint
        The numbers in which the network computes.
    gradient : LocalRule or None
        The local rule, or None for the exact gradient.
    max_spikes : int
        Spikes of a neuron, at most.
    refractory : float
        Time after a spike in which a neuron cannot fire.
    """

    hidden_layer_sizes: tuple
    tau_mem: tuple
    tau_syn: float
    threshold: float
    delays: str | None
    t_max: float | None
    read_out: float | str | None
    encoder: object
    arithmetic: str | FixedPoint
    gradient: LocalRule | None
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
    """What may change from one call of fit to the next.

    Parameters
    ----------
    loss : CrossEntropy, SquaredError or TargetTimes
        The loss on the spike times of the outputs.
    optimizer : ExactGradient or None
        Parameters of the exact gradient; None where the local rule learns.
    time_scale : float or None
        Time scale of the softmax; None: the engine's own.
    input_dropout, weight_decay : float
        Regularisation.
    learning_rate_init : float or "auto"
        Initial learning rate.
    sparsity : float
        Share of the weights into hidden neurons that are pruned, and strength of the
        cost of hidden spikes before the decision.
    is_partial : bool
        Whether partial_fit asks, for one epoch.
    follows_fit : bool
        Whether that goes on after a call of fit.
    """

    loss: object
    optimizer: ExactGradient | None
    time_scale: float | None
    input_dropout: float
    weight_decay: float
    learning_rate_init: float | str
    sparsity: float = 0.0
    is_partial: bool = False
    follows_fit: bool = False


@dataclass(frozen=True)
class Specification:
    """All that :func:`ttfs.engines.choose` looks at.

    Parameters
    ----------
    structure : Structure
        What the weights are made for.
    substrate : object or None
        What fires in the place of the simulator.
    learning : Learning or None
        How the weights learn; None where they only infer.
    """

    structure: Structure
    substrate: object = None
    learning: Learning | None = None
