"""Read tables of results that EDSL exports: ``agent.*``, ``answer.*``, ``comment.*``, ``model.*``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from truetwin.io.answer_tables import AnswerTable

_ANSWER = "answer."
_PARTS = (
    "agent.",
    "model.",
    "comment.",
    "scenario.",
    "prompt.",
    "iteration.",
    "question_text.",
    "raw_model_response.",
)
#: Columns that may hold the ids of respondents, best first.
_IDS = ("agent.respondent_id", "agent.agent_name", "agent.name", "agent.id", "agent.agent_index")


def is_edsl_export(table: pa.Table) -> bool:
    """Test whether a table is an export of EDSL, by the names of its columns."""
    names = table.column_names
    return any(n.startswith(_ANSWER) for n in names) and any(n.startswith(_PARTS) for n in names)


def from_edsl(opened: AnswerTable) -> AnswerTable:
    """Keep the answers, under the names of their questions, and the id of the agent.

    Raises
    ------
    DataError
        If no column holds the ids of agents.
    """
    names = opened.table.column_names
    known = [*_IDS, *(n for n in names if n.startswith("agent."))]
    wanted = opened.id_column
    ids = next((n for n in (wanted, f"agent.{wanted}", *([] if wanted else known)) if n in names), None)
    if ids is None:
        raise DataError(
            f"{opened.source}: an export of EDSL must have a column of ids among agent.*; "
            f"{wanted or 'agent.agent_name'!r} is not there. Name it with --id-column."
        )
    answers = [n for n in names if n.startswith(_ANSWER) and n != ids]
    short = {n: n.removeprefix(_ANSWER) for n in answers}
    table = opened.table.select([ids, *answers]).rename_columns([wanted or ids, *(short[n] for n in answers)])
    left_out = [n for n in names if n not in {ids, *answers}]
    return replace(
        opened,
        table=table,
        id_column=wanted or ids,
        left_out={**opened.left_out, **dict.fromkeys(left_out, "what EDSL writes beside answers")},
    )
