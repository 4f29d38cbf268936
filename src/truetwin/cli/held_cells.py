"""Verb `truetwin runs release`."""

from __future__ import annotations

from typing import Any

from truetwin.cli.verbs import verb
from truetwin.settings.runs_settings import RunsReleaseCommand


@verb(RunsReleaseCommand)
def release_command(settings: RunsReleaseCommand) -> None:
    """Free the calls that processes which are gone hold, and say what may be paid twice.

    A process that works on a run holds the calls it is about to ask, so that no other asks them. `simulate` frees by
    itself what a process on the same machine held when it died, and what one elsewhere has held for five minutes
    without a sign of life. This command says who holds what, and with --all does not wait.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.llm import Store

    rows: list[dict[str, Any]] = []
    with Store(settings.run, create=False) as store:
        for holder in store.holders():
            alive = holder.is_alive
            freed = settings.all or not alive
            sent = store.free(holder) if freed else holder.sent
            rows.append(
                {
                    "process": holder.process.pid,
                    "host": holder.process.host.partition("/")[0],
                    "running": alive,
                    "calls": holder.cells,
                    "may_have_been_paid": sent,
                    "freed": freed,
                    "in_words": holder.in_words,
                }
            )
    if settings.as_json:
        print_json("runs release", {"run": str(settings.run), "all": settings.all}, rows)
        return
    for row in rows:
        note(_line(row))
    if not rows:
        note("no calls are held")


def _line(row: dict[str, Any]) -> str:
    who = f"{row['in_words']}, {'running' if row['running'] else 'gone'}"
    if not row["freed"]:
        return f"held: {row['calls']:,} calls by {who}; --all frees them, which may pay for calls twice"
    asked = (
        f"{row['may_have_been_paid']:,} of them were asked: they may have been paid, and will be paid again"
    )
    still = (
        "; if the process is still at work, what it asks from now on may be paid twice"
        if row["running"]
        else ""
    )
    return f"freed: {row['calls']:,} calls of {who}; {asked}{still}"
