"""Label results as computed or simulated, so that nobody takes them for answers that people gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from truetwin.io.tables import DISCLOSURE_COLUMN, TEXT_ENDINGS

if TYPE_CHECKING:
    import pyarrow as pa

PREDICTED_ANSWERS = (
    "These values are predictions of a statistical model from the answers of language-model twins and of other "
    "people. They are not answers that anybody gave, and must not be presented as such. For relations between answers, "
    "use draws."
)
DRAWN_ANSWERS = (
    "Completed data sets: answers that people gave, and in the place of those they did not give, answers drawn from a "
    "statistical model. The rows belong to real persons, and a drawn answer says little of any one of them: use the "
    "draws for estimates over people, pooled over all draws, and never as answers of a person."
)
PREDICTED_SHARES = (
    "Predicted shares, made from answers of simulated people and human marginals of other items; "
    "not measured."
)
ESTIMATES = (
    "Estimates of a statistical model from the answers of language-model twins and of people to other items, with "
    "intervals. Where nobody has answered an item, nothing of it was measured. Publish them as estimates, with their "
    "intervals and the number of people that they are worth."
)
EFFECTS = (
    "Effects of an experiment, predicted by a statistical model from the effects in language-model twins and from past "
    "experiments with people. Where no people took part, nothing was measured. Publish them as predictions, with their "
    "intervals."
)
EFFECTS_AS_THEY_ARE = (
    "Effects of an experiment. Those whose side is 'human' were measured on people. All others are effects in "
    "language-model twins as they are, not calibrated: on published experiments three in ten had another sign than "
    "the effect in people. Do not publish them as effects in people."
)
VERDICTS = (
    "Verdicts on items that twins have answered, with the correlations that a statistical model expects. They are "
    "learned from answered items; nothing of the new items was measured."
)
ANSWERS_OF_TWINS = "Answers of simulated twins (a language model), not answers that anybody gave."
STAND_INS_SAY = {
    "generated": "GENERATED: answers of a statistical stand-in. Neither people nor a language model gave them.",
    "scripted": "SCRIPTED: answers read from a script. Neither people nor a language model gave them.",
}
#: It holds no comma, because a comma would make the writer of text files quote every text.
DISCLOSURE_CELL = "model-based prediction"


def twins_disclosure(model: Mapping[str, Any]) -> str:
    """Return the sentence that discloses answers of twins, given the description of the model that gave them."""
    return STAND_INS_SAY.get(str(model.get("engine")), ANSWERS_OF_TWINS)


def disclosed(table: pa.Table, text: str, *, column_for: str = "") -> pa.Table:
    """Return the table with a disclosure in its metadata.

    Parameters
    ----------
    table : Table
    text : str
        The disclosure. SPSS and Stata files get it as a note when they are written.
    column_for : str
        Ending of the file that the table goes to. A text file has no place for metadata, so that the table gets a
        column with a short remark instead. Empty: no column is added.
    """
    import pyarrow as pa

    if column_for in TEXT_ENDINGS and DISCLOSURE_COLUMN not in table.column_names:
        remark = pa.array([DISCLOSURE_CELL] * table.num_rows, pa.string())
        table = table.append_column(DISCLOSURE_COLUMN, remark)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), b"truetwin": text.encode()})
