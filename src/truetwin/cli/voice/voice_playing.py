"""Show the progress of a benchmark run, the prompts it would send, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.run_display import progress_line

if TYPE_CHECKING:
    from truetwin.llm import Progress
    from truetwin.voice.jobs.asked_playing import PlayedItems
    from truetwin.voice.protocols.voice_task import VoiceTask


@contextmanager
def step_lines() -> Iterator[Callable[[str, Progress], None]]:
    """Show a line of progress for each step, one after the other."""
    with ExitStack() as lines:
        shown: dict[str, Callable[[Progress], None]] = {}
        noted: set[str] = set()

        def show(step: str, progress: Progress) -> None:
            if step not in shown:
                lines.pop_all().close()
                shown[step] = lines.enter_context(progress_line(step, noted))
            shown[step](progress)

        yield show


def show_outcomes(command: str, done: PlayedItems, settings: Mapping[str, Any], *, json: bool) -> None:
    """Show the scores of the outcomes that were just written, and the tokens they used."""
    from truetwin.cli.output import note, print_json
    from truetwin.cli.voice.voice_score import print_score
    from truetwin.voice.scoring.score_table import score_answers
    from truetwin.voice.scoring.stored_answers import read_answers

    board = score_answers([read_answers(path) for path in done.files], items=done.items)
    summaries = done.played.summaries
    for line in board.notes:
        note(line)
    if json:
        print_json(
            command,
            {**settings, "unit": "percent", "files": [str(path) for path in done.files]},
            board.rows(),
            steps=[summary.to_row(step) for step, summary in summaries.items()],
        )
        return
    print_score(board)
    for step, summary in summaries.items():
        note(f"{step}: {summary.in_words}")
    for path in done.files:
        note(f"outcomes: {path}")


def show_prompts(tasks: Sequence[VoiceTask], *, json: bool) -> None:
    """Show what would be sent: the number of calls, their length, and the first prompt of each step."""
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
        print_line(str(row["first_prompt"]))
