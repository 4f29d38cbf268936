"""Free generation: the model writes the reply in the persona's place (paper B, section 3.2.2, appendix A.4)."""

from __future__ import annotations

from collections.abc import Mapping

from truetwin.llm import Cell, Parsed, Reply, State
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.item_rendering import (
    history_block,
    language_note,
    persona_block,
    quoted,
    write_in,
)
from truetwin.voice.protocols.judgement_reading import read_reply
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.protocols.voice_task import NO_REPLY, VoiceTask, fields_of


class ReplyTask(VoiceTask):
    """Task of writing the persona's reply; the parsed value is its text."""

    step = "reply"

    def prompt_name(self, item: VoiceItem) -> str:
        """Name of the prompt, one a dimension."""
        return f"generate-{item.dimension}"

    def prompt_package(self, item: VoiceItem) -> str:
        """The package that has the dimension's prompts."""
        return voice_dimensions[item.dimension].prompts

    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """Fill the placeholders of the prompt."""
        return {
            "language": language_note(item.language),
            "persona": persona_block(item.persona, words=self.words),
            "history": history_block(item, self.setup.history, self.words),
            "stimulus": quoted(self.words["stimulus"], item.stimulus),
            "write_in": write_in(item.language),
        }

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read the text of the reply."""
        return read_reply(reply)


def outcome_of_reply(task: ReplyTask, cell: Cell, parsed: Parsed, *, model: str) -> Outcome:
    """Record the outcome of one item before anything is judged."""
    item = task.by_id[cell.item]
    usable = parsed.state is State.VALID
    return Outcome(
        item.item_id,
        Protocol.REPLY,
        Status.FAILED if parsed.state in NO_REPLY else Status.DONE,
        model=model,
        run=cell.replicate,
        reply=parsed.value if usable else "",
        reason=parsed.reason,
        details={} if usable else {"state": parsed.state.value},
        **fields_of(item),
    )
