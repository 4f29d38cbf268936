"""Define how to connect to a model: address, key and number of connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from truetwin.settings.declaration import default_of
from truetwin.settings.shared_settings import Requests


@dataclass(frozen=True)
class ModelOptions:
    """Address, key and connections of a model.

    Parameters
    ----------
    base_url : str, optional
        Address of an OpenAI-compatible endpoint, up to and with ``/v1``.
    key_variable : str, optional
        Environment variable that holds the key; the key itself is never an argument.
    concurrency : int, default=64
        Connections to keep open at most.
    extra : mapping
        Options that only some engines have, passed on to the engine. They are recorded with the run, so they must hold
        no secrets.
    """

    base_url: str | None = None
    key_variable: str | None = None
    concurrency: int = default_of(Requests, "concurrency")
    extra: Mapping[str, Any] = field(default_factory=dict)
