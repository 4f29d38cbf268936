"""Report sections on experiments: calibrated effects, the best option, effects as they are, and how good they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from truetwin.data.table_cells import cell
from truetwin.experiments.effect_words import effect_in_words
from truetwin.report.figures.effect_figures import effect_scatter_figure, forest_figure, forest_rows
from truetwin.report.page import Field, Picture, Section, Table

Record = Mapping[str, Any]
HUMAN = "human"

CALIBRATED_FIELDS = (
    Field("contrast", "contrast"),
    Field("sentence", "in words"),
    Field("raw", "effect", ".2f"),
    Field("raw_low", "from", ".2f"),
    Field("raw_high", "to", ".2f"),
    Field("effect", "effect (sd)", ".2f"),
    Field("low", "from (sd)", ".2f"),
    Field("high", "to (sd)", ".2f"),
    Field("positive", "above 0", ".2f"),
    Field("twin", "twin (human sd)", ".2f"),
    Field("twin_own", "twin (own sd)", ".2f"),
    Field("shrunken", "twin, one slope", ".2f"),
    Field("pilot", "pilot alone", ".2f"),
    Field("worth", "worth (people per arm)", ".0f"),
    Field("human_sd", "human sd", ".3g"),
    Field("human_sd_from", "sd from"),
)
SLOPE_FIELDS = (
    Field("kind", "contrasts"),
    Field("standardiser", "twin effects in"),
    Field("slope", "slope", ".2f"),
    Field("low", "from", ".2f"),
    Field("high", "to", ".2f"),
    Field("studies", "past studies", "d"),
)
STANDARDISERS = {"twin": "the human sd", "own": "the twins' own sd"}
OPTION_FIELDS = (
    Field("study", "study"),
    Field("outcome", "outcome"),
    Field("rank", "rank", "d"),
    Field("option", "option"),
    Field("effect", "effect (sd)", ".2f"),
    Field("twin", "twin (sd)", ".2f"),
    Field("best", "probably best", ".0%"),
    Field("loss", "expected loss (sd)", ".3f"),
)
LOSS_FIELDS = (
    Field("study", "study"),
    Field("outcome", "outcome"),
    Field("people", "people per arm", "d"),
    Field("by_twin", "by twins", ".3f"),
    Field("by_pilot", "by the pilot", ".3f"),
    Field("by_both", "by both", ".3f"),
    Field("at_random", "blindly", ".3f"),
)
EFFECT_FIELDS = (
    Field("contrast_id", "contrast"),
    Field("by", "by"),
    Field("group", "group"),
    Field("side", "answers of"),
    Field("effect", "effect", ".3g"),
    Field("lower", "from", ".3g"),
    Field("upper", "to", ".3g"),
    Field("d", "d", ".2f"),
    Field("d_own", "d (own sd)", ".2f"),
    Field("sd", "sd", ".3g"),
    Field("standardiser", "which sd"),
    Field("p_adjusted", "p (corrected)", ".3f"),
    Field("n_treatment", "n treatment", "d"),
    Field("n_control", "n control", "d"),
    Field("note", "note"),
)
SCORE_FIELDS = (
    Field("part", "contrasts"),
    Field("method", "predicted by"),
    Field("rmse", "RMSE (sd)", ".3f"),
    Field("gain_over_zero", "gain over no effect", ".2f"),
    Field("gain_over_zero_low", "from", ".2f"),
    Field("gain_over_zero_high", "to", ".2f"),
    Field("gain_over_twin", "gain over the twin", ".2f"),
    Field("cosine", "r (cosine)", ".2f"),
    Field("sign", "right sign", ".2f"),
    Field("sign_significant", "right sign, clear effects", ".2f"),
    Field("coverage", "interval holds", ".2f"),
    Field("width", "width (sd)", ".2f"),
)
DIFFERENCE_FIELDS = (
    Field("method", "method"),
    Field("other", "minus"),
    Field("difference", "squared error", ".4f"),
    Field("low", "from", ".4f"),
    Field("high", "to", ".4f"),
)


def calibrated_in_words(record: Record, headline: Collection[str] = ()) -> str:
    """Say the first headline effect in one sentence, which is the answer of a report; else the first effect."""
    rows = list(zip(record["effects"], record["sentences"], strict=True))
    (row, sentence) = next((r for r in rows if r[0]["contrast"] in headline), rows[0])
    named = sentence.startswith(f"{row['contrast']}:")
    more = len(rows) - 1
    return f"{sentence}{'' if named else ' (' + row['contrast'] + ')'}" + (
        f"; {more} more {'effects are' if more > 1 else 'effect is'} below." if more else "."
    )


def calibrated_section(record: Record) -> Section:
    """Show calibrated effects from the record that `experiment calibrate` writes."""
    rows = [
        {**row, "sentence": sentence}
        for row, sentence in zip(record["effects"], record["sentences"], strict=True)
    ]
    level = rows[0]["level"]
    learned = record["learned"]
    studies = len(learned["past_studies"])
    text = (
        f"Effects among people, predicted from twin effects as {studies} past studies teach. An interval holds the "
        f"effect with probability {level:.0%}. “Worth” is the number of people per arm whose answers alone would tell "
        "as much."
        if learned["calibrated"]
        else "Too few past studies teach how twin effects go with human effects: these are twin effects as they are."
    )
    forest = forest_rows(rows)
    picture = Picture(
        "experiment-effects",
        forest_figure(forest, level),
        f"Effects in standard deviations with {level:.0%} intervals: a pilot of people if there is one, twins as they "
        "are, and calibrated. The line is no effect.",
        forest,
    )
    slopes = [
        {**row, "standardiser": STANDARDISERS.get(row["standardiser"], row["standardiser"])}
        for row in learned.get("slopes", [])
    ]
    blocks: list[Table | Picture] = [picture, Table("Calibrated effects", CALIBRATED_FIELDS, rows)]
    if slopes:
        caption = "How much of a twin effect is a human effect: 1 would be all of it, 0 nothing."
        blocks.append(Table("Slopes learned", SLOPE_FIELDS, slopes, caption))
    return Section("Effects of arms", (text, *map(_as_sentence, record["notes"])), blocks)


def options_section(record: Record) -> Section:
    """Show which option of each choice is probably best, from the record that `experiment rank` writes."""
    texts = _best_options(record)
    losses = Table(
        "What choosing loses on average, in sd",
        LOSS_FIELDS,
        record["losses"],
        "Against the best option: chosen by calibrated twin effects, by a pilot, by both, or blindly.",
    )
    return Section(
        "Which option is best", texts, (Table("Options", OPTION_FIELDS, record["options"]), losses)
    )


def options_in_words(record: Record) -> str:
    """Say which option of the first choice is probably best, and how many choices there are."""
    first, *others = _best_options(record)
    return f"{first} {len(others)} more choices are below." if others else first


def _best_options(record: Record) -> list[str]:
    return [
        f"{row['study'] + ', ' if row['study'] else ''}{row['outcome']}: {row['option']} is best with probability "
        f"{row['best']:.0%}; choosing it loses {cell(row['loss'], '.3f')} sd on average."
        for row in record["options"]
        if row["rank"] == 1
    ]


def effects_section(record: Record) -> Section:
    """Show effects among people and twins, not calibrated, from the record that `experiment effects` writes."""
    text = (
        "Effects in the units of the answers and in standard deviations (d), among people and among twins as they "
        "are. Twin effects are no estimates of human effects: compare arms on calibrated effects."
    )
    return Section(
        "Effects among people and twins",
        (text, *map(_as_sentence, record["notes"])),
        (Table("Effects", EFFECT_FIELDS, record["effects"]),),
    )


def effects_in_words(record: Record) -> str:
    """Say the first headline effect among people in one sentence; without people, among twins."""
    sides = {row["side"] for row in record["effects"]}
    side = HUMAN if HUMAN in sides else next(iter(row["side"] for row in record["effects"]))
    here = [row for row in record["effects"] if row["side"] == side and not row["by"]]
    row = next((r for r in here if r["headline"]), here[0])
    names = {"raw": "effect", "raw_low": "lower", "raw_high": "upper"}
    shown = {ours: row[theirs] for ours, theirs in names.items()}
    sentence = effect_in_words({"contrast": row["contrast_id"], "level": row["level"], **shown})
    who = "people" if side == HUMAN else f"twins ({side}), which is not calibrated"
    return f"{sentence} among {who}."


def judged_section(record: Record) -> Section:
    """Show how well effects of left-out studies were predicted, from the record that `experiment evaluate` writes."""
    rows = record["predictions"]
    cosines = {row["method"]: row["cosine"] for row in record["scores"] if row["part"] == "all contrasts"}
    ceiling, level = record["ceiling"]["split_half"], record["level"]
    studies = len({row["study"] for row in rows})
    text = (
        f"Each of {studies} studies was left out, and its effects predicted from what the others teach. Every study "
        f"counts the same; {level:.0%} intervals are over studies. Effects in one random half of the people go with "
        f"those in the other half with r {ceiling:.2f}."
    )
    scatter = Picture(
        "experiment-scatter",
        effect_scatter_figure(rows, ceiling=ceiling, cosines=cosines),
        f"Predicted against human effects of {len(rows)} contrasts, in sd: twins as they are, and calibrated without "
        "the study itself. r is the correlation about 0; the ceiling is that of people with people.",
        rows,
    )
    forest = Picture(
        "experiment-left-out",
        forest_figure(rows, level),
        f"The same effects one by one, with {level:.0%} intervals of the human and the calibrated effects.",
        rows,
    )
    blocks: Sequence[Table | Picture] = (
        scatter,
        Table("Scores", SCORE_FIELDS, record["scores"]),
        Table("Squared errors, paired by study", DIFFERENCE_FIELDS, record["differences"]),
        forest,
    )
    return Section("How good calibrated effects are", (text, *map(_as_sentence, record["notes"])), blocks)


def _as_sentence(note: str) -> str:
    """Write a note with a capital letter and a full stop."""
    text = note[:1].upper() + note[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
