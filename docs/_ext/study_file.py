"""The directive ``study-file``: every key of a study file, from the models that validate it."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

MODULE = "truetwin.study.study_file"


class StudyFile(Directive):
    """One table a section: key, what it may be, its default, its meaning."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """The study itself, then its sections in the order in which they are done."""
        from truetwin.study import study_file

        sections = {"": study_file.Study, **study_file.SECTIONS}
        meanings = key_meanings()
        found: list[nodes.Node] = []
        for name, model in sections.items():
            section = nodes.section(ids=[nodes.make_id(f"study-{name or 'file'}")])
            section += nodes.title(
                "", "", nodes.literal(text=name) if name else nodes.Text("The file itself")
            )
            section += nodes.paragraph(text=(model.__doc__ or "").strip())
            section += self._table(model, meanings)
            found.append(section)
        return found

    def _table(self, model: Any, meanings: dict[tuple[str, str], str]) -> nodes.Node:
        rows = [("key", "value", "default", "meaning"), ("---",) * 4]
        rows += [
            (f"`{key}`", _kind(field), _default(field), meanings[model.__name__, key])
            for key, field in model.model_fields.items()
        ]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        box = nodes.container()
        self.state.nested_parse(StringList(lines, source=MODULE), self.content_offset, box)
        for table in box.findall(nodes.table):
            table["classes"].append("study-keys")
        return box


def key_meanings() -> dict[tuple[str, str], str]:
    """What stands above each key in the source, by model and key."""
    from sphinx.pycode import ModuleAnalyzer

    found = ModuleAnalyzer.for_module(MODULE).find_attr_docs()
    return {key: " ".join(" ".join(lines).split()) for key, lines in found.items()}


def _default(field: Any) -> str:
    if field.is_required():
        return "must be given"
    value = field.default
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(field: Any) -> str:
    from truetwin.study.study_file import SECTIONS

    words = _words(field.annotation)
    if any(field.annotation in (m, m | None) for m in SECTIONS.values()):
        return "see below"
    return f"{words} {_bounds(field.metadata)}".strip()


def _words(kind: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if kind in names:
        return names[kind]
    if getattr(kind, "__name__", "") == "Path":
        return "file"
    arguments = [a for a in get_args(kind) if a is not type(None) and a is not Ellipsis]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{a}`" for a in arguments)
    if get_origin(kind) is tuple:
        return f"list of: {_words(arguments[0])}"
    if hasattr(kind, "__metadata__"):
        return f"{_words(arguments[0])} {_bounds(kind.__metadata__)}".strip()
    return " or ".join(_words(a) for a in arguments) if arguments else str(kind)


def _bounds(metadata: Any) -> str:
    """The limits of a number, in signs."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    constraints = [m for outer in metadata for m in getattr(outer, "metadata", [outer])]
    return ", ".join(f"{signs[k]} {getattr(m, k)}" for m in constraints for k in signs if hasattr(m, k))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("study-file", StudyFile)
    return {"parallel_read_safe": True}
