"""Texts of arms: what each level of a condition puts in the place of its placeholder in an item's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from truetwin.data import Item
from truetwin.data.arm_columns import arm_column, arms_of_column
from truetwin.errors import DataError
from truetwin.llm.prompts import Template
from truetwin.registry import closest

_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Most forms of one call under ``every``: combinations of levels.
MOST_FORMS = 1000


@dataclass(frozen=True)
class Arms:
    """Arms of a survey: conditions, their levels, and the text that each level shows.

    An item shows a condition where its text has the placeholder ``{{condition}}``. Texts of arms are data: braces and
    placeholders in them stay as they are.

    Parameters
    ----------
    texts : mapping from condition to level to text
        What is shown. A text may be empty, as that of a control without a message.
    every : bool, default=False
        Whether every twin is asked under every arm. Otherwise each twin is in one arm.

    Raises
    ------
    DataError
        If a condition has one level only, or a name that cannot stand in a placeholder.

    Examples
    --------
    >>> arms = Arms({"message": {"A": "Tea is healthy.", "B": "Tea is {cheap}."}})
    >>> arms.under(Item("Q1", "{{message}} Do you drink tea?"), {"message": "B"}).text
    'Tea is {cheap}. Do you drink tea?'
    """

    texts: Mapping[str, Mapping[str, str]]
    every: bool = False

    def __post_init__(self) -> None:
        if not self.texts:
            raise DataError("a survey under arms must have at least one condition; there is none")
        for condition, levels in self.texts.items():
            if not _NAME.fullmatch(condition):
                raise DataError(
                    f"the name of a condition must be a lower-case letter and then letters, digits or '_', so that "
                    f"items can show it as {{{{condition}}}}; got {condition!r}. Rename it in the arms file and in "
                    "the conditions table."
                )
            if len(levels) < 2:
                raise DataError(
                    f"a condition must have at least two arms to compare; {condition!r} has {len(levels)}: "
                    f"{', '.join(map(repr, levels))}"
                )

    @cached_property
    def _loose(self) -> re.Pattern[str]:
        """Pattern of everything that looks like the placeholder of a condition."""
        names = "|".join(map(re.escape, sorted(self.texts, key=len, reverse=True)))
        return re.compile(rf"\{{+\s*({names})(?!\w)\s*\}}*")

    def conditions_of(self, items: Iterable[Item]) -> tuple[str, ...]:
        """Name the conditions that a group of items shows, in the order of the arms file."""
        shown = {name for item in items for name in Template(item.id, item.text).placeholders}
        return tuple(condition for condition in self.texts if condition in shown)

    def combinations(self, conditions: Sequence[str]) -> list[dict[str, str]]:
        """List all combinations of the levels of some conditions."""
        levels = [list(self.texts[c]) for c in conditions]
        return [dict(zip(conditions, combined, strict=True)) for combined in product(*levels)]

    def under(self, item: Item, levels: Mapping[str, str]) -> Item:
        """Put the texts of levels into an item's text.

        Under ``every``, the item gets the name of its column of answers, in which its arm stands.
        """
        template = Template(item.id, item.text)
        values = {name: self.texts[name][levels[name]] for name in template.placeholders}
        return replace(
            item,
            id=arm_column(item.id, levels) if self.every else item.id,
            text=template.fill(**values),
        )

    def check(self, items: Sequence[Item], catalogue: Iterable[Item] = ()) -> None:
        """Check that the items show the conditions, and nothing that no arm fills in.

        Parameters
        ----------
        items : sequence of Item
            The items that are asked.
        catalogue : iterable of Item
            Further declared items, which may show conditions too.

        Raises
        ------
        DataError
            If an item has a placeholder that is no condition, or writes one in another way, or no item shows a
            condition. The message names the item.
        """
        for item in items:
            self._check_item(item)
            if set(arms_of_column(item.id)[1]) & set(self.texts):
                raise DataError(
                    f"an item must not have the name of a column of answers under an arm; {item.id!r} has. Rename it."
                )
        shown = self.conditions_of([*items, *catalogue])
        unused = [condition for condition in self.texts if condition not in shown]
        if unused:
            raise DataError(
                f"every condition must be shown by an item; no text has the placeholder {_quoted(unused[0])}. Write "
                "it into the text of the items that are asked under this condition, or remove its arms."
            )

    def _check_item(self, item: Item) -> None:
        for found in self._loose.finditer(item.text):
            if found.group() != _quoted(found.group(1)):
                raise DataError(
                    f"item {item.id!r} must show a condition in two braces on each side, {_quoted(found.group(1))}; "
                    f"its text has {found.group()!r}"
                )
        unknown = sorted(Template(item.id, item.text).placeholders - set(self.texts))
        if unknown:
            raise DataError(
                f"a placeholder must name a condition of the arms file ({', '.join(self.texts)}); item {item.id!r} has "
                f"{_quoted(unknown[0])}.{closest(unknown[0], list(self.texts))}"
            )
        for label in () if item.scale is None else item.scale.labels.values():
            if self._loose.search(label):
                raise DataError(
                    f"a condition is shown in the text of an item, not in its answers; item {item.id!r} has the "
                    f"answer {label!r}"
                )


def forms_of(name: str, conditions: Sequence[str], arms: Arms) -> list[str]:
    """Name all forms in which a group that shows conditions can be asked: one for each combination of their levels.

    Raises
    ------
    DataError
        If there are more than a thousand.
    """
    count = 1
    for condition in conditions:
        count *= len(arms.texts[condition])
    if count > MOST_FORMS:
        raise DataError(
            f"every twin under every arm: {name!r} would be asked in {count:,} forms; at most {MOST_FORMS:,} are. "
            "Assign each twin to one arm, or ask fewer conditions together."
        )
    return [arm_column(name, levels) for levels in arms.combinations(conditions)]


def form_for(name: str, conditions: Sequence[str], levels: Mapping[str, str]) -> str | None:
    """Name the form in which a person of these levels is asked a group; None if one of its conditions is not theirs."""
    if any(condition not in levels for condition in conditions):
        return None
    return arm_column(name, {condition: levels[condition] for condition in conditions})


def group_in_form(
    form: str, groups: Mapping[str, Sequence[Item]], arms: Arms
) -> tuple[str, tuple[Item, ...]]:
    """Return the name of the group that a form asks, and its items with the texts of their arms."""
    if form in groups and not arms.conditions_of(groups[form]):
        return form, tuple(groups[form])
    name, levels = arms_of_column(form)
    return name, tuple(arms.under(item, levels) for item in groups[name])


def place_of(form: str, groups: Mapping[str, Sequence[Item]], arms: Arms) -> tuple[int, ...]:
    """Return the place of a form: that of its group among the groups, then those of its levels in the arms file."""
    name, levels = (form, {}) if form in groups else arms_of_column(form)
    return (list(groups).index(name), *(list(arms.texts[c]).index(level) for c, level in levels.items()))


def _quoted(condition: str) -> str:
    return "{{" + condition + "}}"
