"""Say what one source of twins is fit for: its checks by purpose, and the evaluations that its leaks spoil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from truetwin.diagnosis.audit.audit_check import Check, Purpose
from truetwin.errors import UnknownNameError
from truetwin.registry import closest

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
#: Protocols of `evaluate`; each of them scores answers that a leak may have given away.
PROTOCOLS = ("leave-one-item-out", "leave-block-out", "leave-domain-out", "leave-one-respondent-out")
#: What each purpose is, in words that follow "for".
IN_WORDS = {
    "scores of methods": "evaluating methods",
    "single answers": "single answers",
    "shares and means": "shares and means",
    "relations": "relations between items",
    "groups": "comparing groups",
}


@dataclass(frozen=True, eq=False)
class SourceAudit:
    """Audit of one source of twins.

    Attributes
    ----------
    source : str
    checks : tuple of Check
    n_people, n_items : int
        What was compared.
    left_out : tuple of str
        Items that were not compared: too few common answers, or all people answer alike.
    """

    source: str
    checks: tuple[Check, ...]
    n_people: int
    n_items: int
    left_out: tuple[str, ...] = ()

    @property
    def faults(self) -> list[Check]:
        """Checks that are flagged."""
        return [c for c in self.checks if c.flagged]

    def check(self, name: str) -> Check:
        """Return a check by its name."""
        for found in self.checks:
            if found.name == name:
                return found
        names = [c.name for c in self.checks]
        raise UnknownNameError(f"no check named {name!r}.{closest(name, names)}")

    def purposes(self) -> list[dict[str, Any]]:
        """Say for each purpose whether a check found a fault that spoils it."""
        rows = []
        for purpose in PURPOSES:
            about = [c for c in self.checks if purpose in c.purposes]
            faults = [c.name for c in about if c.flagged]
            measured = [c for c in about if not c.unmeasured]
            verdict = "faults" if faults else ("no fault found" if measured else "not measured")
            rows.append(
                {
                    "purpose": purpose,
                    "verdict": verdict,
                    "faults": faults,
                    "n_checks": len(measured),
                    "unmeasured": [c.name for c in about if c.unmeasured],
                }
            )
        return rows

    @property
    def invalid_protocols(self) -> list[dict[str, Any]]:
        """Protocols of `evaluate` whose scores say nothing for these twins, with the items concerned and the reason."""
        found = []
        for name, why in (
            ("declared_leaks", "personas showed these answers"),
            (
                "near_copies",
                "twins repeat these answers more exactly than is possible without having seen them",
            ),
        ):
            check = self.check(name)
            if check.flagged:
                items = [row["item"] for row in check.rows]
                found += [{"protocol": protocol, "items": items, "why": why} for protocol in PROTOCOLS]
        if self.check("new_people").flagged:
            why = "twins tell more of an answer than all other answers of the person"
            found.append({"protocol": "leave-one-respondent-out", "items": [], "why": why})
        return found

    @property
    def answer(self) -> str:
        """Whether these twins can be trusted, and where not, in one sentence."""
        rows = self.purposes()
        bad = [IN_WORDS[r["purpose"]] for r in rows if r["verdict"] == "faults"]
        good = [IN_WORDS[r["purpose"]] for r in rows if r["verdict"] == "no fault found"]
        open_still = [IN_WORDS[r["purpose"]] for r in rows if r["verdict"] == "not measured"]
        parts = [f"no fault found for: {', '.join(good)}"] if good else []
        parts += [f"not measured: {', '.join(open_still)}"] if open_still else []
        fine = "; ".join(parts)
        if not bad:
            return f"{self.source}: {fine} ({sum(not c.unmeasured for c in self.checks)} checks)."
        rest = f"; {fine}" if fine else ""
        return f"{self.source}: do not trust these twins as they are for: {', '.join(bad)}{rest}."

    def record(self) -> dict[str, Any]:
        """Return the audit of the source as JSON values."""
        return {
            "answer": self.answer,
            "n_people": self.n_people,
            "n_items": self.n_items,
            "items_left_out": list(self.left_out),
            "purposes": self.purposes(),
            "invalid_protocols": self.invalid_protocols,
            "checks": {c.name: c.record() for c in self.checks},
        }
