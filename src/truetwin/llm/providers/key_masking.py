"""Mask the key of an endpoint wherever the endpoint repeats it, so that no reply, error or file holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "[key]"
_LONGEST_FORM = 8  # characters in which one of the key is written at most
_SHORTEST = 8  # what servers without keys take, such as "none" or "x", may be a word of a reply


class KeyMask:
    """Mask of one key, as it is or partly written in URL or JSON escapes.

    Parameters
    ----------
    key : str or None
        The key; None or a short text masks nothing.

    Examples
    --------
    >>> mask = KeyMask("sk-secret+key")
    >>> mask.text("Bearer sk-secret%2Bkey is wrong")
    'Bearer [key] is wrong'
    >>> mask.value({"error": ["sk-secret+key"]})
    {'error': ['[key]']}
    """

    def __init__(self, key: str | None) -> None:
        self._key = key if key is not None and len(key) >= _SHORTEST else None
        self._escaped = re.compile("".join(map(_any_form, self._key))) if self._key else None

    @property
    def longest(self) -> int:
        """Most characters in which the key may be written; 0 if nothing is masked."""
        return _LONGEST_FORM * len(self._key or "")

    def text(self, text: str) -> str:
        """Mask the key in a text."""
        if self._key is None or self._escaped is None:
            return text
        text = text.replace(self._key, MASK)
        return self._escaped.sub(MASK, text) if "%" in text or "\\" in text or "&#" in text else text

    def value(self, value: Any) -> Any:
        """Mask the key in every text of a parsed JSON body. A text takes the place of one that is nested too deeply."""
        if self._key is None:
            return value
        try:
            return self._inside(value)
        except RecursionError:
            return "a body that is nested too deeply"

    def _inside(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._inside(name): self._inside(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._inside(inner) for inner in value]
        return value

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds the key."""
        return self.text(text) != text


def _any_form(character: str) -> str:
    code = ord(character)
    forms = [re.escape(character), f"%(?:25)*(?i:{code:02x})", rf"\\u00(?i:{code:02x})", f"&#{code};"]
    return f"(?:{'|'.join(forms)})"
