"""Bad input to the verbs on marginals: one line, exit code 2, nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from truetwin.cli import _run

ITEMS = [f"Q{k}" for k in range(1, 31)]
KNOWN = ITEMS[:27]


class Job:
    """Two good files in a folder of their own, and what happens after they have been spoilt."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rng = np.random.default_rng(0)
        self.folder, self.capsys = folder, capsys
        self.marginals = ["item_id,category,share_or_count,base_size"]
        for item in KNOWN:
            shares = rng.dirichlet(np.ones(3)).round(4)
            shares[2] = 1 - shares[:2].sum()
            self.marginals += [f"{item},{k + 1},{share:.4f},800" for k, share in enumerate(shares)]
        answers = rng.integers(1, 4, size=(40, len(ITEMS)))
        self.twin = ["id," + ",".join(ITEMS)]
        self.twin += [f"t{i}," + ",".join(map(str, row)) for i, row in enumerate(answers)]
        self.extra: dict[str, list[str]] = {}

    def run(self, *options: str, verb: str = "reweight") -> int:
        paths = {name: self.folder / f"{name}.csv" for name in ("marginals", "twin", *self.extra)}
        for name, path in paths.items():
            lines = self.extra.get(name) or getattr(self, name)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        before = sorted(self.folder.iterdir())
        output = ["--output", str(self.folder / "out.csv")] if verb == "reweight" else []
        given = [str(paths[o[1:]]) if o.startswith("@") else o for o in options]
        code = _run([verb, str(paths["marginals"]), str(paths["twin"]), *output, *given], debug=False)
        captured = self.capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        if code:
            assert sorted(self.folder.iterdir()) == before, "something was written"
        return code

    def refused(self, *words: str, options: tuple[str, ...] = (), verb: str = "reweight") -> None:
        assert self.run(*options, verb=verb) == 2
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        assert all(word in self.err for word in words), self.err

    def rows(self) -> list[dict[str, str]]:
        lines = (self.folder / "out.csv").read_text().splitlines()
        names = lines[0].replace('"', "").split(",")
        return [dict(zip(names, line.replace('"', "").split(","), strict=True)) for line in lines[1:]]


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    return Job(tmp_path, capsys)


FAST = ("--method", "transition")


def test_the_good_files_are_good(job: Job) -> None:
    assert job.run(*FAST) == 0
    rows = job.rows()
    assert {row["item_id"] for row in rows} == {"Q28", "Q29", "Q30"}
    for item in ("Q28", "Q29", "Q30"):
        assert sum(float(r["share"]) for r in rows if r["item_id"] == item) == pytest.approx(1)
    assert all(float(r["lower"]) <= float(r["share"]) <= float(r["upper"]) for r in rows)
    sidecar = json.loads((job.folder / "out.json").read_text())
    assert sidecar["populations"][0]["method"] == "transition"
    assert set(sidecar["inputs"]) == {"marginals", "twin"}


def test_shares_that_do_not_sum_to_one(job: Job) -> None:
    job.marginals[4] = "Q2,1,0.9999,800"
    job.refused("'Q2'", "sum to 1", options=FAST)


def test_shares_that_miss_one_by_rounding_are_fine(job: Job) -> None:
    job.marginals[1:4] = ["Q1,1,0.33,800", "Q1,2,0.33,800", "Q1,3,0.33,800"]
    assert job.run(*FAST) == 0


def test_a_negative_count(job: Job) -> None:
    job.marginals[1:4] = ["Q1,1,30,", "Q1,2,-4,", "Q1,3,30,"]
    job.refused("'Q1'", "not negative", "-4", options=FAST)


def test_a_category_that_twins_use_and_the_marginals_lack(job: Job) -> None:
    job.twin[3] = job.twin[3].rsplit(",", len(ITEMS))[0] + ",7" + "," + ",".join(["1"] * (len(ITEMS) - 1))
    job.refused("'Q1'", "'t2'", "7", "share 0", options=FAST)


def test_marginals_that_lack_a_category_of_several_items(job: Job) -> None:
    lacking = ("Q2,3,", "Q5,3,", "Q7,3,")
    job.marginals = [
        line.replace("share_or_count", "count") for line in job.marginals if not line.startswith(lacking)
    ]
    job.refused("'Q2'", "3 items are affected", "nobody chose with share 0", options=FAST)


def test_a_category_that_no_twin_uses_is_predicted_anyway(job: Job) -> None:
    job.twin = [job.twin[0]] + [line.replace(",3", ",2") for line in job.twin[1:]]
    assert job.run("--method", "ensemble") == 0
    assert all(float(r["share"]) > 0 for r in job.rows() if r["category"] == "3")
    assert "no twin chose" in job.err


def test_one_training_item(job: Job) -> None:
    job.marginals = job.marginals[:4]
    job.refused("at least 2 items", "'Q1'", options=FAST)


def test_no_item_in_common(job: Job) -> None:
    job.twin[0] = "id," + ",".join(f"other{k}" for k in range(len(ITEMS)))
    job.refused("no item in common", "Check the item ids", options=FAST)


def test_nothing_to_predict(job: Job) -> None:
    job.twin = [",".join(line.split(",")[:20]) for line in job.twin]
    job.refused("nothing to predict", options=FAST)


def test_fewer_twins_than_categories(job: Job) -> None:
    job.twin = job.twin[:3]
    job.refused("at least as many twins as categories", "2 twins", options=FAST)


def test_twin_weights_that_are_all_zero(job: Job) -> None:
    job.extra["weights"] = ["id,weight", *(f"t{i},0" for i in range(40))]
    job.refused("all weights are zero", options=(*FAST, "--twin-weights", "@weights"))


def test_a_twin_without_a_weight(job: Job) -> None:
    job.extra["weights"] = ["id,weight", *(f"t{i},1" for i in range(39))]
    job.refused("'t39'", options=(*FAST, "--twin-weights", "@weights"))


def test_a_twin_with_two_weights(job: Job) -> None:
    job.extra["weights"] = ["id,weight", *(f"t{i},1" for i in range(40)), "t7,2"]
    job.refused("'t7'", "once", options=(*FAST, "--twin-weights", "@weights"))


def test_a_column_of_weights_among_the_answers_is_no_item(job: Job) -> None:
    job.twin = [f"{line},{'weight' if k == 0 else k / 7}" for k, line in enumerate(job.twin)]
    job.refused("'weight'", "Rename", "--twin-weights", options=FAST)
    assert job.run(*FAST, "--twin-weights", str(job.folder / "twin.csv")) == 0
    assert {row["item_id"] for row in job.rows()} == {"Q28", "Q29", "Q30"}


def test_design_weights_change_the_start_and_zero_leaves_a_twin_out(job: Job) -> None:
    job.extra["weights"] = ["id,weight", *(f"t{i},{0 if i < 5 else 2}" for i in range(40))]
    weights = job.folder / "w.csv"
    options = ("--method", "ensemble", "--twin-weights", "@weights", "--weights-output", str(weights))
    assert job.run(*options) == 0
    written = weights.read_text()
    assert '"t4"' not in written
    assert "t5" in written
    assert "base category" in written


def test_missing_twin_answers_change_the_base_and_are_reported(job: Job) -> None:
    job.twin[1] = "t0," + ",".join([""] * len(ITEMS))
    assert job.run(*FAST) == 0
    assert "fewest: 39 of 40" in job.err


def test_an_item_that_no_twin_answered(job: Job) -> None:
    job.twin = [job.twin[0]] + [",".join([*line.split(",")[:-1], ""]) for line in job.twin[1:]]
    job.refused("'Q30'", "no twin has an answer", options=FAST)


def test_nominal_items_refuse_cumulative_discrepancies(job: Job) -> None:
    words = {"1": "red", "2": "green", "3": "blue"}
    job.marginals = [job.marginals[0]] + [
        ",".join([a, words[b], *rest]) for a, b, *rest in (x.split(",") for x in job.marginals[1:])
    ]
    job.twin = [",".join(line.split(",")[:28]) for line in job.twin]
    job.extra["items"] = ["item_id,kind,categories,labels", "Q27,nominal,1|2|3,1=red|2=green|3=blue"]
    job.marginals = [line for line in job.marginals if not line.startswith("Q27,")]
    job.refused(
        "'ks'", "nominal", options=("--method", "ensemble", "--discrepancy", "ks", "--item-file", "@items")
    )


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("item,category,share_or_count", ("column 'item_id'",)),
        ("item_id,category,amount", ("share_or_count",)),
    ],
)
def test_missing_columns(job: Job, header: str, words: tuple[str, ...]) -> None:
    job.marginals = [header, *(line.rsplit(",", 1)[0] for line in job.marginals[1:])]
    job.refused(*words, options=FAST)


def test_an_amount_that_is_no_number(job: Job) -> None:
    job.marginals[2] = "Q1,2,many,800"
    job.refused("'many'", "'Q1'", options=FAST)


def test_a_category_given_twice(job: Job) -> None:
    job.marginals[2] = job.marginals[1]
    job.refused("'Q1'", "twice", options=FAST)


def test_an_unknown_method_and_an_unknown_discrepancy(job: Job) -> None:
    job.refused("Did you mean 'ensemble'", options=("--method", "ensembel"))
    job.refused("Did you mean 'hellinger'", options=(*FAST, "--discrepancy", "helinger"))


def test_groups_that_lack_an_item(job: Job) -> None:
    job.extra["groups"] = ["item_id,group", "Q1,a", "Q2,b"]
    job.refused("'Q3'", "group", options=(*FAST, "--groups", "@groups"))


def test_text_methods_need_text(job: Job) -> None:
    job.refused("ksoft+text", "(--item-file)", options=("--method", "ksoft+text"))


@pytest.mark.parametrize("level", ["nan", "1", "-0.1", "90"])
def test_a_level_that_is_none(job: Job, level: str) -> None:
    job.refused("--level", "between 0 and 1, or 0", options=(*FAST, "--level", level))
    job.refused("--level", "between 0 and 1;", options=("--level", "0"), verb="evaluate-marginals")


def test_weights_output_needs_a_method_with_weights(job: Job) -> None:
    job.refused(
        "--weights-output", options=("--method", "ksoft", "--weights-output", str(job.folder / "w.csv"))
    )


def test_an_output_that_cannot_be_written_is_refused_before_any_work(job: Job) -> None:
    code = _run(
        ["reweight", "nowhere.csv", "nowhere.csv", "--output", str(job.folder / "no" / "out.csv")],
        debug=False,
    )
    assert code == 2
    assert "folder must exist" in job.capsys.readouterr().err


def test_an_output_must_not_overwrite_an_input(job: Job) -> None:
    job.refused("overwrite an input", options=(*FAST, "--output", str(job.folder / "twin.csv")))


def test_a_file_that_is_no_sidecar_is_not_overwritten(job: Job) -> None:
    other = job.folder / "out.json"
    for text in ('{"my": "data"}', "[1, 2]", "no json"):
        other.write_text(text, encoding="utf-8")
        job.refused("out.json", "no sidecar", options=FAST)
        assert other.read_text(encoding="utf-8") == text
    other.unlink()
    assert job.run(*FAST) == 0
    assert job.run(*FAST) == 0


def test_a_failing_second_output_leaves_no_first(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import truetwin.results.sidecars as report

    real = report.write_draft

    def fail_on_weights(table: object, draft: Path, ending: str, **options: object) -> None:
        if "w.csv" in draft.name:
            raise OSError(28, "No space left on device")
        real(table, draft, ending, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(report, "write_draft", fail_on_weights)
    job.refused(
        "No space left", options=("--method", "ensemble", "--weights-output", str(job.folder / "w.csv"))
    )


def test_evaluate_needs_files_or_a_dataset(job: Job) -> None:
    job.refused("either", options=("--dataset", "movielens"), verb="evaluate-marginals")
    assert _run(["evaluate-marginals"], debug=False) == 2
    assert "either" in job.capsys.readouterr().err


def test_evaluate_prints_the_rows(job: Job) -> None:
    assert job.run("--methods", "transition", "--splits", "2", "--json", verb="evaluate-marginals") == 0
    rows = json.loads(job.out)["rows"]
    assert {r["method"] for r in rows} == {"twins", "mean", "mix", "transition"}
    needed = {"method", "metric", "mean", "standard_error", "n_scored", "seconds"}
    assert all(needed <= set(row) for row in rows)
    assert all(row["trained_on"] == "kl" for row in rows if row["method"] == "transition")
    assert {"kl", "tv", "coverage"} <= {row["metric"] for row in rows}


def test_few_splits_and_few_refusals_are_put_in_words(job: Job) -> None:
    rows = [line.split(",") for line in job.marginals[1:]]
    job.marginals = [job.marginals[0], *(f"{i},c{c},{share},800" for i, c, share, _ in rows)]
    job.marginals.append("Q1,Refused,0.0001,800")
    known = [",".join(line.split(",")[:28]) for line in job.twin]
    job.twin = [known[0], *(line.replace(",", ",c") for line in known[1:])]
    assert job.run("--methods", "mix", "--splits", "1", verb="evaluate-marginals") == 0
    assert job.out.startswith("1 split; ")
    assert "off-scale answers were less than 0.1% of" in job.err


def test_the_last_group_cannot_be_held_out(job: Job) -> None:
    job.extra["groups"] = ["item_id,group", *(f"{item},a" for item in ITEMS)]
    job.refused("at least 2 groups", options=("--groups", "@groups"), verb="evaluate-marginals")


def test_a_wave_of_another_dataset(job: Job) -> None:
    job.refused("--groups wave", options=("--groups", "wave"), verb="evaluate-marginals")


def test_a_narrow_terminal_leaves_out_what_may_be_left_out(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import rich.console

    import truetwin.cli.output as output

    monkeypatch.setattr(output, "console", lambda: rich.console.Console(width=70, highlight=False))
    assert (
        job.run("--methods", "transition", "--splits", "1", "--metrics", "tv", verb="evaluate-marginals") == 0
    )
    heading = next(line for line in job.out.splitlines() if line.lstrip().startswith("method"))
    assert "whole band" in heading
    assert "seconds" not in heading
