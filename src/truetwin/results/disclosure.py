"""Say what the values of a result are, so that nobody takes them for answers that people gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from truetwin.io.tables import DISCLOSURE_COLUMN, TEXT_ENDINGS

if TYPE_CHECKING:
    import pyarrow as pa

PREDICTED_ANSWERS = (
    "These values are predictions of a statistical model from the answers of language-model twins and of other "
    "people. They are not answers that anybody gave, and must not be presented as such."
)
PREDICTED_SHARES = (
    "Predicted shares, made from answers of simulated people and human marginals of other items; "
    "not measured."
)
ANSWERS_OF_TWINS = "Answers of simulated twins (a language model), not answers that anybody gave."
STAND_INS_SAY = {
    "generated": "GENERATED: answers of a statistical stand-in. Neither people nor a language model gave them.",
    "scripted": "SCRIPTED: answers read from a script. Neither people nor a language model gave them.",
}
#: Without a comma: a text file with one in it has all its texts quoted.
DISCLOSURE_CELL = "model-based prediction"


def twins_disclosure(model: Mapping[str, Any]) -> str:
    """The sentence for answers of twins, by how the model that gave them describes itself."""
    return STAND_INS_SAY.get(str(model.get("engine")), ANSWERS_OF_TWINS)


def disclosed(table: pa.Table, text: str, *, column_for: str = "") -> pa.Table:
    """The table with a disclosure in its metadata.

    Parameters
    ----------
    table : Table
    text : str
        The disclosure. SPSS and Stata files get it as a note when they are written.
    column_for : str
        Ending of the file. A text file has no place for metadata: it gets a column with a short remark. Empty for no
        column.
    """
    import pyarrow as pa

    if column_for in TEXT_ENDINGS and DISCLOSURE_COLUMN not in table.column_names:
        remark = pa.array([DISCLOSURE_CELL] * table.num_rows, pa.string())
        table = table.append_column(DISCLOSURE_COLUMN, remark)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), b"truetwin": text.encode()})
