"""Render a browser of benchmark items: what was said, the options, what models did, and what was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from truetwin.report.visible_texts import visible

if TYPE_CHECKING:
    import markupsafe


@dataclass(frozen=True)
class ItemBrowser:
    """Items that a reader can filter and read one by one.

    Parameters
    ----------
    title : str
        Heading.
    data : mapping
        What the page's script shows, as JSON values: ``models``, ``protocols``, ``turns`` (of histories, each once) and
        ``cases``. Every text in it is shown as text.
    caption : str
        What is shown, in a sentence or two.
    """

    title: str
    data: Mapping[str, Any]
    caption: str = ""


def part(name: str) -> markupsafe.Markup:
    """Read a file of this package as markup."""
    import markupsafe

    return markupsafe.Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def render_browser(browser: ItemBrowser) -> markupsafe.Markup:
    """Render the browser as HTML. The data stand in it as JSON in which no character can end the script."""
    import jinja2
    import markupsafe

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(part("item_browser.html"))
    return markupsafe.Markup(
        template.render(title=browser.title, caption=browser.caption, data=visible(browser.data))
    )
