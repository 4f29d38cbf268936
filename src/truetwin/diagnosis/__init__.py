"""Diagnose twins: how far to trust them, for which items, and what to ask next.

Everything is learned on *donors*, the items that both people and twins have answered: each is hidden in turn, and the
outcome is compared with what could be seen beforehand.
"""

from truetwin.diagnosis.asking_plan import Plan, plan
from truetwin.diagnosis.audit.twin_audit import TwinAudit, audit_twins
from truetwin.diagnosis.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "Plan", "TwinAudit", "audit_twins", "diagnose", "plan"]
