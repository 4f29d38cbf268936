"""Page on voice runs, looked at in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from browser import chromium, opened
from truetwin.report.page import render, write_page
from truetwin.report.sections.case_section import browser_data
from truetwin.report.sections.voice_page import verdict_in_words, voice_page
from truetwin.report.sections.voice_section import leaderboard_table
from truetwin.settings.voice_settings import VoiceReport
from truetwin.voice.items.voice_items import PLAYED_ITEMS, Turn, VoiceItem, VoicePersona, write_voice_items
from truetwin.voice.jobs.asked_report import ReportedRuns, report_asked
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome, write_outcomes
from voice_examples import item

HOSTILE = (
    "</script><script>window.hit=1</script><img src=x onerror='window.hit=1'> {{ 7*7 }} \x1b[31m ' \" &lt;"
)


def items() -> list[VoiceItem]:
    labels = {name: name == CAPABILITIES[0] for name in CAPABILITIES}
    found = [item(k) for k in range(8)]
    found[0] = replace(found[0], stimulus=HOSTILE, history=(Turn(HOSTILE, HOSTILE),))
    return [
        replace(each, capabilities={"primary": CAPABILITIES[0], "labels": labels}) if k < 3 else each
        for k, each in enumerate(found)
    ]


def choice(each: VoiceItem, model: str, right: bool) -> Outcome:
    shown = tuple(option.id for option in each.options)
    picked = each.answer if right else next(i for i in shown if i != each.answer)
    about = {"dimension": each.dimension, "persona_id": each.persona.id}
    return choice_outcome(each.item_id, shown, each.answer, picked, model=model, reason=HOSTILE, **about)


def mark(each: VoiceItem, score: float) -> Outcome:
    about: dict[str, Any] = {"dimension": each.dimension, "persona_id": each.persona.id, "judge": "judge"}
    return Outcome(
        each.item_id, Protocol.SCORING, Status.DONE, "first", score=score, reply=HOSTILE,
        details={"verdicts": {"opinion_consistency": "match"}}, **about,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs: the first is right on even items, the second on the first four."""
    folders = []
    for model, is_right in (("first", lambda k: k % 2 == 0), ("second", lambda k: k < 4)):
        folder = tmp_path_factory.mktemp(model)
        write_voice_items(folder / PLAYED_ITEMS, items())
        write_outcomes(
            folder / "choice.jsonl", [choice(i, model, is_right(k)) for k, i in enumerate(items())]
        )
        folders.append(folder)
    write_outcomes(folders[0] / "scoring.jsonl", [mark(each, 1.0 + k % 5) for k, each in enumerate(items())])
    return folders[0], folders[1]


@pytest.fixture(scope="module")
def found(runs: tuple[Path, Path]) -> ReportedRuns:
    return report_asked(VoiceReport(runs=runs))


@pytest.fixture(scope="module")
def page(found: ReportedRuns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(voice_page(found), path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def test_cases_hold_what_each_model_did(found: ReportedRuns) -> None:
    data = browser_data(found.cases)
    assert data["models"] == ["first", "second"]
    assert data["protocols"] == ["choice", "scoring"]
    second = data["cases"][1]
    verdicts = {(a["model"], a["protocol"]): a["attempts"][0]["verdict"] for a in second["answers"]}
    assert verdicts == {(0, 0): "wrong", (1, 0): "right", (0, 1): "mark"}
    assert len(data["turns"]) < sum(len(case["history"]) for case in data["cases"])


def test_the_page_has_comparisons_capabilities_and_the_best_rule(found: ReportedRuns, page: Path) -> None:
    assert [row["mcnemar_p"] for row in found.board.comparisons] == [1.0]
    assert {row["capability"] for row in found.capabilities} == set(CAPABILITIES)
    assert all(s.baseline for s in found.standings if s.protocol == "choice")
    text = page.read_text(encoding="utf-8")
    for heading in ("Results", "Model against model", "Look at items", "Capabilities"):
        assert f">{heading}</h2>" in text
    assert "the best rule without persona (length-outlier): -50.0 points" in text
    assert "(persons: 3, too few to tell this from chance)" in text


@pytest.mark.parametrize(
    ("n_persons", "verdict"), [(5, "persons: 5, too few"), (6, "is below the best rule")]
)
def test_a_model_of_few_persons_is_not_said_to_be_below_the_best_rule(
    tmp_path: Path, n_persons: int, verdict: str
) -> None:
    played = [item(k, persona=VoicePersona(f"p{k % n_persons}")) for k in range(12)]
    write_voice_items(tmp_path / PLAYED_ITEMS, played)
    write_outcomes(tmp_path / "choice.jsonl", [choice(each, "m", right=False) for each in played])
    assert verdict in verdict_in_words(report_asked(VoiceReport(runs=(tmp_path,))))


def test_runs_of_one_model_in_folders_that_are_called_alike_are_told_apart(tmp_path: Path) -> None:
    runs = (tmp_path / "a" / "run", tmp_path / "b" / "run")
    for folder in runs:
        folder.mkdir(parents=True)
        write_voice_items(folder / PLAYED_ITEMS, items())
        write_outcomes(folder / "choice.jsonl", [choice(each, "m", True) for each in items()])
    assert report_asked(VoiceReport(runs=runs)).cases.models == tuple(f"m ({run})" for run in runs)


def test_pillars_and_imputed_marks_are_columns_and_imputed_marks_are_named_in_the_browser(
    tmp_path: Path,
) -> None:
    write_voice_items(tmp_path / PLAYED_ITEMS, items())
    cut = replace(mark(items()[0], 1.0), details={"state": "truncated"})
    write_outcomes(tmp_path / "scoring.jsonl", [cut, *(mark(each, 4.0) for each in items()[1:])])
    found = report_asked(VoiceReport(runs=(tmp_path,)))
    table = leaderboard_table(found.standings)
    shown = {field.name: table.rows[0][field.name] for field in table.shown}
    assert (shown["opinion"], shown["n_imputed"], shown["judged_mean_score"]) == (100.0, 1, 4.0)
    assert "logic" not in shown
    assert "no judge saw it" in table.caption
    first, second = browser_data(found.cases)["cases"][:2]
    assert first["answers"][0]["attempts"][0]["imputed"]
    assert "imputed" not in second["answers"][0]["attempts"][0]


def test_tables_without_marks_do_not_speak_of_pillars(found: ReportedRuns) -> None:
    table = leaderboard_table([s for s in found.standings if s.protocol == "choice"])
    assert not {"opinion", "n_imputed"} & {field.name for field in table.shown}
    assert "imputed" not in table.caption.lower()


def test_no_text_of_a_model_becomes_markup(found: ReportedRuns, page: Path, browser: Any) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script>window.hit" not in text
    assert "onerror='window" not in text
    assert "\x1b" not in text
    with opened(browser, page) as view:
        detail = view.locator("[data-detail]")
        assert "{{ 7*7 }}" in detail.inner_text()
        assert "</script><script>window.hit=1</script>" in detail.inner_text()
        assert detail.locator("img, script").count() == 0
        assert view.evaluate("window.hit") is None


def test_items_are_filtered_by_wrong_disagreement_capability_and_words(page: Path, browser: Any) -> None:
    with opened(browser, page) as view:
        entries, count = view.locator("[data-list] button"), view.locator(".browser > [data-count]")
        wanted = {"wrong": 6, "every": 2, "differ": 4, "right": 2, "lost": 0}
        for value, n in wanted.items():
            view.select_option("[data-show]", value)
            assert entries.count() == n, value
            assert count.inner_text() == f"{n} of 8 items"
        view.select_option("[data-show]", "wrong")
        view.select_option("[data-model]", label="second")
        assert entries.count() == 4
        view.select_option("[data-show]", "all")
        view.select_option("[data-capability]", CAPABILITIES[0])
        assert entries.count() == 3
        view.select_option("[data-capability]", "")
        view.fill("[data-words]", "for time 5")
        assert entries.count() == 1
        view.fill("[data-words]", "")
        view.select_option("[data-model]", "")
        view.select_option("[data-protocol]", label="scoring")
        view.select_option("[data-show]", "wrong")
        assert entries.count() == 4


def test_the_browser_works_by_keyboard(page: Path, browser: Any) -> None:
    with opened(browser, page) as view:
        view.locator("[data-list] button").first.focus()
        for key, at in (("ArrowDown", 2), ("End", 8), ("ArrowUp", 7), ("Home", 1)):
            view.keyboard.press(key)
            assert f"{at} of 8" in view.locator(".turning").inner_text()
            assert view.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
        assert view.locator("[data-list] button[tabindex='0']").count() == 1
        view.locator("[data-step='1']").focus()
        view.keyboard.press("Enter")
        assert "2 of 8" in view.locator(".turning").inner_text()
        assert view.evaluate("document.activeElement.dataset.step") == "1"


@pytest.mark.parametrize("width", [360, 800, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_width(page: Path, browser: Any, width: int, scheme: str) -> None:
    with opened(browser, page, width=width, scheme=scheme) as view:
        root = "document.documentElement"
        assert view.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0
        assert view.locator("[data-detail] .choices > li.true").is_visible()


def test_pages_without_a_browser_of_items_are_as_before() -> None:
    from truetwin.report.page import Page

    assert "data-browser" not in render(Page("t", "q", "a"))


def test_the_same_model_in_two_runs_is_two_models(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "again"
    other.mkdir()
    (other / "choice.jsonl").write_bytes((runs[0] / "choice.jsonl").read_bytes())
    (other / PLAYED_ITEMS).write_bytes((runs[0] / PLAYED_ITEMS).read_bytes())
    models = report_asked(VoiceReport(runs=(runs[0], other))).cases.models
    assert models == (f"first ({runs[0].name})", "first (again)")


@pytest.mark.usefixtures("figures_left_out")
def test_answers_to_unknown_items_are_counted(tmp_path: Path) -> None:
    write_outcomes(tmp_path / "choice.jsonl", [choice(each, "m", True) for each in items()])
    found = report_asked(VoiceReport(runs=(tmp_path,)))
    assert (found.cases.n_unknown, found.cases.cases) == (8, ())
    seen = re.sub("<[^>]+>", "", render(voice_page(found)))
    assert "8 answers are to items that are not known" in seen
    write_voice_items(tmp_path / "items.jsonl", items())
    named = report_asked(VoiceReport(runs=(tmp_path,), items=str(tmp_path / "items.jsonl")))
    assert len(json.dumps(browser_data(named.cases))) > 1000


@pytest.mark.usefixtures("figures_left_out")
def test_replies_that_nobody_judged_can_be_looked_at(tmp_path: Path) -> None:
    written = [
        Outcome(i.item_id, Protocol.REPLY, Status.DONE, "m", dimension=i.dimension, reply="So be it.")
        for i in items()
    ]
    write_outcomes(tmp_path / "reply.jsonl", written)
    write_voice_items(tmp_path / PLAYED_ITEMS, items())
    text = render(voice_page(report_asked(VoiceReport(runs=(tmp_path,)))))
    assert "So be it." in text
    assert ">Results</h2>" not in text
