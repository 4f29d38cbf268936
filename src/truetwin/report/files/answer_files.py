"""Write twins' answers: the table that `calibrate` and `reweight` read, and files to judge it by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from truetwin.data.arm_columns import arms_of_column
from truetwin.data.frames import Layout, to_frame
from truetwin.data.long_frames import REPLICATE_COLUMNS
from truetwin.llm import Totals
from truetwin.results.disclosure import disclosed
from truetwin.results.sidecars import TableFile, companion_path, sidecar_path, versions, write_with_sidecar
from truetwin.simulation.questions.question import written
from truetwin.simulation.survey.survey_answers import SurveyAnswers


def companions(output: Path, answers: SurveyAnswers | None = None) -> list[Path]:
    """List the files beside an export: its sidecar ``NAME.json``, and its further tables ``NAME.KIND.ENDING``.

    The kinds are ``not-valid`` (replies without a valid answer), ``distributions``, ``conditions`` (who was in which
    arm), ``arms`` (which column stands under which arm) and ``asked-again`` (which values other settings gave than
    those of the run). Without ``answers``, all of them are listed.
    """
    kinds = _KINDS if answers is None else _tables(answers)
    return [sidecar_path(output), *(companion_path(output, kind) for kind in kinds)]


def write_answers(
    answers: SurveyAnswers,
    output: Path,
    *,
    totals: Totals,
    layout: Layout = "wide",
    one_row: bool = False,
    settings: Mapping[str, Any],
) -> list[Path]:
    """Write a table of answers and its companions, all or none.

    Parameters
    ----------
    answers : SurveyAnswers
        Answers to write.
    output : Path
        CSV, TSV or Parquet, by ending.
    totals : Totals
        Requests, tokens and money that the run has used.
    layout : {"wide", "long"}
        One column an item, or one row an answer.
    one_row : bool, default=False
        Whether replicates are reduced to one answer. Otherwise each has rows of its own, and a column ``replicate``
        with its number: calibration reads them as sources.
    settings : mapping
        Settings that the user chose.

    Returns
    -------
    list of Path
        The companions: sidecar, cells without a valid answer, and, where distributions were asked for, these; under
        arms also who was in which, or which column stands under which.
    """
    beside = companions(output, answers)
    if one_row or len(answers.by_replicate) == 1:
        table = to_frame(
            answers.values,
            answers.respondent_ids,
            answers.item_ids,
            layout=layout,
            id_column=answers.id_column,
        )
    else:
        table = _replicates(answers, layout)
    tables = [table, *(make(answers) for make in _tables(answers).values())]
    write_with_sidecar(
        [
            TableFile(path, disclosed(each, answers.disclosure))
            for path, each in zip([output, *beside[1:]], tables, strict=True)
        ],
        _record(answers, totals, settings),
    )
    return beside


def _tables(answers: SurveyAnswers) -> dict[str, Callable[[SurveyAnswers], Any]]:
    """Return the further tables that these answers have, by kind, with the function that makes each."""
    arms = answers.questionnaire.arms
    wanted = {
        "not-valid": True,
        "distributions": bool(answers.shares),
        "conditions": bool(answers.levels),
        "arms": arms is not None and arms.every,
        "asked-again": bool(answers.asked_again),
    }
    return {kind: make for kind, make in _KINDS.items() if wanted[kind]}


def _replicates(answers: SurveyAnswers, layout: Layout) -> Any:
    """Build a table with rows for each replicate, whose number is in a column that no item has."""
    import pyarrow as pa

    taken = {*answers.item_ids, answers.id_column}
    name = next(n for n in REPLICATE_COLUMNS if n not in taken)
    parts = []
    for number, values in answers.by_replicate.items():
        part = to_frame(
            values, answers.respondent_ids, answers.item_ids, layout=layout, id_column=answers.id_column
        )
        parts.append(part.add_column(1, name, pa.array([number] * part.num_rows, pa.int64())))
    return pa.concat_tables(parts)


def _record(answers: SurveyAnswers, totals: Totals, settings: Mapping[str, Any]) -> dict[str, Any]:
    outside = list(answers.outside.values())
    return {
        "disclosure": answers.disclosure,
        "model": answers.settings["model"],
        "reported_models": list(totals.models),
        "survey": answers.settings["task"],
        "settings": settings,
        "n_expected": answers.n_expected,
        "n_not_asked": answers.n_not_asked,
        "states": {str(s): n for s, n in answers.states.items()},
        "valid_share": answers.valid_share,
        "mean_share_outside_the_scale": sum(outside) / len(outside) if outside else None,
        **_again_record(answers),
        "items": {i: {str(s): n for s, n in c.items() if n} for i, c in answers.counts.items()},
        "usage": totals.describe(),
        "versions": versions(),
    }


def _again_record(answers: SurveyAnswers) -> dict[str, Any]:
    """Count the answers that each of the other settings gave; empty if there are none."""
    if not answers.asked_again:
        return {}
    counts: dict[str, Counter[str]] = {}
    for each in answers.asked_again:
        counts.setdefault(each.settings or "the run's own", Counter())[str(each.state)] += 1
    return {
        "asked_again": [{"settings": words, "states": dict(states)} for words, states in counts.items()],
    }


def _problems(answers: SurveyAnswers) -> Any:
    import pyarrow as pa

    columns: dict[str, Iterable[Any]] = {
        "respondent_id": [p.respondent_id for p in answers.problems],
        "item_id": [p.item_id for p in answers.problems],
        "replicate": [p.replicate for p in answers.problems],
        "state": [str(p.state) for p in answers.problems],
        "reason": [p.reason for p in answers.problems],
    }
    kinds = [pa.string(), pa.string(), pa.int64(), pa.string(), pa.string()]
    return pa.table(
        [pa.array(c, k) for c, k in zip(columns.values(), kinds, strict=True)], names=list(columns)
    )


def _distributions(answers: SurveyAnswers) -> Any:
    """Build a table with one row a person, item and category, and with the share that fell outside the scale."""
    import pyarrow as pa

    rows = [
        (who, item, written(code), share, answers.outside[who, item])
        for (who, item), shares in answers.shares.items()
        for code, share in shares.items()
    ]
    names = ["respondent_id", "item_id", "category", "share", "outside"]
    return pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=names)


def _conditions(answers: SurveyAnswers) -> Any:
    """Build the conditions table: one row a person, one column a condition; empty where the person is in no arm."""
    import pyarrow as pa

    assert answers.questionnaire.arms is not None
    columns = {
        condition: [answers.levels[person].get(condition) for person in answers.respondent_ids]
        for condition in answers.questionnaire.arms.texts
    }
    return pa.table(
        [
            pa.array(answers.respondent_ids, pa.string()),
            *(pa.array(c, pa.string()) for c in columns.values()),
        ],
        names=[answers.id_column, *columns],
    )


def _arms(answers: SurveyAnswers) -> Any:
    """Build a table with one row for each column of answers under an arm: its item, and its levels."""
    import pyarrow as pa

    assert answers.questionnaire.arms is not None
    rows = [(column, *arms_of_column(column)) for column in answers.item_ids if arms_of_column(column)[1]]
    columns = {
        "column": [column for column, _, _ in rows],
        "item_id": [item for _, item, _ in rows],
        **{
            condition: [levels.get(condition) for _, _, levels in rows]
            for condition in answers.questionnaire.arms.texts
        },
    }
    return pa.table([pa.array(c, pa.string()) for c in columns.values()], names=list(columns))


def _asked_again(answers: SurveyAnswers) -> Any:
    """Build a table with one row for each answer that was asked again, or under other settings than the run's own."""
    import pyarrow as pa

    columns = {
        "respondent_id": [a.respondent_id for a in answers.asked_again],
        "item_id": [a.item_id for a in answers.asked_again],
        "replicate": [a.replicate for a in answers.asked_again],
        "state": [str(a.state) for a in answers.asked_again],
        "settings": [a.settings for a in answers.asked_again],
        "earlier_states": [", ".join(map(str, a.earlier)) for a in answers.asked_again],
    }
    kinds = {"replicate": pa.int64()}
    return pa.table(
        [pa.array(c, kinds.get(name, pa.string())) for name, c in columns.items()], names=list(columns)
    )


_KINDS: dict[str, Callable[[SurveyAnswers], Any]] = {
    "not-valid": _problems,
    "distributions": _distributions,
    "conditions": _conditions,
    "arms": _arms,
    "asked-again": _asked_again,
}
