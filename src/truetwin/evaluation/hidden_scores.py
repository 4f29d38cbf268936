"""Score a method on the answered items, hidden in turn. Verdicts on new items rest on these scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from truetwin.data import Panel
from truetwin.data.person_design import PersonWeights
from truetwin.errors import DataError, NotPredictableError
from truetwin.evaluation.comparison import evaluate

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None] | None]]


@dataclass(frozen=True)
class HiddenScores:
    """Correlations by item: items hidden one by one, and whole batteries hidden; None where that cannot be told."""

    by_item: Mapping[str, float] | None = None
    by_battery: Mapping[str, float] | None = None


def hidden_scores(
    panel: Panel,
    method: str,
    batteries: Mapping[str, str],
    *,
    weights: PersonWeights | None = None,
    bar: Bar | None = None,
) -> HiddenScores:
    """Hide answered items from a method as the new ones are hidden from it.

    Parameters
    ----------
    panel : Panel
        Human and twin answers.
    method : str
        Name of the method.
    batteries : mapping from item id to battery
        Whole batteries are hidden only if a new item belongs to a battery that nobody has answered.
    weights : str or array of shape (n_respondents,), optional
        Survey weights of people, for the correlations.
    bar : callable, optional
        Called with what is being done; gives a context that yields a progress callback.
    """
    answered = {batteries[i] for i in panel.item_ids if i not in set(panel.new_items)}
    new_batteries = any(batteries[i] not in answered for i in panel.new_items)
    return HiddenScores(
        _scores(panel, method, batteries, "leave-one-item-out", weights, bar),
        _scores(panel, method, batteries, "leave-block-out", weights, bar) if new_batteries else None,
    )


def _scores(
    panel: Panel,
    method: str,
    batteries: Mapping[str, str],
    protocol: str,
    weights: PersonWeights | None,
    bar: Bar | None,
) -> dict[str, float] | None:
    what = "items" if protocol == "leave-one-item-out" else "batteries"
    try:
        with bar(f"hiding {what} from {method}") if bar else nullcontext() as progress:
            table = evaluate(
                panel,
                [method],
                protocol,
                blocks=batteries,
                baseline=method,
                weights=weights,
                progress=progress,
            )
    except (NotPredictableError, DataError):  # one answered item, or one battery
        return None
    ((_, scores),) = table.scores.items()
    found = zip(table.target_ids, scores.tolist(), strict=True)
    return {target: score for target, score in found if score == score}
