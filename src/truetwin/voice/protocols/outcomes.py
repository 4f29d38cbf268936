"""Outcome: what became of one item under one protocol.

Runs write outcomes, and scores are computed from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from truetwin.errors import DataError
from truetwin.io.json_lines import write_json_lines

FORMAT = "voice-outcome/1"
#: Lowest and highest mark of the judge's rubric (paper B, section 3.2.2).
SCORE_RANGE = (1.0, 5.0)


class Protocol(StrEnum):
    """Way to test a voice. The two rankings are different estimands and are never averaged.

    ``CHOICE``: the model picks the true reply among four (paper B, eq. 3). ``REPLY``: the model writes, and nothing
    is judged yet. ``REPLY_VS_DISTRACTORS``: a judge says which of the written reply and three distractors is closest
    to the true reply; right if it is the written one. ``MAP_TO_OPTIONS``: a judge says which of the true reply and
    three distractors the written reply is closest to; right if it is the true one. ``SCORING``: a judge marks the
    written reply against the true one, 1 to 5.
    """

    CHOICE = "choice"
    REPLY = "reply"
    REPLY_VS_DISTRACTORS = "reply-vs-distractors"
    MAP_TO_OPTIONS = "map-to-options"
    SCORING = "scoring"


#: Protocols that end in right or wrong among four options, so that guessing is right in a quarter of the items.
FOUR_WAY = (Protocol.CHOICE, Protocol.REPLY_VS_DISTRACTORS, Protocol.MAP_TO_OPTIONS)


class Status(StrEnum):
    """Status in which an item ended.

    ``INCORRECT`` includes a malformed reply, in which no answer could be read (``picked`` is then None). ``DONE``: a
    mark was given (scoring) or a reply was written (reply). ``FAILED``: no reply came, even after retries.
    ``UNSCORED``: the model replied, but the judge did not, or not readably.
    """

    CORRECT = "correct"
    INCORRECT = "incorrect"
    DONE = "done"
    FAILED = "failed"
    UNSCORED = "unscored"


@dataclass(frozen=True)
class Outcome:
    """Outcome of one item under one protocol, played by one model, once.

    Parameters
    ----------
    item_id : str
        Id of the item.
    protocol : Protocol
        Protocol that was played.
    status : Status
        Status in which it ended.
    model : str
        Name of the model that was asked to play the persona.
    dimension, persona_id, group : str
        Dimension, persona and group of the item; the persona is the cluster of bootstraps.
    run : int
        0, or the number of the rotation or repetition.
    shown : tuple of str
        Option ids in the order in which they were shown; the written reply has the id ``"reply"``.
    answer : str, optional
        Id of the option that is right.
    picked : str, optional
        Id of the option that was picked; None if none could be read.
    score : float, optional
        The judge's mark, 1 to 5 (protocol ``SCORING`` only).
    reply : str
        Full text that the model wrote.
    reason : str
        Why it failed or was not readable, in words; or the model's own reasoning, if a file keeps it.
    judge : str
        The judging model.
    details : mapping
        Further JSON values, such as the judge's sub-verdicts.
    """

    item_id: str
    protocol: Protocol
    status: Status
    model: str = ""
    dimension: str = ""
    persona_id: str = ""
    group: str = ""
    run: int = 0
    shown: tuple[str, ...] = ()
    answer: str | None = None
    picked: str | None = None
    score: float | None = None
    reply: str = ""
    reason: str = ""
    judge: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"item {self.item_id!r}"
        if len(set(self.shown)) != len(self.shown):
            raise DataError(f"an outcome must show every option once; {where} shows {list(self.shown)}")
        for name in ("answer", "picked"):
            value = getattr(self, name)
            if value is not None and self.shown and value not in self.shown:
                raise DataError(
                    f"an outcome's {name} must be one of the options shown; {where} has {value!r}"
                )
        decided = self.status in (Status.CORRECT, Status.INCORRECT)
        if (self.status is Status.DONE and self.protocol in FOUR_WAY) or (
            decided and self.protocol not in FOUR_WAY
        ):
            raise DataError(
                f"status {self.status.value!r} does not go with protocol {self.protocol.value!r}; {where}"
            )
        if self.answer is not None and decided:
            right = self.picked == self.answer
            if right != (self.status is Status.CORRECT):
                raise DataError(
                    f"an outcome is correct exactly if the right option was picked; {where} is "
                    f"{self.status.value!r}, right is {self.answer!r}, picked is {self.picked!r}"
                )
        low, high = SCORE_RANGE
        if self.score is not None and not low <= self.score <= high:
            raise DataError(f"a score must be within {low:g} to {high:g}; {where} has {self.score}")
        if (self.score is not None) != (self.protocol is Protocol.SCORING and self.status is Status.DONE):
            raise DataError(f"a score goes with protocol 'scoring' and status 'done' only; {where}")

    @property
    def is_answered(self) -> bool:
        """Whether there is a readable answer, a judge's mark, or a reply, right or wrong."""
        if self.status is Status.DONE:
            return not self.is_imputed
        return self.status is Status.CORRECT or (self.status is Status.INCORRECT and self.picked is not None)

    @property
    def is_imputed(self) -> bool:
        """Whether the mark was given by rule: the reply was cut off, refused or malformed, and no judge saw it."""
        return self.score is not None and "state" in self.details

    @property
    def is_malformed(self) -> bool:
        """Whether the model replied but no answer could be read; counts as incorrect, or gets the lowest mark."""
        return self.is_imputed or (self.status is Status.INCORRECT and self.picked is None)

    @property
    def answer_position(self) -> int | None:
        """Position at which the right option was shown, from 0; None if unknown."""
        return self.shown.index(self.answer) if self.shown and self.answer is not None else None

    @property
    def picked_position(self) -> int | None:
        """Position at which the picked option was shown, from 0; None if unknown or none was picked."""
        return self.shown.index(self.picked) if self.shown and self.picked is not None else None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Key that must be unique in a file: item, protocol, model, run."""
        return self.item_id, self.protocol.value, self.model, self.run

    def to_record(self) -> dict[str, Any]:
        """Convert the outcome to one JSON object; empty fields are left out."""
        record = {**asdict(self), "protocol": self.protocol.value, "status": self.status.value}
        kept = {k: v for k, v in record.items() if v not in (None, "", (), {}) or k == "item_id"}
        return {"format": FORMAT, **kept, "run": self.run}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Outcome:
        """Restore an outcome from :meth:`to_record`; raises DataError, KeyError or TypeError for anything else."""
        if record.get("format") != FORMAT:
            raise DataError(f"an outcome must have the format {FORMAT!r}; got {record.get('format')!r}")
        fields = {k: v for k, v in record.items() if k != "format"}
        try:
            fields["protocol"] = Protocol(fields["protocol"])
            fields["status"] = Status(fields["status"])
        except ValueError as error:
            raise DataError(f"not a known protocol or status: {error}") from error
        fields["shown"] = tuple(fields.get("shown", ()))
        return cls(**fields)


def choice_outcome(
    item_id: str, shown: tuple[str, ...], answer: str, picked: str | None, **fields: Any
) -> Outcome:
    """Make the outcome of a four-way protocol from the picked option; None means that no answer could be read.

    Examples
    --------
    >>> choice_outcome("i1", ("a", "b", "c", "d"), "b", "b").status.value
    'correct'
    >>> choice_outcome("i1", ("a", "b", "c", "d"), "b", None).is_malformed
    True
    """
    status = Status.CORRECT if picked == answer else Status.INCORRECT
    protocol = fields.pop("protocol", Protocol.CHOICE)
    return Outcome(item_id, protocol, status, shown=shown, answer=answer, picked=picked, **fields)


def write_outcomes(path: str | Path, outcomes: Iterable[Outcome]) -> None:
    """Write outcomes as JSONL, one a line, whole or not at all."""
    write_json_lines(Path(path), (outcome.to_record() for outcome in outcomes))
