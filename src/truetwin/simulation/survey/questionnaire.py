"""Apply a design to items: group items into calls, show them as questions, and read replies to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from truetwin.data import Item
from truetwin.data.arm_columns import arms_of_column
from truetwin.data.responses import check_unique
from truetwin.errors import ParameterError, RunError
from truetwin.io import item_from_record
from truetwin.llm import Cell, Parsed, Reply
from truetwin.simulation.questions.arms import Arms, group_in_form
from truetwin.simulation.questions.question import Question, ask, check_items, turn_of
from truetwin.simulation.questions.survey_design import BY_BLOCK, SurveyDesign
from truetwin.simulation.reading.distributions import check_first_tokens
from truetwin.simulation.reading.reply_formats import read_reply


class Questionnaire:
    """Questionnaire: items and the design under which they are asked.

    It holds everything that is needed to read a reply, and no persona. :meth:`from_settings` restores it from a stored
    run, so that replies can be read again without the files that the run was made from.

    Parameters
    ----------
    items : sequence of Item
        The items. Each needs a text and a scale.
    design : SurveyDesign
        How they are asked.
    arms : Arms, optional
        Texts of arms that the items show.
    asked : mapping from form to number of people, optional
        Under arms, the forms in which groups of items are asked, and of how many people each
        (:func:`~truetwin.simulation.questions.arms.forms_of`).

    Attributes
    ----------
    items : mapping from id to Item
        The items.
    groups : mapping from name to tuple of Item
        The items of each call. Under arms there is one for each form, and its items show the texts of the form's arms.

    Raises
    ------
    DataError
        If an item cannot be asked, or an id repeats.
    ParameterError
        If the design does not suit an item.
    """

    def __init__(
        self,
        items: Sequence[Item],
        design: SurveyDesign,
        arms: Arms | None = None,
        asked: Mapping[str, int] | None = None,
    ) -> None:
        check_items(items)
        self.items = {i.id: i for i in items}
        self.design = design
        self.arms, self.asked = arms, asked
        self._groups = groups_of(items, design)
        #: Name of the group that each call asks; under arms, calls are forms of groups.
        self.group_of = {name: name for name in self._groups}
        self.groups = self._groups
        if arms is not None:
            found = {form: group_in_form(form, self._groups, arms) for form in asked or {}}
            self.group_of = {form: name for form, (name, _) in found.items()}
            self.groups = {form: filled for form, (_, filled) in found.items()}
            check_items(item for filled in self.groups.values() for item in filled)
        self._fixed: dict[str, tuple[Question, ...]] = {}
        self._check()

    @cached_property
    def columns(self) -> dict[str, Item]:
        """Columns of the table of answers: items, or under ``every`` one for each arm in which an item is asked."""
        if self.arms is None or not self.arms.every:
            return self.items
        return {item.id: item for group in self.groups.values() for item in group}

    def n_calls(self, n_people: int) -> int:
        """Return the number of calls if ``n_people`` personas are asked."""
        return sum(self._n_asked(n_people).values()) * self.design.replicates

    def n_answers(self, n_people: int) -> int:
        """Return the number of answers if ``n_people`` personas are asked, one for each item of a call."""
        asked = self._n_asked(n_people)
        return sum(n * len(self.groups[name]) for name, n in asked.items()) * self.design.replicates

    def _n_asked(self, n_people: int) -> Mapping[str, int]:
        return dict.fromkeys(self.groups, n_people) if self.asked is None else self.asked

    def levels_of(self, name: str) -> dict[str, str]:
        """Return the levels of the conditions that a call shows."""
        return {} if name in self._groups else arms_of_column(name)[1]

    def items_of(self, name: str) -> tuple[Item, ...]:
        """Return the items of a call as they were declared."""
        return self._groups[self.group_of[name]]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Questionnaire:
        """Restore the questionnaire of a stored survey from its task's settings.

        Raises
        ------
        RunError
            If the settings are not those of a survey.
        """
        if settings.get("task") != "survey":
            raise RunError(
                f"the stored run must be a survey of twins; it is {settings.get('task', 'something else')!r}"
            )
        items = [item_from_record(record, "the stored run") for record in settings["items"].values()]
        design, stored = SurveyDesign(**settings["design"]), settings.get("arms")
        if stored is None:
            return cls(items, design)
        return cls(items, design, Arms(stored["texts"], stored["every"]), stored["asked"])

    def questions(self, cell: Cell) -> tuple[Question, ...]:
        """Return the questions of a cell, with their answer options in the order shown."""
        if self.design.order != "rotated":
            if cell.item not in self._fixed:
                self._fixed[cell.item] = tuple(self.ask(item) for item in self.groups[cell.item])
            return self._fixed[cell.item]
        key = (cell.persona, cell.replicate)
        return tuple(
            self.ask(item, turn_of(self.design.seed, "order", declared.id, *key))
            for item, declared in zip(self.groups[cell.item], self.items_of(cell.item), strict=True)
        )

    def ask(self, item: Item, turn: int = 0) -> Question:
        """Turn one item into a question in the form that the design asks for."""
        return ask(
            item,
            order=self.design.order,
            markers=self.design.markers,
            offer_off_scale=self.design.offer_off_scale,
            turn=turn,
        )

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read the answers to the items of a cell from a reply."""
        return read_reply(reply, self.questions(cell), self.design)

    def _check(self) -> None:
        for item in self.items.values():
            question = self.ask(item)
            if self.design.elicit == "logprobs":
                check_first_tokens(question)
            if self.design.elicit == "distribution" and not question.options:
                raise ParameterError(
                    f"a distribution needs answers to choose from; item {item.id!r} takes any number "
                    f"({question.scale.describe()}). Declare categories for it, or ask it with --elicit answer."
                )


def groups_of(items: Sequence[Item], design: SurveyDesign) -> dict[str, tuple[Item, ...]]:
    """Group the items that are asked together, by the name of their cell.

    Raises
    ------
    DataError
        If an id repeats.
    """
    check_unique([i.id for i in items], "item", "the items")
    gathered: list[list[Item]] = []
    if isinstance(design.per_call, int):
        gathered = [list(items[k : k + design.per_call]) for k in range(0, len(items), design.per_call)]
    elif design.per_call == BY_BLOCK:
        blocks: dict[str, list[Item]] = {}
        for item in items:
            if item.block is None:
                gathered.append([item])
            elif item.block in blocks:
                blocks[item.block].append(item)
            else:
                blocks[item.block] = [item]
                gathered.append(blocks[item.block])
    names = [group[0].id if len(group) == 1 else f"{group[0].id}..{group[-1].id}" for group in gathered]
    check_unique(names, "name of an item or a group of items", "the items")
    return {name: tuple(group) for name, group in zip(names, gathered, strict=True)}
