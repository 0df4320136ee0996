from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ttfs.core import Spikes
from ttfs.fixed.network import FixedNetwork

__version__: str
MAX_NEURONS: int

_Index = NDArray[np.uintp]
_U8 = NDArray[np.uint8]
_U16 = NDArray[np.uint16]
_I16 = NDArray[np.int16]
_Simd = Literal["baseline", "avx2", "avx512"]

def n_threads() -> int: ...
def has_openmp() -> bool: ...
def simd() -> _Simd: ...
def simd_available() -> list[_Simd]: ...
def use_simd(name: _Simd | None) -> None: ...

class TickSpikes:
    n_samples: int
    n_spikes: int
    n_in: int
    max_spikes: int
    repeats: int
    n_ticks: int
    pairs: _U16
    begin: _Index
    end: _Index
    def __init__(
        self, ticks: _U16, inputs: _U16, begin: _Index, end: _Index, n_in: int
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def ticks(self) -> _U16: ...
    @property
    def inputs(self) -> _U16: ...
    @staticmethod
    def from_spikes(spikes: Spikes, tick: float, n_ticks: int) -> TickSpikes: ...

class FixedCore:
    shapes: list[tuple[int, int]]
    n_outputs: int
    def __init__(self, network: FixedNetwork | Any) -> None: ...
    @property
    def simd(self) -> _Simd: ...
    def set_weights(self, weights: Sequence[_I16]) -> None: ...
    def rows(self) -> list[_I16]: ...
    def prepare(self) -> None: ...
    def network(self) -> FixedNetwork: ...
    def labels(self, events: TickSpikes) -> _Index: ...
    def run(self, events: TickSpikes) -> tuple[list[_U16], list[_I16]]: ...
    def fire(self, events: TickSpikes) -> tuple[list[_U16], _I16]: ...
    def errors(
        self, events: TickSpikes, labels: _Index
    ) -> tuple[TickSpikes, list[_U16], list[_I16]]: ...
    def train(
        self,
        events: TickSpikes,
        labels: _Index,
        order: _Index,
        batch_size: int,
        gains: _U16,
        rate_shifts: _U8,
        decays: _I16,
    ) -> tuple[int, float]: ...
