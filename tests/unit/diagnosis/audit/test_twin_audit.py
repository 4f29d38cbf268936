"""The audit finds every known fault of generated twins, and none in faithful ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix, Scale
from truetwin.datasets.audit_worlds import FAULTS, AuditWorld, generate_audit_world
from truetwin.datasets.worlds import KINDS, generate_world
from truetwin.diagnosis import TwinAudit
from truetwin.diagnosis.audit.pair_moments import PairMoments
from truetwin.diagnosis.audit.paired_answers import PairedAnswers
from truetwin.diagnosis.audit.source_verdict import PURPOSES
from truetwin.diagnosis.audit.which_twin import USES, Compared
from truetwin.diagnosis.faults import item_faults
from truetwin.errors import DataError, ParameterError, UnknownNameError
from truetwin.evaluation.hiding_protocols import protocols

pytestmark = pytest.mark.slow

#: Checks of each point that an audit must cover.
POINTS = {
    "leaks": ("declared_leaks", "near_copies", "new_people"),
    "flattening": (
        *("spread", "levels", "distinct_answers", "all_alike_items", "correlation_strength"),
        *("correlation_pattern", "ghost_correlations", "factor_structure", "regression_coefficients"),
        *("sign_flips", "group_gaps", "agreeableness", "middle_options", "extreme_options"),
        "wording_variants",
    ),
    "equity": ("equity_accuracy", "equity_bias", "equity_coverage"),
    "ceilings": ("knows_the_person", "beats_a_guess", "retest_ceiling", "group_figures"),
    "memory": ("published_toplines", "fielded_before_training"),
}


def audited(world: AuditWorld, **further: object) -> TwinAudit:
    return tt.audit_twins(
        world.panel,
        by=["region"],
        retest=world.retest,
        published=world.published,
        trained_until=world.trained_until,
        **further,
    )


@cache
def audit_of(fault: str, n: int = 400, m: int = 40, seed: int = 1) -> TwinAudit:
    return audited(generate_audit_world(fault, n, m, random_state=seed))


def test_every_point_is_a_field_with_figure_baseline_test_and_words() -> None:
    record = audit_of("shrunk").record()["sources"]["twin"]["checks"]
    assert {name for names in POINTS.values() for name in names} == set(record)
    for area, names in POINTS.items():
        for name in names:
            check = record[name]
            assert check["area"] == area
            assert check["question"].endswith("?")
            assert set(check["purposes"]) <= set(PURPOSES)
            if name == "declared_leaks":
                assert "--persona-items" in check["finding"]
                continue
            assert check["unmeasured"] is None
            assert check["value"] is not None
            assert check["baseline"] is not None, name
            assert check["measure"]
            assert check["baseline_measure"]
            assert check["rule"]
            assert check["flagged"] == (check["finding"] not in ("no fault found",))


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "faithful"])
def test_a_fault_is_found_by_its_checks(fault: str) -> None:
    found = audit_of(fault).sources["twin"]
    expected = set(FAULTS[fault][1])
    assert expected == expected & {c.name for c in found.faults}
    assert not expected & {c.name for c in audit_of("faithful").sources["twin"].faults}


def test_every_check_with_a_test_has_a_world_that_triggers_it() -> None:
    triggered = {name for _, names in FAULTS.values() for name in names}
    assert {"declared_leaks", "retest_ceiling"} == {n for names in POINTS.values() for n in names} - triggered


def test_copies_of_people_have_no_fault_but_the_leak() -> None:
    found = audit_of("identical").sources["twin"]
    assert {"near_copies", "new_people"} == {c.name for c in found.faults}
    assert {row["purpose"] for row in found.purposes() if row["faults"]} == {
        *("scores of methods", "single answers")
    }


@pytest.mark.parametrize("twins", ["base", "noise", "inverted", "nostruct"])
def test_ordinary_twins_are_not_suspected_of_leaks(twins: str) -> None:
    for seed in range(3):
        panel = generate_world(twins, 200, 30, n_new_items=0, random_state=seed).panel
        found = tt.audit_twins(panel).sources["twin"]
        assert not [c.name for c in found.faults if c.area == "leaks"]


def test_faithful_twins_are_seldom_flagged() -> None:
    flagged = [bool(audit_of("faithful", 150, 20, seed).sources["twin"].faults) for seed in range(20)]
    assert sum(flagged) <= 3  # at 5% a rate, more than three in twenty have a chance of .02


@pytest.mark.parametrize("kinds", [("binary",), ("rare",), ("slider",), ("price",), ("nominal",), KINDS])
def test_other_people_of_the_same_kind_are_no_faulty_twins(kinds: tuple[str, ...]) -> None:
    """Half of the people of one world as twins of the other half: they know nobody, and nothing else is wrong."""
    flagged = []
    for seed in range(3):
        world = generate_world("perfect", 400, 20, n_new_items=0, kinds=kinds, random_state=seed)  # type: ignore[arg-type]
        ids, items = [f"p{i}" for i in range(200)], list(world.panel.items.values())
        panel = Panel(
            ResponseMatrix(world.panel.human_values[:200], ids, items),
            ResponseMatrix(world.truth.values[200:], ids, items),
        )
        names = {c.name for c in tt.audit_twins(panel).sources["twin"].faults}
        assert "knows_the_person" in names
        flagged.append(names - {"knows_the_person", "beats_a_guess"})
    assert sum(map(bool, flagged)) <= 1, flagged


def test_declared_items_are_flagged_and_spoil_protocols() -> None:
    world = generate_audit_world("faithful", 100, 20)
    shown = audited(world, persona_items=["Q01", "Q02", "not asked"]).sources["twin"]
    assert shown.check("declared_leaks").flagged
    assert [row["item"] for row in shown.check("declared_leaks").rows] == ["Q01", "Q02"]
    assert {row["protocol"] for row in shown.invalid_protocols} == set(protocols)
    assert "evaluating methods" in shown.answer
    hidden = audited(world, persona_items=["not asked"]).sources["twin"]
    assert not hidden.check("declared_leaks").flagged
    assert hidden.invalid_protocols == []


def test_a_retest_is_the_ceiling() -> None:
    check = audit_of("shown-items").sources["twin"].check("near_copies")
    assert {row["item"] for row in check.rows} <= {f"Q{k:02d}" for k in range(1, 41, 3)}
    assert all(row["ceiling"] < 0.95 for row in check.rows)
    ceiling = audit_of("faithful").sources["twin"].check("retest_ceiling")
    assert 0 < ceiling.value < ceiling.baseline < 1


def test_spread_and_levels_are_the_figures_of_the_diagnosis() -> None:
    panel = generate_audit_world("shrunk", 100, 20).panel
    checks = tt.audit_twins(panel).sources["twin"]
    faults = {row["item"]: row for row in item_faults(panel)}
    for row in checks.check("spread").rows:
        assert row["sd_ratio"] == pytest.approx(faults[row["item"]]["sd_ratio"])
    for row in checks.check("levels").rows:
        assert row["bias_sd"] == pytest.approx(faults[row["item"]]["level_bias_sd"])


def test_weights_count_people_as_often_as_they_say() -> None:
    panel = generate_audit_world("shrunk", 60, 12).panel
    weights = np.random.default_rng(0).integers(1, 3, 60)
    rows = np.repeat(np.arange(60), weights)
    ids = [f"r{k}" for k in range(rows.size)]
    repeated = Panel(
        *(ResponseMatrix(m.values[rows], ids, m.items) for m in (panel.human, panel.twin))  # type: ignore[arg-type]
    )
    heavy = tt.audit_twins(replace(panel, people=None), weights=weights.astype(float)).sources["twin"]
    plain = tt.audit_twins(repeated).sources["twin"]
    for name in ("spread", "levels", "distinct_answers", "beats_a_guess", "knows_the_person"):
        assert heavy.check(name).value == pytest.approx(plain.check(name).value), name
    both = [
        PairedAnswers.of(
            p.human_values, p.twin_values, p.item_ids, [p.scales[i] for i in p.item_ids], weights=w
        )
        for p, w in ((panel, weights.astype(float)), (repeated, None))
    ]
    for use, _, _, _, by_item in USES:
        figures = [
            by_item({"twin": Compared.of(paired, paired.numbers[1], PairMoments.of(paired))})["twin"]
            for paired in both
        ]
        assert figures[0] == pytest.approx(figures[1], nan_ok=True), use
    for row, other in zip(heavy.check("levels").rows, plain.check("levels").rows, strict=True):
        assert row["bias_sd"] == pytest.approx(other["bias_sd"])
    faults = {row["item"]: row for row in item_faults(panel, weights.astype(float))}
    assert all(
        r["bias_sd"] == pytest.approx(faults[r["item"]]["level_bias_sd"]) for r in heavy.check("levels").rows
    )


def test_a_source_with_too_few_people_is_named_and_the_others_are_audited() -> None:
    panel = generate_audit_world("faithful", 200, 20).panel
    few = panel.twin.values.copy()
    few[10:] = np.nan
    found = tt.audit_twins(
        Panel(
            panel.human,
            {"all": panel.twin, "few": ResponseMatrix(few, panel.twin.respondent_ids, panel.twin.items)},
        )
    )
    assert list(found.sources) == ["all"]
    assert "the source 'few' needs at least 2 items" in found.not_audited["few"]
    assert found.not_audited["few"] in str(found.summary())
    assert found.record()["not_audited"] == dict(found.not_audited)


def test_sources_are_compared_and_leaky_ones_are_no_choice() -> None:
    worlds = {f: generate_audit_world(f, 200, 20).panel for f in ("faithful", "shrunk", "shown-persons")}
    panel = Panel(worlds["faithful"].human, {f: p.twin for f, p in worlds.items()})
    found = tt.audit_twins(panel)
    assert list(found.sources) == ["faithful", "shrunk", "shown-persons"]
    assert found.answer.startswith("faithful: no fault found. Other sources have faults (2)")
    shares = next(c for c in found.choices if c.use == "shares and means")
    assert shares.best == "faithful"
    assert shares.as_good == ()
    assert shares.with_leaks == ("shown-persons",)
    assert shares.figures["shrunk"] > shares.figures["faithful"]


def test_relations_are_compared_over_the_pairs_that_all_sources_have() -> None:
    worlds = {f: generate_audit_world(f, 100, 12).panel for f in ("faithful", "shrunk")}
    human, short = worlds["faithful"].human, worlds["shrunk"].twin
    wrong = worlds["faithful"].twin.values.copy()
    wrong[:, 0] = np.random.default_rng(0).permutation(human.values[:, 1])
    full = ResponseMatrix(wrong, short.respondent_ids, short.items)
    part = ResponseMatrix(short.values[:, 1:], short.respondent_ids, short.items[1:])
    found = tt.audit_twins(Panel(human, {"full": full, "part": part}))
    without = tt.audit_twins(
        Panel(
            ResponseMatrix(human.values[:, 1:], human.respondent_ids, human.items[1:]),
            {"full": ResponseMatrix(wrong[:, 1:], short.respondent_ids, short.items[1:]), "part": part},
        )
    )
    figures = [next(c for c in f.choices if c.purpose == "relations").figures for f in (found, without)]
    assert figures[0] == pytest.approx(figures[1])


def test_one_source_of_several_is_audited_as_if_alone() -> None:
    worlds = {f: generate_audit_world(f, 100, 12).panel for f in ("faithful", "shrunk")}
    both = tt.audit_twins(Panel(worlds["faithful"].human, {f: p.twin for f, p in worlds.items()}))
    alone = tt.audit_twins(worlds["shrunk"])
    assert both.sources["shrunk"].record()["checks"] == alone.sources["twin"].record()["checks"]


def test_same_seed_same_audit_and_answers_are_not_changed() -> None:
    world = generate_audit_world("shrunk", 80, 12)
    before = world.panel.human_values.copy(), world.panel.twin_values.copy()
    first, second = audited(world).record(), audited(world).record()
    assert first == second
    assert np.array_equal(before[0], world.panel.human_values, equal_nan=True)
    assert np.array_equal(before[1], world.panel.twin_values, equal_nan=True)


def test_too_little_to_compare_and_unknown_names_are_refused() -> None:
    world = generate_audit_world("faithful", 30, 10)
    with pytest.raises(ParameterError, match="there must be a source named 'gpt'; sources are twin"):
        tt.audit_twins(world.panel, trained_until={"gpt": "2024"})
    few = world.panel.human.values[:10]
    panel = Panel(
        ResponseMatrix(few, world.panel.human.respondent_ids[:10], world.panel.human.items), world.panel.twin
    )
    with pytest.raises(DataError, match="at least 2 items with 20 answers"):
        tt.audit_twins(panel)
    people, twin = world.panel.human.respondent_ids, world.panel.twin
    part = ResponseMatrix(twin.values[:12], people[:12], twin.items)
    with pytest.raises(DataError, match=r"the source 'part' needs .*; an audit of the source 'again' needs"):
        tt.audit_twins(Panel(world.panel.human, {"part": part, "again": part}))
    with pytest.raises(UnknownNameError, match="Did you mean 'spread'"):
        tt.audit_twins(world.panel).sources["twin"].check("spraed")


def test_twins_that_all_answer_alike_are_audited() -> None:
    world = generate_audit_world("faithful", 60, 12)
    twin = world.panel.twin
    panel = Panel(
        world.panel.human, ResponseMatrix(np.full(twin.shape, 3.0), twin.respondent_ids, twin.items)
    )
    found = tt.audit_twins(panel).sources["twin"]
    assert {"spread", "all_alike_items", "distinct_answers", "knows_the_person"} <= {
        c.name for c in found.faults
    }
    assert found.check("all_alike_items").value == 1.0


def test_people_with_few_answers_in_common_are_audited() -> None:
    world = generate_audit_world("faithful", 400, 30, missing=0.85)
    found = tt.audit_twins(world.panel).sources["twin"]
    assert not [c.name for c in found.faults if c.area == "leaks"]


def test_the_last_categories_of_all_scales_may_be_chosen_by_nobody() -> None:
    panel = tt.datasets.generate_population(40, 8, n_new_items=1, n_categories=5, random_state=0).panel
    items = [replace(item, scale=Scale.ordinal(1, 11)) for item in panel.items.values()]
    wide = Panel(
        panel.human.with_items({i.id: i for i in items}), panel.twin.with_items({i.id: i for i in items})
    )
    checks = tt.audit_twins(wide).record()["sources"]["twin"]["checks"]
    assert checks["agreeableness"]["value"] is not None
