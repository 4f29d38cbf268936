"""The social build, from posts and replies to items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from message_examples import reply_rows, write_jsonl
from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.settings.voice_build_settings import BuildOptions, MatchingOptions, SocialSettings, UserOptions
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona, read_voice_items
from truetwin.voice_sets.common.stages import Stages
from truetwin.voice_sets.common.text_similarity import TfidfEmbedder
from truetwin.voice_sets.conversations.choice_alignment import alignments, compare_selections, select
from truetwin.voice_sets.conversations.social_build import build_social

QUICK = SocialSettings(
    build=BuildOptions(matching=MatchingOptions(rounds=0, triples=40)),
    most_candidates=50,
    languages="common-words",
)
OUTPUTS = ("items.jsonl", "datasheet.json", "datasheet.md")


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in OUTPUTS]


def stage(folder: Path, name: str) -> dict[str, Any]:
    sheet = json.loads((folder / "datasheet.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = next(s for s in sheet["stages"] if s["stage"] == name)
    return found


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("posts") / "replies.jsonl", reply_rows())


@pytest.fixture(scope="module")
def built(replies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_social(replies, folder, QUICK)
    return folder


def an_item(history: str, true: str, others: list[str], name: str = "i") -> VoiceItem:
    options = (Option("o1", true), *(Option(f"o{k}", text) for k, text in enumerate(others, 2)))
    return VoiceItem(
        name, "social", "en", VoicePersona(name), "A post", options, "o1", history=(Turn(history),)
    )


def test_options_are_what_the_user_and_three_others_really_replied(replies: Path, built: Path) -> None:
    rows = [json.loads(line) for line in replies.read_text(encoding="utf-8").splitlines()]
    wrote = {row["reply"]: row["user"] for row in rows}
    order = {(row["user"], row["reply"]): k for k, row in enumerate(rows)}
    items = read_voice_items(built / "items.jsonl")
    assert items
    for item in items:
        user = wrote[item.true_option.text]
        assert user not in {wrote[option.text] for option in item.distractors}
        own = order[user, item.true_option.text]
        assert all(order[user, turn.reply] < own for turn in item.history)
        assert rows[own]["post"] == item.stimulus
        assert len(item.history) >= 5


def test_every_stage_counts_what_it_leaves_out(built: Path) -> None:
    sheet = json.loads((built / "datasheet.json").read_text(encoding="utf-8"))
    for found in sheet["stages"]:
        assert found["n_in"] == found["n_out"] + sum(found["dropped"].values()), found["stage"]
    assert [found["stage"] for found in sheet["stages"]] == [
        "census",
        "replies",
        "users",
        "drafts",
        "as published",
        "distractors",
        "selection",
        "balance",
    ]


def test_the_same_seed_gives_the_same_bytes(replies: Path, built: Path, tmp_path: Path) -> None:
    build_social(replies, tmp_path, QUICK)
    assert outputs(built) == outputs(tmp_path)


@pytest.mark.parametrize("broken", [1, 3, 5, 6])
def test_a_build_that_breaks_at_any_stage_resumes_to_the_same_bytes(
    replies: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    work = Stages._work

    def breaks(self: Stages, *args: Any) -> Any:
        if len(self.done) == broken:
            raise KeyboardInterrupt
        return work(self, *args)

    monkeypatch.setattr(Stages, "_work", breaks)
    with pytest.raises(KeyboardInterrupt):
        build_social(replies, tmp_path, QUICK)
    monkeypatch.undo()
    build_social(replies, tmp_path, QUICK)
    assert outputs(built) == outputs(tmp_path)


def test_posts_may_stand_in_a_file_of_their_own(replies: Path, tmp_path: Path) -> None:
    rows = reply_rows()
    posts = {row["post_id"]: {"post_id": row["post_id"], "post": row["post"]} for row in rows}
    alone = [{k: v for k, v in row.items() if k != "post"} for row in rows]
    alone += [{**alone[0], "post_id": "gone"}] * 3
    write_jsonl(tmp_path / "posts.jsonl", posts.values())
    settings = QUICK.model_copy(update={"posts": str(tmp_path / "posts.jsonl")})
    build_social(write_jsonl(tmp_path / "replies.jsonl", alone), tmp_path / "out", settings)
    assert stage(tmp_path / "out", "replies")["dropped"]["replies to a post that is not there"] == 3
    stimuli = {item.stimulus for item in read_voice_items(tmp_path / "out" / "items.jsonl")}
    assert stimuli <= {post["post"] for post in posts.values()}


def test_replies_without_posts_are_an_error_that_says_how_to_name_them(tmp_path: Path) -> None:
    rows = [{"user": "a", "reply": "yes", "text": "no"}]
    with pytest.raises(FileFormatError, match="column 'post'"):
        build_social(write_jsonl(tmp_path / "r.jsonl", rows), tmp_path / "out", QUICK)
    with pytest.raises(FileFormatError, match="column with the user"):
        build_social(write_jsonl(tmp_path / "s.jsonl", [{"who": "a"}]), tmp_path / "out", QUICK)


def test_users_who_write_little_or_always_the_same_words_are_left_out(tmp_path: Path) -> None:
    rows = reply_rows()
    for k in range(10):
        post = {"post_id": f"p{k}", "post": f"Post {k} about cables", "topic": "t"}
        rows.append({**post, "user": "terse", "reply": f"ok {k}"})
        rows.append({**post, "user": "echo", "reply": "cable cable cable cable cable cable"})
    build_social(write_jsonl(tmp_path / "r.jsonl", rows), tmp_path / "out", QUICK)
    found = stage(tmp_path / "out", "users")
    assert found["dropped"]["replies of 10 characters or fewer on average"] == 1
    assert found["dropped"]["type-token ratio among the lowest 20%"] >= 1
    one_user = [row for row in reply_rows() if row["user"] == "u1"]
    with pytest.raises(DataError, match=r"must pass|too few|0 items"):
        build_social(write_jsonl(tmp_path / "one.jsonl", one_user), tmp_path / "one", QUICK)


def test_alignment_is_likeness_to_the_true_reply_minus_that_to_the_nearest_distractor() -> None:
    good = an_item("red boat", "red boat", ["green car", "blue house", "old tree"])
    bad = an_item("red boat", "green car", ["red boat", "blue house", "old tree"], "j")
    found = alignments([good, bad], TfidfEmbedder())
    assert found.round(6).tolist() == [1.0, -1.0]
    assert select([bad, good], 1, "alignment", TfidfEmbedder(), seed=0) == [1]
    assert select([bad, good], 5, "random", TfidfEmbedder(), seed=0) == [0, 1]


def test_ranking_by_alignment_raises_the_baseline_that_compares_texts(replies: Path, tmp_path: Path) -> None:
    items = []
    for k in range(40):
        words = [f"w{k}a", f"w{k}b", f"w{k}c", f"w{k}d"]
        true = words[0] if k % 2 else words[1]
        items.append(an_item(words[0], f"say {true}", [f"say {w}" for w in words if w != true], f"i{k}"))
    found = compare_selections(items, 20, TfidfEmbedder(), seed=0)
    shares = {
        key: next(g.rate.value for g in report.guesses if g.predictor.name == "like-history")
        for key, report in found.items()
    }
    assert shares["all"] == 0.5
    assert shares["alignment"] == 1.0
    assert shares["random"] < 0.8


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="ranking"):
        SocialSettings(ranking="best")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="ttr_share"):
        UserOptions(ttr_share=1.0)
