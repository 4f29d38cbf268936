"""Report section on a simulation: what it cost, and how its calls ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truetwin.report.figures.theme import CALIBRATED, GRID, TWIN, new_figure
from truetwin.report.page import Field, Picture, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATE_FIELDS = (Field("state", "state"), Field("n", "replies", ",d"), Field("share", "share", ".2%"))
ITEM_FIELDS = (
    Field("item", "item"),
    Field("valid", "valid", ",d"),
    Field("share", "share valid", ".1%"),
    Field("other", "other endings"),
)


def simulation_section(sidecar: Mapping[str, Any]) -> Section:
    """Show states, usage and items of a run, from the sidecar of its answers."""
    states = [
        {"state": state, "n": n, "share": n / sidecar["n_expected"] if sidecar["n_expected"] else None}
        for state, n in sidecar["states"].items()
    ]
    if sidecar["n_not_asked"]:
        states.append(
            {
                "state": "not asked",
                "n": sidecar["n_not_asked"],
                "share": sidecar["n_not_asked"] / sidecar["n_expected"],
            }
        )
    blocks: list[Table | Picture] = [
        Picture(
            "states",
            state_figure(states),
            f"How {sidecar['n_expected']:,} replies of {sidecar['model']['name']} ended. Only valid ones are used; the "
            f"others are kept, counted, and never replaced by a guess.",
            states,
        ),
        Table("How replies ended", STATE_FIELDS, states),
        Table("By item", ITEM_FIELDS, [_item(name, found) for name, found in sidecar["items"].items()]),
    ]
    texts = (sidecar["disclosure"], *_arms(sidecar["survey"]), _used(sidecar["usage"]))
    return Section("The simulation", texts, blocks)


def _arms(survey: Mapping[str, Any]) -> list[str]:
    """Say under which arms twins were asked, if they were."""
    arms = survey.get("arms")
    if arms is None:
        return []
    named = "; ".join(f"{condition}: {', '.join(levels)}" for condition, levels in arms["texts"].items())
    if not arms["every"]:
        return [f"Each twin was asked under one arm ({named})."]
    return [
        f"Every twin was asked under every arm ({named}). Differences within twins have no variance between twins; how "
        "far they are from people's differences varies between studies."
    ]


def state_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the share of every state that occurs, with its count."""
    shown = [row for row in rows if row["n"]][::-1]
    figure, axes = new_figure(5.2, max(1.5, 0.36 * len(shown) + 0.8))
    for k, row in enumerate(shown):
        share = 100 * (row["share"] or 0.0)
        axes.barh(k, share, color=CALIBRATED if row["state"] == "valid" else TWIN, height=0.62)
        axes.annotate(
            f"{row['n']:,}", (share, k), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_yticks(range(len(shown)), [row["state"] for row in shown])
    axes.set(xlim=(0, 115), xlabel="percent of all replies")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    return figure


def _item(name: str, found: Mapping[str, int]) -> dict[str, Any]:
    total = sum(found.values())
    others = ", ".join(f"{state} {n}" for state, n in found.items() if n and state != "valid")
    valid = found.get("valid", 0)
    return {"item": name, "valid": valid, "share": valid / total if total else None, "other": others or None}


def _used(usage: Mapping[str, Any]) -> str:
    tokens = (
        f"{usage['requests']:,} requests, {usage['prompt_tokens']:,} tokens sent ({usage['cached_tokens']:,} of them "
        f"cached), {usage['completion_tokens']:,} received ({usage['reasoning_tokens']:,} of them reasoning)"
    )
    failed = sum(usage["failed_attempts"].values())
    lost = f"; {failed:,} attempts failed and were made again" if failed else ""
    if usage["cost"] is None:
        return f"{tokens}{lost}. No prices were given, so that the cost is not known."
    without = usage["requests_without_a_price"]
    rest = f", {without:,} requests without a price left out" if without else ""
    return f"{tokens}{lost}. Cost: {usage['cost']:,.2f}{rest}."
