"""The directive ``gallery-cards``: one card for each example of the pages named, with its first figure."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective


class Cards(nodes.General, nodes.Element):
    """Place where the cards of the pages named in ``pages`` will stand."""


class GalleryCards(SphinxDirective):
    """Cards of the pages that the lines of the content name, under the title of each page."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """A placeholder: figures are known only when all pages have been read."""
        self.env.note_reread()
        return [Cards(pages=[line.strip() for line in self.content if line.strip()])]


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(Cards)):
        found: list[nodes.Node] = []
        for page in place["pages"]:
            found += _cards(app, app.env, docname, page)
        place.replace_self(found)


def _cards(app: Sphinx, env: BuildEnvironment, here: str, page: str) -> list[nodes.Node]:
    read = env.get_doctree(page)
    (top,) = (node for node in read.children if isinstance(node, nodes.section))
    address = app.builder.get_relative_uri(here, page)
    heading = nodes.section(ids=[f"by-{page.rpartition('/')[2]}"])
    heading += nodes.title("", "", nodes.reference("", top[0].astext(), refuri=address, internal=True))
    grid = nodes.bullet_list(classes=["gallery"])
    for example in (node for node in top.children if isinstance(node, nodes.section)):
        link = nodes.reference("", "", refuri=f"{address}#{example['ids'][0]}", internal=True)
        if figure := _figure(example):
            link += nodes.image(uri=figure, candidates={"*": figure}, alt="")
        link += nodes.inline("", example[0].astext())
        grid += nodes.list_item("", nodes.paragraph("", "", link))
    heading += grid
    return [heading]


def _figure(example: nodes.section) -> str | None:
    """Address of the first figure of an example; None if it has none."""
    return next((str(image["uri"]) for image in example.findall(nodes.image)), None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(Cards)
    app.add_directive("gallery-cards", GalleryCards)
    app.connect("doctree-resolved", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
