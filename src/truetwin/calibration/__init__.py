"""Predict individual answers: correct the twins with human answers to other items, or from other people."""

from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.calibration import Calibration, calibrate
from truetwin.calibration.calibrators import methods
from truetwin.calibration.design import Preprocessing

__all__ = ["Calibration", "Calibrator", "Prediction", "Preprocessing", "calibrate", "methods"]
