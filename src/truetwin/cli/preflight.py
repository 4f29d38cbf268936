"""Ask an endpoint about a model when a dry run wants it. A run does this by itself, before its first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetwin.cli.output import note

if TYPE_CHECKING:
    from truetwin.llm import ChatModel
    from truetwin.settings.shared_settings import Connection


def is_wanted(settings: Connection) -> bool:
    """Tell whether ``--preflight`` was given, and not only left at its default."""
    return settings.preflight and "preflight" in settings.model_fields_set


def look_ahead(model: ChatModel) -> None:
    """Say what the endpoint tells of a model, which is free and no request to the model.

    Raises
    ------
    UnknownModelError
        If the endpoint lists other models only, and does not answer under any name.
    """
    from truetwin.errors import UnknownModelError
    from truetwin.llm.providers.openai_client import OpenAIModel
    from truetwin.llm.running.waiting import wait_for

    if not isinstance(model, OpenAIModel):
        return
    url = model.endpoint.url

    async def asked() -> tuple[str, str]:
        try:
            served = await model.look_ahead()
        finally:
            await model.close()
        others = "" if served.is_llamacpp else served.instead_of(model.name)
        if not served.contexts:
            return f"{url} does not tell which models it serves", ""
        return served.in_words(model.name) or f"the endpoint serves {model.name}", others

    words, others = wait_for(asked())
    if others:
        raise UnknownModelError(f"{url} lists no model {model.name!r}.{others}")
    note(words)
