"""`truetwin voice audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.shared_options import Json

if TYPE_CHECKING:
    from truetwin.voice.auditing.benchmark_audit import AuditReport
    from truetwin.voice.items.item_sources import Source
    from truetwin.voice.items.voice_items import VoiceItem
    from truetwin.voice.scoring.stored_answers import Answers


def audit_command(
    source: Annotated[
        str,
        typer.Argument(help="social, narrative, interpersonal, or a JSONL file of multiple-choice items."),
    ],
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            help="Stored answers of a model to these items, for its position bias; may be repeated. [default for "
            "'social' and 'narrative': the published ones on this machine]"
        ),
    ] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="Profiles that go with a file of narrative items.")
    ] = None,
    matched: Annotated[
        Path | None, typer.Option(help="Write the items whose options are alike in length and style here.")
    ] = None,
    repaired: Annotated[
        Path | None,
        typer.Option(help="Write a release without duplicates and leaks, right answers balanced, here."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the order of options in the repaired release.")] = 0,
    show: Annotated[int, typer.Option(help="How many item ids of each finding to print.", min=0)] = 3,
    json: Json = False,
) -> None:
    """Find what a multiple-choice benchmark gives away without the persona, and what is wrong with its items."""
    from truetwin.cli.output import note, print_json
    from truetwin.io import check_outputs
    from truetwin.voice.auditing.benchmark_audit import audit
    from truetwin.voice.items.item_sources import load_source

    outputs = [path for path in (matched, repaired) if path is not None]
    inputs = [Path(source) if Path(source).is_file() else None, *(answers or [])]
    check_outputs(outputs, inputs)
    loaded = load_source(source, profiles=profiles)
    report = audit(loaded.items, histories_known=loaded.layout != "social answers")
    found = _position_rows(_answers(loaded, answers), loaded.items)
    subset = _write_matched(loaded.items, matched) if matched else None
    release = _write_repaired(loaded.items, repaired, seed) if repaired else None
    if loaded.layout == "social answers":
        note("from published answers, which repeat posts and options but not the users' histories")
    if json:
        print_json(
            "voice audit",
            {"source": source, "layout": loaded.layout, "unit": "percent", "level": 95, "seed": seed},
            report.rows(),
            n_items=report.n_items,
            n_personas=report.n_personas,
            n_groups=report.n_groups,
            findings=report.finding_rows(),
            positions=report.balance.rows(),
            positions_p=report.balance.p,
            model_positions=found,
            **({"matched": subset} if subset else {}),
            **({"repaired": release} if release else {}),
        )
        return
    _print_report(report, found, show)
    for name, what in (("matched", subset), ("repaired", release)):
        if what:
            note(f"{name}: {what['n']} items in {what['file']}; {what['summary']}")


def _answers(source: Source, paths: list[Path] | None) -> list[Answers]:
    from truetwin.datasets.twinvoice import available_answers, twinvoice
    from truetwin.voice.scoring.stored_answers import read_answers

    if paths:
        return [read_answers(path) for path in paths]
    if source.name not in ("social", "narrative"):
        return []
    return [
        read_answers(twinvoice.fetch(file.path))
        for file in available_answers()
        if file.dimension == source.name and file.kind == "choice"
    ]


def _position_rows(answers: list[Answers], items: list[VoiceItem]) -> list[dict[str, Any]]:
    """What models pick by place, with an interval of the share of the place picked most."""
    from truetwin.voice.protocols.outcomes import Protocol
    from truetwin.voice.scoring.score_table import score_answers
    from truetwin.voice.stats.rates import wilson

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
                "picks_most": "ABCD"[most],
                "share": 100 * positions.picked[most],
                "ci_low": 100 * low,
                "ci_high": 100 * high,
                "picked_by_position": [100 * v for v in positions.picked],
                "recall_by_position": [100 * v for v in positions.recall],
            }
        )
    return rows


def _write_matched(items: list[VoiceItem], path: Path) -> dict[str, Any]:
    from truetwin.errors import DataError
    from truetwin.voice.auditing.benchmark_audit import predictor_row
    from truetwin.voice.auditing.matched_subset import matched_subset
    from truetwin.voice.auditing.predictors import best_persona_free, guess_all
    from truetwin.voice.items.voice_items import write_voice_items

    subset = matched_subset(items)
    best = best_persona_free(guess_all(subset))
    if best is None:
        raise DataError(
            "no item has options that are alike in length and style, so there is no matched subset"
        )
    write_voice_items(path, subset)
    row = predictor_row(best)
    summary = (
        f"best without persona there: {row['predictor']} {row['accuracy']:.1f} "
        f"[{row['ci_low']:.1f}, {row['ci_high']:.1f}]"
    )
    return {"file": str(path), "n": len(subset), "best_persona_free": row, "summary": summary}


def _write_repaired(items: list[VoiceItem], path: Path, seed: int) -> dict[str, Any]:
    from truetwin.voice.auditing.matched_subset import repaired_release
    from truetwin.voice.items.voice_items import write_voice_items

    release = repaired_release(items, seed=seed)
    write_voice_items(path, release.items)
    summary = ", ".join(f"{what} {len(ids)}" for what, ids in release.done.items())
    done = {what: list(ids) for what, ids in release.done.items()}
    return {"file": str(path), "n": len(release.items), "done": done, "summary": summary}


def _print_report(report: AuditReport, models: list[dict[str, Any]], show: int) -> None:
    from truetwin.cli.output import Column, note, print_table
    from truetwin.cli.voice.voice_score import interval, print_positions

    groups = f", {report.n_groups} groups" if report.n_groups else ""
    print(f"{report.n_items} items, {report.n_personas} distinct personas{groups}\n")
    rows = [{**row, "interval": interval(row, "")} for row in report.rows()]
    columns = [
        Column("predictor", "predictor"),
        Column("accuracy", "accuracy", ".1f"),
        Column("interval", "95%"),
        Column("n", "n", "d", optional=True),
        Column("uses", "uses", optional=True),
        Column("description", "picks", foldable=True),
    ]
    print_table(rows, columns, title="Guesses at the true reply, in percent (guessing: 25)")
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
        for row in report.finding_rows()
    ]
    print_table(rows, columns, title="Items at fault")
    columns = [
        Column("position", "place"),
        Column("n", "items", "d"),
        Column("share", "%", ".1f"),
        Column("interval", "95%"),
    ]
    places = [{**row, "interval": interval(row, "")} for row in report.balance.rows()]
    print_table(
        places, columns, title=f"Places of the right answers (equal shares: p = {report.balance.p:.2g})"
    )
    if models:
        columns = [
            Column("model", "model", foldable=True),
            Column("picks_most", "picks most"),
            Column("share", "%", ".1f"),
            Column("interval", "95%"),
            Column("n", "answers", "d"),
        ]
        rows = [{**row, "interval": interval(row, "")} for row in models]
        print_table(rows, columns, title="Places that models prefer")
        print_positions(models)
    if report.best is not None and report.best.rate.low > 0.25:
        note(
            f"{report.best.predictor.name} is right in {100 * report.best.rate.value:.1f}% of the items without "
            f"knowing the persona; a model's accuracy says little unless it is far above that"
        )
