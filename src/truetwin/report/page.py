"""Render one self-contained HTML page: an answer first, then tables and figures that can be checked."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin import __version__
from truetwin.data.table_cells import cell
from truetwin.io import replacing
from truetwin.io.excel_files import Sheet, write_workbook
from truetwin.report.cited_cells import CellsOf
from truetwin.report.headline import Headline
from truetwin.report.item_browser import ItemBrowser, part, render_browser
from truetwin.report.visible_texts import without_control
from truetwin.report.word_links import WordLinks
from truetwin.results.disclosure import PREDICTED_ANSWERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 1000
ROWS_TO_FILTER = 12
HEADLINES_SHOWN = 8
WIDE = 6.5  # inches


#: Words of reports on surveys, and of reports on voices, with their meaning.
SURVEY_WORDS = (
    ("respondent", "a real person who answers"),
    ("item", "a question, or a thing to be rated"),
    ("twin", "a language model that answers in the place of one respondent"),
    ("persona", "the text that tells a model which person to answer as"),
    ("calibrated", "corrected with what people answered to other items, or what other people answered"),
    (
        "target",
        "what is predicted: an item that nobody has answered, or a respondent who has answered nothing",
    ),
    ("donor", "an answered item (or a respondent) that a target is predicted from"),
    ("battery or block", "items that are asked together"),
    ("hidden", "known, but kept from the method, so that its prediction can be checked"),
    ("interval or band", "a range that should hold the truth as often as is stated, on average over items"),
    ("standard error or SE", "how far a figure would differ if other people, or other items, had been drawn"),
    (
        "verdict",
        "whether to calibrate, to use the twin as it is, or not to trust, judged without answers to the item",
    ),
    (
        "expected correlation",
        "how predictions of single people should go with their answers, judged from answered items",
    ),
    ("effective rank", "the number of directions in which answers vary more than by chance"),
)
VOICE_WORDS = (
    ("item", "a person with earlier replies, something said to them, their true reply, and other replies"),
    ("choice", "the model picks the person's own reply among the options"),
    ("reply", "the model writes a reply in the person's place"),
    (
        "reply-vs-distractors",
        "a judge says what is closest to the true reply: the written reply or a wrong option",
    ),
    ("map-to-options", "a judge says which option the written reply is closest to"),
    ("scoring", "a judge marks the written reply against the true one, from 1 to 5"),
    ("rule without persona", "a guess from the options and the situation alone, such as the shortest option"),
    ("interval", "a range that holds the true share in 95 of 100 such samples; whole persons are drawn"),
)


@dataclass(frozen=True)
class Field:
    """Column of a table: which field of a row, under which heading, in which format.

    ``format`` is a format specification for numbers, and empty for texts.
    """

    name: str
    heading: str
    format: str = ""


@dataclass(frozen=True)
class Table:
    """Rows that a reader can sort, filter and download.

    A page shows the first thousand rows and says how many there are; the download has them all. ``cells`` says which
    file holds the numbers, and where.
    """

    title: str
    fields: Sequence[Field]
    rows: Sequence[Mapping[str, Any]]
    caption: str = ""
    cells: CellsOf | None = None

    @property
    def shown(self) -> list[Field]:
        """Fields for which any row has a value."""
        return [f for f in self.fields if any(row.get(f.name) is not None for row in self.rows)]


@dataclass(frozen=True, eq=False)
class Picture:
    """Figure with its caption (what it shows, with n and the uncertainty) and the data behind it."""

    name: str
    figure: Figure
    caption: str
    data: Sequence[Mapping[str, Any]]

    @property
    def wide(self) -> bool:
        """Whether the figure takes the whole width of a page, and scrolls by itself on a narrow one."""
        return float(self.figure.get_figwidth()) > WIDE


@dataclass(frozen=True)
class Section:
    """Part of a page: a heading, sentences, then tables, pictures and browsers of items in order."""

    title: str
    texts: Sequence[str] = ()
    blocks: Sequence[Table | Picture | ItemBrowser] = ()


@dataclass(frozen=True)
class Page:
    """Content of a whole report.

    Parameters
    ----------
    title : str
        Heading.
    question : str
        What was asked, in one sentence.
    answer : str
        The answer, in one sentence with its uncertainty.
    verdict : str
        Whether to trust it, in a few words; empty for none.
    facts : sequence of (name, value)
        Short facts under the answer.
    sections : sequence of Section
        Sections with the evidence for the answer.
    disclosure : str
        Warning against taking the page for something else; by default, that predictions are no answers.
    headlines : sequence of Headline
        The answer item by item, drawn as bars.
    evidence : str
        How the answer is known, in a sentence or two.
    words : sequence of (word, meaning)
        Words explained at the end; by default those of surveys.
    """

    title: str
    question: str
    answer: str
    verdict: str = ""
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    disclosure: str = PREDICTED_ANSWERS
    headlines: Sequence[Headline] = ()
    evidence: str = ""
    words: Sequence[tuple[str, str]] = SURVEY_WORDS


def render(page: Page) -> str:
    """Render the page as one HTML text that needs no network; every text is escaped."""
    import jinja2
    import markupsafe

    from truetwin.report.figures.theme import to_svg

    links = WordLinks(page.words)

    def picture(block: Picture) -> markupsafe.Markup:
        return markupsafe.Markup(to_svg(block.figure, block.name))

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, finalize=without_control
    )
    template = environment.from_string(part("page.html"))
    blocks = [block for section in page.sections for block in section.blocks]
    with_browser = any(isinstance(block, ItemBrowser) for block in blocks)
    return template.render(
        page=page,
        styles=[part("page.css"), *([part("item_browser.css")] if with_browser else [])],
        scripts=[part("page.js"), *([part("item_browser.js")] if with_browser else [])],
        is_browser=lambda block: isinstance(block, ItemBrowser),
        browser=render_browser,
        svg=picture,
        cell=cell,
        csv_link=csv_link,
        workbook_link=workbook_link,
        links=links,
        is_table=lambda block: isinstance(block, Table),
        most_rows=MOST_ROWS,
        rows_to_filter=ROWS_TO_FILTER,
        headlines_shown=HEADLINES_SHOWN,
        version=__version__,
    )


def write_page(page: Page, output: Path) -> None:
    """Write the page, whole or not at all."""
    text = render(page)
    with replacing(output) as (draft,):
        draft.write_text(text, encoding="utf-8")


def workbook_link(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Encode the rows as an Excel workbook inside a link."""
    workbook = io.BytesIO()
    write_workbook([Sheet.from_records(name, rows)], workbook)
    encoded = base64.b64encode(workbook.getvalue()).decode()
    return f"data:application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64,{encoded}"


def csv_link(rows: Sequence[Mapping[str, Any]]) -> str:
    """Encode the rows as a CSV file inside a link."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(buffer.getvalue().encode()).decode()}"
