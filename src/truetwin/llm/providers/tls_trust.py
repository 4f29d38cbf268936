"""Say whose certificates connections trust. To read those of all authorities takes longer than a call."""

from __future__ import annotations

import importlib
import os
import ssl
from functools import cache
from types import ModuleType


def tls_context(openai: ModuleType) -> ssl.SSLContext:
    """Return what the client's library trusts by itself, as all connections of this process share it."""
    limits = openai.DEFAULT_CONNECTION_LIMITS
    library = type(limits).__module__.partition(".")[0]  # httpx or, in later versions of the client, httpx2
    return _context(library, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(library: str, file: str | None, folder: str | None) -> ssl.SSLContext:
    """Let the library make a context; it looks at both variables of the environment itself."""
    context: ssl.SSLContext = importlib.import_module(library).create_ssl_context()
    return context
