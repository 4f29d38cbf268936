"""Report section on the diagnosis: how far the twins can be trusted, and for which items."""

from __future__ import annotations

from collections import Counter
from typing import Any

from truetwin.diagnosis import Diagnosis
from truetwin.report.cited_cells import CellsOf
from truetwin.report.figures.diagnosis_figures import (
    alignment_figure,
    fault_figure,
    spectrum_figure,
    verdict_figure,
)
from truetwin.report.page import Field, Picture, Section, Table

VERDICT_FIELDS = (
    Field("item", "new item"),
    Field("verdict", "verdict"),
    Field("expected_calibrated", "expected, calibrated", ".3f"),
    Field("expected_twin", "expected, twin", ".3f"),
    Field("reasons", "why"),
)
RECORD_FIELDS = (
    Field("verdict", "verdict"),
    Field("n_items", "answered items", "d"),
    Field("calibrated", "calibrated", ".3f"),
    Field("calibrated_standard_error", "SE", ".3f"),
    Field("twin", "twin", ".3f"),
    Field("twin_standard_error", "SE", ".3f"),
)
FAULT_FIELDS = (
    Field("item", "item"),
    Field("n_twin", "twin answers", "d"),
    Field("modal_share", "commonest answer", ".2f"),
    Field("sd_ratio", "sd, twin / people", ".2f"),
    Field("level_bias_sd", "level bias (sd)", "+.2f"),
    Field("twin_missing", "missing", ".2f"),
    Field("faults", "faults"),
)


def verdict_in_words(diagnosis: Diagnosis) -> str:
    """Say how many new items got which verdict; empty without new items."""
    counts = Counter(row["verdict"] for row in diagnosis.verdicts)
    if not counts:
        return ""
    listed = ", ".join(
        f"{verdict} {counts[verdict]}" for verdict in ("calibrate", "use the twin", "do not trust")
    )
    return f"Verdicts on {sum(counts.values())} new items: {listed}."


def diagnosis_section(diagnosis: Diagnosis, file: str = "") -> Section:
    """Show the verdicts with their reasons, then the evidence behind them; ``file`` holds all of it, if one does."""
    n = diagnosis.settings["n_respondents"]
    described = f"{n} respondents, {diagnosis.settings['n_items']} items"
    verdicts = [_plain(row) for row in diagnosis.verdicts]
    record = [_plain(row) for row in diagnosis.record]
    alignment = [row for found in diagnosis.alignments.values() for row in found.records()]
    blocks: list[Table | Picture] = []
    if verdicts:
        blocks.append(
            Table("Verdict on each new item", VERDICT_FIELDS, verdicts, cells=_cells(file, "verdicts"))
        )
    if record:
        blocks.append(
            Table(
                "How such verdicts did",
                RECORD_FIELDS,
                diagnosis.record_summary(),
                "Answered items, each hidden in turn: mean correlations that came out, by the verdict that the item "
                "would have got.",
            )
        )
    blocks += [
        Picture(
            "verdicts",
            verdict_figure(diagnosis),
            f"Expected correlation with people before and after calibration: {len(verdicts)} new items, and "
            f"{len(record)} answered items as a check of the rule.",
            [*record, *verdicts],
        ),
        Picture(
            "spectrum",
            spectrum_figure(diagnosis.spectra),
            f"How few directions the answers vary in ({described}): cumulative variance, and error on hidden answers "
            f"by rank (mean of three draws), which the effective rank minimises.",
            diagnosis.spectrum_records(),
        ),
        *(
            Picture(
                f"alignment-{space}",
                alignment_figure(diagnosis.alignments[space]),
                f"Do twins vary in the same directions as people? {what} ({described}). Bars: two standard errors over "
                f"ten draws of chance.",
                [row for row in alignment if row["space"] == space],
            )
            for space, what in (("row", "Among items"), ("column", "Among respondents"))
        ),
        Picture(
            "faults",
            fault_figure(diagnosis),
            "Spread and level of the twins' answers beside people's, one count an answered item.",
            [_plain(row) for row in diagnosis.faults],
        ),
        Table(
            "Twins' answers, item by item",
            FAULT_FIELDS,
            [_plain(row) for row in diagnosis.faults],
            cells=_cells(file, "faults"),
        ),
    ]
    texts = [f"{text[0].upper()}{text[1:]}." for text in diagnosis.warnings()]
    return Section("How far to trust the twins", texts, blocks)


def _cells(file: str, rows: str) -> CellsOf | None:
    return CellsOf.listed(file, rows) if file else None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: "; ".join(map(str, v)) if isinstance(v, list | tuple) else v for k, v in row.items()}
