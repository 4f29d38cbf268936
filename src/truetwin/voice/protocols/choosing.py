"""Discriminative choice: pick the persona's own among several replies (paper B, section 3.2.1, appendix A.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.llm import Cell, Parsed, Reply, State
from truetwin.llm.json_replies import object_schema
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import LETTERS, N_OPTIONS, VoiceItem
from truetwin.voice.protocols.item_rendering import (
    Lettered,
    history_block,
    language_note,
    lettered,
    persona_block,
    quoted,
)
from truetwin.voice.protocols.judgement_reading import read_choice
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome
from truetwin.voice.protocols.voice_task import NO_REPLY, VoiceTask, fields_of

#: Hashes of version 1 of the prompts by those of version 2. With four options both give the same text, so that runs
#: that were begun with version 1 go on.
VERSION_1 = {
    "dc26065a84be5cf3": "2e0c61862e389f34",
    "1cdc82aa25b85e88": "a0a208bba32215b6",
    "6a1c575a0744f7cb": "6bdfed9142bee47e",
}


class ChoiceTask(VoiceTask):
    """Task of choosing the persona's reply among the options; the parsed value is the id of the option chosen.

    Examples
    --------
    >>> from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona
    >>> from truetwin.voice.protocols.voice_task import Setup
    >>> options = tuple(Option(i, f"Reply {i}.") for i in "abcd")
    >>> item = VoiceItem("1", "social", "en", VoicePersona("p"), "Snow!", options, answer="b")
    >>> task = ChoiceTask([item], Setup())
    >>> [cell] = task.cells()
    >>> letter = task.shown(item).letters[task.shown(item).ids.index("b")]
    >>> task.parse(cell, Reply(f"Answer: {letter}")).value
    'b'
    """

    step = "choice"

    def prompt_name(self, item: VoiceItem) -> str:
        """Name of the prompt, one a dimension."""
        return f"choose-{item.dimension}"

    def prompt_package(self, item: VoiceItem) -> str:
        """The package that has the dimension's prompts."""
        return voice_dimensions[item.dimension].prompts

    def shown(self, item: VoiceItem, rotation: int = 0) -> Lettered:
        """Put the options in the order in which a rotation shows them."""
        return lettered(item.options, item.item_id, self.setup.seed, rotation)

    def describe_prompts(self) -> list[dict[str, Any]]:
        """See the base class; a prompt that gives the text of version 1 is described as version 1."""
        described = super().describe_prompts()
        if any(len(item.options) != N_OPTIONS for item in self.items):
            return described
        return [
            {**one, "version": 1, "digest": VERSION_1[one["digest"]]}
            if one.get("digest") in VERSION_1
            else one
            for one in described
        ]

    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """Fill the placeholders of the prompt."""
        shown = self.shown(item, rotation)
        return {
            "language": language_note(item.language),
            "persona": persona_block(item.persona, words=self.words),
            "history": history_block(item, self.setup.history, self.words),
            "stimulus": quoted(self.words["stimulus"], item.stimulus),
            "options": shown.quoted(self.words),
            "letters": ", ".join(shown.letters),
            "number": self.words[shown.number],
        }

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON schema of a reason and a letter."""
        return choice_schema(self.items)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read from a reply the id of the option that it chooses."""
        return read_option(reply, self.shown(self.by_id[cell.item], cell.replicate))


def choice_schema(items: Sequence[VoiceItem]) -> dict[str, Any]:
    """JSON schema of a reason and a letter, of as many as the items have options at most."""
    letters = LETTERS[: max((len(item.options) for item in items), default=0)]
    return object_schema({"reason": {"type": "string"}, "choice": {"type": "string", "enum": list(letters)}})


def read_option(reply: Reply, shown: Lettered) -> Parsed:
    """Read from a reply the id of the option whose letter it names."""
    parsed = read_choice(reply, shown.texts)
    return Parsed(State.VALID, shown.id_of(parsed.value)) if parsed.state is State.VALID else parsed


def outcome_of_choice(task: ChoiceTask, cell: Cell, parsed: Parsed, *, model: str) -> Outcome:
    """Record the outcome of one item: right, wrong, unreadable (counts as wrong), or failed without a reply."""
    item = task.by_id[cell.item]
    about = {**fields_of(item), "run": cell.replicate, "model": model, "reason": parsed.reason}
    shown = task.shown(item, cell.replicate).ids
    if parsed.state in NO_REPLY:
        return Outcome(item.item_id, Protocol.CHOICE, Status.FAILED, shown=shown, answer=item.answer, **about)
    if parsed.state is not State.VALID:
        about["details"] = {"state": parsed.state.value}
    return choice_outcome(item.item_id, shown, item.answer, parsed.value, **about)
