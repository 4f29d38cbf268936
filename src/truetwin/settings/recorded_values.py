"""Keep keys and passwords out of recorded settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_SECRET = re.compile(
    r"(^|[-_ ])(api[-_ ]?key|authorization|password|passwd|secret|bearer|(access|auth|api)[-_ ]?token)$"
)


def without_secrets(url: str) -> str:
    """Remove user, password and query from ``url``: they may hold keys.

    Examples
    --------
    >>> without_secrets("https://me:pass@host:8000/v1?key=abc")
    'https://host:8000/v1'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def names_of_secrets(value: Any) -> Iterator[str]:
    """Yield the names in nested mappings under which people give keys and passwords.

    Examples
    --------
    >>> list(names_of_secrets({"extra_headers": {"X-Api-Key": "abc"}, "max_tokens": 10}))
    ['X-Api-Key']
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str) and _SECRET.search(name.lower()):
                yield name
            yield from names_of_secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from names_of_secrets(inner)
