"""Datasheet of a built set: sources, licence, counts, audit, hashes, versions, settings."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truetwin import __version__
from truetwin.io.atomic import replacing
from truetwin.voice.auditing.benchmark_audit import AuditReport


@dataclass(frozen=True)
class About:
    """Description of a set by the pipeline that builds it.

    Parameters
    ----------
    title : str
        Title of the sheet.
    sources : sequence of mapping
        ``name`` and ``sha256`` of each input, and anything else known of it.
    settings : mapping
        All settings.
    notes : sequence of str
        Sentences on what else must be known.
    """

    title: str
    sources: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Datasheet:
    """Datasheet of a built set: all that is needed to judge it, and to build it again.

    Parameters
    ----------
    about : About
        Title, sources, settings and notes.
    licence : str
        Licence of the material; "not stated" if nobody said.
    stages : sequence of mapping
        Counts at every filter (:meth:`truetwin.voice_sets.common.stages.Stage.row`).
    after, before : AuditReport
        Audit of the set; and of the file it was repaired from.
    n_candidates : int
        Items that passed the filters, before any was left out for balance.
    outputs : mapping
        sha256 of each written file.
    """

    about: About
    licence: str
    stages: Sequence[Mapping[str, Any]]
    after: AuditReport
    n_candidates: int
    before: AuditReport | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Give it as JSON can hold it; the same build gives the same bytes, so no date is in it."""
        return {
            "title": self.about.title,
            "sources": [dict(s) for s in self.about.sources],
            "licence": self.licence,
            "n_items": self.after.n_items,
            "n_personas": self.after.n_personas,
            "n_candidates": self.n_candidates,
            "share_kept": self.after.n_items / self.n_candidates if self.n_candidates else None,
            "stages": [dict(s) for s in self.stages],
            "audit": {
                "after": self.after.rows(),
                "before": self.before.rows() if self.before else None,
                "findings_after": _counts(self.after),
                "findings_before": _counts(self.before) if self.before else None,
                "positions": list(self.after.balance.counts),
            },
            "settings": dict(self.about.settings),
            "outputs": dict(self.outputs),
            "versions": {"truetwin": __version__, "python": platform.python_version(), **_libraries()},
            "notes": list(self.about.notes),
        }

    def markdown(self) -> str:
        """Give it as Markdown, for people."""
        lines = [f"# {_cell(self.about.title)}", ""]
        share = f" ({self.after.n_items / self.n_candidates:.0%})" if self.n_candidates else ""
        lines += [
            f"{self.after.n_items} items of {self.after.n_personas} personas, from {self.n_candidates} candidates"
            f"{share}. Licence of the material: {_cell(self.licence)}. Built with truetwin {__version__}.",
            "",
            *(f"- {_cell(note)}" for note in self.about.notes),
            "",
            "## Sources",
            "",
            *_table(
                ["name", "sha256"],
                [[s.get("name", ""), s.get("sha256", "")] for s in self.about.sources],
            ),
            "## Counts at every stage",
            "",
            *_table(["stage", "in", "out", "left out", "noted"], [_stage_cells(s) for s in self.stages]),
            "## Baselines that know nothing of the persona (accuracy in %, chance 25)",
            "",
            *self._audit_table(),
            "## Faults",
            "",
            *self._fault_table(),
            f"Right answers stand at places A to D {', '.join(map(str, self.after.balance.counts))} times.",
            "",
            "## Settings",
            "",
            "```json",
            json.dumps(dict(self.about.settings), indent=2, sort_keys=True, ensure_ascii=False, default=str),
            "```",
            "",
            "## Files",
            "",
            *_table(["file", "sha256"], [[name, digest] for name, digest in self.outputs.items()]),
        ]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Write ``datasheet.json`` and ``datasheet.md``."""
        with replacing(folder / "datasheet.json", folder / "datasheet.md") as (data, text):
            data.write_text(
                json.dumps(self.record(), indent=2, sort_keys=True, ensure_ascii=False, default=_plain)
                + "\n",
                encoding="utf-8",
            )
            text.write_text(self.markdown(), encoding="utf-8")

    def _audit_table(self) -> list[str]:
        before = {r["predictor"]: r for r in self.before.rows()} if self.before else {}
        heads = ["baseline", *(["before"] if before else []), "after", "95% interval", "n"]
        rows = []
        for row in self.after.rows():
            if not row["persona_free"]:
                continue
            old = before.get(row["predictor"], {}).get("accuracy")
            interval = f"{_number(row['ci_low'])} to {_number(row['ci_high'])}"
            cells = [row["predictor"], *([_number(old)] if before else [])]
            rows.append([*cells, _number(row["accuracy"]), interval, row["n"]])
        return _table(heads, rows)

    def _fault_table(self) -> list[str]:
        before = _counts(self.before) if self.before else {}
        heads = ["fault", *(["before"] if before else []), "after"]
        return _table(
            heads,
            [
                [name, *([before.get(name, 0)] if before else []), n]
                for name, n in _counts(self.after).items()
            ],
        )


def _counts(report: AuditReport) -> dict[str, int]:
    return {found.name: found.n for found in report.findings}


def _stage_cells(stage: Mapping[str, Any]) -> list[Any]:
    def told(counts: Mapping[str, int]) -> str:
        return "; ".join(f"{reason}: {n}" for reason, n in counts.items())

    return [stage["stage"], stage["n_in"], stage["n_out"], told(stage["dropped"]), told(stage["noted"])]


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _cell(value: Any) -> str:
    """Escape a text so that it cannot break out of a Markdown table or become markup."""
    text = " ".join(str(value).split())
    for mark in ("\\", "|", "<", "`", "[", "*"):
        text = text.replace(mark, "&lt;" if mark == "<" else f"\\{mark}")
    return text


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.1f}"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _libraries() -> dict[str, str]:
    import numpy
    import scipy
    import sklearn

    return {"numpy": numpy.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
