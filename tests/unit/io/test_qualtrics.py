from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from truetwin.data import Scale
from truetwin.errors import DataError, FileFormatError
from truetwin.io import read_items, read_responses

EXPORT = """StartDate,IPAddress,ResponseId,Q1,Q2_1,Q2_2,Q3_4_TEXT,Q9_Page Submit,PANEL
Start Date,IP Address,Response ID,How are you?,Work - pay,"Work - hours, all",Other - Text,Timing - Page Submit,PANEL
"{""ImportId"":""startDate""}","{""ImportId"":""ipAddress""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}",\
"{""ImportId"":""QID2_1""}","{""ImportId"":""QID2_2""}","{""ImportId"":""QID3_4_TEXT""}",\
"{""ImportId"":""QID9_PAGE_SUBMIT""}","{""ImportId"":""PANEL""}"
2026-01-02 10:00:00,10.0.0.1,R_1,1,5,4,none,3.2,007
2026-01-02 11:00:00,10.0.0.2,R_2,2,,3,,4.1,008
"""


def question(tag: str, kind: str, **payload: object) -> dict:
    return {"Element": "SQ", "Payload": {"DataExportTag": tag, "QuestionType": kind, **payload}}


def displays(*texts: str) -> dict:
    return {str(k): {"Display": text} for k, text in enumerate(texts, 1)}


QSF = {
    "SurveyEntry": {},
    "SurveyElements": [
        {"Element": "BL", "Payload": []},
        question(
            "Q1", "MC", Selector="SAVR", QuestionText="How&nbsp;<b>are</b> you?",
            Choices=displays("Well", "So so", "Badly"), ChoiceOrder=["1", "2", "3"],
            RecodeValues={"1": "10", "2": "20", "3": "30"},
        ),
        question(
            "Q2", "Matrix", Selector="Likert", SubSelector="SingleAnswer", QuestionText="Work:",
            Choices=displays("pay", "hours"), ChoiceOrder=[2, 1], Answers=displays("No", "Partly", "Yes"),
        ),
        question("Q3", "TE", Selector="SL", QuestionText="Why?"),
        question("Q4", "MC", Selector="MAVR", QuestionText="Which?", Choices=displays("a", "b")),
        question("Q5", "Slider", Choices=displays("warmth"), Configuration={"CSSliderMin": 0, "CSSliderMax": 10}),
    ],
}  # fmt: skip


def test_an_export_with_three_header_rows_is_answers_and_wordings(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT, encoding="utf-8")
    found = read_responses(path)
    assert found.respondent_ids == ("R_1", "R_2")
    items = {item.id: item for item in found.items}
    assert found.item_ids == ("Q1", "Q2_1", "Q2_2")
    np.testing.assert_array_equal(found.values, [[1, 5, 4], [2, np.nan, 3]])
    assert items["Q2_2"].text == "Work - hours, all"


def test_embedded_data_can_be_the_ids(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT, encoding="utf-8")
    assert read_responses(path, id_column="PANEL").respondent_ids == ("007", "008")
    with pytest.raises(DataError, match="'nobody' does not"):
        read_responses(path, id_column="nobody")


def test_an_instrument_gives_wordings_scales_and_batteries(tmp_path: Path) -> None:
    path = tmp_path / "survey.qsf"
    path.write_text(json.dumps(QSF), encoding="utf-8")
    items = read_items(path)
    assert list(items) == ["Q1", "Q2_2", "Q2_1", "Q5_1"]
    assert items["Q1"].text == "How are you?"
    assert items["Q1"].scale == Scale.nominal([10, 20, 30], labels={10: "Well", 20: "So so", 30: "Badly"})
    assert items["Q2_1"].scale == Scale.ordinal(1, 3, labels={1: "No", 2: "Partly", 3: "Yes"})
    assert items["Q2_1"].text == "Work: pay"
    assert (items["Q2_1"].block, items["Q1"].block) == ("Q2", None)
    assert items["Q5_1"].scale == Scale.numeric(0, 10)


@pytest.mark.parametrize("text", ["{", "[]", '{"SurveyElements": 3}', ""])
def test_what_is_no_instrument_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "survey.qsf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((FileFormatError, DataError)):
        read_items(path)
