"""What a network does, counted in spikes and events, and what that costs on a chip.

- :class:`Activity` - spikes, synaptic events and decision times of samples; made by
  :meth:`ttfs.TTFSClassifier.activity`
- :class:`Anytime` - accuracy, spikes and events by the moment at which one stops; made
  by :meth:`ttfs.TTFSClassifier.anytime`
- :class:`CostModel` - joules and seconds of a chip for each of them
- :data:`COST_MODELS` - cost models of published figures, by name

docs/guide/energy.md says what each cost model covers, and what it leaves out.
"""

from .activity import Activity
from .anytime import Anytime
from .cost_model import CostModel
from .presets import COST_MODELS

__all__ = ["COST_MODELS", "Activity", "Anytime", "CostModel"]
