"""Define how to connect to a model: address, key and number of connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from truetwin.settings.declaration import default_of
from truetwin.settings.shared_settings import Connection, Requests


@dataclass(frozen=True)
class ModelOptions:
    """Address, key and connections of a model.

    Parameters
    ----------
    base_url : str, optional
        Address of an OpenAI-compatible endpoint, up to and with ``/v1``.
    key_variable : str, optional
        Environment variable that holds the key; the key itself is never an argument.
    concurrency : int, default=512
        Connections to keep open at most.
    extra : mapping
        Options that only some engines have, passed on to the engine. They are recorded with the run, so they must hold
        no secrets.
    drop_unsupported : bool, default=False
        Whether settings that the model forbids are left out; otherwise the first rejection raises
        :class:`~truetwin.errors.ForbiddenSettingError`.
    no_system : bool, default=False
        Whether the system message is put at the beginning of the user's, for models without that role.
    preflight : bool, default=True
        Whether the endpoint is asked first which models it serves.
    """

    base_url: str | None = None
    key_variable: str | None = None
    concurrency: int = default_of(Requests, "concurrency")
    extra: Mapping[str, Any] = field(default_factory=dict)
    drop_unsupported: bool = default_of(Connection, "drop_unsupported")
    no_system: bool = default_of(Connection, "no_system")
    preflight: bool = default_of(Connection, "preflight")
