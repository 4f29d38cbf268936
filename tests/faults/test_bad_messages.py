"""Logs that are not what they should be: a clear error, or a counted skip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from message_examples import message_rows, write_jsonl
from truetwin.errors import FileFormatError, ParameterError
from truetwin.settings.voice_build_settings import (
    BuildOptions,
    FunnelOptions,
    InterpersonalSettings,
    MatchingOptions,
)
from truetwin.voice_sets.common.raw_rows import Reading
from truetwin.voice_sets.conversations.interpersonal_build import build_interpersonal
from truetwin.voice_sets.conversations.message_logs import open_log

QUICK = InterpersonalSettings(
    funnel=FunnelOptions(min_messages=40, min_per_channel=5, informative_share=0.5),
    build=BuildOptions(matching=MatchingOptions(rounds=0, triples=20)),
    most_items=20,
    languages="common-words",
)


def dropped(folder: Path, stage: str) -> dict[str, int]:
    sheet = json.loads((folder / "datasheet.json").read_text(encoding="utf-8"))
    found: dict[str, int] = next(s["dropped"] for s in sheet["stages"] if s["stage"] == stage)
    return found


def test_a_line_of_ten_megabytes_and_other_bad_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "chat.jsonl", message_rows(1400))
    with path.open("ab") as out:
        out.write(b'{"user": "x", "channel": "c", "text": "' + b"a" * 10_000_000 + b'"}\n')
        out.write('{"user": "x", "channel": "c", "text": "caf\xe9"}\n'.encode("latin-1"))
        out.write(b"[1, 2]\n" + b"[" * 5000 + b"\n")
        out.write(b'{"user": "x", "channel": "c", "text": null}\n')
        out.write(b'{"user": "x", "channel": "c", "text": "cut')
    build_interpersonal(path, tmp_path / "out", QUICK)
    assert dropped(tmp_path / "out", "messages") == {
        "line longer than 1 MiB": 1,
        "line is not UTF-8": 1,
        "line is not a JSON object": 3,
        "no user, channel or text": 1,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe" + "user,text\n".encode("utf-16-le"), "Give the encoding: utf-16"),
        (b"\x80\x81\x82\n" * 30, "must be readable line by line"),
        (b"hello\n" * 3, "must be readable line by line"),
        (b'{"a": 1}\n', "must have a column with the user"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        list(open_log(path))


def test_other_encodings_are_read_when_they_are_named(tmp_path: Path) -> None:
    path = tmp_path / "chat.csv"
    text = "user,channel,text\nann,a,caf\xe9\n"
    for encoding in ("latin-1", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert [m.text for m in open_log(path, encoding=encoding)] == ["café"]
    with pytest.raises(ParameterError, match="encoding must be one that Python knows"):
        list(open_log(path, encoding="klingon"))


def test_csv_rows_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "chat.csv"
    rows = ["user,channel,text"] + [f"ann,a,hello {k}" for k in range(50)]
    path.write_text("\n".join([*rows, "ann,a", "ann,a," + "x" * (2**20 + 5), "ann,a,last"]) + "\n")
    reading = Reading(path)
    assert [row["text"] for row in reading][-1] == "last"
    assert dict(reading.skipped) == {
        "row has more or fewer cells than there are columns": 1,
        "row is not CSV, or too long": 1,
    }


@pytest.mark.parametrize("name", ["chat.parquet", "chat.csv", "chat.xlsx", "none.jsonl"])
def test_broken_and_missing_files_are_errors_that_name_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name != "none.jsonl":
        path.write_bytes(b"" if name == "chat.csv" else b"not what it says")
    with pytest.raises(FileFormatError, match=name):
        list(open_log(path))


def test_texts_that_look_like_templates_are_data(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = message_rows(1400)
    for k, row in enumerate(rows):
        if k % 3 == 0:
            row["text"] += " {n} %s <b>x</b> \\1"
    build_interpersonal(write_jsonl(tmp_path / "chat.jsonl", rows), tmp_path / "out", QUICK)
    assert "{n} %s <b>x</b>" in (tmp_path / "out" / "items.jsonl").read_text(encoding="utf-8")


def test_languages_are_not_mixed_within_an_item(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = message_rows(2400)
    spanish = "creo que hay que cambiar el cable de la casa {k} por otro que no sea tan viejo como ese {j}"
    for k, row in enumerate(rows):
        if int(row["user"].removeprefix("ann")) % 2:
            row["text"] = spanish.format(k=f"a{k}", j=f"b{k % 17}")
    settings = QUICK.model_copy(
        update={"funnel": QUICK.funnel.model_copy(update={"links": "heuristic"}), "most_items": 30}
    )
    rows = [
        {**row, "text": f"ann{(k * 7) % 14}: {row['text'].partition(': ')[2] or row['text']}"}
        for k, row in enumerate(rows)
    ]
    build_interpersonal(write_jsonl(tmp_path / "chat.jsonl", rows), tmp_path / "out", settings)
    for line in (tmp_path / "out" / "items.jsonl").read_text(encoding="utf-8").splitlines():
        options = json.loads(line)["options"]
        assert len({"creo que" in option["text"] for option in options}) == 1
