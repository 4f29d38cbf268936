r"""Prefix filtering: find texts too much like an earlier one (cosine), exactly, without comparing all pairs.

For sparse vectors of unit length, features are put in one order (rarest first). If the tail of a vector after its first
features is shorter than the threshold t, then a vector that shares none of these features with it has a cosine below t:
:math:`\langle x, y \rangle \le \|x_{tail}\| \|y\| < t`. So only vectors that share one of those few rare features are
compared (prefix filtering). Of two that do, the first feature they share bounds their cosine too: by the product of the
lengths of both vectors from that feature on. Dense vectors are compared in blocks.
"""

from __future__ import annotations

from array import array
from itertools import repeat
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError

Array = NDArray[np.float64]
_Holder = tuple[float, int]  # length of a kept vector from a feature on, and its number
#: Rows of a block of dense vectors.
BLOCK = 512


class DistinctTexts:
    """Filter of a stream of texts: keeps those that are not too much like an earlier kept one.

    Parameters
    ----------
    most_alike : float, default=0.9
        Cosine from which on a text counts as said before.
    order : ndarray of shape (n_features,), optional
        Place of each feature in the common order, rarest first; needed for sparse vectors.

    Examples
    --------
    >>> from truetwin.voice_sets.common.text_similarity import TfidfEmbedder
    >>> embedder = TfidfEmbedder().fit(["rain again", "sun again", "rain, again!"])
    >>> DistinctTexts(0.9, rarest_first(embedder.idf_)).keep(
    ...     embedder.embed(["rain again", "sun again", "rain, again!"])
    ... ).tolist()
    [True, True, False]
    """

    def __init__(self, most_alike: float = 0.9, order: NDArray[np.intp] | None = None) -> None:
        if not 0 < most_alike <= 1:
            raise ParameterError(f"most_alike must be in (0, 1]; got {most_alike}")
        self.most_alike, self.order = most_alike, order
        self._holders: dict[int, list[_Holder]] = {}
        self._features, self._values = array("i"), array("f")  # of the kept texts, one after the other
        self._ends = array("q", [0])
        self._dense: list[Array] = []

    def keep(self, vectors: Any) -> NDArray[np.bool_]:
        """Tell of the next rows whether each is kept; rows of zeros (texts without a word) are."""
        if hasattr(vectors, "tocsr"):
            return self._keep_sparse(vectors.tocsr())
        return self._keep_dense(np.asarray(vectors, dtype=np.float64))

    def _keep_sparse(self, rows: Any) -> NDArray[np.bool_]:
        if self.order is None:
            raise ParameterError(
                "sparse vectors need the order of their features; give order=rarest_first(idf)"
            )
        kept = np.ones(rows.shape[0], dtype=np.bool_)
        for k in range(rows.shape[0]):
            part = slice(rows.indptr[k], rows.indptr[k + 1])
            features, values = rows.indices[part], rows.data[part]
            if not features.size:
                continue
            by_rarity = np.argsort(self.order[features], kind="stable")
            features, values = features[by_rarity], values[by_rarity]
            tail = np.sqrt(np.cumsum((values**2)[::-1])[::-1])  # length of the vector from each feature on
            prefix = features[tail >= self.most_alike - 1e-6].tolist()
            kept[k] = not self._has_twin(features, values, prefix, tail)
            if kept[k]:
                for feature, length in zip(prefix, tail.tolist(), strict=False):
                    self._holders.setdefault(feature, []).append((length, len(self._ends) - 1))
                self._features.frombytes(features.astype(np.int32).tobytes())
                self._values.frombytes(values.astype(np.float32).tobytes())
                self._ends.append(len(self._features))
        return kept

    def _has_twin(self, features: Any, values: Any, prefix: list[int], tail: Any) -> bool:
        own = dict(zip(features.tolist(), values.tolist(), strict=True))
        tried: set[int] = set()
        for feature, length in zip(prefix, tail.tolist(), strict=False):
            least = (self.most_alike - 1e-6) / length
            for other, k in self._holders.get(feature, ()):
                if other < least or k in tried:
                    continue
                tried.add(k)
                part = slice(self._ends[k], self._ends[k + 1])
                shared = map(own.get, self._features[part], repeat(0.0))
                if sum(map(mul, shared, self._values[part])) >= self.most_alike:
                    return True
        return False

    def _keep_dense(self, rows: Array) -> NDArray[np.bool_]:
        kept = np.ones(len(rows), dtype=np.bool_)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            twins = np.zeros(len(block), dtype=np.bool_)
            for earlier in self._dense:
                twins |= (block @ earlier.T >= self.most_alike).any(axis=1)
            alike = block @ block.T >= self.most_alike
            for k in range(len(block)):
                if twins[k] or alike[k, :k][~twins[:k]].any():
                    twins[k] = True
            kept[start : start + BLOCK] = ~twins
            self._dense.append(block[~twins])
        return kept


def rarest_first(idf: Array) -> NDArray[np.intp]:
    """Give each feature's place in the order from the highest to the lowest weight."""
    places = np.empty(len(idf), dtype=np.intp)
    places[np.argsort(-idf, kind="stable")] = np.arange(len(idf))
    return places
