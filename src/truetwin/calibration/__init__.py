"""Individual level: correct the twins' answers with human answers to other items or from other people."""

from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.design import Preprocessing
from truetwin.calibration.job import Calibration, calibrate
from truetwin.calibration.methods import methods

__all__ = ["Calibration", "Calibrator", "Prediction", "Preprocessing", "calibrate", "methods"]
