"""What every guess at the true reply must keep to, whatever it looks at."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from truetwin.voice.auditing.predictors import guess, predictors
from truetwin.voice.items.voice_items import VoiceItem
from voice_examples import items

NAMES = list(predictors)
REVERSED = slice(None, None, -1)


def scores(name: str, some: list[VoiceItem]) -> np.ndarray:
    found = predictors[name].score(some)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_every_item_gets_a_finite_score(name: str) -> None:
    found = scores(name, items(40))
    assert found.shape == (40, 4)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_options_does_not_matter(name: str) -> None:
    turned = [dataclasses.replace(i, options=i.options[REVERSED]) for i in items(40)]
    np.testing.assert_allclose(scores(name, turned)[:, REVERSED], scores(name, items(40)), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_of_an_item_does_not_enter_its_own_scores(name: str) -> None:
    some = items(40)
    group = [k for k, i in enumerate(some) if i.group == "book 2"]
    other = [dataclasses.replace(i, answer="o1") if k in group else i for k, i in enumerate(some)]
    np.testing.assert_array_equal(scores(name, other)[group], scores(name, some)[group])


@pytest.mark.parametrize("name", [name for name in NAMES if predictors[name].is_persona_free])
def test_persona_free_predictors_do_not_see_the_persona(name: str) -> None:
    some = items(40)
    bare = [dataclasses.replace(i, history=()) for i in some]
    np.testing.assert_array_equal(scores(name, bare), scores(name, some))


@pytest.mark.parametrize("name", NAMES)
def test_guesses_repeat_and_leave_the_items_alone(name: str) -> None:
    some = items(40)
    first, second = guess(predictors[name], some), guess(predictors[name], some)
    assert first.rate == second.rate
    assert some == items(40)


@pytest.mark.parametrize("name", NAMES)
def test_texts_without_a_word_are_no_obstacle(name: str) -> None:
    some = [
        dataclasses.replace(
            i, options=tuple(dataclasses.replace(o, text="?!") for o in i.options), stimulus="..."
        )
        for i in items(40)
    ]
    found = predictors[name].score(some)
    assert found is None or np.isfinite(found).all()
