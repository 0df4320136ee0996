"""Models as C source and as JSON, and what they cost.

- :func:`to_c` - one file of C that infers, and learns if it should
- :func:`to_library` - the same as a library for Arduino, PlatformIO and CMake
- :func:`ticks` - what its functions take
- :func:`integer_encoder` - raw integers as ticks, in integers: an `IntegerEncoder`
- :func:`to_json` - the model as data, for circuits and other languages
- :func:`from_json` - the estimator of such data, in real numbers
- :func:`cost_sheet` - operations and bytes
- :func:`estimate` - flash, memory and cycles on microcontrollers
- :func:`tune` - the same beside accuracy, for many ticks, bits, neurons and decays

All of them need a :class:`ttfs.TTFSClassifier` with arithmetic="fixed", or a pipeline
that ends with one, or a search that is fitted, which stands for its best estimator;
:func:`to_json` takes any estimator.
"""

from .c_source import to_c
from .cost import CostSheet, cost_sheet
from .encoder import IntegerEncoder, integer_encoder
from .estimates import Estimate, TargetCost, estimate
from .json import from_json, to_json
from .library import to_library
from .model import ticks
from .tuning import Tuning, TuningRow, tune

__all__ = [
    "CostSheet",
    "Estimate",
    "IntegerEncoder",
    "TargetCost",
    "Tuning",
    "TuningRow",
    "cost_sheet",
    "estimate",
    "from_json",
    "integer_encoder",
    "ticks",
    "to_c",
    "to_json",
    "to_library",
    "tune",
]
