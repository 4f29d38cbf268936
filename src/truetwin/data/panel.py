"""Panel: answers of humans and of their twins, from one source or several, aligned by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.id_families import infer_blocks
from truetwin.data.item import Item, merged_item
from truetwin.data.people import People
from truetwin.data.plots import Plots
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.data.scale_inference import infer_scales_of_sources
from truetwin.data.source_average import average_table
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.data.target import Target
from truetwin.data.twin_sources import LONE, check_sources, nominal_items, some_ids
from truetwin.errors import AlignmentError, DataError

SHOWN = (
    Shown("item", "item"),
    Shown("n_human", "people", "d"),
    Shown("n_twin", "twins", "d"),
    Shown("scale", "scale"),
    Shown("text", "text"),
)


@dataclass(frozen=True, eq=False, init=False)
class Panel:
    """Answers of the same respondents to the same items, from people and from their twins, aligned by id.

    A *twin* is a language model that answers in the place of one real person. A *source* is one table of twin answers:
    a model, a prompt or a replicate; a panel holds one or several. All tables are laid out on one grid: the human
    table's respondents and items in their order, then those that only twins have. Nothing is matched by position. The
    twin side may have more items (new items, to be predicted) and more respondents (new respondents, to be
    predicted). A source may lack people and items.

    Parameters
    ----------
    human : ResponseMatrix
        What people answered.
    twin : ResponseMatrix or mapping from name to ResponseMatrix
        What their twins answered: one source, or several by name. Replicates of one source are named ``name/1``,
        ``name/2``.
    in_context : ResponseMatrix, optional
        Answers of twins that were shown the person's other answers (the in-context baseline of paper A,
        section 3.3).
    people : People, optional
        What is known of the respondents that is no item: weights, groups, strata, clusters. Respondents without a
        row there have missing values.
    sources : mapping from name to ResponseMatrix, optional
        The same as ``twin``, which counts if both are given; :func:`dataclasses.replace` passes it on.

    Raises
    ------
    AlignmentError
        If a source has no respondent or no item in common with the human table, or the people table has none of the
        respondents.
    ScaleError
        If two sources declare different scales for an item.

    Examples
    --------
    >>> human = ResponseMatrix([[1, 2], [3, 4]], ["a", "b"], ["Q1", "Q2"])
    >>> twin = ResponseMatrix([[3, 3, 5], [1, 2, 4]], ["b", "a"], ["Q1", "Q2", "Q3"])
    >>> panel = Panel(human, twin)
    >>> panel.twin_values[:, 2]
    array([4., 5.])
    >>> panel.new_items
    ('Q3',)
    >>> several = Panel(human, {"gpt": twin, "gemini": twin.take_items([0, 1])})
    >>> several.source_names, several.source_values.shape
    (('gpt', 'gemini'), (2, 2, 3))
    """

    plot = Plots("answers")

    human: ResponseMatrix
    sources: Mapping[str, ResponseMatrix]
    in_context: ResponseMatrix | None
    people: People | None

    def __init__(
        self,
        human: ResponseMatrix,
        twin: ResponseMatrix | Mapping[str, ResponseMatrix] | None = None,
        in_context: ResponseMatrix | None = None,
        people: People | None = None,
        *,
        sources: Mapping[str, ResponseMatrix] | None = None,
    ) -> None:
        given = sources if twin is None else twin
        by_name = {LONE: given} if isinstance(given, ResponseMatrix) else dict(given or {})
        for name, value in (
            ("human", human),
            ("sources", by_name),
            ("in_context", in_context),
            ("people", people),
        ):
            object.__setattr__(self, name, value)
        check_sources(human, by_name)
        if self.people is not None and not set(self.people.ids) & set(self.respondent_ids):
            raise AlignmentError(
                f"the people table must be about respondents of the panel; {self.people.source} has none of them "
                f"({some_ids(self.people.ids)} and {some_ids(self.respondent_ids)}). Check that both use the same ids, "
                "written the same way."
            )

    @classmethod
    def from_frames(
        cls,
        human: Any,
        twin: Any | Mapping[str, Any],
        *,
        id_column: str | None = None,
        items: dict[str, Item] | None = None,
        in_context: Any = None,
        people: Any = None,
        people_columns: Sequence[str] = (),
        choices: ReadingChoices = AS_USUAL,
    ) -> Panel:
        """Build a panel from pandas, polars or pyarrow tables with one column of ids.

        Parameters
        ----------
        human, twin : data frame
            Wide tables (one column an item) or long ones (``respondent_id, item_id, value``). ``twin`` may be a
            mapping of names to such tables: several sources of twin answers. A column ``source`` or ``replicate`` of a
            table with several answers of a twin tells sources apart (:mod:`truetwin.data.source_columns`).
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

        Raises
        ------
        AlignmentError
            If tables write the same ids in two ways, such as 7 and 007, and ``choices.match`` is false.

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
        from truetwin.data.matched_ids import people_with_matching_ids, repair_of_ids, with_matching_ids
        from truetwin.data.people_frames import people_from_frame
        from truetwin.data.source_columns import source_frames
        from truetwin.data.undeclared_codes import without_sure_codes

        frames = source_frames(human, twin, id_column, items or {}, people_columns)
        labels = [f"the source {name!r}" for name in frames] if len(frames) > 1 else ["the twin table"]
        ours, theirs = columns_without_answers(
            human, list(frames.values()), id_column, items or {}, people_columns
        )
        tables = []
        for frame, source, left_out in (
            (human, "the human table", ours),
            *zip(frames.values(), labels, theirs, strict=True),
            (in_context, "the in-context table", {k: v for each in theirs for k, v in each.items()}),
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
        ids, match = tables[0].respondent_ids, choices.match
        tables[1:] = [with_matching_ids(ids, "the human table", each, match=match) for each in tables[1:]]
        if choices.missing_codes is None:
            tables, notes = without_sure_codes(*tables, n_twins=len(frames))
            tables[0] = tables[0].with_notes(*notes)
        known: People | None = None
        if people is not None:
            known = people if isinstance(people, People) else people_from_frame(people, id_column=id_column)
            everybody = tuple(dict.fromkeys(i for each in tables for i in each.respondent_ids))
            known, notes = people_with_matching_ids(everybody, "the human table", known, match=match)
            tables[0] = tables[0].with_notes(*notes)
        if people_columns:
            taken = people_from_frame(
                human, id_column=id_column, columns=people_columns, items=items, source="the human table"
            )
            known = taken if known is None else known.joined(taken)
        sources = dict(zip(frames, tables[1 : len(frames) + 1], strict=True))
        try:
            return cls(tables[0], sources, tables[-1] if in_context is not None else None, known)
        except AlignmentError as error:
            repairs = (repair_of_ids(ids, each.respondent_ids) for each in sources.values())
            raise AlignmentError(f"{error}{next(filter(None, repairs), '')}") from error

    def summary(self) -> SummaryTable:
        """Summarise by item, one row each: answers of people and of twins, the scale, and whether the item is new."""
        human, twin = (np.isfinite(v).sum(axis=0) for v in (self.human_values, self.twin_values))
        rows = [
            {
                "item": item,
                "n_human": int(human[k]),
                "n_twin": int(twin[k]),
                "scale": self.scales[item].describe(),
                "scale_inferred": self.scales[item].inferred,
                "new": item in self.new_items,
                "text": self.items[item].text or None,
            }
            for k, item in enumerate(self.item_ids)
        ]
        return SummaryTable(rows, SHOWN, title=repr(self), frame_kind=self.human.frame_kind)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        n, m = len(self.respondent_ids), len(self.item_ids)
        new = f"{len(self.new_items)} new items, {len(self.new_respondents)} new respondents"
        twins = f"; {len(self.sources)} sources" if len(self.sources) > 1 else ""
        return f"Panel({n} respondents x {m} items; {new}{twins})"

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources of twin answers, in their order."""
        return tuple(self.sources)

    @cached_property
    def twin(self) -> ResponseMatrix:
        """Twin answers as one table: the lone source itself, or the average of several.

        :mod:`truetwin.data.source_average` says how answers are averaged.
        """
        if len(self.sources) == 1:
            return next(iter(self.sources.values()))
        return average_table(self.sources, nominal_items(self.items))

    @property
    def source_values(self) -> NDArray[np.float64]:
        """Answers of each source on the grid, (n_sources, n_respondents, n_items); NaN where missing."""
        return self.twin_values[None] if len(self.sources) == 1 else self._source_grids

    @cached_property
    def _source_grids(self) -> NDArray[np.float64]:
        grids = np.stack([m.on_grid(self.respondent_ids, self.item_ids) for m in self.sources.values()])
        grids.flags.writeable = False
        return grids

    @cached_property
    def respondent_ids(self) -> tuple[str, ...]:
        """Rows of the grid: respondents of the human table, then those that only twins have."""
        theirs = (r for source in self.sources.values() for r in source.respondent_ids)
        return tuple(dict.fromkeys((*self.human.respondent_ids, *theirs)))

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Columns of the grid: items of the human table, then those that only twins have."""
        theirs = (i for source in self.sources.values() for i in source.item_ids)
        return tuple(dict.fromkeys((*self.human.item_ids, *theirs)))

    @cached_property
    def human_values(self) -> NDArray[np.float64]:
        """Human answers on the grid, (n_respondents, n_items); NaN where missing."""
        return self._lay_out(self.human)

    @cached_property
    def twin_values(self) -> NDArray[np.float64]:
        """Twin answers on the grid, (n_respondents, n_items); NaN where missing. The average of several sources."""
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
        """Items of all tables by id, with text, scale and block.

        Each of the three is taken from the human table's declaration, or else from that of the first source with one.
        """
        known = {item.id: item for item in self.human.items}
        for source in self.sources.values():
            known |= {item.id: merged_item(known.get(item.id, item), item) for item in source.items}
        return known

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
        found = infer_scales_of_sources(
            human_values,
            self.source_values,
            [self.items[i].scale for i in self.item_ids],
            [named.get(i, by_id[i]) for i in self.item_ids],
        )
        return dict(zip(self.item_ids, found, strict=True))


def _without(ids: Sequence[str], positions: Sequence[int]) -> tuple[str, ...]:
    left_out = set(positions)
    return tuple(i for k, i in enumerate(ids) if k not in left_out)
