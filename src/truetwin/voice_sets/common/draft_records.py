"""Write drafts as records of a stage, and read them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from truetwin.voice.items.voice_items import Turn, VoicePersona
from truetwin.voice_sets.common.distractors import Draft
from truetwin.voice_sets.common.stages import Stage

DraftRecord = dict[str, Any]


def draft_record(draft: Draft) -> DraftRecord:
    """Write a draft as JSON-ready dictionaries and lists."""
    return {**asdict(draft), "own": sorted(draft.own)}


def draft_from(record: Mapping[str, Any]) -> Draft:
    """Read the draft behind :func:`draft_record`.

    Examples
    --------
    >>> draft = Draft("i", "social", "en", VoicePersona("a"), "Hi", "Yes", (Turn("No"),), own=frozenset({"b"}))
    >>> draft_from(draft_record(draft)) == draft
    True
    """
    persona: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in record["persona"].items()
    }
    return Draft(
        **{
            **record,
            "persona": VoicePersona(**persona),
            "history": tuple(Turn(**turn) for turn in record["history"]),
            "names": tuple(record["names"]),
            "own": frozenset(record["own"]),
        }
    )


def stored_drafts(stage: Stage[DraftRecord], limit: int | None = None, seed: int = 0) -> list[Draft]:
    """Read the drafts of a stage, or ``limit`` of them, drawn by the seed."""
    return limited([draft_from(record) for record in stage.records()], limit, seed)


def limited(drafts: Sequence[Draft], limit: int | None, seed: int) -> list[Draft]:
    """Draw at most ``limit`` drafts by the seed; their order stays."""
    if limit is None or len(drafts) <= limit:
        return list(drafts)
    chosen = np.random.default_rng([seed, 11]).choice(len(drafts), limit, replace=False)
    return [drafts[k] for k in sorted(chosen)]


def nothing_left(stages: Sequence[Mapping[str, Any]], settings: str) -> str:
    """Say, where nothing passed, which stage left nothing, why, and which settings may be lowered."""
    last = next((stage for stage in stages if not stage["n_out"]), stages[-1])
    reasons = "; ".join(f"{reason}: {n}" for reason, n in last["dropped"].items() if n)
    return (
        f"at least one reply must pass all filters; stage '{last['stage']}' left none of {last['n_in']} "
        f"({reasons or 'nothing came in'}). Lower the thresholds in the configuration ({settings})"
    )
