"""Find the model behind a name: by its prefix (``scripted:answers.yaml``), or else as a provider's own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from truetwin.errors import ParameterError
from truetwin.llm.providers.connection import ModelOptions
from truetwin.llm.task import ChatModel
from truetwin.registry import Registry
from truetwin.settings.declaration import default_of
from truetwin.settings.shared_settings import Connection, Requests

ModelFactory = Callable[[str, ModelOptions], ChatModel]


def _check_factory(entry: Any) -> None:
    if not callable(entry):
        raise ParameterError(
            f"it must be called with what follows the colon, and options; it is {entry!r:.80}"
        )


# A factory takes the text after the colon, which may be empty.
models: Registry[ModelFactory] = Registry(
    "kind of model", hint="Kinds are: {names}.", entry_point_group="truetwin.models", check=_check_factory
)
# A factory takes the whole name of the model.
engines: Registry[ModelFactory] = Registry("engine", hint="Engines are: {names}.")


def open_model(
    name: str,
    *,
    base_url: str | None = None,
    engine: str = "openai",
    key_variable: str | None = None,
    concurrency: int = default_of(Requests, "concurrency"),
    extra: Mapping[str, Any] | None = None,
    drop_unsupported: bool = default_of(Connection, "drop_unsupported"),
    no_system: bool = default_of(Connection, "no_system"),
    preflight: bool = default_of(Connection, "preflight"),
) -> ChatModel:
    """Open the model behind a name.

    Parameters
    ----------
    name : str
        ``kind:rest`` for a registered kind, such as ``scripted:<file>``. Any other name is the provider's name of a
        model, for example ``llama3:8b``, since no kind is called ``llama3``.
    base_url, key_variable, concurrency, extra, drop_unsupported, no_system, preflight :
        See :class:`ModelOptions`.
    engine : str, default="openai"
        Library that sends the requests: ``"openai"`` for any OpenAI-compatible endpoint, ``"inspect"`` for the
        providers that inspect-ai supports, under the names that it gives them.

    Raises
    ------
    UnknownNameError
        If there is no such engine.
    AccessError
        If the endpoint needs a key and there is none.
    MissingExtraError
        If the engine is not installed.

    Examples
    --------
    >>> open_model("llama3:8b", base_url="http://localhost:11434/v1").describe()["name"]
    'llama3:8b'
    """
    options = ModelOptions(
        base_url, key_variable, concurrency, extra or {}, drop_unsupported, no_system, preflight
    )
    kind, _, rest = name.partition(":")
    if kind in models:
        return models[kind](rest, options)
    return engines[engine](name, options)


def _scripted(path: str, options: ModelOptions) -> ChatModel:
    from truetwin.llm.providers.scripted import read_scripted_model

    return read_scripted_model(path)


def _openai(name: str, options: ModelOptions) -> ChatModel:
    from truetwin.llm.providers.openai_client import OpenAIModel

    return OpenAIModel(name, options)


def _inspect(name: str, options: ModelOptions) -> ChatModel:
    from truetwin.llm.providers.inspect_engine import InspectModel

    return InspectModel(name, options)


models.add("scripted", _scripted)
engines.add("openai", _openai)
engines.add("inspect", _inspect)
