"""Verbs `truetwin runs show`, `export`, `reparse`, `import` and `merge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.batches import note_waiting
from truetwin.cli.export import check_export, export_run, print_states
from truetwin.cli.verbs import verb
from truetwin.settings.runs_settings import (
    RunsExportCommand,
    RunsImportCommand,
    RunsMergeCommand,
    RunsReparseCommand,
    RunsShowCommand,
)

if TYPE_CHECKING:
    from truetwin.llm import Store
    from truetwin.llm.store.merging import Merged, MergedPart


@verb(RunsShowCommand)
def show_command(settings: RunsShowCommand) -> None:
    """Show what a run asked, how its calls ended, and the tokens they used; or show one call in full."""
    from truetwin.cli.output import print_json
    from truetwin.llm import Store
    from truetwin.llm.store.run_folder import existing_run

    step = settings.step
    with Store(existing_run(settings.run), create=False) as store:
        if settings.persona is not None and settings.item is not None:
            _show_call(store, settings)
            return
        steps = [step] if step else store.steps()
        rows = [_step_row(store, each) for each in steps]
        if settings.as_json:
            print_json("runs show", {"run": str(store.path), "waiting": store.waiting()}, rows)
            return
        for each, row in zip(steps, rows, strict=True):
            _print_step(store, each, row)
        note_waiting(store)


@verb(RunsExportCommand)
def export_command(settings: RunsExportCommand) -> int:
    """Write a run's answers as the table that `calibrate` and `reweight` read.

    Beside OUTPUT, NAME.json records model, settings, states and usage, and NAME.not-valid.ENDING lists every reply
    without a valid answer. If distributions were asked for, NAME.distributions.ENDING holds them.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.llm import State, Store
    from truetwin.llm.store.run_folder import existing_run
    from truetwin.simulation.survey.survey_answers import collect_answers

    check_export(settings.output, [])
    validity_floor = settings.validity_floor
    with Store(existing_run(settings.run), create=False) as store:
        only = None if settings.replicate == "mean" else settings.replicate
        answers = collect_answers(store, point=settings.point, replicate=only)
        written = export_run(
            store,
            answers,
            settings.output,
            long=settings.long,
            point=settings.point,
            replicate=settings.replicate,
        )
    share = answers.valid_share
    missing = answers.n_not_asked + answers.states[State.PROVIDER_ERROR] + answers.states[State.SKIPPED]
    described = {
        "run": str(settings.run),
        "disclosure": answers.disclosure,
        "written": [str(p) for p in written],
        "valid_share": share,
        "validity_floor": validity_floor,
        "n_expected": answers.n_expected,
        "n_without_a_reply": missing,
    }
    rows = [{"item_id": i, **{str(s): n for s, n in c.items()}} for i, c in answers.counts.items()]
    if settings.as_json:
        print_json("runs export", described, rows)
    else:
        note(answers.disclosure)
        print_states(answers.states, answers.n_expected, title=f"answers of {settings.run}, one an item")
        for path in written:
            note(f"written: {path}")
        if missing:
            note(f"{missing:,} answers are still to come; the run is not complete")
        if share is not None and share < validity_floor:
            note(f"only {share:.1%} of the answers are valid, less than the floor of {validity_floor:.0%}")
    return 1 if missing or share is None or share < validity_floor else 0


@verb(RunsReparseCommand)
def reparse_command(settings: RunsReparseCommand) -> int:
    """Read every stored reply again, without a call: a newer version may read answers that an older one missed."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm import Store
    from truetwin.llm.store.run_folder import existing_run
    from truetwin.simulation.survey.rereading import reread

    with Store(existing_run(settings.run), create=False) as store:
        before = {step: store.counts(step) for step in store.steps()}
        changed, read_only = reread(store), store.read_only
        rows = [
            {
                "step": step,
                "changed": n,
                "valid_before": before[step]["valid"],  # type: ignore[index]
                "valid_now": store.counts(step)["valid"],  # type: ignore[index]
            }
            for step, n in changed.items()
        ]
    lost = read_only and any(changed.values())
    if settings.as_json:
        print_json("runs reparse", {"run": str(settings.run), "written": not lost}, rows)
        return 1 if lost else 0
    for row in rows:
        note(
            f"step {row['step']}: {row['changed']:,} readings changed; {row['valid_before']:,} were valid, "
            f"{row['valid_now']:,} are now"
        )
    if lost:
        note(
            "the run cannot be written here, so the changed readings are not kept: copy its folder and read that anew"
        )
    return 1 if lost else 0


@verb(RunsImportCommand)
def import_command(settings: RunsImportCommand) -> int:
    """Store replies to the request files of `simulate --write-requests`, in any order."""
    from truetwin.cli.output import note, print_json
    from truetwin.io.readable_files import check_is_file
    from truetwin.llm import Store
    from truetwin.llm.running.requested_run import prices_of
    from truetwin.llm.store.run_folder import existing_run
    from truetwin.simulation.survey.rereading import import_stored

    with Store(existing_run(settings.run), create=False) as store:
        found = import_stored(store, check_is_file(settings.replies), prices_of(settings, ""))
        waiting = sum(store.waiting().values())
    row = {
        "answered": found.answered,
        "failed": found.failed,
        "unexpected": found.unexpected,
        "unreadable": found.unreadable,
        "waiting": waiting,
    }
    if settings.as_json:
        print_json("runs import", {"run": str(settings.run), "replies": str(settings.replies)}, [row])
    else:
        note(f"{found.answered:,} replies taken in, {found.failed:,} failures; {waiting:,} calls still wait")
        if found.unexpected or found.unreadable:
            note(
                f"left alone: {found.unexpected:,} lines that answer nothing open, {found.unreadable:,} unreadable"
            )
    return 1 if found.failed or found.unreadable or waiting else 0


@verb(RunsMergeCommand)
def merge_command(settings: RunsMergeCommand) -> None:
    """Merge the parts of a run that several machines have done (`simulate --shard`) into one run."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm.store.merging import merge_stores
    from truetwin.llm.store.run_folder import existing_run, run_store

    files = [existing_run(source) for source in settings.sources]
    with run_store(settings.target) as store:
        merged = merge_stores(store, files)
        total = sum(store.counts().values())
        steps = [(step, _answered(store, step), _n_calls(store, step)) for step in store.steps()]
    if settings.as_json:
        described = {
            "target": str(settings.target),
            "taken": merged.taken,
            "duplicates": merged.duplicates,
            "calls": total,
            "steps": [{"step": s, "answered": n, "n_calls": of} for s, n, of in steps],
            "missing_shards": list(merged.missing_shards),
        }
        print_json("runs merge", described, [_part_row(p, s) for p, s in _named(merged, settings)])
        return
    note(f"{merged.taken:,} answers taken over from {len(settings.sources)} runs")
    for step, answered, of in steps:
        whole = f" of {of:,}" if of is not None else ""
        note(f"{settings.target}, step {step}: {answered:,}{whole} calls are answered")
    for part, source in _named(merged, settings):
        if part.given_twice:
            note(
                f"{source} was given twice, or merged before: all its {part.answers:,} answers are there already"
            )
        elif part.duplicates:
            note(
                f"{part.duplicates:,} calls of {source} were answered elsewhere, too; the first answers stay"
            )
    if merged.missing_shards:
        note(f"not merged yet: the shards {', '.join(merged.missing_shards)}")


def _named(merged: Merged, settings: RunsMergeCommand) -> list[tuple[MergedPart, Path]]:
    """Pair each part with the name that the user gave it."""
    return list(zip(merged.parts, settings.sources, strict=True))


def _part_row(part: MergedPart, source: Path) -> dict[str, Any]:
    return {
        "source": str(source),
        "shards": sorted(part.shards),
        "answers": part.answers,
        "taken": part.taken,
        "duplicates": part.duplicates,
        "there_already": part.there,
    }


def _answered(store: Store, step: str) -> int:
    from truetwin.llm.store.stored_call import OPEN_STATES

    return sum(n for state, n in store.counts(step).items() if state not in OPEN_STATES)


def _n_calls(store: Store, step: str) -> int | None:
    """Count the calls of a whole step, where its settings tell: those of a survey do."""
    from truetwin.simulation.survey.questionnaire import Questionnaire

    task = store.settings(step)["task"]
    if task.get("task") != "survey":
        return None
    with store.reading():
        return Questionnaire.from_settings(task).n_calls(task["personas"]["count"])


def _step_row(store: Any, step: str) -> dict[str, Any]:
    from truetwin.llm.store.asking_again import in_words

    settings, totals = store.settings(step), store.totals(step)
    counts = store.counts(step)
    return {
        "step": step,
        "model": settings["model"],
        "task": settings["task"].get("task"),
        "settings": settings,
        "states": {str(s): n for s, n in counts.items()},
        **totals.describe(),
        "reasons": _reasons(store, step),
        "asked_again": {
            in_words(store.settings_of(name)): n for name, n in store.replies_by_setting(step).items()
        },
        "replaced_replies": sum(1 for _ in store.earlier(step)),
    }


def _reasons(store: Any, step: str) -> dict[str, int]:
    """Count the most frequent reasons why replies are not valid. Quotations from replies are left out."""
    from collections import Counter

    from truetwin.llm import State

    found = Counter(
        f"{call.parsed.state}: {call.parsed.reason.split(': ')[0]}"
        for call in store.calls(step)
        if call.parsed.state is not State.VALID
    )
    return dict(found.most_common(8))


def _print_step(store: Any, step: str, row: dict[str, Any]) -> None:
    from truetwin.cli.output import Column, note, print_table
    from truetwin.results.disclosure import STAND_INS_SAY

    task = row["settings"]["task"]
    counts = store.counts(step)
    total = sum(counts.values())
    if row["task"] == "survey":
        from truetwin.simulation.questions.survey_design import SurveyDesign
        from truetwin.simulation.survey.asked_arms import arms_in_words
        from truetwin.simulation.survey.questionnaire import Questionnaire

        with store.reading():
            asked = Questionnaire.from_settings(task)
            total = asked.n_calls(task["personas"]["count"])
        usual = SurveyDesign().describe()
        design = [f"{k.replace('_', ' ')} {v}" for k, v in task["design"].items() if v != usual[k]]
        note(
            f"survey of {len(asked.items):,} items, {task['personas']['count']:,} personas; design: "
            f"{', '.join(design) or 'the default'}"
        )
        if arms := arms_in_words(asked):
            note(f"arms: {arms}")
    said = STAND_INS_SAY.get(str(row["model"].get("engine")))
    if said:
        note(said)
    print_states(counts, total, title=f"step {step} of {store.path} ({row['model'].get('name')})")
    for words, n in row["asked_again"].items():
        note(f"{n:,} replies were given under other settings, or asked again: {words or 'the same settings'}")
    cost = "" if row["cost"] is None else f", cost {row['cost']:,.4g}"
    note(
        f"{row['requests']:,} requests, {row['prompt_tokens']:,} tokens sent ({row['cached_tokens']:,} cached), "
        f"{row['completion_tokens']:,} received ({row['reasoning_tokens']:,} reasoning){cost}"
    )
    if row["failed_attempts"]:
        note("failed attempts: " + ", ".join(f"{n:,} {kind}" for kind, n in row["failed_attempts"].items()))
    if row["reasons"]:
        reasons = [{"reason": reason, "n": n} for reason, n in row["reasons"].items()]
        print_table(
            reasons, [Column("n", "calls", ",d"), Column("reason", "why not valid", foldable=True)], title=""
        )


def _show_call(store: Any, settings: RunsShowCommand) -> None:
    from dataclasses import asdict

    from truetwin.cli.output import print_json, print_line
    from truetwin.errors import RunError
    from truetwin.llm import Cell

    cell = Cell(str(settings.persona), str(settings.item), settings.step or "answer", settings.replicate)
    call = store.call(cell)
    if call is None:
        raise RunError(
            f"{store.path} holds no reply of persona {cell.persona!r} to {cell.item!r} (replicate {cell.replicate})"
        )
    request = store.request(cell)
    row = {
        "persona": cell.persona,
        "item": cell.item,
        "step": cell.step,
        "replicate": cell.replicate,
        "state": str(call.parsed.state),
        "value": call.parsed.value,
        "reason": call.parsed.reason or None,
        "attempts": call.attempts,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "reply": None if call.reply is None else call.reply.text,
        "finish_reason": None if call.reply is None else call.reply.finish_reason,
        "latency": None if call.reply is None else call.reply.latency,
        "settings": {k: v for k, v in asdict(request.sampling).items() if v not in (None, {})},
        "earlier": [
            {
                "state": str(before.parsed.state),
                "reason": before.parsed.reason or None,
                "reply": None if before.reply is None else before.reply.text,
                "settings": {k: v for k, v in asdict(asked.sampling).items() if v not in (None, {})},
            }
            for before, asked in store.earlier(cell=cell)
        ],
    }
    if settings.as_json:
        print_json("runs show", {"run": str(store.path)}, [row])
        return
    for message in row["messages"]:
        print_line(f"[{message['role']}]\n{message['content']}\n")
    print_line(f"[reply, {row['finish_reason']}]\n{row['reply'] or '(none)'}\n")
    for before in row["earlier"]:
        other = {name: value for name, value in before["settings"].items() if name != "seed"}
        print_line(f"[earlier reply, {before['state']}, settings {other}]\n{before['reply'] or '(none)'}\n")
    reason = f"; {row['reason']}" if row["reason"] else ""
    seed = "" if request.sampling.seed is None else f"; decoding seed: {request.sampling.seed}"
    print_line(f"state: {row['state']}; value: {row['value']}{reason}{seed}")
