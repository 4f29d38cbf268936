"""The documentation builds without a warning, its notebooks run, and its help texts are the program's."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from browser import barriers, chromium, opened
from truetwin.settings.declaration import InStudy, mark_of
from truetwin.settings.study_settings import Study, sections

DOCS = Path(__file__).parents[2] / "docs"
FROM_NETWORK = re.compile(r"""<(script|link|img)\b[^>]*\b(src|href)=["']https?:""")


EXAMPLES = ("market-research", "social-science", "recommenders", "model-evaluation")
LOOKED_AT = (
    "index",
    "tutorial",
    "guides/simulate",
    "guides/coming-from",
    "reference/command-line",
    "notebooks/calibrate",
    "notebooks/estimates",
    "gallery/index",
    *(f"gallery/{name}" for name in EXAMPLES),
)


class Links(HTMLParser):
    """Links, anchors and pictures of one page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.pictures: list[dict[str, str | None]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found[name] or "" for name in ("id", "name") if name in found}
        if tag == "img":
            self.pictures.append(found)
        self.links += [found[name] or "" for name in ("href", "src") if name in found]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as pages, built without a warning."""
    pytest.importorskip("sphinx", reason="the documentation needs the extra 'docs'")
    out = tmp_path_factory.mktemp("docs") / "html"
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "sphinx",
                "-W",
                "--keep-going",
                "-q",
                "-b",
                "html",
                "-t",
                "without_sources",
            ),
            *(str(DOCS), str(out)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_the_documentation_has_what_is_made_for_it_and_needs_no_network(out: Path) -> None:
    for page in out.rglob("*.html"):
        assert not FROM_NETWORK.search(page.read_text(encoding="utf-8")), page
    verbs = (out / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert "Predict what people would answer" in verbs
    executed = (out / "notebooks" / "calibrate.html").read_text(encoding="utf-8")
    assert "lies inside the 90% intervals" in executed
    voices = (out / "notebooks" / "voice.html").read_text(encoding="utf-8")
    assert "the best rule without the person is length-outlier, 100% right" in voices
    keys = (out / "guides" / "study-file.html").read_text(encoding="utf-8")
    assert keys.count('<table class="study-keys') == 1 + len(set(sections().values()))
    for model in (Study, *sections().values()):
        for name, field in model.model_fields.items():
            there = mark_of(field, InStudy)
            assert f">{(there.key if there else None) or name}<" in keys


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def test_no_link_or_anchor_within_the_documentation_is_dead(out: Path) -> None:
    pages = {page.resolve(): Links(page) for page in out.rglob("*.html")}
    dead = []
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment) if there in pages else ""
            if not there.is_file() or (place and place not in pages[there].anchors):
                dead.append(f"{page.relative_to(out)}: {link}")
    assert dead == []


def test_each_example_of_the_gallery_has_a_card_and_a_figure_that_says_what_it_shows(out: Path) -> None:
    cards = (out / "gallery" / "index.html").read_text(encoding="utf-8")
    count = 0
    for name in EXAMPLES:
        page = out / "gallery" / f"{name}.html"
        assert all(len(picture.get("alt") or "") > 40 for picture in Links(page).pictures)
        sections = re.split(r'<section id="', page.read_text(encoding="utf-8"))[1:]
        for section in sections:
            count += 1
            assert '<img alt="' in section
            assert f'href="{name}.html#{section.partition(chr(34))[0]}"' in cards
    assert cards.count('<img alt=""') == count >= 10


@pytest.mark.extra("dev")
@pytest.mark.parametrize("name", LOOKED_AT)
def test_pages_can_be_read_without_mouse_and_screen(out: Path, browser: Any, name: str) -> None:
    with opened(browser, out / f"{name}.html") as page:
        assert barriers(page) == []


@pytest.fixture
def reproduction_page(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(DOCS.parent / "benchmarks"))
    return importlib.import_module("reproduction_page").page


def test_reproduced_cells_stand_beside_the_printed_ones_with_command_date_and_version(
    reproduction_page: Any,
) -> None:
    row = {"method": "ridge", "mean": 0.51071, "standard_error": 0.0047, "n_scored": 250, "n_unscored": 0}
    record = {
        "arguments": ["table-2"],
        "date": "2026-01-02",
        "commit": "abc1234",
        "seconds": 3.0,
        "result": {
            "version": "0.0.9",
            "settings": {},
            "rows": [{**row, "paper": 0.511, "difference": -0.00029}],
        },
    }
    page = reproduction_page([record], [("table-2",)])
    assert "| `ridge` | 0.5107 | 0.0047 | 250 | 0 | 0.511 | -0.0003 |" in page
    assert "2026-01-02, truetwin 0.0.9 (commit abc1234)" in page
    assert "truetwin reproduce table-2" in page
    assert page.endswith("## Not computed\n\nNothing.\n")


def test_what_was_not_reproduced_is_listed_with_the_reason(reproduction_page: Any) -> None:
    failed = {
        "arguments": ["table-4", "--construction", "No Such One"],
        "failure": "error: not in the mirror",
    }
    page = reproduction_page([failed], [tuple(failed["arguments"]), ("table-5",)])
    assert (
        '| `truetwin reproduce table-4 --construction "No Such One"` | its data are not in this mirror |'
        in page
    )
    assert "| `truetwin reproduce table-5` | not run for this edition |" in page
