"""Bad input through the program: one line that says what is wrong, exit code 2, nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truetwin.cli import _run
from truetwin.datasets import generate_population
from truetwin.errors import OutputError

IDS = [f"{k:03d}" for k in range(1, 41)]
ITEMS = [f"Q{k}" for k in range(1, 9)]


def csv(rows: list[list[object]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def tables() -> dict[str, list[list[object]]]:
    """Forty people and their twins; Q8 has been answered by twins only."""
    panel = generate_population(40, 8, n_new_items=0, missing=0.05, random_state=1).panel
    found = {}
    for name, values in (("human", panel.human_values), ("twin", panel.twin_values)):
        count = 7 if name == "human" else 8
        rows = [["id", *ITEMS[:count]]]
        for i, respondent in enumerate(IDS):
            rows.append([respondent, *("" if np.isnan(v) else int(v) for v in values[i, :count])])
        found[name] = rows
    return found


class Job:
    """Runs `truetwin calibrate` on two tables in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.output = folder / "out.csv"

    def write(self, name: str, rows: list[list[object]]) -> Path:
        path = self.folder / name
        path.write_text(csv(rows), encoding="utf-8")
        return path

    def run(self, tables: dict[str, list[list[object]]], *options: str, verb: str = "calibrate") -> int:
        human, twin = (self.write(f"{name}.csv", tables[name]) for name in ("human", "twin"))
        return self.command(verb, str(human), str(twin), *options)

    def command(self, verb: str, *arguments: str) -> int:
        extra = [] if "--output" in arguments or verb != "calibrate" else ["--output", str(self.output)]
        self.before = sorted(self.folder.rglob("*"))
        code = _run([verb, *arguments, *extra], debug=False)
        captured = self.capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        return code

    def refused(self, code: int, *words: str) -> None:
        assert code == 2, (code, self.err)
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: ")
        for word in words:
            assert word in lines[0], lines[0]
        assert sorted(self.folder.rglob("*")) == self.before
        assert self.out == ""


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    return Job(tmp_path, capsys)


Tables = dict[str, list[list[object]]]


def test_the_untouched_tables_are_fine(job: Job, tables: Tables) -> None:
    assert job.run(tables, "--preset", "twin-2k-500") == 0
    assert job.output.read_text().splitlines()[0] == "id,Q8"
    assert job.output.with_suffix(".json").exists()


def test_missing_file(job: Job, tables: Tables) -> None:
    twin = job.write("twin.csv", tables["twin"])
    job.refused(job.command("calibrate", str(job.folder / "twni.csv"), str(twin)), "no file", "twin.csv")


def test_a_folder_is_not_a_table(job: Job, tables: Tables) -> None:
    twin = job.write("twin.csv", tables["twin"])
    job.refused(job.command("calibrate", str(job.folder), str(twin)), "folder")


@pytest.mark.parametrize(
    "name",
    [
        "human.csv",
        "human.parquet",
        pytest.param("human.sav", marks=pytest.mark.extra("survey")),
        pytest.param("human.dta", marks=pytest.mark.extra("survey")),
    ],
)
@pytest.mark.parametrize("content", [b"", b"\x00\x01\xff" * 100, b"PAR1 but not really"])
def test_not_a_table(job: Job, tables: Tables, name: str, content: bytes) -> None:
    twin = job.write("twin.csv", tables["twin"])
    (job.folder / name).write_bytes(content)
    job.refused(job.command("calibrate", str(job.folder / name), str(twin)), name)


def test_unknown_ending(job: Job, tables: Tables) -> None:
    twin = job.write("twin.csv", tables["twin"])
    human = job.write("human.docx", tables["human"])
    job.refused(job.command("calibrate", str(human), str(twin)), ".csv", "human.docx")


def test_two_gigabytes_of_the_wrong_file(job: Job, tables: Tables) -> None:
    twin = job.write("twin.csv", tables["twin"])
    big = job.folder / "big.csv"
    with big.open("wb") as stream:
        stream.truncate(2 * 2**30)  # sparse: takes no room on the disk
    job.refused(job.command("calibrate", str(big), str(twin)), "binary")


def test_ragged_rows(job: Job, tables: Tables) -> None:
    tables["human"][3].append(5)
    job.refused(job.run(tables), "human.csv")


def test_not_utf_8(job: Job, tables: Tables) -> None:
    twin = job.write("twin.csv", tables["twin"])
    human = job.folder / "human.csv"
    human.write_bytes(csv(tables["human"]).replace("Q1,", "Größe,").encode("cp1252"))
    assert job.command("calibrate", str(human), str(twin)) == 0
    assert "read as Western European text (cp1252)" in job.err
    assert "Größe" in job.err
    human.write_bytes(
        csv(tables["human"]).replace("Q1,", "Q1\udcff\udcfe,").encode("utf-8", "surrogateescape")
    )
    job.output.unlink()
    job.output.with_suffix(".json").unlink()
    job.refused(job.command("calibrate", str(human), str(twin)), "UTF-8")


def test_repeated_ids_are_named(job: Job, tables: Tables) -> None:
    tables["twin"][5][0] = "001"
    job.refused(job.run(tables), "'001'", "respondent", "twin.csv")


def test_repeated_items_are_named(job: Job, tables: Tables) -> None:
    tables["human"][0][3] = "Q1"
    job.refused(job.run(tables), "'Q1'", "item", "human.csv")


def test_an_empty_id(job: Job, tables: Tables) -> None:
    tables["human"][7][0] = ""
    job.refused(job.run(tables), "id", "row 7")


def test_no_id_in_common(job: Job, tables: Tables) -> None:
    for row in tables["twin"][1:]:
        row[0] = f"T{row[0]}"
    job.refused(job.run(tables), "respondent id", "in common")


def test_no_item_in_common(job: Job, tables: Tables) -> None:
    tables["twin"][0][1:] = [f"X{k}" for k in range(8)]
    job.refused(job.run(tables), "item", "in common")


def test_wrong_id_column(job: Job, tables: Tables) -> None:
    job.refused(job.run(tables, "--id-column", "ID"), "'ID'", "'id'")


def test_nothing_to_predict(job: Job, tables: Tables) -> None:
    tables["twin"] = [row[:8] for row in tables["twin"]]
    job.refused(job.run(tables), "nothing to predict")


def test_a_non_numeric_cell_is_named(job: Job, tables: Tables) -> None:
    tables["human"][4][2] = "often"
    job.refused(job.run(tables), "'often'", "'Q2'", "row 4", "'004'")


def test_a_decimal_comma_is_explained(job: Job, tables: Tables) -> None:
    tables["human"][4][2] = '"3,5"'
    job.refused(job.run(tables), "'3,5'", "decimals")


@pytest.mark.parametrize("infinity", ["inf", "-inf", "Infinity", "1e999"])
def test_infinities_are_named(job: Job, tables: Tables, infinity: str) -> None:
    tables["twin"][4][2] = infinity
    job.refused(job.run(tables), "finite", "'Q2'", "'004'")


def test_an_answer_off_its_scale_is_named(job: Job, tables: Tables) -> None:
    items = job.write("items.csv", [["item_id", "low", "high"], ["Q2", 1, 7], ["Q3", 1, 7]])
    tables["human"][6][3] = 9
    job.refused(job.run(tables, "--item-file", str(items)), "answer 9", "'Q3'", "'006'", "1..7")


def test_a_constant_item(job: Job, tables: Tables) -> None:
    for row in tables["twin"][1:]:
        row[8] = 4
    job.refused(job.run(tables, "--method", "elastic-net"), "'Q8'", "same answer")


def test_an_item_that_no_twin_answered(job: Job, tables: Tables) -> None:
    for row in tables["twin"][1:]:
        row[8] = ""
    job.refused(job.run(tables), "'Q8'", "no twin has answered")


def test_a_target_with_no_donor(job: Job, tables: Tables) -> None:
    human = [[row[0], row[1]] for row in tables["human"]]
    for row in human[1:]:
        row[1] = ""
    job.refused(job.run({"human": human, "twin": tables["twin"]}), "no donor")


def test_a_one_by_one_table(job: Job) -> None:
    job.refused(
        job.run({"human": [["id", "Q1"], ["1", 3]], "twin": [["id", "Q1"], ["1", 4]]}), "nothing to predict"
    )


def test_a_table_without_items(job: Job, tables: Tables) -> None:
    tables["human"] = [[row[0]] for row in tables["human"]]
    job.refused(job.run(tables), "item column")


def test_a_table_without_rows(job: Job, tables: Tables) -> None:
    tables["human"] = tables["human"][:1]
    job.refused(job.run(tables), "no rows")


@pytest.mark.parametrize("method", ["elasticnet", "rigde", "Ridge "])
def test_an_unknown_method_gets_a_suggestion(job: Job, tables: Tables, method: str) -> None:
    job.refused(job.run(tables, "--method", method), "Did you mean", "truetwin methods")


def test_an_unknown_preset_gets_a_suggestion(job: Job, tables: Tables) -> None:
    job.refused(job.run(tables, "--preset", "movie-lens"), "Did you mean 'movielens'?")


@pytest.mark.parametrize("text", ["alpha=1", "ridge.alpha", "ridge.beta=1", "lasso.alpha=1", "rigde.alpha=1"])
def test_wrong_settings(job: Job, tables: Tables, text: str) -> None:
    job.refused(job.run(tables, "--method", "ridge", "--set", text))


def test_settings_out_of_range(job: Job, tables: Tables) -> None:
    job.refused(job.run(tables, "--method", "ridge", "--set", "ridge.alpha=-1"), "alpha", "-1")
    job.refused(job.run(tables, "--method", "ridge", "--set", "ridge.alpha=high"), "alpha", "high")
    job.refused(job.run(tables, "--method", "hard-svd", "--set", "hard-svd.rank=0"), "rank", "0")


def test_unknown_items_and_respondents(job: Job, tables: Tables) -> None:
    job.refused(job.run(tables, "--items", "Q9"), "'Q9'")
    job.refused(job.run(tables, "--items", "Q3"), "'Q3'", "has human answers")
    job.refused(job.run(tables, "--respondents", "999"), "'999'")


def test_outputs_that_cannot_be_written(job: Job, tables: Tables) -> None:
    job.refused(job.run(tables, "--output", str(job.folder / "no" / "out.csv")), "folder")
    job.refused(job.run(tables, "--output", str(job.folder)), str(job.folder))
    job.refused(job.run(tables, "--output", str(job.folder / "out.docx")), ".csv")
    job.refused(job.run(tables, "--output", str(job.folder / "human.csv")), "overwrite an input")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(job: Job, tables: Tables) -> None:
    closed = job.folder / "closed"
    closed.mkdir(mode=0o500)
    job.refused(job.run(tables, "--output", str(closed / "out.csv")), "permission")


def test_an_old_output_survives_a_failure(job: Job, tables: Tables) -> None:
    job.output.write_text("precious")
    tables["human"][4][2] = "often"
    job.refused(job.run(tables))
    assert job.output.read_text() == "precious"


def test_wrong_use_is_one_line(job: Job, tables: Tables) -> None:
    job.refused(job.command("calibrate"), "'human'")
    job.refused(job.command("calibarte"), "calibarte")
    job.refused(job.run(tables, "--n-jobs", "many"), "--n-jobs")


def test_a_repeated_answer_in_a_long_table(job: Job, tables: Tables) -> None:
    long = [["respondent_id", "item_id", "value"], ["001", "Q1", 3], ["002", "Q1", 2], ["001", "Q1", 4]]
    job.refused(job.run({"human": long, "twin": tables["twin"]}), "'001'", "'Q1'", "several times")


def test_evaluation_refuses_what_it_cannot_do(job: Job, tables: Tables) -> None:
    job.refused(job.run(tables, "--metric", "pearsn", verb="evaluate"), "Did you mean 'pearson'?")
    job.refused(job.run(tables, "--protocol", "leave-one-out", verb="evaluate"), "leave-one-item-out")
    job.refused(job.run(tables, "--methods", "twin,rigde", verb="evaluate"), "Did you mean 'ridge'?")
    job.refused(job.run(tables, "--blocks", "auto", verb="evaluate"), "leave-block-out")
    job.refused(job.run(tables, "--methods", ",", verb="evaluate"), "method")


def test_blocks_that_cover_nothing_or_everything(job: Job, tables: Tables) -> None:
    protocol = ["--protocol", "leave-block-out", "--methods", "ridge", "--preset", "movielens"]
    nothing = job.write("nothing.csv", [["item_id", "block"], ["X1", "A"]])
    job.refused(job.run(tables, *protocol, "--blocks", str(nothing), verb="evaluate"), "none of the 1")
    single = job.write("single.csv", [["item_id", "block"], *([i, "A"] for i in ITEMS)])
    job.refused(job.run(tables, *protocol, "--blocks", str(single), verb="evaluate"), "two blocks")
    wrong = job.write("wrong.csv", [["item", "block"], ["Q1", "A"]])
    job.refused(job.run(tables, *protocol, "--blocks", str(wrong), verb="evaluate"), "item_id")


def test_a_non_numeric_parquet_cell_is_named(job: Job, tables: Tables) -> None:
    human = job.folder / "human.parquet"
    pq.write_table(pa.table({"id": IDS, "Q1": ["a"] * len(IDS)}), human)
    twin = job.write("twin.csv", tables["twin"])
    job.refused(job.command("calibrate", str(human), str(twin)), "'a'", "'Q1'")


def test_predictions_and_draws_are_written_together_or_not_at_all(
    job: Job, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OutputError("cannot write draws.csv: No space left on device")

    monkeypatch.setattr("truetwin.report.files.draw_files.write_with_sidecar", full)
    draws = str(job.folder / "draws.csv")
    code = job.run(tables, "--preset", "twin-2k-500", "--draws", "2", "--draws-output", draws)
    assert code == 2
    assert "No space left" in job.err
    assert sorted(path.name for path in job.folder.iterdir()) == ["human.csv", "twin.csv"]


def test_estimates_without_any_answer_say_that_there_is_none(job: Job, tables: Tables) -> None:
    for row in tables["human"][1:]:
        row[1:] = [""] * (len(row) - 1)
    job.refused(job.run(tables, verb="estimate"), "no answers")
    assert job.run(tables, "--estimates", verb="evaluate") == 2
