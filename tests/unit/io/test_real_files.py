"""Files as survey teams export them are read like the plain table of the same answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from real_files import (
    ASKED,
    NEW,
    PEOPLE,
    Rows,
    answers,
    export,
    predict,
    question,
    with_prefix,
    write,
    write_qsf,
)
from truetwin.cli import _run
from truetwin.data import Scale
from truetwin.data.no_answer_words import says_no_answer
from truetwin.errors import DataError
from truetwin.io import read_items, read_responses, read_table
from truetwin.io.marginal_files import read_marginals
from truetwin.io.panel_files import read_panel
from truetwin.io.parquet_width import n_parquet_columns

pytestmark = pytest.mark.usefixtures("shares_learned_once")
FIVE = ["Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree"]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What is predicted from the plain tables."""
    folder = tmp_path_factory.mktemp("plain")
    human, twin = answers()
    code, right = predict(write(folder / "h.csv", human), write(folder / "t.csv", twin))
    assert code == 0
    right.setflags(write=False)
    return right


@pytest.fixture
def tables(right: np.ndarray) -> tuple[Rows, Rows, np.ndarray]:
    """A human and a twin table, and what is predicted from them."""
    return *answers(), right


def with_column(rows: Rows, name: str, cells: Any) -> Rows:
    values = [cells] * (len(rows) - 1) if isinstance(cells, str | int | float) else cells
    return [[*rows[0], name], *([*row, cell] for row, cell in zip(rows[1:], values, strict=True))]


# Labels that look like codes


def declare(path: Path, labels: str = "1=0|2=1|3=2|4=3|5=4") -> Path:
    rows = [["item_id", "text", "kind", "low", "high", "labels"]]
    return write(path, rows + [[i, "How many?", "ordinal", 1, 5, labels] for i in [*ASKED, "N1", "N2"]])


def test_codes_stay_codes_where_labels_look_like_codes(tables: Any, tmp_path: Path) -> None:
    human, twin, right = tables
    items = read_items(declare(tmp_path / "items.csv"))
    found = read_responses(write(tmp_path / "human.csv", human), items=items)
    np.testing.assert_array_equal(found.values, [row[1:] for row in human[1:]])
    code, predicted = predict(tmp_path / "human.csv", write(tmp_path / "twin.csv", twin), "--item-file",
                              str(tmp_path / "items.csv"))  # fmt: skip
    assert code == 0
    np.testing.assert_allclose(predicted, right, atol=0.35)


def test_a_chain_of_labels_is_translated_once(tmp_path: Path) -> None:
    shown = [("9", "Dislike 1"), ("2", "2"), ("4", "3"), ("5", "4"), ("6", "5"), ("7", "6"), ("8", "Like 7")]
    like = question(
        "Like", 1, [], Choices={k: {"Display": v} for k, v in shown}, ChoiceOrder=[k for k, _ in shown]
    )
    items = read_items(write_qsf(tmp_path / "s.qsf", [like]))
    path = write(
        tmp_path / "like.csv", [["id", "Like"], *([f"r{k}", code] for k, (code, _) in enumerate(shown))]
    )
    assert read_responses(path, items=items).values.ravel().tolist() == [9, 2, 4, 5, 6, 7, 8]
    (tmp_path / "items.csv").write_text("item_id,kind,labels\nK,nominal,1=0|2=1|3=2|4=3\n")
    path = write(tmp_path / "k.csv", [["id", "K"], ["a", 0], ["b", 1], ["c", 2], ["d", 3]])
    assert read_responses(path, items=read_items(tmp_path / "items.csv")).values.ravel().tolist() == [
        1,
        2,
        3,
        4,
    ]


def test_a_table_that_could_be_codes_or_labels_is_refused_and_a_choice_settles_it(tmp_path: Path) -> None:
    from truetwin.data.reading_choices import ReadingChoices

    (tmp_path / "items.csv").write_text("item_id,kind,low,high,labels\nK,ordinal,1,4,1=0|2=1|3=2|4=3\n")
    items = read_items(tmp_path / "items.csv")
    path = write(tmp_path / "k.csv", [["id", "K"], ["a", 1], ["b", 2], ["c", 3]])
    with pytest.raises(DataError, match=r"item 'K' is a code and also the label.*--answers"):
        read_responses(path, items=items)
    for choice, right in (("codes", [1, 2, 3]), ("labels", [2, 3, 4])):
        found = read_responses(path, items=items, choices=ReadingChoices(answers=choice))  # type: ignore[arg-type]
        assert found.values.ravel().tolist() == right
    write(path, [["id", "K"], ["a", 4], ["b", 0]])
    with pytest.raises(DataError, match="is a code only"):
        read_responses(write(path, [["id", "K"], ["a", 4], ["b", 0], ["c", 1]]), items=items)


def test_a_label_that_is_a_mark_of_missing_answers_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,kind,labels\nK,ordinal,0=None|1=One|2=Two\n")
    path = write(tmp_path / "k.csv", [["id", "K"], ["a", "None"], ["b", "two"], ["c", ""]])
    found = read_responses(path, items=read_items(tmp_path / "items.csv"))
    np.testing.assert_array_equal(found.values.ravel(), [0, 2, np.nan])


# Codes of missing answers


def spoilt(rows: Rows, codes: tuple[int, ...]) -> tuple[Rows, Rows]:
    """Put codes of missing answers into a human table, and leave these cells empty in a copy."""
    rng = np.random.default_rng(1)
    coded, empty = [list(row) for row in rows], [list(row) for row in rows]
    for k in range(1, len(rows)):
        for j in range(1, len(rows[0])):
            if rng.random() < 0.12:
                coded[k][j], empty[k][j] = int(rng.choice(codes)), ""
    return coded, empty


@pytest.mark.parametrize("codes", [(77, 88, 99), (-99,), (-1, -9), (7, 8, 9), (97, 98, 999)])
def test_codes_far_from_the_answers_are_missing_in_text_tables(
    tables: Any, tmp_path: Path, codes: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    human, twin, _ = tables
    coded, empty = spoilt(human, codes)
    answered = write(tmp_path / "twin.csv", twin)
    right = predict(write(tmp_path / "empty.csv", empty), answered)[1]
    capsys.readouterr()
    code, found = predict(write(tmp_path / "human.csv", coded), answered)
    assert code == 0
    np.testing.assert_allclose(found, right, rtol=1e-12)
    said = capsys.readouterr().err
    assert said.index("answers to 8 items are read as missing") < said.index("predicted")
    _, as_answers = predict(tmp_path / "human.csv", answered, "--missing-codes", "none")
    assert np.abs(as_answers - right).max() > 0.01


@pytest.mark.extra("survey")
@pytest.mark.parametrize("ending", [".sav", ".dta"])
@pytest.mark.parametrize(
    "labels",
    [
        {77: "Refusal", 88: "Don't know", 99: "No answer"},
        {7: "Refusal*", 8: "Don’t know", 9: "No answer"},
        {0: "IAP", 8: "DK", 9: "NA"},
        {6: "Weiß nicht", 7: "Keine Angabe"},
    ],
)
def test_labelled_codes_of_missing_answers_are_missing(
    tables: Any, tmp_path: Path, ending: str, labels: dict[int, str]
) -> None:
    import pandas
    import pyreadstat

    human, twin, _ = tables
    coded, empty = spoilt(human, tuple(labels))
    frame = pandas.DataFrame(coded[1:], columns=coded[0])
    values = {i: {1: "Never", 5: "Always", **labels} for i in ASKED}
    path = tmp_path / f"human{ending}"
    (pyreadstat.write_sav if ending == ".sav" else pyreadstat.write_dta)(
        frame, str(path), variable_value_labels=values
    )
    answered = write(tmp_path / "twin.csv", twin)
    right = read_panel(write(tmp_path / "empty.csv", empty), answered)
    found = read_panel(path, answered)
    np.testing.assert_array_equal(found.human_values, right.human_values)
    assert found.scales["Q1"].describe() == "ordinal 1..5"
    assert found.human.n_off_scale == right.human.n_missing
    assert f"{right.human.n_missing} answers to 8 items are read as missing" in " ".join(found.human.notes)


def test_named_codes_are_missing_in_every_item(tables: Any, tmp_path: Path) -> None:
    from truetwin.data.reading_choices import ReadingChoices

    human, twin, _ = tables
    coded, empty = spoilt(human, (6, 20))
    answered = write(tmp_path / "twin.csv", twin)
    write(tmp_path / "human.csv", coded)
    named = read_panel(tmp_path / "human.csv", answered, choices=ReadingChoices(missing_codes=(6.0, 20.0)))
    right = read_panel(write(tmp_path / "empty.csv", empty), answered)
    np.testing.assert_array_equal(named.human_values, right.human_values)
    items = declare(tmp_path / "items.csv", "")
    with pytest.raises(DataError, match="8 problems"):
        read_panel(tmp_path / "human.csv", answered, item_file=items)
    declared = read_panel(
        tmp_path / "human.csv", answered, item_file=items, choices=ReadingChoices(missing_codes=(6.0, 20.0))
    )
    np.testing.assert_array_equal(declared.human_values, right.human_values)


@pytest.mark.parametrize(
    "words",
    [
        "98: Don't know", "8 DK", "[VOL] Refused", "VOLUNTEERED: Don’t know", "Don&#39;t know", "Legal skip",
        "Keine Angabe/weiß nicht", "Kann ich nicht einschätzen", "NSP/NR", "Vous ne savez pas", "Ns / Nc",
        "PREFIERE NO RESPONDER", "Non sa / non risponde", "Rifiuto", "Não sabe/ não respondeu", "Recusa",
        "wil ik liever niet zeggen", "Vill ej svara", "Ønsker ikke å svare", "Uoplyst", "EOS",
        "Nie wiem/trudno powiedzieć", "Odmítl odpovědět", "NT/NV", "NS/NR", "З/О",
        "Затруднились ответить", "Відмова від відповіді", "Cevap yok", "ΔΓ/ΔΑ", "لا يعرف", "מסרב/ת לענות",
        "不知道/拒绝回答", "わからない・無回答", "모름/무응답", "TT/TJ", "Không biết", "पता नहीं",
    ],
)  # fmt: skip
def test_wordings_of_no_answer_are_known_in_many_languages_and_spellings(words: str) -> None:
    assert says_no_answer(words)


@pytest.mark.parametrize(
    "words",
    [
        "Never",
        "None",
        "trifft nicht zu",
        "Nie",
        "Rien",
        "Nunca",
        "Не",
        "いいえ",
        "2 Not at all",
        "Don't know much",
    ],
)
def test_answers_are_no_wordings_of_no_answer(words: str) -> None:
    assert not says_no_answer(words)


def test_words_that_say_no_answer_are_missing_and_counted(tables: Any, tmp_path: Path) -> None:
    _, twin, _ = tables
    twin[1][1], twin[2][2], twin[3][3] = (
        "Don’t know",
        "Prefer not to say",
        "I'm sorry, but I cannot answer that.",
    )
    found = read_responses(write(tmp_path / "twin.csv", twin))
    assert found.n_missing == found.n_off_scale == 3
    assert "'Don’t know'" in found.notes[0]
    assert "declines to answer" in found.notes[1]


# Scales that nobody declared


@pytest.mark.parametrize("stray", ["code", "age", "income", "both"])
def test_a_stray_column_or_code_changes_the_scale_of_no_other_item(
    tables: Any, tmp_path: Path, stray: str
) -> None:
    human, twin, _ = tables
    rng = np.random.default_rng(0)
    plain = read_panel(write(tmp_path / "h.csv", human), write(tmp_path / "t.csv", twin)).scales
    for name in ("age", "income"):
        if stray in (name, "both"):
            cells = (rng.integers(18, 90, 40) * (1 if name == "age" else 1000)).tolist()
            human, twin = with_column(human, name, cells), with_column(twin, name, cells)
    if stray in ("code", "both"):
        human[5][2] = 55
    found = read_panel(write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin)).scales
    same = [i for i in plain if i != "Q2" or stray not in ("code", "both")]
    assert {i: found[i].describe() for i in same} == {i: plain[i].describe() for i in same}
    assert found["N1"].describe() == "ordinal 1..5"


def test_a_new_item_to_which_twins_gave_one_answer_is_not_certain(tables: Any, tmp_path: Path) -> None:
    human, twin, _ = tables
    for name in ("A", "B", "C"):
        human, twin = with_column(human, name, [1, 2] * 20), with_column(twin, name, [1, 1, 1, 2] * 10)
    twin = with_column(with_column(twin, "Two", [1, 1, 1, 1, 2] * 8), "One", 1)
    scales = read_panel(write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin)).scales
    assert scales["Two"].describe() == "ordinal 1..2"
    assert scales["One"].n_categories > 1


# Qualtrics


@pytest.mark.parametrize(
    ("name", "import_id", "cell", "why"),
    [
        ("Q1_DO", "QID1_DO", "1|2|3|4|5", "order in which options were shown: Q1_DO"),
        ("Q21_1", "QID21_1", "AB1 2CD", "texts: Q21_1"),
        ("Q20", "QID20", "1,3,5", "several answers in a cell"),
        ("Q2 - Topics", "QID2_TEXT_eae5a8d0e7fd4bd183e983e5Topics", "Politics", "Text iQ: Q2 - Topics"),
        ("Q30_Browser", "QID30_BROWSER", "Chrome", "browser: Q30_Browser"),
        ("Q31_Id", "QID31_FILE_ID", "F_1", "uploaded files: Q31_Id"),
        ("age_group", "age_group", "18-34", "embedded data: age_group"),
    ],
)
def test_what_is_no_closed_question_is_left_out_and_named(
    tables: Any,
    tmp_path: Path,
    name: str,
    import_id: str,
    cell: str,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    human, twin, right = tables
    path = write(tmp_path / "human.csv", export(human, {name: (import_id, cell)}))
    code, found = predict(path, write(tmp_path / "twin.csv", with_prefix(twin)))
    assert code == 0
    np.testing.assert_allclose(found, right, rtol=1e-12)
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["single quotes", "no import ids", "old names", "loops"])
def test_every_kind_of_header_rows_is_understood(tables: Any, tmp_path: Path, kind: str) -> None:
    human, twin, right = tables
    rows = export(human, quote="'" if kind == "single quotes" else '"')
    if kind == "no import ids":
        del rows[2]
    elif kind == "old names":
        rows = [["V1", "V8", *ASKED], ["ResponseID", "StartDate", *["How much?"] * 8],
                *([f"R_{row[0]}", "2014-01-01", *row[1:]] for row in human[1:])]  # fmt: skip
    elif kind == "loops":
        rows[2] = [cell.replace("QID", f"{k}_QID") for k, cell in enumerate(rows[2])]
    code, found = predict(
        write(tmp_path / "human.csv", rows), write(tmp_path / "twin.csv", with_prefix(twin))
    )
    assert code == 0
    np.testing.assert_allclose(found, right, rtol=1e-12)


def test_previews_and_unfinished_rows_are_no_people(
    tables: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    human, twin, _ = tables
    rows = export(human)
    for row in rows[3:8]:
        row[1] = 1
    for row in rows[8:11]:
        row[2] = "False"
    rows.append(list(rows[20]))
    path, answered = write(tmp_path / "human.csv", rows), write(tmp_path / "twin.csv", with_prefix(twin))
    said: list[str] = []
    panel = read_panel(path, answered, say=said.append)
    assert len(panel.respondent_ids) == 40 - 5 - 3
    assert "left out 9 of 41 rows: 5 survey previews, 3 unfinished" in said[0]
    assert "left out the twins of 8 people" in said[1]
    from truetwin.data.reading_choices import ReadingChoices

    assert len(read_panel(path, answered, choices=ReadingChoices(unfinished=True)).respondent_ids) == 35


def test_several_answers_in_a_cell_become_items_on_request(tables: Any, tmp_path: Path) -> None:
    from truetwin.data.reading_choices import ReadingChoices

    path = write(tmp_path / "a.csv", [["id", "Q", "M"], ["a", 1, "1,3"], ["b", 2, "3"], ["c", 3, ""]])
    found = read_responses(path, choices=ReadingChoices(split_multiple=True))
    assert found.item_ids == ("Q", "M_1", "M_3")
    np.testing.assert_array_equal(found.values[:, 1:], [[1, 1], [0, 1], [np.nan, np.nan]])


# Qualtrics instruments


def test_two_questions_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_qsf(tmp_path / "s.qsf", [question("Q1", 1, FIVE), question("Q1", 2, FIVE)])
    with pytest.raises(DataError, match="'Q1' of QID1 and QID2"):
        read_items(path)


def test_rows_of_matrices_have_names_of_their_own(tmp_path: Path) -> None:
    matrix: dict[str, Any] = {"QuestionType": "Matrix", "SubSelector": "SingleAnswer",
                              "Answers": {"1": {"Display": "No"}, "2": {"Display": "Yes"}},
                              "ChoiceDataExportTags": {"1": "one", "2": "two"}}  # fmt: skip
    path = write_qsf(tmp_path / "s.qsf", [question(f"Q{k}", k, ["a", "b"], **matrix) for k in (3, 5)])
    assert list(read_items(path)) == ["Q3_one", "Q3_two", "Q5_one", "Q5_two"]


def test_deleted_questions_are_no_items(tmp_path: Path) -> None:
    trash = {"Element": "BL", "Payload": {"0": {"Type": "Trash", "BlockElements": [{"Type": "Question",
             "QuestionID": "QID99"}]}}}  # fmt: skip
    path = write_qsf(tmp_path / "s.qsf", [trash, question("Q1", 1, FIVE), question("Q1", 99, ["No", "Yes"])])
    items = read_items(path)
    assert items["Q1"].scale is not None
    assert items["Q1"].scale.describe() == "ordinal 1..5"


def test_codes_that_do_not_follow_the_order_shown_are_nominal(tmp_path: Path) -> None:
    said: list[str] = []
    agree = question("Ag", 2, ["Agree", "Disagree", "Neutral"], ChoiceOrder=["1", 3, "2"])
    scale = read_items(write_qsf(tmp_path / "s.qsf", [agree]), said.append)["Ag"].scale
    assert scale is not None
    assert (scale.kind, scale.categories) == ("nominal", (1, 3, 2))
    assert "do not follow the order" in said[0]


@pytest.mark.parametrize(
    ("labels", "recoded", "scale", "off"),
    [
        ([*FIVE, "No opinion"], {"6": "-1"}, "ordinal 1..5", [-1]),
        ([*FIVE, "Don't know"], {"6": "99"}, "ordinal 1..5", [99]),
        ([*FIVE, "Don't know"], {"6": "DK"}, "ordinal 1..5", []),
        (FIVE, {str(k): k - 1 for k in range(1, 6)}, "ordinal 0..4", []),
        (FIVE, {str(k): 6 - k for k in range(1, 6)}, "ordinal 1..5", []),
    ],
)
def test_recodes_are_codes_and_no_answers_are_off_scale(
    tmp_path: Path, labels: list[str], recoded: dict[str, Any], scale: str, off: list[float]
) -> None:
    codes = {str(k): str(k) for k in range(1, len(labels) + 1)} | recoded
    path = write_qsf(tmp_path / "s.qsf", [question("Q1", 1, labels, RecodeValues=codes)])
    found = read_items(path)["Q1"].scale
    assert found is not None
    assert found.describe() == scale
    assert list(found.off_scale) == off


def test_a_recode_that_is_a_text_and_an_empty_end_of_a_slider_are_survived(tmp_path: Path) -> None:
    slider = question(
        "S1", 5, ["a"], QuestionType="Slider", Configuration={"CSSliderMin": "", "CSSliderMax": "100"}
    )
    text = question("Q1", 1, FIVE, RecodeValues={"1": "1", "2": "2", "3": "3", "4": "4", "5": "much"})
    said: list[str] = []
    items = read_items(write_qsf(tmp_path / "s.qsf", [text, slider]), said.append)
    assert items["Q1"].scale is None
    assert "'Q1' is recoded to the text 'much'" in said[0]
    assert items["S1_1"].scale is not None
    assert items["S1_1"].scale.describe() == "numeric 0..100"


@pytest.mark.parametrize(
    "payload",
    [None, 3, [], {"Choices": 3}, {"Choices": {"1": 3}}, {"RecodeValues": [1]}, {"ChoiceOrder": {"a": []}},
     {"Configuration": 3, "QuestionType": "Slider"}, {"QuestionText": {"a": 1}},
     {"Choices": {"1": {"Display": None}, "2": {}}}, {"QuestionType": "SBS", "AdditionalQuestions": [3, {}]},
     {"QuestionType": "DD", "Answers": [{"Display": 3}]}, {"QuestionType": "DD", "Answers": 3}],
)  # fmt: skip
def test_hostile_questions_are_an_error_or_an_item(tmp_path: Path, payload: Any) -> None:
    hostile = question("Q9", 9, FIVE)
    hostile["Payload"] = {**hostile["Payload"], **payload} if isinstance(payload, dict) else payload
    path = write_qsf(tmp_path / "s.qsf", [question("Q1", 1, FIVE), hostile])
    assert "Q1" in read_items(path)


def _loop_block(questions: list[str], **options: Any) -> dict[str, Any]:
    parts = [{"Type": "Question", "QuestionID": q} for q in questions]
    return {"Element": "BL", "Payload": [{"Type": "Standard", "BlockElements": parts, "Options": options}]}


def test_looped_questions_are_one_battery_with_a_name_for_each_repetition(tmp_path: Path) -> None:
    static = _loop_block(
        ["QID7"], Looping="Static", LoopingOptions={"Static": {"1": {"1": "Tea"}, "2": {"1": "Ale"}}}
    )
    chosen = _loop_block(["QID8"], Looping="Question", LoopingOptions={"QID": "QID1", "Static": []})
    rate = question("Q7", 7, FIVE, QuestionText="How is ${lm://Field/1}?")
    path = write_qsf(
        tmp_path / "s.qsf", [static, chosen, question("Q1", 1, ["Tea", "Ale"]), rate, question("Q8", 8, FIVE)]
    )
    items = read_items(path)
    assert list(items) == ["Q1", "1_Q7", "2_Q7", "1_Q8", "2_Q8"]
    assert [items[i].text for i in ("1_Q7", "2_Q7")] == ["How is Tea?", "How is Ale?"]
    assert {items[i].block for i in ("1_Q7", "2_Q7")} == {"Q7"}
    assert items["2_Q7"].scale == items["1_Q8"].scale == Scale.ordinal(1, 5, labels=dict(enumerate(FIVE, 1)))


def test_a_declaration_serves_every_repetition_of_a_looped_item(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,text,low,high\nQ7,Good?,1,5\nQ9,Also?,1,7\n")
    items = read_items(tmp_path / "items.csv")
    path = write(
        tmp_path / "a.csv", [["id", "1_Q7", "2_Q7", "Q9", "1_Q9"], ["a", 1, 2, 3, 4], ["b", 2, 2, 3, 4]]
    )
    found = read_responses(path, items=items)
    assert [(i.block, i.scale.high if i.scale else None) for i in found.items] == [
        ("Q7", 5), ("Q7", 5), (None, 7), (None, None)
    ]  # fmt: skip


def test_side_by_side_and_drill_down_questions_are_items(tmp_path: Path) -> None:
    rows = {"1": {"Display": "Bus"}, "2": {"Display": "Train"}}
    yes_no = {"1": {"Display": "No"}, "2": {"Display": "Yes"}, "3": {"Display": "Don't know"}}
    single = {"QuestionType": "Matrix", "Selector": "Likert", "SubSelector": "SingleAnswer", "QuestionText": "Used?",
              "Answers": yes_no, "Choices": rows, "DataExportTag": "Q3#1"}  # fmt: skip
    text = {
        "QuestionType": "Matrix",
        "Selector": "TE",
        "SubSelector": "Long",
        "Answers": yes_no,
        "Choices": rows,
    }
    several = {**single, "SubSelector": "MultipleAnswer"}
    columns = {"1": single, "2": text, "3": several}
    side = question(
        "Q3", 3, ["Bus", "Train"], QuestionType="SBS", Selector="SBSMatrix", AdditionalQuestions=columns
    )
    places = ["France ~ Brest", "France ~ Lyon", "Spain ~ Vigo"]
    drill = question(
        "Q4", 4, ["Country", "Town"], QuestionType="DD", Selector="DL",
        Answers={str(k): {"Display": place} for k, place in enumerate(places, 1)},
    )  # fmt: skip
    items = read_items(write_qsf(tmp_path / "s.qsf", [side, drill]))
    assert list(items) == ["Q3#1_1", "Q3#1_2", "Q4_1", "Q4_2"]
    assert items["Q3#1_2"].text == "About Q3? Used? Train"
    assert items["Q3#1_2"].scale == Scale.nominal(
        [1, 2], labels={1: "No", 2: "Yes"}, off_scale={3: "Don't know"}
    )
    assert items["Q4_1"].scale == Scale.nominal([1, 2, 3], labels={1: "France", 3: "Spain"})
    assert items["Q4_2"].scale == Scale.nominal([1, 2, 3], labels={1: "Brest", 2: "Lyon", 3: "Vigo"})


def test_deep_nesting_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "s.qsf"
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"s\.qsf cannot be read as a Qualtrics instrument"):
        read_items(path)


# Columns that are no items


@pytest.mark.extra("survey")
@pytest.mark.parametrize("ending", [".csv", ".sav", ".dta"])
def test_texts_and_dates_that_no_twin_has_are_left_out_and_named(
    tables: Any, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import datetime

    import pandas
    import pyreadstat

    human, twin, right = tables
    day = datetime.date(2024, 5, 1)
    rows = with_column(with_column(with_column(human, "comment", "good"), "dur", 12.5), "started", [day] * 40)
    path = tmp_path / f"human{ending}"
    frame = pandas.DataFrame(rows[1:], columns=rows[0])
    if ending == ".csv":
        write(path, rows)
    else:
        (pyreadstat.write_sav if ending == ".sav" else pyreadstat.write_dta)(frame, str(path))
    code, found = predict(path, write(tmp_path / "twin.csv", twin), "--id-column", "person")
    assert code == 0
    np.testing.assert_allclose(found, right, rtol=1e-12)
    said = capsys.readouterr().err
    for part in ("no twin has been asked: dur", "texts: comment", "dates: started"):
        assert part in said


@pytest.mark.extra("survey")
def test_dates_beyond_the_year_9999_are_no_crash(tmp_path: Path) -> None:
    import pandas
    import pyreadstat

    frame = pandas.DataFrame({"id": ["a", "b"], "Q1": [1.0, 2.0], "when": [4e12, 1e14]})
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), variable_format={"when": "DATETIME20"})
    (tmp_path / "twin.csv").write_text("id,Q1,Q2\na,1,2\nb,2,1\n")
    assert read_panel(tmp_path / "a.sav", tmp_path / "twin.csv").human.item_ids == ("Q1",)


def test_an_export_of_edsl_is_read(tables: Any, tmp_path: Path) -> None:
    human, twin, _ = tables
    names = [
        "agent.agent_name",
        "agent.persona",
        *(f"answer.{i}" for i in twin[0][1:]),
        "comment.Q1_comment",
        "model.model",
    ]
    words = dict(enumerate(FIVE, 1))
    rows = [
        names,
        *([row[0], "A teacher", *(words[v] for v in row[1:]), "I feel so.", "gpt"] for row in twin[1:]),
    ]
    items = declare(tmp_path / "items.csv", "|".join(f"{k}={w}" for k, w in words.items()))
    panel = read_panel(
        write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", rows), item_file=items
    )
    np.testing.assert_array_equal(panel.twin_values, [row[1:] for row in twin[1:]])


def test_words_without_declared_labels_come_with_the_lines_to_paste(tmp_path: Path) -> None:
    human = [["id", "Q1"], *([f"p{k}", w] for k, w in enumerate(["Agree", "Disagree"] * 10))]
    twin = [["id", "Q1", "Q2"], *([f"p{k}", 1 + k % 2, 1] for k in range(20))]
    with pytest.raises(DataError, match=r"item_id,kind,labels and Q1,ordinal,1=Agree\|2=Disagree \("):
        read_panel(write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin))


def test_many_columns_of_words_are_a_short_list_with_lines_to_paste(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from truetwin.cli import _run

    names = [f"Q{k}" for k in range(1, 26)]
    words = [("Agree", "Disagree"), ("Yes", "No"), ("1 - low", "2 - high")]
    rows = [[f"p{i}", *(words[k % 3][(i + k) % 2] for k in range(25))] for i in range(20)]
    rows[0][1] = "Neither"  # the first item has a word more than the others like it
    human = write(tmp_path / "human.csv", [["id", *names], *rows])
    twin = write(
        tmp_path / "twin.csv", [["id", *names, "N"], *([f"p{i}", *[1 + i % 2] * 26] for i in range(20))]
    )
    with pytest.raises(DataError, match="25 columns hold texts"):
        read_panel(human, twin)
    assert _run(["diagnose", str(human), str(twin)], debug=False) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[1:4] == [
        "- Q1, Q4, Q7, Q10, Q13 and 4 more: 'Neither' and 19 more in 'Q1', row 1 (respondent 'p0')",
        "- Q2, Q5, Q8, Q11, Q14 and 3 more: 'No' and 19 more in 'Q2', row 1 (respondent 'p0')",
        "- Q3, Q6, Q9, Q12, Q15 and 3 more: '1 - low' and 19 more in 'Q3', row 1 (respondent 'p0')",
    ]
    assert told[5:] == [
        "item_id,kind,labels",
        "Q1,ordinal,1=Neither|2=Disagree|3=Agree",
        "Q2,ordinal,1=No|2=Yes",
        "Q3,ordinal,1=1 - low|2=2 - high",
    ]


def test_lines_to_paste_are_whole_and_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from truetwin.cli import _run

    words = [[f"{start} {'long ' * 12}wording of {k}" for k in range(1, 8)] for start in "ABCDE"]
    names = ["Q, 1", *(f"Q{k}" for k in range(2, 6))]
    rows = [[f"p{i}", *(words[k][(i + k) % 7] for k in range(5))] for i in range(21)]
    human = write(tmp_path / "human.csv", [["id", *names], *rows])
    twin = write(
        tmp_path / "twin.csv",
        [["id", *names, "N"], *([f"p{i}", *(1 + (i + k) % 7 for k in range(6))] for i in range(21))],
    )
    assert _run(["diagnose", str(human), str(twin)], debug=False) == 2
    told = capsys.readouterr().err.splitlines()
    items = tmp_path / "items.csv"
    items.write_text("\n".join(told[told.index("item_id,kind,labels") :]), encoding="utf-8")
    panel = read_panel(human, twin, item_file=items)
    assert not np.isnan(panel.human.values).any()
    assert sorted(set(panel.human.values[:, 0])) == [1, 2, 3, 4, 5, 6, 7]


def test_words_that_an_item_file_cannot_hold_are_not_offered_to_paste(tmp_path: Path) -> None:
    human = write(tmp_path / "human.csv", [["id", "Q1"], *([f"p{k}", ["A|B", "C"][k % 2]] for k in range(8))])
    twin = write(tmp_path / "twin.csv", [["id", "Q1", "N"], *([f"p{k}", 1 + k % 2, 1] for k in range(8))])
    with pytest.raises(DataError, match="Recode it") as raised:
        read_panel(human, twin)
    assert "item_id,kind,labels" not in str(raised.value)


@pytest.mark.parametrize(
    "words",
    [
        {2: "2 = No, hardly", 1: "1 = No", 3: "3 = Yes"},
        {3: "(3) Yes", 1: "(1) No", 2: "(2) Hardly"},
        {2: "A2", 1: "A1", 3: "A3"},
        {3: "3 - Very much", 1: "1 - Not at all", 2: "2"},
    ],
)
def test_pasted_lines_give_words_with_codes_these_codes(tmp_path: Path, words: dict[int, str]) -> None:
    human = [["id", "Q1"], *([f"p{k}", word] for k, word in enumerate(list(words.values()) * 5))]
    twin = [["id", "Q1", "Q2"], *([f"p{k}", 1 + k % 3, 1] for k in range(15))]
    files = write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin)
    with pytest.raises(DataError) as raised:
        read_panel(*files)
    line = re.search(r"with the lines item_id,kind,labels and (.*) \(the codes", str(raised.value))
    assert line is not None
    items = tmp_path / "items.csv"
    items.write_text(f"item_id,kind,labels\n{line.group(1)}\n")
    panel = read_panel(*files, item_file=items)
    np.testing.assert_array_equal(panel.human_values[:, 0], list(words) * 5)
    assert panel.scales["Q1"].describe() == "ordinal 1..3"


@pytest.mark.parametrize("cells", [["often", "2", "3"], ["1.300,5", "1.200,5", "900"], ["2%", "3%", "4%"]])
def test_no_codes_are_suggested_where_nothing_tells_them(tmp_path: Path, cells: list[str]) -> None:
    human = [["id", "Q1"], *([f"p{k}", cell] for k, cell in enumerate(cells * 5))]
    twin = [["id", "Q1", "Q2"], *([f"p{k}", 1 + k % 3, 1] for k in range(15))]
    with pytest.raises(DataError, match="answers must be numbers") as raised:
        read_panel(write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin))
    assert "with the lines" not in str(raised.value)


@pytest.mark.parametrize("what", ["means", "means and deviations", "sums"])
def test_a_row_of_means_or_sums_is_no_person(tmp_path: Path, what: str) -> None:
    answers = np.array([[1 + k % 5, 1 + k % 4] for k in range(22)])
    last = {
        "means": [["Mean", *answers.mean(axis=0).round(2)]],
        "means and deviations": [["Mean", *answers.mean(axis=0).round(1)], ["SD", *answers.std(axis=0)]],
        "sums": [["Total", *answers.sum(axis=0)]],
    }[what]
    people = [[f"p{k}", *row] for k, row in enumerate(answers.tolist())]
    human = write(tmp_path / "human.csv", [["id", "Q1", "Q2"], *people, *last])
    twin = write(tmp_path / "twin.csv", [["id", "Q1", "Q2", "Q3"], *([*row, 1] for row in people)])
    with pytest.raises(
        DataError, match=rf"row 23 \('{last[0][0]}'\) holds the {what.split()[0]} of the rows"
    ):
        read_panel(human, twin)


def test_people_whose_answers_are_means_are_people(tmp_path: Path) -> None:
    people = [[f"p{k}", 1 + k % 3 + 0.5, 2.5] for k in range(9)]
    human = write(tmp_path / "human.csv", [["id", "Q1", "Q2"], *people])
    panel = read_panel(human, write(tmp_path / "twin.csv", [["id", "Q1", "Q2"], *people]))
    assert len(panel.respondent_ids) == 9


# Text tables


@pytest.mark.parametrize(
    ("above", "repair"),
    [
        ([["Survey of 2026", "", ""]], "remove the title"),
        ([["", "Trust", "News"]], "second header line, remove it"),
    ],
)
def test_lines_above_the_header_are_refused_with_the_repair(tmp_path: Path, above: Rows, repair: str) -> None:
    rows = [["id", "Q1", "Q2"], *([f"p{k}", 1 + k % 5, 1 + k % 3] for k in range(9))]
    files = write(tmp_path / "human.csv", [*above, *rows]), write(tmp_path / "twin.csv", rows)
    with pytest.raises(DataError, match=repair):
        read_panel(*files)


def test_rows_of_empty_cells_are_no_rows(tables: Any, tmp_path: Path) -> None:
    human, twin, right = tables
    empty = [""] * len(human[0])
    code, found = predict(
        write(tmp_path / "e.csv", [human[0], empty, *human[1:], empty, empty]),
        write(tmp_path / "t.csv", twin),
    )
    assert code == 0
    np.testing.assert_array_equal(found, right)


def test_decimal_commas_are_read_beside_words_with_points(tmp_path: Path) -> None:
    rows = [["id", "Q1", "Q2"], ["a", "1,5", "1"], ["b", "k.A.", "2"], ["c", "2,5", "3"]]
    found = read_responses(write(tmp_path / "human.csv", rows, delimiter=";"))
    np.testing.assert_array_equal(found.values[:, 0], [1.5, np.nan, 2.5])


def test_a_table_that_is_long_and_wide_at_once_is_refused(tmp_path: Path) -> None:
    wide = [["id", "Q1", "Q2"], *([f"p{k}", 1 + k % 5, 1 + k % 3] for k in range(9))]
    rows = [["respondent_id", "item_id", "value", "Q2"], *([i, "Q1", a, b] for i, a, b in wide[1:])]
    files = write(tmp_path / "human.csv", rows), write(tmp_path / "twin.csv", wide)
    with pytest.raises(DataError, match=r"the item 'Q2' \(0 more\) as a column"):
        read_panel(*files)


def test_a_long_table_under_other_names_says_which_names_it_needs(tmp_path: Path) -> None:
    wide = [["id", "Q1", "Q2"], *([f"p{k}", 1 + k % 5, 1 + k % 3] for k in range(9))]
    rows = [["id", "question", "answer"], *([row[0], f"Q{j}", row[j]] for row in wide[1:] for j in (1, 2))]
    files = write(tmp_path / "human.csv", rows), write(tmp_path / "twin.csv", wide)
    with pytest.raises(DataError, match=r"9 ids occur in 18 rows.*respondent_id, item_id, value"):
        read_panel(*files)


def in_dialect(tmp_path: Path, name: str, rows: Rows, kind: str) -> Path:
    path = tmp_path / f"{name}.csv"
    if kind == "semicolons and decimal commas":
        return write(
            path, [rows[0], *([row[0], *(f"{v},0" for v in row[1:])] for row in rows[1:])], delimiter=";"
        )
    if kind == "long headers":
        texts = [f'{n}. How much; if at all; do you like; well;\nthis, "thing"?' for n in rows[0][1:]]
        return write(path, [[rows[0][0], *texts], *rows[1:]])
    if kind == "trailing comma":
        return write(path, [[*row, ""] for row in rows])
    if kind == "trailing comma below the header":
        return write(path, [rows[0], *([*row, ""] for row in rows[1:])])
    if kind == "UTF-16":
        return write(path, rows, delimiter="\t", encoding="utf-16")
    if kind == "UTF-16 without mark":
        return write(path, rows, encoding="utf-16-le")
    write(path, rows, delimiter=";" if kind == "sep" else ",")
    before = {"sep": "sep=;\n", "remarks": "# exported on a Monday\n#\n", "empty lines": "\n\n"}[kind]
    path.write_text(before + path.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "kind",
    ["semicolons and decimal commas", "long headers", "trailing comma", "trailing comma below the header", "UTF-16",
     "UTF-16 without mark", "sep", "remarks", "empty lines"],
)  # fmt: skip
def test_every_dialect_is_read_like_the_plain_table(tables: Any, tmp_path: Path, kind: str) -> None:
    human, twin, _ = tables
    panel = read_panel(in_dialect(tmp_path, "human", human, kind), in_dialect(tmp_path, "twin", twin, kind))
    assert panel.respondent_ids == tuple(PEOPLE)
    assert len(panel.item_ids) == 10
    np.testing.assert_array_equal(panel.human_values[:, :8], [row[1:] for row in human[1:]])
    np.testing.assert_array_equal(panel.twin_values, [row[1:] for row in twin[1:]])


def test_marks_of_statistics_programs_and_truth_values_are_understood(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", [["id", "Q", "T"], ["a", "#NULL!", "TRUE"], ["b", 2, "false"], ["c", 1, "NA"]]
    )
    np.testing.assert_array_equal(read_responses(path).values, [[np.nan, 1], [2, 0], [1, np.nan]])


def test_a_named_encoding_has_the_last_word(tmp_path: Path) -> None:
    from truetwin.data.reading_choices import ReadingChoices

    path = tmp_path / "a.csv"
    path.write_bytes("id,возраст\nа,1\nб,2\n".encode("cp1251"))
    found = read_responses(path, choices=ReadingChoices(encoding="cp1251"))
    assert (found.item_ids, found.respondent_ids) == (("возраст",), ("а", "б"))
    with pytest.raises(DataError, match="--encoding must name a text encoding"):
        read_responses(path, choices=ReadingChoices(encoding="klingon"))


def test_a_transposed_table_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"p{k}" for k in range(200_000)) + "\n" + ",".join("1" * 200_000) + "\n")
    with pytest.raises(DataError, match=r"200,000\. Is it transposed"):
        read_responses(path)


def test_a_wide_parquet_file_is_refused_before_its_footer_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    path, n = tmp_path / "wide.parquet", 20_000
    pq.write_table(pa.table({"id": ["a"], **{f"p{k}": [1] for k in range(n)}}), path)

    def too_much(*_: object, **__: object) -> None:
        raise MemoryError

    for name in ("read_metadata", "read_table", "ParquetFile"):
        monkeypatch.setattr(pq, name, too_much)
    with pytest.raises(DataError, match=r"20,001\. Is it transposed"):
        read_responses(path)


@pytest.mark.parametrize("n", [1, 12, 13, 14, 15, 127, 128, 300])
def test_the_columns_of_a_parquet_file_are_counted(tmp_path: Path, n: int) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({f"p{k}": [1] for k in range(n)}), path)
    assert n_parquet_columns(path) == n
    path.write_bytes(path.read_bytes()[:-8])
    assert n_parquet_columns(path) is None


def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(DataError, match="pipe or a device"):
            read_responses(path)


# Long tables and twins


def in_long(rows: Rows, further: str, cell: Any) -> Rows:
    return [["respondent_id", "item_id", "value", further],
            *([row[0], i, v, cell] for row in rows[1:] for i, v in zip(rows[0][1:], row[1:], strict=True))]  # fmt: skip


def test_a_long_table_with_one_more_column_is_long(tables: Any, tmp_path: Path) -> None:
    human, twin, _ = tables
    said: list[str] = []
    panel = read_panel(
        write(tmp_path / "human.csv", in_long(human, "wave", 1)),
        write(tmp_path / "twin.csv", in_long(twin, "model", "gpt")),
        say=said.append,
    )
    np.testing.assert_array_equal(panel.twin_values, [row[1:] for row in twin[1:]])
    assert any("human.csv" in text and "wave" in text for text in said)


def test_several_twins_of_a_person_are_averaged(tmp_path: Path) -> None:
    rows = [
        ["respondent_id", "item_id", "value", "replicate"],
        ["a", "Q1", 2, 1],
        ["a", "Q1", 5, 2],
        ["b", "Q1", 1, 1],
    ]
    found = read_responses(write(tmp_path / "twin.csv", rows), expectations=True)
    assert found.values.ravel().tolist() == [3.5, 1]
    assert "several twins" in found.notes[-1]
    with pytest.raises(DataError, match="several times"):
        read_responses(tmp_path / "twin.csv")


def test_answers_between_the_points_of_a_scale_are_moved_on_request(tmp_path: Path) -> None:
    from truetwin.data.reading_choices import ReadingChoices

    (tmp_path / "items.csv").write_text("item_id,kind,categories\nQ1,ordinal,0|0.25|0.75|1\n")
    items = read_items(tmp_path / "items.csv")
    path = write(tmp_path / "a.csv", [["id", "Q1"], ["a", 0.6], ["b", 0.25]])
    with pytest.raises(DataError, match=r"answer 0\.6"):
        read_responses(path, items=items)
    found = read_responses(path, items=items, choices=ReadingChoices(snap=True))
    assert found.values.ravel().tolist() == [0.75, 0.25]
    assert "1 answers to 1 items" in found.notes[0]


def test_all_problems_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,low,high\nQ2,1,5\n")
    rows = [["id", "Q1", "Q2", "Q3"], ["a", "often", 9, 1], ["b", 1, 2, "inf"], ["c", 2, 3, 2]]
    with pytest.raises(DataError, match="3 problems") as caught:
        read_responses(write(tmp_path / "a.csv", rows), items=read_items(tmp_path / "items.csv"))
    for part in ("'often'", "answer 9", "finite"):
        assert part in str(caught.value)


@pytest.mark.parametrize("unit", [1, 100])
def test_stated_distributions_are_read_as_means_and_as_modes_of_nominal_items(
    tmp_path: Path, unit: int
) -> None:
    (tmp_path / "items.csv").write_text(
        "item_id,kind,labels,off_scale\nQ1,,1=no|2=yes,9=Refused\nQ2,ordinal,1=a|3=c,\n"
    )
    rows = [["respondent_id", "item_id", "category", "probability"]]
    for who, shares in (("a", (0.2, 0.7, 0.1)), ("b", (0.6, 0.4, 0.0))):
        rows += [[who, "Q1", c, p * unit] for c, p in zip(("no", "yes", "Refused"), shares, strict=True)]
        rows += [[who, "Q2", 1, 0.25 * unit], [who, "Q2", 3, 0.75 * unit]]
    path = write(tmp_path / "twin.csv", rows)
    found = read_responses(path, items=read_items(tmp_path / "items.csv"), expectations=True)
    assert found.values.tolist() == [[2, 2.5], [1, 2.5]]
    rows[1][3] = 0.5 * unit
    with pytest.raises(DataError, match=r"must sum to 1; those of respondent 'a' for item 'Q1' sum to"):
        read_responses(write(path, rows), items=read_items(tmp_path / "items.csv"), expectations=True)


def test_several_rows_of_one_twin_are_averaged_where_a_column_numbers_them(tmp_path: Path) -> None:
    rows = [["id", "Q1", "Q2", "run"], ["a", 1, 2, 1], ["a", 2, 2, 2], ["b", 5, "", 1]]
    found = read_responses(write(tmp_path / "twin.csv", rows), expectations=True)
    np.testing.assert_array_equal(found.values, [[1.5, 2], [5, np.nan]])
    assert found.item_ids == ("Q1", "Q2")
    with pytest.raises(DataError, match="'a' occurs several times"):
        read_responses(write(tmp_path / "twin.csv", [row[:3] for row in rows]), expectations=True)


@pytest.mark.extra("survey")
def test_doubtful_labels_are_shown(tmp_path: Path) -> None:
    import pandas
    import pyreadstat

    frame = pandas.DataFrame({"id": ["a", "b", "c"], "Q1": [1.0, 2.0, 3.0], "Q2": [1.0, 3.0, 97.0]})
    labels = {
        "Q1": {1: "For", 2: "Against", 3: "No opinion"},
        "Q2": {1: "Low", 2: "Mid", 3: "High", 97: "Odd case"},
    }
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), variable_value_labels=labels)
    found = read_responses(tmp_path / "a.sav")
    np.testing.assert_array_equal(found.values, [[1, 1], [2, 3], [3, np.nan]])
    assert "3 = 'No opinion' of 'Q1' is an answer; 97 = 'Odd case' of 'Q2' is missing" in found.notes[0]


def test_distributions_of_nobody_in_particular_are_refused_as_answers_and_read_as_marginals(
    tables: Any, tmp_path: Path
) -> None:
    human, _, _ = tables
    rows = [["item_id", "category", "probability"]]
    path = write(tmp_path / "p.csv", [*rows, *([i, c, 0.2] for i in [*ASKED, "N1"] for c in range(1, 6))])
    with pytest.raises(DataError, match=r"'respondent_id'.*a whole population"):
        read_panel(write(tmp_path / "human.csv", human), path)
    with pytest.raises(DataError, match="a whole population"):
        read_responses(path)
    shares = read_marginals(path)
    assert shares.item_ids == (*ASKED, "N1")
    assert list(shares.by_population[shares.populations[0]]["N1"].shares) == [0.2] * 5


def test_distributions_are_refused_where_single_answers_are_needed(tmp_path: Path) -> None:
    rows = [["respondent_id", "item_id", "category", "probability"]]
    path = write(tmp_path / "p.csv", rows + [[p, "Q1", c, 0.5] for p in "ab" for c in (1, 2)])
    with pytest.raises(DataError, match="it states distributions"):
        read_responses(path)
    assert read_responses(path, expectations=True).values.tolist() == [[1.5], [1.5]]


def test_stated_shares_of_a_population_are_twins_of_reweight(
    tables: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    human, twin, _ = tables
    people, path = write(tmp_path / "human.csv", human), tmp_path / "p.csv"
    columns = {name: [row[k] for row in twin[1:]] for k, name in enumerate(twin[0])}
    shares = {i: [columns[i].count(c) / len(columns[i]) for c in range(1, 6)] for i in [*ASKED, *NEW]}
    rows = [[i, c, s] for i, stated in shares.items() for c, s in enumerate(stated, 1)]
    single = [
        [w, i, c, float(columns[i][k] == c)] for k, w in enumerate(columns["person"]) for i, c, _ in rows
    ]
    found = []
    for method, header, body in (
        ("twins", ["item_id", "category", "probability"], rows),
        ("auto", ["item_id", "category", "probability"], rows),
        ("twins", ["respondent_id", "item_id", "category", "probability"], single),
    ):
        write(path, [header, *body])
        out = tmp_path / "out.csv"
        command = ["reweight", str(people), str(path), "--from-answers", "--output", str(out), "--method"]
        assert _run([*command, method], debug=True) == 0
        assert "no single twins are in it" in capsys.readouterr().err
        table = read_table(out).to_pylist()
        found.append([float(row["share"]) for row in table if row["item_id"] == "N1"])
    np.testing.assert_allclose(found[0], shares["N1"])
    np.testing.assert_allclose(found[2], shares["N1"])
    assert np.isclose(sum(found[1]), 1, atol=1e-4)
    assert _run([*command, "ensemble"], debug=False) == 2
    assert "'ensemble' weights twins" in capsys.readouterr().err
