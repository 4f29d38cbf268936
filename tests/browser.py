"""Debian's Chromium for tests of pages; a test that needs it skips, saying so, where it is not installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser."""
    driving = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra dev, which brings playwright"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium on this machine: install Debian's package chromium")
    with driving.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, path: Path, *, width: int = 1000, scheme: str = "light") -> Iterator[Any]:
    """A page from disk; anything it reports as an error fails the test.

    All pages of a browser are opened in one tab, one after the other: a new tab takes half a second.
    """
    page = browser.contexts[0].pages[0] if browser.contexts else browser.new_context().new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    troubles: list[str] = []
    told = {
        "console": lambda message: troubles.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: troubles.append(str(error)),
        "request": lambda request: (
            None if _local(request.url) else troubles.append(f"asks for {request.url}")
        ),
    }
    for event, listen in told.items():
        page.on(event, listen)
    try:
        page.goto(path.as_uri())
        yield page
        assert troubles == []
    finally:
        for event, listen in told.items():
            page.remove_listener(event, listen)


def barriers(page: Any) -> list[str]:
    """Serious faults of a page for readers without a mouse or a screen, as axe finds them."""
    from axe_playwright_python.sync_playwright import Axe

    # What axe finds in order would be listed element by element, which takes a third of its time.
    only_faults = {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(page, options=only_faults).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:100]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def _local(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:", "about:"))
