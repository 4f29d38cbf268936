"""What every dimension of the voice benchmark must have."""

from __future__ import annotations

from importlib import import_module

import pytest

from truetwin.llm.prompts import packaged_prompt
from truetwin.voice.items.voice_items import DIMENSIONS
from truetwin.voice.protocols.item_rendering import KINDS, TURN_WORDS


@pytest.mark.parametrize("name", DIMENSIONS)
def test_a_dimension_has_a_module_of_its_own(name: str) -> None:
    module = import_module(f"truetwin.voice.items.dimensions.{name}")
    assert name == module.DIMENSION
    assert callable(module.load)
    assert callable(module.record_to_item)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_a_dimension_has_its_words(name: str) -> None:
    assert KINDS[name]  # type: ignore[index]
    assert all(TURN_WORDS[name])  # type: ignore[index]


@pytest.mark.parametrize("step", ["choose", "generate"])
@pytest.mark.parametrize("name", DIMENSIONS)
def test_prompts_of_a_dimension_ask_for_what_those_of_the_others_do(name: str, step: str) -> None:
    def asked(dimension: str) -> set[str]:
        sections = packaged_prompt("truetwin.voice", f"{step}-{dimension}").sections
        return {name for _, template in sections for name in template.placeholders}

    assert asked(DIMENSIONS[0]) == asked(name)
