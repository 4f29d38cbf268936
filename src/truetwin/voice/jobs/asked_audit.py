"""Audit a benchmark as the settings of a job say, and write the parts of it that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.datasets.twinvoice import available_answers, twinvoice
from truetwin.errors import DataError
from truetwin.settings.voice_settings import VoiceAudit
from truetwin.voice.auditing.benchmark_audit import AuditReport, audit, predictor_row
from truetwin.voice.auditing.matched_subset import matched_subset, repaired_release
from truetwin.voice.auditing.predictors import best_persona_free, guess_all
from truetwin.voice.items.item_sources import Source, load_source
from truetwin.voice.items.voice_items import LETTERS, VoiceItem, chance, write_voice_items
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.scoring.score_table import score_answers
from truetwin.voice.scoring.stored_answers import Answers, read_answers
from truetwin.voice.stats.rates import wilson

#: Dimensions of which stored answers were published.
PUBLISHED = ("social", "narrative")


@dataclass(frozen=True)
class Audited:
    """Items, their audit, and which positions models prefer.

    Attributes
    ----------
    source : Source
        The items, and the layout of their file.
    report : AuditReport
        What the items give away, and what is wrong with them.
    model_positions : list of dict
        For each model: the position that it picks most, with an interval of its share in percent.
    """

    source: Source
    report: AuditReport
    model_positions: list[dict[str, Any]]

    @property
    def histories_known(self) -> bool:
        """Whether the source holds the users' histories; published answers do not."""
        return _has_histories(self.source)

    def details(self) -> dict[str, Any]:
        """Return everything but the rows of the guesses, for JSON."""
        return {
            "n_items": self.report.n_items,
            "n_personas": self.report.n_personas,
            "n_groups": self.report.n_groups,
            "findings": self.report.finding_rows(),
            "positions": self.report.balance.rows(),
            "positions_p": self.report.balance.p,
            "model_positions": self.model_positions,
        }


def audit_asked(settings: VoiceAudit) -> Audited:
    """Find what a benchmark gives away, what is wrong with its items, and which positions models prefer."""
    source = load_source(settings.source, profiles=settings.profiles)
    report = audit(source.items, histories_known=_has_histories(source))
    return Audited(source, report, position_rows(_answers(source, settings.answers), source.items))


def _has_histories(source: Source) -> bool:
    return source.layout != "social answers"


def _answers(source: Source, paths: Sequence[Path]) -> list[Answers]:
    """Read the given answers; for published items, by default the published ones on this machine."""
    if paths:
        return [read_answers(path) for path in paths]
    if source.name not in PUBLISHED:
        return []
    return [
        read_answers(twinvoice.fetch(file.path))
        for file in available_answers()
        if file.dimension == source.name and file.kind == "choice"
    ]


def position_rows(answers: Sequence[Answers], items: Sequence[VoiceItem]) -> list[dict[str, Any]]:
    """Compute which positions models pick, with Wilson's interval of the share of the position picked most."""
    rows = []
    for entry in score_answers(answers, items=items, with_baseline=False).entries if answers else ():
        positions = entry.score.positions
        if entry.score.protocol is not Protocol.CHOICE or positions is None:
            continue
        most = max(range(len(positions.picked)), key=lambda k: positions.picked[k])
        low, high = wilson(positions.picked[most], entry.score.n_answered)
        rows.append(
            {
                "model": entry.score.model,
                "n": entry.score.n_answered,
                "picks_most": LETTERS[most],
                "share": 100 * positions.picked[most],
                "ci_low": 100 * low,
                "ci_high": 100 * high,
                "picked_by_position": [100 * v for v in positions.picked],
                "recall_by_position": [100 * v for v in positions.recall],
            }
        )
    return rows


def write_matched(items: Sequence[VoiceItem], path: Path) -> dict[str, Any]:
    """Write the items whose options are alike in length and style, and say how well rules do on them.

    Raises
    ------
    DataError
        If there are no such items.
    """
    subset = matched_subset(items)
    best = best_persona_free(guess_all(subset))
    if best is None:
        raise DataError(
            "no item has options that are alike in length and style, so there is no matched subset"
        )
    write_voice_items(path, subset)
    row = predictor_row(best, chance(subset))
    summary = (
        f"best without persona there: {row['predictor']} {row['accuracy']:.1f} "
        f"[{row['ci_low']:.1f}, {row['ci_high']:.1f}]"
    )
    return {"file": str(path), "n": len(subset), "best_persona_free": row, "summary": summary}


def write_repaired(items: Sequence[VoiceItem], path: Path, seed: int) -> dict[str, Any]:
    """Write a release without duplicates and leaks, with right answers balanced, and say what was done."""
    release = repaired_release(items, seed=seed)
    write_voice_items(path, release.items)
    summary = ", ".join(f"{what} {len(ids)}" for what, ids in release.done.items())
    done = {what: list(ids) for what, ids in release.done.items()}
    return {"file": str(path), "n": len(release.items), "done": done, "summary": summary}
