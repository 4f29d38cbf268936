"""Panel: answers of humans and of their twins, aligned by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.id_families import infer_blocks
from truetwin.data.item import Item
from truetwin.data.people import People
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.data.scale_inference import infer_scales
from truetwin.data.target import Target
from truetwin.errors import AlignmentError, DataError


@dataclass(frozen=True, eq=False)
class Panel:
    """Answers of the same respondents to the same items from two sources, aligned by id.

    A *twin* is a language model that answers in the place of one real person. Both sources are laid out on one grid:
    the human table's respondents and items in their order, then those that only the twin table has. Nothing
    is matched by position. The twin side may have more items (new items, to be predicted) and more respondents (new
    respondents, to be predicted).

    Parameters
    ----------
    human : ResponseMatrix
        What people answered.
    twin : ResponseMatrix
        What their twins answered.
    in_context : ResponseMatrix, optional
        Answers of twins that were shown the person's other answers (the in-context baseline of paper A,
        section 3.3).
    people : People, optional
        What is known of the respondents that is no item: weights, groups, strata, clusters. Respondents without a
        row there have missing values.

    Raises
    ------
    AlignmentError
        If the two sources have no respondent or no item in common, or the people table has none of the respondents.

    Examples
    --------
    >>> human = ResponseMatrix([[1, 2], [3, 4]], ["a", "b"], ["Q1", "Q2"])
    >>> twin = ResponseMatrix([[3, 3, 5], [1, 2, 4]], ["b", "a"], ["Q1", "Q2", "Q3"])
    >>> panel = Panel(human, twin)
    >>> panel.twin_values[:, 2]
    array([4., 5.])
    >>> panel.new_items
    ('Q3',)
    """

    human: ResponseMatrix
    twin: ResponseMatrix
    in_context: ResponseMatrix | None = None
    people: People | None = None

    def __post_init__(self) -> None:
        for what, ours, theirs in (
            ("respondent id", self.human.respondent_ids, self.twin.respondent_ids),
            ("item", self.human.item_ids, self.twin.item_ids),
        ):
            if not set(ours) & set(theirs):
                shown = f"{_some(ours)} and {_some(theirs)}" if ours and theirs else "one of them has none"
                raise AlignmentError(
                    f"the human and the twin table must have {what}s in common; they have none "
                    f"({shown}). Check that both use the same ids, written the same way{_further(what)}."
                )
        if self.people is not None and not set(self.people.ids) & set(self.respondent_ids):
            raise AlignmentError(
                f"the people table must be about respondents of the panel; {self.people.source} has none of them "
                f"({_some(self.people.ids)} and {_some(self.respondent_ids)}). Check that both use the same ids, "
                "written the same way."
            )

    @classmethod
    def from_frames(
        cls,
        human: Any,
        twin: Any,
        *,
        id_column: str | None = None,
        items: dict[str, Item] | None = None,
        in_context: Any = None,
        people: Any = None,
        people_columns: Sequence[str] = (),
        choices: ReadingChoices = AS_USUAL,
    ) -> Panel:
        """Build a panel from two pandas, polars or pyarrow tables with one column of ids.

        Parameters
        ----------
        human, twin : data frame
            Wide tables (one column an item) or long ones (``respondent_id, item_id, value``).
        id_column : str, optional
            The column of respondent ids; by default ``respondent_id`` or else the first column.
        items : dict of item id to Item, optional
            Declared texts, scales and blocks.
        in_context : data frame, optional
            Answers of in-context twins.
        people : data frame, optional
            What is known of people that is no item (weights, groups, strata, clusters): one row a person, with the
            same ids.
        people_columns : sequence of str, default=()
            Columns of ``human`` that belong to the people table. They are no items, and may hold texts. Columns of
            these names in ``twin`` are left out.
        choices : ReadingChoices
            How cells are read where they leave a question open.

        Columns whose cells are no answers (texts, dates) are left out, unless ``items`` declares them, and usual codes
        for missing answers that lie far from the others are read as missing; ``panel.human.notes`` and
        ``panel.twin.notes`` say so.

        Examples
        --------
        >>> import pyarrow as pa
        >>> human = pa.table({"id": ["a", "b"], "Q1": [1, 2], "region": ["north", "south"]})
        >>> twin = pa.table({"id": ["a", "b"], "Q1": [1, 1], "Q2": [2, 1]})
        >>> panel = Panel.from_frames(human, twin, people_columns=["region"])
        >>> panel.item_ids, panel.person_groups("region").tolist()
        (('Q1', 'Q2'), ['north', 'south'])
        """
        from truetwin.data.frames import from_frame
        from truetwin.data.item_columns import LeftOut, columns_without_answers
        from truetwin.data.people_frames import people_from_frame
        from truetwin.data.undeclared_codes import without_sure_codes

        reasons = columns_without_answers(human, twin, id_column, items or {}, people_columns)
        tables = []
        for frame, source, left_out in (
            (human, "the human table", reasons[0]),
            (twin, "the twin table", reasons[1]),
            (in_context, "the in-context table", reasons[1]),
        ):
            if frame is not None:
                read = from_frame(
                    frame,
                    id_column=id_column,
                    items=items,
                    source=source,
                    expectations=frame is not human,
                    people_columns=[*people_columns, *left_out],
                    choices=choices,
                )
                tables.append(read.with_notes(LeftOut(source, left_out).describe()) if left_out else read)
        if choices.missing_codes is None:
            tables, notes = without_sure_codes(*tables)
            tables[0] = tables[0].with_notes(*notes)
        known: People | None = None
        if people is not None:
            known = people if isinstance(people, People) else people_from_frame(people, id_column=id_column)
        if people_columns:
            taken = people_from_frame(
                human, id_column=id_column, columns=people_columns, items=items, source="the human table"
            )
            known = taken if known is None else known.joined(taken)
        return cls(tables[0], tables[1], tables[2] if in_context is not None else None, known)

    def __repr__(self) -> str:
        n, m = len(self.respondent_ids), len(self.item_ids)
        new = f"{len(self.new_items)} new items, {len(self.new_respondents)} new respondents"
        return f"Panel({n} respondents x {m} items; {new})"

    @cached_property
    def respondent_ids(self) -> tuple[str, ...]:
        """Rows of the grid: respondents of the human table, then those that only the twin table has."""
        return tuple(dict.fromkeys((*self.human.respondent_ids, *self.twin.respondent_ids)))

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Columns of the grid: items of the human table, then those that only the twin table has."""
        return tuple(dict.fromkeys((*self.human.item_ids, *self.twin.item_ids)))

    @cached_property
    def human_values(self) -> NDArray[np.float64]:
        """Human answers on the grid, (n_respondents, n_items); NaN where missing."""
        return self._lay_out(self.human)

    @cached_property
    def twin_values(self) -> NDArray[np.float64]:
        """Twin answers on the grid, (n_respondents, n_items); NaN where missing."""
        return self._lay_out(self.twin)

    @cached_property
    def in_context_values(self) -> NDArray[np.float64] | None:
        """In-context twin answers on the grid, or None where there are none."""
        return None if self.in_context is None else self._lay_out(self.in_context)

    def _lay_out(self, matrix: ResponseMatrix) -> NDArray[np.float64]:
        grid = matrix.on_grid(self.respondent_ids, self.item_ids)
        grid.flags.writeable = False
        return grid

    @cached_property
    def new_items(self) -> tuple[str, ...]:
        """Items that no human has answered."""
        answered = np.flatnonzero(np.isfinite(self.human_values).any(axis=0))
        return _without(self.item_ids, answered.tolist())

    @cached_property
    def new_respondents(self) -> tuple[str, ...]:
        """Respondents who have answered nothing themselves."""
        answered = np.flatnonzero(np.isfinite(self.human_values).any(axis=1))
        return _without(self.respondent_ids, answered.tolist())

    def person_numbers(self, name: str) -> NDArray[np.float64]:
        """Numbers in a column of the people table, by respondent; NaN where missing.

        Raises
        ------
        DataError
            If there is no people table, or a cell is no number.
        UnknownNameError
            If the people table has no such column.
        """
        people = self._people(name)
        return people.on_ids(people.numbers(name), self.respondent_ids)

    def person_groups(self, name: str) -> NDArray[np.object_]:
        """Names of the groups in a column of the people table, by respondent; None where missing.

        Raises the errors of :meth:`person_numbers`, except that any cell is a name.
        """
        people = self._people(name)
        return people.on_ids(people.groups(name), self.respondent_ids)

    def _people(self, name: str) -> People:
        if self.people is None:
            raise DataError(
                f"a people table must be given to use its column {name!r}; this panel has none. Give one (--people, "
                "or people=...), or name columns of the human table that are no items (--people-columns, or "
                "people_columns=...)."
            )
        return self.people

    @cached_property
    def respondents_without_row(self) -> tuple[str, ...]:
        """Respondents who are not in the people table; empty if there is none."""
        if self.people is None:
            return ()
        known = set(self.people.ids)
        return tuple(r for r in self.respondent_ids if r not in known)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything that could be predicted: each new item, then each new respondent."""
        return (
            *(Target("item", i) for i in self.new_items),
            *(Target("respondent", r) for r in self.new_respondents),
        )

    @cached_property
    def items(self) -> dict[str, Item]:
        """Items of both tables by id, with text, scale and block.

        Each of the three is taken from the human table's declaration, or else from the twin table's.
        """
        known = {item.id: item for item in self.human.items}
        return known | {item.id: _merged(known.get(item.id, item), item) for item in self.twin.items}

    @property
    def declared_blocks(self) -> dict[str, str]:
        """Declared block of each item that has one, by item id."""
        return {i: item.block for i, item in self.items.items() if item.block is not None}

    @cached_property
    def scales(self) -> dict[str, Scale]:
        """Scale of each item: declared, or else inferred (:mod:`truetwin.data.scale_inference`)."""
        return self.scales_seen_in(self.human_values)

    def scales_seen_in(self, human_values: NDArray[np.float64]) -> dict[str, Scale]:
        """Return the scales as they would be with these human answers on the panel's grid, some hidden perhaps."""
        named = self.declared_blocks
        by_id = infer_blocks(self.item_ids)
        found = infer_scales(
            human_values,
            self.twin_values,
            [self.items[i].scale for i in self.item_ids],
            [named.get(i, by_id[i]) for i in self.item_ids],
        )
        return dict(zip(self.item_ids, found, strict=True))


def _merged(ours: Item, theirs: Item) -> Item:
    scale = theirs.scale if ours.scale is None or (theirs.has_scale and not ours.has_scale) else ours.scale
    if ours.scale is not None and theirs.scale is not None and not (ours.has_scale or theirs.has_scale):
        scale = Scale.undeclared({**theirs.scale.off_scale, **ours.scale.off_scale})
    return Item(ours.id, ours.text or theirs.text, scale, theirs.block if ours.block is None else ours.block)


def _without(ids: Sequence[str], positions: Sequence[int]) -> tuple[str, ...]:
    left_out = set(positions)
    return tuple(i for k, i in enumerate(ids) if k not in left_out)


def _some(ids: Sequence[str]) -> str:
    return ", ".join(repr(i) for i in ids[:2]) + (", ..." if len(ids) > 2 else "")


def _further(what: str) -> str:
    return (
        "; twins must also have answered items that people have answered, for calibration to learn from"
        if what == "item"
        else ""
    )
