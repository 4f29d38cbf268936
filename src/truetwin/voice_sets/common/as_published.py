"""Make the items that the published recipe would give, to be audited beside those that are built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from truetwin.voice.auditing.matched_subset import balance_positions
from truetwin.voice.items.verbatim import same_words
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice_sets.common.distractors import Draft, PoolReply, item_of
from truetwin.voice_sets.common.finishing import ItemRecord, stored_items
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Stages, Tally
from truetwin.voice_sets.common.text_similarity import Embedder, cosine_rows

#: Contexts among which three are drawn.
NEAREST = 20
TRIES = 8
MOST_ALIKE = 0.95
BEFORE = (
    "Figures before: the same candidates with three replies of others to the most similar contexts, drawn at random, "
    "without any matching (options pairwise below a cosine of 0.95), as the published recipe has it."
)


def as_published(
    stages: Stages,
    drafts: Callable[[], Sequence[Draft]],
    pool: Callable[[], Sequence[PoolReply]],
    embedder: Embedder,
    seed: int,
) -> list[VoiceItem]:
    """Do the stage "as published": items with unmatched distractors."""

    def draw(tally: Tally) -> Iterator[ItemRecord]:
        for item in _drawn(drafts(), pool(), embedder, seed, tally):
            yield item.to_record()

    return stored_items(stages.run("as published", draw, {"embeddings": dict(embedder.describe())}))


def _drawn(
    drafts: Sequence[Draft], pool: Sequence[PoolReply], embedder: Embedder, seed: int, tally: Tally
) -> list[VoiceItem]:
    texts = [reply.text for reply in pool]
    own = [draft.reply for draft in drafts]
    embedder.fit([*texts, *own, *(draft.stimulus for draft in drafts)])
    vectors, true = embedder.embed(texts), embedder.embed(own)
    near = SimilarContexts(most=NEAREST)(drafts, pool, embedder)
    rng = np.random.default_rng([seed, 19])
    items = []
    for k, draft in enumerate(drafts):
        places = np.array(
            [p for p in near[draft.item_id] if not same_words(texts[p], draft.reply)], dtype=np.intp
        )
        chosen = None
        for _ in range(TRIES if places.size >= 3 else 0):
            three = rng.choice(places, 3, replace=False)
            if _most_alike(vectors[three], true[[k]]) < MOST_ALIKE:
                chosen = three
                break
        if tally.keep(None if chosen is not None else "no three replies of others that differ"):
            items.append(item_of(draft, [pool[p] for p in (chosen if chosen is not None else ())]))
    return balance_positions(items, seed=seed)


def _most_alike(three: Any, true: Any) -> float:
    mutual = cosine_rows(three, three) - 2 * np.eye(3)
    return float(max(mutual.max(), cosine_rows(three, true).max()))
