"""Build personas from people's answers and attributes, in the ways of paper A, section A.3."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from truetwin.data import Item, ResponseMatrix
from truetwin.data.persona import Passage, Persona
from truetwin.errors import DataError
from truetwin.registry import Registry, must_be
from truetwin.simulation.personas.leaks import hidden_with
from truetwin.simulation.questions.question import answer_text, plain, written

#: Default column names of the variables in the demographics-only construction (paper A, section A.3, number 11).
DEMOGRAPHICS = (
    "region",
    "sex",
    "age",
    "education",
    "race",
    "citizenship",
    "marital_status",
    "religion",
    "religious_attendance",
    "political_party",
    "household_income",
    "political_ideology",
    "household_size",
    "employment_status",
)
DISTINCTIVE_ANSWERS = 25
Answer = tuple[Item, float]


@dataclass(frozen=True)
class PersonaSource:
    """Source of personas: the known answers and attributes of people, and the targets, which must not be shown.

    A persona leaves out missing answers, off-scale answers ("don't know") and items without a text, and does not
    mention that it does. An answer is shown by its label. A category without a label is shown as its code and the ends
    of its scale.

    Parameters
    ----------
    answers : ResponseMatrix
        People's own answers.
    items : mapping from item id to Item
        Texts, scales and batteries.
    targets : collection of str
        Ids of the items that are going to be asked. They are not shown, and neither are items of their batteries,
        items of the same wording, and attributes of the same names.
    attributes : mapping from respondent id to name to text
        Further facts about each person, such as age and region.
    demographics : sequence of str
        Names of the attributes that count as demographics, in the order shown.

    Raises
    ------
    DataError
        If no item that may be shown has a text.
    """

    answers: ResponseMatrix
    items: Mapping[str, Item]
    targets: Collection[str] = ()
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    demographics: Sequence[str] = DEMOGRAPHICS

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Items that must not be shown."""
        return hidden_with(self.targets, self.items)

    @cached_property
    def shown_columns(self) -> tuple[tuple[int, Item], ...]:
        """Columns of the answers that may be shown: the number of each column and its item."""
        named = [(j, self.items.get(i, Item(i))) for j, i in enumerate(self.answers.item_ids)]
        found = tuple((j, item) for j, item in named if item.id not in self.hidden and item.text.strip())
        if not found:
            raise DataError(
                f"personas need at least one answered item that has a text and is no target; of {len(named)} items in "
                f"{self.answers.source}, {sum(bool(i.text.strip()) for _, i in named)} have a text and "
                f"{sum(i.id in self.hidden for _, i in named)} are targets or belong with one. Texts come from "
                "--item-file."
            )
        return found

    @cached_property
    def without_text(self) -> tuple[str, ...]:
        """Ids of answered items that are no targets and are not shown because they have no text."""
        shown = {item.id for _, item in self.shown_columns}
        return tuple(i for i in self.answers.item_ids if i not in shown and i not in self.hidden)

    def answers_of(self, row: int) -> list[Answer]:
        """Return the answers of one respondent that may be shown."""
        values = self.answers.values[row]
        return [(item, float(values[j])) for j, item in self.shown_columns if np.isfinite(values[j])]

    def attributes_of(self, respondent: str) -> dict[str, str]:
        """Return the attributes of one respondent that may be shown."""
        secret = {plain(t).replace("_", " ") for t in self.hidden}
        known = self.attributes.get(respondent, {})
        return {name: text for name, text in known.items() if plain(name).replace("_", " ") not in secret}

    @cached_property
    def distinctiveness(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Distance of each answer from its item's mean, in standard deviations, shape (n_respondents, n_items).

        It is 0 where there is no answer, for nominal items, and for items that everybody answers alike."""
        values = self.answers.values
        counts = np.isfinite(values).sum(axis=0)
        filled = np.where(np.isfinite(values), values, 0.0)
        means = filled.sum(axis=0) / np.maximum(counts, 1)
        deviations = np.where(np.isfinite(values), values - means, 0.0)
        spreads = np.sqrt((deviations**2).sum(axis=0) / np.maximum(counts, 1))
        nominal = [
            (s := self.items.get(i, Item(i)).scale) is not None and s.kind == "nominal"
            for i in self.answers.item_ids
        ]
        standard = np.abs(deviations) / np.where(spreads > 0, spreads, 1.0)
        return np.where(np.asarray(nominal), 0.0, standard)


@dataclass(frozen=True)
class PersonaBuilder:
    """Persona builder: one way to write personas.

    ``make`` turns the source and the number of a row into a persona. ``needs`` lists what the builder requires.
    A builder that needs ``"portraits"`` gets one text a person, written by a language model.
    """

    name: str
    summary: str
    make: Callable[[PersonaSource, int, Mapping[str, str]], Persona]
    needs: frozenset[Literal["attributes", "portraits"]] = frozenset()


BUILDERS: Registry[PersonaBuilder] = Registry(
    "persona builder",
    hint="`truetwin personas list` shows all.",
    entry_point_group="truetwin.persona_builders",
    check=must_be(PersonaBuilder),
)


def build_personas(
    source: PersonaSource, builder: str = "text", *, portraits: Mapping[str, str] | None = None
) -> list[Persona]:
    """Build one persona for every respondent of ``source``.

    Parameters
    ----------
    source : PersonaSource
        Answers, items, targets and attributes.
    builder : str
        Name of a builder.
    portraits : mapping from respondent id to text, optional
        Texts written by a language model, for the builders that need them; see
        :class:`truetwin.simulation.survey.portraits.PortraitTask`. People without a portrait are left out.

    Raises
    ------
    DataError
        If the source lacks what the builder needs, or a respondent would get an empty persona; the message names them.

    Examples
    --------
    >>> from truetwin.data import Scale
    >>> tea = Item("Q1", "Do you like tea?", Scale.ordinal(1, 2, labels={1: "no", 2: "yes"}))
    >>> source = PersonaSource(ResponseMatrix([[2, 5]], ["007"], ["Q1", "Q2"]), {"Q1": tea})
    >>> print(build_personas(source)[0].text)
    Question: Do you like tea?
    Answer: yes
    """
    chosen = BUILDERS[builder]
    if "attributes" in chosen.needs:
        _check_demographics(source)
    if "portraits" in chosen.needs and portraits is None:
        raise DataError(
            f"the builder {chosen.name!r} needs portraits written by a language model; there are none"
        )
    rows = [
        (row, who)
        for row, who in enumerate(source.answers.respondent_ids)
        if "portraits" not in chosen.needs or who in (portraits or {})
    ]
    personas = [chosen.make(source, row, portraits or {}) for row, _ in rows]
    empty = [p.id for p in personas if not p.text.strip() and not p.passages]
    if empty:
        raise DataError(
            f"nothing is known about respondent {empty[0]!r} that may be shown ({len(empty)} such respondents); leave "
            "them out of the answers"
        )
    return personas


def as_text(answers: Iterable[Answer]) -> str:
    """Write answers as questions and answers in words."""
    return "\n\n".join(
        f"Question: {item.text.strip()}\nAnswer: {answer_text(item, code)}" for item, code in answers
    )


def as_json(answers: Iterable[Answer]) -> str:
    """Write answers as a JSON list of questions and answers."""
    rows = [{"question": item.text.strip(), "answer": answer_text(item, code)} for item, code in answers]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def _check_demographics(source: PersonaSource) -> None:
    available = {name for known in source.attributes.values() for name in known}
    missing = [name for name in source.demographics if name not in available]
    if missing:
        have = (
            f"; there are {', '.join(sorted(available)[:20])}" if available else "; there are no attributes"
        )
        raise DataError(
            f"the demographics {', '.join(missing)} must be columns of the attributes{have}. Give --attributes, and "
            "name its columns with --demographics if they are called differently."
        )


def _text(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    answers = source.answers_of(row)
    return _persona(source, row, "text", as_text(answers), answers)


def _json(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    answers = source.answers_of(row)
    return _persona(source, row, "json", as_json(answers) if answers else "", answers)


def _demographics(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    known = source.attributes_of(source.answers.respondent_ids[row])
    chosen = {name: known[name] for name in source.demographics if name in known}
    return _persona(source, row, "demographics", _listed(chosen), [], chosen)


def _summary(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    # A portrait is written from all answers that may be shown, so that all of them count as shown.
    answers = source.answers_of(row)
    return _persona(source, row, "summary", portraits[source.answers.respondent_ids[row]], answers)


def _summary_json(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    answers = source.answers_of(row)
    text = f"{as_json(answers)}\n\nPortrait:\n{portraits[source.answers.respondent_ids[row]]}"
    return _persona(source, row, "summary+json", text, answers)


def _distinctive(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    answers = source.answers_of(row)
    column = {item.id: j for j, item in source.shown_columns}
    by_distance = sorted(answers, key=lambda a: -source.distinctiveness[row, column[a[0].id]])
    kept = {item.id for item, _ in by_distance[:DISTINCTIVE_ANSWERS]}
    chosen = [a for a in answers if a[0].id in kept]
    known = source.attributes_of(source.answers.respondent_ids[row])
    parts = [_listed(known), as_text(chosen)]
    return _persona(source, row, "distinctive", "\n\n".join(p for p in parts if p), chosen, known)


def _rating_history(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    answers = source.answers_of(row)
    return _persona(source, row, "rating-history", "".join(map(_rated, answers)), answers)


def _rating_history_in_context(source: PersonaSource, row: int, portraits: Mapping[str, str]) -> Persona:
    base = _rating_history(source, row, portraits)
    values = source.answers.values[row]
    targets = set(source.targets)
    passages = tuple(
        Passage(item_id, _rated((source.items[item_id], float(values[j]))))
        for j, item_id in enumerate(source.answers.item_ids)
        if item_id in targets and np.isfinite(values[j])
    )
    return replace(base, passages=passages, builder="rating-history-in-context")


def _persona(
    source: PersonaSource,
    row: int,
    builder: str,
    text: str,
    shown: Iterable[Answer],
    attributes: Mapping[str, str] | None = None,
) -> Persona:
    """Make a persona that records the answers and attributes it shows. Others may be private and are left out."""
    who = source.answers.respondent_ids[row]
    answers = {item.id: code for item, code in shown}
    return Persona(who, text, answers, (), attributes or {}, builder, source.answers.id_name)


def _listed(attributes: Mapping[str, str]) -> str:
    return "\n".join(f"{name.replace('_', ' ').capitalize()}: {text}" for name, text in attributes.items())


def _rated(answer: Answer) -> str:
    item, code = answer
    label = (
        item.scale.labels.get(code) if item.scale else None
    )  # the scale itself is shown with the item that is rated
    return f"{' '.join(item.text.split())} | rating: {label or written(code)}\n"


for _builder in (
    PersonaBuilder("text", "all answers, as questions and answers in words", _text),
    PersonaBuilder("json", "all answers, as JSON", _json),
    PersonaBuilder(
        "summary", "a portrait that a model writes from all answers", _summary, frozenset({"portraits"})
    ),
    PersonaBuilder(
        "summary+json", "all answers as JSON, and the portrait", _summary_json, frozenset({"portraits"})
    ),
    PersonaBuilder("demographics", "14 demographic variables only", _demographics, frozenset({"attributes"})),
    PersonaBuilder(
        "distinctive",
        f"attributes and the {DISTINCTIVE_ANSWERS} answers furthest from others'; needs no model, not in the paper",
        _distinctive,
    ),
    PersonaBuilder("rating-history", "ratings of other things (zero-shot baseline)", _rating_history),
    PersonaBuilder(
        "rating-history-in-context",
        "the same, and the person's ratings of all targets but the one asked (in-context baseline)",
        _rating_history_in_context,
    ),
):
    BUILDERS.add(_builder.name, _builder)
