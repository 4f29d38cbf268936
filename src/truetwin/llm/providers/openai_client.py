"""Any OpenAI-compatible endpoint: OpenAI itself, gateways, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from truetwin.errors import (
    AccessError,
    MissingExtraError,
    ProviderError,
    RequestRefusedError,
    TransientError,
)
from truetwin.llm.messages import Reply, Request
from truetwin.llm.providers.chat_format import chat_body, read_completion
from truetwin.llm.providers.connection import ModelOptions
from truetwin.llm.providers.http_failures import check_base_url, from_exception, from_status, without_secrets

if TYPE_CHECKING:
    import openai

KEY_VARIABLE = "OPENAI_API_KEY"
_NO_KEY = "none"  # what endpoints without keys are sent, since the client insists on one


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    One call is one attempt: the client's own retries are off. Where the endpoint rejects structured output, or the old
    name of the limit on tokens, that is remembered and requests are sent without it; ``adjustments`` says so.

    Parameters
    ----------
    name : str
        The provider's name of the model.
    options : ModelOptions
        Without ``base_url``, OpenAI (or what OPENAI_BASE_URL says). The key is taken from ``key_variable``, by default
        OPENAI_API_KEY; an endpoint given by ``base_url`` may need none. ``extra`` is added to every request.

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
        self._key = _find_key(self._options)
        base_url = self._options.base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        self._base_url = check_base_url(base_url)
        self.url = without_secrets(base_url)
        self.adjustments: tuple[str, ...] = ()
        self._structured = True
        self._new_limit = False
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        _import_openai()

    def describe(self) -> Mapping[str, Any]:
        """What a store records; neither key nor anything else secret."""
        found: dict[str, Any] = {"engine": "openai", "name": self.name, "base_url": self.url}
        return found | ({"extra": dict(self._options.extra)} if self._options.extra else {})

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        """One request; see :class:`truetwin.llm.ChatModel`."""
        while True:
            body = self._body(request)
            begun = time.perf_counter()
            try:
                data = await self._post(body, timeout)
                return self._read(data, time.perf_counter() - begun)
            except RequestRefusedError as error:
                if not self._adjust(body, str(error)):
                    raise

    def _body(self, request: Request) -> dict[str, Any]:
        body = chat_body(request, self.name, structured=self._structured)
        if self._new_limit and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return body | dict(self._options.extra)

    async def _post(self, body: dict[str, Any], timeout: float) -> Any:
        import openai

        try:
            async with asyncio.timeout(timeout):
                return await self._connected().post(
                    "/chat/completions", cast_to=object, body=body, options={"timeout": timeout}
                )
        except (openai.APIStatusError, openai.APIConnectionError) as error:
            raise self.failure(error) from None
        except TimeoutError:
            raise TransientError(
                f"{self.url} gave no reply within {timeout:g} seconds", kind="timeout"
            ) from None
        except UnicodeEncodeError:
            raise RequestRefusedError("a prompt must be text; it holds half of a surrogate pair") from None
        except ValueError as error:  # neither JSON nor UTF-8
            raise self.clean(
                TransientError(f"{self.url} sent a body that cannot be read: {error}", kind="malformed")
            ) from None

    def failure(self, error: openai.OpenAIError) -> ProviderError:
        """What the client's error means, without the key."""
        import openai

        if isinstance(error, openai.APIStatusError):
            found = from_status(
                error.status_code, error.body, error.response.headers, url=self.url, model=self.name
            )
        elif isinstance(error, openai.APIConnectionError):
            found = from_exception(error, url=self.url)
        else:
            found = ProviderError(f"{self.url}: {error}")
        return self.clean(found)

    def _read(self, data: Any, latency: float) -> Reply:
        if isinstance(data, str):  # sent as another type of content
            try:
                data = json.loads(data)
            except ValueError:
                raise TransientError(f"{self.url} sent a body that is not JSON", kind="malformed") from None
        if isinstance(data, Mapping) and data.get("error") and not data.get("choices"):
            inner = data["error"]
            status = inner.get("code") if isinstance(inner, Mapping) else None
            status = status if isinstance(status, int) and status >= 400 else 500
            raise self.clean(from_status(status, data, {}, url=self.url, model=self.name))
        return read_completion(data, latency=latency)

    def _adjust(self, body: Mapping[str, Any], words: str) -> bool:
        """Learn from a rejected request what the endpoint does not know; whether that is worth another try."""
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
            return False
        if note not in self.adjustments:
            self.adjustments += (note,)
        return True

    def _connected(self) -> Any:
        """The client of this event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            openai = _import_openai()
            standard = openai.DEFAULT_CONNECTION_LIMITS
            most = max(self._options.concurrency, 1)
            limits = type(standard)(max_connections=most, max_keepalive_connections=most)
            try:
                transport = openai.DefaultAioHttpClient(limits=limits)
            except RuntimeError:
                raise MissingExtraError("aiohttp", "llm", "asking models") from None
            self._client = openai.AsyncOpenAI(
                api_key=self._key or _NO_KEY, base_url=self._base_url, max_retries=0, http_client=transport
            )
            self._loop = loop
        return self._client

    def clean(self, error: ProviderError) -> ProviderError:
        """The error without the key, should the endpoint have repeated it."""
        if self._key and self._key in str(error):
            error.args = (str(error).replace(self._key, "[key]"),)
        return error

    def blocking_client(self) -> Any:
        """A client for services around the model, such as files and batches; close it."""
        return _import_openai().OpenAI(api_key=self._key or _NO_KEY, base_url=self._base_url, max_retries=3)

    async def close(self) -> None:
        """Close the connections; another request would open new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()


def _find_key(options: ModelOptions) -> str | None:
    variable = options.key_variable or KEY_VARIABLE
    key = os.environ.get(variable, "").strip()
    if key and not (key.isascii() and key.isprintable()):
        raise AccessError(
            f"the environment variable {variable} must hold a key; what it holds has characters that no key has"
        )
    if key:
        return key
    if options.key_variable or not (options.base_url or os.environ.get("OPENAI_BASE_URL")):
        raise AccessError(
            f"the environment variable {variable} must hold the key; it is not set. "
            "Set it, or give the base URL of an endpoint that needs no key."
        )
    return None


def _import_openai() -> Any:
    try:
        import openai
    except ImportError:
        raise MissingExtraError("openai", "llm", "asking models") from None
    return openai
