"""What every dimension of the voice benchmark must have."""

from __future__ import annotations

from importlib import import_module

import pytest

from truetwin.llm.prompts import packaged_prompt
from truetwin.voice.items.voice_dimensions import voice_dimensions

DIMENSIONS = voice_dimensions.names()


@pytest.mark.parametrize("name", DIMENSIONS)
def test_a_dimension_has_a_module_of_its_own(name: str) -> None:
    module = import_module(f"truetwin.voice.items.dimensions.{name}")
    assert name == module.DIMENSION
    assert callable(module.load)
    assert callable(module.record_to_item)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_a_dimension_has_its_words(name: str) -> None:
    assert voice_dimensions[name].name == name
    assert voice_dimensions[name].reply
    assert all(voice_dimensions[name].turn)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_files_of_a_dimension_are_known_by_their_fields(name: str) -> None:
    fields = [set(layout.fields) for each in DIMENSIONS for layout in voice_dimensions[each].layouts]
    own = [set(layout.fields) for layout in voice_dimensions[name].layouts]
    assert own
    assert all(sum(other <= mine for other in fields) == 1 for mine in own)


@pytest.mark.parametrize("step", ["choose", "generate"])
@pytest.mark.parametrize("name", DIMENSIONS)
def test_prompts_of_a_dimension_ask_for_what_those_of_the_others_do(name: str, step: str) -> None:
    def asked(dimension: str) -> set[str]:
        sections = packaged_prompt(voice_dimensions[dimension].prompts, f"{step}-{dimension}").sections
        return {name for _, template in sections for name in template.placeholders}

    assert asked(DIMENSIONS[0]) == asked(name)
