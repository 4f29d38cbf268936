"""Find personas that are too long for a model before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable

from truetwin.errors import DataError
from truetwin.llm.messages import Cell
from truetwin.llm.running.budget import estimated_tokens
from truetwin.llm.task import Task


def check_context(task: Task, limit: int, cells: Iterable[Cell] | None = None) -> None:
    """Raise :class:`DataError` unless the requests of ``cells`` fit a context of ``limit`` tokens (estimated).

    By default the first cell of every persona is checked. Its request is built but not sent. A run skips requests that
    are too long in any case; this check tells the user beforehand.

    Raises
    ------
    DataError
        If a persona is too long. The message names the first one and says how many there are.

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
    truetwin.errors.DataError: a request must fit ... about 1,250 (and 1 more persona). Nothing was sent. ...
    """
    if cells is None:
        first: dict[str, Cell] = {}
        for cell in task.cells():
            first.setdefault(cell.persona, cell)
        cells = first.values()
    sizes = ((cell.persona, estimated_tokens(task.request(cell))) for cell in cells)
    too_long = [(persona, tokens) for persona, tokens in sizes if tokens > limit]
    if too_long:
        persona, tokens = too_long[0]
        rest = len(too_long) - 1
        more = f" (and {rest} more persona{'s' if rest > 1 else ''})" if rest else ""
        raise DataError(
            f"a request must fit the context limit of {limit:,} tokens; that of persona {persona!r} has about "
            f"{tokens:,}{more}. Nothing was sent. Shorten such personas (`truetwin personas build --builder summary`), "
            "leave them out, or raise the limit (--context-tokens) if the model takes more."
        )
