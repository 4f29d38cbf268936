r"""Find damage in an SQLite write-ahead log (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).

A log is a head of 32 bytes and frames, each with a head of 24 bytes and a page. The head of a frame holds a checksum of
all frames up to this one. For pairs of words (x, y) it steps from (s, t) to

.. math:: s' = s + t + x, \quad t' = t + s' + y \pmod{2^{32}},

which is linear: over n pairs, :math:`M^n (s, t)` plus a weighted sum of the words, with M = [[1, 1], [1, 2]].
So all frames are computed at once, each from the checksum that stands in the frame before it.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

_UNTIL_NEXT_LOOK = 0.05  # seconds
_BEGINNINGS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  # by the order of bytes in the checksums
_HEAD, _FRAME_HEAD = 32, 24
_BLOCK = 1 << 22  # bytes that are looked at at a time


def hides_commits(log: Path) -> bool:
    """Tell whether something was committed to a write-ahead log that stands behind damage, where SQLite does not look.

    SQLite takes the first frame whose checksum does not fit for the end of the log, and writes over what follows. A log
    that a process is writing may look so for a moment: it counts as damaged if nobody writes it.
    """
    if not log.is_file() or not _hides_commits(log):
        return False
    content = log.read_bytes()
    time.sleep(_UNTIL_NEXT_LOOK)
    return log.is_file() and log.read_bytes() == content and _hides_commits(log)


def is_sound(start: bytes) -> bool:
    """Tell whether the first 32 bytes of a log are what they must be."""
    return start[:4] in _BEGINNINGS and _checksum_of_head(start) == start[24:32]


def _hides_commits(log: Path) -> bool:
    import numpy as np

    with log.open("rb") as file:
        start = file.read(_HEAD)
        if len(start) < _HEAD:
            return False
        if not is_sound(start):
            return len(file.read(_FRAME_HEAD)) == _FRAME_HEAD
        size = int.from_bytes(start[8:12], "big")
        salt, sums, sound = start[16:24], np.frombuffer(start, ">u4", 2, 24).astype(np.uint32), True
        length = _FRAME_HEAD + size
        while frames := file.read(max(_BLOCK // length, 1) * length):
            rows = np.frombuffer(frames, np.uint8, len(frames) // length * length).reshape(-1, length)
            if not len(rows):
                break
            ours = (rows[:, 8:16] == np.frombuffer(salt, np.uint8)).all(axis=1)
            commits = ours & rows[:, 4:8].any(axis=1)
            if sound:
                stored, fits = _sums(rows, sums, _order(start))
                fits &= ours
                if fits.all():
                    sums = stored[-1]
                    continue
                sound = False
                commits[: int(np.argmin(fits)) + 1] = False
            if commits.any():
                return True
    return False


def _sums(rows: NDArray[np.uint8], before: Words, order: str) -> tuple[Words, NDArray[np.bool_]]:
    """Return the checksums that stand in frames, and whether each follows from the one before it."""
    import numpy as np

    words = rows.view(order + "u4").astype(np.uint32, copy=False)
    stored = np.ascontiguousarray(rows[:, 16:24]).view(">u4").astype(np.uint32)
    previous = np.concatenate([before[None, :], stored[:-1]])
    weights, step = _weights(rows.shape[1])
    computed = words @ weights + previous @ step
    return stored, np.asarray((computed == stored).all(axis=1))


@lru_cache(maxsize=2)
def _weights(length: int) -> tuple[Words, Words]:
    """Return what each word of a frame adds to both sums at its end, and what the sums before it add, transposed.

    Salt and checksum of the head add nothing.
    """
    import numpy as np

    pairs = [0, *range(_FRAME_HEAD // 8, length // 8)]
    weights = np.zeros((length // 4, 2), dtype=np.uint32)
    power = np.eye(2, dtype=np.uint32)
    step = np.array([[1, 1], [1, 2]], dtype=np.uint32)
    for pair in reversed(pairs):
        weights[2 * pair] = power @ np.array([1, 1], dtype=np.uint32)  # x enters s, and t through s
        weights[2 * pair + 1] = power[:, 1]
        power = power @ step
    return weights, power.T.copy()


def _order(start: bytes) -> str:
    """Return the order of bytes in which the checksums of a log are computed."""
    return ">" if start[3] & 1 else "<"


def _checksum_of_head(start: bytes) -> bytes:
    order: Literal["big", "little"] = "big" if start[3] & 1 else "little"
    first = second = 0
    for at in range(0, 24, 8):
        first = first + int.from_bytes(start[at : at + 4], order) + second & 0xFFFFFFFF
        second = second + int.from_bytes(start[at + 4 : at + 8], order) + first & 0xFFFFFFFF
    return first.to_bytes(4, "big") + second.to_bytes(4, "big")
