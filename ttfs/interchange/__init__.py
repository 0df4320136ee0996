"""Networks in NIR, the Neuromorphic Intermediate Representation of other simulators.

- :func:`to_nir` - a fitted estimator as a graph of NIR
- :func:`from_nir` - an estimator from a graph, ours or one of another simulator
- :func:`input_times` - the spikes that enter such a graph

The package nir comes with the extra of that name: ``pip install "scikit-ttfs[nir]"``.
docs/guide/interchange.md says what a graph means.
"""

from .reading import from_nir
from .writing import input_times, to_nir

__all__ = ["from_nir", "input_times", "to_nir"]
