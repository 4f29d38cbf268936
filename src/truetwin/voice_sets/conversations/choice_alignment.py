r"""Persona-choice alignment, and its effect on baselines that compare texts.

.. math:: a_i = \cos(H_i, r_i^*) - \max_k \cos(H_i, r_{ik})

for the history :math:`H_i`, the true reply and the distractors (paper B, section 4.1). Items with the highest alignment
are those in which a rule that picks the reply most like the history is right: ranking by it raises that baseline by
construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.voice.auditing.benchmark_audit import AuditReport, audit
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice_sets.common.finishing import ItemRecord, stored_items
from truetwin.voice_sets.common.stages import Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import Embedder

Ranking = Literal["random", "alignment"]


@dataclass(frozen=True)
class Selection:
    """Rule by which items with distractors are taken."""

    most: int
    ranking: Ranking


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


def selected_items(
    stages: Stages, furnished: Stage[ItemRecord], selection: Selection, embedder: Embedder, seed: int
) -> Stage[ItemRecord]:
    """Do the stage "selection": the items that are drawn by the seed, or those of the highest alignment."""

    def choose(tally: Tally) -> Iterator[ItemRecord]:
        items = stored_items(furnished)
        kept = set(select(items, selection.most, selection.ranking, embedder, seed=seed))
        why = "less aligned" if selection.ranking == "alignment" else "not drawn"
        for k, item in enumerate(items):
            if tally.keep(None if k in kept else why):
                yield item.to_record()

    return stages.run("selection", choose, asdict(selection))


def told_selections(items: Sequence[VoiceItem], most: int, embedder: Embedder, seed: int) -> list[str]:
    """Say how right the baselines are in all items, in ``most`` drawn ones, and in the ``most`` of highest alignment.

    Half of the items are selected where there are no more than ``most``.
    """
    if len(items) < 2:
        return []
    most = most if len(items) > most else len(items) // 2
    found = compare_selections(items, most, embedder, seed=seed)
    names = {"all": f"all {len(items)}", "random": f"{most} drawn", "alignment": f"{most} by alignment"}
    return [f"Before balancing, {names[key]}: {_accuracies(report)}." for key, report in found.items()]


def _accuracies(report: AuditReport) -> str:
    rows = [row for row in report.rows() if row["accuracy"] is not None]
    return ", ".join(f"{row['predictor']} {row['accuracy']:.1f}%" for row in rows)


def _row_products(one: Any, other: Any) -> NDArray[np.float64]:
    product = one.multiply(other) if hasattr(one, "multiply") else one * other
    return np.asarray(product.sum(axis=1), dtype=np.float64).ravel()
