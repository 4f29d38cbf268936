"""Link words of a page to their meaning, which stands at its end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from truetwin.report.visible_texts import without_control

if TYPE_CHECKING:
    from markupsafe import Markup


class WordLinks:
    """Links from a page's texts to its words.

    A part of a page links each word once, where it first stands, in the singular or the plural.

    Parameters
    ----------
    words : sequence of (word, meaning)
        A word with two names is written "one or other".

    Examples
    --------
    >>> links = WordLinks([("donor", "an answered item"), ("battery or block", "items asked together")])
    >>> print(links.part()("Donors of a battery; <another donor>"))
    <a class="word" href="#word-donor">Donors</a> of a <a class="word" href="#word-battery-or-block">battery</a>; \
&lt;another donor&gt;
    """

    def __init__(self, words: Sequence[tuple[str, str]]) -> None:
        self._names = {
            form.lower(): word
            for word, _ in words
            for name in word.split(" or ")
            for form in (name, _plural(name))
        }
        forms = sorted(map(re.escape, self._names), key=len, reverse=True)
        self._pattern = re.compile(rf"\b(?:{'|'.join(forms)})\b", re.IGNORECASE) if forms else None

    @staticmethod
    def anchor(word: str) -> str:
        """Make the id of a word's meaning."""
        return f"word-{re.sub(r'[^a-z0-9]+', '-', word.lower()).strip('-')}"

    def part(self) -> PartLinks:
        """Begin a part of the page, in which each word is linked once more."""
        return PartLinks(self._names, self._pattern)


class PartLinks:
    """Links of one part of a page: call it with a text to get HTML, in which the text is escaped."""

    def __init__(self, names: dict[str, str], pattern: re.Pattern[str] | None) -> None:
        self._names, self._pattern, self._linked = names, pattern, set[str]()

    def __call__(self, text: str) -> Markup:
        """Escape a text and link the words that were not linked before."""
        from markupsafe import Markup

        text = str(without_control(text))
        if self._pattern is None:
            return Markup(escape(text))
        pieces, end = list[str](), 0
        for found in self._pattern.finditer(text):
            word = self._names[found.group().lower()]
            if word in self._linked:
                continue
            self._linked.add(word)
            pieces += [
                escape(text[end : found.start()]),
                f'<a class="word" href="#{WordLinks.anchor(word)}">{escape(found.group())}</a>',
            ]
            end = found.end()
        return Markup("".join([*pieces, escape(text[end:])]))


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
