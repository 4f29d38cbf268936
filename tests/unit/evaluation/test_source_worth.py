"""What sources are worth, and whether donors of other domains help, where the truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import truetwin as tt
from truetwin.cli import _run
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.data.frames import to_frame
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.evaluation.domain_words import about_other_domains
from truetwin.evaluation.source_worth import ANOTHER, REPLICATE, source_worth
from truetwin.io import write_table

pytestmark = pytest.mark.slow

PEOPLE = tuple(f"p{k:03d}" for k in range(150))
FIVE = Scale.ordinal(1, 5)


def answers(z: np.ndarray) -> np.ndarray:
    return np.clip(np.round(3 + z), 1, 5)


def panel_of(domains: int = 1, *, shared: float = 1.0, seed: int = 0) -> tuple[np.ndarray, list[Item]]:
    """True positions (n, 32) on items whose traits are shared by domains to a degree, and the items."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(len(PEOPLE), 2))
    parts = []
    for _ in range(domains):
        own = rng.normal(size=common.shape)
        traits = shared * common + (1 - shared**2) ** 0.5 * own
        parts.append(traits @ rng.normal(size=(2, 32 // domains)))
    z = np.column_stack(parts) + 0.7 * rng.normal(size=(len(PEOPLE), 32))
    items = [
        Item(f"Q{k:02d}", scale=FIVE, domain=f"d{k * domains // 32}" if domains > 1 else None)
        for k in range(32)
    ]
    return z, items


def sources_of(z: np.ndarray, items: list[Item], seed: int = 1) -> dict[str, ResponseMatrix]:
    rng = np.random.default_rng(seed)
    found = {}
    for model in ("gpt", "gemini"):
        habit = 0.9 * rng.normal(size=z.shape)
        for k in (1, 2):
            said = answers(0.7 * z + habit + 0.1 * rng.normal(size=z.shape))
            found[f"{model}/{k}"] = ResponseMatrix(said, PEOPLE, items)
    return found


def test_another_model_adds_more_than_another_replicate() -> None:
    z, items = panel_of()
    panel = Panel(ResponseMatrix(answers(z), PEOPLE, items), sources_of(z, items))
    found = source_worth(panel, "twin", costs={"gpt/1": 2.0})
    first = {step["kind"]: step for step in found.steps() if step["from"] == 1}
    assert first[ANOTHER]["gain"] > first[REPLICATE]["gain"] + 0.02
    assert abs(first[REPLICATE]["gain"]) < 0.02
    assert first[ANOTHER]["low"] > 0
    rows = {row["source"]: row for row in found.rows()}
    assert rows["all"]["alone"] > max(rows[name]["alone"] for name in panel.source_names)
    assert rows["gpt/1"]["gain_per_cost"] == pytest.approx(rows["gpt/1"]["gain"] / 2)
    assert any(line.startswith("a second model or prompt: +.") for line in found.in_words())


def test_names_and_order_of_two_sources_do_not_say_which_is_the_second() -> None:
    z, items = panel_of()
    human = ResponseMatrix(answers(z), PEOPLE, items)
    noise = np.random.default_rng(3).normal(size=z.shape)
    good, bad = (ResponseMatrix(answers(v), PEOPLE, items) for v in (0.7 * z + 0.5 * noise, noise[::-1]))
    gains = []
    for sources in (
        {"a": good, "b": bad},
        {"a": bad, "b": good},
        {"b": good, "a": bad},
        {"x": good, "y": bad},
    ):
        found = source_worth(Panel(human, sources), "twin")
        (step,) = found.steps()
        assert step["n_choices"] == 2
        gains.append(step["gain"])
        alone = [row["alone"] for row in found.rows()]
        assert step["gain"] == pytest.approx(alone[0] - (alone[1] + alone[2]) / 2)
    assert gains == pytest.approx([gains[0]] * 4)


def test_no_choice_of_sources_is_tried_twice() -> None:
    z, items = panel_of()
    panel = Panel(ResponseMatrix(answers(z), PEOPLE, items), sources_of(z, items))
    tried = [frozenset(choice) for choice in source_worth(panel, "twin").scores]
    assert len(tried) == len(set(tried))


def test_one_source_and_wrong_costs_are_refused() -> None:
    z, items = panel_of()
    human = ResponseMatrix(answers(z), PEOPLE, items)
    with pytest.raises(ParameterError, match="at least two"):
        source_worth(Panel(human, human))
    both = Panel(human, {"a": human, "b": human})
    with pytest.raises(ParameterError, match="no 'c' among a, b"):
        source_worth(both, "twin", costs={"c": 1.0})
    with pytest.raises(ParameterError, match="a number >= 0"):
        source_worth(both, "twin", costs={"a": float("nan")})


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_donors_of_other_domains_help_where_traits_are_shared(shared: float) -> None:
    z, items = panel_of(8, shared=shared)
    rng = np.random.default_rng(5)
    twin = ResponseMatrix(answers(0.5 * z + rng.normal(size=z.shape)), PEOPLE, items)
    panel = Panel(ResponseMatrix(answers(z), PEOPLE, items), twin)
    result = tt.evaluate(panel, ["twin", "auto"], "leave-domain-out")
    assert result.settings["n_folds"] == 8
    text = about_other_domains(result)
    assert text is not None
    assert text.startswith(
        "donors of other domains help" if shared else "donors of other domains add nothing here"
    ), text


def test_domains_are_needed_and_items_without_one_are_left_out() -> None:
    z, items = panel_of(2)
    some = [item if k % 5 else Item(item.id, scale=FIVE) for k, item in enumerate(items)]
    human = ResponseMatrix(answers(z), PEOPLE, some)
    result = tt.evaluate(Panel(human, human), ["twin"], "leave-domain-out")
    assert len(result.target_ids) == 25
    bare = ResponseMatrix(answers(z), PEOPLE, [Item(item.id) for item in items])
    with pytest.raises(NotPredictableError, match="column 'domain' of the item file"):
        tt.evaluate(Panel(bare, bare), ["twin"], "leave-domain-out")


def test_commands_say_it_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    z, items = panel_of(2)
    names = [item.id for item in items]
    tables = {"human": answers(z)} | {n.replace("/", "-"): s.values for n, s in sources_of(z, items).items()}
    for name, values in tables.items():
        write_table(to_frame(values, PEOPLE, names), tmp_path / f"{name}.csv")
    (tmp_path / "items.csv").write_text(
        "item_id,low,high,domain\n" + "".join(f"{i.id},1,5,{i.domain}\n" for i in items), encoding="utf-8"
    )
    human, file = str(tmp_path / "human.csv"), str(tmp_path / "items.csv")
    twins = [
        w
        for n in ("gpt", "gemini")
        for k in (1, 2)
        for w in ("--twin", f"{n}/{k}={tmp_path / f'{n}-{k}.csv'}")
    ]
    assert _run(["plan", human, *twins, "--sources", "--cost", "gpt/1=2", "--json"], debug=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in found["steps"]} == {ANOTHER, REPLICATE}
    assert any("a second replicate of the same" in line for line in found["settings"]["in_words"])
    assert _run(["evaluate", human, *twins, "--by-source", "--methods", "twin"], debug=True) == 0
    out = capsys.readouterr()
    assert "adds to others" in out.out
    assert "a second model or prompt" in out.err
    lone = [human, str(tmp_path / "gpt-1.csv"), "--item-file", file]
    assert _run(["evaluate", *lone, "--protocol", "leave-domain-out", "--methods", "auto"], debug=True) == 0
    assert "donors of other domains" in capsys.readouterr().err


def test_by_source_weights_people_and_keeps_to_what_was_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    z, items = panel_of()
    names = [item.id for item in items]
    (tmp_path / "twins").mkdir()
    tables = {f"twins/{n.replace('/', '-')}": s.values for n, s in sources_of(z, items).items()}
    for name, values in ({"human": answers(z)} | tables).items():
        write_table(to_frame(values, PEOPLE, names), tmp_path / f"{name}.csv")
    lines = (tmp_path / "human.csv").read_text(encoding="utf-8").splitlines()
    heavy = [f"{line},{1 if k % 3 else 9}" for k, line in enumerate(lines[1:])]
    (tmp_path / "human.csv").write_text("\n".join([lines[0] + ",heavy", *heavy]) + "\n", encoding="utf-8")
    ask = ["evaluate", str(tmp_path / "human.csv"), str(tmp_path / "twins"), "--people-columns", "heavy"]
    ask += ["--methods", "twin"]

    def answered(*options: str) -> dict[str, float]:
        assert _run([*ask, *options, "--json"], debug=True) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        return {row.get("source", row.get("method")): row.get("alone", row.get("mean")) for row in rows}

    plain, weighted = answered("--by-source"), answered("--by-source", "--weights", "heavy")
    assert plain["all"] != weighted["all"]
    assert weighted["all"] == pytest.approx(answered("--weights", "heavy")["twin"])
    shown = ["--protocol", "leave-one-respondent-out", "--persona-items", names[0]]
    with pytest.raises(NotPredictableError, match="no new respondents"):
        _run([*ask, "--by-source", *shown], debug=True)
    for options, words in (
        (["--per-target", str(tmp_path / "x.csv")], "--per-target does not go with it"),
        (["--metric", "mae"], "--metric does not go with it"),
        (["--methods", "twin,ridge"], "--by-source scores one method"),
    ):
        with pytest.raises(ParameterError, match=words):
            _run([*ask, "--by-source", *options], debug=True)
