"""The messaging build, from a log to items."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from message_examples import message_rows, write_jsonl
from truetwin.errors import DataError, ParameterError
from truetwin.llm import scripted_model
from truetwin.settings.voice_build_settings import (
    BuildOptions,
    FunnelOptions,
    HistoryOptions,
    InterpersonalSettings,
    MatchingOptions,
)
from truetwin.voice.items.voice_items import read_voice_items
from truetwin.voice_sets.common.stages import Stages
from truetwin.voice_sets.conversations.interpersonal_build import build_interpersonal
from truetwin.voice_sets.conversations.message_logs import IrcLog, open_log
from truetwin.voice_sets.conversations.reply_guessing import ReplyFinder, address_of, stimulus_of

QUICK = InterpersonalSettings(
    funnel=FunnelOptions(min_messages=60, min_per_channel=10, informative_share=0.5),
    build=BuildOptions(matching=MatchingOptions(rounds=0, triples=40)),
    most_items=40,
    languages="common-words",
)
OUTPUTS = ("items.jsonl", "datasheet.json", "datasheet.md")


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in OUTPUTS]


def sheet(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "datasheet.json").read_text(encoding="utf-8"))
    return found


def stage(folder: Path, name: str) -> dict[str, Any]:
    return next(s for s in sheet(folder)["stages"] if s["stage"] == name)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("logs") / "chat.jsonl", message_rows())


@pytest.fixture(scope="module")
def built(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_interpersonal(log, folder, QUICK)
    return folder


def test_memory_comes_from_other_channels_and_from_before(log: Path, built: Path) -> None:
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    said = {row["text"].partition(": ")[2] or row["text"]: row for row in rows}
    for item in read_voice_items(built / "items.jsonl"):
        own = said[item.true_option.text]
        assert len(item.history) >= 5
        for turn in item.history:
            earlier = said[turn.reply]
            assert earlier["user"] == own["user"]
            assert earlier["channel"] != own["channel"]
            assert earlier["time"] < own["time"]


def test_every_distractor_is_a_real_reply_of_somebody_else(log: Path, built: Path) -> None:
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    users = {row["text"].partition(": ")[2] or row["text"]: row["user"] for row in rows}
    for item in read_voice_items(built / "items.jsonl"):
        assert users[item.true_option.text] not in {users[option.text] for option in item.distractors}


def test_every_stage_counts_what_it_leaves_out(built: Path) -> None:
    for found in sheet(built)["stages"]:
        if found["stage"] not in ("informative",):
            assert found["n_in"] == found["n_out"] + sum(found["dropped"].values()), found["stage"]
    informative = stage(built, "informative")
    by_others = informative["noted"].get("by others, for distractors", 0)
    assert informative["n_in"] + by_others == informative["n_out"] + sum(informative["dropped"].values())


def test_no_name_of_the_log_is_in_what_is_written(built: Path) -> None:
    for path in (p for p in built.rglob("*") if p.is_file()):
        text = path.read_text(encoding="utf-8")
        assert "ann1" not in text, path.name
        assert "room 1" not in text, path.name


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    log: Path, built: Path, tmp_path: Path
) -> None:
    build_interpersonal(log, tmp_path / "same", QUICK)
    build_interpersonal(
        log,
        tmp_path / "other",
        QUICK.model_copy(update={"build": QUICK.build.model_copy(update={"seed": 1})}),
    )
    assert outputs(built) == outputs(tmp_path / "same")
    assert outputs(built)[0] != outputs(tmp_path / "other")[0]


@pytest.mark.parametrize("broken", [1, 4, 6])
def test_a_build_that_breaks_at_any_stage_resumes_to_the_same_bytes(
    log: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    work = Stages._work

    def breaks(self: Stages, *args: Any) -> Any:
        if len(self.done) == broken:
            raise KeyboardInterrupt
        return work(self, *args)

    monkeypatch.setattr(Stages, "_work", breaks)
    with pytest.raises(KeyboardInterrupt):
        build_interpersonal(log, tmp_path, QUICK)
    monkeypatch.undo()
    build_interpersonal(log, tmp_path, QUICK)
    assert outputs(built) == outputs(tmp_path)


def test_a_killed_build_resumes_to_the_same_bytes(log: Path, built: Path, tmp_path: Path) -> None:
    config = tmp_path / "settings.json"
    config.write_text(QUICK.model_dump_json(exclude_unset=True), encoding="utf-8")
    out = tmp_path / "out"
    command = ["voice", "build", "interpersonal", str(log), "--output", str(out), "--config", str(config)]
    main = "from truetwin.cli import main; main()"
    running = subprocess.Popen([sys.executable, "-c", main, *command], stderr=subprocess.DEVNULL)
    steps = out / ".stages" / "steps.json"
    while running.poll() is None and not (steps.is_file() and '"informative"' in steps.read_text()):
        time.sleep(0.01)
    if running.poll() is None:
        os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    build_interpersonal(log, out, QUICK)
    assert outputs(built) == outputs(out)


def test_csv_and_parquet_with_other_names_give_the_same_items(log: Path, built: Path, tmp_path: Path) -> None:
    rows = message_rows()
    named = {"user": "author", "text": "body", "channel": "chat"}
    renamed = [{named.get(k, k): v for k, v in row.items()} for row in rows]
    with (tmp_path / "chat.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(renamed[0]))
        writer.writeheader()
        writer.writerows(renamed)
    pq.write_table(pa.Table.from_pylist(renamed), tmp_path / "chat.parquet")
    salted = QUICK.model_copy(update={"salt": "the same for all", "columns": named})
    found = []
    for name in ("chat.csv", "chat.parquet"):
        build_interpersonal(tmp_path / name, tmp_path / f"from {name}", salted)
        found.append((tmp_path / f"from {name}" / "items.jsonl").read_bytes())
    build_interpersonal(log, tmp_path / "from jsonl", QUICK.model_copy(update={"salt": "the same for all"}))
    assert found[0] == found[1] == (tmp_path / "from jsonl" / "items.jsonl").read_bytes()


def test_stated_links_are_followed_and_those_that_cannot_be_are_counted(tmp_path: Path) -> None:
    rows = message_rows(replies=True)
    replies = [row for row in rows if "reply_to" in row]
    for row in replies[::10]:
        row["reply_to"] = "gone"
    a, b = replies[1], replies[2]
    a["reply_to"], b["reply_to"] = b["id"], a["id"]  # a cycle: one of the two points forward
    a["channel"] = b["channel"]
    settings = QUICK.model_copy(update={"funnel": QUICK.funnel.model_copy(update={"informative_share": 1.0})})
    build_interpersonal(write_jsonl(tmp_path / "chat.jsonl", rows), tmp_path / "out", settings)
    found = stage(tmp_path / "out", "replies")
    [distinct] = (tmp_path / "out" / ".stages").glob("*-distinct-*.jsonl")
    passed = {json.loads(line)["text"] for line in distinct.read_text(encoding="utf-8").splitlines()}
    lost = [row for row in replies if row["reply_to"] == "gone"]
    repeated = [row for row in lost if (row["text"].partition(": ")[2] or row["text"]) not in passed]
    assert stage(tmp_path / "out", "distinct")["dropped"]["says the same as an earlier one"] >= len(repeated)
    assert found["dropped"]["replies to a message that is not there"] == len(lost) - len(repeated) == 110
    assert (
        len(repeated) == 1
    )  # one of the 111 says what an earlier message says, and goes before links are followed
    assert found["dropped"]["replies to itself or to a later message"] == 1
    assert found["noted"] == {"links as the log states them": 1}
    texts = {row["text"]: row for row in rows}
    by_id = {row["id"]: row for row in rows}
    for item in read_voice_items(tmp_path / "out" / "items.jsonl"):
        assert by_id[texts[item.true_option.text]["reply_to"]]["text"] == item.stimulus


def test_bots_and_canned_messages_are_dropped_with_their_rule(tmp_path: Path) -> None:
    rows = message_rows()
    for k in range(60):
        text = f"Build {k} of the nightly job has finished"
        rows.insert(20 * k, {"user": "nightly", "channel": "room 1", "time": 1, "text": text})
        rows.insert(20 * k, {"user": "helpbot", "channel": "room 2", "time": 1, "text": f"ask {k} things"})
    for k in range(12):
        text = "Please read the rules of this room before you write"
        rows.insert(30 * k, {"user": f"ann{k}", "channel": "room 3", "time": 1, "text": text})
    build_interpersonal(write_jsonl(tmp_path / "chat.jsonl", rows), tmp_path / "out", QUICK)
    dropped = stage(tmp_path / "out", "messages")["dropped"]
    assert dropped == {
        "bot by name": 60,
        "bot: most messages are canned or open alike": 60,
        "canned message": 12,
    }


def test_personal_data_is_replaced_the_same_way_everywhere(tmp_path: Path) -> None:
    rows = message_rows()
    for k, row in enumerate(rows):
        if k % 9 == 0:
            row["text"] += " write to ann@example.org or call +44 20 7946 0958"
    settings = QUICK.model_copy(update={"most_items": 60})
    build_interpersonal(write_jsonl(tmp_path / "chat.jsonl", rows), tmp_path / "out", settings)
    written = (tmp_path / "out" / "items.jsonl").read_text(encoding="utf-8")
    assert "example.org" not in written
    assert "7946 0958" not in written
    marks = {word for word in written.replace('"', " ").split() if word.startswith("[email-")}
    assert len(marks) == 1


def test_a_model_may_write_the_distractors(log: Path, tmp_path: Path) -> None:
    answer = json.dumps([f"perhaps you could try number {k} of the other cables by hand" for k in range(9)])
    model = scripted_model({"default": answer})
    build = BuildOptions(matching=MatchingOptions(length_ratio=4.0, rounds=0, max_uses=9))
    settings = QUICK.model_copy(update={"most_items": 6, "build": build})
    built = build_interpersonal(log, tmp_path, settings, model=model)
    assert {option.source for item in built.items for option in item.distractors} == {"model"}
    assert stage(tmp_path, "written")["n_out"] == 6


def test_a_changed_pool_is_no_result_of_before(log: Path, tmp_path: Path) -> None:
    build_interpersonal(log, tmp_path / "a", QUICK)
    small = QUICK.model_copy(update={"pool": 150})
    build_interpersonal(log, tmp_path / "a", small)
    build_interpersonal(log, tmp_path / "b", small)
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")


def test_one_channel_or_one_user_is_an_error_that_says_which_filter(tmp_path: Path) -> None:
    one_channel = write_jsonl(tmp_path / "a.jsonl", message_rows(400, channels=1))
    with pytest.raises(DataError, match=r"in fewer than 3 channels: 14.*min_channels"):
        build_interpersonal(one_channel, tmp_path / "a", QUICK)
    one_user = write_jsonl(tmp_path / "b.jsonl", message_rows(400, users=1))
    with pytest.raises(DataError, match=r"replies to nothing|not sure what it replies to"):
        build_interpersonal(one_user, tmp_path / "b", QUICK)


def test_settings_out_of_range_are_refused() -> None:
    for wrong in (
        {"min_channels": 0},
        {"informative_share": 0.0},
        {"most_alike": 1.5},
        {"bases": ("guess",)},
    ):
        with pytest.raises(ParameterError):
            FunnelOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError):
        HistoryOptions(least=9, most=3)


def test_the_heuristic_follows_who_speaks_to_whom() -> None:
    finder = ReplyFinder()
    finder.add("room", 0, "ann", "")
    finder.add("room", 1, "bob", "")
    answer = finder.add("room", 2, "eve", "ann")
    thanks = finder.add("room", 3, "ann", "")
    more = finder.add("room", 4, "ann", "")
    elsewhere = finder.add("other room", 5, "ann", "eve")
    assert [seen.basis for seen in (answer, thanks, more, elsewhere)] == [
        "addressed",
        "answer",
        "goes on",
        "opens",
    ]
    assert thanks.link is not None
    assert thanks.link.key == 2
    stimulus = stimulus_of(more)
    assert stimulus is not None
    assert stimulus.key == 2


def test_addresses_are_found_in_every_usual_form() -> None:
    named = {"ann": "A"}.get
    texts = [
        "ann: hello there",
        "@ann hello there",
        "ann, hello there",
        "ann - hello there",
        "Ann:hello there",
    ]
    assert [address_of(text, named) for text in texts] == [("A", "hello there")] * 5
    assert address_of("ann hello there", named) == ("", "ann hello there")


def test_irc_logs_are_read(tmp_path: Path) -> None:
    (tmp_path / "2004-01-02.a.raw.txt").write_bytes(
        b"=== ann has joined\n[10:00] <ann> how do I mount it\n[10:01] <bob> what for\n"
        b"[10:02] <eve> ann: with mount caf\xe9\n[10:03]  * ann nods\n"
    )
    assert [(m.user, m.text) for m in IrcLog(tmp_path)] == [
        ("ann", "how do I mount it"),
        ("bob", "what for"),
        ("eve", "ann: with mount café"),
    ]
    with pytest.raises(DataError, match="must hold IRC logs"):
        open_log(_empty(tmp_path))


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
