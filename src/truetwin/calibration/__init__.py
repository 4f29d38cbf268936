"""Predict individual answers: correct the twins with human answers to other items, or from other people.

A *target* is what is predicted: an item that no human has answered, or a person who has answered nothing. *Donors*
are the items (or people) that it is predicted from, because both people and twins have answered them. A *battery*,
also called a block, is a set of items that are asked together. A *pseudo-target* is an answered item that is
predicted as if nobody had answered it, so that a method can learn what to do for a target.
"""

from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.calibration import calibrate
from truetwin.calibration.calibration_result import Calibration
from truetwin.calibration.calibrators import methods
from truetwin.calibration.design import Preprocessing

__all__ = ["Calibration", "Calibrator", "Prediction", "Preprocessing", "calibrate", "methods"]
