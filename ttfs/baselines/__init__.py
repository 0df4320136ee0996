"""Other codes and rules, to compare first-spike times with.

- :class:`RateClassifier` - a ReLU network, converted to integrate-and-fire neurons with
  a rate code
- :class:`S4NNClassifier` - first spikes in stepped time, with a rule of their own

They are estimators of scikit-learn and count spikes and events, as
:class:`ttfs.TTFSClassifier` does.
"""

from .rate import RateClassifier
from .s4nn import S4NNClassifier

__all__ = ["RateClassifier", "S4NNClassifier"]
