from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import barriers, chromium, opened
from truetwin.report.figures.theme import new_figure, shorten
from truetwin.report.page import Field, Page, Picture, Section, Table, csv_link, render, write_page

HOSTILE = '<script>document.title="taken"</script><img src=x onerror=alert(1)>{{ 7 * 7 }}$\\frac{1}$'


def a_page(name: str, n_rows: int = 30) -> Page:
    figure, axes = new_figure()
    axes.set_title(shorten(name, 200))
    axes.plot([0, 1], [0, 1])
    rows = [{"item": f"{name} {k}", "score": None if k == 3 else (k * 7 % 30) / 10} for k in range(n_rows)]
    table = Table(
        name, (Field("item", name), Field("score", "score", ".2f"), Field("why", "why")), rows, name
    )
    return Page(
        name,
        name,
        name,
        name,
        ((name, name),),
        (Section(name, (name,), (table, Picture("p", figure, name, rows))),),
    )


def test_hostile_texts_stay_text() -> None:
    text = render(a_page(HOSTILE))
    assert HOSTILE not in text
    assert "49" not in text.split("<tbody>")[0]


def test_the_data_behind_a_link_are_the_rows() -> None:
    rows = [{"item": 'a "quoted", name', "n": 1}, {"item": "b", "n": None, "extra": 2.5}]
    text = base64.b64decode(csv_link(rows).partition("base64,")[2]).decode()
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"item": 'a "quoted", name', "n": "1", "extra": ""},
        {"item": "b", "n": "", "extra": "2.5"},
    ]


def test_columns_without_a_value_are_left_out_and_missing_rows_are_said() -> None:
    page = a_page("plain", 1200)
    assert [f.name for f in page.sections[0].blocks[0].shown] == ["item", "score"]
    assert "1000 of 1200 rows" in render(page)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(a_page(HOSTILE), path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.mark.extra("dev")
def test_the_page_fits_every_width_in_light_and_dark_and_reports_no_error(
    browser: Any, page_file: Path
) -> None:
    for scheme in ("light", "dark"):
        for width in (360, 800, 1280):
            with opened(browser, page_file, width=width, scheme=scheme) as page:
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert page.title() == HOSTILE
                assert page.locator("img").count() == 0
                assert page.locator("figure svg").count() == 1
                assert barriers(page) == []


@pytest.mark.extra("dev")
def test_tables_sort_and_filter_by_keyboard(browser: Any, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        scores = "[...document.querySelectorAll('tbody tr')].map(r => r.cells[1].dataset.value)"
        heading = page.locator("th").nth(1)
        heading.locator("button").focus()
        page.keyboard.press("Enter")
        first = page.evaluate(scores)
        assert heading.get_attribute("aria-sort") == "ascending"
        assert first[-1] == ""
        assert [float(x) for x in first[:-1]] == sorted(float(x) for x in first[:-1])
        page.keyboard.press("Enter")
        assert [float(x) for x in page.evaluate(scores)[:-1]] == [float(x) for x in first[:-1]][::-1]
        page.locator("[data-filter]").fill("2.9")
        assert page.locator("tbody tr:visible").count() == 1
        assert page.locator("[data-count]").inner_text() == "1 of 30 rows match"


@pytest.mark.extra("dev")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_saved_as_they_are_seen(
    browser: Any, page_file: Path, tmp_path: Path, scheme: str
) -> None:
    with opened(browser, page_file, scheme=scheme) as page:
        for kind in ("SVG", "PNG"):
            with page.expect_download() as waited:
                page.get_by_role("button", name=kind, exact=True).click()
            assert waited.value.suggested_filename == f"p.{kind.lower()}"
            waited.value.save_as(tmp_path / f"p.{kind.lower()}")
    drawing = (tmp_path / "p.svg").read_text(encoding="utf-8")
    paper = {"light": "#ffffff", "dark": "#14181d"}[scheme]
    assert f"--paper: {paper}" in drawing
    assert {name for name in re.findall(r"var\((--\w+)\)", drawing) if f"{name}:" not in drawing} == set()
    picture = (tmp_path / "p.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == 1920


def test_an_answer_names_the_means_that_its_gain_is_between() -> None:
    import numpy as np

    from truetwin.evaluation import Evaluation
    from truetwin.evaluation.calibration_gain import gain_in_words

    nan = float("nan")
    table = Evaluation(
        ("a", "b", "c", "d"),
        {
            ("twin", "pearson"): np.array([0.2, 0.3, 0.22, nan]),
            ("auto", "pearson"): np.array([0.31, 0.42, 0.32, 0.0]),
        },
        {name: np.full(4, 100) for name in ("twin", "auto")},
        {"twin": {}, "auto": {}},
        {"twin": 0.0, "auto": 0.0},
        0.0,
        {"baseline": "twin"},
    )
    row = table.summary()[1]
    assert row["mean"] == pytest.approx(0.2625)
    assert "from 0.240 to 0.350 (paired gain +0.110" in gain_in_words(row)
    assert "3 targets" in gain_in_words(row)
    nothing = {**row, "difference": float("nan"), "n_paired": 0}
    assert gain_in_words(nothing).startswith("Whether calibration gains anything cannot be told")


def test_control_characters_are_shown_and_not_sent() -> None:
    table = Table("t", [Field("g", "group")], [{"g": "\x1b]8"}])
    page = Page("a\x1b[31mred", "q?", "a <b>\x07", sections=[Section("s", ["\x00"], [table])])
    html = render(page)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", html)
    assert r"a\x1b[31mred" in html
    assert r"a &lt;b&gt;\x07" in html
