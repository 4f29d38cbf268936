"""Verb `truetwin simulate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli import batches, preflight, run_display
from truetwin.cli import dry_run as dry_runs
from truetwin.cli.export import check_export, disclose, export_run
from truetwin.cli.verbs import verb
from truetwin.settings.simulate_settings import SimulateCommand

if TYPE_CHECKING:
    from truetwin.llm import ChatModel, RunOptions, RunSummary, Store
    from truetwin.simulation.survey.growing import Continued

INTERRUPTED = 130
STOPPED_BY_HAND = "interrupted"


@verb(SimulateCommand)
def simulate_command(settings: SimulateCommand) -> int | None:
    """Ask twins survey items through a language model, and keep every reply.

    A stored reply is never paid for again. The same command continues a run that was stopped, and repeats only calls
    that failed. The exit status is 1 if the run is not complete, or if the share of valid answers is below
    --validity-floor.
    """
    from truetwin.cli.output import note
    from truetwin.io import read_items, read_personas
    from truetwin.llm.running.requested_run import connection_of, run_options_of
    from truetwin.llm.store.run_folder import run_store
    from truetwin.simulation.survey.asked_arms import ArmFiles, arm_plan
    from truetwin.simulation.survey.asked_survey import again_of, model_of, remarks_on, survey_of
    from truetwin.simulation.survey.growing import continued_in
    from truetwin.simulation.survey.statistical_twin import open_twin

    if settings.export:
        given = (settings.personas, settings.items, settings.arms, settings.conditions, settings.people)
        check_export(settings.export, given)
    model = model_of(settings)
    people, catalogue = read_personas(settings.personas, settings.id_column), read_items(settings.items)
    files = ArmFiles(settings.arms, settings.conditions, settings.people, settings.id_column)
    survey = survey_of(settings, people, catalogue, seed=settings.seed, arms=arm_plan(settings, files))
    found = continued_in(survey, settings.run)
    options = replace(
        run_options_of(settings, model, shard=settings.shard, seed=settings.seed), again=again_of(settings)
    )
    for text in remarks_on(found.survey):
        note(f"warning: {text}")
    for text in found.sentences:
        note(text)
    if settings.dry_run and not settings.pilot:
        dry_runs.show_dry_run(found, model, options, settings)
        if preflight.is_wanted(settings):
            preflight.look_ahead(open_twin(model, found.survey, **connection_of(settings)))
        return None
    asked = open_twin(model, found.survey, **connection_of(settings))
    assert settings.run is not None
    with run_store(settings.run, resume=settings.resume) as store:
        found.write(store, asked.describe(), options)
        return _carry_out(settings, found, asked, store, options)


def _carry_out(
    settings: SimulateCommand, found: Continued, asked: ChatModel, store: Store, options: RunOptions
) -> int:
    """Ask one by one or through files, then write the answers and report the outcome."""
    from truetwin.simulation.survey.asked_survey import valid_share_of
    from truetwin.simulation.survey.survey_answers import collect_answers
    from truetwin.simulation.survey.suspicious_replies import suspicions

    json, task = settings.as_json, found.task
    if settings.dry_run:
        return dry_runs.show_pilot(found, asked, store, options, settings)
    if settings.give_up:
        batches.give_up_files(store, settings.give_up)
    if settings.write_requests:
        return batches.write_requests(task, asked, store, options, json=json)
    if settings.batch and (code := batches.advance_batches(task, asked, store, options, json=json)):
        return code
    summary = run_display.carry_out(task, asked, store, options, "simulating")
    disclose(asked)
    is_read = settings.export is not None or any(summary.counts.values())
    answers = collect_answers(store, point=settings.point) if is_read else None
    written: list[Path] = []
    if answers is not None and settings.export:
        written = export_run(store, answers, settings.export, long=settings.long, point=settings.point)
    doubts = suspicions(answers, store) if answers is not None else []
    done = _Done(
        summary,
        valid_share_of(found.survey, summary, answers),
        asked,
        store,
        written,
        doubts,
    )
    return _report(settings, done)


@dataclass(frozen=True)
class _Done:
    """Outcome of a simulation."""

    summary: RunSummary
    valid: float | None
    model: ChatModel
    store: Store
    written: Sequence[Path]
    suspicions: Sequence[str]


def advice(summary: RunSummary, waiting: int = 0, again: Sequence[str] = ()) -> list[str]:
    """Say what can be done about calls that have no valid answer. ``waiting`` of them wait for replies in files."""
    from truetwin.llm import State

    counts, found = summary.counts, []
    skipped = counts[State.SKIPPED]
    rest = max(0, summary.remaining - waiting - skipped)
    if rest and again and State.PROVIDER_ERROR not in again:
        found.append(f"{rest:,} calls have no reply; the command without --again asks them, and nothing else")
    elif rest:
        found.append(f"{rest:,} calls have no reply; the same command asks them again and nothing else")
    if skipped:
        found.append(
            f"{skipped:,} calls are longer than the limit and were not sent: shorten the personas (`truetwin personas "
            "build --builder summary`), or raise --context-tokens and run the command again"
        )
    if counts[State.TOO_LONG]:
        found.append(
            f"{counts[State.TOO_LONG]:,} calls are longer than the model's context, and it would reject them again: "
            "shorten the personas (`truetwin personas build --builder summary`) in a new run; or serve the model with "
            "a larger context (or ask for fewer --max-tokens) and ask only these with --again too-long"
        )
    if counts[State.TRUNCATED] and not summary.stopped:
        found.append(
            f"{counts[State.TRUNCATED]:,} replies were cut off: --again truncated with a larger --max-tokens (or "
            "--reply schema) asks only these again"
        )
    if counts[State.UNPARSEABLE] and not summary.stopped:
        found.append(
            f"{counts[State.UNPARSEABLE]:,} replies cannot be read: --again unparseable, for instance with --reply "
            "schema, asks only these again"
        )
    return found


def _report(settings: SimulateCommand, done: _Done) -> int:
    from truetwin.cli.export import print_states
    from truetwin.cli.output import note, print_json

    summary, valid, floor, run = done.summary, done.valid, settings.validity_floor, settings.run
    below = valid is not None and valid < floor
    described = {
        "run": str(done.store.path),
        "model": done.model.describe(),
        "n_calls": summary.total,
        "asked_now": summary.asked,
        "remaining": summary.remaining,
        "waiting": sum(done.store.waiting().values()),
        "valid_share": valid,
        "validity_floor": floor,
        "stopped": summary.stopped or None,
        "seconds": summary.seconds,
        "cost_now": summary.cost,
        "prompt_tokens_now": summary.usage.prompt_tokens,
        "completion_tokens_now": summary.usage.completion_tokens,
        "reasoning_tokens_now": summary.usage.reasoning_tokens,
        "failed_attempts_now": dict(summary.failed_attempts),
        "may_have_been_paid_without_answer": summary.interrupted,
        "written": [str(p) for p in done.written],
        "suspicions": list(done.suspicions),
    }
    rows = [
        {"state": str(s), "calls": n, "share": n / max(summary.total, 1)} for s, n in summary.counts.items()
    ]
    if settings.as_json:
        print_json("simulate", described, rows)
    else:
        print_states(summary.counts, summary.total, title=f"calls of {run} ({done.model.name})")
        used = summary.usage
        spent = "" if summary.cost is None else f", cost {summary.cost:,.4g}"
        note(
            f"now: {summary.asked:,} calls in {summary.seconds:,.1f} s, {used.prompt_tokens:,} tokens sent, "
            f"{used.completion_tokens:,} received ({used.reasoning_tokens:,} reasoning){spent}"
        )
        if summary.failed_attempts:
            note(
                "failed attempts: "
                + ", ".join(f"{n:,} {kind}" for kind, n in summary.failed_attempts.items())
            )
        for path in done.written:
            note(f"written: {path}")
        if summary.stopped:
            note(f"stopped: {summary.stopped}")
        for text in done.suspicions:
            note(f"warning: {text}")
        for text in advice(summary, batches.note_waiting(done.store), again=settings.again):
            note(text)
        if below:
            note(f"only {valid:.1%} of the answers are valid, less than the floor of {floor:.0%}; "
                 f"`truetwin runs show {run}` says why")  # fmt: skip
    if summary.stopped == STOPPED_BY_HAND:
        return INTERRUPTED
    return 1 if summary.remaining or below else 0
