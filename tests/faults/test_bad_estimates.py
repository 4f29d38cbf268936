"""What goes wrong with estimates: nothing is written, and the message says how to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.cli import _run
from truetwin.study.example_study import write_example


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_example(tmp_path / "s", n_respondents=60).parent


def tables(study: Path) -> list[str]:
    return [str(study / "human.csv"), str(study / "generated.csv"), "--people", str(study / "people.csv")]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("column,category,share\nsex,men,0.6\nsex,women,0.6\n", "must sum to 1"),
        ("column,category,share\nsex,men,0.5\nsex,others,0.5\n", "must have every category"),
        ("column,category,share\nshoe,41,1\n", "no column 'shoe'"),
    ],
)
def test_margins_that_do_not_fit_are_refused(
    study: Path, capsys: pytest.CaptureFixture[str], content: str, text: str
) -> None:
    (study / "margins.csv").write_text(content)
    options = ["--margins", str(study / "margins.csv"), "--output", str(study / "out.csv")]
    assert _run(["estimate", *tables(study), *options], debug=False) != 0
    assert text in capsys.readouterr().err
    assert not (study / "out.csv").exists()


def test_a_sample_of_strangers_is_refused(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study / "answers.csv").write_text("respondent_id,Q33\nnobody,3\n")
    options = ["--sample", str(study / "answers.csv"), "--output", str(study / "out.csv")]
    assert _run(["estimate", *tables(study), *options], debug=False) != 0
    assert "'nobody' is not" in capsys.readouterr().err
    assert not (study / "out.csv").exists()


def test_a_group_of_one_person_is_refused(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (study / "people.csv").read_text().splitlines()
    lines[1] = lines[1].replace(lines[1].split(",")[1], "elder")
    (study / "people.csv").write_text("\n".join(lines) + "\n")
    assert _run(["estimate", *tables(study), "--by", "age_group"], debug=False) != 0
    assert "must have more than one person" in capsys.readouterr().err
