"""The pace finds how many requests a server answers at a time, on a clock of its own."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass

import pytest

from truetwin.llm.running.pace import Pace


@dataclass
class Outcome:
    seconds: float
    timeouts: list[float]
    limits: list[int]


def served(
    slots: int, seconds: float, calls: int, *, ceiling: int = 64, timeout: float = 120.0, spread: float = 0.0
) -> Outcome:
    """Play a server that answers ``slots`` requests at a time, first come first served, also those given up."""
    random_, pace = random.Random(0), Pace(ceiling, timeout)
    free, open_, now, left, done = [0.0] * slots, [], 0.0, calls, 0
    outcome = Outcome(0.0, [], [])
    while done < calls:
        while left and len(open_) < int(pace.limit):
            factor = random_.lognormvariate(-(spread**2) / 2, spread) if spread else 1.0
            end = max(now, heapq.heappop(free)) + seconds * factor
            heapq.heappush(free, end)
            heapq.heappush(open_, (min(end, now + timeout), now, end <= now + timeout))
            left -= 1
        now, sent, answered = heapq.heappop(open_)
        if answered:
            done += 1
            pace.answered(sent, now)
        else:
            left += 1
            outcome.timeouts.append(now)
            pace.timed_out(sent, now)
        outcome.limits.append(int(pace.limit))
    outcome.seconds = now
    return outcome


@pytest.mark.parametrize("spread", [0.0, 0.5])
@pytest.mark.parametrize(
    ("slots", "seconds", "calls", "ceiling"),
    [
        (1, 20.0, 200, 64),
        (4, 20.0, 288, 64),
        (64, 1.0, 8000, 500),
        (500, 1.0, 60_000, 500),
        (4, 1.0, 2000, 64),
    ],
)
def test_a_server_is_kept_busy_and_nothing_times_out(
    slots: int, seconds: float, calls: int, ceiling: int, spread: float
) -> None:
    found = served(slots, seconds, calls, ceiling=ceiling, spread=spread)
    best = calls * seconds / min(slots, ceiling)
    assert found.seconds < best / 0.8
    assert found.timeouts == []


def test_answers_that_sometimes_take_too_long_do_not_stop_the_others() -> None:
    found = served(64, 20.0, 4000, spread=0.9)
    assert found.timeouts  # one in some hundred
    assert found.seconds < 4000 * 20.0 / 64 / 0.75


def test_a_server_that_cannot_keep_up_with_one_call_is_asked_by_one_at_a_time() -> None:
    found = served(1, 100.0, 20)
    assert max(found.limits) <= 2


def test_the_limit_never_jumps_and_never_passes_the_ceiling() -> None:
    limits = served(1000, 1.0, 5000, ceiling=40).limits
    assert max(limits) == 40
    assert all(after <= 2 * before for before, after in itertools.pairwise(limits))


def test_a_burst_of_refusals_lowers_the_limit_once() -> None:
    pace = Pace(100, limit=100.0)
    for _ in range(50):
        pace.refused(1.0, 2.0)
    assert pace.limit == pytest.approx(70.0)
    pace.refused(3.0, 4.0)
    assert pace.limit == pytest.approx(49.0)
    for k in range(100):
        pace.refused(5.0 + k, 5.0 + k)
    assert pace.limit == 1.0


def test_a_server_that_gets_faster_is_asked_more() -> None:
    pace, now = Pace(64), 0.0
    for slots in (2, 32):
        for _ in range(4000):
            took = max(1.0, int(pace.limit) / slots)
            now += took / int(pace.limit)
            pace.answered(now - took, now)
        assert 0.7 * slots <= pace.limit <= 4 * slots
