"""Models that an endpoint says it serves (``GET /v1/models``): their names, and what else it tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from truetwin.registry import closest

#: Names under which servers tell the longest context of a model: vLLM, gateways, llama.cpp.
CONTEXT = ("max_model_len", "context_length", "context_window", "n_ctx", "n_ctx_train")
MOST_NAMES, LONGEST_NAME = 1000, 200
SHOWN = 5


@dataclass(frozen=True)
class ServedModels:
    """Models of an endpoint.

    Attributes
    ----------
    contexts : mapping from name to int or None
        Longest context of each model, in tokens, where it is told.
    slots : int or None
        Requests that the server answers at a time, where it is told.
    is_llamacpp : bool
        Whether it is llama.cpp's server, which answers under any name.
    """

    contexts: Mapping[str, int | None]
    slots: int | None = None
    is_llamacpp: bool = False

    @classmethod
    def read(cls, data: Any) -> ServedModels:
        """Read the answer of an endpoint. What is not understood tells nothing.

        Examples
        --------
        >>> ServedModels.read({"data": [{"id": "llama3:latest", "max_model_len": 8192}]}).contexts
        {'llama3:latest': 8192}
        >>> ServedModels.read("welcome").contexts
        {}
        """
        listed = data.get("data") if isinstance(data, Mapping) else None
        found: dict[str, int | None] = {}
        for each in listed[:MOST_NAMES] if isinstance(listed, list) else ():
            if (
                isinstance(each, Mapping)
                and isinstance(each.get("id"), str)
                and len(each["id"]) <= LONGEST_NAME
            ):
                meta = each.get("meta")
                told = {**(meta if isinstance(meta, Mapping) else {}), **each}
                lengths = [
                    told[name] for name in CONTEXT if isinstance(told.get(name), int) and told[name] > 0
                ]
                found[each["id"]] = lengths[0] if lengths else None
        owners = [each.get("owned_by") for each in listed or () if isinstance(each, Mapping)] if found else []
        return cls(found, is_llamacpp=bool(owners) and all(owner == "llamacpp" for owner in owners))

    def with_slots(self, properties: Any) -> ServedModels:
        """Add what llama.cpp's server says of itself (``GET /props``).

        Examples
        --------
        >>> ServedModels({"a": 8192}).with_slots({"total_slots": 4}).in_words("a")
        'the endpoint serves a with a context of 8,192 tokens, and answers 4 requests at a time'
        """
        slots = properties.get("total_slots") if isinstance(properties, Mapping) else None
        return replace(self, slots=slots if isinstance(slots, int) and slots > 0 else None)

    def name_of(self, model: str) -> str | None:
        """Return the name under which a model is listed; Ollama leaves out ``:latest``."""
        return next((name for name in (model, f"{model}:latest") if name in self.contexts), None)

    def in_words(self, model: str) -> str:
        """Say what the endpoint tells of a model; empty if nothing.

        Examples
        --------
        >>> ServedModels({"a": 8192}).in_words("a"), ServedModels({"a": None}).in_words("a")
        ('the endpoint serves a with a context of 8,192 tokens', '')
        """
        name = self.name_of(model)
        if name is None and self.is_llamacpp and len(self.contexts) == 1:
            name = next(iter(self.contexts))
        length = self.contexts[name] if name is not None else None
        told = [f"with a context of {length:,} tokens"] if length else []
        told += [f"and answers {self.slots:,} requests at a time"] if self.slots else []
        return f"the endpoint serves {name} {', '.join(told)}" if told else ""

    def instead_of(self, model: str) -> str:
        """Name the models that there are in place of one that there is not; empty if none are known.

        Examples
        --------
        >>> ServedModels({"llama3:8b": None}).instead_of("lama3:8b")
        " It serves llama3:8b. Did you mean 'llama3:8b'?"
        """
        names = list(self.contexts)
        if not names or self.name_of(model) is not None:
            return ""
        rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f" It serves {', '.join(names[:SHOWN])}{rest}.{closest(model, names)}"
