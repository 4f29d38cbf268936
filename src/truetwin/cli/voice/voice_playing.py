"""What the verbs that ask models share: options about items, players, results of a run."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from truetwin.cli.model_options import RunChoices, progress_line
from truetwin.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from truetwin.llm import Progress, RunSummary
    from truetwin.voice.items.voice_items import VoiceItem
    from truetwin.voice.protocols.outcomes import Outcome, Protocol
    from truetwin.voice.protocols.playing import Player
    from truetwin.voice.protocols.voice_task import VoiceTask

T = TypeVar("T")

Items = Annotated[
    str,
    typer.Argument(help="The items: 'narrative' (the published ones), or a JSONL file in any known layout."),
]
Profiles = Annotated[
    Path | None,
    typer.Option(help="Profiles that go with a file of narrative items. [default: profiles.jsonl beside it]"),
]
Model = Annotated[
    str, typer.Option("--model", help="Who plays the personas: the provider's name, or scripted:FILE.")
]
JudgeModel = Annotated[
    str | None,
    typer.Option("--judge-model", help="Who judges free replies. [no default: a model must be named]"),
]
JudgeBaseUrl = Annotated[
    str | None, typer.Option("--judge-base-url", help="The judge's endpoint. [default: as --base-url]")
]
JudgeEngine = Annotated[
    str | None, typer.Option("--judge-engine", help="How the judge is reached. [default: as --engine]")
]
JudgeKeyVariable = Annotated[
    str | None,
    typer.Option("--judge-key-variable", help="Variable with the judge's key. [default: as --key-variable]"),
]
RunFolder = Annotated[
    Path,
    typer.Option(
        "--run",
        help="Folder of the run: raw replies (run.sqlite) and outcomes (one JSONL a protocol). The same command again "
        "continues it and pays for nothing twice.",
    ),
]
History = Annotated[
    int, typer.Option(help="Turns of history that are shown, latest ones; 0 for none.", min=0)
]
Rotations = Annotated[
    int,
    typer.Option(help="Orders of options each item is asked in; 4 measures position bias.", min=1, max=4),
]
Seed = Annotated[int, typer.Option(help="Seed of the order of options (and of swapped histories).")]
Control = Annotated[
    str,
    typer.Option(
        help="Control run: no-history, no-persona (no profile either), or swapped (another person's); none for none."
    ),
]
Limit = Annotated[int | None, typer.Option(help="Only the first so many items.", min=1)]
Temperature = Annotated[
    str, typer.Option("--temperature", help="Of decoding; 'none' leaves it to the endpoint.")
]
JudgeTemperature = Annotated[
    str, typer.Option("--judge-temperature", help="The judge's; 'none' leaves it to the endpoint.")
]
Structured = Annotated[
    bool,
    typer.Option(
        "--structured/--no-structured",
        help="Ask for replies by a JSON schema too, where the endpoint knows that.",
    ),
]
ContextTokens = Annotated[
    int,
    typer.Option("--context-tokens", help="Longest prompt, in tokens; a longer one is never sent.", min=1),
]


def temperature_of(text: str) -> float | None:
    """A temperature, or None for the endpoint's own."""
    if text.strip().lower() == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"a temperature must be a number or 'none'; got {text!r}") from None


def protocols_of(text: str) -> list[Protocol]:
    """Protocols from a comma-separated list; ``judged`` stands for all that need a judge."""
    from truetwin.registry import closest
    from truetwin.voice.protocols.outcomes import Protocol
    from truetwin.voice.protocols.playing import JUDGED

    found: list[Protocol] = []
    for name in (part.strip() for part in text.split(",") if part.strip()):
        if name == "judged":
            found += [Protocol.REPLY, *JUDGED]
        elif name in set(Protocol):
            found.append(Protocol(name))
        else:
            known = [*(p.value for p in Protocol), "judged"]
            raise UnknownNameError(
                f"a protocol must be one of {', '.join(known)}; got {name!r}.{closest(name, known)}"
            )
    if not found:
        raise ParameterError("at least one protocol must be named")
    return list(dict.fromkeys(found))


def open_player(
    model: str,
    base_url: str | None,
    engine: str,
    key_variable: str | None,
    choices: RunChoices,
    context_tokens: int,
) -> Player:
    """A model, ready to be asked."""
    from truetwin.llm import open_model
    from truetwin.voice.protocols.playing import Player

    if model.partition(":")[0] == "generated":
        raise ParameterError(
            "the statistical stand-in 'generated' answers survey items only; without a key, voices can be played by "
            "scripted:FILE"
        )
    opened = open_model(
        model,
        base_url=base_url,
        engine=engine,
        key_variable=key_variable,
        concurrency=choices.concurrency,
    )
    return Player(opened, choices.run_options(model, context_tokens))


def carry_out(
    work: Callable[[Callable[[str, Progress], None]], Coroutine[Any, Any, T]], *players: Player | None
) -> T:
    """Do a run, one line of progress a step."""
    from truetwin.voice.protocols.playing import blocking

    with ExitStack() as lines:
        shown: dict[str, Callable[[Progress], None]] = {}

        def show(step: str, progress: Progress) -> None:
            if step not in shown:
                lines.pop_all().close()
                shown[step] = lines.enter_context(progress_line(step))
            shown[step](progress)

        return blocking(work(show), *players)


def write_outcomes_of(run: Path, outcomes: Sequence[Outcome]) -> list[Path]:
    """One file a protocol beside the stored replies."""
    from truetwin.voice.protocols.outcomes import write_outcomes

    folder = run.parent if run.suffix == ".sqlite" else run
    by_protocol: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_protocol.setdefault(outcome.protocol.value, []).append(outcome)
    written = []
    for name, found in by_protocol.items():
        written.append(folder / f"{name}.jsonl")
        write_outcomes(written[-1], found)
    return written


def show_outcomes(
    command: str,
    files: Sequence[Path],
    items: Sequence[VoiceItem],
    summaries: dict[str, RunSummary],
    settings: dict[str, Any],
    *,
    json: bool,
) -> None:
    """Scores of what was just written, and what it took."""
    from truetwin.cli.output import note, print_json
    from truetwin.cli.voice.voice_score import print_score
    from truetwin.voice.scoring.score_table import score_answers
    from truetwin.voice.scoring.stored_answers import read_answers

    board = score_answers([read_answers(path) for path in files], items=items)
    for line in board.notes:
        note(line)
    if json:
        print_json(
            command,
            {**settings, "unit": "percent", "files": [str(path) for path in files]},
            board.rows(),
            steps=[summary_row(step, summary) for step, summary in summaries.items()],
        )
        return
    print_score(board)
    for step, summary in summaries.items():
        note(f"{step}: {_in_words(summary)}")
    for path in files:
        note(f"outcomes: {path}")


def summary_row(step: str, summary: RunSummary) -> dict[str, Any]:
    """What a step asked and used, for machines."""
    row = {**asdict(summary), "step": step}
    row["counts"] = {state.value: n for state, n in summary.counts.items() if n}
    return row


def _in_words(summary: RunSummary) -> str:
    tokens = summary.usage.prompt_tokens + summary.usage.completion_tokens
    ended = sum(summary.counts.values())
    parts = [f"{summary.asked:,} of {summary.total:,} asked"]
    if ended > summary.asked:
        parts.append(f"{ended - summary.asked:,} answered before")
    parts.append(f"{tokens:,} tokens")
    if summary.cost is not None:
        parts.append(f"cost {summary.cost:,.4g}")
    parts += [f"{n:,} failed attempts ({kind})" for kind, n in summary.failed_attempts.items()]
    if summary.stopped:
        parts.append(f"stopped: {summary.stopped}")
    return ", ".join([*parts, f"{summary.seconds:,.1f} s"])


def show_prompts(tasks: Sequence[VoiceTask], *, json: bool) -> None:
    """What would be sent: how many calls, how long, and the first prompt of each step."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm import estimated_tokens

    rows = []
    for task in tasks:
        requests = [task.request(cell) for cell in task.cells()]
        prompt = "\n".join(f"--- {m.role}\n{m.content}" for m in requests[0].messages)
        tokens = sum(map(estimated_tokens, requests))
        rows.append({"step": task.step, "n": len(requests), "prompt_tokens": tokens, "first_prompt": prompt})
    if json:
        print_json("voice run", {"dry_run": True}, rows)
        return
    for row in rows:
        note(f"{row['step']}: {row['n']:,} calls, about {row['prompt_tokens']:,} tokens sent; the first:")
        print(row["first_prompt"])
