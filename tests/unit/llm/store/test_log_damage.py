"""Damage in write-ahead logs is found as by going through the frames one by one."""

from __future__ import annotations

import os
import sqlite3
import struct
from pathlib import Path

import numpy as np
import pytest

from truetwin.llm.store import log_damage
from truetwin.llm.store.log_damage import hides_commits

PAGE = 512
FRAME = 24 + PAGE


def log_of(folder: Path) -> bytes:
    """Write a log with a few transactions, in front of frames of an earlier beginning."""
    base = sqlite3.connect(folder / "x.sqlite", isolation_level=None)
    for text in (f"PRAGMA page_size = {PAGE}", "PRAGMA journal_mode = WAL", "CREATE TABLE t (x)"):
        base.execute(text)
    for k in range(8):
        base.execute("INSERT INTO t VALUES (?)", (os.urandom(900),))
        if k == 3:
            base.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    content = (folder / "x.sqlite-wal").read_bytes()
    base.close()
    return content


def in_other_order(log: bytes) -> bytes:
    """Write the checksums of a log in the other order of bytes."""
    other = bytearray(log)
    other[3] ^= 1
    order = ">" if other[3] & 1 else "<"
    sums = step(bytes(other[:24]), order, (0, 0))
    other[24:32] = struct.pack(">II", *sums)
    for at in range(32, len(other), FRAME):
        if other[at + 8 : at + 16] != other[16:24]:
            break
        sums = step(bytes(other[at : at + 8] + other[at + 24 : at + FRAME]), order, sums)
        other[at + 16 : at + 24] = struct.pack(">II", *sums)
    return bytes(other)


def step(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, other in struct.iter_unpack(order + "II", data):
        first = first + one + second & 0xFFFFFFFF
        second = second + other + first & 0xFFFFFFFF
    return first, second


def hides_by_hand(log: bytes) -> bool:
    """Go through the frames one by one."""
    if len(log) < 32:
        return False
    order, sums = ">" if log[3] & 1 else "<", struct.unpack(">II", log[24:32])
    if log[:3] != b"\x37\x7f\x06" or log[3] not in (0x82, 0x83) or step(log[:24], order, (0, 0)) != sums:
        return len(log) >= 56
    sound = True
    for at in range(32, len(log) - FRAME + 1, FRAME):
        head = log[at : at + 24]
        if sound:
            sums = step(head[:8] + log[at + 24 : at + FRAME], order, sums)
            sound = head[8:16] == log[16:24] and struct.unpack(">II", head[16:]) == sums
        elif head[8:16] == log[16:24] and any(head[4:8]):
            return True
    return False


@pytest.mark.parametrize("block", [2 * FRAME, 1 << 22])
def test_damage_is_found_as_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(log_damage, "_BLOCK", block)
    monkeypatch.setattr(log_damage, "_UNTIL_NEXT_LOOK", 0.0)
    rng, log, told = np.random.default_rng(0), tmp_path / "log", []
    for whole in (content := log_of(tmp_path), in_other_order(content)):
        for case in range(40):
            damaged = bytearray(whole)
            if case:
                at = int(rng.integers(len(damaged)))
                damaged[at : at + 4] = rng.bytes(len(damaged[at : at + 4]))
            log.write_bytes(damaged[: int(rng.integers(len(damaged)))] if case % 5 == 4 else damaged)
            told.append(hides_commits(log))
            assert told[-1] == hides_by_hand(log.read_bytes())
    assert not told[0]
    assert 10 < sum(told) < 70
