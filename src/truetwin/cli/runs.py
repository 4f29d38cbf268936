"""`truetwin runs show|export|reparse|import|merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from truetwin.cli import model_options as ro
from truetwin.cli.export import (
    Long,
    Point,
    ValidityFloor,
    check_export,
    check_floor,
    export_run,
    print_states,
)
from truetwin.cli.shared_options import Json

app = typer.Typer(help="Look at stored runs of models, and take answers out of them.", no_args_is_help=True,
                  rich_markup_mode=None)  # fmt: skip

Run = Annotated[Path, typer.Argument(help="Folder of a run.")]


@app.command("show")
def show_command(
    run: Run,
    persona: Annotated[
        str | None, typer.Option(help="Show prompt and raw reply of one call: of this persona ...")
    ] = None,
    item: Annotated[str | None, typer.Option(help="... and this item (or group of items).")] = None,
    replicate: Annotated[int, typer.Option(help="Which replicate of it.")] = 0,
    step: Annotated[str | None, typer.Option(help="Only this step. [default: all]")] = None,
    json: Json = False,
) -> None:
    """Say what a run asked, how its calls ended, and what they used; or show one call in full."""
    from truetwin.cli.output import print_json
    from truetwin.errors import ParameterError
    from truetwin.llm import Store

    if (persona is None) != (item is None):
        raise ParameterError("one call is named by both --persona and --item")
    with Store(_file(run), create=False) as store:
        if persona is not None and item is not None:
            _show_call(store, persona, item, step or "answer", replicate, json=json)
            return
        steps = [step] if step else store.steps()
        rows = [_step_row(store, each) for each in steps]
        if json:
            print_json("runs show", {"run": str(store.path)}, rows)
            return
        for each, row in zip(steps, rows, strict=True):
            _print_step(store, each, row)


@app.command("export")
def export_command(
    run: Run,
    output: Annotated[Path, typer.Option(help="Where to write the answers: CSV, TSV or Parquet.")],
    long: Long = False,
    point: Point = "expected",
    replicate: Annotated[
        int | None,
        typer.Option(help="Only this replicate. [default: the mean, or the most frequent, of all]"),
    ] = None,
    validity_floor: ValidityFloor = 0.9,
    json: Json = False,
) -> Any:
    """Write a run's answers as the table that `calibrate` and `reweight` read.

    Beside OUTPUT go NAME.json (model, settings, states, usage), NAME.not-valid.ENDING (every reply without a valid
    answer) and, where distributions were asked for, NAME.distributions.ENDING.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.llm import State, Store
    from truetwin.simulation.survey.survey_answers import collect_answers

    check_floor(validity_floor)
    check_export(output, [])
    with Store(_file(run), create=False) as store:
        written = export_run(store, output, long=long, point=point, replicate=replicate)
        answers = collect_answers(store, replicate=replicate)
    share = answers.valid_share
    missing = answers.n_not_asked + answers.states[State.PROVIDER_ERROR] + answers.states[State.SKIPPED]
    settings = {
        "run": str(run),
        "disclosure": answers.disclosure,
        "written": [str(p) for p in written],
        "valid_share": share,
        "validity_floor": validity_floor,
        "n_expected": answers.n_expected,
        "n_without_a_reply": missing,
    }
    rows = [{"item_id": i, **{str(s): n for s, n in c.items()}} for i, c in answers.counts.items()]
    if json:
        print_json("runs export", settings, rows)
    else:
        note(answers.disclosure)
        print_states(answers.states, answers.n_expected, title=f"answers of {run}, one an item")
        for path in written:
            note(f"written: {path}")
        if missing:
            note(f"{missing:,} answers are still to come; the run is not complete")
        if share is not None and share < validity_floor:
            note(f"only {share:.1%} of the answers are valid, less than the floor of {validity_floor:.0%}")
    return 1 if missing or share is None or share < validity_floor else 0


@app.command("reparse")
def reparse_command(run: Run, json: Json = False) -> None:
    """Read every stored reply anew, without a call: after an update that reads better, answers may become valid."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm import Store
    from truetwin.simulation.survey.rereading import reread

    with Store(_file(run), create=False) as store:
        before = {step: store.counts(step) for step in store.steps()}
        changed = reread(store)
        rows = [
            {
                "step": step,
                "changed": n,
                "valid_before": before[step]["valid"],  # type: ignore[index]
                "valid_now": store.counts(step)["valid"],  # type: ignore[index]
            }
            for step, n in changed.items()
        ]
    if json:
        print_json("runs reparse", {"run": str(run)}, rows)
        return
    for row in rows:
        note(
            f"step {row['step']}: {row['changed']:,} readings changed; {row['valid_before']:,} were valid, "
            f"{row['valid_now']:,} are now"
        )


@app.command("import")
def import_command(
    run: Run,
    replies: Annotated[
        Path, typer.Argument(help="JSON lines with custom_id and response, as batch services write them.")
    ],
    price_in: ro.PriceIn = None,
    price_out: ro.PriceOut = None,
    json: Json = False,
) -> Any:
    """Take in replies to the request files of `simulate --write-requests`, in any order and any number of files."""
    from truetwin.cli.output import note, print_json
    from truetwin.errors import ParameterError
    from truetwin.io.readable_files import check_is_file
    from truetwin.llm import Prices, Store
    from truetwin.simulation.survey.rereading import import_stored

    if (price_in is None) != (price_out is None):
        raise ParameterError("prices must be given for both directions: --price-in and --price-out")
    prices = None if price_in is None or price_out is None else Prices(price_in, price_out)
    with Store(_file(run), create=False) as store:
        found = import_stored(store, check_is_file(replies), prices)
        waiting = sum(store.waiting().values())
    row = {
        "answered": found.answered,
        "failed": found.failed,
        "unexpected": found.unexpected,
        "unreadable": found.unreadable,
        "waiting": waiting,
    }
    if json:
        print_json("runs import", {"run": str(run), "replies": str(replies)}, [row])
    else:
        note(f"{found.answered:,} replies taken in, {found.failed:,} failures; {waiting:,} calls still wait")
        if found.unexpected or found.unreadable:
            note(
                f"left alone: {found.unexpected:,} lines that answer nothing open, {found.unreadable:,} unreadable"
            )
    return 1 if found.failed or found.unreadable or waiting else 0


@app.command("merge")
def merge_command(
    target: Annotated[
        Path, typer.Argument(help="Folder of the run to put all into; begun if there is none.")
    ],
    sources: Annotated[
        list[Path], typer.Argument(help="Folders of runs with the same settings (`simulate --shard`).")
    ],
    json: Json = False,
) -> None:
    """Put the parts of a run that several machines have done into one."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm.store.merging import merge_stores

    files = [_file(source) for source in sources]
    with ro.run_store(target) as store:
        merged = merge_stores(store, files)
        total = sum(store.counts().values())
    if json:
        settings = {
            "target": str(target),
            "taken": merged.taken,
            "duplicates": merged.duplicates,
            "calls": total,
        }
        print_json("runs merge", settings, [{"source": str(s)} for s in sources])
        return
    note(f"{merged.taken:,} answers taken over from {len(sources)} runs; {target} now holds {total:,} calls")
    if merged.duplicates:
        note(f"{merged.duplicates:,} were answered twice; the target's own stay")


def _file(run: Path) -> Path:
    from truetwin.errors import RunError
    from truetwin.llm.store.run_file import FILE_NAME

    file = run / FILE_NAME if run.is_dir() else run
    if not file.exists():
        raise RunError(f"there is no run at {run}")
    return file


def _step_row(store: Any, step: str) -> dict[str, Any]:
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
    }


def _reasons(store: Any, step: str) -> dict[str, int]:
    """The commonest reasons why replies are not valid, with what is shown of the reply left out."""
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
    from truetwin.simulation.survey.survey_answers import STAND_INS_SAY

    task = row["settings"]["task"]
    counts = store.counts(step)
    total = sum(counts.values())
    if row["task"] == "survey":
        from truetwin.simulation.questions.survey_design import SurveyDesign
        from truetwin.simulation.survey.questionnaire import Questionnaire

        asked = Questionnaire.from_settings(task)
        total = task["personas"]["count"] * len(asked.groups) * asked.design.replicates
        usual = SurveyDesign().describe()
        design = [f"{k.replace('_', ' ')} {v}" for k, v in task["design"].items() if v != usual[k]]
        note(
            f"survey of {len(asked.items):,} items, {task['personas']['count']:,} personas; design: "
            f"{', '.join(design) or 'the default'}"
        )
    said = STAND_INS_SAY.get(str(row["model"].get("engine")))
    if said:
        note(said)
    print_states(counts, total, title=f"step {step} of {store.path} ({row['model'].get('name')})")
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


def _show_call(store: Any, persona: str, item: str, step: str, replicate: int, *, json: bool) -> None:
    from truetwin.cli.output import print_json, printable
    from truetwin.errors import RunError
    from truetwin.llm import Cell

    cell = Cell(persona, item, step, replicate)
    call = store.call(cell)
    if call is None:
        raise RunError(
            f"{store.path} holds no reply of persona {persona!r} to {item!r} (replicate {replicate})"
        )
    request = store.request(cell)
    row = {
        "persona": persona,
        "item": item,
        "step": step,
        "replicate": replicate,
        "state": str(call.parsed.state),
        "value": call.parsed.value,
        "reason": call.parsed.reason or None,
        "attempts": call.attempts,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "reply": None if call.reply is None else call.reply.text,
        "finish_reason": None if call.reply is None else call.reply.finish_reason,
        "latency": None if call.reply is None else call.reply.latency,
    }
    if json:
        print_json("runs show", {"run": str(store.path)}, [row])
        return
    for message in row["messages"]:
        print(f"[{message['role']}]\n{printable(message['content'])}\n")
    print(f"[reply, {row['finish_reason']}]\n{printable(row['reply'] or '(none)')}\n")
    reason = f"; {row['reason']}" if row["reason"] else ""
    print(printable(f"state: {row['state']}; value: {row['value']}{reason}"))
