"""Responses that no honest server sends: each is one failed attempt with its reason, and little is read of it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from truetwin.errors import (
    AccessError,
    ContextOverflowError,
    EndpointError,
    ForbiddenSettingError,
    ModerationError,
    ProviderError,
    RequestRefusedError,
    TransientError,
)
from truetwin.llm import Message, Request, RunOptions, Sampling, State, Store, open_model, run
from truetwin.llm.messages import Cell
from truetwin.llm.providers.bounded_responses import MOST_BYTES
from truetwin.llm.task import Parsed

pytest.importorskip("openai", reason="needs the extra 'llm'")
pytest.importorskip("aiohttp", reason="needs the extra 'llm'")

Writer = asyncio.StreamWriter
REQUEST = Request((Message("system", ("You are Anna.",)), Message("user", ("How much?",))), Sampling(0.0))


def completion(text: str = "4", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]}


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


@contextmanager
def serving(answer: Callable[[str, Writer], Awaitable[None]]) -> Iterator[str]:
    """Serve on a loopback port; ``answer`` gets the whole request as text."""
    started: list[Any] = []

    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    int(line.split(":")[1])
                    for line in head.splitlines()
                    if line.lower().startswith("content-length")
                )
                await answer(head + (await reader.readexactly(length)).decode(), writer)
                await writer.drain()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        done = asyncio.Event()
        started.extend([asyncio.get_running_loop(), done, server.sockets[0].getsockname()[1]])
        ready.append(True)
        await done.wait()
        server.close()

    ready: list[bool] = []
    thread = Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    while not ready:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{started[2]}/v1"
    finally:
        started[0].call_soon_threadsafe(started[1].set)
        thread.join(5)


def sends(data: bytes) -> Callable[[str, Writer], Awaitable[None]]:
    async def answer(request: str, writer: Writer) -> None:
        writer.write(data)

    return answer


def ask(url: str, **options: Any) -> Any:
    async def once() -> Any:
        model = open_model("m", base_url=url, **options)
        try:
            return await model.complete(REQUEST, timeout=20), model.adjustments  # type: ignore[attr-defined]
        finally:
            await model.close()

    return asyncio.run(once())


def test_an_endless_body_is_read_up_to_its_limit() -> None:
    sent = 0

    async def endless(request: str, writer: Writer) -> None:
        nonlocal sent
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        piece = b" " * 2**16
        while sent < 20 * MOST_BYTES:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            sent += len(piece)

    with serving(endless) as url, pytest.raises(TransientError, match="more than 16,777,216 bytes") as found:
        ask(url)
    assert found.value.kind == "too-long"
    assert sent < 4 * MOST_BYTES


def test_a_compressed_body_is_bounded_by_what_it_expands_to() -> None:
    small = gzip.compress(json.dumps(completion()).encode())
    with serving(sends(http("200 OK", small, "Content-Encoding: gzip"))) as url:
        assert ask(url)[0].text == "4"
    bomb = gzip.compress(b" " * 40 * MOST_BYTES)
    assert len(bomb) < MOST_BYTES / 10
    with (
        serving(sends(http("200 OK", bomb, "Content-Encoding: gzip"))) as url,
        pytest.raises(TransientError, match="more than 16,777,216 bytes"),
    ):
        ask(url)
    with (
        serving(sends(http("200 OK", small, "Content-Encoding: br"))) as url,
        pytest.raises(ProviderError, match="not asked for"),
    ):
        ask(url)


def test_a_redirect_to_another_address_is_not_followed() -> None:
    asked: list[str] = []

    async def elsewhere(request: str, writer: Writer) -> None:
        asked.append(request)
        writer.write(http("200 OK", json.dumps(completion()).encode()))

    with serving(elsewhere) as other:
        moved = http("307 Temporary Redirect", b"", f"Location: {other}/chat/completions")
        with serving(sends(moved)) as url, pytest.raises(EndpointError, match="redirects to another address"):
            ask(url)
    assert not asked


@pytest.mark.parametrize(
    "data",
    [
        http("200 OK", b"[" * 200_000),
        http("200 OK", b'{"choices":' + b"[" * 200_000),
        http("200 OK", json.dumps(completion()).encode(), "X-\x00Bad\x7f: \x01"),
        http("200 OK", json.dumps(completion()).replace('"finish_reason"', '"logprobs": {"content": '
             '[{"token": "4", "logprob": -1' + "0" * 400 + '}]}, "finish_reason"').encode()),
        http("429 Too Many Requests", b"{}", "Retry-After: Mon, 99 Foo 99999999 00:00:00 GMT"),
        b"HTTP/9.9 what\r\n\r\n",
        b"",
    ],
    ids=["brackets", "brackets-inside", "header", "logprob", "retry-after", "status-line", "nothing"],
)  # fmt: skip
def test_what_cannot_be_read_is_one_failed_attempt(data: bytes) -> None:
    with serving(sends(data)) as url, pytest.raises(TransientError):
        ask(url)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("403 Forbidden", "Your input was flagged for harassment.", ModerationError),
        ("400 Bad Request", "rejected as a result of our content management policy", ModerationError),
        ("403 Forbidden", "<html>Request blocked by the firewall</html>", RequestRefusedError),
        ("403 Forbidden", "Invalid API key", AccessError),
        ("403 Forbidden", "Project has no access to model m", AccessError),
        ("403 Forbidden", "", AccessError),
        ("402 Payment Required", "Insufficient credits", AccessError),
        ("400 Bad Request", "System role not supported", ForbiddenSettingError),
        ("400 Bad Request", "Unsupported value: 'temperature' does not support 0", ForbiddenSettingError),
        ("400 Bad Request", "maximum context length is 8192 tokens", ContextOverflowError),
    ],
)
def test_refusals_of_one_request_are_told_from_those_of_the_account(
    status: str, words: str, kind: type[Exception]
) -> None:
    body = json.dumps({"error": {"message": words}}).encode() if words else b""
    with serving(sends(http(status, body))) as url, pytest.raises(ProviderError) as found:
        ask(url)
    assert type(found.value) is kind


def test_a_forbidden_setting_can_be_left_out() -> None:
    async def strict(request: str, writer: Writer) -> None:
        body = json.loads(request.partition("\r\n\r\n")[2])
        if "temperature" in body:
            said = json.dumps({"error": {"message": "temperature is not supported", "param": "temperature"}})
            writer.write(http("400 Bad Request", said.encode()))
        elif any(m["role"] == "system" for m in body["messages"]):
            writer.write(http("400 Bad Request", b'{"error": {"message": "System role not supported"}}'))
        else:
            writer.write(http("200 OK", json.dumps(completion(body["messages"][0]["content"])).encode()))

    with serving(strict) as url:
        with pytest.raises(ForbiddenSettingError, match="--drop-unsupported"):
            ask(url)
        with pytest.raises(ForbiddenSettingError, match="--no-system"):
            ask(url, drop_unsupported=True)
        reply, adjustments = ask(url, drop_unsupported=True, no_system=True)
    assert reply.text == "You are Anna.\n\nHow much?"
    assert adjustments == ("the model forbids --temperature; it was left out",)


class Forty:
    """Forty persons, one of whom moderation flags."""

    settings = {"task": "forty"}  # noqa: RUF012

    def cells(self) -> Iterator[Cell]:
        return (Cell("loud" if k == 20 else f"p{k}", "q") for k in range(40))

    def request(self, cell: Cell) -> Request:
        return Request((Message("user", (cell.persona,)),), cell=cell)

    def parse(self, cell: Cell, reply: Any) -> Parsed:
        return Parsed(State.VALID, reply.text)


def test_one_flagged_prompt_is_one_refused_call(tmp_path: Any) -> None:
    async def moderated(request: str, writer: Writer) -> None:
        if "loud" in request:
            said = {"error": {"message": "Your input was flagged for harassment.", "code": 403}}
            writer.write(http("403 Forbidden", json.dumps(said).encode()))
        else:
            writer.write(http("200 OK", json.dumps(completion()).encode()))

    with serving(moderated) as url, Store(tmp_path) as store:
        summary = run(Forty(), open_model("m", base_url=url), store, RunOptions(concurrency=1))
        assert (summary.counts[State.VALID], summary.counts[State.REFUSED]) == (39, 1)
        again = run(Forty(), open_model("m", base_url=url), store, RunOptions(concurrency=1))
    assert again.asked == 0
