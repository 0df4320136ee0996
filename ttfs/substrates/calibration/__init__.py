"""Parameters of the neurons of a chip, estimated from spike times alone."""

from .estimates import Calibrated, Calibration, CalibrationMixin, calibrate

__all__ = ["Calibrated", "Calibration", "CalibrationMixin", "calibrate"]
