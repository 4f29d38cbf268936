"""Verb `truetwin diagnose`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.panel_inputs import blocks_of, panel_of, weights_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.diagnose_settings import DiagnoseCommand

if TYPE_CHECKING:
    from pathlib import Path

    from truetwin.data import Panel
    from truetwin.data.person_design import Array
    from truetwin.diagnosis import Diagnosis, TwinAudit

SHOWN = 20


@verb(DiagnoseCommand)
def diagnose_command(settings: DiagnoseCommand) -> None:
    """Judge how far the twins can be trusted, and give a verdict on each new item.

    The verdict on a new item is: calibrate, use the twin, or do not trust. It rests on how well calibration and twins
    predicted the answered items, each of which was hidden in turn from METHOD. Beside OUTPUT, a file of the same name
    ending in .json records settings, versions, hashes of the inputs and warnings.
    """
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.diagnosis import diagnose
    from truetwin.diagnosis.method_expectations import method_expectations
    from truetwin.evaluation.hidden_scores import HiddenScores, hidden_scores
    from truetwin.io import check_folder
    from truetwin.report.files.diagnosis_files import write_diagnosis

    if settings.figures:
        check_folder(settings.figures, "--figures")
    if settings.output:
        _check_output(settings.output, settings)
    panel = panel_of(settings)
    weights = weights_of(settings, panel)
    members, found_by = blocks_of(panel, settings.blocks)
    scores, expected = HiddenScores(), None
    method = None if settings.method in (None, "none") else str(settings.method)
    if method is not None:
        scores = hidden_scores(panel, method, members, weights=weights, bar=progress_bar)
        expected = method_expectations(panel, method, blocks=members, weights=weights)
    found = diagnose(
        panel,
        blocks=members,
        scaled=settings.scaled,
        method=None,
        scores=scores.by_item,
        battery_scores=scores.by_battery,
        expected=expected,
        weights=weights,
        random_state=settings.seed,
    )
    if settings.figures:
        from truetwin.report.figures.diagnosis_figures import write_figures

        settings.figures.mkdir(exist_ok=True)
        for path in write_figures(found, settings.figures, f".{settings.figure_format}"):
            note(f"figure: {path}")
    audit = _audit(panel, members, weights, settings.seed)
    described = {
        **_described(found),
        "blocks": found_by,
        "audit": None if audit is None else audit.record()["sources"],
        **weights_record(settings),
    }
    if settings.output:
        sidecar = write_diagnosis(
            found,
            settings.output,
            inputs=settings.files,
            settings={"method": settings.method, "seed": settings.seed, **described},
            disclosure_column=settings.disclosure_column,
        )
    if settings.as_json:
        print_json("diagnose", described, found.rows())
        return
    print_diagnosis(found)
    if audit is not None:
        _print_audit(audit)
    note(f"batteries: {found_by}")
    if settings.output:
        note(f"verdicts: {settings.output}\nhow they were made: {sidecar}")


def _audit(
    panel: Panel, blocks: dict[str, str], weights: Array | None, random_state: int
) -> TwinAudit | None:
    """Audit the twins; None if too few people or items can be compared."""
    from truetwin.diagnosis import audit_twins
    from truetwin.errors import DataError

    try:
        return audit_twins(panel, blocks=blocks, weights=weights, random_state=random_state)
    except DataError:
        return None


def _print_audit(audit: TwinAudit) -> None:
    """Print the answer of the audit, and the faults of each source."""
    from truetwin.cli.output import note

    print_line(f"audit of the twins: {audit.answer}")
    for name, source in audit.sources.items():
        for check in source.faults:
            print_line(f"- {name}: {check.fault}")
    note("truetwin audit-twins: every check with its test, groups, retests, published toplines")


def _check_output(output: Path, settings: DiagnoseCommand) -> None:
    """Check before any work that the output can be written."""
    from truetwin.io import check_outputs
    from truetwin.report.files.diagnosis_files import check_diagnosis_ending
    from truetwin.results.sidecars import check_sidecar, sidecar_path

    check_diagnosis_ending(output)
    check_outputs([output, sidecar_path(output)], settings.files.values())
    check_sidecar(output)


def _described(found: Diagnosis) -> dict[str, Any]:
    """Return the fields about the panel as a whole."""
    return {
        **found.settings,
        "effective_rank": {source: s.effective_rank for source, s in found.spectra.items()},
        "alignment": [row for a in found.alignments.values() for row in a.records()],
        "moments": dict(found.moments),
        "record": [{k: v for k, v in row.items() if v is not None} for row in found.record_summary()],
        "warnings": found.warnings(),
    }


def print_diagnosis(found: Diagnosis) -> None:
    """Print tables about the whole panel, and then about single items."""
    from truetwin.cli.output import Column, note, print_table

    print_table(
        _structure(found),
        [
            Column("what", "directions"),
            Column("k", "k", "d"),
            Column("twin", "distance, twins", ".3f"),
            Column("gaussian", "noise", ".3f"),
            Column("shuffled", "shuffled", ".3f"),
            Column("cosines", "cosines, twins", optional=True),
        ],
        title=_title(found),
    )
    _print_faults(found)
    if found.record:
        _print_record(found)
    if found.verdicts:
        _print_verdicts(found)
    for text in found.warnings():
        note(f"note: {text}")


def _title(found: Diagnosis) -> str:
    s, ranks = found.settings, found.spectra
    return (
        f"{s['n_items']} items answered by {s['n_respondents']} people and their twins; effective rank "
        f"{ranks['human'].effective_rank} (people), {ranks['twin'].effective_rank} (twins)"
    )


def _print_record(found: Diagnosis) -> None:
    """Print what the verdicts would have been worth on answered items: over items, and over blocks."""
    from truetwin.cli.output import Column, print_table

    rows, verdict = found.record_summary(), Column("verdict", "verdict")
    by_item = [
        verdict,
        Column("n_items", "items", "d"),
        Column("calibrated", "calib.", ".3f"),
        Column("twin", "twin", ".3f"),
    ]
    by_block = [
        verdict,
        Column("n_blocks", "blocks", "d"),
        Column("calibrated_by_block", "calib.", ".3f"),
        Column("calibrated_standard_error", "SE", ".3f"),
        Column("twin_by_block", "twin", ".3f"),
        Column("twin_standard_error", "SE", ".3f"),
    ]
    title = "how such verdicts did: answered items, hidden in turn\nmean correlations over items"
    print_table(rows, by_item, title=title)
    if any(row.get("calibrated_by_block") is not None for row in rows):
        print_table(rows, by_block, title="mean correlations over blocks (a battery counts once)")


def _structure(found: Diagnosis) -> list[dict[str, Any]]:
    rows = []
    for space, name in (("row", "of items"), ("column", "of respondents")):
        a = found.alignments[space]
        k = max(a.n_ranks - 2, 1)
        row: dict[str, Any] = {
            "what": name,
            "k": k,
            "cosines": " ".join(f"{c:.2f}" for c in a.cosines["twin"]),
        }
        rows.append(row | {source: float(values[k - 1]) for source, values in a.distances.items()})
    return rows


def _print_faults(found: Diagnosis) -> None:
    from truetwin.cli.output import Column, note, print_table

    faulty = [
        {**r, "words": "; ".join(_beside_columns(r["faults"])) or None} for r in found.faults if r["faults"]
    ]
    faulty.sort(key=lambda r: -len(r["faults"]))
    if faulty:
        columns = [
            Column("item", "item"),
            Column("n_twin", "twins", "d"),
            Column("sd_ratio", "sd ratio", ".2f"),
            Column("level_bias_sd", "bias (sd)", "+.2f"),
            Column("words", "also", foldable=True),
        ]
        print_table(
            faulty[:SHOWN], columns, title=f"faults in {len(faulty)} of {len(found.faults)} twin items"
        )
        if len(faulty) > SHOWN:
            note(f"... and {len(faulty) - SHOWN} more items with a fault: --json lists all")


def _beside_columns(faults: list[str]) -> list[str]:
    """Shorten faults for the table, and leave out those that have columns of their own."""
    shorter = (
        (" of the twins gave the same answer", " alike"),
        ("all twins gave the same answer", "all alike"),
        (" of the twins gave no answer", " missing"),
        (", which people do", ""),
        (" twin answers outside the range that people use", " off range"),
        ("no twin chose", "none chose"),
    )
    found = []
    for text in faults:
        if not text.startswith(("twins differ", "twins answer")):
            for long, short in shorter:
                text = text.replace(long, short)
            found.append(text)
    return found


def _print_verdicts(found: Diagnosis) -> None:
    from truetwin.cli.output import Column, print_table

    columns = [
        Column("item", "item"),
        Column("verdict", "verdict"),
        Column("expected_calibrated", "calib.", ".2f"),
        Column("expected_twin", "twin", ".2f", optional=True),
        Column("twin_r2", "twin R2", ".2f", optional=True),
        Column("words", "why", foldable=True),
    ]
    rows = [{**r, "words": "; ".join(_without_repeats(r))} for r in found.verdicts]
    print_table(rows, columns, title="verdicts (expected correlation with what people would answer)")


def _without_repeats(row: dict[str, Any]) -> list[str]:
    """Return the reasons of a verdict, without the expectation, which has columns of its own."""
    return list(row["reasons"] if row["expected_calibrated"] is None else row["reasons"][1:])
