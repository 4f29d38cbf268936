"""Get embeddings of texts from any OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.errors import ProviderError
from truetwin.llm.providers.endpoint import Endpoint

#: Number of texts in one call.
BATCH = 256


class EmbeddingsEndpoint:
    """Embedding model behind ``/v1/embeddings``: turns texts into vectors.

    Parameters
    ----------
    model, base_url, key_variable
        As for :class:`truetwin.llm.providers.endpoint.Endpoint`, which also says what is raised.
    """

    def __init__(self, model: str, *, base_url: str | None = None, key_variable: str | None = None) -> None:
        self._endpoint = Endpoint(model, base_url, key_variable, service="embeddings")
        self._base_url = base_url

    def describe(self) -> Mapping[str, Any]:
        """Return the model's name and address, on which the vectors depend. The key is left out."""
        return {"model": self._endpoint.model, "base_url": self._base_url}

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, in order. Empty texts are sent as spaces, as some endpoints reject them."""
        found: list[list[float]] = []
        with self._endpoint.blocking_client(max_retries=4, timeout=60.0) as client:
            for start in range(0, len(texts), BATCH):
                found += self._batch(client, [text or " " for text in texts[start : start + BATCH]])
        return found

    def _batch(self, client: Any, texts: list[str]) -> list[list[float]]:
        import openai

        try:
            data = client.embeddings.create(model=self._endpoint.model, input=texts).data
        except openai.OpenAIError as error:
            raise self._endpoint.failure(error) from None
        if len(data) != len(texts):
            raise ProviderError(
                f"the embeddings endpoint must return one vector a text; it returned {len(data)} for {len(texts)}"
            )
        return [list(each.embedding) for each in sorted(data, key=lambda d: d.index)]
