"""Embeddings from any OpenAI-compatible endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.errors import (
    AccessError,
    EndpointError,
    MissingExtraError,
    ProviderError,
    TransientError,
    UnknownModelError,
)

#: Texts in one call.
BATCH = 256


class EmbeddingsEndpoint:
    """Vectors of texts from a model behind ``/v1/embeddings``.

    Parameters
    ----------
    model : str
        The provider's name for the model.
    base_url : str, optional
        Address up to and with ``/v1``; the provider's own by default.
    key_variable : str, optional
        Environment variable that holds the key; ``OPENAI_API_KEY`` by default. An endpoint with an address of its own
        may need none.

    Raises
    ------
    MissingExtraError
        If openai is not installed.
    AccessError
        If a key is needed and there is none, or it is rejected.
    """

    def __init__(self, model: str, *, base_url: str | None = None, key_variable: str | None = None) -> None:
        try:
            from openai import OpenAI
        except ImportError:
            raise MissingExtraError("openai", "llm", "embedding through an endpoint") from None
        variable = key_variable or "OPENAI_API_KEY"
        key = os.environ.get(variable)
        if not key and base_url is None:
            raise AccessError(
                f"embeddings of {model!r} need a key; the environment variable {variable} is not set. Set it, or name "
                "another endpoint."
            )
        self.model = model
        self.base_url = base_url
        self._client = OpenAI(api_key=key or "none", base_url=base_url, max_retries=4, timeout=60.0)

    def describe(self) -> Mapping[str, Any]:
        """What vectors depend on; no secrets."""
        return {"model": self.model, "base_url": self.base_url}

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text, in order. Empty texts are sent as a blank, which endpoints refuse less often."""
        found: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            batch = [text or " " for text in texts[start : start + BATCH]]
            data = sorted(self._ask(batch), key=lambda d: d.index)
            if len(data) != len(batch):
                raise ProviderError(
                    f"the embeddings endpoint must return one vector a text; it returned {len(data)} for {len(batch)}"
                )
            found += [list(d.embedding) for d in data]
        return found

    def _ask(self, batch: Sequence[str]) -> Any:
        import openai

        try:
            return self._client.embeddings.create(model=self.model, input=list(batch)).data
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise AccessError(f"the embeddings endpoint rejects the key (HTTP {error.status_code})") from None
        except openai.NotFoundError:
            raise UnknownModelError(f"the embeddings endpoint knows no model {self.model!r}") from None
        except openai.APIConnectionError:
            raise EndpointError(
                f"nothing answers at the embeddings endpoint {self.base_url or '(default)'}"
            ) from None
        except openai.APIStatusError as error:
            raise TransientError(
                f"the embeddings endpoint failed with HTTP {error.status_code}, repeatedly"
            ) from None
