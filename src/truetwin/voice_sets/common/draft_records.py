"""Drafts as records of a stage, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from truetwin.voice.items.voice_items import Turn, VoicePersona
from truetwin.voice_sets.common.distractors import Draft


def draft_record(draft: Draft) -> dict[str, Any]:
    """A draft as JSON-ready dictionaries and lists."""
    return {**asdict(draft), "own": sorted(draft.own)}


def draft_from(record: Mapping[str, Any]) -> Draft:
    """The draft behind :func:`draft_record`.

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


def nothing_left(stages: Sequence[Mapping[str, Any]], settings: str) -> str:
    """What to say when nothing passed: the first stage that left nothing, why, and which settings may be lowered."""
    last = next((stage for stage in stages if not stage["n_out"]), stages[-1])
    reasons = "; ".join(f"{reason}: {n}" for reason, n in last["dropped"].items() if n)
    return (
        f"at least one reply must pass all filters; stage '{last['stage']}' left none of {last['n_in']} "
        f"({reasons or 'nothing came in'}). Lower the thresholds in the configuration ({settings})"
    )
