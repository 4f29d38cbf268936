from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.errors import DataError, FileFormatError
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome
from truetwin.voice.scoring.stored_answers import read_answers

SHOWN = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    "outcome",
    [
        choice_outcome("i", SHOWN, "b", "b", model="m", details={"k": [1]}),
        choice_outcome("i", SHOWN, "b", None, reason="no letter"),
        Outcome("i", Protocol.SCORING, Status.DONE, score=3.0, judge="j"),
        Outcome("i", Protocol.REPLY, Status.DONE, reply="hello"),
        Outcome("i", Protocol.CHOICE, Status.FAILED, reason="timeout"),
    ],
)
def test_an_outcome_comes_back_from_its_line(outcome: Outcome) -> None:
    assert Outcome.from_record(json.loads(json.dumps(outcome.to_record()))) == outcome


def test_positions_are_those_on_display() -> None:
    outcome = choice_outcome("i", ("d", "b", "a", "c"), "a", "d")
    assert (outcome.answer_position, outcome.picked_position) == (2, 0)


def test_a_malformed_reply_is_incorrect_and_unanswered() -> None:
    outcome = choice_outcome("i", SHOWN, "b", None)
    assert (outcome.status, outcome.is_malformed, outcome.is_answered) == (Status.INCORRECT, True, False)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"protocol": Protocol.SCORING, "status": Status.CORRECT}, "does not go with"),
        ({"protocol": Protocol.CHOICE, "status": Status.DONE}, "does not go with"),
        ({"shown": SHOWN, "answer": "z"}, "one of the options shown"),
        ({"shown": SHOWN, "answer": "a", "picked": "b"}, "exactly if the right option"),
        ({"shown": ("a", "a")}, "every option once"),
        ({"protocol": Protocol.SCORING, "status": Status.DONE, "score": 7.0}, "within 1 to 5"),
        ({"protocol": Protocol.SCORING, "status": Status.DONE}, "a score goes with"),
    ],
)
def test_a_contradiction_is_refused(fields: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Outcome(**{"item_id": "i", "protocol": Protocol.CHOICE, "status": Status.CORRECT, **fields})


@pytest.mark.parametrize("line", ['{"format": "x"}', '{"format": "voice-outcome/1"}'])
def test_another_record_is_no_outcome(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    outcome = Outcome("i", Protocol.REPLY, Status.DONE, reply="hello")
    path.write_text(json.dumps(outcome.to_record()) + "\n" + line)
    with pytest.raises(FileFormatError, match="line 2: not an outcome"):
        read_answers(path)
