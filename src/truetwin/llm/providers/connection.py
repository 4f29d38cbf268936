"""Describe where and how a model is reached."""

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
        Passed to the engine, for what only some of them have. Recorded with the run: no place for secrets.
    """

    base_url: str | None = None
    key_variable: str | None = None
    concurrency: int = default_of(Requests, "concurrency")
    extra: Mapping[str, Any] = field(default_factory=dict)
