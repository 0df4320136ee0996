"""Models in integers as C source and as JSON, and what they cost.

- :func:`to_c` - one file of C that infers, and learns if it should
- :func:`ticks` - what its functions take
- :func:`to_json` - the model as data, for circuits and other languages
- :func:`cost_sheet` - operations and bytes

All of them need a :class:`ttfs.TTFSClassifier` with arithmetic="fixed".
"""

from .c_source import to_c
from .cost import CostSheet, cost_sheet
from .inputs import ticks
from .json import to_json

__all__ = ["CostSheet", "cost_sheet", "ticks", "to_c", "to_json"]
