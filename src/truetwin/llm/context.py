"""Personas too long for a model, found before anything is paid."""

from __future__ import annotations

from truetwin.errors import DataError
from truetwin.llm.budget import estimated_tokens
from truetwin.llm.shards import Shard
from truetwin.llm.task import Task


def check_context(task: Task, limit: int, shard: Shard | None = None) -> None:
    """Raise unless the first request of every persona fits a context of ``limit`` tokens (estimated).

    One request a persona is made for this, and none is sent. A run skips longer requests in any case; this says so
    beforehand.

    Raises
    ------
    DataError
        Naming the first persona that is too long, and how many are.

    Examples
    --------
    >>> from truetwin.llm import Cell, Message, Request
    >>> class Story:
    ...     settings = {}
    ...     def cells(self): return [Cell("anna", "q1"), Cell("ben", "q1")]
    ...     def request(self, cell): return Request((Message("user", ("word " * 1000,)),), cell=cell)
    >>> check_context(Story(), 1000)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    truetwin.errors.DataError: a request must fit ... about 1,250 (and 1 more persona). Shorten ...
    """
    shard = shard or Shard()
    seen: set[str] = set()
    too_long: list[tuple[str, int]] = []
    for cell in filter(shard.holds, task.cells()):
        if cell.persona in seen:
            continue
        seen.add(cell.persona)
        tokens = estimated_tokens(task.request(cell))
        if tokens > limit:
            too_long.append((cell.persona, tokens))
    if too_long:
        persona, tokens = too_long[0]
        rest = len(too_long) - 1
        more = f" (and {rest} more persona{'s' if rest > 1 else ''})" if rest else ""
        raise DataError(
            f"a request must fit the context limit of {limit:,} tokens; that of persona {persona!r} has about "
            f"{tokens:,}{more}. Shorten or leave out such personas, or raise the limit if the model takes more."
        )
