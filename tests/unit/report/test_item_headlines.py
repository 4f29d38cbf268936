"""Answers that a report opens with: in words, with the cells that they are read from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pytest

import truetwin as tt
from truetwin.data import Item, Scale
from truetwin.datasets import generate_population
from truetwin.report.files.estimate_files import write_estimates
from truetwin.report.headline import Bar, Cited, Headline
from truetwin.report.page import Page, render, write_page
from truetwin.report.sections.item_headlines import (
    estimate_headlines,
    headlines_in_words,
    people_headlines,
)


def row(category: str | None, estimate: float, lower: float, upper: float, **other: Any) -> dict[str, Any]:
    statistic = "share" if category else "mean"
    where = {"item": "Q1", "by": None, "group": "all", "statistic": statistic, "category": category}
    return {**where, "estimate": estimate, "lower": lower, "upper": upper, **other}


def record(rows: list[dict[str, Any]], publish: str = "publish", by: str | None = None) -> dict[str, Any]:
    told = {"item": "Q1", "publish": publish, "reason": "worth about 500 people"}
    return {"items": [told], "rows": rows, "crosstabs": [{"by": by}] if by else [], "level": 0.9}


ITEMS = {"Q1": Item("Q1", text="Would you buy it?")}
SCALES = {"Q1": Scale.ordinal(1, 5)}
YES_NO = [row("yes", 0.36, 0.31, 0.42), row("no", 0.64, 0.58, 0.69)]


def test_a_clear_answer_is_said_with_its_band() -> None:
    (found,) = estimate_headlines(record(YES_NO), "share", ITEMS, SCALES, "estimates.csv")
    assert found.sentence == "Between 58% and 69% would answer “no”; we expect 64%."
    assert (found.title, found.name, found.trusted) == ("Would you buy it?", "Q1", True)
    assert [bar.label for bar in found.bars] == ["yes", "no"]
    assert found.bars[0].places == (31.0, 36.0, 42.0)
    assert headlines_in_words([found], record(YES_NO)) == (
        found.sentence,
        "Publish: worth about 500 people.",
    )


def test_an_unclear_commonest_answer_is_said_to_be_unclear() -> None:
    unclear = [row("yes", 0.48, 0.30, 0.66), row("no", 0.52, 0.34, 0.70)]
    (found,) = estimate_headlines(record(unclear, "indicative only"), "share", ITEMS, SCALES, "e.csv")
    assert found.sentence.endswith("we expect 52%. Another answer may be as common.")
    assert not found.trusted


def test_groups_stand_below_with_the_commonest_answer_of_everybody() -> None:
    grouped = [
        row("no", 0.7, 0.6, 0.8, by="age", group="old"),
        row("yes", 0.3, 0.2, 0.4, by="age", group="old"),
    ]
    (found,) = estimate_headlines(record([*YES_NO, *grouped], by="age"), "share", ITEMS, SCALES, "e.csv")
    assert [(bar.label, bar.estimate.text) for bar in found.groups] == [("old", "70%")]
    assert found.by == "“no” by age"


def test_a_mean_lies_on_its_scale_and_stands_in_where_there_are_no_shares() -> None:
    for asked in ("mean", "share"):
        (found,) = estimate_headlines(record([row(None, 3.0, 2.0, 4.0)]), asked, ITEMS, SCALES, "e.csv")
        assert (
            found.sentence
            == "The mean answer should lie between 2.00 and 4.00 on the scale from 1 to 5; we expect 3.00."
        )
        assert found.bars[0].places == (25.0, 50.0, 75.0)


def test_estimates_without_interval_are_no_headline() -> None:
    bare = [row("yes", 0.36, None, None)]  # type: ignore[arg-type]
    assert estimate_headlines(record(bare), "share", ITEMS, SCALES, "e.csv") == []


def test_expected_correlations_of_single_people_are_headlines_too() -> None:
    laws = {"Q1": {"expected_correlation": [0.1, 0.4, 0.6]}, "Q2": {"expected_correlation": None}}
    (found,) = people_headlines({"laws": laws}, [{"item": "Q1", "verdict": "do not trust"}], ITEMS)
    assert "should correlate about 0.40" in found.sentence
    assert not found.trusted


def test_texts_of_headlines_are_escaped_and_places_stay_on_the_axis() -> None:
    cited = Cited("<b>9</b>", 9.0, "<i>", {"item": '"><script>'}, "estimate")
    bar = Bar("<u>label</u>", cited, cited, cited)
    assert bar.places == (100.0, 100.0, 100.0)
    text = render(
        Page(
            "t", "q", "a", headlines=[Headline("<h1>x</h1>", "", "<s>", "<v>", False, [bar])], evidence="<e>"
        )
    )
    for hostile in ("<b>9", "<u>label", "<h1>x", "<s>", "<v>", "<e>", "><script>"):
        assert hostile not in text


@pytest.mark.extra("dev")
def test_every_number_on_the_first_screen_is_the_one_in_its_file(tmp_path: Path) -> None:
    from browser import chromium, opened

    panel = generate_population(120, 14, n_new_items=3).panel
    result = tt.estimate(panel)
    write_estimates(result, tmp_path / "estimates.csv", inputs={}, settings={})
    sidecar = json.loads((tmp_path / "estimates.json").read_text(encoding="utf-8"))
    items = {i: panel.items[i] for i in panel.item_ids}
    found = estimate_headlines(sidecar, "share", items, panel.scales, "estimates.csv")
    write_page(Page("t", "q", "a", headlines=found), tmp_path / "report.html")
    lines = (tmp_path / "estimates.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    body = "".join(line for line in lines if not line.startswith("#"))
    rows = pc.read_csv(pa.BufferReader(body.encode("utf-8"))).to_pylist()
    with chromium() as browser, opened(browser, tmp_path / "report.html", width=800) as page:
        shown = page.eval_on_selector_all(
            "[data-file]", "all => all.map(e => ({...e.dataset, text: e.innerText}))"
        )
    assert len(shown) == 3 * sum(r["statistic"] == "share" for r in rows)
    for number in shown:
        where = json.loads(number["row"])
        (cell,) = [
            r[number["column"]]
            for r in rows
            if all(str(r[name]) == value for name, value in where.items())
            and not (r["by"] and "by" not in where)
        ]
        assert float(number["value"]) == pytest.approx(cell)
        assert number["text"] == f"{cell:z.0%}"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["publish"] * 2, "All 2 can be published."),
        (["publish", "publish with care"], "All 2 can be published, 1 of them with care."),
        (["publish with care"] * 2, "All 2 can be published with care."),
    ],
)
def test_a_report_says_whether_all_of_its_items_can_be_published(words: list[str], answer: str) -> None:
    found = estimate_headlines(record(YES_NO), "share", ITEMS, SCALES, "e.csv") * 2
    several = {"items": [{"publish": word} for word in words], "level": 0.9}
    assert headlines_in_words(found, several)[1] == answer
