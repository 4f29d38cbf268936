"""Limit the requests under way. Raise the limit slowly; lower it fast when the provider answers "too many requests"."""

from __future__ import annotations

import asyncio
from collections import deque

_LATE = 0.005  # seconds added to a wait: the loop may call a moment too early, and would not call again


class Gate:
    """Limit on concurrent requests that follows the provider's "too many requests" (HTTP 429).

    Additive increase, multiplicative decrease, as in TCP. Each reply adds ``1 / limit`` to the limit. A request that
    was sent after the last decrease and gets "too many requests" multiplies the limit by ``decrease``. If a provider
    asks for a wait, nothing is sent before it is over. The gate starts with a single request, so that a wrong key or
    address is noticed by one request and not by hundreds.

    Parameters
    ----------
    ceiling : int
        Most requests at once; >= 1.
    decrease : float, default=0.7
        Factor by which the limit is lowered; between 0 and 1.
    """

    def __init__(self, ceiling: int, *, decrease: float = 0.7) -> None:
        self.ceiling = ceiling
        self.decrease = decrease
        self.limit = 1.0
        self.running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._opened = False
        self._last_decrease = 0.0
        self._paused_until = 0.0

    async def acquire(self) -> None:
        """Wait for a place. Every ``acquire`` needs one ``release``."""
        if not self._waiting and self._free():
            self.running += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give back a place that :meth:`acquire` took."""
        self.running -= 1
        self._admit()

    def open(self) -> None:
        """Raise the limit to the ceiling, once the first request has come back."""
        if not self._opened:
            self._opened = True
            self.limit = float(self.ceiling)
            self._admit()

    def succeeded(self) -> None:
        """Raise the limit a little, because a reply came."""
        self.limit = min(float(self.ceiling), self.limit + 1.0 / self.limit)
        self._admit()

    def too_many(self, sent: float, retry_after: float | None) -> None:
        """Lower the limit: the request sent at loop time ``sent`` came back with "too many requests"."""
        loop = asyncio.get_running_loop()
        if sent >= self._last_decrease:
            self.limit = max(1.0, self.limit * self.decrease)
            self._last_decrease = loop.time()
        if retry_after:
            until = loop.time() + retry_after
            if until > self._paused_until:
                self._paused_until = until
                loop.call_at(until + _LATE, self._admit)

    def _free(self) -> bool:
        return self.running < int(self.limit) and asyncio.get_running_loop().time() >= self._paused_until

    def _admit(self) -> None:
        while self._waiting and self._free():
            place = self._waiting.popleft()
            if not place.done():
                self.running += 1
                place.set_result(None)
