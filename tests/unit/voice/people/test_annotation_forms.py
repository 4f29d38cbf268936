"""The annotators' form in a real browser: filled in by keyboard, kept over a reload, saved, read back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import DataError
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona
from truetwin.voice.people.annotation_forms import write_sample
from truetwin.voice.people.annotator_files import read_annotators
from truetwin.voice.people.blinded_samples import draw_sample, read_key
from truetwin.voice.protocols.outcomes import Protocol

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = "<img src=x onerror=\"document.title='broken'\"></script><b>bold</b>"


@pytest.fixture
def browser() -> Iterator[Any]:
    api = pytest.importorskip(
        "playwright.sync_api", reason="needs a browser driver: the package playwright of the extra 'dev'"
    )
    if BROWSER is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


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


@pytest.mark.parametrize("width", [360, 1200])
def test_hostile_text_is_shown_and_nothing_overflows(browser: Any, folder: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
    page.goto((folder / "form.html").as_uri())
    assert page.title() == "Which reply is this person's?"
    assert page.locator("#task img, #task b:has-text('bold')").count() == 0
    assert EVIL in page.locator("#task").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == width
