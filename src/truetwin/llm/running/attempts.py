"""Make one attempt at a request: wait for a place, reserve its cost, send it, and count what came of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from math import isfinite

from truetwin.errors import (
    AccessError,
    BudgetError,
    ContextOverflowError,
    EndpointError,
    ForbiddenSettingError,
    ModerationError,
    ProviderError,
    RequestRefusedError,
    TransientError,
    TruetwinError,
    UnknownModelError,
)
from truetwin.llm.messages import Cell, Reply, Request, Usage
from truetwin.llm.running.budget import Budget, Reservation
from truetwin.llm.running.request_gate import Gate, most_connections
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.store.stored_call import Failure
from truetwin.llm.task import ChatModel

_GRACE = 5.0  # seconds by which a model may exceed its timeout before the call is cancelled
_SLOW_DOWN = {"rate-limit", "overloaded"}
#: Kinds of failures that come all at once when a server is down. A malformed reply is none: it may have been paid.
_DOWN = {"connection", "server", "overloaded", "timeout", "endpoint"}
_LONGEST_WAIT_WHILE_DOWN = 10.0
_PATIENCE_FOR_LIMITS = (
    0.2  # part of an attempt that "too many requests" counts for: the provider has not failed
)


class Attempts:
    """Make single attempts at requests to one model, within the limits of a run.

    Parameters
    ----------
    model : ChatModel
        The model to ask.
    options : RunOptions
        Timeouts, waits and concurrency.
    budget : Budget
        Counts use, and refuses a request that would pass a cap.
    note : callable
        Called with every attempt that gave no answer.
    sending : callable
        Called with the cell of a request just before it is sent.

    Attributes
    ----------
    sent : set of asyncio.Task
        The tasks whose request is with the provider right now.
    """

    def __init__(
        self,
        model: ChatModel,
        options: RunOptions,
        budget: Budget,
        note: Callable[[Failure], None],
        sending: Callable[[Cell], None],
    ) -> None:
        self.model, self.options, self.budget = model, options, budget
        self.note, self.sending = note, sending
        self.gate = Gate(most_connections(options.concurrency), options.timeout)
        self.sent: set[asyncio.Task[None]] = set()
        self.last_answer: float | None = None  # loop time
        self._settled = asyncio.Event()

    async def ask(self, cell: Cell, request: Request) -> tuple[Reply, float | None]:
        """Send a request once and count its use, whether it succeeds or fails.

        Returns
        -------
        (Reply, float or None)
            The reply and its cost. The cost is None without prices.

        Raises
        ------
        ProviderError
            If there is no reply.
        BudgetError
            If the request would pass a cap, even after the requests under way have ended.
        """
        await self.gate.acquire()
        try:
            reserved = await self._reserve(request)
            try:
                self.sending(cell)
                reply = await self._send(request)
            except BaseException as error:
                used = error.usage if isinstance(error, TransientError) else None
                usage = used if isinstance(used, Usage) else None
                cost = self.budget.settle(reserved, usage)
                self.note(Failure(cell, _kind(error), str(error), usage or Usage(), cost))
                raise
            return reply, self.budget.settle(reserved, reply.usage)
        finally:
            self.gate.release()

    async def _reserve(self, request: Request) -> Reservation:
        while True:
            try:
                return self.budget.reserve(request)
            except BudgetError:
                if not self.sent:  # otherwise wait: requests under way may turn out cheaper than reserved
                    raise
                self._settled.clear()
                await self._settled.wait()

    async def _send(self, request: Request) -> Reply:
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        sent, timeout = loop.time(), self.options.timeout
        assert current is not None
        self.sent.add(current)
        try:
            async with asyncio.timeout(timeout + _GRACE):
                reply = await self.model.complete(request, timeout=timeout)
            self.gate.answered(sent)
            self.last_answer = loop.time()
            return reply
        except TimeoutError as error:
            self.gate.timed_out(sent)
            raise TransientError(f"no reply within {timeout:g} seconds", kind="timeout") from error
        except TransientError as error:
            if error.kind in _SLOW_DOWN:
                self.gate.too_many(sent, error.retry_after)
            elif error.kind == "timeout":
                self.gate.timed_out(sent)
            raise
        except TruetwinError:
            raise
        except Exception as error:  # whatever one call does, it is one call; its words may hold the key
            raise TransientError(f"asking failed: {type(error).__name__}", kind="fault") from error
        finally:
            self.sent.discard(current)
            self._settled.set()

    def answered_between(self, since: float) -> bool:
        """Tell whether anybody was answered since the loop time ``since``, minus infinity being no time."""
        return self.last_answer is not None and isfinite(since) and self.last_answer > since

    def is_outage(self, error: ProviderError, since: float) -> bool:
        """Tell whether the server seems to be down, for a while that a run bridges.

        It has answered before, and nobody since the loop time ``since``, when the same cell failed before.
        """
        if self.last_answer is None or self.last_answer > since or _kind(error) not in _DOWN:
            return False
        return asyncio.get_running_loop().time() - self.last_answer < self.options.outage

    def wait_after(self, error: ProviderError, attempt: int, *, outage: bool = False) -> float:
        """Return the seconds to wait after the failed attempt number ``attempt``, fewer while the server is down.

        Raises
        ------
        ProviderError
            If the provider asks for a longer wait than the options allow.
        """
        asked = error.retry_after if isinstance(error, TransientError) else None
        if asked is not None and asked > self.options.longest_retry_after:
            raise ProviderError(
                f"the provider asks to wait {asked:,.0f} seconds, longer than {self.options.longest_retry_after:,.0f}; "
                f"run the same command again after that ({error})"
            )
        longest = _LONGEST_WAIT_WHILE_DOWN if outage else self.options.longest_wait
        jitter = random.uniform(0.0, min(longest, self.options.backoff * 2.0 ** min(attempt, 30)))
        return jitter if asked is None else asked + min(jitter, 1.0)


class Patience:
    """Count the failed attempts of a cell until its last one. "Too many requests" counts as a fifth of an attempt."""

    def __init__(self, attempts: int) -> None:
        self._left = float(attempts)

    def is_over(self, error: ProviderError) -> bool:
        """Count a failed attempt. Returns whether it was the last one."""
        self._left -= _PATIENCE_FOR_LIMITS if _kind(error) in _SLOW_DOWN else 1.0
        return self._left < 0.5 * _PATIENCE_FOR_LIMITS


def _kind(error: BaseException) -> str:
    """Return the kind of failure of an attempt, as one word."""
    if isinstance(error, TransientError):
        return error.kind
    words: list[tuple[type[BaseException], str]] = [
        (AccessError, "access"),
        (UnknownModelError, "unknown-model"),
        (ModerationError, "declined"),
        (ContextOverflowError, "too-long"),
        (RequestRefusedError, "rejected"),
        (ForbiddenSettingError, "forbidden-setting"),
        (EndpointError, "endpoint"),
        (asyncio.CancelledError, "interrupted"),
    ]
    return next((word for kind, word in words if isinstance(error, kind)), "fault")
