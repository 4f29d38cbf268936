from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import main
from truetwin.llm import Store
from truetwin.llm.decoding_seeds import decoding_seed
from truetwin.voice.items.voice_items import (
    Option,
    Turn,
    VoiceItem,
    VoicePersona,
    read_voice_items,
    write_voice_items,
)
from truetwin.voice.protocols.capability_annotation import CAPABILITIES

ITEMS = [
    VoiceItem(
        f"i{n}",
        "social",
        "zh",
        VoicePersona(f"p{n % 2}"),
        f"帖子 {n}",
        tuple(Option(f"o{k}", f"回复 {n}.{k}" * k, "true" if k == 2 else "other") for k in range(1, 5)),
        "o2",
        history=(Turn("哈哈", "下雨"),),
    )
    for n in range(8)
]


@pytest.fixture
def items(tmp_path: Path) -> str:
    write_voice_items(tmp_path / "items.jsonl", ITEMS)
    return str(tmp_path / "items.jsonl")


def script(folder: Path, name: str, *rules: dict[str, Any], default: Any) -> str:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"rules": list(rules), "default": default}), encoding="utf-8")
    return f"scripted:{path}"


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    with pytest.raises(SystemExit) as stop:
        main(["voice", *arguments])
    out, err = capsys.readouterr()
    assert code == stop.value.code, err
    return json.loads(out) if "--json" in arguments and code != 2 else out + err


def test_choices_are_scored_and_kept(capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path) -> None:
    model = script(tmp_path, "m", {"item": "i1", "reply": "no idea"}, default={"choice": "B"})
    arguments = ("run", items, "--model", model, "--run", str(tmp_path / "run"), "--rotations", "4")
    found = run(capsys, *arguments, "--json")
    [row] = found["rows"]
    assert (row["n"], row["n_answered"], row["n_failed"]) == (32, 28, 0)
    assert row["accuracy_answered"] == pytest.approx(25)
    assert row["accuracy_all"] == pytest.approx(100 * 7 / 32)
    assert row["flip_rate"] == 100
    assert [step["asked"] for step in found["steps"]] == [32]
    assert (tmp_path / "run" / "choice.jsonl").exists()
    again = run(capsys, *arguments, "--json")
    assert [step["asked"] for step in again["steps"]] == [0]
    assert again["rows"] == found["rows"]


def test_replies_are_written_and_judged_in_one_go_or_in_two(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    writer = script(tmp_path, "writer", {"item": "i1", "reply": ""}, default="哈哈")
    judge = script(tmp_path, "judge", {"step": "judge-scoring", "reply": {"score": 3}}, default="Answer: C")
    at_once = run(
        capsys, "run", items, "--model", writer, "--run", str(tmp_path / "one"), "--protocol", "judged",
        "--judge-model", judge, "--json",
    )  # fmt: skip
    run(capsys, "generate", items, "--model", writer, "--run", str(tmp_path / "two"))
    later = run(
        capsys, "judge", str(tmp_path / "two" / "reply.jsonl"), "--items", items, "--judge-model", judge,
        "--run", str(tmp_path / "three"), "--json",
    )  # fmt: skip
    figures = [{k: v for k, v in row.items() if k != "file"} for row in at_once["rows"]]
    judged = [{k: v for k, v in row.items() if k != "file"} for row in later["rows"]]
    assert [row["protocol"] for row in figures] == [
        "reply",
        "reply-vs-distractors",
        "map-to-options",
        "scoring",
    ]
    assert figures[1:] == judged
    assert figures[3]["mean_score"] == pytest.approx((7 * 3 + 1) / 8)


def test_a_run_that_is_not_whole_ends_with_1(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    model = script(tmp_path, "m", {"item": "i3", "error": "rejected"}, default="A")
    text = run(capsys, "run", items, "--model", model, "--run", str(tmp_path / "run"), code=1)
    assert "failed" in text


def test_capabilities_are_annotated(capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path) -> None:
    labels = {name: name == "persona_tone" for name in CAPABILITIES}
    model = script(tmp_path, "m", default={"labels": labels, "primary": "persona_tone"})
    found = run(capsys, "annotate", items, "--model", model, "--run", str(tmp_path / "run"), "--json")
    assert {row["capability"]: row["primary"] for row in found["rows"]}["persona_tone"] == 8
    lines = (tmp_path / "run" / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {"item_id": "i0", "primary": "persona_tone", "labels": labels}
    with Store(tmp_path / "run") as store:
        seeds = {call.cell: store.request(call.cell).sampling.seed for call in store.calls()}
    assert seeds == {cell: decoding_seed(0, cell) for cell in seeds}


def test_annotations_by_people_are_merged_into_the_items(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    labels = {name: name == "persona_tone" for name in CAPABILITIES}
    by_hand, merged = tmp_path / "by_hand.jsonl", tmp_path / "merged.jsonl"
    lines = [{"item_id": i.item_id, "primary": "persona_tone", "labels": labels} for i in ITEMS]
    by_hand.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    run(capsys, "annotate", items, "--annotations", str(by_hand), "--merged", str(merged))
    assert {"primary": "persona_tone", "labels": labels} == read_voice_items(merged)[0].capabilities
    text = run(capsys, "annotate", items, code=2)
    assert "(--model with --run) or a file (--annotations)" in text


def test_items_without_a_readable_annotation_are_said(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    model = script(tmp_path, "m", default="persona tone, I think")
    text = run(capsys, "annotate", items, "--model", model, "--run", str(tmp_path / "run"), code=1)
    assert "8 items have no readable annotation: 8 unparseable" in text


def test_a_dry_run_shows_the_prompt_and_asks_nothing(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    text = run(capsys, "run", items, "--model", "none", "--run", str(tmp_path / "run"), "--dry-run")
    assert "帖子 0" in text
    assert "in Chinese" in text
    assert "8 calls" in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--protocol", "scoring"), "--judge-model"),
        (("--protocol", "skoring"), "Did you mean 'scoring'"),
        (("--control", "swop"), "Did you mean 'swapped'"),
        (("--temperature", "hot"), "a number between 0 and 2, or 'none'"),
        (("--rotations", "5"), "must lie between 1 and 4; got 5"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    model = script(tmp_path, "m", default="A")
    text = run(capsys, "run", items, "--model", model, "--run", str(tmp_path / "run"), *arguments, code=2)
    assert words in text
    assert len(text.strip().splitlines()) == 1


def test_replies_to_other_items_are_not_judged(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    writer = script(tmp_path, "writer", default="哈哈")
    run(capsys, "generate", items, "--model", writer, "--run", str(tmp_path / "run"))
    other = tmp_path / "other.jsonl"
    write_voice_items(other, [ITEMS[0].__class__(**{**ITEMS[0].__dict__, "item_id": "x"})])
    text = run(
        capsys, "judge", str(tmp_path / "run" / "reply.jsonl"), "--items", str(other), "--judge-model", writer,
        "--run", str(tmp_path / "judged"), code=2,
    )  # fmt: skip
    assert "must hold free replies of one model" in text


def test_own_prompts_are_sent_and_versioned_in_the_results(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    text = "version: 5\n--- user\n{{persona}}{{history}}\n{{stimulus}}\n{{options}}\n你选哪一个?\n"
    (own / "choose-social.txt").write_text(text, encoding="utf-8")
    arguments = ("run", items, "--model", script(tmp_path, "m", default="A"), "--run", str(tmp_path / "run"))
    shown = run(capsys, *arguments, "--prompts", str(own), "--dry-run")
    assert "你选哪一个?" in shown
    found = run(capsys, *arguments, "--prompts", str(own), "--json")
    [prompt] = found["settings"]["prompts"]["choice"]
    assert (prompt["name"], prompt["version"]) == ("choose-social", 5)
    (own / "choose-social.txt").write_text(text.replace("5", "6"), encoding="utf-8")
    assert "prompts" in run(capsys, *arguments, "--prompts", str(own), code=2)
    (own / "choose-social.txt").write_text(text.replace("{{history}}", ""), encoding="utf-8")
    assert "it lacks {{history}}" in run(capsys, *arguments, "--prompts", str(own), code=2)


def test_a_run_knows_its_items(capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path) -> None:
    model = script(tmp_path, "m", default="A")
    run(capsys, "run", items, "--model", model, "--run", str(tmp_path / "run"))
    Path(items).unlink()
    found = run(capsys, "leaderboard", str(tmp_path / "run" / "choice.jsonl"), "--json")
    assert found["rows"][0]["baseline"]
    assert found["rows"][0]["chance"] == 25.0


def test_a_leaderboard_compares_two_models_item_by_item(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    for name, reply in (("first", "A"), ("second", "B")):
        model = script(tmp_path, name, default=reply)
        run(capsys, "run", items, "--model", model, "--run", str(tmp_path / name))
    folders = (str(tmp_path / "first"), str(tmp_path / "second"))
    found = run(capsys, "leaderboard", *folders, "--json", "--output", str(tmp_path / "board.md"))
    [pair] = found["comparisons"]
    rows = {row["file"].split("/")[-2]: row for row in found["rows"]}
    assert pair["difference"] == pytest.approx(rows["first"]["accuracy_all"] - rows["second"]["accuracy_all"])
    assert {"mcnemar_p", "ci_low", "cluster_p", "only_first_right"} <= set(pair)
    assert "Two models on the same items" in (tmp_path / "board.md").read_text(encoding="utf-8")
    assert "McNemar p" in run(capsys, "leaderboard", *folders)
    assert "holds no outcomes" in run(capsys, "leaderboard", str(tmp_path), code=2)


def test_a_report_shows_the_judges_words(
    capsys: pytest.CaptureFixture[str], items: str, tmp_path: Path
) -> None:
    writer = script(tmp_path, "w", default="哈哈")
    judge = script(tmp_path, "j", default={"reason": "Not in this tone.", "score": 2})
    run(
        capsys, "run", items, "--model", writer, "--judge-model", judge, "--protocol", "reply,scoring",
        "--run", str(tmp_path / "run"),
    )  # fmt: skip
    text = run(capsys, "report", str(tmp_path / "run"))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "report.html (8 items)" in text
    assert "Not in this tone." in page
    found = run(capsys, "report", str(tmp_path / "run"), "--output", str(tmp_path / "x.html"), "--json")
    assert found["steps"][0]["prompts"].startswith("score v1")
    assert "must end in .html" in run(
        capsys, "report", str(tmp_path / "run"), "--output", str(tmp_path / "x.pdf"), code=2
    )
