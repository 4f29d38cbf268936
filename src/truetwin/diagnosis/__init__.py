"""How far to trust twins, for which items, and what to ask next."""

from truetwin.diagnosis.job import Diagnosis, diagnose
from truetwin.diagnosis.plan import Plan, plan

__all__ = ["Diagnosis", "Plan", "diagnose", "plan"]
