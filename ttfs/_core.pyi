from typing import Any

import numpy as np
from numpy.typing import NDArray

__version__: str
TIME_LIMIT: float

_Real = NDArray[np.float32] | NDArray[np.float64]

def n_threads() -> int: ...
def check_neuron(parameters: Any) -> None: ...

class Events:
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

def loss_cross_entropy(
    times: _Real,
    labels: NDArray[np.uintp],
    weights: NDArray[np.float64],
    time_scale: float,
    early: float,
    early_scale: float,
) -> tuple[NDArray[np.float64], _Real]: ...
def loss_squared_error(
    times: _Real,
    labels: NDArray[np.uintp],
    weights: NDArray[np.float64],
    target_label: float,
    target_other: float,
    shift_invariant: bool,
) -> tuple[NDArray[np.float64], _Real]: ...
def adam(
    param: _Real,
    grad: _Real,
    m: _Real,
    v: _Real,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    step: int,
) -> None: ...
