"""What every way to make personas must keep to."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.persona import Persona
from truetwin.simulation.personas.persona_builders import (
    BUILDERS,
    DEMOGRAPHICS,
    PersonaSource,
    build_personas,
)
from truetwin.simulation.survey.survey_task import SurveyTask

N, M = 12, 10
LABELS = {1: "never", 2: "at times", 3: "always"}
ITEMS = {
    f"Q{j}": Item(
        f"Q{j}", f"How often do you do thing number {j}?", Scale.ordinal(1, 3, labels=LABELS), "AB"[j % 2]
    )
    for j in range(M)
} | {"Q9b": Item("Q9b", "How often do you do thing number 9?", Scale.ordinal(1, 3, labels=LABELS))}
TARGETS = ["Q9"]  # hides the odd items, its battery, and Q9b, its wording
HIDDEN = {"Q1", "Q3", "Q5", "Q7", "Q9", "Q9b"}
IDS = [f"{k:03d}" for k in range(N)]
ATTRIBUTES = {who: {name: f"{name} {who} {{{{persona}}}}" for name in (*DEMOGRAPHICS, "Q9")} for who in IDS}
PORTRAITS = {who: f"A portrait of {who}." for who in IDS}


def source(seed: int = 0, *, scrambled: bool = False) -> PersonaSource:
    values = np.random.default_rng(seed).integers(1, 4, (N, M + 1)).astype(float)
    if scrambled:
        hidden = [k for k, i in enumerate(ITEMS) if i in HIDDEN]
        values[:, hidden] = np.random.default_rng(99).integers(1, 4, (N, len(hidden)))
    return PersonaSource(ResponseMatrix(values, IDS, ITEMS.values()), ITEMS, TARGETS, ATTRIBUTES)


@pytest.fixture(params=list(BUILDERS))
def personas(request: pytest.FixtureRequest) -> list[Persona]:
    return build_personas(source(), request.param, portraits=PORTRAITS)


def test_one_persona_for_every_respondent_under_the_same_id(personas: list[Persona]) -> None:
    assert [p.id for p in personas] == IDS
    assert all(p.text.strip() for p in personas)


def test_no_item_to_be_asked_nor_one_of_its_battery_stands_in_a_persona(personas: list[Persona]) -> None:
    for persona in personas:
        assert not HIDDEN & set(persona.answers)
        assert not any(f"number {j}?" in persona.text for j in (1, 3, 5, 7, 9))
        assert "Q9" not in persona.attributes
    SurveyTask(personas, [ITEMS["Q9"]], catalogue=ITEMS)


def test_a_prompt_never_holds_the_answer_to_what_it_asks(personas: list[Persona]) -> None:
    survey = SurveyTask(personas, [ITEMS["Q9"]], catalogue=ITEMS)
    for cell in survey.cells():
        prompt = survey.request(cell).messages[1].content
        assert prompt.count("thing number 9?") == 1
        assert prompt.rstrip().endswith("3: always")


@pytest.mark.parametrize("name", [n for n in BUILDERS if n != "rating-history-in-context"])
def test_hidden_answers_change_nothing(name: str) -> None:
    first, second = (build_personas(source(scrambled=s), name, portraits=PORTRAITS) for s in (False, True))
    assert [(p.id, p.text, p.answers, p.passages) for p in first] == [
        (p.id, p.text, p.answers, p.passages) for p in second
    ]


def test_answers_that_are_recorded_as_shown_are_all_that_is_shown(personas: list[Persona]) -> None:
    for persona in personas:
        if persona.builder.startswith("summary"):
            continue  # a portrait is drawn from all of them
        shown = {f"Q{j}" for j in range(M) if f"thing number {j}?" in persona.text}
        assert shown == set(persona.answers)


def test_template_like_texts_stay_as_they_are(personas: list[Persona]) -> None:
    survey = SurveyTask(personas, [ITEMS["Q9"]], catalogue=ITEMS)
    for cell in survey.cells():
        assert survey.personas[cell.persona].text in survey.request(cell).messages[1].content
