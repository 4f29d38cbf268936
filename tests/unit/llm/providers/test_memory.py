"""Resident memory stays bounded, whatever bodies a server sends."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

pytestmark = [pytest.mark.extra("llm"), pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")]

SCRIPT = Path(__file__).parents[3] / "hostile_bodies.py"
MOST = 200  # MiB
SIZE = 16 * 2**20 - 1000
Writer = asyncio.StreamWriter
GOOD = b'{"choices": [{"message": {"content": "%s"}, "finish_reason": "stop"}]}'


def body(content: bytes, *headers: str) -> Callable[[Writer], Awaitable[None]]:
    head = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(content)}", *headers]
    sent = "\r\n".join([*head, "", ""]).encode() + content

    async def answer(writer: Writer) -> None:
        writer.write(sent)
        await writer.drain()

    return answer


async def endless(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"%x\r\n" % 2**16 + b" " * 2**16 + b"\r\n"
    while True:
        writer.write(piece)
        await writer.drain()


@contextmanager
def serving(answer: Callable[[Writer], Awaitable[None]]) -> Iterator[str]:
    """Serve good replies under /good, and ``answer`` elsewhere."""
    good = body(GOOD % b"4")

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    int(line.split(":")[1])
                    for line in head.splitlines()
                    if line.lower().startswith("content-length")
                )
                await reader.readexactly(length)
                await (good if "/good" in head.partition("\n")[0] else answer)(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    started: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Queue()

    async def main() -> None:
        server, done = await asyncio.start_server(talk, "127.0.0.1", 0), asyncio.Event()
        started.put((asyncio.get_running_loop(), done, server.sockets[0].getsockname()[1]))
        await done.wait()
        server.close()

    thread = Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    loop, done, port = started.get()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(5)


BODIES = {
    "endless": (endless, 4),
    "gzip bomb": (body(gzip.compress(b" " * 2**28, 1), "Content-Encoding: gzip"), 4),
    "many long ones at once": (body(GOOD % (b"x" * SIZE)), 24),  # 384 MiB, if they were all held
    "long and wide": (body(GOOD % (b"x" * (SIZE - 8) + "\U0001f600".encode())), 3),
    "many empty lists": (body(b"[" + b"[]," * (SIZE // 3) + b"[]]"), 2),
    "many small objects": (body(json.dumps({"choices": [{"a": 1}] * (SIZE // 10)}).encode()), 2),
}


@pytest.mark.parametrize("kind", BODIES)
def test_memory_grows_little_under_any_body(kind: str) -> None:
    answer, calls = BODIES[kind]
    with serving(answer) as url:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), url, str(calls)], capture_output=True, text=True, check=True
        )
    assert int(done.stdout.split()[0]) <= MOST, done.stdout
