"""Write a leaderboard of voices as Markdown, CSV or one HTML page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from truetwin.data.table_cells import cell
from truetwin.errors import FileFormatError
from truetwin.io import check_writable, replacing
from truetwin.report.page import VOICE_WORDS, Field, Page, Section, Table, render
from truetwin.report.sections.voice_section import (
    PAIRED,
    PAIRED_CAPTION,
    PAIRED_TITLE,
    paired_table,
    voice_in_words,
)
from truetwin.voice.scoring.leaderboard import Standing, ranked

ENDINGS = (".md", ".csv", ".html")
TITLE = "Voices: who speaks as one given person"
LEAD = (
    "Accuracy over all items counts whatever failed or could not be read as not right; accuracy over answered items "
    "leaves it out. Intervals are 95%, whole personas drawn at a time."
)
WARNING = (
    "Compare a model with the best persona-free rule before crediting it with knowing the person. The two rankings are "
    "different estimands and are never averaged."
)
_COLUMNS = {
    "model": "model",
    "judge": "judge",
    "accuracy_all": "all items %",
    "accuracy_answered": "answered %",
    "mean_score": "mean mark",
    "judged_shown": "of judged replies",
    "n_imputed": "imputed",
    "opinion": "opinion %",
    "logic": "logic %",
    "style": "style %",
    "interval": "95% interval",
    "chance": "guessing %",
    "n": "n",
    "n_answered": "answered",
    "n_failed": "failed",
    "baseline_shown": "best persona-free rule %",
    "file": "file",
}


def check_leaderboard_ending(path: Path) -> None:
    """Raise an error unless a leaderboard can be written under this name."""
    if path.suffix.lower() not in ENDINGS:
        raise FileFormatError(
            f"a leaderboard's name must end in one of {', '.join(ENDINGS)}; got {path.name!r}"
        )
    check_writable(path)


def write_leaderboard(
    path: str | Path, standings: Sequence[Standing], comparisons: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write the leaderboard in the format of the name's ending, whole or not at all.

    Paired comparisons stand below it; CSV holds the standings alone.
    """
    path = Path(path)
    check_leaderboard_ending(path)
    if path.suffix.lower() == ".csv":
        text = leaderboard_csv(standings)
    elif path.suffix.lower() == ".md":
        text = leaderboard_markdown(standings, comparisons)
    else:
        text = leaderboard_html(standings, comparisons)
    with replacing(path) as (draft,):
        draft.write_text(text, encoding="utf-8", newline="")


def leaderboard_markdown(standings: Sequence[Standing], comparisons: Sequence[Mapping[str, Any]] = ()) -> str:
    """Format the leaderboard as Markdown: one table for every dimension and protocol, the best model first."""
    parts = [f"# {TITLE}\n\n{LEAD} {WARNING}\n"]
    for title, columns, rows in _tables(standings):
        lines = ["| " + " | ".join(_COLUMNS[c] for c in columns) + " |"]
        lines.append(
            "|" + "|".join(" --- " if c in ("model", "judge", "file") else " ---: " for c in columns) + "|"
        )
        lines += ["| " + " | ".join(_markdown(row[c]) for c in columns) + " |" for row in rows]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    if comparisons:
        names = [f.heading for f in PAIRED]
        lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
        lines += [
            "| " + " | ".join(_markdown(cell(row.get(f.name), f.format)) for f in PAIRED) + " |"
            for row in comparisons
        ]
        parts.append(f"## {PAIRED_TITLE}\n\n{PAIRED_CAPTION}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def leaderboard_csv(standings: Sequence[Standing]) -> str:
    """Format the leaderboard as CSV: one row a standing with all its fields, unrounded; undefined is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(Standing.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for standing in ranked(standings):
        writer.writerow({k: _inert(v) for k, v in standing.to_row().items()})
    return out.getvalue()


def leaderboard_html(standings: Sequence[Standing], comparisons: Sequence[Mapping[str, Any]] = ()) -> str:
    """Format the leaderboard as one self-contained page, in the style of the other reports."""
    numbers = {"accuracy_all", "accuracy_answered", "mean_score", "n", "n_answered", "n_failed"}
    tables = [
        Table(title, [Field(c, _COLUMNS[c], "s" if c in numbers else "") for c in columns], rows)
        for title, columns, rows in _tables(standings)
    ]
    models = {s.model for s in standings}
    tables += [paired_table(comparisons)] if comparisons else []
    page = Page(
        TITLE,
        "Which model speaks most like the person that it plays?",
        voice_in_words(standings),
        facts=(("models", str(len(models))), ("results", str(len(standings)))),
        sections=(Section("Leaderboard", (LEAD, WARNING), tables),),
        disclosure=WARNING,
        words=VOICE_WORDS,
    )
    return render(page)


def _tables(standings: Sequence[Standing]) -> list[tuple[str, list[str], list[dict[str, str]]]]:
    found = []
    for (dimension, protocol), group in groupby(ranked(standings), lambda s: (s.dimension, s.protocol)):
        rows = [_shown(s) for s in group]
        columns = [c for c in _COLUMNS if c in ("model", "n", "n_answered") or any(row[c] for row in rows)]
        if len({(row["model"], row["judge"]) for row in rows}) == len(rows):
            columns = [
                c for c in columns if c != "file"
            ]  # needed only to tell results of the same model apart
        found.append((f"{(dimension or 'unknown dimension').capitalize()}, {protocol}", columns, rows))
    return found


def _shown(standing: Standing) -> dict[str, str]:
    is_mark = standing.mean_score is not None
    rule = (
        f"{_percent(standing.baseline_accuracy)} ({standing.baseline})" if standing.baseline_accuracy else ""
    )
    return {
        "model": standing.model or "unnamed",
        "judge": standing.judge,
        "accuracy_all": _percent(standing.accuracy_all),
        "accuracy_answered": _percent(standing.accuracy_answered),
        "mean_score": _fixed(standing.mean_score),
        "judged_shown": _fixed(standing.judged_mean_score) if standing.n_imputed else "",
        "n_imputed": str(standing.n_imputed) if standing.n_imputed else "",
        **{name: _percent(getattr(standing, name)) for name in ("opinion", "logic", "style")},
        "interval": _range(standing, _fixed if is_mark else _percent),
        "chance": _percent(standing.chance),
        "n": str(standing.n),
        "n_answered": str(standing.n_answered),
        "n_failed": str(standing.n_failed) if standing.n_failed else "",
        "baseline_shown": rule,
        "file": "/".join(Path(standing.file).parts[-2:]),  # runs write files of the same names
    }


def _range(standing: Standing, shown: Any) -> str:
    low, high = shown(standing.ci_low), shown(standing.ci_high)
    return f"{low} to {high}" if low and low != "undefined" else ""


def _percent(value: float | None) -> str:
    return _fixed(value, 1)


def _fixed(value: float | None, digits: int = 2) -> str:
    if value is None:
        return ""
    return f"{value:.{digits}f}" if value == value else "undefined"


_MARKDOWN: Mapping[int, str] = str.maketrans(
    {c: f"\\{c}" for c in "\\`*_{}[]|#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " "}
)


def _markdown(text: str) -> str:
    return text.translate(_MARKDOWN)


def _inert(value: Any) -> Any:
    """Make a cell safe: no spreadsheet takes it for a formula, and NaN is empty."""
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
