from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from truetwin.errors import ParameterError
from truetwin.llm import Reply
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice.auditing.matched_subset import balance_positions, matched_subset
from truetwin.voice.auditing.predictors import Predictor, guess, guess_all
from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona, chance
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.outcomes import Protocol, choice_outcome
from truetwin.voice.protocols.voice_task import Setup
from truetwin.voice.scoring.accuracy import chance_of


def item_with(n: int, name: str) -> VoiceItem:
    options = tuple(Option(f"o{k}", f"Reply {k} " + "so " * k) for k in range(n))
    return VoiceItem(name, "social", "en", VoicePersona(name), "Snow!", options, f"o{n - 1}", group=name)


MIXED = [item_with(2, "a"), item_with(10, "b"), item_with(2, "c"), item_with(5, "d")]


@pytest.mark.parametrize("n", [2, 3, 10])
def test_an_item_of_any_size_is_asked_with_its_own_letters(n: int) -> None:
    task = ChoiceTask([item_with(n, "a")], Setup())
    [cell] = task.cells()
    last = "ABCDEFGHIJ"[n - 1]
    assert f', {last}"' in task.request(cell).messages[1].content
    assert task.schema["properties"]["choice"]["enum"][-1] == last
    assert task.parse(cell, Reply(f"Answer: {last}")).value == task.shown(task.items[0]).ids[-1]
    number = {2: "Two", 3: "Three", 10: "Ten"}[n]
    assert f"\n{number} replies to it." in task.request(cell).messages[1].content


def test_no_item_is_asked_in_more_orders_than_any_has_options() -> None:
    assert len(list(ChoiceTask([item_with(10, "a")], Setup(rotations=10)).cells())) == 10
    with pytest.raises(ParameterError, match="between 1 and 5; got 6"):
        ChoiceTask([item_with(5, "a")], Setup(rotations=6))


def test_chance_follows_the_number_of_options() -> None:
    expected = (1 / 2 + 1 / 10 + 1 / 2 + 1 / 5) / 4
    assert chance(MIXED) == pytest.approx(expected)
    shown = [tuple(option.id for option in item.options) for item in MIXED]
    outcomes = [choice_outcome(str(k), ids, ids[0], None) for k, ids in enumerate(shown)]
    assert chance_of(outcomes) == pytest.approx(expected)
    report = audit(MIXED)
    assert report.rows()[0]["chance"] == pytest.approx(100 * expected)
    assert len(report.balance.rows()) == 10


def test_rules_guess_among_items_of_different_sizes() -> None:
    found = {guesses.predictor.name: guesses for guesses in guess_all(MIXED)}
    assert found["longest"].rate.value == 1.0
    assert found["shortest"].rate.value == 0.0
    tied = [replace(item, options=tuple(replace(o, text="Same.") for o in item.options)) for item in MIXED]
    credit = next(g.credit for g in guess_all(tied) if g.predictor.name == "longest")
    assert credit is not None
    np.testing.assert_allclose(credit, [1 / 2, 1 / 10, 1 / 2, 1 / 5])


def test_options_are_tied_where_a_rule_cannot_be_applied_to_items_of_a_size() -> None:
    def first_of_two(items: Sequence[VoiceItem]) -> np.ndarray | None:
        return np.array([[1.0, 0.0]] * len(items)) if len(items[0].options) == 2 else None

    found = guess(Predictor("first", "the first of two", "options", first_of_two), MIXED)
    assert found.credit is not None
    np.testing.assert_allclose(found.credit, [0, 1 / 10, 0, 1 / 5])


def test_the_threshold_of_style_lies_as_far_from_chance_for_every_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def probabilities(items: Sequence[VoiceItem]) -> np.ndarray:
        n = len(items[0].options)
        top = {2: (0.6, 0.7), 4: (0.45, 0.55)}[n]
        return np.array([[p, *[(1 - p) / (n - 1)] * (n - 1)] for p in top])

    monkeypatch.setattr("truetwin.voice.auditing.matched_subset.style_probabilities", probabilities)
    items = [item_with(n, f"{n}{k}") for n in (2, 4) for k in "ab"]
    kept = matched_subset(items, length_gap=9.0, style_probability=0.5)  # with two options, 2/3 of the time
    assert [item.item_id for item in kept] == ["2a", "4a"]


def test_right_answers_are_balanced_among_items_of_one_size() -> None:
    items = [item_with(2 + k % 2, str(k)) for k in range(12)]
    places = [(len(i.options), i.options.index(i.true_option)) for i in balance_positions(items, seed=0)]
    assert sorted(places) == sorted([(2, k % 2) for k in range(6)] + [(3, k % 3) for k in range(6)])


def test_a_ranking_has_as_many_candidates_as_the_item_has_options() -> None:
    from truetwin.llm import Parsed, State
    from truetwin.voice.protocols.judging import judge_task

    items = [item_with(3, "a")]
    replies = {("a", 0): Parsed(State.VALID, "Mine.")}
    for protocol in (Protocol.MAP_TO_OPTIONS, Protocol.REPLY_VS_DISTRACTORS):
        task = judge_task(items, Setup(), replies, protocol)
        assert len(task.shown(items[0]).ids) == 3  # type: ignore[union-attr]
