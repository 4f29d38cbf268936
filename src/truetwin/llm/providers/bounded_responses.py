"""Bound what is read from a server: how much, and from where.

A response is read up to a number of bytes, counted as they come and after decompression. Redirects to another host are
refused, because prompts hold texts about persons.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from typing import Any

from truetwin.errors import EndpointError, ProviderError, TransientError
from truetwin.settings.recorded_values import without_secrets

#: Most bytes of a response that are read, raw and decompressed.
MOST_BYTES = 16 * 2**20
#: Bytes of a body that any number of responses may have at once, and how many may be longer at a time.
USUAL_BYTES = 2**18
LONG_AT_ONCE = 2
#: Rough sizes in memory of what begins or ends with these marks, and the most that all of a body may take.
_SIZES = {b"{": 240, b"[": 90, b",": 50}
_MOST_OF_PARTS = 100 * 2**20
#: Ask servers not to compress: replies are small, and compressed ones cost more to bound.
HEADERS = {"Accept-Encoding": "identity"}
_COMPRESSED = {"gzip", "x-gzip", "deflate"}


def limit_async(most: int = MOST_BYTES) -> Callable[[Any], Awaitable[None]]:
    """Return a response hook of an asynchronous client that bounds each response.

    Bodies beyond :data:`USUAL_BYTES` are read a few at a time; the others wait, and their servers with them.
    """
    long_ones = asyncio.Semaphore(LONG_AT_ONCE)

    async def hook(response: Any) -> None:
        _refuse_other_hosts(response)
        response.stream = _bounded_stream(response, most, long_ones)

    return hook


def limit_blocking(most: int = MOST_BYTES) -> Callable[[Any], None]:
    """Return a response hook of a blocking client that bounds each response."""

    def hook(response: Any) -> None:
        _refuse_other_hosts(response)
        response.stream = _bounded_stream(response, most)

    return hook


def _refuse_other_hosts(response: Any) -> None:
    if not response.has_redirect_location:
        return
    asked, wanted = response.request.url, response.request.url.join(response.headers["location"])
    if (wanted.scheme, wanted.host, wanted.port) != (asked.scheme, asked.host, asked.port):
        raise EndpointError(
            f"{without_secrets(str(asked))} redirects to another address, {wanted.scheme}://{wanted.host}; nothing is "
            "sent there. If it is the right one, give it as the base URL."
        )


class Counter:
    """Decompress pieces of a response, and stop at the limit.

    Parameters
    ----------
    encoding : str
        The response's content encoding; empty if it is not compressed.
    most : int
        Most bytes, raw and decompressed.

    Raises
    ------
    ProviderError
        If the encoding is another one than gzip or deflate.
    """

    def __init__(self, encoding: str, most: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in _COMPRESSED | {"", "identity"}:
            raise ProviderError(
                f"the server sent a body compressed as {encoding[:40]!r}, which was not asked for"
            )
        self.most, self.raw, self.plain = most, 0, 0
        self._expand = zlib.decompressobj(47) if encoding in _COMPRESSED else None

    def read(self, piece: bytes) -> bytes:
        """Return a piece decompressed; raise :class:`TransientError` past the limit, or if it is damaged."""
        self.raw += len(piece)
        if self._expand is not None:
            try:
                piece = self._expand.decompress(piece, self.most + 1 - self.plain)
            except zlib.error as error:
                raise TransientError(f"the server sent a damaged body: {error}", kind="malformed") from None
        self.plain += len(piece)
        if max(self.raw, self.plain) > self.most:
            raise TransientError(f"the server sent more than {self.most:,} bytes", kind="too-long")
        return piece


def read_json(content: bytes) -> Any:
    """Read a body as JSON, unless it has so many parts that they would take far more memory than the body.

    Raises
    ------
    ValueError
        If it is no JSON, no text, or has too many parts.

    Examples
    --------
    >>> read_json(b'{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    size = sum(content.count(mark) * each for mark, each in _SIZES.items())
    if size > _MOST_OF_PARTS:
        raise ValueError("it has too many parts")
    return json.loads(content)


def _bounded_stream(response: Any, most: int, long_ones: asyncio.Semaphore | None = None) -> Any:
    counter = Counter(response.headers.get("content-encoding", ""), most)
    response.headers.pop("content-encoding", None)
    # The client's library is httpx or, in its later versions, httpx2; a stream must be of the same one.
    return _bounded_class(type(response).__module__.partition(".")[0])(response.stream, counter, long_ones)


@cache
def _bounded_class(name: str) -> Any:
    """Make the class of bounded streams for a library."""
    library: Any = importlib.import_module(name)

    class Bounded(library.AsyncByteStream, library.SyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any, counter: Counter, long_ones: asyncio.Semaphore | None) -> None:
            self._stream, self._counter, self._long_ones, self._holds = stream, counter, long_ones, False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in self._stream:
                yield self._counter.read(piece)
                if self._long_ones is not None and not self._holds and self._counter.plain > USUAL_BYTES:
                    await self._long_ones.acquire()
                    self._holds = True

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._stream:
                yield self._counter.read(piece)

        async def aclose(self) -> None:
            if self._holds and self._long_ones is not None:
                self._holds = False
                self._long_ones.release()
            await self._stream.aclose()

        def close(self) -> None:
            self._stream.close()

    return Bounded
