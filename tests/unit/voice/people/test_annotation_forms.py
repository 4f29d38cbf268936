"""The annotators' form in a real browser: filled in by keyboard, kept over a reload, saved, read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import chromium
from truetwin.errors import DataError
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona
from truetwin.voice.people.annotation_forms import write_sample
from truetwin.voice.people.annotator_files import read_annotators
from truetwin.voice.people.blinded_samples import draw_sample, read_key
from truetwin.voice.protocols.outcomes import Protocol

EVIL = "<img src=x onerror=\"document.title='broken'\"></script><b>bold</b>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    items = [
        VoiceItem(
            f"i{k}", "social", "zh", VoicePersona(f"p{k}", EVIL), f"stimulus {k} {EVIL} " + "x" * 300,
            tuple(Option(x, f"{k}{x}") for x in "abcd"), "a", (Turn("你好", EVIL),),
        )
        for k in range(3)
    ]  # fmt: skip
    write_sample(tmp_path, draw_sample(items, Protocol.CHOICE, 3))
    return tmp_path


def test_a_form_is_filled_by_keyboard_saved_and_read_back(browser: Any, folder: Path) -> None:
    page = browser.new_context(viewport={"width": 360, "height": 700}, accept_downloads=True).new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto((folder / "form.html").as_uri())
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.press("D")
    page.reload()
    assert page.locator("#task h1").inner_text() == "Task 2 of 3"
    assert page.locator("input[value=D]").is_checked()
    page.keyboard.press("p")
    assert page.locator("input[value=B]").is_checked()
    assert page.locator("#progress").evaluate("bar => [bar.value, bar.max]") == [2, 3]
    page.locator("#save").click()
    assert "name or initials" in page.locator("#message").inner_text()
    page.locator("#annotator").fill("Anna Ä.")
    with page.expect_download() as download:
        page.locator("#save").click()
    saved = folder / download.value.suggested_filename
    download.value.save_as(saved)
    key = read_key(folder / "key.json")
    (anna,) = read_annotators([saved], key)
    assert (anna.name, anna.labels) == ("Anna Ä.", {"t1": "B", "t2": "D"})
    assert saved.name == f"annotations-{key.sample}-Anna-Ä-.json"
    assert failures == []
    other = key.__class__("other", key.protocol, key.tasks, key.n_population, key.seed)
    with pytest.raises(DataError, match="must belong to sample other"):
        read_annotators([saved], other)


def test_no_answer_is_lost_when_the_storage_of_the_browser_shows_older_contents(
    browser: Any, folder: Path
) -> None:
    """Chromium does so now and then after a reload; scripts that run before the page's own stand in for it."""
    form = (folder / "form.html").as_uri()
    everything_kept = "JSON.stringify(localStorage)"
    put_back = "for (const [name, value] of Object.entries({})) localStorage.setItem(name, value)"
    page = browser.new_context().new_page()
    page.goto(form)
    page.keyboard.press("b")
    older = page.evaluate(everything_kept)
    page.keyboard.press("Enter")
    page.keyboard.press("D")
    newer = page.evaluate(everything_kept)
    page.add_init_script(put_back.format(older))
    page.reload()
    assert page.locator("#task h1").inner_text() == "Task 2 of 3"
    assert page.locator("input[value=D]").is_checked()
    tab_opened_later = browser.new_context().new_page()
    tab_opened_later.add_init_script(put_back.format(newer))
    tab_opened_later.goto(form)
    assert tab_opened_later.locator("#task h1").inner_text() == "Task 2 of 3"
    assert tab_opened_later.locator("input[value=D]").is_checked()


@pytest.mark.parametrize("width", [360, 1200])
def test_hostile_text_is_shown_and_nothing_overflows(browser: Any, folder: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
    page.goto((folder / "form.html").as_uri())
    assert page.title() == "Which reply is this person's?"
    assert page.locator("#task img, #task b:has-text('bold')").count() == 0
    assert EVIL in page.locator("#task").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == width
