"""Carry out `truetwin simulate --dry-run`: show what would be sent, and what it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from truetwin.cli import run_display
from truetwin.cli.export import disclose

if TYPE_CHECKING:
    from truetwin.llm import Cell, ChatModel, RunOptions, Store
    from truetwin.simulation.survey.survey_task import SurveyTask


def show_dry_run(task: SurveyTask, model: str, options: RunOptions, show: int, *, json: bool) -> None:
    """Show the exact prompts and the size of the whole run. Nothing is sent."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm.running.forecast import forecast
    from truetwin.simulation.survey.asked_arms import arms_in_words

    arms = arms_in_words(task.questionnaire)
    cells = _cells(task, options)
    found = forecast(task, cells)
    prompt_cost = None
    if options.prices is not None:
        prompt_cost = found.prompt_tokens * options.prices.prompt / 1e6
    settings = {
        "model": model,
        "n_calls": found.n_calls,
        "n_personas": len(task.personas),
        "n_items": len(task.items),
        "arms": arms or None,
        "design": task.design.describe(),
        "prompt_tokens": found.prompt_tokens,
        "longest_prompt_tokens": found.longest,
        "prompt_cost": prompt_cost,
        "settings": task.settings,
    }
    if json:
        print_json("simulate", settings, _prompts(task, cells, show))
        return
    _print_prompts(task, cells, show)
    n_groups = len(set(task.questionnaire.group_of.values()))
    note(
        f"{found.n_calls:,} calls ({len(task.personas):,} personas, {len(task.items):,} items in {n_groups:,} "
        f"groups, {task.design.replicates} each); about {found.prompt_tokens:,} tokens sent, {found.longest:,} in the "
        "longest prompt"
    )
    if arms:
        note(f"arms: {arms}")
    if prompt_cost is not None:
        note(f"about {prompt_cost:,.4g} for what is sent, if nothing is cached")
    note(
        "nothing was sent. Length and cost of replies are not known: --pilot N makes and pays N calls to estimate them"
    )


def show_pilot(
    task: SurveyTask,
    model: ChatModel,
    store: Store,
    options: RunOptions,
    count: int,
    seed: int,
    show: int,
    *,
    json: bool,
) -> int:
    """Make and pay the pilot's calls, and show a forecast of the whole run. Returns 1 if no forecast is possible."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.llm import PartOfTask, Shard
    from truetwin.llm.running.forecast import forecast_from_pilot, pilot_cells

    cells = _cells(task, options)
    chosen = pilot_cells(cells, count, seed)
    summary = run_display.carry_out(
        PartOfTask(task, chosen), model, store, replace(options, shard=Shard()), "pilot"
    )
    disclose(model)
    found = forecast_from_pilot(store, chosen, len(cells), options.prices)
    rows = []
    if found is not None:
        for what, estimate in (
            ("tokens sent", found.prompt_tokens),
            ("tokens received", found.completion_tokens),
            ("of these, reasoning", found.reasoning_tokens),
            ("cost", found.cost),
        ):
            if estimate is not None:
                rows.append(
                    {"total": what, "low": estimate.low, "mean": estimate.mean, "high": estimate.high}
                )
    settings = {
        "model": model.describe(),
        "n_calls": len(cells),
        "n_pilot": count,
        "pilot_states": {str(s): n for s, n in summary.counts.items()},
        "pilot_cost": summary.cost,
        "confidence": 0.9,
    }
    if json:
        print_json("simulate", settings, rows)
    else:
        _print_prompts(task, cells, show)
        columns = [
            Column("total", "total of the run"),
            *(Column(n, n, ",.6g") for n in ("low", "mean", "high")),
        ]
        print_table(rows, columns, title=f"estimate for {len(cells):,} calls from {count} (90% interval)")
        states = ", ".join(f"{n:,} {s}" for s, n in summary.counts.items() if n)
        note(f"pilot: {states}" + ("" if summary.cost is None else f"; it cost {summary.cost:,.4g}"))
        if options.prices is None:
            note("no prices were given (--price-in, --price-out), so cost is unknown")
        if count < 30:
            note("costs are skewed: with a pilot of fewer than 30 calls, the upper end is somewhat too low")
    return 0 if found is not None else 1


def _cells(task: SurveyTask, options: RunOptions) -> list[Cell]:
    from truetwin.errors import DataError

    cells = [cell for cell in task.cells() if options.shard.holds(cell)]
    if not cells:
        shard = f"{options.shard.number}/{options.shard.count}"
        raise DataError(
            f"a dry run needs a persona to show; none of the {len(task.personas):,} is in shard {shard}"
        )
    return cells


def _prompts(task: SurveyTask, cells: Sequence[Cell], show: int) -> list[dict[str, Any]]:
    places = sorted({round(k * (len(cells) - 1) / max(show - 1, 1)) for k in range(show)})
    found = []
    for place in places:
        cell = cells[place]
        request = task.request(cell)
        found.append(
            {
                "persona": cell.persona,
                "item": cell.item,
                "replicate": cell.replicate,
                "messages": [{"role": m.role, "content": m.content} for m in request.messages],
                "schema": request.schema,
                "prediction": request.prediction,
            }
        )
    return found


def _print_prompts(task: SurveyTask, cells: Sequence[Cell], show: int) -> None:
    from json import dumps

    from truetwin.cli.output import printable

    for found in _prompts(task, cells, show):
        print(
            printable(
                f"--- prompt for persona {found['persona']}, item {found['item']}, replicate {found['replicate']} ---"
            )
        )
        for message in found["messages"]:
            print(f"[{message['role']}]\n{printable(message['content'])}\n")
        for name in ("schema", "prediction"):
            if found[name] is not None:
                text = printable(found[name]) if name == "prediction" else dumps(found[name])
                print(f"[{name}]\n{text}\n")
