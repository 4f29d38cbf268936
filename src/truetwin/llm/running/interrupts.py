"""Handle Ctrl-C, and the signal by which schedulers end a job, with a callback instead of an exception."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

_HANGUP = getattr(signal, "SIGHUP", None)


@contextlib.contextmanager
def calls_on_interrupt(call: Callable[[], None]) -> Iterator[None]:
    """Have the running event loop call ``call`` at each interrupt, if the system and the thread allow it."""
    loop = asyncio.get_running_loop()
    caught = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, _HANGUP):
            if number is None or (number == _HANGUP and signal.getsignal(number) is signal.SIG_IGN):
                continue  # absent on Windows; ignored under nohup, and it stays so
            with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
                loop.add_signal_handler(number, call)
                caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
