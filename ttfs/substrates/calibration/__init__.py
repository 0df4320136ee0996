"""Parameters of the neurons of a chip, estimated from spike times alone."""

from .estimate import Calibrated, Calibration, CalibrationMixin, calibrate

__all__ = ["Calibrated", "Calibration", "CalibrationMixin", "calibrate"]
