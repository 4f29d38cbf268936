"""Made-up posts, replies and messages, with which builds are tried."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

THINGS = [
    "printer",
    "router",
    "kernel",
    "driver",
    "monitor",
    "battery",
    "keyboard",
    "desktop",
    "browser",
    "mirror",
    "package",
    "archive",
    "partition",
    "cable",
    "camera",
    "firewall",
    "laptop",
    "script",
    "folder",
    "window",
    "backup",
    "server",
    "speaker",
    "scanner",
    "adapter",
    "charger",
]
VERBS = [
    "replace",
    "restart",
    "remove",
    "mount",
    "format",
    "update",
    "install",
    "compile",
    "borrow",
    "clean",
    "check",
    "rename",
    "unplug",
]
WAYS = [
    "today",
    "slowly",
    "again",
    "by",
    "hand",
    "with",
    "care",
    "before",
    "lunch",
    "after",
    "a",
    "reboot",
    "from",
    "the",
    "console",
]
OPENINGS = (
    "I would {v} the {t}",
    "you should {v} that {t}",
    "maybe {v} your {t}",
    "did you {v} the old {t}",
    "we had to {v} a {t}",
    "never {v} this {t}",
)


def sentence(rng: np.random.Generator, words: list[str] | None = None) -> str:
    """One made-up sentence of 6 to 12 words."""
    things = words or THINGS
    opening = str(rng.choice(OPENINGS)).format(v=rng.choice(VERBS), t=rng.choice(things))
    more = f" {rng.choice(['and', 'or', 'then'])} {rng.choice(VERBS)} the {rng.choice(things)}"
    mark = rng.choice([".", "!", "", "?"])
    return f"{opening}{more if rng.random() < 0.6 else ''} {' '.join(rng.choice(WAYS, 2))}{mark}"


def message_rows(
    n: int = 2400, *, users: int = 14, channels: int = 4, replies: bool = False, seed: int = 5
) -> list[dict[str, Any]]:
    """Messages of users who talk in all channels; every other message addresses the one before (or states its id)."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    last: dict[int, tuple[int, int]] = {}
    for k in range(n):
        channel, user = int(rng.integers(channels)), int(rng.integers(users))
        text = sentence(rng)
        row: dict[str, Any] = {"user": f"ann{user}", "channel": f"room {channel}", "time": 1000 + k}
        before = last.get(channel)
        if before and before[1] != user and k % 2:
            text = text if replies else f"ann{before[1]}: {text}"
            row |= {"reply_to": f"m{before[0]}"} if replies else {}
        if replies:
            row["id"] = f"m{k}"
        rows.append({**row, "text": text})
        last[channel] = (k, user)
    return rows


def reply_rows(posts: int = 60, *, users: int = 24, each: int = 10, seed: int = 6) -> list[dict[str, Any]]:
    """Replies of ``each`` users to every post; users have favourite words, so that histories tell something."""
    rng = np.random.default_rng(seed)
    favourites = [list(rng.choice(THINGS, 9, replace=False)) for _ in range(users)]
    rows = []
    for post in range(posts):
        one, other, verb = rng.choice(THINGS), rng.choice(THINGS), rng.choice(VERBS)
        about = f"Post {post}: my {one} and my {other} broke, what do you {verb}"
        for user in rng.permutation(users)[:each]:
            reply = sentence(rng, favourites[user])
            rows.append(
                {
                    "user": f"u{user}",
                    "post_id": f"p{post}",
                    "post": about,
                    "reply": reply,
                    "topic": f"t{post % 12}",
                }
            )
    return rows


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
