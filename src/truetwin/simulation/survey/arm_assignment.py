"""Assign twins to arms: by seed and balanced, as a table says, or every twin to every arm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from truetwin.data import Item
from truetwin.errors import DataError
from truetwin.registry import closest
from truetwin.simulation.questions.arms import Arms
from truetwin.simulation.questions.question import turn_of

#: Levels of each condition, by person.
Assignment = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class ArmPlan:
    """Plan of arms: their texts, and how twins come into them.

    Parameters
    ----------
    arms : Arms
        Conditions, levels and texts.
    given : mapping from person to condition to level, optional
        The arms of people, where they are known. Otherwise the seed decides.
    strata : mapping from person to stratum, optional
        Groups within which assignment by seed is balanced.
    before : mapping from person to condition to level
        Arms in which people were before, in a run that is continued. Assignment by seed leaves them there.
    """

    arms: Arms
    given: Assignment | None = None
    strata: Mapping[str, str | None] = field(default_factory=dict)
    before: Assignment = field(default_factory=dict)

    def assignment(
        self, people: Sequence[str], groups: Mapping[str, Sequence[Item]], seed: int
    ) -> Assignment:
        """Return the levels of each person; empty if every twin is asked under every arm."""
        if self.arms.every:
            return {}
        if self.given is not None:
            return given_levels(self.given, people, self.arms)
        return assigned_levels(people, groups, self.arms, seed, self.strata, self.before)


def assigned_levels(
    people: Sequence[str],
    groups: Mapping[str, Sequence[Item]],
    arms: Arms,
    seed: int,
    strata: Mapping[str, str | None] | None = None,
    before: Assignment | None = None,
) -> dict[str, dict[str, str]]:
    """Assign each person to one level of every condition, by seed.

    People are shuffled and dealt to the levels in turn, stratum after stratum. So the sizes of any two arms differ by
    at most one, in all and within each stratum. Conditions that are shown in the same call are dealt jointly: then this
    holds of their combinations, as long as there are at least twice as many people as combinations. The order in which
    people are listed does not matter.

    Parameters
    ----------
    people : sequence of str
        Ids of the people.
    groups : mapping from name to sequence of Item
        Items that are asked together.
    arms : Arms
        Conditions and levels.
    seed : int
        Random seed.
    strata : mapping from person to stratum, optional
        Groups of people; people without one are a group of their own.
    before : mapping from person to condition to level, optional
        Arms in which people are already. They stay there, and each of the others gets the arm that has the fewest
        people of its stratum, and then the fewest in all.
    """
    found: dict[str, dict[str, str]] = {person: {} for person in people}
    strata = strata or {}
    for conditions in _together(groups, arms, len(people)):
        hands = arms.combinations(conditions)
        rng = np.random.default_rng(turn_of(seed, "arms", *conditions))
        order = rng.permutation(len(hands))
        shuffled = [sorted(people)[k] for k in rng.permutation(len(people))]
        dealt = sorted(shuffled, key=lambda person: strata.get(person) or "")
        if before:
            _deal_beside(found, dealt, [hands[k] for k in order], strata, before)
            continue
        for k, person in enumerate(dealt):
            found[person] |= hands[order[k % len(hands)]]
    return {person: {c: found[person][c] for c in arms.texts} for person in people}


def _deal_beside(
    found: dict[str, dict[str, str]],
    dealt: Sequence[str],
    hands: Sequence[Mapping[str, str]],
    strata: Mapping[str, str | None],
    before: Assignment,
) -> None:
    """Deal people to ``hands``, beside those who hold one already."""
    held: Counter[tuple[str | None, int]] = Counter()
    everywhere: Counter[int] = Counter()
    new = []
    for person in dealt:
        theirs = before.get(person, {})
        hand = next((k for k, each in enumerate(hands) if each.items() <= theirs.items()), None)
        if hand is None:
            new.append(person)
            continue
        found[person] |= hands[hand]
        held[strata.get(person), hand] += 1
        everywhere[hand] += 1
    for person in new:
        stratum = strata.get(person)
        hand = min(range(len(hands)), key=lambda k: (held[stratum, k], everywhere[k], k))
        found[person] |= hands[hand]
        held[stratum, hand] += 1
        everywhere[hand] += 1


def given_levels(given: Assignment, people: Sequence[str], arms: Arms) -> dict[str, dict[str, str]]:
    """Take the levels of people from a table of conditions.

    Raises
    ------
    DataError
        If a person is not in the table, or has a level that the arms file does not know. The message names the person.
    """
    absent = [person for person in people if person not in given]
    if absent:
        more = f" ({len(absent) - 1} more)" if len(absent) > 1 else ""
        raise DataError(
            f"every persona must have a row in the conditions table; {absent[0]!r} has none{more}. Leave its cells "
            "empty if it is in no arm."
        )
    for person in people:
        for condition, level in given[person].items():
            known = list(arms.texts.get(condition, {level: ""}))
            if level not in known:
                raise DataError(
                    f"a level in the conditions table must have a text in the arms file; person {person!r} has "
                    f"{condition} {level!r}, which is none of {', '.join(map(repr, known))}.{closest(level, known)}"
                )
    return {person: {c: given[person][c] for c in arms.texts if c in given[person]} for person in people}


def _together(groups: Mapping[str, Sequence[Item]], arms: Arms, n_people: int) -> list[tuple[str, ...]]:
    """Join conditions that are shown in the same call, where their combinations can be balanced."""
    joined: list[set[str]] = []
    for items in groups.values():
        shown = set(arms.conditions_of(items))
        apart = [each for each in joined if not each & shown]
        joined = [*apart, shown.union(*(each for each in joined if each & shown))]
    found: list[tuple[str, ...]] = []
    for each in joined:
        conditions = tuple(condition for condition in arms.texts if condition in each)
        count = np.prod([float(len(arms.texts[c])) for c in conditions])
        found += [conditions] if 2 * count <= n_people else [(condition,) for condition in conditions]
    rest = set(arms.texts) - {condition for each in found for condition in each}
    return [
        each for each in (*found, *((condition,) for condition in arms.texts if condition in rest)) if each
    ]
