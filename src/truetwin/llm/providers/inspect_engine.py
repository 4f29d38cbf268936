"""Reach providers that are not OpenAI-compatible, through the model layer of inspect-ai."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

from truetwin.errors import (
    AccessError,
    EndpointError,
    MissingExtraError,
    ParameterError,
    TransientError,
    TruetwinError,
)
from truetwin.llm.messages import Reply, Request, Usage
from truetwin.llm.providers.connection import ModelOptions
from truetwin.llm.providers.http_failures import check_base_url, from_exception, from_status, without_secrets

_SAMPLING = ("temperature", "top_p", "max_tokens", "seed", "reasoning_effort", "top_logprobs")
_FINISH = {"max_tokens": "length", "model_length": "length", "content_filter": "content_filter"}


class InspectModel:
    """Model by its inspect-ai name, such as ``anthropic/claude-...`` or ``google/gemini-...``.

    A call takes about five times the processor time of a call of
    :class:`~truetwin.llm.providers.openai_client.OpenAIModel`; use that class where the endpoint is OpenAI-compatible.
    Retries of inspect-ai are off, and so are those of the provider's client if it can switch them off. The runner
    retries instead, and counts every attempt.

    Parameters
    ----------
    name : str
        ``provider/model``.
    options : ModelOptions
        ``base_url`` is passed on. The key comes from the provider's own environment variable unless ``key_variable``
        names another. ``extra`` goes to the provider's constructor.

    Raises
    ------
    MissingExtraError
        If inspect-ai is not installed.
    AccessError
        If ``key_variable`` is not set.
    """

    def __init__(self, name: str, options: ModelOptions | None = None) -> None:
        self.name = name
        self._options = options = options or ModelOptions()
        self._key = os.environ.get(options.key_variable) if options.key_variable else None
        if options.key_variable and not self._key:
            raise AccessError(
                f"the environment variable {options.key_variable} must hold the key; it is not set"
            )
        self._model: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if options.base_url:
            check_base_url(options.base_url)
        _import_inspect()

    def describe(self) -> Mapping[str, Any]:
        """Describe the model for the store, without secrets."""
        url = self._options.base_url
        found: dict[str, Any] = {
            "engine": "inspect",
            "name": self.name,
            "base_url": url and without_secrets(url),
        }
        return found | ({"extra": dict(self._options.extra)} if self._options.extra else {})

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        """Make one attempt at a request; see :class:`truetwin.llm.ChatModel`."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                model = self._connected()
                output = await model.generate(_messages(request), config=_config(request, timeout))
        except TimeoutError:
            raise TransientError(
                f"{self.name} gave no reply within {timeout:g} seconds", kind="timeout"
            ) from None
        except Exception as error:
            raise self._classified(error) from None
        if output.error:
            raise TransientError(f"{self.name}: {self._clean(output.error)}", kind="server")
        return _reply(output, time.perf_counter() - begun)

    async def close(self) -> None:
        """Close the provider's connections; another request would open new ones."""
        model, self._model = self._model, None
        if model is not None and self._loop is asyncio.get_running_loop():
            await model.api.aclose()

    def _connected(self) -> Any:
        """Return the model with connections of this event loop."""
        loop = asyncio.get_running_loop()
        if self._model is None or self._loop is not loop:
            inspect_model, options = _import_inspect(), self._options
            config = inspect_model.GenerateConfig(max_retries=0, max_connections=options.concurrency)
            arguments = {
                "base_url": options.base_url,
                "api_key": self._key,
                "memoize": False,
                **options.extra,
            }
            try:
                self._model = inspect_model.get_model(self.name, config=config, **arguments)
            except Exception as error:  # each provider raises exceptions of its own
                raise self._unusable(error) from None
            client = getattr(self._model.api, "client", None)
            if client is not None and hasattr(client, "max_retries"):
                client.max_retries = 0  # the provider's own client would try again, uncounted
            self._loop = loop
        return self._model

    def _classified(self, error: Exception) -> Exception:
        last = getattr(error, "last_attempt", None)  # inspect-ai wraps what ended its only attempt
        if last is not None:
            error = last.exception() or error
        if isinstance(error, TruetwinError):
            return error
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        if isinstance(status, int):
            response = getattr(error, "response", None)
            headers = getattr(response, "headers", None) or {}
            body = getattr(error, "body", None) or str(error)
            return from_status(status, self._clean(body), headers, url=self.name, model=self.name)
        found = from_exception(error, url=self.name)
        found.args = (self._clean(str(found)),)
        return found

    def _clean(self, body: Any) -> Any:
        return body.replace(self._key, "[key]") if self._key and isinstance(body, str) else body

    def _unusable(self, error: Exception) -> Exception:
        words = (str(error).splitlines() or [type(error).__name__])[0]
        if "API" in words.upper() and "KEY" in words.upper():
            return AccessError(f"the model {self.name!r} needs a key: {words}")
        if "package" in words or isinstance(error, ImportError):
            return EndpointError(f"the model {self.name!r} needs another package: {words}")
        return ParameterError(
            f"the model must be one that inspect-ai knows, as provider/model; {self.name!r}: {words}"
        )


def _import_inspect() -> Any:
    try:
        import inspect_ai.model
    except ImportError:
        raise MissingExtraError("inspect-ai", "inspect", "the engine 'inspect'") from None
    return inspect_ai.model


def _messages(request: Request) -> list[Any]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    return [kinds[message.role](content=message.content) for message in request.messages]


def _config(request: Request, timeout: float) -> Any:
    from inspect_ai.model import GenerateConfig, ResponseSchema
    from inspect_ai.util import JSONSchema

    sampling = request.sampling
    chosen: dict[str, Any] = {
        name: getattr(sampling, name) for name in _SAMPLING if getattr(sampling, name) is not None
    }
    if sampling.top_logprobs is not None:
        chosen["logprobs"] = True
    if sampling.extra:
        chosen["extra_body"] = dict(sampling.extra)
    if request.schema is not None:
        chosen["response_schema"] = ResponseSchema(
            name="reply", json_schema=JSONSchema.model_validate(dict(request.schema))
        )
    return GenerateConfig(timeout=None, attempt_timeout=max(1, round(timeout)), **chosen)


def _reply(output: Any, latency: float) -> Reply:
    if not output.choices:
        raise TransientError("the reply holds no choices", kind="malformed")
    choice, used = output.choices[0], output.usage
    usage = Usage()
    if used is not None:
        cached = used.input_tokens_cache_read or 0
        prompt = used.input_tokens + cached + (used.input_tokens_cache_write or 0)
        usage = Usage(prompt, used.output_tokens, used.reasoning_tokens or 0, cached)
    logprobs = None
    if choice.logprobs is not None:
        logprobs = tuple(
            {token.token: token.logprob} | {top.token: top.logprob for top in token.top_logprobs or ()}
            for token in choice.logprobs.content
        )
    finish = str(choice.stop_reason)
    return Reply(
        choice.message.text, _FINISH.get(finish, finish), usage, None, logprobs, output.model, latency
    )
