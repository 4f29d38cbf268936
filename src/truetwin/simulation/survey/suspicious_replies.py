"""Find replies that say more of the model than of the persons: all alike, or copied from the prompt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

from truetwin.data.alike_answers import MODAL, alike_in_words, modal_share
from truetwin.llm import State
from truetwin.llm.store.run_file import RunFile
from truetwin.llm.thoughts import spoken
from truetwin.simulation.survey.survey_answers import ANSWER_STEP, SurveyAnswers

FEWEST = 3  # answers to an item from which something is said
_SHOWN = 5
_LONGEST = 60  # characters; an echo of a placeholder is short
#: What stands in instructions in the place of an answer.
_PLACEHOLDER = re.compile(
    r"(?:answer\s*:\s*)?(?:[<\[({]+\s*)?(?:the\s+|your\s+)?(?:answer[ _]?)?(?:code|answer|number|option|letter)"
    r"(?:\s*[>\])}]+)?\s*[.:]?|\.{3}|\{?\"1\":\s*\.{3}.*",
    re.IGNORECASE,
)


def suspicions(answers: SurveyAnswers, store: RunFile) -> list[str]:
    """Say in words, with the names of items, which answers are all alike and which replies are echoes."""
    return [*_alike(answers), *_first_options(answers), *_echoes(store)]


def _alike(answers: SurveyAnswers) -> list[str]:
    """Name the items to which all twins, or nearly all, gave the same answer."""
    found: dict[str, list[str]] = {}
    for name, said in _said(answers).items():
        if said.size >= FEWEST:
            words = alike_in_words(modal_share(said), constant=bool(np.ptp(said) == 0))
            if words:
                key = words if words.startswith("all") else "nearly all twins gave the same answer"
                found.setdefault(key, []).append(name)
    return [f"{words} to {_items(names, len(answers.item_ids))}" for words, names in found.items()]


def _first_options(answers: SurveyAnswers) -> list[str]:
    """Say if twins chose the first answer shown nearly everywhere, whatever was asked."""
    questionnaire = answers.questionnaire
    if questionnaire.design.order == "rotated" or len(answers.item_ids) < 2:
        return []
    hits = total = 0
    for name, said in _said(answers).items():
        options = questionnaire.ask(questionnaire.columns[name]).options
        if options:
            hits += int(np.sum(said == options[0].code))
            total += said.size
    if total < FEWEST or hits < MODAL * total:
        return []
    return [
        f"{hits / total:.0%} of the answers are the first one that the question lists: the model may copy the list "
        "instead of answering. Try --order rotated, another model, or --reply schema"
    ]


def _said(answers: SurveyAnswers) -> Mapping[str, np.ndarray]:
    """Return the answers to each item over all people and replicates."""
    together = np.vstack(list(answers.by_replicate.values()))
    return {name: together[np.isfinite(together[:, j]), j] for j, name in enumerate(answers.item_ids)}


def _echoes(store: RunFile) -> list[str]:
    """Name the items whose replies repeat the placeholder of the instruction."""
    counts: Counter[str] = Counter()
    example = ""
    for call in store.calls(ANSWER_STEP, State.UNPARSEABLE):
        if call.reply is not None and len(call.reply.text) <= 500:
            said = spoken(call.reply.text).text.strip(" `*\"'\n")
            if len(said) <= _LONGEST and _PLACEHOLDER.fullmatch(said):
                counts[call.cell.item] += 1
                example = example or said
    if not counts:
        return []
    return [
        f"{sum(counts.values()):,} replies repeat the placeholder of the instruction ({example!r}) instead of "
        f"answering, to {_items(list(counts), 0)}: try --reply schema, or another model"
    ]


def _items(names: list[str], of: int) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    count = (
        f"{len(names):,} of {of:,} items" if of else f"{len(names):,} item{'' if len(names) == 1 else 's'}"
    )
    return f"{count} ({shown})"
