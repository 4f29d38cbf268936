"""Apply a design to items: group items into calls, show them as questions, and read replies to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.data import Item
from truetwin.data.responses import check_unique
from truetwin.errors import ParameterError, RunError
from truetwin.io import item_from_record
from truetwin.llm import Cell, Parsed, Reply
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

    Raises
    ------
    DataError
        If an item cannot be asked, or an id repeats.
    ParameterError
        If the design does not suit an item.
    """

    def __init__(self, items: Sequence[Item], design: SurveyDesign) -> None:
        check_unique([i.id for i in items], "item", "the items")
        check_items(items)
        self.items = {i.id: i for i in items}
        self.design = design
        self.groups = _groups(items, design)
        self._fixed: dict[str, tuple[Question, ...]] = {}
        self._check()

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
        return cls(items, SurveyDesign(**settings["design"]))

    def questions(self, cell: Cell) -> tuple[Question, ...]:
        """Return the questions of a cell, with their answer options in the order shown."""
        if self.design.order != "rotated":
            if cell.item not in self._fixed:
                self._fixed[cell.item] = tuple(self.ask(item) for item in self.groups[cell.item])
            return self._fixed[cell.item]
        key = (cell.persona, cell.replicate)
        return tuple(
            self.ask(item, turn_of(self.design.seed, "order", item.id, *key))
            for item in self.groups[cell.item]
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


def _groups(items: Sequence[Item], design: SurveyDesign) -> dict[str, tuple[Item, ...]]:
    """Group the items that are asked together, by the name of their cell."""
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
