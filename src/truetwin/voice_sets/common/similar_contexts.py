"""Find replies that others gave in similar contexts, as candidates for distractors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.settings.voice_build_settings import MatchingOptions
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.text_similarity import Embedder, cosine_rows

Index = NDArray[np.intp]
BLOCK = 64


@dataclass(frozen=True)
class SimilarContexts:
    """Choice, for each draft, of the replies of others whose contexts are most like the draft's stimulus.

    Only replies of the draft's scope and of like length are looked at, so that enough remain to match.

    Parameters
    ----------
    most : int, default=300
        Replies a draft.
    matching : MatchingOptions, optional
        Bounds of like length; without them any length will do.

    Examples
    --------
    >>> from truetwin.voice_sets.common.text_similarity import TfidfEmbedder
    >>> from truetwin.voice.items.voice_items import VoicePersona
    >>> pool = [PoolReply("in June", "b", context="when does it rain"), PoolReply("at ten", "c", context="who is he")]
    >>> draft = Draft("i", "social", "en", VoicePersona("a"), "does it ever rain", "in May")
    >>> embedder = TfidfEmbedder().fit([reply.context for reply in pool])
    >>> SimilarContexts(most=1)([draft], pool, embedder)["i"].tolist()
    [0]
    """

    most: int = 300
    matching: MatchingOptions | None = None

    def __call__(
        self, drafts: Sequence[Draft], pool: Sequence[PoolReply], embedder: Embedder
    ) -> Mapping[str, Index]:
        """Find places in the pool by the draft's id, in rising order."""
        contexts = embedder.embed([reply.context for reply in pool])
        stimuli = embedder.embed([draft.stimulus for draft in drafts])
        lengths = np.array([len(reply.text) for reply in pool], dtype=np.float64)
        scopes = _codes([reply.scope for reply in pool])
        people = _codes([reply.person for reply in pool])
        found: dict[str, Index] = {}
        for start in range(0, len(drafts), BLOCK):
            likeness = cosine_rows(stimuli[start : start + BLOCK], contexts)
            for draft, row in zip(drafts[start : start + BLOCK], likeness, strict=True):
                fitting = (scopes.codes == scopes.of(draft.scope)) & self._alike(lengths, len(draft.reply))
                for person in {draft.persona.id, *draft.own}:
                    fitting &= people.codes != people.of(person)
                found[draft.item_id] = _best(np.flatnonzero(fitting), row, self.most)
        return found

    def _alike(self, lengths: NDArray[np.float64], length: int) -> NDArray[np.bool_]:
        if self.matching is None:
            return np.ones(len(lengths), dtype=np.bool_)
        ratio = np.maximum(lengths, length) / np.maximum(np.minimum(lengths, length), 1)
        near = np.abs(lengths - length) <= self.matching.slack
        return np.asarray((ratio <= self.matching.length_ratio) | near)


def _best(places: Index, likeness: Any, most: int) -> Index:
    order = np.lexsort((places, -likeness[places]))[:most]
    return np.sort(places[order])


@dataclass(frozen=True)
class _Codes:
    codes: Index
    known: Mapping[str, int]

    def of(self, name: str) -> int:
        return self.known.get(name, -1)


def _codes(names: Sequence[str]) -> _Codes:
    known: dict[str, int] = {}
    return _Codes(np.array([known.setdefault(name, len(known)) for name in names], dtype=np.intp), known)
