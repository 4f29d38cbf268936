"""Prompts as plain files with named placeholders, filled in exactly once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import read_text
from truetwin.llm.prompts import Template
from truetwin.registry import closest

_HEADER = re.compile(r"version: ([0-9]+)\n---\n")


@dataclass(frozen=True)
class PromptSet:
    """The prompts of a run: the package's own, some of them replaced by files of the user's.

    Parameters
    ----------
    folder : Path, optional
        Folder with files of the same names as the package's; a file replaces the prompt of its name and must keep its
        placeholders.
    """

    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise FileFormatError(f"prompts must lie in a folder; there is no folder {self.folder}")
        found = sorted(p.stem for p in self.folder.glob("*.txt"))
        if not found:
            known = ", ".join(f"{n}.txt" for n in names())
            raise FileFormatError(f"{self.folder} must hold prompts, named {known}; it holds none")
        for name in found:
            if name not in names():
                raise DataError(
                    f"{self.folder / name}.txt replaces no prompt; prompts are {', '.join(names())}."
                    f"{closest(name, list(names()))}"
                )
            own, given = _packaged(name), self[name]
            if own.placeholders != given.placeholders:
                raise DataError(
                    f"{self.folder / name}.txt must have the placeholders "
                    f"{', '.join('{{' + p + '}}' for p in sorted(own.placeholders)) or 'none'}; it has "
                    f"{', '.join('{{' + p + '}}' for p in sorted(given.placeholders)) or 'none'}"
                )

    def __getitem__(self, name: str) -> Template:
        path = None if self.folder is None else self.folder / f"{name}.txt"
        if path is None or not path.exists():
            return _packaged(name)
        return _template(name, read_text(path))

    def describe(self, used: Mapping[str, Template]) -> dict[str, str]:
        """Version and hash of the prompts that are used, as a run records them."""
        return {
            name: f"version {template.version}, {template.digest}" if template.version else template.digest
            for name, template in sorted(used.items())
        }


@cache
def names() -> tuple[str, ...]:
    """Names of all prompts of the package."""
    folder = files("truetwin.simulation") / "prompts"
    return tuple(sorted(p.name.removesuffix(".txt") for p in folder.iterdir() if p.name.endswith(".txt")))


@cache
def _packaged(name: str) -> Template:
    path = files("truetwin.simulation") / "prompts" / f"{name}.txt"
    return _template(name, path.read_text(encoding="utf-8"))


def _template(name: str, text: str) -> Template:
    header = _HEADER.match(text)
    body = text[header.end() :] if header else text
    return Template(name, body.removesuffix("\n"), int(header[1]) if header else 0)
