"""`truetwin audit-twins` run for real, and leaks in `truetwin evaluate` and `truetwin diagnose`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets.audit_worlds import generate_audit_world
from truetwin.io import item_record, write_json, write_table


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """120 people with 13 items in three regions, and three sources of twins."""
    for fault in ("faithful", "shrunk", "shown-persons"):
        world = generate_audit_world(fault, 120, 12)
        twin = world.panel.twin
        write_table(to_frame(twin.values, twin.respondent_ids, twin.item_ids), tmp_path / f"{fault}.csv")
    human = world.panel.human
    table = to_frame(human.values, human.respondent_ids, human.item_ids)
    regions = pa.array(list(world.panel.person_groups("region")))
    write_table(table.append_column("region", regions), tmp_path / "human.csv")
    again = world.retest
    write_table(to_frame(again.values, again.respondent_ids, again.item_ids), tmp_path / "retest.csv")
    write_json([item_record(item) for item in human.items], tmp_path / "items.json")  # type: ignore[arg-type]
    published = world.published.by_population["all"]
    rows = [
        {"item_id": item, "category": str(code), "share": float(share)}
        for item, marginal in published.items()
        for code, share in zip(range(1, 6), marginal.shares, strict=True)
    ]
    write_table(pa.Table.from_pylist(rows), tmp_path / "published.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SOURCES = ["--twin", "good=faithful.csv", "--twin", "flat=shrunk.csv", "--twin", "leaky=shown-persons.csv"]
ALL = [
    "--item-file",
    "items.json",
    "--by",
    "region",
    "--retest",
    "retest.csv",
    "--published",
    "published.csv",
]


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[Any, str]:
    assert _run(list(arguments), debug=code == 0) == code
    captured = capsys.readouterr()
    return (json.loads(captured.out) if "--json" in arguments else captured.out), captured.err


def test_everything_is_in_the_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*ALL, "--trained-until", "2024-06", "--persona-items", "Q01,Q02", "--json"]
    found, _ = run(capsys, "audit-twins", "human.csv", *SOURCES, *options)
    assert list(found) == [
        "command",
        "version",
        "settings",
        "rows",
        "answer",
        "sources",
        "which_twin_for_what",
        "not_audited",
    ]
    assert set(found["sources"]) == {"good", "flat", "leaky"}
    for source in found["sources"].values():
        unmeasured = {name for name, check in source["checks"].items() if check["unmeasured"]}
        assert unmeasured <= {
            "fielded_before_training",
            "group_gaps",
        }  # six items a side are too few, as may be gaps
        assert source["checks"]["declared_leaks"]["flagged"]
        assert source["invalid_protocols"]
    assert len(found["rows"]) == 3 * 27
    assert found["sources"]["leaky"]["checks"]["new_people"]["flagged"]
    assert found["sources"]["flat"]["checks"]["spread"]["flagged"]
    uses = {row["use"]: row for row in found["which_twin_for_what"]}
    assert set(uses["gaps between groups"]["figures"]) == {"good", "flat", "leaky"}


def test_the_first_line_says_whether_and_where_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown, said = run(capsys, "audit-twins", "human.csv", "shrunk.csv", "--people-columns", "region")
    assert shown.splitlines()[0].startswith("twin: do not trust these twins as they are for: ")
    assert "twins differ less than people" in " ".join(shown.split())
    assert "not measured: retest ceiling: no answers of people who were asked again" in said
    shown, said = run(capsys, "audit-twins", "human.csv", *SOURCES, "--people-columns", "region")
    assert shown.splitlines()[0].startswith("good: no fault found.")
    assert "which twin for what" in shown
    assert "note: leaky: scores under leave-one-respondent-out" in said


@pytest.mark.parametrize("ending", ["html", "json"])
def test_the_audit_is_written_whole(folder: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    run(capsys, "audit-twins", "human.csv", *SOURCES, *ALL, "--output", f"audit.{ending}")
    text = (folder / f"audit.{ending}").read_text(encoding="utf-8")
    if ending == "json":
        assert set(json.loads(text)) == {
            "answer",
            "settings",
            "sources",
            "which_twin_for_what",
            "not_audited",
        }
    else:
        for words in (
            "Can these twins be trusted",
            "Which twin to use for what",
            "Audit of leaky",
            "split-half",
        ):
            assert words in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--trained-until", "spring"], "--trained-until must be a year, month or day"),
        (["--output", "audit.pdf"], "ends in .html (a page) or .json"),
        (["--output", "human.csv"], "ends in .html (a page) or .json"),
        (["--min-cell", "3"], "--min-cell must be at least 20"),
        (["--published", "none.csv"], "no file"),
        (["--by", "country"], "country"),
    ],
)
def test_wrong_use_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    _, said = run(capsys, "audit-twins", "human.csv", "shrunk.csv", *options, code=2)
    assert words in said.strip().splitlines()[-1]


def test_evaluate_refuses_hidden_people_whose_answers_were_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["evaluate", "human.csv", "faithful.csv", "--people-columns", "region", "--methods", "twin"]
    people = ["--protocol", "leave-one-respondent-out"]
    _, said = run(capsys, *common, *people, "--persona-items", "Q01", code=2)
    assert "people are no new respondents if their twins were shown their answers" in said
    found, said = run(capsys, *common, "--persona-items", "Q01", "--json")
    assert found["settings"]["leaks"] == [
        {"source": None, "items": ["Q01"], "why": "personas showed these answers", "declared": True}
    ]
    assert "warning: scores under leave-one-item-out on 1 items say nothing: personas showed" in said
    found, _ = run(capsys, *common, "--json")
    assert "leaks" not in found["settings"]


def test_evaluate_labels_hidden_people_who_are_known_too_well(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--people-columns", "region", "--methods", "twin", "--protocol", "leave-one-respondent-out"]
    found, said = run(capsys, "evaluate", "human.csv", "shown-persons.csv", *options, "--json")
    (leak,) = [row for row in found["settings"]["leaks"] if not row["items"]]
    assert "as if they had been shown it" in leak["why"]
    assert "warning: twin: scores under leave-one-respondent-out say nothing" in said


def test_personas_say_what_they_showed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"id": "R001", "text": "Likes tea.", "answers": {"Q03": 4}})]
    Path("personas.jsonl").write_text("\n".join(lines), encoding="utf-8")
    options = ["--people-columns", "region", "--personas", "personas.jsonl", "--json"]
    found, _ = run(capsys, "audit-twins", "human.csv", "faithful.csv", *options)
    (row,) = found["sources"]["twin"]["checks"]["declared_leaks"]["rows"]
    assert row == {"item": "Q03"}


def test_diagnose_has_the_audit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["diagnose", "human.csv", "shrunk.csv", "--people-columns", "region", "--method", "none"]
    shown, _ = run(capsys, *common)
    assert "audit of the twins: twin: do not trust these twins as they are for:" in shown
    found, _ = run(capsys, *common, "--json")
    assert found["settings"]["audit"]["twin"]["checks"]["spread"]["flagged"]


def test_twins_of_a_run_were_shown_nothing_that_it_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {
        "survey": {"task": "survey", "items": dict.fromkeys(generate_audit_world(n_items=12).panel.item_ids)}
    }
    Path("faithful.json").write_text(json.dumps(asked), encoding="utf-8")
    options = ["--people-columns", "region", "--json"]
    found, _ = run(capsys, "audit-twins", "human.csv", "faithful.csv", *options)
    check = found["sources"]["twin"]["checks"]["declared_leaks"]
    assert (check["value"], check["flagged"]) == (0.0, False)
    found, _ = run(capsys, "audit-twins", "human.csv", "shrunk.csv", *options)
    assert found["sources"]["twin"]["checks"]["declared_leaks"]["unmeasured"]


def test_people_shown_in_passages_are_no_new_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    persona = {"id": "R001", "text": "Ann. ", "passages": [{"item_id": "Q03", "text": "Q03: agree. "}]}
    Path("personas.jsonl").write_text(json.dumps(persona), encoding="utf-8")
    common = ["evaluate", "human.csv", "faithful.csv", "--people-columns", "region", "--methods", "twin"]
    shown = ["--personas", "personas.jsonl"]
    found, _ = run(capsys, *common, *shown, "--json")
    assert "leaks" not in found["settings"]
    _, said = run(capsys, *common, *shown, "--protocol", "leave-one-respondent-out", code=2)
    assert "such as 'Q03'" in said
