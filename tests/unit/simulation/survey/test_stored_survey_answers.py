"""From a model to a table, through the store, without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.data import Item, Scale
from truetwin.data.persona import Persona
from truetwin.errors import ParameterError, RunError
from truetwin.io import read_responses, read_table
from truetwin.llm import State, Store, run, scripted_model
from truetwin.report.files.answer_files import write_answers
from truetwin.simulation.questions.survey_design import SurveyDesign
from truetwin.simulation.survey.rereading import reread
from truetwin.simulation.survey.statistical_twin import GeneratedTwin
from truetwin.simulation.survey.survey_answers import collect_answers
from truetwin.simulation.survey.survey_task import SurveyTask

ITEMS = [
    Item("Q1", "How are you?", Scale.ordinal(1, 5)),
    Item("Q2", "Which is best?", Scale.nominal([10, 20, 30], labels={10: "tea", 20: "milk", 30: "juice"})),
    Item("Q3", "How old are you?", Scale.numeric(0, 120, 1)),
]
PEOPLE = [Persona(p, f"Person {p}.", {"Q8": float(k), "Q9": float(k % 3)}) for k, p in enumerate("abcdef")]


def simulate(folder: Path, script: dict[str, Any] | None, design: SurveyDesign | None = None) -> SurveyTask:
    items = ITEMS[:2] if design and design.elicit != "answer" else ITEMS
    task = SurveyTask(PEOPLE, items, design)
    model = GeneratedTwin(task) if script is None else scripted_model(script)
    with Store(folder / "run.sqlite") as store:
        run(task, model, store)
    return task


def collected(folder: Path, **options: Any) -> Any:
    with Store(folder / "run.sqlite", create=False) as store:
        return collect_answers(store, **options)


@pytest.mark.parametrize(
    "design",
    [
        SurveyDesign(),
        SurveyDesign(strategy="reasoning", order="rotated", markers="letters"),
        SurveyDesign(per_call=2, reply="json", replicates=2),
        SurveyDesign(per_call=3, reply="schema", strategy="repeat", order="reversed"),
        SurveyDesign(elicit="distribution", reply="json", order="rotated"),
        SurveyDesign(elicit="logprobs", markers="letters", order="reversed"),
    ],
)
def test_the_stand_in_answers_every_design_with_valid_answers(tmp_path: Path, design: SurveyDesign) -> None:
    simulate(tmp_path, None, design)
    answers = collected(tmp_path)
    assert answers.valid_share == 1.0
    assert answers.n_not_asked == 0
    assert np.isfinite(answers.values).all()
    assert set(answers.values[:, 1]) <= {10.0, 20.0, 30.0}
    assert answers.disclosure.startswith("GENERATED")
    assert bool(answers.shares) == (design.elicit != "answer")


def test_the_stand_in_repeats_itself_and_follows_the_persons_own_answers(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        simulate(tmp_path / name, None)
    first, second = (collected(tmp_path / name).values for name in ("one", "two"))
    np.testing.assert_array_equal(first, second)
    assert len({tuple(row) for row in first}) > 1


def test_the_stand_in_gives_a_tables_answers_back_and_declines_where_it_has_none(tmp_path: Path) -> None:
    table = tmp_path / "twin.csv"
    table.write_text("id,Q1,Q2\na,5,20\nb,,30\n", encoding="utf-8")
    task = SurveyTask(PEOPLE, ITEMS[:2])
    with Store(tmp_path / "run.sqlite") as store:
        run(task, GeneratedTwin(task, table), store)
        answers = collect_answers(store)
    np.testing.assert_array_equal(answers.values[:2], [[5, 20], [np.nan, 30]])
    assert answers.states[State.REFUSED] == 9


def test_replicates_are_averaged_where_answers_have_an_order_and_else_voted_on(tmp_path: Path) -> None:
    script = {
        "rules": [
            {"item": "Q1", "replies": ["1", "5", "no idea"]},
            {"item": "Q2", "replies": ["tea", "milk", "30"]},
            {"item": "Q3", "replies": ["40", "41", "42"]},
        ]
    }
    simulate(tmp_path, script, SurveyDesign(replicates=3))
    answers = collected(tmp_path)
    np.testing.assert_array_equal(answers.values[0], [3, 10, 41])
    assert answers.counts["Q1"][State.UNPARSEABLE] == 6
    np.testing.assert_array_equal(collected(tmp_path, replicate=1).values[0], [5, 20, 41])
    assert collected(tmp_path, replicate=2).valid_share == pytest.approx(2 / 3)
    with pytest.raises(ParameterError, match="0 to 2"):
        collected(tmp_path, replicate=3)


def test_every_reply_without_a_valid_answer_is_listed_with_its_reason(tmp_path: Path) -> None:
    script = {
        "rules": [
            {"persona": "a", "reply": "I'm sorry, I can't."},
            {"persona": "b", "item": "Q3", "reply": "130"},
            {"persona": "c", "item": "Q1", "reply": "4", "finish_reason": "length"},
            {"persona": "d", "item": "Q1", "error": "rejected"},
            {"item": "Q2", "reply": "milk"},
        ],
        "default": "3",
    }
    simulate(tmp_path, script)
    with Store(tmp_path / "run.sqlite", create=False) as store:
        answers = collect_answers(store)
        beside = write_answers(answers, tmp_path / "out.csv", totals=store.totals(), settings={})
    problems = read_table(tmp_path / "out.not-valid.csv").to_pylist()
    assert [(p["respondent_id"], p["item_id"], p["state"]) for p in problems] == [
        ("a", "Q1", "refused"), ("a", "Q2", "refused"), ("a", "Q3", "refused"),
        ("b", "Q3", "off-scale"), ("c", "Q1", "truncated"), ("d", "Q1", "provider-error"),
    ]  # fmt: skip
    assert all(p["reason"] for p in problems)
    sidecar = json.loads(beside[0].read_text(encoding="utf-8"))
    assert sum(sidecar["states"].values()) == 18
    assert sidecar["valid_share"] == pytest.approx(12 / 18)
    assert sidecar["disclosure"].startswith("SCRIPTED")


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_exported_answers_are_read_like_any_others(tmp_path: Path, layout: Any, ending: str) -> None:
    simulate(tmp_path, None)
    output = tmp_path / f"out.{ending}"
    with Store(tmp_path / "run.sqlite", create=False) as store:
        answers = collect_answers(store)
        write_answers(answers, output, totals=store.totals(), layout=layout, settings={})
    found = read_responses(output, items={i.id: i for i in ITEMS})
    assert found.respondent_ids == answers.respondent_ids
    np.testing.assert_array_equal(found.values, answers.values)


def test_distributions_are_exported_whole(tmp_path: Path) -> None:
    simulate(tmp_path, None, SurveyDesign(elicit="logprobs", markers="letters"))
    with Store(tmp_path / "run.sqlite", create=False) as store:
        answers = collect_answers(store)
        write_answers(answers, tmp_path / "out.csv", totals=store.totals(), settings={})
    rows = read_table(tmp_path / "out.distributions.csv").to_pylist()
    assert len(rows) == 6 * (5 + 3)
    of_one = [r for r in rows if (r["respondent_id"], r["item_id"]) == ("a", "Q1")]
    shares = {float(r["category"]): float(r["share"]) for r in of_one}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert answers.values[0, 0] == pytest.approx(sum(c * s for c, s in shares.items()), abs=1e-5)
    likeliest = collected(tmp_path, point="likeliest").values[0, 0]
    assert likeliest == max(shares, key=lambda c: shares[c])


def test_stored_replies_are_read_again_without_any_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from truetwin.llm import Parsed
    from truetwin.simulation.reading import reply_formats

    with monkeypatch.context() as patch:  # a version that could not read letters in words
        patch.setattr(
            reply_formats, "read_text", lambda *_, **__: Parsed(State.UNPARSEABLE, reason="cannot read")
        )
        simulate(tmp_path, {"default": "3"}, SurveyDesign(order="rotated"))
    assert collected(tmp_path).valid_share == 0
    with Store(tmp_path / "run.sqlite", create=False) as store:
        assert reread(store) == {"answer": 18 - 6 + 6}
        assert reread(store) == {"answer": 0}
        assert collect_answers(store).states[State.VALID] == 12


def test_a_store_of_something_else_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "run.sqlite") as store:
        store.begin("answer", {"task": {"task": "voice"}, "model": {}})
        with pytest.raises(RunError, match="voice"):
            collect_answers(store)
