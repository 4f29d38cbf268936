"""A benchmark run that is interrupted again and again ends with the same scores, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truetwin.llm import Reply, Request, RunOptions, Store
from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona
from truetwin.voice.protocols.outcomes import Outcome, Protocol
from truetwin.voice.protocols.playing import JUDGED, Played, Player, play
from truetwin.voice.protocols.voice_task import Setup

ITEMS = [
    VoiceItem(
        f"i{n}",
        "social",
        "en",
        VoicePersona(f"p{n % 4}"),
        f"Post {n}.",
        tuple(Option(f"o{k}", f"Reply {n}.{k}", "true" if k == 2 else "other") for k in range(1, 5)),
        "o2",
    )
    for n in range(20)
]
PROTOCOLS = (Protocol.CHOICE, *JUDGED)
CALLS = len(ITEMS) * (1 + 1 + 3)


class Interrupting:
    """Answers by the prompt, counts what it is paid for, and presses Ctrl-C after so many calls."""

    name = "model"

    def __init__(self) -> None:
        self.paid: Counter[str] = Counter()
        self.left: int | None = None

    def describe(self) -> Mapping[str, Any]:
        return {"name": self.name}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        self.paid[request.digest] += 1
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        number = int(request.digest[:6], 16)
        if '"score"' in request.messages[1].content:
            return Reply(f"Score: {1 + number % 5}")
        if '"choice"' in request.messages[1].content:
            return Reply("ABCD"[number % 4])
        return Reply(f"Typical {number}.")

    async def close(self) -> None: ...


def session(model: Interrupting, folder: Path, interrupt_after: int | None) -> Played:
    model.left = interrupt_after
    player = Player(model, RunOptions(concurrency=4))
    with Store(folder) as store:
        return play(ITEMS, PROTOCOLS, player, store, setup=Setup(), judge=player)


def records(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    return [outcome.to_record() for outcome in outcomes]


def test_five_interruptions_change_nothing_and_cost_nothing(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "torn").mkdir()
    whole = session(Interrupting(), tmp_path / "whole", None)
    model = Interrupting()
    for after in (3, 20, 11, 1, 30):
        torn = session(model, tmp_path / "torn", after)
        assert torn.stopped
        assert not torn.complete
        assert len(torn.outcomes) == len(ITEMS) * len(PROTOCOLS)  # what was not reached is there, as not done
    ended = session(model, tmp_path / "torn", None)
    assert ended.complete
    assert records(whole.outcomes) == records(ended.outcomes)
    assert (CALLS, {1}) == (len(model.paid), set(model.paid.values()))
    assert session(model, tmp_path / "torn", None).outcomes == ended.outcomes
    assert model.paid.total() == CALLS
