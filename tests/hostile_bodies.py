"""Ask a hostile server, and print by how many MiB the resident memory of this process has grown at most.

python tests/hostile_bodies.py URL CALLS
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

from truetwin.errors import TransientError
from truetwin.llm import ChatModel, Message, Request, open_model


def peak() -> float:
    """Return the most MiB that were resident so far, not counting the process that began this one."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


async def outcome(model: ChatModel) -> str:
    """Ask once. Return what came of it, in a word."""
    try:
        reply = await model.complete(Request((Message("user", ("Well?",)),)), timeout=120.0)
    except TransientError as error:
        return error.kind
    return f"a reply of {len(reply.text):,}"


async def main(url: str, calls: int) -> None:
    """Warm up with an honest call, then make calls at once to the hostile address."""
    good = open_model("m", base_url=f"{url}/good/v1", preflight=False)
    await outcome(good)
    await good.close()
    before = peak()
    hostile = open_model("m", base_url=f"{url}/v1", preflight=False)
    came = Counter(await asyncio.gather(*(outcome(hostile) for _ in range(calls))))
    await hostile.close()
    print(round(peak() - before), dict(came))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
