"""Items and models made up for the tests of protocols."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from truetwin.voice.items.voice_items import Dimension, Option, Turn, VoiceItem, VoicePersona

WORDS = {"en": ("It rains again.", "Typical."), "zh": ("又下雨了。", "真是的。")}


def made_up(number: int, dimension: Dimension = "narrative", language: str = "en") -> VoiceItem:
    stimulus, reply = WORDS[language]
    return VoiceItem(
        f"item-{number}",
        dimension,
        language,
        VoicePersona(f"p{number % 3}", "Ada", traits=("calm",), goals=("to be left alone",)),
        f"{stimulus} ({number})",
        tuple(Option(f"o{k}", f"{reply} {number}.{k}", "true" if k == 2 else "model") for k in range(1, 5)),
        "o2",
        history=tuple(Turn(f"{reply} {k}", stimulus, str(k)) for k in range(40)),
        group=f"book {number % 2}",
    )


@pytest.fixture
def make_item() -> Callable[..., VoiceItem]:
    return made_up


@pytest.fixture
def items() -> list[VoiceItem]:
    return [made_up(number) for number in range(6)]
