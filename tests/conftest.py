"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "mirror"
if "TRUETWIN_DATA_MIRROR" not in os.environ and BESIDE.is_dir():
    os.environ["TRUETWIN_DATA_MIRROR"] = str(BESIDE)


@pytest.fixture
def needs_data() -> None:
    """Skip a test whose published data are not on this machine."""
    if not os.environ.get("TRUETWIN_DATA_MIRROR"):
        pytest.skip("TRUETWIN_DATA_MIRROR is not set: the published data are not on this machine")
