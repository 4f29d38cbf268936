"""Persona: the text or record that tells a model which person to answer as."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from truetwin.data.target import Axis


@dataclass(frozen=True)
class Passage:
    """Piece of a persona that gives away the answer to one item; it is left out when that item is asked."""

    item_id: str
    text: str


@dataclass(frozen=True)
class Persona:
    """Description of one real person, as shown to a model.

    Parameters
    ----------
    id : str
        Id of the respondent, the same as in the tables of answers.
    text : str
        What every prompt about this person shows.
    answers : mapping from item id to code
        The answers that stand in ``text``. These items must not be asked, because the model could copy the answers.
    passages : tuple of Passage
        Answers shown after ``text`` (the in-context twins of paper A, section 3.3). Each is left out of the prompts
        that ask its item, or another item of its battery.
    attributes : mapping from name to text
        The attributes that ``text`` shows.
    builder : str
        Name of the builder that made the persona; empty for personas written by hand.
    id_column : str
        Name of the column of ids in the table that the person comes from, which tables of answers have too; empty if
        it is not known.

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
    id_column: str = ""

    def parts(self, without: Collection[str] = ()) -> tuple[str, ...]:
        """Return the text in parts, leaving out the passages of the given items."""
        return (self.text, *(p.text for p in self.passages if p.item_id not in without))

    def shown_items(self, axis: Axis = "item") -> tuple[str, ...]:
        """Return the items whose answers a prompt may show that asks this person.

        A passage is left out when its item is asked, so that it gives nothing away of an item (``axis`` "item"); but a
        person whose answers are shown in passages is no new respondent (``axis`` "respondent").

        Examples
        --------
        >>> persona = Persona("007", "", answers={"Q1": 1.0}, passages=(Passage("Q2", "Q2: no. "),))
        >>> persona.shown_items(), persona.shown_items("respondent")
        (('Q1',), ('Q1', 'Q2'))
        """
        passages = (p.item_id for p in self.passages) if axis == "respondent" else ()
        return tuple(dict.fromkeys([*self.answers, *passages]))

    @property
    def n_characters(self) -> int:
        """Length of everything that a prompt may show, in characters."""
        return len(self.text) + sum(len(p.text) for p in self.passages)
