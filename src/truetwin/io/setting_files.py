"""Read settings from YAML or JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError


def read_setting_file(path: Path) -> dict[str, Any]:
    """Read the settings in a YAML (or JSON) file by name; an empty file holds none.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or holds anything but settings by name.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} must be YAML: {' '.join(str(error).split())}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FileFormatError(f"{path} must hold settings by name; it holds a {type(found).__name__}")
    return found
