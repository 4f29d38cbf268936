"""Report section with a browser of benchmark items."""

from __future__ import annotations

from typing import Any

from truetwin.report.item_browser import ItemBrowser
from truetwin.report.page import Section
from truetwin.voice.items.voice_items import Turn, VoiceItem
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.scoring.cases import Attempt, Case, Cases

CAPTION = (
    "Choose items by what models did with them, or by the words in them. The arrow keys move through the list. "
    "Texts of people and models are shown as they are."
)


def case_section(cases: Cases) -> Section:
    """Show every item: history, what was said, the options, what models did, judges' words, and what was right."""
    texts = []
    if cases.n_unknown:
        texts.append(
            f"{cases.n_unknown} answers are to items that are not known and are not shown; name the items with --items."
        )
    if not cases.cases:
        return Section("Look at items", (*texts, "No item of these results is known."))
    return Section("Look at items", texts, [ItemBrowser("Item by item", browser_data(cases), CAPTION)])


def browser_data(cases: Cases) -> dict[str, Any]:
    """Turn cases into the JSON values that the page's script reads; each turn of a history is in it once."""
    played = {protocol for case in cases.cases for _, protocol, _ in case.attempts}
    protocols = [protocol for protocol in Protocol if protocol in played]
    turns: dict[Turn, int] = {}
    shown = [_case(case, cases.models, protocols, turns) for case in cases.cases]
    tested = {name for case in shown for name in case.get("capabilities", ())}
    return {
        "models": list(cases.models),
        "protocols": [protocol.value for protocol in protocols],
        "capabilities": [name for name in CAPABILITIES if name in tested],
        "dimensions": list(dict.fromkeys(case.item.dimension for case in cases.cases)),
        "turns": [{"context": turn.context, "reply": turn.reply} for turn in turns],
        "cases": shown,
    }


def _case(
    case: Case, models: tuple[str, ...], protocols: list[Protocol], turns: dict[Turn, int]
) -> dict[str, Any]:
    item = case.item
    bare = [Turn(turn.reply, turn.context) for turn in item.history]
    answers = [
        {
            "model": models.index(model),
            "protocol": protocols.index(protocol),
            "judge": judge,
            "attempts": [_attempt(each) for each in attempts],
        }
        for (model, protocol, judge), attempts in case.attempts.items()
    ]
    return {
        "id": item.item_id,
        "dimension": item.dimension,
        "group": item.group,
        "language": item.language,
        "persona": {
            "id": item.persona.id,
            "name": item.persona.name,
            "traits": item.persona.traits,
            "goals": item.persona.goals,
            "details": item.persona.details,
        },
        "history": [turns.setdefault(turn, len(turns)) for turn in bare],
        "stimulus": item.stimulus,
        "options": [{"id": option.id, "text": option.text} for option in item.options],
        "answer": item.answer,
        "answers": answers,
        **_capabilities(item),
    }


def _capabilities(item: VoiceItem) -> dict[str, Any]:
    if not item.capabilities:
        return {}
    labels = item.capabilities["labels"]
    return {
        "capabilities": [name for name in labels if labels[name]],
        "primary": item.capabilities["primary"],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    outcome = attempt.outcome
    found = {
        "verdict": attempt.verdict,
        "picked": outcome.picked,
        "mark": outcome.score,
        "imputed": outcome.is_imputed or None,
        "reply": outcome.reply,
        "words": attempt.words,
        "reason": outcome.reason if outcome.reason != attempt.words else "",
        "pillars": outcome.details.get("verdicts"),
    }
    return {name: value for name, value in found.items() if value not in (None, "", {})}
