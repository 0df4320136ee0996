"""Spiking networks that compute with first-spike times.

Public names:

- :class:`TTFSClassifier` - a scikit-learn classifier of leaky integrate-and-fire
  neurons that fire at most once, trained by exact gradients of their spike times
- :class:`TTFSRegressor` - a regressor with the same network
- :class:`EpochRecord` - what a callback of `fit` is told of an epoch
- :mod:`ttfs.parameters` - objects for the parameters that are choices between things
- :mod:`ttfs.encoders` - transformers of features into spike times
- :mod:`ttfs.substrates` - chips and emulators that fire in the simulator's place
- :class:`LIF` - the parameters of a neuron
- :class:`SpikeTrains` - data in which a channel may have several spikes
- :func:`first_spike`, :func:`first_spike_vjp` - spike times of a layer, and their
  vector-Jacobian product
- :func:`membrane_traces` - membranes of a layer at any times
- :mod:`ttfs.baselines` - other codes and rules, to compare with
- :func:`spike_trains`, :func:`spike_trains_vjp` - the same for neurons that fire more
  than once
- :mod:`ttfs.out_of_core` - training on more data than fit into memory
- :mod:`ttfs.export` - models as C source and JSON, and what they cost
- :mod:`ttfs.interchange` - networks in NIR, for other simulators and from them
- :mod:`ttfs.plotting` - spikes, membranes, decision times and weights as pictures
- :mod:`ttfs.energy` - spikes and events of a network, and what they cost on a chip
- :mod:`ttfs.datasets` - the Yin-Yang data set, and temporal patterns
- :data:`TRUSTED_TYPES` - names of the types of stored models, for
  ``skops.io.load(file, trusted=ttfs.TRUSTED_TYPES)``
- :class:`ModelVersionWarning` - a model was stored by another version
- :func:`get_include` - the folder of the C headers
- :func:`show_versions` - prints what a report of a bug should contain
"""

import logging as _logging
from pkgutil import extend_path as _extend_path

__version__ = "0.1.0"

# In a clone this folder hides the installed package, which alone holds the compiled
# core: look for it there too.
__path__ = _extend_path(__path__, __name__)

try:
    from ttfs import _baselines, _fixed, _float32, _float64
except ImportError as error:
    raise ImportError(
        f"ttfs cannot load its compiled core ({error}). In a clone, run "
        "`pip install .` first"
    ) from error

for _module in (_baselines, _fixed, _float32, _float64):
    _built = getattr(_module, "__version__", "unknown")  # older ones did not say it
    if _built != __version__:
        raise ImportError(
            f"ttfs {__version__} found the compiled core of version {_built}: run "
            f"`pip install .` again (Python files: {__file__}, core: "
            f"{_module.__file__})"
        )


# Silent, unless the program that imports the package asks for its messages.
_logging.getLogger("ttfs").addHandler(_logging.NullHandler())

from . import (
    baselines,
    datasets,
    encoders,
    energy,
    export,
    interchange,
    out_of_core,
    parameters,
    plotting,
    substrates,
)
from ._headers import get_include
from ._show_versions import show_versions
from ._stored import ModelVersionWarning
from ._trusted import TRUSTED_TYPES
from .encoders import SpikeTrains
from .estimators import TTFSClassifier, TTFSRegressor
from .estimators.watching import EpochRecord
from .model import (
    LIF,
    first_spike,
    first_spike_vjp,
    membrane_traces,
    spike_trains,
    spike_trains_vjp,
)

__all__ = [
    "LIF",
    "TRUSTED_TYPES",
    "EpochRecord",
    "ModelVersionWarning",
    "SpikeTrains",
    "TTFSClassifier",
    "TTFSRegressor",
    "__version__",
    "baselines",
    "datasets",
    "encoders",
    "energy",
    "export",
    "first_spike",
    "first_spike_vjp",
    "get_include",
    "interchange",
    "membrane_traces",
    "out_of_core",
    "parameters",
    "plotting",
    "show_versions",
    "spike_trains",
    "spike_trains_vjp",
    "substrates",
]
