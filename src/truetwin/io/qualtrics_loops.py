"""Repeat the items of looped questions (loop and merge) under the names that exports give them: ``1_Q7``, ``2_Q7``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from truetwin.data import Item
from truetwin.io.qualtrics_questions import FoundItem, entries, plain_text

_LOOPED = re.compile(r"^\d+_(?=\S)")
_FIELD = re.compile(r"\$\{lm://(?:Field/(\w+)|CurrentLoopNumber|TotalLoops)[^}]*\}")
#: Most times that a question is repeated.
_MOST_LOOPS = 200


@dataclass(frozen=True)
class Loop:
    """Block of questions that is repeated: what stands for each of its fields, by the number of the repetition."""

    fields: Mapping[str, Mapping[str, str]]

    def repeated(self, found: FoundItem) -> Iterator[FoundItem]:
        """Yield the item once for each repetition, with the repetition's fields in its wording."""
        for number, fields in self.fields.items():
            item, prefix = found.item, f"{number}_"
            text = _FIELD.sub(lambda m, fields=fields: fields.get(m.group(1) or "", ""), item.text)  # type: ignore[misc]
            own = replace(item, id=prefix + item.id, text=" ".join(text.split()), block=item.block or item.id)
            yield FoundItem(own, f"{found.question} (loop {number})", prefix + found.long_id)


def blocks_of(elements: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks of an instrument."""
    for element in elements:
        payload = element.get("Payload")
        blocks = payload.values() if isinstance(payload, Mapping) else payload
        if element.get("Element") == "BL" and isinstance(blocks, Iterable) and not isinstance(blocks, str):
            yield from (block for block in blocks if isinstance(block, Mapping))


def questions_of(block: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of a block's questions."""
    parts = block.get("BlockElements")
    for part in parts.values() if isinstance(parts, Mapping) else parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping) and part.get("QuestionID") is not None:
            yield str(part["QuestionID"])


def loops_of(elements: Collection[Mapping[str, Any]]) -> dict[str, Loop]:
    """Find the questions that are repeated, by their ids.

    A block is repeated for a fixed list, or for the choices of an earlier question. Where the file does not say how
    often, the question keeps its own name, and :func:`with_loops` serves.
    """
    payloads = {
        str(payload.get("QuestionID", element.get("PrimaryAttribute", ""))): payload
        for element in elements
        if element.get("Element") == "SQ" and isinstance(payload := element.get("Payload"), Mapping)
    }
    found: dict[str, Loop] = {}
    for block in blocks_of(elements):
        options = block.get("Options")
        if not isinstance(options, Mapping) or options.get("Looping") not in ("Static", "Question"):
            continue
        fields = _fields(options.get("LoopingOptions"), payloads)
        if 0 < len(fields) <= _MOST_LOOPS:
            found |= {question: Loop(fields) for question in questions_of(block)}
    return found


def _fields(settings: Any, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the fields of each repetition."""
    if not isinstance(settings, Mapping):
        return {}
    listed = settings.get("Static")
    if isinstance(listed, list):  # a list stands for keys that count from 0, or for no fields at all
        listed = {str(k): each for k, each in enumerate(listed)}
    rows = {str(k): _texts(each) for k, each in listed.items()} if isinstance(listed, Mapping) else {}
    asked = payloads.get(str(settings.get("QID")), {})
    choices = entries(asked.get("Choices"), asked.get("ChoiceOrder"))
    if "Numeric" in str(settings.get("Locator")) or not choices:
        return rows
    return {key: {"1": text, **rows.get(key, {})} for key, text in choices.items()}


def _texts(fields: Any) -> dict[str, str]:
    if isinstance(fields, list):
        fields = {str(k): each for k, each in enumerate(fields)}
    return {str(k): plain_text(each) for k, each in fields.items()} if isinstance(fields, Mapping) else {}


def loop_base(name: str) -> str:
    """Return the name of an item without the number of its repetition.

    Examples
    --------
    >>> loop_base("2_Q7_1"), loop_base("Q7_1")
    ('Q7_1', 'Q7_1')
    """
    return _LOOPED.sub("", name)


def with_loops(declared: Mapping[str, Item], names: Collection[str]) -> dict[str, Item]:
    """Declare repeated items as the item without a number is declared, unless that one is in the table itself.

    All repetitions of an item are one battery.

    Examples
    --------
    >>> sorted(with_loops({"Q7": Item("Q7")}, ["1_Q7", "2_Q7", "1_Q8"]))
    ['1_Q7', '2_Q7', 'Q7']
    """
    found, here = dict(declared), set(names)
    for name in here:
        base = loop_base(name)
        if name not in found and base != name and base in declared and base not in here:
            item = declared[base]
            text = "" if _FIELD.search(item.text) else item.text
            found[name] = replace(item, id=name, text=text, block=item.block or base)
    return found
