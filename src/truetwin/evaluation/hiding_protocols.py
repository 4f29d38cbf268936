"""Hiding protocols: what is hidden from a method when it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from truetwin.calibration.base import donors
from truetwin.calibration.design import Fold
from truetwin.data import Axis, Panel
from truetwin.errors import NotPredictableError
from truetwin.instrument.batteries import check_blocks, infer_blocks
from truetwin.registry import Registry, must_be


@dataclass(frozen=True)
class Protocol:
    """Hiding protocol: a way to split a panel into folds.

    Attributes
    ----------
    name : str
        Name on the command line.
    axis : {"item", "respondent"}
        Axis of the targets.
    summary : str
        The question that it answers.
    folds : callable
        Function that makes the folds from a panel and its blocks.
    """

    name: str
    axis: Axis
    summary: str
    folds: Callable[[Panel, Mapping[str, str] | None], list[Fold]]


protocols: Registry[Protocol] = Registry(
    "protocol", hint="Known: {names}.", entry_point_group="truetwin.protocols", check=must_be(Protocol)
)


def _answered(panel: Panel, axis: Axis) -> list[int]:
    along = 0 if axis == "item" else 1
    found = np.flatnonzero(np.isfinite(panel.human_values).any(axis=along))
    if found.size < 2:
        raise NotPredictableError(
            f"leaving one {axis} out needs at least two {axis}s with human answers; there is {found.size or 'none'}"
        )
    return [int(k) for k in found]


def _one_out(axis: Axis) -> Callable[[Panel, Mapping[str, str] | None], list[Fold]]:
    def folds(panel: Panel, blocks: Mapping[str, str] | None) -> list[Fold]:
        everything = donors(panel, axis, set())
        at = {d: n for n, d in enumerate(everything)}
        rest = {k: everything[: at[k]] + everything[at[k] + 1 :] for k in at}
        return [Fold(axis, (k,), rest.get(k, everything)) for k in _answered(panel, axis)]

    return folds


def _block_out(panel: Panel, blocks: Mapping[str, str] | None) -> list[Fold]:
    answered = _answered(panel, "item")
    ids = [panel.item_ids[k] for k in answered]
    block_of = check_blocks(infer_blocks(ids) if blocks is None else blocks, ids)
    members: dict[str, list[int]] = {}
    for k, item in zip(answered, ids, strict=True):
        members.setdefault(block_of[item], []).append(k)
    everything = donors(panel, "item", set())
    return [Fold("item", tuple(m), tuple(d for d in everything if d not in set(m))) for m in members.values()]


def _domain_out(panel: Panel, blocks: Mapping[str, str] | None) -> list[Fold]:
    domain_of = {k: panel.items[panel.item_ids[k]].domain for k in _answered(panel, "item")}
    names = list(dict.fromkeys(name for name in domain_of.values() if name))
    if len(names) < 2:
        raise NotPredictableError(
            "leaving one domain out needs answered items of at least two domains; "
            f"{f'all are of {names[0]!r}' if names else 'no item has one'}. Declare them in the column 'domain' of the "
            "item file."
        )
    usable = set(donors(panel, "item", set()))
    folds = []
    for name in names:
        targets = tuple(k for k, domain in domain_of.items() if domain == name)
        others = tuple(k for k, domain in domain_of.items() if domain not in (name, None) and k in usable)
        folds.append(Fold("item", targets, others))
    return folds


def blocks_across_domains(panel: Panel, blocks: Mapping[str, str]) -> dict[str, str]:
    """Return the blocks that methods are given when domains are left out: whole domains, as many as can be hidden.

    A method that learns on known items must hide them as the target is hidden: with all of their domain. If the donors
    are of one domain only, nothing would be left, and its batteries are the blocks.

    Examples
    --------
    >>> from truetwin.data import Item, ResponseMatrix
    >>> items = [Item(f"Q{k}", domain="abc"[k]) for k in range(3)]
    >>> table = ResponseMatrix([[1, 2, 3], [2, 1, 3]], ["p", "q"], items)
    >>> blocks_across_domains(Panel(table, table), {"Q0": "Q", "Q1": "Q", "Q2": "Q"})
    {'Q0': 'a', 'Q1': 'b', 'Q2': 'c'}
    """
    domains = {i: item.domain for i, item in panel.items.items() if item.domain}
    if len(set(domains.values())) > 2:
        return {i: domains.get(i, blocks[i]) for i in panel.item_ids}
    return {i: f"{domains[i]}/{blocks[i]}" if i in domains else blocks[i] for i in panel.item_ids}


for _protocol in (
    Protocol(
        "leave-one-item-out",
        "item",
        "a new item whose battery may be known: its siblings stay (paper A)",
        _one_out("item"),
    ),
    Protocol(
        "leave-one-respondent-out",
        "respondent",
        "a new respondent who has answered nothing (paper A, section 6)",
        _one_out("respondent"),
    ),
    Protocol(
        "leave-block-out",
        "item",
        "a genuinely new battery: no human answer to any of its items",
        _block_out,
    ),
    Protocol(
        "leave-domain-out",
        "item",
        "items of another domain (subject, survey) than all that people have answered",
        _domain_out,
    ),
):
    protocols.add(_protocol.name, _protocol)
