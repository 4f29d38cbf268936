"""Judge free replies: two rankings, which are different estimands, and marks (paper B, appendices A.5, A.6).

A reply that is empty, refused, cut off or too long is not shown to the judge. It is wrong under both rankings, gets
the lowest mark, and is counted as such. A judge that fails, or cannot be read, leaves the item unscored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.errors import ParameterError
from truetwin.llm import Cell, Parsed, Reply, State
from truetwin.llm.json_replies import object_schema
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import Option, VoiceItem
from truetwin.voice.protocols.choosing import choice_schema, read_option
from truetwin.voice.protocols.item_rendering import (
    REPLY_ID,
    Lettered,
    history_block,
    language_note,
    lettered,
    quoted,
)
from truetwin.voice.protocols.judgement_reading import read_score
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome
from truetwin.voice.protocols.voice_task import NO_REPLY, Setup, VoiceTask, fields_of

#: The three pillars on which a judge's mark rests.
PILLARS = ("opinion_consistency", "logical_factual_fidelity", "stylistic_similarity")
#: Verdicts that a judge may give on each pillar.
VERDICTS = ("match", "minor", "major", "none")
LOWEST_MARK, HIGHEST_MARK = 1, 5


class JudgeTask(VoiceTask):
    """Base of the judging tasks: they ask only about replies that were written.

    Parameters
    ----------
    items, setup
        Items and settings, as for all tasks.
    replies : mapping of (item id, rotation) to Parsed
        The replies as read; see :class:`truetwin.voice.protocols.free_replies.ReplyTask`.
    """

    protocol: Protocol

    def __init__(
        self, items: Sequence[VoiceItem], setup: Setup, replies: Mapping[tuple[str, int], Parsed]
    ) -> None:
        super().__init__(items, setup)
        self.replies = replies

    def asked(self, item: VoiceItem, rotation: int) -> bool:
        """Test whether there is a reply to judge."""
        reply = self.replies.get((item.item_id, rotation))
        return reply is not None and reply.state is State.VALID

    def reply_to(self, item: VoiceItem, rotation: int) -> str:
        """Return the reply that is judged."""
        return str(self.replies[item.item_id, rotation].value)


class RankingTask(JudgeTask):
    """Task of a judge who compares texts; the parsed value is the id of the text that it finds closest.

    ``reply-vs-distractors``: the written reply stands among three distractors, and the judge names the one closest to
    the *true* reply. ``map-to-options``: the true reply stands among the distractors, and the judge names the one
    closest to the *written* reply. The first asks whether the model beats the distractors, the second whether its
    reply shows which person it plays. They do not estimate the same and are never averaged.
    """

    def __init__(
        self,
        items: Sequence[VoiceItem],
        setup: Setup,
        replies: Mapping[tuple[str, int], Parsed],
        protocol: Protocol,
    ) -> None:
        if protocol not in (Protocol.REPLY_VS_DISTRACTORS, Protocol.MAP_TO_OPTIONS):
            raise ParameterError(
                f"a ranking is 'reply-vs-distractors' or 'map-to-options'; got {protocol.value!r}"
            )
        super().__init__(items, setup, replies)
        self.protocol = protocol
        self.step = f"judge-{protocol.value}"  # type: ignore[misc]

    def prompt_name(self, item: VoiceItem) -> str:
        """Name of the prompt, one for each of the two rankings."""
        return f"rank-{self.protocol.value}"

    def shown(self, item: VoiceItem, rotation: int = 0) -> Lettered:
        """Put the candidates in the order in which the judge sees them."""
        if self.protocol is Protocol.MAP_TO_OPTIONS:
            candidates = item.options
        else:
            candidates = (*item.distractors, Option(REPLY_ID, self.reply_to(item, rotation)))
        return lettered(candidates, f"{item.item_id}:{self.protocol.value}", self.setup.seed, rotation)

    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """Fill the placeholders of the prompt."""
        shown = self.shown(item, rotation)
        compared = (
            {"reply": quoted(self.words["text"], self.reply_to(item, rotation))}
            if self.protocol is Protocol.MAP_TO_OPTIONS
            else {"reference": quoted(self.words["reference"], item.true_option.text)}
        )
        return {
            "language": language_note(item.language),
            "kind": self.words[voice_dimensions[item.dimension].reply],
            "options": shown.quoted(self.words),
            "letters": ", ".join(shown.letters),
            **compared,
        }

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON schema of a reason and a letter."""
        return choice_schema(self.items)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read from a reply the id of the candidate that the judge names."""
        return read_option(reply, self.shown(self.by_id[cell.item], cell.replicate))


class ScoringTask(JudgeTask):
    """Task of a judge who marks the reply against the true one, 1 to 5, with a verdict on each of three pillars.

    The parsed value is ``{"score": int, "verdicts": {pillar: word}}``.
    """

    step = "judge-scoring"
    protocol = Protocol.SCORING

    def prompt_name(self, item: VoiceItem) -> str:
        """Name of the prompt, the same for all items."""
        return "score"

    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """Fill the placeholders of the prompt."""
        return {
            "language": language_note(item.language),
            "kind": self.words[voice_dimensions[item.dimension].reply],
            "history": history_block(item, self.setup.history, self.words),
            "stimulus": quoted(self.words["stimulus"], item.stimulus),
            "reference": quoted(self.words["true reply"], item.true_option.text),
            "reply": quoted(self.words["twin's reply"], self.reply_to(item, rotation)),
        }

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON schema of a reason, three verdicts and a mark."""
        verdict = {"type": "string", "enum": list(VERDICTS)}
        mark = {"type": "integer", "enum": list(range(LOWEST_MARK, HIGHEST_MARK + 1))}
        return object_schema({"reason": {"type": "string"}, **dict.fromkeys(PILLARS, verdict), "score": mark})

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read the judge's mark and verdicts from a reply."""
        return read_score(reply, PILLARS, VERDICTS)


def judge_task(
    items: Sequence[VoiceItem],
    setup: Setup,
    replies: Mapping[tuple[str, int], Parsed],
    protocol: Protocol,
) -> RankingTask | ScoringTask:
    """Make the task of a judging protocol."""
    if protocol is Protocol.SCORING:
        return ScoringTask(items, setup, replies)
    return RankingTask(items, setup, replies, protocol)


def outcome_of_judgement(
    task: RankingTask | ScoringTask, cell: Cell, judged: Parsed | None, *, model: str, judge: str
) -> Outcome:
    """Record the outcome of one item under a judging protocol.

    Parameters
    ----------
    task : RankingTask or ScoringTask
        Task of the judge.
    cell : Cell
        Place of the judgement in the run.
    judged : Parsed, optional
        The judge's reply as read; None if the judge was not asked.
    model, judge : str
        Names of the model that wrote, and of the one that judged.
    """
    item, rotation = task.by_id[cell.item], cell.replicate
    written = task.replies.get((item.item_id, rotation), Parsed(State.SKIPPED, reason="no reply was written"))
    about = {**fields_of(item), "run": rotation, "model": model, "judge": judge}
    protocol = task.protocol
    if written.state in NO_REPLY:
        return Outcome(item.item_id, protocol, Status.FAILED, reason=written.reason, **about)
    if written.state is not State.VALID:
        about |= {"reason": written.reason, "details": {"state": written.state.value}}
        if isinstance(task, ScoringTask):
            return Outcome(item.item_id, protocol, Status.DONE, score=float(LOWEST_MARK), **about)
        return Outcome(item.item_id, protocol, Status.INCORRECT, **about)
    about["reply"] = str(written.value)
    if judged is None or judged.state is not State.VALID:
        state = "not asked" if judged is None else judged.state.value
        reason = (
            "the judge was not asked" if judged is None else f"judge: {judged.reason or judged.state.value}"
        )
        return Outcome(
            item.item_id, protocol, Status.UNSCORED, reason=reason, details={"state": state}, **about
        )
    if isinstance(task, ScoringTask):
        mark = judged.value["score"]
        details = {"verdicts": judged.value["verdicts"], "normalised": normalised(mark)}
        return Outcome(item.item_id, protocol, Status.DONE, score=float(mark), details=details, **about)
    right = item.answer if protocol is Protocol.MAP_TO_OPTIONS else REPLY_ID
    shown = task.shown(item, rotation).ids
    return choice_outcome(item.item_id, shown, right, judged.value, protocol=protocol, **about)


def normalised(mark: float) -> float:
    """Rescale a mark from 1..5 to 0..1.

    Examples
    --------
    >>> normalised(3)
    0.5
    """
    return (mark - LOWEST_MARK) / (HIGHEST_MARK - LOWEST_MARK)
