"""Twins under arms: what is asked, stored, continued and written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.data import Item, Scale
from truetwin.data.persona import Passage, Persona
from truetwin.errors import DataError, ParameterError, RunError
from truetwin.io import read_responses, read_table
from truetwin.llm import Cell, Store, run, scripted_model
from truetwin.report.files.answer_files import companions, write_answers
from truetwin.simulation import SurveyDesign, collect_answers
from truetwin.simulation.questions.arms import Arms
from truetwin.simulation.survey.arm_assignment import ArmPlan
from truetwin.simulation.survey.asked_arms import arms_in_words
from truetwin.simulation.survey.asked_survey import remarks_on
from truetwin.simulation.survey.questionnaire import Questionnaire
from truetwin.simulation.survey.rereading import reread
from truetwin.simulation.survey.simulation import simulate
from truetwin.simulation.survey.statistical_twin import GeneratedTwin
from truetwin.simulation.survey.survey_task import SurveyTask

SCALE = Scale.ordinal(1, 5)
ITEMS = [
    Item("Q2", "{{message}} Would you buy it?", SCALE, "tea"),
    Item("Q10", "Do you trust it?", SCALE, "tea"),
    Item("Q1", "Do you like rain?", SCALE),
]
TEXTS = {"message": {"B": "Buy {tea}.", "A": "Tea: {{x}}."}}
PEOPLE = [Persona(p, f"Person {p}.") for p in "abcdef"]
SCRIPT = {
    "rules": [{"contains": "Buy {tea}.", "reply": "5"}, {"contains": "Tea: {{x}}.", "reply": "2"}],
    "default": "3",
}
BATTERIES = {
    "rules": [
        {"contains": "Buy {tea}.", "reply": {"1": 5, "2": 4}},
        {"contains": "Tea: {{x}}.", "reply": {"1": 2, "2": 1}},
    ],
    "default": {"1": 3},
}


def under(every: bool = False, given: Any = None, **options: Any) -> SurveyTask:
    return SurveyTask(PEOPLE, ITEMS, arms=ArmPlan(Arms(TEXTS, every), given), **options)


def asked(task: SurveyTask, folder: Path, script: Any = None) -> Any:
    model = GeneratedTwin(task) if script is None else scripted_model(script)
    with Store(folder / "run.sqlite") as store:
        summary = run(task, model, store)
        return summary, collect_answers(store)


def written(folder: Path, **options: Any) -> dict[str, Any]:
    with Store(folder / "run.sqlite", create=False) as store:
        answers = collect_answers(store)
        totals = store.totals("answer")
    output = folder / "out.csv"
    write_answers(answers, output, totals=totals, settings={}, **options)
    names = [output, *companions(output, answers)[1:]]
    return {path.name: read_table(path).to_pydict() for path in names}


def test_each_twin_is_asked_under_its_arm_only(tmp_path: Path) -> None:
    task = under()
    assert task.n_cells == 18
    arms = Counter(cell.item for cell in task.cells())
    assert arms == {"Q2@message=A": 3, "Q2@message=B": 3, "Q10": 6, "Q1": 6}
    _, answers = asked(task, tmp_path, SCRIPT)
    assert answers.item_ids == ("Q2", "Q10", "Q1")
    assert answers.n_not_asked == 0
    for person, value in zip(answers.respondent_ids, answers.values[:, 0], strict=True):
        assert value == {"A": 2.0, "B": 5.0}[task.assignment[person]["message"]]
    files = written(tmp_path)
    assert list(files) == ["out.csv", "out.not-valid.csv", "out.conditions.csv"]
    table = files["out.conditions.csv"]
    assert list(table) == ["respondent_id", "message"]
    levels = dict(zip(table["respondent_id"], table["message"], strict=True))
    assert levels == {person: each["message"] for person, each in task.assignment.items()}


def test_every_twin_is_asked_under_every_arm(tmp_path: Path) -> None:
    task = under(every=True)
    assert task.n_cells == 24
    _, answers = asked(task, tmp_path, SCRIPT)
    assert answers.item_ids == ("Q2@message=B", "Q2@message=A", "Q10", "Q1")
    np.testing.assert_array_equal(answers.values, np.tile([5.0, 2.0, 3.0, 3.0], (6, 1)))
    files = written(tmp_path)
    assert files["out.arms.csv"] == {
        "column": ["Q2@message=B", "Q2@message=A"],
        "item_id": ["Q2", "Q2"],
        "message": ["B", "A"],
    }
    assert read_responses(tmp_path / "out.csv").item_ids == answers.item_ids
    long = written(tmp_path, layout="long")["out.csv"]
    assert long["item_id"][:2] == ["Q2@message=B", "Q2@message=A"]


@pytest.mark.parametrize("every", [False, True])
def test_items_of_one_call_share_the_arm(tmp_path: Path, every: bool) -> None:
    task = under(every, design=SurveyDesign(per_call="block", reply="json", replicates=2))
    assert task.n_cells == 2 * (12 + 6 if every else 6 + 6)
    _, answers = asked(task, tmp_path, BATTERIES)
    names = ("Q2@message=B", "Q10@message=B", "Q2@message=A", "Q10@message=A", "Q1")
    assert answers.item_ids == (names if every else ("Q2", "Q10", "Q1"))
    assert answers.n_not_asked == 0
    if every:
        np.testing.assert_array_equal(answers.values, np.tile([5.0, 4.0, 2.0, 1.0, 3.0], (6, 1)))
    assert list(answers.by_replicate) == [0, 1]


def test_arms_of_people_come_from_a_table_and_who_is_in_none_is_not_asked(tmp_path: Path) -> None:
    given = {p.id: {"message": "A"} for p in PEOPLE} | {"b": {}}
    task = under(given=given)
    assert [c.item for c in task.cells() if c.persona == "b"] == ["Q10", "Q1"]
    _, answers = asked(task, tmp_path, SCRIPT)
    assert answers.n_expected == 17
    assert np.isnan(answers.values[answers.respondent_ids.index("b"), 0])
    assert written(tmp_path)["out.conditions.csv"]["message"] == ["A", "", "A", "A", "A", "A"]
    assert arms_in_words(task.questionnaire) == "message: 0 B, 5 A"
    assert remarks_on(task) == ["no twin is in the arm 'B' of message"]


def test_nobody_in_any_arm_is_an_error() -> None:
    with pytest.raises(DataError, match="nobody is in an arm"):
        SurveyTask(PEOPLE, ITEMS[:1], arms=ArmPlan(Arms(TEXTS), {p.id: {} for p in PEOPLE}))


def test_a_run_goes_on_where_it_stopped_and_asks_nothing_twice(tmp_path: Path) -> None:
    fails_first = {"contains": "Buy {tea}.", "error": "rejected", "times": 1}
    script = {"rules": [fails_first, *SCRIPT["rules"]], "default": "3"}
    model = scripted_model(script)
    task = under(every=True)
    with Store(tmp_path / "run.sqlite") as store:
        assert run(task, model, store).remaining == 6
    with Store(tmp_path / "run.sqlite") as store:
        summary = run(under(every=True), model, store)
        assert (summary.asked, summary.remaining) == (6, 0)
        np.testing.assert_array_equal(collect_answers(store).values[:, :2], np.tile([5.0, 2.0], (6, 1)))


def test_a_run_is_continued_under_its_own_arms_only(tmp_path: Path) -> None:
    asked(under(), tmp_path, SCRIPT)
    summary, _ = asked(under(), tmp_path, SCRIPT)
    assert summary.asked == 0
    for other in (
        under(every=True),
        under(design=SurveyDesign(seed=1)),
        SurveyTask(PEOPLE, ITEMS, arms=ArmPlan(Arms({"message": {"A": "Tea: {{x}}.", "B": "Other."}}))),
        SurveyTask(PEOPLE, ITEMS),
    ):
        with pytest.raises(RunError, match=r"arms|seed"):
            asked(other, tmp_path, SCRIPT)


def test_the_settings_of_a_survey_without_arms_are_as_before() -> None:
    assert "arms" not in SurveyTask(PEOPLE, ITEMS).settings


def test_replies_are_read_again_from_the_run_alone(tmp_path: Path) -> None:
    asked(under(every=True, design=SurveyDesign(order="rotated", markers="letters")), tmp_path)
    with Store(tmp_path / "run.sqlite", create=False) as store:
        assert reread(store) == {"answer": 0}
        restored = Questionnaire.from_settings(store.settings("answer")["task"])
    assert list(restored.columns) == ["Q2@message=B", "Q2@message=A", "Q10", "Q1"]
    assert restored.n_calls(6) == 24


def test_a_twin_sees_its_options_in_one_order_under_all_arms() -> None:
    task = under(every=True, design=SurveyDesign(order="rotated"))
    for person in "abcdef":
        shown = [
            [o.code for o in task.questionnaire.questions(Cell(person, form))[0].options]
            for form in ("Q2@message=A", "Q2@message=B")
        ]
        assert shown[0] == shown[1]


def test_what_a_persona_hides_is_hidden_under_every_arm() -> None:
    person = Persona("a", "A. ", passages=(Passage("Q1", "She likes rain. "), Passage("Q2", "She buys. ")))
    task = SurveyTask([person], ITEMS[:1], arms=ArmPlan(Arms(TEXTS, every=True)))
    for cell in task.cells():
        prompt = task.request(cell).messages[1].content
        assert "She likes rain." in prompt
        assert "She buys." not in prompt


def test_generated_twins_answer_arms_differently(tmp_path: Path) -> None:
    personas = [Persona(f"p{k}", f"Person {k}.") for k in range(200)]
    item = Item("Q2", "{{message}} Would you buy it?", Scale.numeric(0, 100, 1))
    task = SurveyTask(personas, [item], arms=ArmPlan(Arms(TEXTS, every=True)))
    _, answers = asked(task, tmp_path)
    difference = answers.values[:, 0] - answers.values[:, 1]
    assert difference.std() > 0
    assert abs(difference.mean()) > 3 * difference.std() / np.sqrt(200)


def test_in_python(tmp_path: Path) -> None:
    _, answers = simulate(PEOPLE, ITEMS, "generated", tmp_path, arms=TEXTS, every_arm=True)
    assert answers.item_ids[:2] == ("Q2@message=B", "Q2@message=A")
    given = {p.id: {"message": "A"} for p in PEOPLE}
    _, answers = simulate(PEOPLE, ITEMS, "generated", tmp_path / "b", arms=TEXTS, conditions=given)
    assert set(answers.levels["a"].values()) == {"A"}
    for wrong in ({"every_arm": True}, {"conditions": given}, {"arms": TEXTS, "assign_within": "region"}):
        with pytest.raises(ParameterError, match=r"arms|strata"):
            simulate(PEOPLE, ITEMS, "generated", tmp_path / "c", **wrong)


def test_a_placeholder_without_arms_is_pointed_out() -> None:
    (remark,) = remarks_on(SurveyTask(PEOPLE, ITEMS))
    assert remark.startswith(
        "the text of item 'Q2' has the placeholder {{message}}, which twins see as it is"
    )
