"""Diagnose twins: how far to trust them, for which items, and what to ask next."""

from truetwin.diagnosis.asking_plan import Plan, plan
from truetwin.diagnosis.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "Plan", "diagnose", "plan"]
