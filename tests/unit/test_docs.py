"""The documentation builds without a warning, its notebooks run, and its help texts are the program's."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from browser import barriers, chromium, opened
from truetwin.settings.declaration import InStudy, mark_of
from truetwin.settings.study_settings import Study, sections

DOCS = Path(__file__).parents[2] / "docs"
FROM_NETWORK = re.compile(r"""<(script|link|img)\b[^>]*\b(src|href)=["']https?:""")


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


@pytest.mark.extra("dev")
@pytest.mark.parametrize(
    "name", ["index", "tutorial", "guides/simulate", "reference/command-line", "notebooks/calibrate"]
)
def test_pages_can_be_read_without_mouse_and_screen(out: Path, name: str) -> None:
    with chromium() as browser, opened(browser, out / f"{name}.html") as page:
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
