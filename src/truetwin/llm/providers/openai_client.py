"""Ask models behind any OpenAI-compatible endpoint: OpenAI itself, gateways, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from truetwin.errors import (
    ContextOverflowError,
    ForbiddenSettingError,
    MissingExtraError,
    RequestRefusedError,
    TransientError,
    TruetwinError,
    UnknownModelError,
)
from truetwin.llm.messages import Reply, Request
from truetwin.llm.providers.bounded_responses import HEADERS, limit_async, read_json
from truetwin.llm.providers.chat_format import chat_body, read_completion
from truetwin.llm.providers.connection import ModelOptions
from truetwin.llm.providers.endpoint import Endpoint, import_openai
from truetwin.llm.providers.forbidden_settings import FIELDS, forbidden_field
from truetwin.llm.providers.http_failures import from_exception, from_status
from truetwin.llm.providers.served_models import ServedModels

#: Most seconds that an endpoint may take to say which models it serves.
LOOK_AHEAD = 5.0
MOST_NOTES = 20


class OpenAIModel:
    """Model behind an OpenAI-compatible endpoint.

    One call is one attempt: the client's own retries are off. If the endpoint rejects structured output, or the old
    name of the limit on tokens, the following requests are sent without it and ``adjustments`` says so. With
    ``drop_unsupported``, the same holds for any other setting that the model forbids; without it, the first rejection
    says what to leave out. Before the first request the endpoint is asked which models it serves, which is free;
    one that does not tell is none the worse. The first reply shows whether a schema is kept and log-probabilities come.

    Parameters
    ----------
    name : str
        The provider's name of the model.
    options : ModelOptions
        Without ``base_url``, requests go to OpenAI, or to the address in OPENAI_BASE_URL. The key is taken from
        ``key_variable``, by default OPENAI_API_KEY; an endpoint given by ``base_url`` may need none. ``extra`` is added
        to every request.

    Raises
    ------
    AccessError
        If a key is needed and its variable is not set, or holds what cannot be sent.
    EndpointError
        If the base URL is no address.
    MissingExtraError
        If the client is not installed.
    """

    def __init__(self, name: str, options: ModelOptions | None = None) -> None:
        self.name = name
        self._options = options or ModelOptions()
        self.endpoint = Endpoint(name, self._options.base_url, self._options.key_variable)
        self.adjustments: tuple[str, ...] = ()
        self._structured = True
        self._new_limit = False
        self._dropped: set[str] = set()
        self._connections: Any = None
        self._address: Any = None
        self._models: Any = None
        self._headers: Mapping[str, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._served: ServedModels | None = None
        self._others = ""  # models that are listed in place of this one

    def describe(self) -> Mapping[str, Any]:
        """Describe the model for the store; neither the key nor any other secret is in it."""
        found: dict[str, Any] = {"engine": "openai", "name": self.name, "base_url": self.endpoint.url}
        if self._options.no_system:
            found["no_system"] = True
        return found | ({"extra": dict(self._options.extra)} if self._options.extra else {})

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        """Make one attempt at a request; see :class:`truetwin.llm.ChatModel`."""
        if self._options.preflight and self._served is None:
            self._served = ServedModels({})
            self._served = await self.look_ahead()
            told = self._served.in_words(self.name)
            self._others = "" if told else self._served.instead_of(self.name)
            self._say(told)
        while True:
            body = self._body(request)
            begun = time.perf_counter()
            try:
                data = await self._post(body, timeout)
                reply = self._read(data, time.perf_counter() - begun)
                self._note_what_came(body, reply)
                return reply
            except UnknownModelError as error:
                raise UnknownModelError(f"{str(error).rstrip('.')}.{self._others}") from None
            except RequestRefusedError as error:
                if isinstance(error, ContextOverflowError) or not self._adjust(body, str(error)):
                    raise

    async def look_ahead(self) -> ServedModels:
        """Ask which models there are. An endpoint that does not tell, or tells something else, tells nothing."""
        self._connected()
        served = ServedModels.read(await self._told(self._models))
        if served.is_llamacpp:
            served = served.with_slots(await self._told(self._models.join("../props")))
        return served

    async def _told(self, address: Any) -> Any:
        """Read what an endpoint tells under an address; None if it does not."""
        try:
            async with asyncio.timeout(LOOK_AHEAD):
                response = await self._connected().get(
                    address, headers=self._headers, timeout=LOOK_AHEAD, follow_redirects=False
                )
            return self.endpoint.mask.value(read_json(response.content))
        except Exception:  # whatever it is, the first request will meet it, too, and say it
            return None

    def _note_what_came(self, body: Mapping[str, Any], reply: Reply) -> None:
        """Say, once each, what an endpoint did other than it was asked."""
        if self._others:
            self._say(f"the endpoint does not list {self.name}, and answers all the same.{self._others}")
        if reply.model and reply.model not in (self.name, f"{self.name}:latest"):
            self._say(f"{self.name} was asked, and the endpoint says that {reply.model} answered")
        if body.get("logprobs") and reply.logprobs is None:
            self._say("the endpoint gives no log-probabilities; ask for another kind of --reply")
        if (
            "response_format" in body
            and not reply.said.lstrip().startswith("{")
            and reply.finish_reason == "stop"
        ):
            self._say("the endpoint takes a schema and does not keep to it; --reply json asks in words")

    def _say(self, note: str) -> None:
        note = " ".join(note.split())  # what a server names must not look like lines of ours
        if note and note not in self.adjustments and len(self.adjustments) < MOST_NOTES:
            self.adjustments += (note,)

    def _body(self, request: Request) -> dict[str, Any]:
        body = chat_body(request, self.name, structured=self._structured, system=not self._options.no_system)
        if self._new_limit and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        for name in self._dropped:
            body.pop(name, None)
        return body | dict(self._options.extra)

    async def _post(self, body: dict[str, Any], timeout: float) -> Any:
        """Send a body and return what the response holds, as JSON."""
        url = self.endpoint.url
        try:
            content = json.dumps(body, ensure_ascii=False).encode()
            async with asyncio.timeout(timeout):
                response = await self._connected().post(
                    self._address, content=content, headers=self._headers, timeout=timeout
                )
        except TimeoutError:
            raise TransientError(f"{url} gave no reply within {timeout:g} seconds", kind="timeout") from None
        except UnicodeEncodeError:
            raise RequestRefusedError("a prompt must be text; it holds half of a surrogate pair") from None
        except TruetwinError:
            raise
        except (
            Exception
        ) as error:  # of the libraries below: a cut connection, a bad status line, a bad header
            raise self.endpoint.clean(from_exception(error, url=url)) from None
        if not response.is_success:
            raise self.endpoint.status_failure(response)
        try:
            return read_json(response.content)
        except (ValueError, RecursionError) as error:  # the body is neither JSON nor UTF-8
            raise self.endpoint.clean(
                TransientError(f"{url} sent a body that cannot be read: {error}", kind="malformed")
            ) from None

    def _read(self, data: Any, latency: float) -> Reply:
        url = self.endpoint.url
        data = self.endpoint.mask.value(data)
        if isinstance(data, Mapping) and data.get("error") and not data.get("choices"):
            inner = data["error"]
            status = inner.get("code") if isinstance(inner, Mapping) else None
            status = status if isinstance(status, int) and status >= 400 else 500
            raise self.endpoint.clean(from_status(status, data, {}, url=url, model=self.name))
        reply = read_completion(data, latency=latency)
        if reply.logprobs and self.endpoint.mask.is_in(
            "".join(next(iter(each), "") for each in reply.logprobs)
        ):
            return replace(reply, logprobs=None)  # the key is spelled out in tokens
        return reply

    def _adjust(self, body: Mapping[str, Any], words: str) -> bool:
        """Learn from a rejected request what the endpoint does not support. Returns whether another try is worth it."""
        low = words.lower()
        if "max_tokens" in body and "max_completion_tokens" in low:
            self._new_limit = True
            note = "the limit on tokens is sent as max_completion_tokens"
        elif "response_format" in body and any(
            each in low
            for each in ("response_format", "json_schema", "structured", "guided", "grammar", "schema")
        ):
            self._structured = False
            note = "the endpoint rejects structured output; replies are asked for in words"
        else:
            name = forbidden_field(body, words)
            if name is None:
                return False
            if name in ("system", "logprobs") or not (name == "seed" or self._options.drop_unsupported):
                raise ForbiddenSettingError(_what_to_do(name, words))
            self._dropped.add(name)
            note = f"the model forbids {FIELDS[name]}; it was left out"
        self._say(note)
        return True

    def _connected(self) -> Any:
        """Return the connections of this event loop.

        The client prepares address and headers once. To prepare and read each request by itself would take it more time
        than all the rest of a call.
        """
        loop = asyncio.get_running_loop()
        if self._connections is None or self._loop is not loop:
            openai = import_openai()
            standard = openai.DEFAULT_CONNECTION_LIMITS
            most = max(self._options.concurrency, 1)
            limits = type(standard)(max_connections=most, max_keepalive_connections=most)
            try:
                self._connections = openai.DefaultAioHttpClient(
                    limits=limits, event_hooks={"response": [limit_async()]}, headers=HEADERS
                )
            except RuntimeError:
                raise MissingExtraError("aiohttp", "llm", "asking models") from None
            client = openai.AsyncOpenAI(**self.endpoint.arguments(), http_client=self._connections)
            headers = {**client.default_headers, **client.auth_headers}
            self._headers = {name: value for name, value in headers.items() if isinstance(value, str)}
            self._address = client.base_url.join("chat/completions")
            self._models = client.base_url.join("models")
            self._loop = loop
        return self._connections

    async def close(self) -> None:
        """Close the connections; another request would open new ones."""
        connections, self._connections = self._connections, None
        if connections is not None and self._loop is asyncio.get_running_loop():
            await connections.aclose()


def _what_to_do(name: str, words: str) -> str:
    """Say what the user can do about a part of requests that the model forbids."""
    if name == "system":
        return (
            f"the model has no system role; --no-system puts the system message before the user's ({words})"
        )
    if name == "logprobs":
        return f"the endpoint gives no log-probabilities; ask for answers or distributions in words ({words})"
    return f"the model forbids {FIELDS[name]}; leave it out, or carry on without it by --drop-unsupported ({words})"
