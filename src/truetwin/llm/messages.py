"""Define requests to a model and its replies, in a form that is the same for every provider."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from truetwin.llm.thoughts import spoken

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Cell:
    """Cell of a run: who is asked what, in which step and repetition. It is filled with one answer.

    Parameters
    ----------
    persona : str
        Id of the person that the model plays.
    item : str
        Id of the item that is asked. If one call asks several items: id of their group.
    step : str, default="answer"
        Name of the step within the run, for example ``"generate"`` or ``"judge-scoring"``.
    replicate : int, default=0
        Number of the repetition: another sample, another order of options.
    """

    persona: str
    item: str
    step: str = "answer"
    replicate: int = 0


@dataclass(frozen=True)
class Message:
    """Message of a conversation, in parts.

    The model sees the parts joined without anything between them. Keeping them apart lets a store hold a persona that
    occurs in a thousand prompts once.
    """

    role: Role
    parts: tuple[str, ...]

    @property
    def content(self) -> str:
        """Text as the model sees it."""
        return "".join(self.parts)


@dataclass(frozen=True)
class Sampling:
    """Sampling settings of a model; None leaves a setting to the provider.

    ``extra`` goes to the provider as it is, for what only some of them have.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    top_logprobs: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Request:
    """Request of one call: messages, sampling settings, and optionally the shape that the reply must have.

    Parameters
    ----------
    messages : tuple of Message
        What the model sees.
    sampling : Sampling
        Sampling settings, such as the temperature.
    schema : mapping, optional
        JSON schema of the reply, where structured output is wanted.
    prediction : str, optional
        Predicted output, passed on to providers that take one.
    cell : Cell, optional
        The cell of the run that the call fills. It is never sent and is no part of the hash.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    prediction: str | None = None
    cell: Cell | None = field(default=None, compare=False)

    @cached_property
    def digest(self) -> str:
        """Hash of everything that is sent except the model's name. Equal requests have equal hashes on any machine."""
        sent = {
            "messages": [(m.role, m.content) for m in self.messages],
            "sampling": asdict(self.sampling),
            "schema": self.schema,
            "prediction": self.prediction,
        }
        return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the provider counts them. Reasoning tokens are included in the completion tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
            self.cached_tokens - other.cached_tokens,
        )


@dataclass(frozen=True)
class Reply:
    """Reply of a model.

    Parameters
    ----------
    text : str
        The reply as it came.
    finish_reason : str
        Why the model stopped, in the provider's word; ``"length"`` means that it was cut off.
    usage : Usage
        Tokens used.
    refusal : str, optional
        The provider's separate refusal text, where it gives one.
    logprobs : tuple of mappings, optional
        For each token of the reply, the log-probabilities of the likeliest tokens at its place.
    model : str, default=""
        Name of the model that answered, as the provider states it. It may be a dated version of the one asked.
    reasoning : str, optional
        The model's thoughts, where the provider gives them in a field of their own.
    latency : float, default=0.0
        Seconds from sending the request to the complete reply. Earlier failed attempts do not count.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = Usage()
    refusal: str | None = None
    logprobs: tuple[Mapping[str, float], ...] | None = None
    model: str = ""
    latency: float = 0.0
    reasoning: str | None = None

    @cached_property
    def said(self) -> str:
        """Text without the model's thoughts (:mod:`truetwin.llm.thoughts`)."""
        return spoken(self.text).text
