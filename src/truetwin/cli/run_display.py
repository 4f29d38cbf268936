"""Carry out a run of a model, and show how it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetwin.llm import ChatModel, Progress, RunOptions, RunSummary, Store, Task

EVERY = 60.0  # seconds between progress lines where there is no terminal


def carry_out(task: Task, model: ChatModel, store: Store, options: RunOptions, label: str) -> RunSummary:
    """Do a run and show how it goes."""
    from truetwin.cli.output import note
    from truetwin.llm import run

    with progress_line(label) as show:
        summary = run(task, model, store, options, progress=show)
    if summary.interrupted:
        note(
            f"{summary.interrupted:,} calls were under way when an earlier process died, and may have been paid"
        )
    return summary


@contextmanager
def progress_line(label: str, noted: set[str] | None = None) -> Iterator[Callable[[Progress], None]]:
    """Show rate, tokens, money and failures while a run goes: a live line on a terminal, else a line every minute.

    Remarks on the endpoint are said as they come, except those in ``noted``, which holds what was said before.
    """
    from truetwin.cli.output import note, printable

    told_before = set() if noted is None else noted

    def note_fresh(progress: Progress) -> None:
        for text in progress.notes:
            if text not in told_before:
                told_before.add(text)
                note(text if "the endpoint" in text else f"the endpoint: {text}")

    if not sys.stderr.isatty():
        last, told, said = time.monotonic(), False, ""

        def show_line(progress: Progress) -> None:
            nonlocal last, told, said
            note_fresh(progress)
            if progress.waiting_for and not said:
                said = progress.waiting_for
                note(f"{label}: {describe_progress(progress)}")
            waits = progress.stopping == "interrupted" and progress.in_flight > 0
            if time.monotonic() - last >= EVERY or (waits and not told):
                last, told = time.monotonic(), told or waits
                note(f"{label}: {describe_progress(progress)}")

        yield show_line
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    with Live(Text(printable(label)), console=console, transient=True, refresh_per_second=4) as live:

        def show_live(progress: Progress) -> None:
            note_fresh(progress)
            live.update(Text(printable(f"{label}: {describe_progress(progress)}"), overflow="fold"))

        yield show_live


def describe_progress(progress: Progress) -> str:
    """Describe a run under way in one line."""
    from truetwin.llm import State

    parts = [f"{progress.done:,}/{progress.total:,}", f"{progress.rate:,.1f}/s"]
    left = progress.remaining_seconds
    if left is not None and progress.done < progress.total:
        parts.append(f"{_clock(left)} left")
    tokens = progress.usage.prompt_tokens + progress.usage.completion_tokens
    speed = f" ({tokens / progress.seconds:,.0f}/s)" if progress.seconds > 0 and tokens else ""
    parts.append(f"{tokens:,} tokens{speed}")
    if progress.cost is not None:
        parts.append(f"cost {progress.cost:,.4g}")
    parts += [f"{n:,} {state}" for state, n in progress.counts.items() if n and state is not State.VALID]
    if progress.failed_attempts:
        late = f" ({progress.timeouts:,} timeouts)" if progress.timeouts else ""
        parts.append(f"{progress.failed_attempts:,} failed attempts{late}")
    parts.append(f"{progress.in_flight} under way")
    if progress.stopping:
        again = "; interrupt again to give them up" if progress.stopping == "interrupted" else ""
        parts.append(f"stopping ({progress.stopping}){again}")
    if progress.waiting_for:
        parts.append(f"waiting for {progress.waiting_for}; `truetwin runs release` frees them")
    return ", ".join(parts) + (f"; {progress.hint}" if progress.hint else "")


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
