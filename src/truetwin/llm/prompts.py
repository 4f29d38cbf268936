"""Read prompts from plain files and fill in their placeholders in a single pass.

A file of one text, a template, starts with a version line and a line ``---``::

    version: 1
    ---
    Reply with the answer code to: {{question}}

A file of several messages, a prompt, has a line ``--- role`` before each::

    version: 2
    --- system
    You are {{name}}.
    --- user
    {{question}}

Values that are filled in are data: a value that looks like a placeholder, a section or a brace stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import get_args

from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.io.readable_files import read_text
from truetwin.llm.messages import Message, Role
from truetwin.registry import closest

_PLACEHOLDER = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_SECTION = re.compile(r"^--- *(\w+) *$", re.MULTILINE)
_VERSION = re.compile(r"version: *(\d+) *\n")
_ONE_TEXT = re.compile(r"---\n")


@dataclass(frozen=True)
class Template:
    """Text with placeholders such as ``{{persona}}``.

    A template is cut into literal pieces and names before anything is filled in. Values are never parsed: braces,
    placeholders and format strings in a persona stay as they are.

    Parameters
    ----------
    name : str
        Name of the template, for messages and records.
    text : str
        The text. A single brace has no special meaning.
    version : int, default=0
        Version that its file states; 0 if it states none.

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
        """Text cut at its placeholders: literal, name, literal, name, ..., literal."""
        return tuple(_PLACEHOLDER.split(self.text))

    @property
    def placeholders(self) -> frozenset[str]:
        """Names of the placeholders."""
        return frozenset(self.pieces[1::2])

    @property
    def digest(self) -> str:
        """Hash of the text."""
        return _digest(self.text)

    def describe(self) -> str:
        """Return version and hash, as a run records them."""
        return f"version {self.version}, {self.digest}"

    def parts(self, **values: str | tuple[str, ...]) -> tuple[str, ...]:
        """Fill in the values and return the text in parts: each value stays apart from the words around it.

        Raises
        ------
        ParameterError
            If the values are not exactly those that the template asks for.
        """
        _check_values(self.name, self.placeholders, values)
        found: list[str] = []
        for k, piece in enumerate(self.pieces):
            value = values[piece] if k % 2 else piece
            found.extend(value if isinstance(value, tuple) else (value,))
        return tuple(part for part in found if part)

    def fill(self, **values: str) -> str:
        """Fill in the values and return the text."""
        return "".join(self.parts(**values))


@dataclass(frozen=True)
class Prompt:
    """Messages of a request. Each is a template.

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

    @property
    def placeholders(self) -> frozenset[str]:
        """Names of the placeholders of all messages."""
        return frozenset(name for _, template in self.sections for name in template.placeholders)

    def messages(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """Fill in the values and return the messages. Each section takes the values that it asks for.

        Raises
        ------
        ParameterError
            If a value is missing, or no section asks for one that is given.
        """
        _check_values(self.name, self.placeholders, values)
        return tuple(
            Message(role, template.parts(**{name: values[name] for name in template.placeholders}))
            for role, template in self.sections
        )

    def describe(self) -> dict[str, str | int]:
        """Return name, version and hash, as a run records them."""
        return {"name": self.name, "version": self.version, "digest": self.digest}


def parse_template(name: str, text: str) -> Template:
    """Read the text of a template file. If it has no version line, the whole file is the template.

    Examples
    --------
    >>> parse_template("ask", "version: 3\\n---\\nHello {{name}}!\\n")
    Template(name='ask', text='Hello {{name}}!', version=3)
    """
    version, body = _version_and_body(text)
    start = _ONE_TEXT.match(body)
    if version is None or start is None:
        version, body = 0, text
    else:
        body = body[start.end() :]
    return Template(name, body.removesuffix("\n"), version)


def parse_prompt(name: str, text: str) -> Prompt:
    """Read the text of a prompt file.

    Raises
    ------
    FileFormatError
        If the text has no version line or no messages.

    Examples
    --------
    >>> prompt = parse_prompt("greet", "version: 1\\n--- user\\nHello {{name}}!\\n")
    >>> prompt.messages({"name": "{{name}}"})[0].content
    'Hello {{name}}!'
    """
    version, body = _version_and_body(text)
    pieces = _SECTION.split(body)
    if version is None or pieces[0].strip() or len(pieces) < 3:
        raise FileFormatError(
            f"prompt {name!r} must begin with a line 'version: N' and then have sections that begin with '--- system', "
            f"'--- user' or '--- assistant'; it begins with {text[:40]!r}"
        )
    sections: list[tuple[Role, Template]] = []
    for said, section in zip(pieces[1::2], pieces[2::2], strict=True):
        role = next((r for r in get_args(Role) if r == said), None)
        if role is None:
            raise FileFormatError(
                f"a section of prompt {name!r} must be one of {', '.join(get_args(Role))}; got {said!r}"
            )
        sections.append((role, Template(f"{name}, {role}", section.strip("\n"), version)))
    return Prompt(name, version, tuple(sections), _digest(text))


@dataclass(frozen=True)
class PromptFiles:
    """Prompt files of a package, some of them replaced by a user's files of the same names.

    Parameters
    ----------
    package : str
        The package whose folder ``prompts`` holds the files.
    folder : Path, optional
        The user's folder. A template in it must keep the placeholders of the one that it replaces.

    Raises
    ------
    FileFormatError
        If there is no such folder, or no prompt in it.
    DataError
        If a file replaces nothing, or has other placeholders.
    """

    package: str
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise FileFormatError(f"prompts must lie in a folder; there is no folder {self.folder}")
        found = sorted(p.stem for p in self.folder.glob("*.txt"))
        if not found:
            known = ", ".join(f"{n}.txt" for n in self.names)
            raise FileFormatError(f"{self.folder} must hold prompts, named {known}; it holds none")
        for name in found:
            self._check_replacement(name)

    def _check_replacement(self, name: str) -> None:
        path = f"{self.folder}/{name}.txt"
        if name not in self.names:
            raise DataError(
                f"{path} replaces no prompt; prompts are {', '.join(self.names)}."
                f"{closest(name, list(self.names))}"
            )
        own, given = PromptFiles(self.package)[name].placeholders, self[name].placeholders
        if own != given:
            raise DataError(f"{path} must have the placeholders {_listed(own)}; it has {_listed(given)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all prompts of the package."""
        return _packaged_names(self.package)

    def __getitem__(self, name: str) -> Template:
        """Read the template of a name, the user's if there is one."""
        path = None if self.folder is None else self.folder / f"{name}.txt"
        if path is None or not path.exists():
            return parse_template(name, _packaged_text(self.package, name))
        return parse_template(name, read_text(path))


@cache
def packaged_prompt(package: str, name: str) -> Prompt:
    """Read a prompt that comes with truetwin: file ``<name>.txt`` in the folder ``prompts`` of a package."""
    return parse_prompt(name, _packaged_text(package, name))


@cache
def _packaged_names(package: str) -> tuple[str, ...]:
    folder = files(package) / "prompts"
    return tuple(sorted(p.name.removesuffix(".txt") for p in folder.iterdir() if p.name.endswith(".txt")))


@cache
def _packaged_text(package: str, name: str) -> str:
    return (files(package) / "prompts" / f"{name}.txt").read_text(encoding="utf-8")


def _version_and_body(text: str) -> tuple[int | None, str]:
    """Split off the version line: its number and what follows it, or None and the whole text without such a line."""
    start = _VERSION.match(text)
    return (int(start.group(1)), text[start.end() :]) if start else (None, text)


def _check_values(name: str, asked: Collection[str], given: Collection[str]) -> None:
    """Raise :class:`ParameterError` if the values are not exactly those that a prompt asks for."""
    if set(asked) != set(given):
        raise ParameterError(
            f"the prompt {name!r} takes the values {', '.join(sorted(asked)) or 'none'}; got "
            f"{', '.join(sorted(given)) or 'none'}"
        )


def _listed(placeholders: Collection[str]) -> str:
    return ", ".join("{{" + name + "}}" for name in sorted(placeholders)) or "none"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
