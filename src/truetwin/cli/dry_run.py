"""Carry out `truetwin simulate --dry-run`: show what would be sent, and what it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from truetwin.cli import run_display
from truetwin.cli.export import disclose
from truetwin.cli.output import print_line

if TYPE_CHECKING:
    from pathlib import Path

    from truetwin.llm import Cell, ChatModel, RunOptions, Store
    from truetwin.llm.running.open_cells import OpenCells
    from truetwin.settings.simulate_settings import SimulateCommand
    from truetwin.simulation.survey.growing import Continued
    from truetwin.simulation.survey.survey_task import SurveyTask


def show_dry_run(found: Continued, model: str, options: RunOptions, settings: SimulateCommand) -> None:
    """Show the exact prompts and the number and size of calls. Nothing is sent.

    Of a run that exists, only the calls count that the command would make.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.llm.running.forecast import forecast
    from truetwin.simulation.survey.asked_arms import arms_in_words

    task = found.survey
    arms = arms_in_words(task.questionnaire)
    whole = _cells(task, options)
    opened = _open_cells(found, whole, options, settings.run)
    cells = whole if opened is None else list(opened.cells)
    size = forecast(task, cells)
    prompt_cost, most = None, None
    if options.prices is not None:
        prompt_cost = size.prompt_tokens * options.prices.prompt / 1e6
        if task.sampling.max_tokens is not None:
            most = len(cells) * task.sampling.max_tokens * options.prices.completion / 1e6
    described = {
        "model": model,
        "n_calls": size.n_calls,
        "n_personas": len(task.personas),
        "n_items": len(task.items),
        "arms": arms or None,
        "design": task.design.describe(),
        "prompt_tokens": size.prompt_tokens,
        "longest_prompt_tokens": size.longest,
        "prompt_cost": prompt_cost,
        "most_for_replies": most,
        "settings": task.settings,
    }
    if opened is not None:
        described["asked_again"] = {str(state): n for state, n in opened.states.items()}
        described["n_answered"] = len(whole) - len(cells)
    if settings.as_json:
        print_json("simulate", described, _prompts(task, cells, settings.show))
        return
    _print_prompts(task, cells, settings.show)
    n_groups = len(set(task.questionnaire.group_of.values()))
    note(
        f"{len(whole):,} calls ({len(task.personas):,} personas, {len(task.items):,} items in {n_groups:,} "
        f"groups, {task.design.replicates} each); about {size.prompt_tokens:,} tokens sent, {size.longest:,} in the "
        "longest prompt"
    )
    if opened is not None:
        note(
            f"of these, {len(whole) - len(cells):,} stay as {settings.run} holds them; {len(cells):,} would be made: "
            f"{opened.in_words}"
        )
    if arms:
        note(f"arms: {arms}")
    if prompt_cost is not None:
        replies = "" if most is None else f", and at most {most:,.4g} for the replies"
        note(f"about {prompt_cost:,.4g} for what is sent, if nothing is cached{replies}")
    note(
        "nothing was sent. Length and cost of replies are not known: --pilot N makes and pays N calls to estimate them"
    )


def _open_cells(
    found: Continued, cells: Sequence[Cell], options: RunOptions, folder: Path | None
) -> OpenCells | None:
    """Find the cells that the command would ask; None if there is no run yet."""
    from truetwin.errors import RunError
    from truetwin.llm.running.open_cells import open_cells
    from truetwin.llm.store.run_file import RunFile, file_of
    from truetwin.simulation.survey.growing import GROWING

    if folder is None or not file_of(folder).is_file():
        if options.again is not None:
            raise RunError(f"only a run that has replies can be asked again; there is none at {folder}")
        return None
    if found.grows:
        options = replace(options, may_differ=(*options.may_differ, *GROWING))
    with RunFile(folder) as run:
        return open_cells(found.task, run, cells, options)


def show_pilot(
    found: Continued, model: ChatModel, store: Store, options: RunOptions, settings: SimulateCommand
) -> int:
    """Make and pay the pilot's calls, and show a forecast of the whole run. Returns 1 if no forecast is possible."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.llm import PartOfTask, Shard
    from truetwin.llm.running.forecast import forecast_from_pilot, pilot_cells
    from truetwin.llm.running.open_cells import open_cells

    task, count = found.survey, settings.pilot
    cells = _cells(task, options)
    if options.again is not None:
        cells = list(open_cells(found.task, store, cells, options).cells)
    chosen = pilot_cells(cells, count, settings.seed)
    part = PartOfTask(task, chosen, settings=found.task.settings)
    summary = run_display.carry_out(part, model, store, replace(options, shard=Shard()), "pilot")
    disclose(model)
    total = forecast_from_pilot(store, chosen, len(cells), options.prices)
    rows = []
    if total is not None:
        for what, estimate in (
            ("tokens sent", total.prompt_tokens),
            ("tokens received", total.completion_tokens),
            ("of these, reasoning", total.reasoning_tokens),
            ("cost", total.cost),
        ):
            if estimate is not None:
                rows.append(
                    {"total": what, "low": estimate.low, "mean": estimate.mean, "high": estimate.high}
                )
    described = {
        "model": model.describe(),
        "n_calls": len(cells),
        "n_pilot": count,
        "pilot_states": {str(s): n for s, n in summary.counts.items()},
        "pilot_cost": summary.cost,
        "confidence": 0.9,
    }
    if settings.as_json:
        print_json("simulate", described, rows)
    else:
        _print_prompts(task, cells, settings.show)
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
    return 0 if total is not None else 1


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
    places = sorted({round(k * (len(cells) - 1) / max(show - 1, 1)) for k in range(show)}) if cells else []
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

    for found in _prompts(task, cells, show):
        print_line(
            f"--- prompt for persona {found['persona']}, item {found['item']}, replicate {found['replicate']} ---"
        )
        for message in found["messages"]:
            print_line(f"[{message['role']}]\n{message['content']}\n")
        for name in ("schema", "prediction"):
            if found[name] is not None:
                text = found[name] if name == "prediction" else dumps(found[name])
                print_line(f"[{name}]\n{text}\n")
