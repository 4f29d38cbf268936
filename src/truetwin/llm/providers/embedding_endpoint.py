"""Get embeddings of texts from any OpenAI-compatible endpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.errors import ProviderError, TransientError
from truetwin.llm.providers.endpoint import Endpoint

#: Number of texts in one call.
BATCH = 256
#: Most bytes of one reply: vectors of 16,000 numbers, written out, for each text of a call.
MOST_BYTES = 64 * 2**20
_SERVICE = "embeddings"
_ATTEMPTS_MORE = 4
_TIMEOUT = 60.0
_ANY_TEXT = "."


class EmbeddingsEndpoint:
    """Embedding model behind ``/v1/embeddings``: turns texts into vectors.

    Requests are bounded and repeated, and failures are told, as for chats: a service that is busy is asked five times,
    a reply is read up to a number of bytes, and no message holds the key.

    Parameters
    ----------
    model, base_url, key_variable
        As for :class:`truetwin.llm.providers.endpoint.Endpoint`, which also says what is raised.
    """

    def __init__(self, model: str, *, base_url: str | None = None, key_variable: str | None = None) -> None:
        self._endpoint = Endpoint(model, base_url, key_variable, service=_SERVICE)
        self._base_url = base_url
        self._size: int | None = None  # numbers in a vector, once one has been seen

    def describe(self) -> Mapping[str, Any]:
        """Return the model's name and address, on which the vectors depend. The key is left out."""
        return {"model": self._endpoint.model, "base_url": self._base_url}

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, in order.

        A text without a character that can be seen is not sent, since some endpoints reject it and others make up a
        direction: its vector is all zeros, which has no similarity to anything.

        Raises
        ------
        ProviderError
            If the endpoint gives no vectors, or others than were asked for.
        """
        said = [text for text in texts if text.strip()]
        found: list[list[float]] = []
        if not texts:
            return found
        with self._endpoint.blocking_client(
            max_retries=_ATTEMPTS_MORE, timeout=_TIMEOUT, most_bytes=MOST_BYTES
        ) as client:
            for start in range(0, len(said), BATCH):
                found += self._batch(client, said[start : start + BATCH])
            if self._size is None:
                self._batch(client, [_ANY_TEXT])
        given = iter(found)
        return [next(given) if text.strip() else [0.0] * (self._size or 0) for text in texts]

    def _batch(self, client: Any, texts: list[str]) -> list[list[float]]:
        with self._endpoint.errors_told(_SERVICE):
            data = getattr(client.embeddings.create(model=self._endpoint.model, input=texts), "data", None)
            if not isinstance(data, list) or len(data) != len(texts):
                n = len(data) if isinstance(data, list) else 0
                raise ProviderError(
                    f"the embeddings endpoint must return one vector a text; it returned {n} for {len(texts)}"
                )
            return self._checked(data)

    def _checked(self, data: Sequence[Any]) -> list[list[float]]:
        """Put vectors into the order of their texts; check that they are finite and of one size."""
        places = [getattr(each, "index", None) for each in data]
        if sorted(p for p in places if isinstance(p, int)) != list(range(len(data))):
            raise TransientError(
                "the embeddings endpoint must number its vectors as the texts", kind="malformed"
            )
        found = [
            [float(x) for x in each.embedding]
            for _, each in sorted(zip(places, data, strict=True), key=_place)
        ]
        self._size = self._size or len(found[0])
        for vector in found:
            if not vector or len(vector) != self._size or not all(map(math.isfinite, vector)):
                raise TransientError(
                    f"the embeddings endpoint must return vectors of {self._size} finite numbers; it returned "
                    f"one of {len(vector)}",
                    kind="malformed",
                )
        return found


def _place(pair: tuple[Any, Any]) -> int:
    return int(pair[0])
