"""Turn a failed HTTP response into an error: is it worth trying again, and what should the user do?"""

from __future__ import annotations

import errno
import json
import math
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from truetwin.errors import (
    AccessError,
    ContextOverflowError,
    EndpointError,
    ModerationError,
    ProviderError,
    RequestRefusedError,
    TransientError,
    UnknownModelError,
)

_LONGEST = 300  # most characters that are quoted from a provider's message
_UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
_MODERATED = re.compile(
    r"moderat|flagged|content[ _-]?(?:policy|filter|management)|usage polic|safety|harmful"
    r"|data_inspection|responsibleai",
    re.IGNORECASE,
)
_ABOUT_ACCOUNT = re.compile(
    r"\b(?:api[ _-]?)?keys?\b|credential|authenti|authori[sz]|permission|credit|billing|balance|quota|account"
    r"|organi[sz]ation|project|subscription|\bplan\b|region|country|territory|not have access"
    r"|access to (?:the )?(?:model|this)",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|(?:context|prompt|input)[ _]?(?:length|window|size)\b"
    r"|(?:prompt|input|request|conversation) is too (?:long|large)|too many (?:input )?tokens|input token count"
    r"|reduce the length|maximum number of (?:input )?tokens",
    re.IGNORECASE,
)
_KINDS = {408: "timeout", 429: "rate-limit", 503: "overloaded", 504: "timeout", 529: "overloaded"}


def from_status(
    status: int,
    body: Any,
    headers: Mapping[str, str],
    *,
    url: str,
    model: str,
    service: str = "chat completions",
) -> ProviderError:
    """Turn an HTTP status other than success into an error.

    Parameters
    ----------
    status : int
        HTTP status.
    body : object
        Body of the response: text, or parsed JSON.
    headers : mapping
        Headers of the response.
    url, model, service : str
        Address, model and service that were asked, for the message.
    """
    code, words = _code(body), _words(body)
    said = f": {words}" if words else ""
    if status in (400, 403, 422, 451) and _MODERATED.search(f"{code} {words}"):
        return ModerationError(f"{url} declines the request ({status}){said}")
    refused = status == 403 and words != "" and not _ABOUT_ACCOUNT.search(f"{code} {words}")
    if (status in (401, 402, 403) and not refused) or code == "insufficient_quota":
        return AccessError(
            f"{url} gives no access ({status}){said}. Check the key, its rights and its credit."
        )
    if status not in (401, 402, 403, 404, 429) and (status == 413 or _TOO_LONG.search(f"{code} {words}")):
        return ContextOverflowError(
            f"{url} rejects the request as longer than the model's context ({status}){said}"
        )
    if code == "model_not_found" or (status in (400, 404, 422) and _speaks_of_missing_model(words)):
        return UnknownModelError(f"{url} has no model {model!r} ({status}){said}")
    if status == 404:
        return EndpointError(f"{url} has no {service} (404){said}. The base URL usually ends in /v1.")
    if status in (408, 409, 425, 429) or status >= 500:
        kind = _KINDS.get(status, "server")
        return TransientError(f"{url} answers {status}{said}", retry_after(headers), kind=kind)
    return RequestRefusedError(f"{url} rejects the request ({status}){said}")


def from_exception(error: BaseException, *, url: str) -> ProviderError:
    """Turn a failed connection into an error, by the first cause in its chain of exceptions.

    The exceptions that wrap the first cause are not used, because some call a cut connection a timeout.
    """
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, ProviderError):
            return each
        if isinstance(each, socket.gaierror | ssl.SSLError):
            return EndpointError(f"nothing answers under {url}: {_first_line(each)}")
        if isinstance(each, OSError) and each.errno in _UNREACHABLE:
            return EndpointError(f"nothing answers under {url}: {_first_line(each)}. Is the server running?")
    names = {type(each).__name__ for each in chain}
    if names & {
        "ServerDisconnectedError",
        "ConnectionResetError",
        "ClientPayloadError",
        "RemoteProtocolError",
    }:
        return TransientError(f"{url} cut the connection", kind="connection")
    if names & {
        "ClientConnectorDNSError",
        "ClientConnectorCertificateError",
        "UnsupportedProtocol",
        "InvalidURL",
    }:
        return EndpointError(f"nothing answers under {url}: {_first_line(chain[-1])}")
    if any(isinstance(each, TimeoutError) for each in chain):
        return TransientError(f"{url} gave no reply in time", kind="timeout")
    return TransientError(f"the connection to {url} failed: {_first_line(chain[-1])}", kind="connection")


def retry_after(headers: Mapping[str, str], *, now: Callable[[], float] = time.time) -> float | None:
    """Read from the headers how many seconds to wait; None if they do not say.

    The headers are ``Retry-After``, in seconds or as a date, and ``retry-after-ms``.

    Examples
    --------
    >>> retry_after({"retry-after": "2"})
    2.0
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=lambda: 50.0)
    10.0
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return max(0.0, seconds * unit)
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - now())
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def check_base_url(url: str) -> str:
    """Return ``url`` if it is an address that requests can be sent to.

    Raises
    ------
    EndpointError
        If it is no address, or if it holds a user or a password. The address is recorded with the run, so that a
        password in it would be disclosed.

    Examples
    --------
    >>> check_base_url("http://localhost:8000/v1")
    'http://localhost:8000/v1'
    """
    authority, fits = url, False
    try:
        parts = urlsplit(url)
        authority = parts.netloc or url
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the brackets or the port are malformed
        pass
    if "@" in authority:
        raise EndpointError(
            "a base URL must hold no user and no password; this one holds '@'. Put the key into an environment "
            "variable and name that with --key-variable."
        )
    if not fits:
        raise EndpointError(
            f"a base URL must be an address such as http://localhost:8000/v1; found {url.partition('?')[0]!r}"
        )
    return url


def _inner(body: Any) -> Any:
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    return inner[0] if isinstance(inner, list) and inner else inner


def _code(body: Any) -> str:
    inner = _inner(body)
    return str(inner.get("code") or inner.get("type") or "") if isinstance(inner, Mapping) else ""


def _words(body: Any) -> str:
    inner = _inner(body)
    if isinstance(inner, Mapping):
        inner = inner.get("message") or inner.get("detail") or json.dumps(dict(inner), default=str)
    words = " ".join(str(inner or "").split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."


def _speaks_of_missing_model(words: str) -> bool:
    words = words.lower()
    return "model" in words and any(
        each in words for each in ("not found", "not exist", "unknown model", "invalid model")
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:_LONGEST]
