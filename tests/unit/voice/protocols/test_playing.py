from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import ParameterError, RunError
from truetwin.llm import Parsed, Reply, RunOptions, Sampling, State, Store, scripted_model
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.judging import RankingTask, ScoringTask, normalised
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.protocols.playing import (
    JUDGED,
    Player,
    annotate,
    blocking,
    judge_replies,
    play,
    replies_of,
)
from truetwin.voice.protocols.voice_task import Setup, describe_items

QUICK = RunOptions(attempts=2, backoff=0.001)
ONCE = Setup()


def player(*rules: dict[str, Any], default: Any = "A", name: str = "model") -> Player:
    return Player(scripted_model({"rules": list(rules), "default": default}, name), QUICK)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path) as opened:
        yield opened


def by_status(outcomes: list[Outcome]) -> dict[str, list[str]]:
    return {s.value: [o.item_id for o in outcomes if o.status is s] for s in Status}


def letter_of(item: VoiceItem, option: str, rotation: int = 0) -> str:
    shown = ChoiceTask([item], ONCE).shown(item, rotation)
    return shown.letters[shown.ids.index(option)]


def test_right_wrong_unreadable_and_failed_choices_are_told_apart(
    items: list[VoiceItem], store: Store
) -> None:
    right, wrong, mute, broken, refused, cut = items
    played = play(
        items,
        [Protocol.CHOICE],
        player(
            {"item": "item-0", "reply": {"reason": "mine", "choice": letter_of(right, "o2")}},
            {"item": "item-1", "reply": letter_of(wrong, "o3")},
            {"item": "item-2", "reply": "this is a rate limit"},
            {"item": "item-3", "error": "server"},
            {"item": "item-4", "refusal": "I cannot."},
            {"item": "item-5", "reply": '{"reason": "Because', "finish_reason": "length"},
        ),
        store,
    )
    assert by_status(played.outcomes) == {
        "correct": ["item-0"],
        "incorrect": ["item-1", "item-2", "item-4", "item-5"],
        "done": [],
        "failed": ["item-3"],
        "unscored": [],
    }
    picked = [o.picked for o in played.outcomes]
    assert picked == ["o2", "o3", None, None, None, None]
    assert not played.complete
    assert [o.details.get("state") for o in played.outcomes][2:] == [
        "unparseable",
        None,
        "refused",
        "truncated",
    ]
    del mute, broken, refused, cut


def test_a_failed_item_is_asked_again_and_no_answered_one(items: list[VoiceItem], store: Store) -> None:
    flaky = player({"item": "item-3", "error": "server", "times": 2})
    first = play(items, [Protocol.CHOICE], flaky, store)
    second = play(items, [Protocol.CHOICE], flaky, store)
    assert (first.summaries["choice"].asked, second.summaries["choice"].asked) == (6, 1)
    assert by_status(first.outcomes)["failed"] == ["item-3"]
    assert by_status(second.outcomes)["failed"] == []


def test_four_rotations_show_the_right_option_at_every_place(items: list[VoiceItem], store: Store) -> None:
    played = play(items, [Protocol.CHOICE], player(default="Answer: A"), store, setup=Setup(rotations=4))
    assert len(played.outcomes) == 24
    for item in items:
        mine = [o for o in played.outcomes if o.item_id == item.item_id]
        assert [o.run for o in mine] == [0, 1, 2, 3]
        assert {o.answer_position for o in mine} == {0, 1, 2, 3}
        assert sum(o.status is Status.CORRECT for o in mine) == 1  # always A: right once in four


def test_more_rotations_continue_the_same_run(items: list[VoiceItem], store: Store) -> None:
    play(items, [Protocol.CHOICE], player(), store)
    assert (
        play(items, [Protocol.CHOICE], player(), store, setup=Setup(rotations=2)).summaries["choice"].asked
        == 6
    )


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"history": 5}, {"structured": False}, {"sampling": Sampling(temperature=1.0)}]
)
def test_a_run_is_not_continued_under_other_settings(
    items: list[VoiceItem], store: Store, other: dict[str, Any]
) -> None:
    play(items, [Protocol.CHOICE], player(), store)
    with pytest.raises(RunError, match=next(iter(other))):
        play(items, [Protocol.CHOICE], player(), store, setup=Setup(**other))


def test_a_run_is_not_continued_with_other_items(items: list[VoiceItem], store: Store) -> None:
    play(items, [Protocol.CHOICE], player(), store, setup=Setup(items=describe_items(items)))
    changed = [dataclasses.replace(items[0], stimulus="It snows."), *items[1:]]
    with pytest.raises(RunError, match="digest"):
        play(changed, [Protocol.CHOICE], player(), store, setup=Setup(items=describe_items(changed)))


def test_both_rankings_are_judged_by_name_and_do_not_mean_the_same(
    items: list[VoiceItem], store: Store
) -> None:
    item = items[0]
    reply = Parsed(State.VALID, "Typical. 0.1")  # the very words of a distractor
    among = RankingTask([item], ONCE, {("item-0", 0): reply}, Protocol.REPLY_VS_DISTRACTORS)
    onto = RankingTask([item], ONCE, {("item-0", 0): reply}, Protocol.MAP_TO_OPTIONS)
    assert set(among.shown(item).ids) == {"reply", "o1", "o3", "o4"}
    assert set(onto.shown(item).ids) == {"o1", "o2", "o3", "o4"}
    sent = {t.protocol: t.request(t.cell(item)).messages[1].content for t in (among, onto)}
    assert "Typical. 0.2" in sent[Protocol.REPLY_VS_DISTRACTORS].split("The candidates")[0]
    assert "Typical. 0.1" in sent[Protocol.MAP_TO_OPTIONS].split("The options")[0]
    with pytest.raises(ParameterError, match="reply-vs-distractors"):
        RankingTask([item], ONCE, {}, Protocol.SCORING)


def test_free_replies_are_written_once_and_judged_three_times(items: list[VoiceItem], store: Store) -> None:
    judge = player(
        {"step": "judge-scoring", "reply": {"score": 4, "opinion_consistency": "match", "reason": "x"}},
        default={"reason": "alike", "choice": "A"},
        name="judge",
    )
    played = play(items, [Protocol.REPLY, *JUDGED], player(default="Typical."), store, judge=judge)
    assert {s: r.asked for s, r in played.summaries.items()} == {
        "reply": 6,
        "judge-reply-vs-distractors": 6,
        "judge-map-to-options": 6,
        "judge-scoring": 6,
    }
    marks = [o for o in played.outcomes if o.protocol is Protocol.SCORING]
    assert [o.score for o in marks] == [4.0] * 6
    assert marks[0].details == {"verdicts": {"opinion_consistency": "match"}, "normalised": 0.75}
    assert {(o.model, o.judge, o.reply) for o in marks} == {("model", "judge", "Typical.")}
    ranked = [o for o in played.outcomes if o.protocol is Protocol.REPLY_VS_DISTRACTORS]
    assert [o.picked for o in ranked] == [o.shown[0] for o in ranked]
    assert [o.status is Status.CORRECT for o in ranked] == [o.shown[0] == "reply" for o in ranked]


def test_a_reply_that_is_none_is_wrong_and_never_shown_to_the_judge(
    items: list[VoiceItem], store: Store
) -> None:
    writer = player(
        {"item": "item-0", "reply": ""}, {"item": "item-1", "error": "server"}, default="Typical."
    )
    judge = player({"step": "judge-scoring", "reply": "Score: 5"}, default="A", name="judge")
    played = play(items, JUDGED, writer, store, judge=judge)
    assert played.summaries["judge-scoring"].asked == 4
    for protocol, status in (
        (Protocol.REPLY_VS_DISTRACTORS, Status.INCORRECT),
        (Protocol.MAP_TO_OPTIONS, Status.INCORRECT),
        (Protocol.SCORING, Status.DONE),
    ):
        first, second = [o for o in played.outcomes if o.protocol is protocol][:2]
        assert (status, Status.FAILED) == (first.status, second.status)
        assert first.score == (1.0 if protocol is Protocol.SCORING else None)


def test_a_judge_that_fails_or_cannot_be_read_leaves_the_item_unscored(
    items: list[VoiceItem], store: Store
) -> None:
    judge = player(
        {"item": "item-0", "error": "timeout"},
        {"item": "item-1", "reply": "Both are fine."},
        {"item": "item-2", "reply": '{"score": 9}'},
        default='{"score": 2}',
        name="judge",
    )
    played = play(items, [Protocol.SCORING], player(default="Typical."), store, judge=judge)
    assert by_status(played.outcomes)["unscored"] == ["item-0", "item-1", "item-2"]
    assert [o.details["state"] for o in played.outcomes[:3]] == ["provider-error", "unparseable", "off-scale"]


def test_a_judging_protocol_without_a_judge_is_refused_before_anything_is_asked(
    items: list[VoiceItem], store: Store
) -> None:
    with pytest.raises(ParameterError, match="needs a judge"):
        play(items, [Protocol.CHOICE, Protocol.SCORING], player(), store)
    assert store.steps() == []


def test_replies_from_elsewhere_can_be_judged(items: list[VoiceItem], store: Store, tmp_path: Path) -> None:
    writer = player({"item": "item-0", "reply": ""}, default="Typical.")
    written = play(items, [Protocol.REPLY], writer, store).outcomes
    (tmp_path / "other").mkdir()
    with Store(tmp_path / "other") as other:
        judge = player(default='{"score": 3}', name="judge")
        work = judge_replies(
            items, replies_of(written), [Protocol.SCORING], judge, other, setup=ONCE, model="model"
        )
        outcomes = blocking(work, judge)
    assert [o.score for o in outcomes] == [1.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    assert normalised(3) == 0.5


def test_every_request_asks_for_a_schema_unless_told_not_to(items: list[VoiceItem]) -> None:
    replies = {("item-0", 0): Parsed(State.VALID, "Typical.")}
    for setup in (ONCE, Setup(structured=False)):
        for task in (ChoiceTask(items, setup), ScoringTask(items, setup, replies)):
            schema = task.request(task.cell(items[0])).schema
            assert (schema is not None) == setup.structured
            if schema is not None:
                assert set(schema["required"]) == set(schema["properties"])


def test_a_request_is_the_same_whenever_it_is_made(make_item: Callable[..., VoiceItem]) -> None:
    digests = set()
    for _ in range(2):
        item = make_item(1)
        task = ChoiceTask([item], ONCE)
        digests.add(task.request(task.cell(item)).digest)
    assert len(digests) == 1


def test_a_model_annotates_capabilities(items: list[VoiceItem], store: Store) -> None:
    labels = {name: name == "persona_tone" for name in CAPABILITIES}
    model = player(
        {"item": "item-1", "reply": "all of them"},
        default=json.dumps({"labels": labels, "primary": "persona_tone"}),
    )
    records, summary = blocking(annotate(items, model, store), model)
    assert [r["item_id"] for r in records] == ["item-0", "item-2", "item-3", "item-4", "item-5"]
    assert records[0]["primary"] == "persona_tone"
    assert records[0]["labels"] == labels
    assert summary.counts[State.UNPARSEABLE] == 1
    task = ChoiceTask(items, ONCE)
    assert task.parse(task.cell(items[0]), Reply("none")).state is State.UNPARSEABLE


@pytest.mark.parametrize(("history", "rotations"), [(-1, 1), (30, 0), (30, 11)])
def test_impossible_settings_are_refused(history: int, rotations: int) -> None:
    with pytest.raises(
        ParameterError, match=r"history must not be negative|rotations must lie between 1 and 10"
    ):
        Setup(history, rotations)


def test_a_notebook_can_play_too(items: list[VoiceItem], store: Store) -> None:
    async def cell() -> int:
        return len(play(items, [Protocol.CHOICE], player(), store).outcomes)

    with asyncio.Runner() as notebook:
        assert notebook.run(cell()) == 6
