"""Table 2 of paper B: how many items each dimension has, how long histories and prompts are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from truetwin.errors import DataError, DatasetError
from truetwin.llm.running.budget import estimated_tokens
from truetwin.reproduction.published import published_voice
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.free_replies import ReplyTask
from truetwin.voice.protocols.voice_task import HISTORY_TURNS, Setup, VoiceTask

STATISTICS_TABLE = "voice-table-2"
TOKENS_NOTE = (
    "prompt tokens are those of the prompts here, template included, estimated at four bytes a token; those of the "
    "paper are of its own prompts, and it does not say which tokenizer counted them"
)


def reproduce_statistics() -> list[dict[str, Any]]:
    """Describe the published items of each dimension, one row a statistic, beside the printed figure.

    A dimension whose items cannot be had has the reason under ``unavailable``.
    """
    rows = []
    for dimension, printed in published_voice()[STATISTICS_TABLE].items():
        items, why = _published_items(dimension)
        ours = item_statistics(items) if items else {}
        if items and not ours["history_turns"]:
            why = "the published histories are not in this mirror, so that nothing that depends on them is given"
            ours = {name: ours[name] for name in ("instances", "personas")}
        for name in dict.fromkeys((*printed, *ours)):
            value, paper = ours.get(name), printed.get(name)
            rows.append(
                {
                    "dimension": dimension,
                    "statistic": name,
                    "value": value,
                    "paper": paper,
                    "difference": None if value is None or paper is None else value - paper,
                    "unavailable": why or None,
                }
            )
    return rows


def item_statistics(items: Sequence[VoiceItem], turns: int = HISTORY_TURNS) -> dict[str, float]:
    """Count items and personas; average turns of history, those that a model is shown, and tokens of prompts.

    Parameters
    ----------
    items : sequence of VoiceItem
        Items; at least one.
    turns : int, default=30
        Number of the latest turns that a model is shown.
    """
    lengths = [len(item.history) for item in items]
    setup = Setup(history=turns)
    return {
        "instances": len(items),
        "personas": len({item.persona.id for item in items}),
        "history_turns": sum(lengths) / len(items),
        "history_turns_shown": sum(min(n, turns) for n in lengths) / len(items),
        "prompt_tokens_choose": _mean_tokens(ChoiceTask(items, setup)),
        "prompt_tokens_write": _mean_tokens(ReplyTask(items, setup)),
    }


def _mean_tokens(task: VoiceTask) -> float:
    counts = [estimated_tokens(task.request(cell)) for cell in task.cells()]
    return sum(counts) / len(counts)


def _published_items(dimension: str) -> tuple[Sequence[VoiceItem], str]:
    """Load the published items of a dimension, or say why they cannot be had."""
    load = voice_dimensions[dimension].published
    if load is None:
        return (), "truetwin does not load the published items of this dimension"
    try:
        return load(remove_leaks=True).items, ""
    except (DatasetError, DataError) as error:
        return (), str(error)
