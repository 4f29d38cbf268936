"""Prompts as plain files with named placeholders, filled in once and never expanded again.

A file starts with a version line; ``--- role`` lines begin the messages::

    version: 2
    --- system
    You are {{name}}.
    --- user
    {{question}}

Whatever is filled in is data: a value that looks like a placeholder, a section or a brace stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import get_args

from truetwin.errors import FileFormatError, ParameterError
from truetwin.llm.messages import Message, Role

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_SECTION = re.compile(r"^--- *(\w+) *$", re.MULTILINE)
_VERSION = re.compile(r"version: *(\d+) *\n")


@dataclass(frozen=True)
class Template:
    """The messages of a prompt with places for values.

    Parameters
    ----------
    name : str
        What the template is called in records and errors.
    version : int
        Number that its file declares; results of different versions are not comparable.
    sections : tuple of (role, text)
        Messages in order, with ``{{name}}`` where a value goes.
    digest : str
        First 12 hexadecimal digits of the file's SHA-256, which tell a changed file whose version was not.

    Examples
    --------
    >>> template = parse_template("greet", "version: 1\\n--- user\\nHello {{name}}!\\n")
    >>> template.messages({"name": "{{name}}"})[0].content
    'Hello {{name}}!'
    """

    name: str
    version: int
    sections: tuple[tuple[Role, str], ...]
    digest: str

    @cached_property
    def placeholders(self) -> frozenset[str]:
        """Names of the values that the template needs."""
        return frozenset(name for _, text in self.sections for name in _PLACEHOLDER.findall(text))

    def describe(self) -> dict[str, str | int]:
        """Name, version and digest, as a run records them."""
        return {"name": self.name, "version": self.version, "digest": self.digest}

    def messages(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The messages with every value in its place; each value is a part of its own.

        Raises
        ------
        ParameterError
            If a value is missing, or one is given that no placeholder takes.
        """
        if self.placeholders != values.keys():
            missing, unknown = self.placeholders - values.keys(), values.keys() - self.placeholders
            raise ParameterError(
                f"the values of prompt {self.name!r} must be {', '.join(sorted(self.placeholders))}; "
                f"missing: {', '.join(sorted(missing)) or 'none'}; unknown: {', '.join(sorted(unknown)) or 'none'}"
            )
        return tuple(Message(role, _filled(text, values)) for role, text in self.sections)


def _filled(text: str, values: Mapping[str, str]) -> tuple[str, ...]:
    pieces = _PLACEHOLDER.split(text)  # text, name, text, name, ..., text
    parts = (values[piece] if k % 2 else piece for k, piece in enumerate(pieces))
    return tuple(part for part in parts if part)


def parse_template(name: str, text: str) -> Template:
    """The template that a file's text holds; raises :class:`FileFormatError` for anything else."""
    start = _VERSION.match(text)
    sections = _SECTION.split(text[start.end() :] if start else text)
    if start is None or sections[0].strip() or len(sections) < 3:
        raise FileFormatError(
            f"prompt {name!r} must begin with a line 'version: N' and then have sections that begin with '--- system', "
            f"'--- user' or '--- assistant'; it begins with {text[:40]!r}"
        )
    roles, bodies = sections[1::2], sections[2::2]
    for role in roles:
        if role not in get_args(Role):
            raise FileFormatError(
                f"a section of prompt {name!r} must be one of {', '.join(get_args(Role))}; got {role!r}"
            )
    return Template(
        name,
        int(start.group(1)),
        tuple((role, body.strip("\n")) for role, body in zip(roles, bodies, strict=True)),  # type: ignore[misc]
        hashlib.sha256(text.encode()).hexdigest()[:12],
    )


@cache
def packaged_template(package: str, name: str) -> Template:
    """A template that comes with truetwin: file ``<name>.txt`` in the folder ``prompts`` of a package."""
    return parse_template(name, (files(package) / "prompts" / f"{name}.txt").read_text(encoding="utf-8"))


def read_template(path: str | Path) -> Template:
    """A template of one's own, from a file."""
    path = Path(path)
    try:
        return parse_template(path.name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"cannot read the prompt {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"the prompt {path} must be UTF-8: {error}") from error
