from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

__version__: str
TIME_LIMIT: float

_Real = NDArray[np.float32] | NDArray[np.float64]
_Times = NDArray[np.float64]
_Index = NDArray[np.uintp]
_Simd = Literal["baseline", "avx2", "avx512"]

class _State(TypedDict):
    moments: list[tuple[_Real, _Real]]
    steps: list[tuple[_Index, _Index]]
    delay_moments: list[tuple[_Real, _Real] | None]

_Layers = Sequence[_Real]

class _Local(TypedDict):
    kernel: Literal["table", "linear"]
    feedback: Literal["symmetric", "random", "direct", "target"]
    feedback_weights: NotRequired[Sequence[_Real | None] | None]
    window: NotRequired[tuple[float, float]]

def precision(array: Any) -> ModuleType: ...
def n_threads() -> int: ...
def has_openmp() -> bool: ...
def simd() -> _Simd: ...
def simd_available() -> list[_Simd]: ...
def use_simd(name: _Simd | None) -> None: ...
def check_neuron(parameters: Any) -> None: ...
def powers_of(neuron: Any) -> tuple[int, int]: ...
def in_units(neuron: Any, time: int, threshold: int) -> Any: ...
def shift(array: _Real, power: int, name: str, limit: float = ...) -> _Real: ...

class Spikes:
    times: _Real
    inputs: NDArray[np.uint32]
    begin: _Index
    end: _Index
    n_samples: int
    n_spikes: int
    n_in: int
    max_spikes: int
    def __init__(
        self,
        times: _Real,
        inputs: NDArray[np.uint32],
        begin: _Index,
        end: _Index,
        n_in: int,
    ) -> None: ...
    def __len__(self) -> int: ...
    def first(self) -> float: ...
    def last(self) -> float: ...
    def samples(self, numbers: _Index | slice) -> Spikes: ...
    def narrowed(self, n_kept: int) -> tuple[NDArray[np.intp], Spikes]: ...
    def dense(self, n_in: int | None = ...) -> _Real: ...

def check_n_channels(n_in: int) -> None: ...
def encode(encoder: Any, X: Any, bias_times: _Real, t_max: float) -> Spikes: ...
def spikes_at(times: _Real, bias_times: Any, t_max: float = ...) -> Spikes: ...

class LayerTrains:
    def __init__(
        self, spikes: Spikes, neuron: Any, refractory: float = ..., t_max: float = ...
    ) -> None: ...
    def spike_trains(
        self, weights: _Real, max_spikes: int
    ) -> tuple[_Real, _Real, _Real]: ...
    def slopes(self, weights: _Real, times: _Real) -> tuple[_Real, _Real]: ...
    def adjoint(
        self,
        weights: _Real,
        times: _Real,
        slopes: _Real,
        rises: _Real,
        grad: _Real,
        min_slope: float,
        with_times: bool = ...,
    ) -> tuple[_Real, _Real | None]: ...
    def grad_weights(self, times: _Real, adjoint: _Real, grad: _Real) -> None: ...

class LayerBatch:
    t_max: float
    n_samples: int
    n_in: int
    def __init__(self, times: _Real, neuron: Any, t_max: float = ...) -> None: ...
    def first_spike(self, weights: _Real) -> _Real: ...
    def peak(self, weights: _Real, spikes: _Real) -> tuple[_Real, _Real]: ...
    def slope(self, weights: _Real, at: _Real) -> _Real: ...
    def grad_weights(self, at: _Real, c: _Real, grad: _Real) -> None: ...
    def grad_times(
        self, weights: _Real, at: _Real, c: _Real, kink: _Real | None = ...
    ) -> _Real: ...

class NeuronMismatch:
    def __init__(
        self,
        *,
        tau_mem: Any = ...,
        tau_syn: Any = ...,
        is_dead: Any = ...,
        threshold_jitter: float = ...,
        spike_jitter: float = ...,
        spurious_rate: float = ...,
        resolution: float = ...,
    ) -> None: ...
    def check(self, n_out: int, threshold: float) -> None: ...

class LayerSpikes:
    def times(self) -> list[_Real]: ...
    def silent_layers(self) -> list[int]: ...

_Fired = (
    _Layers
    | LayerSpikes
    | tuple[_Layers | LayerSpikes, _Real | None]
    | tuple[_Layers | LayerSpikes, _Real | None, _Layers | None]
)
_Forward = Callable[[Spikes, "Trainer"], _Fired]

class Simulator:
    for_few: bool
    sizes: list[tuple[int, int]]
    shapes: list[tuple[int, int]]
    delay_shapes: list[tuple[int, ...] | None]
    neurons: list[Any]
    n_biases: list[int]
    n_outputs: int
    t_max: float
    def __init__(
        self,
        layers: Sequence[Any],
        t_max: float,
        pseudo_slope: float,
        read_out: float = ...,
        stretch: float = ...,
        *,
        for_few: bool = ...,
    ) -> None: ...
    def weights(self) -> list[_Real]: ...
    def delays(self) -> list[_Real | None]: ...
    def bias_times(self) -> list[_Real]: ...
    def spike_times(self, spikes: Spikes) -> list[_Real]: ...
    def fire(self, spikes: Spikes) -> LayerSpikes: ...
    def emulate(
        self,
        spikes: Spikes,
        mismatch: Sequence[NeuronMismatch],
        seed: int,
        *,
        weights: _Layers | None = ...,
        t_max: float = ...,
    ) -> LayerSpikes: ...
    def clocked(
        self, spikes: Spikes, step: float, *, t_max: float = ...
    ) -> LayerSpikes: ...
    def fire_at_ticks(
        self,
        ticks: list[NDArray[np.uint16]],
        u_peak: NDArray[Any],
        *,
        n_ticks: int,
        tick: float,
    ) -> LayerSpikes: ...
    def decisions(self, spikes: Spikes) -> _Times: ...
    def labels(self, spikes: Spikes) -> _Index: ...

def loss(
    times: _Real,
    targets: _Index | NDArray[np.float64],
    factors: NDArray[np.float64],
    *,
    kind: Literal["cross_entropy", "squared_error", "shift_invariant", "target_times"],
    time_scale: float = ...,
    early: float = ...,
    early_scale: float = ...,
    early_end: float = ...,
    target_label: float = ...,
    target_other: float = ...,
) -> tuple[NDArray[np.float64], _Real]: ...

class Trainer(Simulator):
    def __init__(
        self,
        layers: Sequence[Any],
        t_max: float,
        pseudo_slope: float,
        read_out: float = ...,
        stretch: float = ...,
        *,
        units: Sequence[float],
        loss: dict[str, Any],
        min_slope: float,
        silence_penalty: float,
        silence_tolerance: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float | Sequence[float],
        delay_units: Sequence[float] | None = ...,
        rests: Sequence[float] | None = ...,
        limits: Sequence[float] | None = ...,
        local: _Local | None = ...,
        spike_cost: float = ...,
        spike_scale: float = ...,
        keeps_zeros: bool = ...,
        dropout: float = ...,
        may_drop: NDArray[np.bool_] | None = ...,
        seed: int = ...,
        state: _State | None = ...,
    ) -> None: ...
    def weights(self) -> list[_Real]: ...
    def state(self) -> _State: ...
    def take_state(self) -> _State: ...
    def epoch(
        self,
        spikes: Spikes,
        targets: _Index | NDArray[np.float64],
        factors: NDArray[np.float64],
        order: _Index,
        batch_size: int,
        rates: NDArray[np.float64],
        forward: _Forward | None = ...,
        end_batch: Callable[[float, int], object] | None = ...,
    ) -> float: ...
    def prune(self, k: int, least: float) -> None: ...
    def round(
        self,
        steps: Sequence[float],
        max_weights: Sequence[int],
        out: list[NDArray[np.int16]],
    ) -> None: ...
