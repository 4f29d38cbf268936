"""Make the answers that a report opens with from the records of estimates, or of predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from truetwin.data import Item
from truetwin.data.scale import Scale
from truetwin.estimation.crosstab import number
from truetwin.report.headline import Bar, Cited, Headline

Row = Mapping[str, Any]
PUBLISHED = ("publish", "publish with care")


def estimate_headlines(
    record: Mapping[str, Any],
    statistic: str,
    items: Mapping[str, Item],
    scales: Mapping[str, Scale],
    file: str,
) -> list[Headline]:
    """Make a headline for each estimated item: its shares, or its mean where that is asked for or all there is.

    Parameters
    ----------
    record : mapping
        The sidecar that `estimate` writes.
    statistic : str
        "share" or "mean".
    items : mapping from item id to Item
    scales : mapping from item id to Scale
    file : str
        Name of the file of estimates.
    """
    found = []
    for told in record["items"]:
        rows = [r for r in record["rows"] if r["item"] == told["item"] and r["lower"] is not None]
        here = next((kept for name in (statistic, "mean", "share") if (kept := _of(rows, name))), [])
        if here:
            found.append(_headline(here, told, record, items[told["item"]].text, scales[told["item"]], file))
    return found


def _of(rows: Sequence[Row], statistic: str) -> list[Row]:
    kept = [row for row in rows if row["statistic"] == statistic]
    return kept if any(not row["by"] for row in kept) else []


def _headline(
    rows: Sequence[Row], told: Row, record: Mapping[str, Any], text: str, scale: Scale, file: str
) -> Headline:
    everybody = [row for row in rows if not row["by"]]
    main = max(everybody, key=lambda row: float(row["estimate"]))
    by = next((table["by"] for table in record["crosstabs"]), None)
    among = [row for row in rows if row["by"] == by and row["category"] == main["category"]] if by else []
    if main["statistic"] == "share":
        ends, sentence, what = (0.0, 1.0), _share_in_words(main, everybody), f"“{main['category']}” by {by}"
    else:
        ends = _ends(scale, [main, *among])
        sentence, what = _mean_in_words(main, ends), f"mean by {by}"
    return Headline(
        text or told["item"],
        told["item"] if text else "",
        sentence,
        _sentence(f"{told['publish']}: {told['reason']}"),
        told["publish"] in PUBLISHED,
        [_bar(row, row["category"] or "mean", ends, file) for row in everybody],
        [_bar(row, str(row["group"]), ends, file) for row in among],
        what if among else "",
    )


def _ends(scale: Scale, rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of a scale; where it has none, those of the intervals."""
    low = scale.low if np.isfinite(scale.low) else min(row["lower"] for row in rows)
    high = scale.high if np.isfinite(scale.high) else max(row["upper"] for row in rows)
    return float(low), float(high) if high > low else float(low) + 1.0


def people_headlines(
    sidecar: Mapping[str, Any], verdicts: Sequence[Row], items: Mapping[str, Item]
) -> list[Headline]:
    """Make a headline for each new item from how well single people are expected to be predicted.

    Parameters
    ----------
    sidecar : mapping
        The sidecar that `calibrate` writes.
    verdicts : sequence of mapping
        Verdicts of a diagnosis, if there is one.
    items : mapping from item id to Item
    """
    known = {row["item"]: row for row in verdicts}
    found = []
    for item, law in sidecar.get("laws", {}).items():
        if law.get("expected_correlation") is None:
            continue
        low, expected, high = law["expected_correlation"]
        cited = [
            Cited(f"{v:z.2f}", v, "predictions.json", {"laws": item}, f"expected_correlation[{k}]")
            for k, v in enumerate((low, expected, high))
        ]
        verdict = str(known[item]["verdict"]) if item in known else ""
        text = items[item].text
        found.append(
            Headline(
                text or item,
                item if text else "",
                f"Predictions of single people should correlate about {expected:z.2f} with their answers; between "
                f"{low:z.2f} and {high:z.2f} is likely.",
                _sentence(verdict),
                verdict != "do not trust",
                [Bar("correlation", cited[1], cited[0], cited[2])],
            )
        )
    return found


def headlines_in_words(found: Sequence[Headline], record: Mapping[str, Any]) -> tuple[str, str]:
    """Return the answer of a report with these headlines, and whether they can be published."""
    words = Counter(str(row["publish"]) for row in record["items"])
    n = sum(words.values())
    if len(found) == 1:
        return found[0].sentence, found[0].verdict
    printed = sum(words[word] for word in PUBLISHED)
    answer = (
        f"Below is what people are expected to answer to {len(found)} items, with bands that hold "
        f"{record['level']:.0%} of the time."
    )
    if printed == n:
        careful = words[PUBLISHED[1]]
        tail = " with care" if careful == n else f", {careful} of them with care" if careful else ""
        return answer, f"All {n} can be published{tail}."
    if not printed:
        return answer, "None is sure enough to publish as a result: ask some people first."
    return answer, f"{printed} of {n} can be published; the others are indicative only."


def _share_in_words(main: Row, rows: Sequence[Row]) -> str:
    low, estimate, high = (number("share", main[end]) for end in ("lower", "estimate", "upper"))
    others = [r["upper"] for r in rows if r is not main]
    tail = "" if not others or max(others) < main["lower"] else " Another answer may be as common."
    return f"Between {low} and {high} would answer “{main['category']}”; we expect {estimate}.{tail}"


def _mean_in_words(row: Row, ends: tuple[float, float]) -> str:
    low, estimate, high = (number("mean", row[end]) for end in ("lower", "estimate", "upper"))
    return (
        f"The mean answer should lie between {low} and {high} on the scale from {ends[0]:g} to {ends[1]:g}; we expect "
        f"{estimate}."
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def _bar(row: Row, label: str, ends: tuple[float, float], file: str) -> Bar:
    where = {
        name: str(row[name]) for name in ("item", "by", "group", "statistic", "category") if row.get(name)
    }
    estimate, lower, upper = (
        Cited(number(row["statistic"], row[end]), row[end], file, where, end)
        for end in ("estimate", "lower", "upper")
    )
    return Bar(label, estimate, lower, upper, ends)
