"""Measure how alike texts are; the default needs no download and no network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError, MissingExtraError, ParameterError

Array = NDArray[np.float64]
#: Texts that are handled at once; memory does not grow beyond that.
BATCH = 4096
N_FEATURES = 2**18
#: Most words whose features are remembered.
_KEPT_SLOTS = 2**18


class Embedder(Protocol):
    """Embedding of texts in vectors of unit length; a text without content becomes zeros.

    ``describe`` says what the vectors depend on, as JSON and without secrets.
    """

    def describe(self) -> Mapping[str, Any]: ...  # noqa: D102

    def fit(self, texts: Iterable[str]) -> Embedder: ...  # noqa: D102

    def embed(self, texts: Sequence[str]) -> Any: ...  # noqa: D102


class TfidfEmbedder:
    r"""TF-IDF vectors of hashed words.

    .. math:: x_w \propto (1 + \log n_w) \, \left(1 + \log \frac{1 + N}{1 + N_w}\right)

    Texts are read once, in batches; what is kept is one number a hashed feature, however many texts there are. For
    scripts without spaces between words, ``analyzer="char_wb"`` takes runs of letters.

    Parameters
    ----------
    analyzer : {"word", "char_wb"}, default="word"
        Words, or runs of 2 to 4 characters within words.

    Examples
    --------
    >>> embedder = TfidfEmbedder().fit(["rain again", "sun again"])
    >>> cosine_rows(embedder.embed(["rain"]), embedder.embed(["rain", "sun"])).round(3).tolist()
    [[1.0, 0.0]]
    """

    def __init__(self, analyzer: str = "word") -> None:
        if analyzer not in ("word", "char_wb"):
            raise ParameterError(f"analyzer must be 'word' or 'char_wb'; got {analyzer!r}")
        self.analyzer = analyzer
        self._parts = self._analyzer()
        self._slots = _Slots()

    def describe(self) -> Mapping[str, Any]:
        """Name what the vectors depend on, the texts aside."""
        return {"kind": "tfidf", "analyzer": self.analyzer, "features": N_FEATURES}

    def fit(self, texts: Iterable[str]) -> TfidfEmbedder:
        """Count in how many texts each feature is."""
        seen = np.zeros(N_FEATURES)
        n = 0
        for batch in _batches(texts):
            counts = self._counts(batch)
            seen += np.bincount(counts.indices, minlength=N_FEATURES)
            n += len(batch)
        self.idf_: Array = np.log((1 + n) / (1 + seen)) + 1
        return self

    def embed(self, texts: Sequence[str]) -> Any:
        """Give a sparse matrix of shape (n_texts, n_features) with rows of length 1 (or 0)."""
        if not hasattr(self, "idf_"):
            raise DataError("an embedder must be fitted to texts before it embeds any; call fit first")
        from scipy.sparse import csr_matrix, vstack
        from sklearn.preprocessing import normalize

        blocks = []
        for batch in _batches(texts):
            counts = self._counts(batch)
            counts.data = (1 + np.log(counts.data)) * self.idf_[counts.indices]
            blocks.append(normalize(counts))
        return vstack(blocks).tocsr() if blocks else csr_matrix((0, N_FEATURES))

    def mean_weights(self, texts: Sequence[str]) -> Array:
        """Average the weights of each text's different words; 0 for a text without words."""
        counts = self._counts(texts)
        counts.data = self.idf_[counts.indices]
        n = np.diff(counts.indptr)
        return np.asarray(np.asarray(counts.sum(axis=1)).ravel() / np.maximum(n, 1))

    def _counts(self, texts: Sequence[str]) -> Any:
        """Count each feature in each text: sparse, (n_texts, n_features)."""
        from scipy.sparse import csr_matrix

        places: list[int] = []
        ends = [0]
        slots = self._slots
        for text in texts:
            places += [slots[part] for part in self._parts(text)]
            ends.append(len(places))
            if len(slots) > _KEPT_SLOTS:
                slots.clear()
        found = csr_matrix((np.ones(len(places)), places, ends), shape=(len(texts), N_FEATURES))
        found.sum_duplicates()
        return found

    def _analyzer(self) -> Callable[[str], list[str]]:
        if self.analyzer == "word":
            words = re.compile(r"\b\w+\b").findall
            return lambda text: words(text.lower())
        from sklearn.feature_extraction.text import HashingVectorizer

        found: Callable[[str], list[str]] = HashingVectorizer(
            analyzer="char_wb", ngram_range=(2, 4)
        ).build_analyzer()
        return found


class _Slots(dict[str, int]):
    """Features of words by their hashes, each computed once."""

    def __init__(self) -> None:
        from sklearn.utils import murmurhash3_32

        super().__init__()
        self._hash = murmurhash3_32

    def __missing__(self, part: str) -> int:
        slot = self[part] = abs(int(self._hash(part.encode("utf-8", "backslashreplace"), 0))) % N_FEATURES
        return slot


class SentenceEmbedder:
    """Embedding by a sentence-transformers model on this machine (extra: ``embeddings``).

    Parameters
    ----------
    model : str
        Its name or folder.
    """

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise MissingExtraError("sentence-transformers", "embeddings", "embedding with a model") from None
        self.model = model
        self._model = SentenceTransformer(model)

    def describe(self) -> Mapping[str, Any]:
        """Name what the vectors depend on."""
        return {"kind": "sentence-transformers", "model": self.model}

    def fit(self, texts: Iterable[str]) -> SentenceEmbedder:
        """Do nothing: there is nothing to learn."""
        return self

    def embed(self, texts: Sequence[str]) -> Any:
        """Give an array of shape (n_texts, n_dimensions). The vector of an empty text is all zeros."""
        encoded = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        found = np.array(encoded, dtype=np.float64)
        found[[not text.strip() for text in texts]] = 0.0
        return found


class EndpointEmbedder:
    """Embedding by any OpenAI-compatible endpoint.

    Parameters
    ----------
    endpoint : :class:`truetwin.llm.providers.embedding_endpoint.EmbeddingsEndpoint`
        Or anything with ``describe`` and ``vectors(texts)``.
    """

    def __init__(self, endpoint: Any) -> None:
        self.endpoint = endpoint

    def describe(self) -> Mapping[str, Any]:
        """Name what the vectors depend on."""
        return {"kind": "endpoint", **self.endpoint.describe()}

    def fit(self, texts: Iterable[str]) -> EndpointEmbedder:
        """Do nothing: there is nothing to learn."""
        return self

    def embed(self, texts: Sequence[str]) -> Any:
        """Give an array of shape (n_texts, n_dimensions)."""
        found = np.asarray(self.endpoint.vectors(list(texts)), dtype=np.float64)
        lengths = np.linalg.norm(found, axis=1, keepdims=True) if found.size else np.ones((0, 1))
        return found / np.where(lengths > 0, lengths, 1.0) if found.size else found.reshape(len(texts), 0)


def open_embedder(name: str, *, base_url: str | None = None, key_variable: str | None = None) -> Embedder:
    """Open an embedder by name: ``tfidf``, ``tfidf-characters``, ``sentence:<model>`` or ``endpoint:<model>``.

    Raises
    ------
    ParameterError
        If the name is none of these.
    MissingExtraError
        If what it needs is not installed.
    """
    kind, _, rest = name.partition(":")
    if name == "tfidf":
        return TfidfEmbedder()
    if name == "tfidf-characters":
        return TfidfEmbedder("char_wb")
    if kind == "sentence" and rest:
        return SentenceEmbedder(rest)
    if kind == "endpoint" and rest:
        from truetwin.llm.providers.embedding_endpoint import EmbeddingsEndpoint

        return EndpointEmbedder(EmbeddingsEndpoint(rest, base_url=base_url, key_variable=key_variable))
    raise ParameterError(
        "embeddings must be 'tfidf', 'tfidf-characters', 'sentence:<model>' or 'endpoint:<model>'; "
        f"got {name!r}"
    )


def cosine_rows(one: Any, other: Any) -> Array:
    """Compute the cosines of all rows of one with all rows of the other, (n, m); rows have length 1 or 0."""
    product = one @ other.T
    return np.asarray(product.todense() if hasattr(product, "todense") else product, dtype=np.float64)


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
