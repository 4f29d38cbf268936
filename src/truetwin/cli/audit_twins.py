"""Verb `truetwin audit-twins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.panel_inputs import blocks_of, panel_of, shown_items, weights_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.audit_settings import AuditTwinsCommand

if TYPE_CHECKING:
    from truetwin.data import Panel
    from truetwin.diagnosis import TwinAudit
    from truetwin.diagnosis.audit.audit_check import Check
    from truetwin.diagnosis.audit.source_verdict import SourceAudit


@verb(AuditTwinsCommand)
def audit_twins_command(settings: AuditTwinsCommand) -> None:
    """Audit the twins, source by source: leaks, flattening, equity, ceilings and memory.

    Every check has a figure of the twins, a baseline beside it, and a flag that a test decides. Over all checks of a
    source together, twins without faults are flagged in at most one audit of twenty. Exit status is 0 also if twins
    have faults.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.report.files.audit_files import check_audit_output, write_audit

    if settings.output:
        check_audit_output(settings.output, settings.files)
    panel = panel_of(settings)
    found = _audit(settings, panel)
    described = {**found.settings, **weights_record(settings)}
    if settings.output:
        write_audit(found, settings.output)
    if settings.as_json:
        record = found.record()
        print_json(
            "audit-twins",
            described,
            found.rows(),
            answer=record["answer"],
            sources=record["sources"],
            which_twin_for_what=record["which_twin_for_what"],
            not_audited=record["not_audited"],
        )
        return
    print_audit(found)
    if settings.output:
        note(f"the whole audit: {settings.output}")


def _audit(settings: AuditTwinsCommand, panel: Panel) -> TwinAudit:
    from truetwin.cli.output import note
    from truetwin.data.people_columns import names_among
    from truetwin.diagnosis import audit_twins
    from truetwin.io.marginal_files import read_marginals
    from truetwin.io.panel_files import read_retest

    members, found_by = blocks_of(panel, settings.blocks)
    published = None
    if settings.published:
        published = read_marginals(settings.published, items=panel.items, say=note)
    found = audit_twins(
        panel,
        by=names_among(settings.by, tuple(panel.people.columns)) if panel.people else (),
        persona_items=shown_items(settings, panel),
        retest=read_retest(settings.retest, panel, id_column=settings.id_column, choices=settings.reading)
        if settings.retest
        else None,
        published=published,
        trained_until=settings.trained_until,
        weights=weights_of(settings, panel),
        clusters=settings.clusters,
        blocks=members,
        min_cell=settings.min_cell,
        random_state=settings.seed,
    )
    note(f"batteries: {found_by}")
    return found


def print_audit(found: TwinAudit) -> None:
    """Print the answer, then how sources compare, then the faults of each source."""
    from truetwin.cli.output import Column, note, print_table

    print_line(found.answer)
    print_line("")
    if len(found.sources) > 1:
        print_table(
            [_purposes_row(audit) for audit in found.sources.values()],
            [
                Column("source", "source", foldable=True),
                Column("n_faults", "faults", "d"),
                *(Column(p, heading, optional=k > 2) for k, (p, heading) in enumerate(_HEADINGS.items())),
            ],
            title="faults of each source, by what they spoil ('-': no fault found)",
        )
    if found.choices:
        print_table(
            [_choice_row(choice.record()) for choice in found.choices],
            [
                Column("use", "for", foldable=True),
                Column("best", "use", foldable=True),
                Column("figure", "figure", ".3f"),
                Column("as_good", "not surely worse", foldable=True),
                Column("measure", "figure is", optional=True),
            ],
            title="which twin for what (best figure on common items)",
        )
        if leaky := found.choices[0].with_leaks:
            note(f"no choice, because they were shown answers or seem to have been: {', '.join(leaky)}")
    for audit in found.sources.values():
        _print_source(audit, alone=len(found.sources) == 1)
    for reason in found.not_audited.values():
        note(f"not audited: {reason}")
    _note_unmeasured(found)


_HEADINGS = {
    "scores of methods": "evaluating",
    "single answers": "single answers",
    "shares and means": "shares",
    "relations": "relations",
    "groups": "groups",
}


def _purposes_row(audit: SourceAudit) -> dict[str, Any]:
    row: dict[str, Any] = {"source": audit.source, "n_faults": len(audit.faults)}
    for part in audit.purposes():
        n = len(part["faults"])
        row[part["purpose"]] = f"{n}" if n else ("?" if part["verdict"] == "not measured" else "-")
    return row


def _choice_row(record: dict[str, Any]) -> dict[str, Any]:
    from truetwin.report.sections.audit_section import not_worse

    return {
        "use": record["use"],
        "best": record["best"],
        "figure": record["figures"][record["best"]],
        "as_good": not_worse(record),
        "measure": record["measure"],
    }


def _print_source(audit: SourceAudit, *, alone: bool) -> None:
    """Print every check of a lone source, and the faults of one of several."""
    from truetwin.cli.output import Column, note, print_table

    checks = [c for c in audit.checks if not c.unmeasured and (alone or c.flagged)]
    if not alone:
        print_line(audit.answer)
    title = f"{audit.source}: {audit.n_people} people and {audit.n_items} items compared"
    if checks:
        print_table(
            [_check_row(c) for c in sorted(checks, key=lambda c: not c.flagged)],
            [
                Column("check", "check", foldable=True),
                Column("value", "twins", ".3f"),
                Column("baseline", "beside", ".3f"),
                Column("p", "p", optional=True),
                Column("finding", "fault", foldable=True),
            ],
            title=title,
        )
    for row in audit.invalid_protocols:
        items = f" on {len(row['items'])} items" if row["items"] else ""
        note(f"note: {audit.source}: scores under {row['protocol']}{items} say nothing: {row['why']}")


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "check": check.name.replace("_", " "),
        "value": check.value,
        "baseline": check.baseline,
        "p": _p_in_words(check.p_adjusted),
        "finding": check.fault if check.flagged else "-",
    }


def _note_unmeasured(found: TwinAudit) -> None:
    """Say once what was not measured on any source, with the reason."""
    from truetwin.cli.output import note

    whys: dict[str, list[str]] = {}
    for audit in found.sources.values():
        for check in audit.checks:
            name = check.name.replace("_", " ")
            if check.unmeasured and name not in whys.setdefault(check.unmeasured, []):
                whys[check.unmeasured].append(name)
    for why, names in whys.items():
        note(f"not measured: {', '.join(names)}: {why}")


def _p_in_words(p: float | None) -> str | None:
    return None if p is None else ("<.001" if p < 0.001 else f"{p:.3f}".lstrip("0"))
