from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.llm.prompts import Template
from truetwin.simulation.survey.prompt_set import PromptSet


@given(st.text(), st.text())
def test_what_is_filled_in_is_never_looked_at(first: str, second: str) -> None:
    template = Template("t", "a{{one}}b{{two}}c")
    assert f"a{first}b{second}c" == template.fill(one=first, two=second)


def test_text_that_looks_like_a_template_stays_as_it_is() -> None:
    hostile = "{{persona}} {{two}} {0} %s ${x} {% raw %} {"
    assert f"{hostile}|x" == Template("t", "{{one}}|{{two}}").fill(one=hostile, two="x")


def test_single_braces_of_a_template_are_braces() -> None:
    assert Template("t", '{"1": ...} {{a}} {y}').fill(a="x") == '{"1": ...} x {y}'


@pytest.mark.parametrize("values", [{}, {"one": "1", "two": "2"}, {"two": "2"}])
def test_values_must_be_those_asked_for(values: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match="'t' takes the values one"):
        Template("t", "{{one}}").fill(**values)


def test_parts_keep_the_persona_apart() -> None:
    assert Template("t", "a{{one}}b").parts(one=("P", "Q")) == ("a", "P", "Q", "b")


def test_every_prompt_of_the_package_says_its_version() -> None:
    prompts = PromptSet()
    assert dict.fromkeys(prompts.names, 1) == {name: prompts[name].version for name in prompts.names}
    assert not any(prompts[name].text.startswith("version") for name in prompts.names)


def test_a_folder_replaces_prompts_by_name(tmp_path: Path) -> None:
    (tmp_path / "survey-system.txt").write_text("Be brief.\n", encoding="utf-8")
    prompts = PromptSet(tmp_path)
    assert prompts["survey-system"].text == "Be brief."
    assert PromptSet()["survey-user"] == prompts["survey-user"]


def test_a_replacement_must_keep_the_placeholders(tmp_path: Path) -> None:
    (tmp_path / "survey-user.txt").write_text("{{persona}} {{questions}}", encoding="utf-8")
    with pytest.raises(DataError, match=r"\{\{instruction\}\}"):
        PromptSet(tmp_path)


def test_a_misspelt_replacement_is_named(tmp_path: Path) -> None:
    (tmp_path / "survey-usr.txt").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match="Did you mean 'survey-user'"):
        PromptSet(tmp_path)


def test_prompts_must_be_utf_8(tmp_path: Path) -> None:
    (tmp_path / "survey-system.txt").write_bytes("Größe".encode("latin-1"))
    with pytest.raises(FileFormatError, match="UTF-8"):
        PromptSet(tmp_path)


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="survey-user"):
        PromptSet(tmp_path)
