from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from truetwin.errors import DataError, ParameterError
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice.auditing.matched_subset import balance_positions, matched_subset, repaired_release
from truetwin.voice.auditing.predictors import best_persona_free, guess, guess_all, predictors
from truetwin.voice.auditing.style import FEATURES, features_of, style_arrays, style_probabilities
from truetwin.voice.items.controls import with_swapped_history, without_history
from truetwin.voice.items.voice_items import Turn, VoiceItem, VoicePersona
from voice_examples import item, items, options


def alike(number: int) -> VoiceItem:
    """An item whose options differ in one digit."""
    return item(number, options=options(number % 4, [f"That is a fine day {k}." for k in range(4)]))


def test_shortcuts_are_found_and_ranked() -> None:
    report = audit(items(40))
    assert report.best is not None
    assert report.best.rate.value == 1.0
    rows = {row["predictor"]: row for row in report.rows()}
    assert rows["shortest"]["accuracy"] == 100.0
    assert rows["longest"]["accuracy"] == 0.0
    assert rows["style-model"]["accuracy"] == 100.0
    assert set(rows) == set(predictors)
    assert all(row["ci_low"] <= row["accuracy"] <= row["ci_high"] for row in rows.values())


def test_ties_share_the_credit() -> None:
    assert guess(predictors["longest"], [alike(k) for k in range(8)]).rate.value == 0.25


def test_a_predictor_of_nothing_is_undefined() -> None:
    lonely = [item(k, history=()) for k in range(8)]
    found = guess(predictors["like-history"], lonely)
    assert (found.rate.n, found.credit) == (0, None)
    row = next(r for r in audit(lonely).rows() if r["predictor"] == "like-history")
    assert (row["n"], row["accuracy"]) == (0, None)


def test_what_knows_the_persona_is_no_baseline() -> None:
    some = [
        dataclasses.replace(alike(k), history=(Turn(alike(k).true_option.text, "", "1"),)) for k in range(40)
    ]
    best = best_persona_free(guess_all(some))
    assert best is not None
    assert best.predictor.name != "like-history"
    assert guess(predictors["like-history"], some).rate.value > best.rate.value


def test_the_style_model_never_sees_the_group_that_it_predicts() -> None:
    """Changing one group's answers must change nothing in that group's predictions."""
    some = items(40)
    held_out = [k for k, i in enumerate(some) if i.group == "book 1"]
    scrambled = [
        dataclasses.replace(i, answer="o4" if i.answer != "o4" else "o1") if k in held_out else i
        for k, i in enumerate(some)
    ]
    before, after = style_probabilities(some), style_probabilities(scrambled)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before[held_out], after[held_out])
    others = [k for k in range(40) if k not in held_out]
    assert not np.allclose(before[others], after[others])


def test_style_features_do_not_depend_on_which_option_is_true() -> None:
    some = items(8)
    other = [dataclasses.replace(i, answer="o2") for i in some]
    np.testing.assert_array_equal(style_arrays(some), style_arrays(other))
    assert style_arrays(some).shape == (8, 4, 2 * len(FEATURES))


@pytest.mark.parametrize("text", ["", " ", "你好,世界!", "...", "A" * 100_000, "🙂"])
def test_style_features_are_finite_for_any_text(text: str) -> None:
    assert np.isfinite(features_of(text)).all()


def test_one_group_leaves_the_style_model_undefined() -> None:
    assert style_probabilities([item(k, group="only") for k in range(40)]) is None


def test_faults_are_found_with_their_items() -> None:
    said = "We shall all go home by the river"
    some = [
        item(0),
        item(1),
        dataclasses.replace(item(1), item_id="again"),
        item(
            2, options=options(2, ["a one", "b two", said, "d four"]), stimulus=f"“{said.upper()}!” he cried."
        ),
        item(
            3, options=options(3, ["a one", "b two", "c three", said]), history=(Turn(said + "!", "", "1"),)
        ),
        item(4, options=options(0, ["[the man's name]", "b two", "c three", "d four"]), history=()),
        item(5, options=options(1, ["a one", "none", "c three", "d four"])),
        item(6, options=options(2, ["same words", "Same words!", "c three", "d four"])),
        item(7, options=options(3, ["a one", said, "c three", "d four"]), stimulus=f"{said}."),
    ]
    report = audit(some)
    assert {f.name: f.item_ids for f in report.findings if f.n} == {
        "duplicate": ("again",),
        "leak in context": ("i2",),
        "leak in history": ("i3",),
        "placeholder": ("i4",),
        "empty history": ("i4",),
        "no reply": ("i5",),
        "equal options": ("i6",),
        "distractor in context": ("i7",),
    }
    assert report.n_personas == 3
    assert report.finding_rows()[0]["ci_low"] < 100 / 9 < report.finding_rows()[0]["ci_high"]


def test_an_audit_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="at least one item"):
        audit([])


def test_a_repaired_release_is_balanced_and_clean() -> None:
    said = "We shall all go home by the river"
    leaking = item(2, options=options(2, ["a one", "b two", said, "d four"]), stimulus=f"“{said}”, he cried.")
    some = [*items(17)[3:], leaking, dataclasses.replace(leaking, item_id="again")]
    release = repaired_release(some, seed=3)
    places = Counter(i.options.index(i.true_option) for i in release.items)
    assert len(release.items) == 15
    assert max(places.values()) - min(places.values()) <= 1
    assert release.done["duplicate dropped"] == ("again",)
    assert next(i for i in release.items if i.item_id == "i2").stimulus == "“[...]”, he cried."
    again = audit(release.items)
    assert [again.finding(n).n for n in ("duplicate", "leak in context", "leak in history")] == [0, 0, 0]
    assert [i.true_option.text for i in release.items] == [i.true_option.text for i in some[:-1]]


def test_the_order_follows_the_seed() -> None:
    some = items(12)
    assert balance_positions(some, seed=1) == balance_positions(some, seed=1)
    assert balance_positions(some, seed=1) != balance_positions(some, seed=2)


def test_the_matched_subset_holds_only_items_whose_options_are_alike() -> None:
    some = [*items(40), *(dataclasses.replace(alike(k), item_id=f"alike{k}") for k in range(20))]
    kept = matched_subset(some)
    assert kept
    assert all(i.item_id.startswith("alike") for i in kept)


def test_matching_does_not_look_at_the_answer() -> None:
    some = [alike(k) for k in range(20)]
    wrong = [dataclasses.replace(i, answer="o2") for i in some[:10]]
    loose = {"length_gap": 0.1, "style_probability": 1.0}
    assert len(matched_subset(some[:10], **loose)) == len(matched_subset(wrong, **loose)) == 10


@pytest.mark.parametrize("settings", [{"length_gap": 0.0}, {"style_probability": 0.25}])
def test_thresholds_out_of_range_are_refused(settings: dict) -> None:
    with pytest.raises(ParameterError):
        matched_subset(items(4), **settings)


def test_without_history_nothing_of_the_persona_is_left_but_its_id() -> None:
    (bare,) = without_history([item(1, persona=VoicePersona("p1", "Ada", traits=("calm",)))])
    assert (bare.history, bare.persona) == ((), VoicePersona("p1"))
    assert (bare.options, bare.stimulus, bare.answer) == (item(1).options, item(1).stimulus, item(1).answer)
    (named,) = without_history([item(1)], keep_profile=True)
    assert (named.history, named.persona.name) == ((), "Person 1")


def test_a_swapped_history_is_somebody_elses() -> None:
    some = [item(k, group="book") for k in range(12)]
    swapped = with_swapped_history(some, seed=0)
    for old, new in zip(some, swapped, strict=True):
        assert new.history != old.history
        assert new.persona.name != old.persona.name
        assert new.persona.id == old.persona.id
        assert (new.options, new.stimulus) == (old.options, old.stimulus)
    assert swapped == with_swapped_history(some, seed=0)


def test_a_swapped_history_comes_from_the_same_language() -> None:
    with pytest.raises(DataError, match="has none"):
        with_swapped_history([*items(6), item(7, language="zh")], seed=0)
