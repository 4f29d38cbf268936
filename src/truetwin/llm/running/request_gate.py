"""Hand out places for requests, as many at a time as the pace allows."""

from __future__ import annotations

import asyncio
from collections import deque

from truetwin.llm.running.pace import Pace

_OTHER_FILES = 64  # open files that a process has besides its connections
_LATE = 0.005  # seconds added to a wait: the loop may call a moment too early, and would not call again


def most_connections(wanted: int) -> int:
    """Lower the number of connections that are wanted to what the system lets a process open; at least 1."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if allowed == resource.RLIM_INFINITY else max(1, min(wanted, allowed - _OTHER_FILES))


class Gate:
    """Limit on concurrent requests (:class:`~truetwin.llm.running.pace.Pace`), and the places below it.

    If a provider asks for a wait, nothing is sent before it is over.

    Parameters
    ----------
    ceiling : int
        Most requests at once; >= 1.
    timeout : float
        Seconds after which a request counts as failed.
    """

    def __init__(self, ceiling: int, timeout: float = float("inf")) -> None:
        self.pace = Pace(ceiling, timeout)
        self.running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = 0.0

    @property
    def limit(self) -> int:
        """Most requests that may be open now."""
        return int(self.pace.limit)

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

    def answered(self, sent: float) -> None:
        """Tell the pace that the request sent at loop time ``sent`` was answered."""
        self.pace.answered(sent, asyncio.get_running_loop().time())
        self._admit()

    def timed_out(self, sent: float) -> None:
        """Tell the pace that the request sent at loop time ``sent`` got no answer in time."""
        self.pace.timed_out(sent, asyncio.get_running_loop().time())

    def too_many(self, sent: float, retry_after: float | None) -> None:
        """Lower the limit: the request sent at loop time ``sent`` came back with "too many requests"."""
        loop = asyncio.get_running_loop()
        self.pace.refused(sent, loop.time())
        if retry_after:
            until = loop.time() + retry_after
            if until > self._paused_until:
                self._paused_until = until
                loop.call_at(until + _LATE, self._admit)

    def _free(self) -> bool:
        return self.running < self.limit and asyncio.get_running_loop().time() >= self._paused_until

    def _admit(self) -> None:
        while self._waiting and self._free():
            place = self._waiting.popleft()
            if not place.done():
                self.running += 1
                place.set_result(None)
