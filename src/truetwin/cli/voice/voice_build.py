"""Verbs `truetwin voice build narrative`, `interpersonal`, `social` and `repair`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.declaration import Settings, Side, read_settings, values_of
from truetwin.settings.voice_build_settings import (
    BuildOutput,
    InterpersonalCommand,
    InterpersonalSettings,
    NarrativeCommand,
    NarrativeSettings,
    RepairCommand,
    RepairOptions,
    SocialCommand,
    SocialSettings,
)

if TYPE_CHECKING:
    from truetwin.voice_sets.common.finishing import Built

S = TypeVar("S", bound=Settings)
AnyCommand = NarrativeCommand | InterpersonalCommand | SocialCommand | RepairCommand


@verb(NarrativeCommand)
def narrative_command(settings: NarrativeCommand) -> None:
    """Make items from novels and plays: what a character says in a scene, against other characters' real words."""
    _build("voice build narrative", settings, NarrativeSettings)


@verb(InterpersonalCommand)
def interpersonal_command(settings: InterpersonalCommand) -> None:
    """Make items from messages in several channels: what people reply, with their messages elsewhere as memory."""
    _build("voice build interpersonal", settings, InterpersonalSettings)


@verb(SocialCommand)
def social_command(settings: SocialCommand) -> None:
    """Make items from posts and replies: what a user replied, against what others reply to similar posts."""
    _build("voice build social", settings, SocialSettings)


@verb(RepairCommand)
def repair_command(settings: RepairCommand) -> None:
    """Repair a set of items: remove faults, match distractors, balance positions, and audit before and after."""
    _build("voice build repair", settings, RepairOptions)


def _build(command: str, settings: AnyCommand, kind: type[Settings]) -> None:
    """Build a set of items, show the progress of its stages, and print the result."""
    from truetwin.io import check_folder
    from truetwin.voice_sets.asked_build import make_set

    asked = settings.model_copy(update=values_of(_with_file(settings, kind), kind))
    check_folder(settings.output, "--output")
    with _progress() as progress:
        built = make_set(asked, settings.output, progress)
    _report(command, built, settings.as_json)


def _with_file(command: BuildOutput, kind: type[S]) -> S:
    """Read the settings of a build. Options override the file, and the file overrides the defaults."""
    from truetwin.io.setting_files import read_setting_file

    if command.config is None:
        return kind(**{name: getattr(command, name) for name in kind.model_fields})
    named = read_setting_file(command.config)
    read_settings(kind, named, Side.FILE, f"{command.config}: ")
    given = command.model_dump(include=set(kind.model_fields), exclude_unset=True)
    return read_settings(kind, _over(named, given), Side.FILE)


def _over(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Apply changes to settings. In nested settings, each value is replaced on its own."""
    found = dict(settings)
    for name, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = _over(found[name], value) if nested else value
    return found


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show one progress bar for each stage, one after the other."""
    from truetwin.cli.output import progress_bar

    with ExitStack() as bar:
        shown: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in shown:
                bar.close()
                shown.clear()
                shown[stage] = bar.enter_context(progress_bar(stage))
            shown[stage](done, total or None)  # 0 means that the total is not known yet

        yield show


def _report(command: str, built: Built, json: bool) -> None:
    from truetwin.cli.output import note, print_json

    rows = _audit_rows(built)
    if json:
        settings = {"output": str(built.folder), "unit": "percent"}
        print_json(
            command,
            settings,
            rows,
            n_items=len(built.items),
            n_candidates=built.n_candidates,
            share_kept=built.share_kept,
            stages=built.stages,
            notes=list(built.verdict.notes),
        )
        return
    _print_built(built, rows)
    for text in built.verdict.notes:
        note(f"note: {text}")
    note(f"written: {built.folder / 'items.jsonl'}, datasheet.md, datasheet.json")


def _audit_rows(built: Built) -> list[dict[str, Any]]:
    before = {r["predictor"]: r for r in built.before.rows()} if built.before else {}
    rows = []
    for row in built.verdict.report.rows():
        kept = {k: row[k] for k in ("predictor", "n", "accuracy", "ci_low", "ci_high", "persona_free")}
        rows.append({**kept, "before": before.get(row["predictor"], {}).get("accuracy")})
    return rows


def _print_built(built: Built, rows: list[dict[str, Any]]) -> None:
    from truetwin.cli.output import Column, print_table

    people = built.verdict.report.n_personas
    print_line(
        f"{len(built.items)} items of {people} personas, {built.share_kept:.0%} of {built.n_candidates} candidates\n"
    )
    stages = [
        {
            **stage,
            "why": "; ".join(f"{reason} {n}" for reason, n in stage["dropped"].items() if n),
            "found": "; ".join(f"{what} {n}" for what, n in stage["noted"].items() if n),
        }
        for stage in built.stages
    ]
    columns = [
        Column("stage", "stage"),
        Column("n_in", "in", "d"),
        Column("n_out", "out", "d"),
        Column("why", "left out", foldable=True),
        Column("found", "noted", optional=True),
    ]
    print_table(stages, columns, title="What was done")
    audited = [{**r, "interval": f"{r['ci_low']:.1f} to {r['ci_high']:.1f}"} for r in rows if r["n"]]
    columns = [
        Column("predictor", "baseline"),
        Column("before", "before", ".1f"),
        Column("accuracy", "after", ".1f"),
        Column("interval", "95%"),
        Column("n", "n", "d"),
    ]
    free = [row for row in audited if row["persona_free"]]
    print_table(free, columns, title="Baselines that know nothing of the persona, in percent (guessing: 25)")
