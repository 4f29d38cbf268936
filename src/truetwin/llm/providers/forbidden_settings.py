"""Recognise from an endpoint's words that its model forbids a part of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Fields of a request that models forbid, and the words for them.
FIELDS = {
    "temperature": "--temperature",
    "top_p": "--top-p",
    "seed": "decoding seeds",
    "reasoning_effort": "--reasoning-effort",
    "max_tokens": "--max-tokens",
    "max_completion_tokens": "--max-tokens",
    "prediction": "predicted output",
    "logprobs": "log-probabilities",
}
_FORBIDS = re.compile(
    r"unsupported|not (?:be )?(?:supported|allowed|permitted|available|accepted)|n[o']t (?:support|accept|allow|take)"
    r"|unknown|unrecogni[sz]ed|unexpected|extra (?:inputs|fields)|no longer|deprecated|only the default|cannot both be",
    re.IGNORECASE,
)
_ROLES = re.compile(
    r"(?:system|developer)[ _-]*(?:role|message|prompt|instruction)s?|roles must alternate", re.IGNORECASE
)


def forbidden_field(body: Mapping[str, Any], words: str) -> str | None:
    """Return the field of a request that the endpoint's words forbid; ``"system"`` for the role; None if none.

    Examples
    --------
    >>> forbidden_field({"temperature": 0.0}, "'temperature' does not support 0 with this model")
    'temperature'
    >>> forbidden_field({"temperature": 0.0}, "the prompt is too long") is None
    True
    """
    if not _FORBIDS.search(words) and not re.search(r"roles must alternate", words, re.IGNORECASE):
        return None
    if any(message.get("role") == "system" for message in body.get("messages", ())) and _ROLES.search(words):
        return "system"
    return next((name for name in FIELDS if name in body and re.search(rf"\b{name}\b", words)), None)
