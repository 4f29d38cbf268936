"""Read the records that the steps of a study have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from truetwin.errors import RunError


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    RunError
        If it cannot be read.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise RunError(f"a result of an earlier step must be readable; {path} is not ({error})") from error
