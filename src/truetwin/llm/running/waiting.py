"""Call asynchronous code from synchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in an event loop of its own, even if a loop is running already, as in a notebook.

    :func:`asyncio.run` is not used, because inspect-ai replaces it for the whole process by a version that leaves its
    loop open.

    Examples
    --------
    >>> async def double(x): return 2 * x
    >>> wait_for(double(21))
    42
    """
    if not _loop_is_running():  # told outside of a handler, so that errors of the work have no other context
        return _in_a_new_loop(work)
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(_in_a_new_loop, work).result()


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_a_new_loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(work)
