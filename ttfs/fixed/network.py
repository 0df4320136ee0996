"""The integers of a layer and of a network, and the limits of their numbers."""

from dataclasses import dataclass, field

import numpy as np

N_SLOPES = 10  # bounds between the powers of two of a slope
MAX_SAMPLES = 2048  # in a batch: TTFS_FIXED_MAX_SAMPLES in C
MAX_NEURONS = 65_504  # in a layer; the same limit holds for its inputs
MAX_TICKS = 16_384
MAX_LEVELS = 2048  # units of the membrane that `levels` least bits of a weight make
MAX_SYN_SHIFT, MAX_MEM_SHIFT = 8, 15
MAX_FEEDBACK = 2047  # magnitude of a feedback weight
FEEDBACKS = ("symmetric", "random", "direct", "target")


@dataclass(eq=False)
class FixedLayer:
    """The integers of a layer, named as in include/ttfs_fixed.h.

    The stored weights are accumulators (n_in, n_out), with biases in the last rows;
    `integers` gives the weights of the model, the upper bits of the accumulators.
    """

    weights: np.ndarray  # int16 (n_in, n_out)
    bias_ticks: np.ndarray  # uint16 (n_bias,)
    fraction: int
    current_shift: int
    threshold: int
    decay_mem: np.ndarray  # int16 (n_ticks + 1,), or (0,) with shifts
    decay_syn: np.ndarray  # the same
    kappa: np.ndarray  # the same
    # Models that were stored before there were shifts have no such fields.
    syn_shift: int = field(default=0, kw_only=True)  # 0: the tables are used
    mem_shift: int = field(default=0, kw_only=True)  # 0: no leak, where shifts are used
    slope_mem: int
    slope_syn: int
    slope_bounds: np.ndarray  # int16 (N_SLOPES,)
    # Only learning uses the following fields.
    n_fixed: int  # so many of the last biases have weights that do not learn
    kernel: np.ndarray  # int8 (n_ticks + 1,)
    kernel_slope: np.ndarray  # int8 (n_ticks + 1,)
    max_stored: int  # magnitude of the greatest stored weight
    rest: int
    decay: int
    rate_shift: int
    error_shift: int
    feedback: np.ndarray | None  # int16
    lfsr: np.ndarray  # uint16 (n_out,)
    silence: np.ndarray  # uint8 (n_out,)

    @property
    def n_in(self):
        """Number of inputs, those that are biases among them, as in C."""
        return len(self.weights)

    @property
    def n_bias(self):
        """Number of biases."""
        return len(self.bias_ticks)

    @property
    def n_out(self):
        """Number of neurons."""
        return self.weights.shape[1]

    def integers(self):
        """The int16 weights of the model: the upper bits of accumulators, rounded."""
        half = (1 << self.fraction) >> 1
        rounded = self.weights.astype(np.int32) + half
        return (rounded >> self.fraction).astype(np.int16)


@dataclass(eq=False)
class FixedNetwork:
    """The integers of a network, named as in include/ttfs_fixed.h."""

    layers: list[FixedLayer]
    n_ticks: int
    silent_delay: int
    read_out: int  # n_ticks if there is none
    stretch: int
    # Only learning uses the following fields.
    softmax: np.ndarray  # uint16 (n_softmax,)
    reciprocal: np.ndarray  # uint16 (128,)
    gain: int
    push: int
    feedback: str  # one of FEEDBACKS; that of "none" has an empty window and push 0
    is_floor: bool
    drop: int  # 256 times the probability with which an input spike is deleted
    may_drop: np.ndarray  # uint8 (n_in of the first layer,)
    lfsr: np.ndarray  # uint16 (1,)
    # Hidden neurons learn from spikes from the first tick on, before the second. Models
    # that were stored before there was such a window have no such fields.
    learn_from: int = 0
    learn_until: int = MAX_TICKS

    @property
    def n_channels(self):
        """Number of inputs, without biases."""
        return self.layers[0].n_in - self.layers[0].n_bias

    @property
    def has_shifts(self):
        """Whether currents and membranes decay by shifts."""
        (has_shifts,) = {layer.syn_shift > 0 for layer in self.layers}
        return has_shifts
