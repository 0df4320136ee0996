"""Pictures of networks and of what they do, in the style of scikit-learn's displays.

Each display is made by `from_estimator` of a fitted estimator, or of data, and drawn by
`plot`; both take the axes to draw into. They need matplotlib, which is loaded when a
picture is drawn: ``pip install "scikit-ttfs[plot]"``.
"""

from .anytime import AnytimeDisplay
from .decision_times import DecisionTimeDisplay
from .loss_curve import LossCurveDisplay
from .membranes import MembraneDisplay
from .raster import SpikeRasterDisplay
from .weight_images import WeightImagesDisplay

__all__ = [
    "AnytimeDisplay",
    "DecisionTimeDisplay",
    "LossCurveDisplay",
    "MembraneDisplay",
    "SpikeRasterDisplay",
    "WeightImagesDisplay",
]
