"""The door estimate: what it estimates, what it says, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration.calibrators import named_calibrators
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.data.people import People
from truetwin.data.person_design import person_design
from truetwin.datasets import generate_population
from truetwin.errors import AlignmentError, DataError, NotPredictableError, ParameterError
from truetwin.estimation.completed_answers import completed_answers
from truetwin.estimation.estimate_work import EstimateWork
from truetwin.estimation.estimation import estimate
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.estimation.wanted_items import wanted_items

pytestmark = pytest.mark.usefixtures("shares_learned_once")
POPULATION = generate_population(150, 18, n_new_items=3, random_state=3)
PANEL = POPULATION.panel
TRUTH = POPULATION.truth.on_grid(PANEL.respondent_ids, PANEL.item_ids)


def rows(result, **wanted):  # type: ignore[no-untyped-def]
    return [row for row in result.rows if all(row[k] == v for k, v in wanted.items())]


def sample(n: int, item: str = "Q16", shift: int = 0) -> ResponseMatrix:
    who = np.random.default_rng(0).choice(150, n, replace=False)
    answers = np.clip(TRUTH[who, PANEL.item_ids.index(item)] + shift, 1, 7)
    return ResponseMatrix(
        answers[:, None], [PANEL.respondent_ids[k] for k in who], [PANEL.items[item]], source="s.csv"
    )


@pytest.fixture(scope="module")
def by_age() -> tt.estimation.estimates.Estimates:  # type: ignore[name-defined]
    return estimate(PANEL, by="age_group", weights="weight", statistics=["share", "mean", "gap", "median"])


def test_every_new_item_is_estimated_over_everybody_and_by_group(by_age) -> None:  # type: ignore[no-untyped-def]
    assert list(by_age.verdicts) == ["Q16", "Q17", "Q18"]
    shares = rows(by_age, item="Q16", statistic="share", group="all")
    assert sum(row["estimate"] for row in shares) == pytest.approx(1)
    assert all(row["lower"] <= row["estimate"] <= row["upper"] for row in by_age.rows)
    groups = rows(by_age, item="Q16", statistic="mean", by="age_group")
    assert [row["group"] for row in groups] == ["18-34", "35-54", "55+"]
    assert sum(row["n"] for row in groups) == 150
    (gap,) = rows(by_age, item="Q16", statistic="gap", group="18-34 minus 55+")
    assert gap["estimate"] == pytest.approx(groups[0]["estimate"] - groups[2]["estimate"])


def test_weighted_groups_average_to_everybody(by_age) -> None:  # type: ignore[no-untyped-def]
    weights, groups = PANEL.person_numbers("weight"), PANEL.person_groups("age_group")
    share = {name: weights[groups == name].sum() / weights.sum() for name in set(groups.tolist())}
    for item in PANEL.new_items:
        (whole,) = rows(by_age, item=item, statistic="mean", group="all")
        parts = rows(by_age, item=item, statistic="mean", by="age_group")
        average = sum(share[row["group"]] * row["estimate"] for row in parts)
        assert average == pytest.approx(whole["estimate"], abs=1e-4)


def test_persons_laws_add_up_to_the_estimated_shares() -> None:
    weights = PANEL.person_numbers("weight")
    published = estimate(PANEL, weights="weight")
    calibrated = tt.calibrate(PANEL, weights="weight")
    for item in PANEL.new_items:
        shares = [row["estimate"] for row in rows(published, item=item, statistic="share")]
        assert calibrated.shares(item, weights) == pytest.approx(shares, abs=1e-6)
        (mean,) = rows(published, item=item, statistic="mean")
        j = PANEL.item_ids.index(item)
        assert np.average(calibrated.grid[:, j], weights=weights) == pytest.approx(mean["estimate"], abs=1e-4)


def test_other_methods_keep_their_own_shares_unless_asked() -> None:
    own, pooled = (tt.calibrate(PANEL, "ridge", shares=s, preset="twin-2k-500") for s in (None, "pool"))
    published = estimate(PANEL, ["Q16"])
    shares = [row["estimate"] for row in rows(published, statistic="share")]
    assert pooled.shares("Q16") == pytest.approx(shares, abs=1e-6)
    assert np.abs(own.shares("Q16") - shares).max() > 1e-3
    with pytest.raises(ParameterError, match="'pool' or 'own'"):
        tt.calibrate(PANEL, shares="both")  # type: ignore[arg-type]


def test_with_few_answered_items_laws_keep_their_own_shares() -> None:
    few = generate_population(60, 5, n_new_items=1, random_state=0).panel
    result = tt.calibrate(few)
    assert result.notes()[0]["shares"] == "own"


def test_a_population_is_known_less_well_than_its_panel() -> None:
    (narrow,), (wide,) = (
        rows(estimate(PANEL, ["Q16"], ["mean"], weights="weight", population=p)) for p in (False, True)
    )
    assert wide["upper"] - wide["lower"] > narrow["upper"] - narrow["lower"]
    assert wide["estimate"] == narrow["estimate"]


def test_a_sample_moves_the_estimate_and_narrows_it() -> None:
    (before,) = rows(estimate(PANEL, ["Q16"], ["mean"]))
    (after,) = rows(estimate(PANEL, ["Q16"], ["mean"], sample=sample(60)))
    true = TRUTH[:, PANEL.item_ids.index("Q16")].mean()
    assert abs(after["estimate"] - true) < max(abs(before["estimate"] - true), 0.3)
    assert after["upper"] - after["lower"] < 0.6 * (before["upper"] - before["lower"])
    assert (after["n_answered"], after["method"]) == (60, "pool and sample")


def test_an_answered_item_that_is_named_is_estimated_as_if_its_answers_were_a_sample() -> None:
    result = estimate(PANEL, ["Q01"], ["mean"])
    (row,) = result.rows
    answered = np.isfinite(PANEL.human_values[:, 0])
    assert row["n_answered"] == answered.sum()
    assert row["estimate"] == pytest.approx(np.nanmean(PANEL.human_values[:, 0]), abs=0.2)
    assert any("must not depend on the answer itself" in text for text in result.notes)


def test_items_with_few_answers_are_estimated_without_being_named() -> None:
    values = np.array(PANEL.human.values)
    values[12:, 0] = np.nan
    few = ResponseMatrix(values, PANEL.human.respondent_ids, PANEL.human.items)
    result = estimate(replace(PANEL, human=few), statistics=["mean"])
    assert list(result.verdicts) == ["Q01", "Q16", "Q17", "Q18"]


def test_human_answers_to_an_estimated_item_do_not_reach_other_items() -> None:
    scrambled = estimate(PANEL, ["Q16", "Q17"], ["mean"], sample=sample(40, shift=2))
    plain = estimate(PANEL, ["Q16", "Q17"], ["mean"])
    assert rows(scrambled, item="Q17")[0]["estimate"] == rows(plain, item="Q17")[0]["estimate"]


def test_the_change_between_two_waves_has_an_error() -> None:
    result = estimate(PANEL, ["Q16"], ["mean"], change={"Q15": "Q16"})
    (now,), (change,) = rows(result, statistic="mean"), rows(result, statistic="change of mean")
    old = np.nanmean(PANEL.human_values[:, PANEL.item_ids.index("Q15")])
    assert change["estimate"] == pytest.approx(now["estimate"] - old, abs=1e-6)
    assert change["upper"] - change["lower"] >= 0.95 * (now["upper"] - now["lower"])
    assert change["note"] == "since Q15"


def test_correlations_of_answered_items_are_those_of_their_answers() -> None:
    first, second = (PANEL.human_values[:, j] for j in (0, 2))
    both = np.isfinite(first) & np.isfinite(second)
    items = [PANEL.item_ids[0], PANEL.item_ids[2], PANEL.new_items[0]]
    told, with_new, _ = estimate(PANEL, items, statistics=["correlation"]).rows
    assert told["estimate"] == pytest.approx(np.corrcoef(first[both], second[both])[0, 1], abs=1e-9)
    assert (told["n_answered"], with_new["n_answered"]) == (both.sum(), 0)
    assert told["lower"] < told["estimate"] < told["upper"]  # some people answered one of the two only
    assert told["upper"] - told["lower"] < with_new["upper"] - with_new["lower"]


def test_correlations_of_items_that_everybody_answered_are_exact_among_these_people() -> None:
    panel = generate_population(60, 12, n_new_items=1, missing=0.0, random_state=2).panel
    items = list(panel.item_ids[:2])
    (exact,) = estimate(panel, items, statistics=["correlation"]).rows
    (beyond,) = estimate(panel, items, statistics=["correlation"], population=True).rows
    assert exact["lower"] == pytest.approx(exact["upper"])
    assert beyond["lower"] < exact["estimate"] < beyond["upper"]


def test_answers_of_a_few_people_stay_in_every_draw() -> None:
    given = ResponseMatrix([[1.0], [5.0]], PANEL.respondent_ids[:2], [PANEL.new_items[0]])
    wanted = wanted_items(PANEL, [PANEL.new_items[0], PANEL.item_ids[0]], given)
    design = person_design(PANEL)
    work = EstimateWork(
        wanted,
        {i: i for i in PANEL.item_ids},
        np.ones(len(PANEL.respondent_ids)),
        design,
        False,
        1.0,
        0.9,
        0,
        1,
        (),
    )
    grids = list(completed_answers(work, wanted.items, 3))
    assert [grid[:2, 0].tolist() for grid in grids] == [[1.0, 5.0]] * 3
    assert len({grid[2:, 0].tobytes() for grid in grids}) == 3
    assert all(np.array_equal(grid[:, 1], PANEL.human_values[:, 0], equal_nan=True) for grid in grids)


def test_correlations_come_from_draws() -> None:
    result = estimate(PANEL, statistics=["correlation"], seed=1)
    assert [(row["item"], row["category"]) for row in result.rows] == [
        ("Q16", "with Q17"), ("Q16", "with Q18"), ("Q17", "with Q18"),
    ]  # fmt: skip
    assert all(-1 <= row["lower"] < row["upper"] <= 1 for row in result.rows)


def test_crossed_groups_and_small_cells() -> None:
    result = estimate(PANEL, ["Q16"], ["mean"], by=["age_group", "sex"], cross=True, min_cell=25)
    assert [table.by for table in result.crosstabs] == ["age_group", "sex", "age_group x sex"]
    assert any("too few people for estimates of age_group x sex" in text for text in result.notes)


def test_the_share_that_will_not_answer_stands_beside_shares_of_valid_answers() -> None:
    scale = Scale.ordinal(1, 5, off_scale={9: "refused"})
    rng = np.random.default_rng(0)
    items = [Item(f"V{j}", scale=scale) for j in range(14)]
    human = rng.integers(1, 6, (80, 13)).astype(float)
    human[rng.random(human.shape) < 0.1] = 9
    twin = rng.integers(1, 6, (80, 14)).astype(float)
    ids = [f"p{k}" for k in range(80)]
    panel = Panel(ResponseMatrix(human, ids, items[:13]), ResponseMatrix(twin, ids, items))
    (row,) = rows(estimate(panel), statistic="no answer")
    assert row["estimate"] == pytest.approx(0.1, abs=0.03)
    assert row["lower"] < row["estimate"] < row["upper"]


def test_options_of_a_question_with_several_answers_have_one_share_each() -> None:
    rng = np.random.default_rng(0)
    options = [Item(f"M{j}", scale=Scale.ordinal(0, 1), block="brands") for j in range(4)]
    others = [Item(f"V{j}", scale=Scale.ordinal(1, 5)) for j in range(8)]
    ids = [f"p{k}" for k in range(60)]
    twin = np.column_stack([rng.integers(0, 2, (60, 4)), rng.integers(1, 6, (60, 8))]).astype(float)
    human = ResponseMatrix(twin[:, 1:], ids, [*options[1:], *others])
    result = estimate(Panel(human, ResponseMatrix(twin, ids, [*options, *others])), statistics=["share"])
    assert [(row["item"], row["category"]) for row in result.rows] == [("M0", "selected")]


def test_a_mean_of_names_is_refused_by_item_and_left_out_if_nobody_asked_for_it() -> None:
    scale = Scale.nominal([1, 2, 3])
    rng = np.random.default_rng(0)
    items = [*(Item(f"V{j}", scale=Scale.ordinal(1, 5)) for j in range(9)), Item("party", scale=scale)]
    twin = rng.integers(1, 4, (60, 10)).astype(float)
    ids = [f"p{k}" for k in range(60)]
    panel = Panel(ResponseMatrix(twin[:, :9], ids, items[:9]), ResponseMatrix(twin, ids, items))
    with pytest.raises(ParameterError, match=r"'mean' must be one .* item 'party' is nominal"):
        estimate(panel, statistics=["mean"])
    found = estimate(panel)
    assert {row["statistic"] for row in found.rows} == {"share"}


def test_estimates_become_a_table_a_summary_a_figure_and_html(by_age) -> None:  # type: ignore[no-untyped-def]
    table = by_age.to_frame()
    assert table.num_rows == len(by_age.rows)
    assert [row["item"] for row in by_age.summary()] == ["Q16", "Q17", "Q18"]
    assert "<table>" in by_age._repr_html_()
    figure = by_age.plot.shares(by="age_group")
    assert len(figure.axes) == 4
    with pytest.raises(ParameterError, match="no estimates"):
        by_age.plot.shares(statistic="nps")
    with pytest.raises(ParameterError, match=r"no estimate of 'share' of item 'Q166'.* 'Q16'"):
        by_age.plot.shares(["Q166"])


def test_estimates_become_a_data_frame(by_age) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("pandas", reason="needs the extra 'pandas'")
    assert type(by_age.to_frame("pandas")).__module__.startswith("pandas")


@pytest.mark.extra("excel")
def test_a_workbook_stores_texts_as_texts(tmp_path: Path) -> None:
    import zipfile

    from truetwin.io.excel_files import read_workbook

    groups = np.where(np.arange(150) % 2 == 0, "=1+1", "@b").astype(object)
    panel = replace(PANEL, people=People(PANEL.respondent_ids, {"g": groups}))
    path = estimate(panel, ["Q16"], by="g").to_excel(tmp_path / "out.xlsx")
    table = read_workbook(path, "estimates")
    assert "=1+1" in table["group"].to_pylist()
    with zipfile.ZipFile(path) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"items": ["Q99"]}, ParameterError, "no item 'Q99'"),
        ({"statistics": ["maen"]}, ParameterError, "Did you mean 'mean'"),
        ({"statistics": ["gap"]}, ParameterError, "columns of groups"),
        ({"cross": True}, ParameterError, "columns of groups"),
        ({"by": "age_group", "cross": True}, ParameterError, "at least two columns"),
        ({"by": "age"}, ParameterError, "Did you mean 'age_group'"),
        ({"by": "age_group", "min_cell": 140}, DataError, "at least two groups of 140"),
        ({"min_cell": 1}, ParameterError, "min_cell must be at least 2"),
        ({"level": 1.0}, ParameterError, "level"),
        ({"significance": 0.0}, ParameterError, "significance"),
        ({"weights": np.full(150, -1.0)}, DataError, "not be negative"),
        ({"weights": np.zeros(150)}, DataError, "positive"),
        ({"weights": np.full(150, np.nan)}, DataError, "must have a weight"),
        ({"strata": "nothing"}, ParameterError, "nothing"),
        ({"margins": {"sex": {"men": 0.5, "women": 0.6}}}, DataError, "sum to 1"),
        ({"change": {"Q01": "Q02"}}, ParameterError, "OLD=NEW"),
        ({"change": {"Q17": "Q16"}}, ParameterError, "nobody has answered 'Q17'"),
        ({"blocks": "all"}, ParameterError, "'auto'"),
        ({"items": list(PANEL.item_ids)}, NotPredictableError, "none is left"),
    ],
)
def test_wrong_settings_are_refused_with_what_must_hold(options, error, text) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=text):
        estimate(PANEL, **options)


def test_a_sample_of_strangers_or_of_answers_that_are_known_is_refused() -> None:
    good = sample(10)
    strange = ResponseMatrix(good.values, [f"x{k}" for k in range(10)], good.items, source="s.csv")
    with pytest.raises(AlignmentError, match=r"s.csv: every person .* 'x0' is not \(9 more\)"):
        estimate(PANEL, sample=strange)
    who = [PANEL.respondent_ids[k] for k in np.flatnonzero(np.isfinite(PANEL.human_values[:, 0]))[:2]]
    known = ResponseMatrix([[1], [2]], who, ["Q01"], source="s.csv")
    with pytest.raises(AlignmentError, match="must be in one table"):
        estimate(PANEL, sample=known)


def test_a_panel_with_every_item_answered_says_how_to_name_one() -> None:
    full = generate_population(40, 8, n_new_items=0).panel
    with pytest.raises(NotPredictableError, match="--items"):
        estimate(full)


def test_replicate_weights_need_their_kind_and_strata_two_clusters() -> None:
    rng = np.random.default_rng(0)
    columns = {f"rep{k}": rng.uniform(0.5, 2, 150) for k in range(1, 6)}
    columns["psu"] = (np.arange(150) // 10).astype(float)
    columns["layer"] = np.minimum(np.arange(150) // 10, 13).astype(float)
    panel = replace(PANEL, people=People(PANEL.respondent_ids, columns))
    with pytest.raises(ParameterError, match="replicate_kind"):
        estimate(panel, ["Q16"], replicate_weights="rep", population=True)
    found = estimate(
        panel, ["Q16"], ["mean"], replicate_weights="rep", replicate_kind="bootstrap", population=True
    )
    assert len(found.rows) == 1
    with pytest.raises(DataError, match="at least two clusters"):
        estimate(panel, ["Q16"], strata="layer", clusters="psu")


def test_intervals_of_small_shares_of_groups_hold_also_where_nobody_chose_the_answer() -> None:
    population = generate_population(400, 32, n_new_items=8, random_state=0)
    panel, truth = population.panel, population.truth
    groups = panel.person_groups("age_group")
    held = {"small": [], "other": []}
    for row in estimate(panel, statistics=["share"], by="age_group").rows:
        answers = truth.values[:, truth.item_ids.index(row["item"])]
        people = np.ones(len(answers), dtype=bool) if not row["by"] else groups == row["group"]
        share = (answers[people] == float(row["category"])).mean()
        assert row["upper"] > row["estimate"] or row["estimate"] == 1
        held["small" if row["estimate"] < 0.05 else "other"].append(row["lower"] <= share <= row["upper"])
    assert np.mean(held["small"]) >= 0.88
    assert np.mean(held["other"]) >= 0.85


def test_a_new_item_that_no_twin_has_answered_is_named() -> None:
    panel = generate_population(80, 12, n_new_items=2, random_state=1).panel
    first = panel.new_items[0]
    values = np.array(panel.twin.values)
    values[:, panel.twin.item_ids.index(first)] = np.nan
    twin = ResponseMatrix(values, panel.twin.respondent_ids, panel.twin.items)
    found = estimate(Panel(panel.human, twin))
    assert {row["item"] for row in found.rows} == {panel.new_items[1]}
    assert f"1 new item is not estimated, because no twin has answered: {first!r}" in found.notes


def test_renaming_the_codes_of_a_nominal_item_changes_no_hidden_prediction() -> None:
    panel = generate_population(80, 12, n_new_items=1, random_state=1).panel
    blocks = {item: item for item in panel.item_ids}
    found = []
    for codes in ({1: 1, 2: 2, 3: 3}, {1: 3, 2: 1, 3: 2}):
        sides = []
        for side in (panel.human, panel.twin):
            values = np.clip(side.values, 1, 5)
            column = np.clip(values[:, 0], 1, 3)
            values[:, 0] = [codes.get(int(v), np.nan) if np.isfinite(v) else np.nan for v in column]
            sides.append(ResponseMatrix(values, side.respondent_ids, side.items))
        nominal = {panel.human.item_ids[0]: Item(panel.human.item_ids[0], scale=Scale.nominal([1, 2, 3]))}
        again = Panel(*(side.with_items(nominal) for side in sides))
        found.append(
            predict_hidden(
                again, named_calibrators(["ridge"], again, "item")["ridge"], blocks, new_battery=False
            )
        )
    np.testing.assert_array_equal(found[0], found[1])
    assert np.isnan(found[0][:, 0]).all()


def test_it_is_said_why_groups_have_one_figure() -> None:
    made = generate_population(80, 10, n_new_items=1, random_state=2)
    people = tt.People(
        made.panel.respondent_ids, {"coin": np.random.default_rng(2).choice(["heads", "tails"], 80)}
    )
    found = tt.estimate(
        tt.Panel(made.panel.human, made.panel.twin, people=people), by="coin", statistics="mean"
    )
    means = [row["estimate"] for row in found.rows]
    assert means == pytest.approx([means[0]] * 3)
    assert any(note.startswith("coin: in answered items, neither twins nor") for note in found.notes)


def test_the_note_on_equal_groups_is_not_said_of_groups_that_differ(by_age) -> None:  # type: ignore[no-untyped-def]
    assert not any("neither twins nor" in note for note in by_age.notes)


def test_the_workbook_says_what_shares_are_worth_once(by_age) -> None:  # type: ignore[no-untyped-def]
    (sheet,) = (each for each in by_age.sheets() if each.name == "publish")
    for item, _, worth, reason in sheet.rows:
        assert f"shares worth about {worth.value:,.0f} people" in reason
        assert worth.value == by_age.verdicts[item].worth


def test_intervals_that_hold_less_often_are_told() -> None:
    panel = generate_population(60, 10, n_new_items=2, random_state=1).panel
    told = " ".join(estimate(panel, by=["sex"], statistics=["correlation", "gap"]).notes)
    assert "correlations between items that nobody has answered hold somewhat less often" in told
    assert "90% intervals of the widest gaps" in told
    assert "hold" not in " ".join(estimate(panel, statistics=["mean"]).notes)
