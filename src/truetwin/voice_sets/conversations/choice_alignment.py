r"""Persona-choice alignment, and its effect on baselines that compare texts.

.. math:: a_i = \cos(H_i, r_i^*) - \max_k \cos(H_i, r_{ik})

for the history :math:`H_i`, the true reply and the distractors (paper B, section 4.1). Items with the highest alignment
are those in which a rule that picks the reply most like the history is right: ranking by it raises that baseline by
construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.voice.auditing.benchmark_audit import AuditReport, audit
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice_sets.common.text_similarity import Embedder

Ranking = Literal["random", "alignment"]


def alignments(items: Sequence[VoiceItem], embedder: Embedder) -> NDArray[np.float64]:
    """Compute each item's alignment; 0 if its history has no word in common with any option."""
    histories = [" ".join(turn.reply for turn in item.history) for item in items]
    options = [[item.true_option.text, *(o.text for o in item.distractors)] for item in items]
    flat = [text for texts in options for text in texts]
    embedder.fit([*histories, *flat])
    known, offered = embedder.embed(histories), embedder.embed(flat)
    found = np.empty((len(items), 4))
    for k in range(4):
        found[:, k] = _row_products(known, offered[np.arange(len(items)) * 4 + k])
    return np.asarray(found[:, 0] - found[:, 1:].max(axis=1))


def select(
    items: Sequence[VoiceItem], most: int, ranking: Ranking, embedder: Embedder, *, seed: int
) -> list[int]:
    """Choose at most ``most`` items, by alignment or drawn by the seed; give their places in order."""
    if len(items) <= most:
        return list(range(len(items)))
    if ranking == "random":
        chosen = np.random.default_rng([seed, 23]).choice(len(items), most, replace=False)
    else:
        chosen = np.argsort(-alignments(items, embedder), kind="stable")[:most]
    return sorted(chosen.tolist())


def compare_selections(
    items: Sequence[VoiceItem], most: int, embedder: Embedder, *, seed: int
) -> dict[str, AuditReport]:
    """Audit all items, ``most`` drawn by the seed, and the ``most`` of highest alignment."""
    found = {"all": audit(items)}
    rankings: tuple[Ranking, ...] = ("random", "alignment")
    for ranking in rankings:
        found[ranking] = audit([items[k] for k in select(items, most, ranking, embedder, seed=seed)])
    return found


def _row_products(one: Any, other: Any) -> NDArray[np.float64]:
    product = one.multiply(other) if hasattr(one, "multiply") else one * other
    return np.asarray(product.sum(axis=1), dtype=np.float64).ravel()
