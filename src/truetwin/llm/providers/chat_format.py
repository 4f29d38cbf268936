"""Convert requests and replies to and from the JSON of OpenAI-compatible chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truetwin.errors import TransientError
from truetwin.llm.messages import Reply, Request, Usage

_MOST_TOKENS = 2**40  # a larger number cannot be a count of tokens
_LONGEST_NAME = 200  # characters of the name of a model or of a reason to end that are kept


def chat_body(
    request: Request, model: str, *, structured: bool = True, system: bool = True
) -> dict[str, Any]:
    """Make the body of a chat completion request.

    Parameters
    ----------
    request : Request
        The request to send.
    model : str
        The provider's name of the model.
    structured : bool, default=True
        Whether to send the request's schema. False for endpoints without structured output.
    system : bool, default=True
        Whether to send a system message. Otherwise its text stands at the beginning of the user's message.

    Examples
    --------
    >>> from truetwin.llm import Message
    >>> chat_body(Request((Message("user", ("Hello ", "Anna")),)), "m")
    {'model': 'm', 'messages': [{'role': 'user', 'content': 'Hello Anna'}]}
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request) if system else _without_system(_messages(request)),
    }
    for name in ("temperature", "top_p", "max_tokens", "seed", "reasoning_effort"):
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    if sampling.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": sampling.top_logprobs}
    if request.schema is not None and structured:
        shape = {"name": "reply", "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    if request.prediction is not None:
        body["prediction"] = {"type": "content", "content": request.prediction}
    return body | dict(sampling.extra)


def _messages(request: Request) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in request.messages]


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Put the texts of system messages before the first message of the user."""
    texts = [m["content"] for m in messages if m["role"] == "system"]
    rest = [m for m in messages if m["role"] != "system"]
    first = next((k for k, m in enumerate(rest) if m["role"] == "user"), None)
    if not texts:
        return rest
    if first is None:
        return [{"role": "user", "content": "\n\n".join(texts)}, *rest]
    rest[first] = {"role": "user", "content": "\n\n".join([*texts, rest[first]["content"]])}
    return rest


def read_completion(data: Any, *, latency: float = 0.0) -> Reply:
    """Read the reply in the body of a chat completion.

    Raises
    ------
    TransientError
        If the body is no chat completion. Its kind is ``"malformed"``; it holds the token counts if the body has some.
    """
    usage = read_usage(data.get("usage")) if isinstance(data, Mapping) else Usage()
    try:
        choice = data["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
        refusal = message.get("refusal")
        if refusal is not None and not isinstance(refusal, str):
            raise TypeError("a refusal that is no text")
        return Reply(
            text=text,
            finish_reason=str(choice.get("finish_reason") or "")[:_LONGEST_NAME],
            usage=usage,
            refusal=refusal,
            logprobs=_logprobs(choice.get("logprobs")),
            model=str(data.get("model") or "")[:_LONGEST_NAME],
            latency=latency,
            reasoning=_reasoning(message),
        )
    except (
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        found = (
            type(data).__name__ if not isinstance(data, Mapping) else ", ".join(map(str, data)) or "nothing"
        )
        raise TransientError(
            f"the reply must hold choices with a message each; found {found[:120]}",
            kind="malformed",
            usage=usage,
        ) from error


def read_usage(found: Any) -> Usage:
    """Read the provider's counts of tokens; a count that it does not state is 0.

    Some providers count reasoning tokens in the total and not in the completion. Reasoning tokens are billed like other
    tokens received. Tokens of the total that are in neither prompt nor completion therefore count as reasoning.
    """
    if not isinstance(found, Mapping):
        return Usage()
    prompt, completion = _count(found, "prompt_tokens"), _count(found, "completion_tokens")
    reasoning = _count(found.get("completion_tokens_details"), "reasoning_tokens")
    uncounted = max(0, _count(found, "total_tokens") - prompt - completion)
    cached = min(_count(found.get("prompt_tokens_details"), "cached_tokens"), prompt)
    return Usage(prompt, completion + uncounted, max(reasoning, uncounted), cached)


def _count(found: Any, name: str) -> int:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if type(value) is int and 0 <= value < _MOST_TOKENS else 0  # true and false are no counts


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type") == "text")


def _reasoning(message: Mapping[str, Any]) -> str | None:
    """Find the thoughts that servers put into a field of their own."""
    found = [message.get(name) for name in ("reasoning_content", "reasoning", "thinking")]
    return next((each for each in found if isinstance(each, str) and each), None)


def _logprobs(found: Any) -> tuple[Mapping[str, float], ...] | None:
    tokens = found.get("content") if isinstance(found, Mapping) else None
    if not tokens:
        return None
    return tuple(
        {token["token"]: float(token["logprob"])}
        | {other["token"]: float(other["logprob"]) for other in token.get("top_logprobs") or ()}
        for token in tokens
    )
