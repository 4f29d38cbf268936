"""What conditions a twin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Passage:
    """A piece of a persona that gives away the answer to one item, so that it can be left out for that item."""

    item_id: str
    text: str


@dataclass(frozen=True)
class Persona:
    """One real person as a model sees them.

    Parameters
    ----------
    id : str
        Id of the respondent, the same as in the tables of answers.
    text : str
        What every prompt about this person shows.
    answers : mapping from item id to code
        The answers that stand in ``text``. They say what must not be asked: whoever asks one of these items would
        have the model copy.
    passages : tuple of Passage
        Answers shown after ``text``, each in all prompts but those that ask the item or one of its battery (the
        in-context twins of paper A, section 3.3).
    attributes : mapping from name to text
        The person's attributes, for records and statistical stand-ins; shown only as far as ``text`` shows them.
    builder : str
        Name of what made the persona; empty for personas written by hand.

    Examples
    --------
    >>> persona = Persona("007", "A reader. ", passages=(Passage("Q1", "Q1: yes. "), Passage("Q2", "Q2: no. ")))
    >>> "".join(persona.parts(without={"Q2"}))
    'A reader. Q1: yes. '
    """

    id: str
    text: str
    answers: Mapping[str, float] = field(default_factory=dict, hash=False)
    passages: tuple[Passage, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    builder: str = ""

    def parts(self, without: Collection[str] = ()) -> tuple[str, ...]:
        """The text in parts, without the passages of the given items."""
        return (self.text, *(p.text for p in self.passages if p.item_id not in without))

    @property
    def n_characters(self) -> int:
        """Length of everything that a prompt may show."""
        return len(self.text) + sum(len(p.text) for p in self.passages)
