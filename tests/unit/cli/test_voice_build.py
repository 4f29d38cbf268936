from __future__ import annotations

import json
from pathlib import Path

import pytest

from message_examples import message_rows, reply_rows, write_jsonl
from novel_examples import made_up_novel
from truetwin.cli import main
from truetwin.voice.items.voice_items import read_voice_items

CONFIG = "items: {chunk_words: 110, min_history: 3}\nbuild: {limit: 16, matching: {rounds: 0, triples: 30}}\n"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "book.txt").write_text(made_up_novel(4, 8), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    options = ["--output", str(tmp_path / "out"), "--config", str(tmp_path / "config.yaml")]
    return ["voice", "build", "narrative", str(tmp_path / "book.txt"), *options]


def test_a_book_becomes_items_and_a_table(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments, "--licence", "public domain")
    assert code == 0, err
    assert "left out" in out
    assert "length-outlier" in out
    assert "too few to judge baselines" in err
    assert "public domain" in (tmp_path / "out" / "datasheet.md").read_text(encoding="utf-8")
    code, out, err = run(
        capsys,
        "voice",
        "build",
        "repair",
        tmp_path / "out" / "items.jsonl",
        "--output",
        tmp_path / "again",
        "--json",
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["command"] == "voice build repair"
    assert found["n_items"] == len(read_voice_items(tmp_path / "again" / "items.jsonl"))
    assert {"predictor", "accuracy", "before", "n"} <= set(found["rows"][0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "0"], "limit must be at least 1"),
        (["--seed", "-1"], "seed must not be negative"),
        (["--embeddings", "word2vec"], "embeddings must be"),
        (["--encoding", "klingon"], "'klingon'"),
        (["--characters", "nobody.json"], "cannot read nobody.json"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    code, out, err = run(capsys, *arguments, *options)
    assert code == 2
    assert message in err
    assert out == ""


def test_a_book_without_quotation_marks_is_refused(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "book.txt").write_text("Nobody said a word.\n\n" * 400, encoding="utf-8")
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "must mark what is said" in err
    assert "Traceback" not in err


def test_messages_and_posts_become_items(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = "languages: common-words\nbuild: {limit: 12, matching: {rounds: 0, triples: 30}}\n"
    (tmp_path / "chat.yaml").write_text(
        common + "funnel: {min_messages: 20, min_per_channel: 3, informative_share: 0.5}\n", encoding="utf-8"
    )
    (tmp_path / "posts.yaml").write_text(common, encoding="utf-8")
    chat = [{**row, "author": row["user"]} for row in message_rows(900)]
    chat = [{k: v for k, v in row.items() if k != "user"} for row in chat]
    for verb, rows, extra in (
        ("interpersonal", chat, ["--column", "user=author"]),
        ("social", reply_rows(40), []),
    ):
        log = write_jsonl(tmp_path / f"{verb}.jsonl", rows)
        config = tmp_path / ("chat.yaml" if verb == "interpersonal" else "posts.yaml")
        options = ["--output", tmp_path / verb, "--config", config, *extra]
        code, out, err = run(capsys, "voice", "build", verb, log, *options, "--json")
        assert code == 0, err
        found = json.loads(out)
        assert found["command"] == f"voice build {verb}"
        assert found["n_items"] == len(read_voice_items(tmp_path / verb / "items.jsonl"))
        assert all(row["before"] is not None for row in found["rows"] if row["persona_free"] and row["n"])


def test_a_column_that_is_not_named_as_a_pair_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_jsonl(tmp_path / "chat.jsonl", message_rows(10))
    options = ["--output", tmp_path / "out", "--column"]
    for wrong, message in (("author", "OURS=THEIRS"), ("autor=x", "columns can be named for user")):
        code, _, err = run(capsys, "voice", "build", "interpersonal", log, *options, wrong)
        assert code == 2
        assert message in err
