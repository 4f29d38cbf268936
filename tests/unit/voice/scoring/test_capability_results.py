from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import AlignmentError, DataError, FileFormatError
from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona, write_voice_items
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.scoring.capability_results import (
    Annotation,
    capability_results,
    merge_annotations,
    read_annotations,
)


def record(item_id: str = "i0", **change: Any) -> dict[str, Any]:
    labels = dict.fromkeys(CAPABILITIES, False) | {"memory_recall": True, "persona_tone": True}
    return {"item_id": item_id, "primary": "memory_recall", "labels": labels, **change}


def right(item: str, is_right: bool, protocol: Protocol = Protocol.CHOICE, person: str = "") -> Outcome:
    status = Status.CORRECT if is_right else Status.INCORRECT
    return Outcome(item, protocol, status, "m", "social", person or item, picked="x")


def mark(item: str, score: float | None) -> Outcome:
    status = Status.UNSCORED if score is None else Status.DONE
    return Outcome(item, Protocol.SCORING, status, "m", "social", item, score=score)


ANNOTATED = {f"i{k}": Annotation.from_record(record(f"i{k}")) for k in range(4)}


def found(outcomes: list[Outcome], capability: str, protocol: str, **settings: Any) -> list[dict[str, Any]]:
    rows = capability_results(outcomes, ANNOTATED, resamples=200, **settings)
    return [r for r in rows if (r["capability"], r["protocol"]) == (capability, protocol)]


def test_a_capability_s_value_is_over_its_own_items() -> None:
    outcomes = [right("i0", True), right("i1", False), right("unknown", True)]
    (row,) = found(outcomes, "memory_recall", "choice")
    assert (row["value"], row["n"], row["n_personas"]) == (50.0, 2, 2)
    (row,) = found(outcomes, "syntactic_style", "choice")
    assert math.isnan(row["value"])
    assert row["n"] == 0


def test_failures_count_as_not_right() -> None:
    failed = Outcome("i1", Protocol.CHOICE, Status.FAILED, "m", "social", "i1")
    (row,) = found([right("i0", True), failed], "memory_recall", "choice")
    assert (row["value"], row["n"], row["n_answered"]) == (50.0, 2, 1)


def test_the_combination_is_the_mean_over_three_protocols() -> None:
    outcomes = [right("i0", True), right("i1", False), mark("i0", 2.0), mark("i1", None)]
    outcomes += [right(i, False, Protocol.MAP_TO_OPTIONS) for i in ("i0", "i1")]
    (row,) = found(outcomes, "persona_tone", "combined")
    assert row["value"] == pytest.approx((50 + 25 + 0) / 3)
    assert row["ranking"] == "map-to-options"


def test_two_protocols_have_no_combination() -> None:
    assert found([right("i0", True), mark("i0", 2.0)], "persona_tone", "combined") == []


def test_two_outcomes_of_one_item_are_not_averaged_in_silence() -> None:
    with pytest.raises(DataError, match="several of item 'i0' under 'choice'"):
        capability_results([right("i0", True), right("i0", False)], ANNOTATED)


def test_the_two_rankings_are_never_averaged() -> None:
    outcomes = [right("i0", True), mark("i0", 5.0)]
    outcomes += [
        right("i0", True, Protocol.MAP_TO_OPTIONS),
        right("i0", False, Protocol.REPLY_VS_DISTRACTORS),
    ]
    rows = found(outcomes, "persona_tone", "combined")
    assert {r["ranking"]: r["value"] for r in rows} == {
        "reply-vs-distractors": pytest.approx(200 / 3),
        "map-to-options": 100.0,
    }


def test_items_may_count_for_their_primary_capability_only() -> None:
    (row,) = found([right("i0", True)], "persona_tone", "choice", by="primary")
    assert row["n"] == 0


def test_intervals_draw_whole_personas() -> None:
    one = [right(f"i{k}", k < 2, person="p" if k < 2 else "q") for k in range(4)]
    (row,) = found(one, "memory_recall", "choice")
    assert (row["ci_low"], row["ci_high"]) == (0.0, 100.0)


def test_results_without_annotated_items_are_refused() -> None:
    with pytest.raises(AlignmentError, match="annotated item"):
        capability_results([right("x", True)], ANNOTATED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"item_id": 3}, "'item_id'"),
        ({"labels": {"memory_recall": True}}, "exactly"),
        ({"labels": dict.fromkeys(CAPABILITIES, 1)}, "true or false"),
        ({"primary": "wit"}, "'wit'"),
        ({"primary": "lexical_fidelity"}, "must be true itself"),
    ],
)
def test_bad_annotations_name_their_line(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record("ok")) + "\n" + json.dumps(record(**change)) + "\n")
    with pytest.raises(FileFormatError, match=f"line 2.*{words}"):
        read_annotations(path)


def test_an_item_annotated_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text((json.dumps(record()) + "\n") * 2)
    with pytest.raises(DataError, match="line 2: item 'i0' is annotated twice"):
        read_annotations(path)


def test_annotations_merge_into_items_and_come_out_again(tmp_path: Path) -> None:
    options = tuple(Option(k, k) for k in "abcd")
    items = [VoiceItem(f"i{k}", "social", "en", VoicePersona("p"), "s", options, "a") for k in range(6)]
    write_voice_items(tmp_path / "items.jsonl", merge_annotations(items, ANNOTATED))
    assert read_annotations(tmp_path / "items.jsonl") == ANNOTATED
    with pytest.raises(AlignmentError, match="'i3'"):
        merge_annotations(items[:3], ANNOTATED)
