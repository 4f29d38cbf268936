"""Asking a model who speaks."""

from __future__ import annotations

import pytest

from truetwin.llm import Cell, Reply, State
from truetwin.voice_sets.novels.attribution import Utterance
from truetwin.voice_sets.novels.book import book_of
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.spans import Span
from truetwin.voice_sets.novels.speaker_questions import SpeakerTask

BOOK = book_of("They met.\n\n“Stay here.”\n\nNobody stayed.", name="b")
ASKED = Utterance(4, 1, 1, "Stay here.", (Span(1, 1, 11),))
TASK = SpeakerTask(BOOK, [Character("anna", "Anna"), Character("ben", "Ben")], [ASKED])
CELL = Cell("b", "000004", "speaker")


def test_the_prompt_marks_the_utterance_and_lists_the_people() -> None:
    prompt = TASK.request(CELL).messages[0].content
    assert ">>>Stay here.<<<" in prompt
    assert "2. Ben" in prompt
    assert list(TASK.cells()) == [CELL]


@pytest.mark.parametrize(
    ("text", "state", "value"),
    [
        ('{"speaker": 2}', State.VALID, "ben"),
        ('```json\n{"speaker": "1"}\n```', State.VALID, "anna"),
        ("0", State.VALID, ""),
        ('{"speaker": 3}', State.OFF_SCALE, None),
        ("It is Ben, number 2 I think", State.UNPARSEABLE, None),
        ('{"speaker": 1} or {"speaker": 2}', State.UNPARSEABLE, None),
        ("", State.UNPARSEABLE, None),
    ],
)
def test_replies_are_read_strictly(text: str, state: State, value: str | None) -> None:
    found = TASK.parse(CELL, Reply(text))
    assert (state, value) == (found.state, found.value)
