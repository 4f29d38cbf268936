from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from truetwin.data import Item, Scale
from truetwin.data.persona import Passage, Persona
from truetwin.errors import DataError, ParameterError
from truetwin.llm import Cell, Reply, Sampling, State
from truetwin.simulation.questions.survey_design import CONSTRUCTIONS, SurveyDesign
from truetwin.simulation.survey.prompt_set import PromptSet
from truetwin.simulation.survey.questionnaire import Questionnaire
from truetwin.simulation.survey.survey_task import SurveyTask

LABELS = {1: "never", 2: "sometimes", 3: "often"}
ITEMS = [
    Item("Q1", "Do you sing?", Scale.ordinal(1, 3, labels=LABELS), "music"),
    Item("Q2", "Do you cook?", Scale.ordinal(1, 3, labels=LABELS)),
    Item("Q3", "Do you dance?", Scale.ordinal(1, 3, labels=LABELS), "music"),
]
PEOPLE = [Persona("007", "Likes {braces} and {{persona}}."), Persona("12", "Sings a lot.", {"Q9": 1.0})]


def task(design: SurveyDesign | None = None, **options: Any) -> SurveyTask:
    return SurveyTask(PEOPLE, ITEMS, design, **options)


def user_prompt(survey: SurveyTask, cell: Cell) -> str:
    return survey.request(cell).messages[1].content


def test_a_persona_has_all_its_calls_one_after_the_other() -> None:
    found = [(c.persona, c.item, c.replicate) for c in task(SurveyDesign(replicates=2)).cells()]
    assert [(p.id, i.id, r) for p in PEOPLE for i in ITEMS for r in (0, 1)] == found


def test_the_persona_comes_first_and_the_item_last() -> None:
    survey = task()
    first, second = (user_prompt(survey, Cell("007", i)) for i in ("Q1", "Q2"))
    common = next(k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert "Likes {braces} and {{persona}}." in first[:common]
    assert "HOW TO REPLY" in first[:common]
    assert "sing" in first[common:]
    assert "Likes {braces} and {{persona}}." in survey.request(Cell("007", "Q1")).messages[1].parts


@pytest.mark.parametrize(
    ("per_call", "groups"),
    [
        (1, ["Q1", "Q2", "Q3"]),
        (2, ["Q1..Q2", "Q3"]),
        (9, ["Q1..Q3"]),
        ("block", ["Q1..Q3", "Q2"]),
    ],
)
def test_items_are_asked_in_groups(per_call: int | str, groups: list[str]) -> None:
    survey = task(SurveyDesign(per_call=per_call, reply="json"))
    assert groups == list(survey.groups)
    assert {"Q1", "Q2", "Q3"} == {i.id for group in survey.groups.values() for i in group}


def test_a_battery_is_read_item_by_item() -> None:
    survey = task(SurveyDesign(per_call=3, reply="json"))
    parsed = survey.parse(Cell("007", "Q1..Q3"), Reply('{"1": 3, "2": "sometimes", "3": 7}'))
    assert parsed.state is State.OFF_SCALE
    assert {k: v for k, v in parsed.value.items() if isinstance(v, float)} == {"Q1": 3.0, "Q2": 2.0}
    assert parsed.value["Q3"]["state"] == "off-scale"


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ('{"1": 1, "2": 1, "3": 1}', ["valid"] * 3),
        ('{"1": 1, "3": 1}', ["valid", "unparseable", "valid"]),
        ('{"1": 1, "2": 1, "3": 1, "4": 1}', ["unparseable"] * 3),
        ('{"1": 1, "2": 1, "3": 1, "why": "x"}', ["valid"] * 3),
        ("1, 1, 1", ["unparseable"] * 3),
        ("I'm sorry, I cannot.", ["refused"] * 3),
    ],
)
def test_states_of_a_battery(text: str, states: list[str]) -> None:
    parsed = task(SurveyDesign(per_call=3, reply="json")).parse(Cell("007", "Q1..Q3"), Reply(text))
    assert states == ["valid" if isinstance(v, float) else v["state"] for v in parsed.value.values()]


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply("2"), State.VALID),
        (Reply("2", finish_reason="length"), State.TRUNCATED),
        (Reply("2", finish_reason="content_filter"), State.REFUSED),
        (Reply("", refusal="I will not."), State.REFUSED),
        (Reply(""), State.UNPARSEABLE),
        (Reply("5"), State.OFF_SCALE),
    ],
)
def test_how_a_cell_ends(reply: Reply, state: State) -> None:
    parsed = task().parse(Cell("007", "Q1"), reply)
    assert state is parsed.state
    assert (parsed.value is None) == (state is not State.VALID)


def test_structured_output_names_every_question() -> None:
    survey = task(SurveyDesign(per_call=3, reply="schema", strategy="reasoning"))
    schema = survey.request(Cell("007", "Q1..Q3")).schema
    assert schema is not None
    assert schema["required"] == ["1", "2", "3"]
    assert schema["properties"]["1"]["required"] == ["reasoning", "answer"]
    assert schema["additionalProperties"] is False
    reply = {k: {"reasoning": "Answer: 1", "answer": 2} for k in "123"}
    assert survey.parse(Cell("007", "Q1..Q3"), Reply(json.dumps(reply))).value == {
        "Q1": 2.0,
        "Q2": 2.0,
        "Q3": 2.0,
    }


@pytest.mark.parametrize("order", ["fixed", "reversed", "rotated"])
@pytest.mark.parametrize("markers", ["codes", "letters"])
@pytest.mark.parametrize("reply", ["code", "json", "schema"])
@pytest.mark.parametrize("strategy", ["default", "reasoning", "repeat"])
def test_the_reply_that_is_asked_for_is_read_back(
    order: Any, markers: Any, reply: Any, strategy: str
) -> None:
    from truetwin.simulation.reading.reply_formats import expected_reply

    survey = task(SurveyDesign(order=order, markers=markers, reply=reply, strategy=strategy, seed=5))
    for cell in survey.cells():
        for code in (1.0, 2.0, 3.0):
            text = expected_reply(survey.questionnaire.questions(cell), [code], survey.design)
            assert {cell.item: code} == survey.parse(cell, Reply(text)).value


def test_rotation_differs_by_person_item_and_replicate_and_repeats_with_the_seed() -> None:
    people = [Persona(str(k), "x") for k in range(40)]
    design = SurveyDesign(order="rotated", replicates=2)
    first, again, other = (
        [[o.code for o in t.questionnaire.questions(c)[0].options] for c in t.cells()]
        for t in (
            SurveyTask(people, ITEMS, design),
            SurveyTask(people, ITEMS, design),
            SurveyTask(people, ITEMS, replace(design, seed=1)),
        )
    )
    assert first == again
    assert first != other
    shares = [sum(order[0] == code for order in first) / len(first) for code in (1, 2, 3)]
    assert all(0.2 < share < 0.47 for share in shares)


def test_predicted_output_is_a_reply_that_can_be_read() -> None:
    survey = task(SurveyDesign(reply="json", predicted_output=True))
    request = survey.request(Cell("007", "Q1"))
    assert request.prediction is not None
    assert State.VALID is survey.parse(Cell("007", "Q1"), Reply(request.prediction)).state


def test_log_probabilities_ask_for_few_tokens() -> None:
    survey = task(SurveyDesign(elicit="logprobs", markers="letters"), sampling=Sampling(temperature=0.0))
    sampling = survey.request(Cell("007", "Q1")).sampling
    assert (sampling.top_logprobs, sampling.max_tokens, sampling.temperature) == (20, 4, 0.0)


@pytest.mark.parametrize("shown", ["Q1", "Q3"])
def test_an_item_to_be_asked_or_one_of_its_battery_never_stands_in_a_persona(shown: str) -> None:
    leaking = [PEOPLE[0], Persona("12", "Sings.", {shown: 1.0})]
    catalogue = {i.id: i for i in ITEMS}
    with pytest.raises(DataError, match=f"'12' shows '{shown}'"):
        SurveyTask(leaking, [ITEMS[0]], catalogue=catalogue)
    SurveyTask(leaking, [ITEMS[1]], catalogue=catalogue)


def test_an_item_of_the_same_wording_does_not_stand_in_a_persona() -> None:
    twin_item = Item("Q9", "do you SING ?".replace(" ?", "?"), ITEMS[0].scale)
    with pytest.raises(DataError, match="'Q9'"):
        SurveyTask([PEOPLE[1]], [ITEMS[0]], catalogue={"Q9": twin_item})


def test_in_context_passages_are_left_out_for_their_own_item_and_its_battery() -> None:
    passages = tuple(Passage(i.id, f"<{i.id}>") for i in ITEMS)
    survey = SurveyTask([Persona("007", "A. ", passages=passages)], ITEMS)
    assert [
        "".join(f"<{i.id}>" for i in ITEMS if f"<{i.id}>" in user_prompt(survey, Cell("007", asked.id)))
        for asked in ITEMS
    ] == ["<Q2>", "<Q1><Q3>", "<Q2>"]


def test_a_persona_longer_than_the_context_is_refused() -> None:
    with pytest.raises(DataError, match=r"'007' has about 2,5\d\d,\d\d\d\. Nothing was sent"):
        SurveyTask([Persona("007", "x" * 10_000_000)], ITEMS)


def test_settings_say_everything_that_is_asked() -> None:
    base = task().settings
    for other in (
        SurveyTask([PEOPLE[0]], ITEMS),
        SurveyTask([replace(PEOPLE[0], text="other"), PEOPLE[1]], ITEMS),
        SurveyTask(PEOPLE, [replace(ITEMS[0], text="Do you hum?"), *ITEMS[1:]]),
        SurveyTask(PEOPLE, ITEMS[:2]),
        task(SurveyDesign(seed=1)),
        task(sampling=Sampling(temperature=0.5)),
    ):
        assert other.settings != base
    assert base == task().settings
    json.dumps(base, allow_nan=False)


def test_settings_change_with_a_prompt(tmp_path: Any) -> None:
    (tmp_path / "survey-system.txt").write_text("Be somebody else.", encoding="utf-8")
    assert task(prompts=PromptSet(tmp_path)).settings != task().settings


@pytest.mark.parametrize(
    "scale",
    [
        Scale.numeric(0),
        Scale.numeric(0, 9, 0.5),
        Scale.nominal([1, 7], labels={1: "a", 7: "b"}),
        Scale("ordinal", (1.0, 2.0, 5.0), 1.0, 5.0),
        Scale.ordinal(1, 2, off_scale={9: "x"}),
    ],
)
def test_a_questionnaire_comes_back_from_its_settings(scale: Scale) -> None:
    survey = SurveyTask(
        PEOPLE, [Item("Q1", "How?", scale)], SurveyDesign(order="rotated", markers="letters", seed=3)
    )
    again = Questionnaire.from_settings(json.loads(json.dumps(survey.settings)))
    for cell in survey.cells():
        assert [q.text for q in survey.questionnaire.questions(cell)] == [
            q.text for q in again.questions(cell)
        ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strategy": "resoning"}, "Did you mean 'reasoning'"),
        ({"per_call": 3}, "JSON"),
        ({"per_call": 0}, ">= 1"),
        ({"replicates": 0}, "replicates"),
        ({"elicit": "logprobs", "reply": "json"}, "first token"),
        ({"elicit": "distribution"}, "JSON"),
        ({"elicit": "distribution", "reply": "json", "strategy": "repeat"}, "default strategy"),
        ({"order": "random"}, "order"),
    ],
)
def test_designs_that_contradict_themselves(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        SurveyDesign(**options)


def test_a_design_that_does_not_suit_the_items() -> None:
    age = Item("Q5", "Age?", Scale.numeric(0, 99))
    with pytest.raises(ParameterError, match="'Q5'"):
        SurveyTask(PEOPLE, [age], SurveyDesign(elicit="distribution", reply="json"))


def test_there_are_thirteen_constructions() -> None:
    found = [CONSTRUCTIONS[name] for name in CONSTRUCTIONS]
    assert len(found) == 13
    assert sum(c.builder == "text" for c in found) == 6
    assert {t: sum(c.temperature == t for c in found) for t in (0.0, 0.7)} == {0.0: 12, 0.7: 1}
    assert sum(c.predicted_output for c in found) == 2
