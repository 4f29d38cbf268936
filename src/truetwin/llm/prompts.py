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
from typing import get_args

from truetwin.errors import FileFormatError, ParameterError
from truetwin.llm.messages import Message, Role

_PLACEHOLDER = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_SECTION = re.compile(r"^--- *(\w+) *$", re.MULTILINE)
_VERSION = re.compile(r"version: *(\d+) *\n")


@dataclass(frozen=True)
class Template:
    """A text with placeholders such as ``{{persona}}``.

    A template is cut into literal pieces and names before anything is filled in, and what is filled in is never looked
    at: braces, placeholders and format strings in a persona stay as they are.

    Parameters
    ----------
    name : str
        Name of the template, for messages and records.
    text : str
        The text. A single brace is a brace.
    version : int, default=0
        What its file says; 0 if it says nothing.

    Examples
    --------
    >>> Template("greeting", "Dear {{name}}, {braces} stay.").fill(name="{{name}} {0} %s")
    'Dear {{name}} {0} %s, {braces} stay.'
    """

    name: str
    text: str
    version: int = 0

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """Literal, name, literal, name, ..., literal."""
        return tuple(_PLACEHOLDER.split(self.text))

    @property
    def placeholders(self) -> frozenset[str]:
        """Names of the placeholders."""
        return frozenset(self.pieces[1::2])

    @property
    def digest(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def parts(self, **values: str | tuple[str, ...]) -> tuple[str, ...]:
        """The filled-in text in parts: what is filled in stays apart from the words around it.

        Raises
        ------
        ParameterError
            If the values are not exactly those that the template asks for.
        """
        if set(values) != self.placeholders:
            raise ParameterError(
                f"the prompt {self.name!r} takes the values {', '.join(sorted(self.placeholders)) or 'none'}; got "
                f"{', '.join(sorted(values)) or 'none'}"
            )
        found: list[str] = []
        for k, piece in enumerate(self.pieces):
            value = values[piece] if k % 2 else piece
            found.extend(value if isinstance(value, tuple) else (value,))
        return tuple(part for part in found if part)

    def fill(self, **values: str) -> str:
        """The filled-in text."""
        return "".join(self.parts(**values))


@dataclass(frozen=True)
class Prompt:
    """The messages of a request, each a template.

    Parameters
    ----------
    name : str
        Name of the prompt, for messages and records.
    version : int
        Number that its file declares; results of different versions are not comparable.
    sections : tuple of (role, Template)
        The messages, in order.
    digest : str
        Hash of the file, which tells that a text was changed although its version was not.
    """

    name: str
    version: int
    sections: tuple[tuple[Role, Template], ...]
    digest: str

    def messages(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The messages with every value in its place; a section takes the values that it asks for.

        Raises
        ------
        ParameterError
            If a value is missing, or no section asks for one that is given.
        """
        asked = {name for _, template in self.sections for name in template.placeholders}
        if asked != values.keys():
            raise ParameterError(
                f"the prompt {self.name!r} takes the values {', '.join(sorted(asked)) or 'none'}; got "
                f"{', '.join(sorted(values)) or 'none'}"
            )
        return tuple(
            Message(role, template.parts(**{name: values[name] for name in template.placeholders}))
            for role, template in self.sections
        )

    def describe(self) -> dict[str, str | int]:
        """Name, version and hash, as a run records them."""
        return {"name": self.name, "version": self.version, "digest": self.digest}


def parse_prompt(name: str, text: str) -> Prompt:
    """The prompt that a file's text holds; raises :class:`FileFormatError` for anything else.

    Examples
    --------
    >>> prompt = parse_prompt("greet", "version: 1\\n--- user\\nHello {{name}}!\\n")
    >>> prompt.messages({"name": "{{name}}"})[0].content
    'Hello {{name}}!'
    """
    start = _VERSION.match(text)
    pieces = _SECTION.split(text[start.end() :] if start else text)
    if start is None or pieces[0].strip() or len(pieces) < 3:
        raise FileFormatError(
            f"prompt {name!r} must begin with a line 'version: N' and then have sections that begin with '--- system', "
            f"'--- user' or '--- assistant'; it begins with {text[:40]!r}"
        )
    version = int(start.group(1))
    sections: list[tuple[Role, Template]] = []
    for said, body in zip(pieces[1::2], pieces[2::2], strict=True):
        role = next((r for r in get_args(Role) if r == said), None)
        if role is None:
            raise FileFormatError(
                f"a section of prompt {name!r} must be one of {', '.join(get_args(Role))}; got {said!r}"
            )
        sections.append((role, Template(f"{name}, {role}", body.strip("\n"), version)))
    return Prompt(name, version, tuple(sections), hashlib.sha256(text.encode()).hexdigest()[:16])


@cache
def packaged_prompt(package: str, name: str) -> Prompt:
    """A prompt that comes with truetwin: file ``<name>.txt`` in the folder ``prompts`` of a package."""
    return parse_prompt(name, (files(package) / "prompts" / f"{name}.txt").read_text(encoding="utf-8"))
