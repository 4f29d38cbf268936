"""The documentation builds without a warning, its notebooks run, and its help texts are the program's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the documentation needs the extra 'docs'")
    out = tmp_path / "html"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    verbs = (out / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert "Predict what people would answer" in verbs
    executed = (out / "notebooks" / "calibrate.html").read_text(encoding="utf-8")
    assert "lies inside the 90% intervals" in executed
