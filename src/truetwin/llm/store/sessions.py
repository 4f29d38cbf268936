"""Identify the process that works on a stored run, and find out whether it is still running."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEASE = 300.0  # seconds without a sign of life after which a session on another machine counts as dead
_AT_WORK: set[str] = set()  # tokens of this process's open sessions
BATCH = "batch"  # the host of a session that waits for a provider's batch, and needs no process


@dataclass(frozen=True)
class Process:
    """Identity of a process among all machines. The process id alone is not enough, because systems reuse ids."""

    host: str
    pid: int
    born: str


@dataclass(frozen=True)
class Holder:
    """Session that holds cells of a run: it has claimed them and not stored an answer yet.

    Parameters
    ----------
    session : int
        Its number in the store.
    process : Process
        The process that works in it.
    cells : int
        Number of cells it holds.
    sent : int
        Number of them whose request may be with the provider.
    beat : float
        Time of its last sign of life, in seconds since 1970.
    """

    session: int
    process: Process
    cells: int
    sent: int
    beat: float

    @property
    def is_alive(self) -> bool:
        """Whether the process is still running, as far as can be told from here."""
        return is_alive(self.process, self.beat)

    @property
    def in_words(self) -> str:
        """Who it is, where, and when it last gave a sign of life."""
        host = self.process.host.partition("/")[0]
        where = "on this machine" if self.process.host == here() else f"on {host}"
        ago = time.time() - self.beat
        when = f"{ago:,.0f} s ago" if ago >= -1.0 else f"{-ago:,.0f} s in the future (its clock is wrong)"
        return f"process {self.process.pid} {where} (last sign of life {when})"


@cache
def here() -> str:
    """Return a name of this machine or container, that is of everything that shares its process ids."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}"


def begin_work() -> Process:
    """Identify this process as it begins a session. Call :func:`end_work` when the session is over.

    A process may have several sessions, one after the other or at once. Each has a token of its own.
    """
    token = secrets.token_hex(8)
    _AT_WORK.add(token)
    return Process(here(), os.getpid(), f"{_born(os.getpid())} {token}")


def end_work(process: Process) -> None:
    """Note that a session is over. This works even if the store can no longer be written."""
    _AT_WORK.discard(process.born.rpartition(" ")[2])


def is_alive(process: Process, beat: float, *, now: float | None = None) -> bool:
    """Tell whether ``process`` is still running.

    A process on this machine is looked up in the system. One on another machine counts as running if its last sign of
    life, ``beat``, is recent.
    """
    if process.host == BATCH:
        return True
    # A beat in the future comes from a wrong clock or a copied folder; it keeps nothing for longer than a lease either.
    beating = abs((time.time() if now is None else now) - beat) < LEASE
    if process.host != here():
        return beating
    born, _, token = process.born.rpartition(" ")
    if process.pid == os.getpid() and born == _born(os.getpid()):
        return token in _AT_WORK
    if born:
        return _born(process.pid) == born
    return beating and _exists(process.pid)  # used where the system does not say when a process began


def _born(pid: int) -> str:
    """Ask the system when a process began, in the system's own unit. Returns an empty text if it does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "" if not Path("/proc/self/stat").exists() else "gone"
    fields = stat[stat.rindex(")") + 2 :].split()  # the name in brackets may itself hold brackets
    return "gone" if fields[0] in "ZX" else fields[19]


def _exists(pid: int) -> bool:
    if os.name == "nt":
        return True  # on this system, asking would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
