"""The directive ``study-file``: every key of a study file, from the settings of the jobs."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

MODULE = "truetwin.settings.study_settings"


class StudyFile(Directive):
    """One table a section: key, what it may be, its default, its meaning."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """The study itself, then its sections, those within a section after it."""
        from truetwin.settings.study_settings import Study, sections

        found: list[nodes.Node] = []
        shown: dict[Any, str] = {}
        for path, model in {"": Study, **sections()}.items():
            section = nodes.section(ids=[nodes.make_id(f"study-{path or 'file'}")])
            section += nodes.title(
                "", "", nodes.literal(text=path) if path else nodes.Text("The file itself")
            )
            section += nodes.paragraph(text=(model.__doc__ or "").strip())
            if model in shown:
                section += nodes.paragraph(
                    "", "The keys are those of ", nodes.literal(text=shown[model]), nodes.Text(".")
                )
            else:
                section += self._table(model)
            shown.setdefault(model, path)
            found.append(section)
        return found

    def _table(self, model: Any) -> nodes.Node:
        rows = [("key", "value", "default", "meaning"), ("---",) * 4]
        fields = model.model_fields
        rows += [
            (
                f"`{key_of(name, fields[name])}`",
                _kind(fields[name]),
                _default(fields[name]),
                _meaning(fields[name]),
            )
            for name in model.own_first()
        ]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        box = nodes.container()
        self.state.nested_parse(StringList(lines, source=MODULE), self.content_offset, box)
        for table in box.findall(nodes.table):
            table["classes"].append("study-keys")
        return box


def key_of(name: str, field: Any) -> str:
    """The key of a setting in a study file."""
    from truetwin.settings.declaration import InStudy, mark_of

    there = mark_of(field, InStudy)
    return (there.key if there else None) or name


def _meaning(field: Any) -> str:
    text = str(field.description).replace("<", "&lt;").replace("|", "\\|")
    return text.replace(" may be repeated.", " a list.").replace("separated by commas; a list.", "a list.")


def _default(field: Any) -> str:
    from truetwin.settings.declaration import MISSING, InStudy, Unset, mark_of
    from truetwin.settings.setting_wording import models_in

    if field.is_required():
        return "must be given"
    there, unset = mark_of(field, InStudy), mark_of(field, Unset)
    value = field.default if there is None or there.default is MISSING else there.default
    if value is None and unset is not None:
        return unset.text
    if value is None or value in ((), {}) or models_in(field.annotation):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(field: Any) -> str:
    from truetwin.settings.declaration import Unit, mark_of
    from truetwin.settings.setting_wording import bounds_of, in_words, models_in, named, range_in_words

    if models_in(field.annotation):
        return "see below"
    words = named(field) or in_words(field.annotation)
    unit, bounds = mark_of(field, Unit), range_in_words(bounds_of(field))
    parts = [words, unit.name if unit else "", bounds if not named(field) else ""]
    return ", ".join(part for part in parts if part).replace("|", "\\|")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("study-file", StudyFile)
    return {"parallel_read_safe": True}
