from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.errors import DataError, UnknownNameError
from truetwin.simulation.personas.persona_builders import DEMOGRAPHICS, PersonaSource, build_personas
from truetwin.simulation.survey.survey_task import SurveyTask

YES_NO = Scale.ordinal(1, 2, labels={1: "no", 2: "yes"}, off_scale={9: "refused"})
ITEMS = {
    "Q1": Item("Q1", "Do you sing?", YES_NO),
    "Q2": Item("Q2", "Do you cook?", YES_NO),
    "Q3": Item("Q3", "Do you dance?", YES_NO, "music"),
    "Q4": Item("Q4", "Do you play an instrument?", YES_NO, "music"),
    "Q5": Item("Q5", "How often, 1 to 5?", Scale.ordinal(1, 5)),
    "Q6": Item("Q6"),
}
ANSWERS = ResponseMatrix(
    [[2, 1, 1, 2, 3, 1], [1, np.nan, 2, 1, 5, 1], [9, 2, 1, 1, 1, 1]], ["007", "12", "3"], ITEMS.values()
)
ATTRIBUTES = {
    who: {"region": "North", "age": str(20 + k), "Q3": "secret"}
    for k, who in enumerate(ANSWERS.respondent_ids)
}


def source(**options: object) -> PersonaSource:
    base = PersonaSource(ANSWERS, ITEMS, ["Q3"], ATTRIBUTES, ["region", "age"])
    return replace(base, **options)  # type: ignore[arg-type]


def test_text_personas_hold_all_answers_but_those_of_targets_and_their_battery() -> None:
    persona = build_personas(source())[0]
    assert persona.text == (
        "Question: Do you sing?\nAnswer: yes\n\nQuestion: Do you cook?\nAnswer: no\n\n"
        "Question: How often, 1 to 5?\nAnswer: 3 on a scale from 1 to 5"
    )
    assert persona.answers == {"Q1": 2.0, "Q2": 1.0, "Q5": 3.0}
    assert persona.builder == "text"


def test_missing_and_off_scale_answers_are_left_out() -> None:
    personas = {p.id: p for p in build_personas(source())}
    assert set(personas["12"].answers) == {"Q1", "Q5"}
    assert set(personas["3"].answers) == {"Q2", "Q5"}
    assert "refused" not in personas["3"].text


def test_json_personas_are_json() -> None:
    rows = json.loads(build_personas(source(), "json")[0].text)
    assert rows[0] == {"question": "Do you sing?", "answer": "yes"}


def test_demographics_are_the_attributes_that_are_named_in_their_order() -> None:
    assert build_personas(source(), "demographics")[1].text == "Region: North\nAge: 21"
    assert build_personas(source(), "demographics")[1].answers == {}


def test_demographics_that_are_missing_are_named() -> None:
    with pytest.raises(DataError, match=r"sex, education.*there are Q3, age, region"):
        build_personas(source(demographics=DEMOGRAPHICS), "demographics")
    assert len(DEMOGRAPHICS) == 14


def test_an_attribute_of_a_targets_name_is_not_shown() -> None:
    assert "secret" not in build_personas(source(), "distinctive")[0].text
    assert "Q3" not in build_personas(source(), "distinctive")[0].attributes


def test_distinctive_personas_take_the_answers_furthest_from_others() -> None:
    answers = np.ones((50, 40))
    answers[0, 35:] = 2
    items = {f"Q{j}": Item(f"Q{j}", f"Do you do {j}?", YES_NO) for j in range(40)}
    persona = build_personas(
        PersonaSource(ResponseMatrix(answers, map(str, range(50)), items.values()), items), "distinctive"
    )[0]
    assert {f"Q{j}" for j in range(35, 40)} <= set(persona.answers)
    assert len(persona.answers) == 25


def test_portraits_make_summaries_and_their_answers_count_as_shown() -> None:
    portraits = {"007": "A singer.", "12": "A dancer."}
    summaries = build_personas(source(), "summary", portraits=portraits)
    assert [p.text for p in summaries] == ["A singer.", "A dancer."]
    assert summaries[0].answers == {"Q1": 2.0, "Q2": 1.0, "Q5": 3.0}
    both = build_personas(source(), "summary+json", portraits=portraits)[0].text
    assert both.startswith("[")
    assert both.endswith("Portrait:\nA singer.")


def test_rating_histories_differ_only_in_the_history() -> None:
    targets = source(targets=["Q2", "Q5"])
    zero, context = (build_personas(targets, f"rating-history{x}")[0] for x in ("", "-in-context"))
    assert (zero.text, zero.answers) == (context.text, context.answers)
    assert [(p.item_id, p.text) for p in context.passages] == [
        ("Q2", "Do you cook? | rating: no\n"),
        ("Q5", "How often, 1 to 5? | rating: 3\n"),
    ]
    survey = SurveyTask([context], [ITEMS["Q2"], ITEMS["Q5"]])
    prompts = [survey.request(c).messages[1].content for c in survey.cells()]
    assert [("cook? | rating: no" in p, "| rating: 3" in p) for p in prompts] == [
        (False, True),
        (True, False),
    ]


def test_personas_can_be_asked_their_targets_and_nothing_they_show() -> None:
    personas = build_personas(source())
    SurveyTask(personas, [ITEMS["Q3"], ITEMS["Q4"]], catalogue=ITEMS)
    with pytest.raises(DataError, match="'Q1'"):
        SurveyTask(personas, [ITEMS["Q1"]], catalogue=ITEMS)


def test_a_person_without_anything_to_show_is_named() -> None:
    empty = ResponseMatrix([[2, 1], [np.nan, np.nan]], ["a", "b"], [ITEMS["Q1"], ITEMS["Q2"]])
    with pytest.raises(DataError, match="'b'"):
        build_personas(PersonaSource(empty, ITEMS))


def test_answers_without_texts_are_refused_and_say_where_texts_come_from() -> None:
    with pytest.raises(DataError, match=r"1 have a text and 1 are targets.*--item-file"):
        build_personas(PersonaSource(ResponseMatrix([[1, 2]], ["a"], ["X", "Q1"]), ITEMS, ["Q1"]))
    assert source().without_text == ("Q6",)


def test_an_unknown_builder_is_explained() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'summary'"):
        build_personas(source(), "sumary")
