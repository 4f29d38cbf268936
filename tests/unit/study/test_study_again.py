"""A study asks again what its simulation section names, and its simulation grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from truetwin.data import Item, Scale
from truetwin.data.persona import Persona
from truetwin.llm import State, Store
from truetwin.settings.simulate_settings import Simulate
from truetwin.simulation.survey.asked_survey import survey_of
from truetwin.simulation.survey.simulation import carry_out_survey, simulate
from truetwin.study import read_study

PEOPLE = [Persona(f"p{k}", f"Person {k}.") for k in range(3)]
ITEMS = {"Q1": Item("Q1", "Do you like tea?", Scale.ordinal(1, 5))}


@pytest.mark.usefixtures("figures_left_out")
def test_a_step_asks_again_only_what_is_there(tmp_path: Path, llm_server: Any) -> None:
    llm_server.configure(rules=[{"contains": "tea", "reply": "4", "finish_reason": "length"}])
    endpoint = {"model": "m", "base_url": llm_server.base_url, "frame": "survey"}
    for tokens, state in ((2, State.TRUNCATED), (60, State.VALID), (60, State.VALID)):
        how = Simulate(
            **endpoint, max_tokens=tokens, again=("truncated",)
        )  # a run that begins asks everything
        summary, answers = carry_out_survey(survey_of(how, PEOPLE, ITEMS), how, tmp_path / "run")
        assert summary.counts[state] == 3
        llm_server.configure(rules=[], reply="4")
    assert llm_server.stats()["requests"] == 6
    assert [each.settings for each in answers.asked_again] == ["max_tokens 60"] * 3


def test_the_library_grows_a_run(tmp_path: Path, llm_server: Any) -> None:
    llm_server.configure(reply="4")
    for people in (PEOPLE[:2], PEOPLE):
        _, answers = simulate(people, list(ITEMS.values()), "m", tmp_path, base_url=llm_server.base_url)
    assert answers.values.shape == (3, 1)
    assert llm_server.stats()["requests"] == 3
    with Store(tmp_path) as store:
        assert store.counts()[State.VALID] == 3


def test_a_study_file_names_states(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    (tmp_path / "items.csv").write_text("item_id,text,low,high\nQ1,Tea?,1,5\n")
    (tmp_path / "human.csv").write_text("respondent_id,Q1\na,1\n")
    text = "inputs: {human: human.csv, items: items.csv, personas: items.csv}\nsimulate: {model: m, again: [AGAIN]}\n"
    file.write_text(text.replace("AGAIN", "truncated, refused"))
    found = read_study(file).simulate
    assert found is not None
    assert found.again == ("truncated", "refused")
    file.write_text(text.replace("AGAIN", "broken"))
    with pytest.raises(Exception, match="must name states that can be asked again"):
        read_study(file)
