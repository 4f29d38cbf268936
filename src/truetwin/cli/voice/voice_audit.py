"""Verb `truetwin voice audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.voice_settings import VoiceAuditCommand

if TYPE_CHECKING:
    from truetwin.voice.jobs.asked_audit import Audited


@verb(VoiceAuditCommand)
def audit_command(settings: VoiceAuditCommand) -> None:
    """Find out how well a benchmark can be solved without knowing the person, and what is wrong with its items."""
    from truetwin.cli.output import note, print_json
    from truetwin.io import check_outputs
    from truetwin.voice.jobs.asked_audit import audit_asked, write_matched, write_repaired

    source = Path(settings.source)
    outputs = [path for path in (settings.matched, settings.repaired) if path is not None]
    check_outputs(outputs, [source if source.is_file() else None, *settings.answers])
    found = audit_asked(settings)
    written = {}
    if settings.matched:
        written["matched"] = write_matched(found.source.items, settings.matched)
    if settings.repaired:
        written["repaired"] = write_repaired(found.source.items, settings.repaired, settings.seed)
    if not found.histories_known:
        note("from published answers, which repeat posts and options but not the users' histories")
    if found.source.report.remark:
        note(found.source.report.remark)
    if settings.as_json:
        described = {
            "source": settings.source,
            "layout": found.source.layout,
            "unit": "percent",
            "level": 95,
            "seed": settings.seed,
        }
        print_json("voice audit", described, found.report.rows(), **found.details(), **written)
        return
    _print_guesses(found)
    _print_findings(found, settings.show)
    _print_positions(found)
    best = found.report.best
    if best is not None and best.rate.low > found.report.chance:
        note(
            f"{best.predictor.name} is right in {100 * best.rate.value:.1f}% of the items without "
            f"knowing the persona; a model's accuracy says little unless it is far above that"
        )
    for name, what in written.items():
        note(f"{name}: {what['n']} items in {what['file']}; {what['summary']}")


def _print_guesses(found: Audited) -> None:
    from truetwin.cli.output import Column, print_table
    from truetwin.cli.voice.voice_score import interval

    report = found.report
    groups = f", {report.n_groups} groups" if report.n_groups else ""
    print_line(f"{report.n_items} items, {report.n_personas} distinct personas{groups}\n")
    rows = [{**row, "interval": interval(row, "")} for row in report.rows()]
    columns = [
        Column("predictor", "predictor"),
        Column("accuracy", "accuracy", ".1f"),
        Column("interval", "95%"),
        Column("n", "n", "d", optional=True),
        Column("uses", "uses", optional=True),
        Column("description", "picks", foldable=True),
    ]
    print_table(
        rows, columns, title=f"Guesses at the true reply, in percent (guessing: {100 * report.chance:.3g})"
    )


def _print_findings(found: Audited, show: int) -> None:
    from truetwin.cli.output import Column, print_table
    from truetwin.cli.voice.voice_score import interval

    columns = [
        Column("finding", "finding"),
        Column("n", "items", "d"),
        Column("share", "%", ".1f"),
        Column("interval", "95%"),
        Column("examples", "such as", optional=True),
        Column("description", "what it means", foldable=True),
    ]
    rows = [
        {**row, "interval": interval(row, ""), "examples": ", ".join(row["item_ids"][:show])}
        for row in found.report.finding_rows()
    ]
    print_table(rows, columns, title="Items at fault")


def _print_positions(found: Audited) -> None:
    """Print the positions of the right answers, and the positions that models pick."""
    from truetwin.cli.output import Column, print_table
    from truetwin.cli.voice.voice_score import interval, print_positions

    balance = found.report.balance
    columns = [
        Column("position", "place"),
        Column("n", "items", "d"),
        Column("share", "%", ".1f"),
        Column("interval", "95%"),
    ]
    places = [{**row, "interval": interval(row, "")} for row in balance.rows()]
    print_table(places, columns, title=f"Places of the right answers (equal shares: p = {balance.p:.2g})")
    if not found.model_positions:
        return
    columns = [
        Column("model", "model", foldable=True),
        Column("picks_most", "picks most"),
        Column("share", "%", ".1f"),
        Column("interval", "95%"),
        Column("n", "answers", "d"),
    ]
    rows = [{**row, "interval": interval(row, "")} for row in found.model_positions]
    print_table(rows, columns, title="Places that models prefer")
    print_positions(found.model_positions)
