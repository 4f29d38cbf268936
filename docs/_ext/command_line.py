"""The directive ``command-line``: help texts as the program itself gives them."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


class CommandLine(Directive):
    """All verbs, or those named as arguments, each with its help text."""

    optional_arguments = 8
    has_content = False

    def run(self) -> list[nodes.Node]:
        """One section a verb."""
        import typer.main

        from truetwin.cli.app import app

        program = typer.main.get_command(app)
        found: list[nodes.Node] = []
        for path, command in sorted(_leaves(program, ())):
            if self.arguments and path[0] not in self.arguments:
                continue
            name = " ".join(("truetwin", *path))
            section = nodes.section(ids=[nodes.make_id(name)])
            section += nodes.title(text=name)
            text = _help(command, name)
            section += nodes.literal_block(text, text, language="text")
            found.append(section)
        return found


def _leaves(command: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if not children:
        return [(path, command)]
    return [leaf for name, child in children.items() for leaf in _leaves(child, (*path, name))]


def _help(command: Any, name: str) -> str:
    context = command.make_context(name, [], resilient_parsing=True, terminal_width=96, max_content_width=96)
    return str(command.get_help(context)).rstrip()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
