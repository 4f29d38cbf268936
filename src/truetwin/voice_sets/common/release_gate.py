"""Judge a finished set before it is written: no faults, balanced, and of no use to a persona-free rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from truetwin.errors import DataError
from truetwin.settings.voice_build_settings import Limits
from truetwin.voice.auditing.benchmark_audit import AuditReport, audit
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice_sets.common.distractors import FEWEST_JUDGED

#: Findings of the audit that no built item may have.
FORBIDDEN = (
    "leak in context",
    "distractor in context",
    "leak in history",
    "placeholder",
    "no reply",
    "bad distractor",
    "equal options",
    "duplicate",
)
SHOWN = 5


@dataclass(frozen=True)
class Problem:
    """Reason why a set does not pass; ``item_ids`` are the items concerned, none where it is the whole set."""

    what: str
    item_ids: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Give it as a record."""
        return {"problem": self.what, "n": len(self.item_ids), "item_ids": list(self.item_ids)}


class GateError(DataError):
    """Error of a built set that does not pass its gate; ``problems`` says why, with items."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("the built set must pass its quality gate; " + "; ".join(map(_told, problems)))


@dataclass(frozen=True)
class Verdict:
    """Verdict of the gate: passed if there is no problem."""

    report: AuditReport
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def judge(
    items: Sequence[VoiceItem], limits: Limits, *, min_history: int = 0, least_items: int = 1
) -> Verdict:
    """Audit a built set and name every problem.

    Raises
    ------
    GateError
        If there are fewer items than ``least_items``; anything else is in the verdict.
    """
    if len(items) < max(least_items, 1):
        raise GateError([Problem(f"it has {len(items)} items, at least {max(least_items, 1)} are needed")])
    report = audit(items)
    problems, notes = [], []
    for found in report.findings:
        if found.name in FORBIDDEN and found.n:
            problems.append(Problem(f"{found.name}: {found.description}", found.item_ids))
    poor = tuple(item.item_id for item in items if len(item.history) < min_history)
    if poor:
        problems.append(Problem(f"fewer than {min_history} earlier replies", poor))
    if max(report.balance.counts) - min(report.balance.counts) > 1:
        problems.append(Problem(f"right answers stand at places A to D {report.balance.counts} times"))
    if len(items) < FEWEST_JUDGED:
        notes.append(
            f"{len(items)} items are too few to judge baselines (at least {FEWEST_JUDGED} are needed); they are only "
            "reported"
        )
    else:
        problems += _beyond(report, limits)
    return Verdict(report, tuple(problems), tuple(notes))


def _beyond(report: AuditReport, limits: Limits) -> list[Problem]:
    found = []
    for guesses in report.guesses:
        name = guesses.predictor.name
        if not guesses.predictor.is_persona_free or guesses.credit is None:
            continue
        off = 100 * (guesses.rate.value - report.chance)
        # A style model below chance has learned nothing; a fixed rule below chance works when turned round.
        if off > limits.of(name) or (off < -limits.of(name) and name != "style-model"):
            found.append(
                Problem(
                    f"{name} finds the true reply in {100 * guesses.rate.value:.1f}% of the items, more than "
                    f"{limits.of(name):g} points from chance"
                )
            )
    return found


def _told(problem: Problem) -> str:
    if not problem.item_ids:
        return problem.what
    shown = ", ".join(problem.item_ids[:SHOWN])
    more = f" and {len(problem.item_ids) - SHOWN} more" if len(problem.item_ids) > SHOWN else ""
    return f"{problem.what} ({len(problem.item_ids)} items: {shown}{more})"
