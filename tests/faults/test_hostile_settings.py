"""Settings that are made to do harm: no traceback, no steered terminal, no key in a message or a record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.errors import ParameterError
from truetwin.io import write_json
from truetwin.settings.declaration import Side, read_settings, study_record
from truetwin.settings.evaluate_settings import Evaluate
from truetwin.settings.simulate_settings import Simulate
from truetwin.study.example_study import write_example

ESCAPE = "\x1b[31m"
FILES = "inputs: {human: human.csv, twin: generated.csv}\n"
SIMULATED = "inputs: {human: human.csv, items: items.json, personas: personas.jsonl}\n"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("study"), 0)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of error of a call that must be refused."""
    code = _run(list(arguments), debug=False)
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert all(c.isprintable() for c in err.rstrip("\n")), repr(err)
    assert len(err) < 2_100
    return err


@pytest.mark.parametrize(
    "text",
    [
        FILES + "evaluate: {methods: [[ridge]]}\n",
        FILES + "evaluate: {methods: [{ridge: 1}]}\n",
        FILES + "calibrate: {null: 3}\n",
        FILES + "calibrate: {1: 3}\n",
        FILES + "voice: 3\n",
        FILES + "voice: [[a]]\n",
        FILES + "simulate: []\n",
        FILES + 'calibrate: {method: "\\e[31m"}\n',
        FILES + 'calibrate: {"\\e[31m": 3}\n',
        'inputs: {human: "\\e[31m.csv", twin: generated.csv}\ncalibrate:\n',
        'inputs: {human: "a\\0b", twin: generated.csv}\ncalibrate:\n',
        'inputs: {human: "\\ud800", twin: generated.csv}\ncalibrate:\n',
        f"inputs: {{human: {'a' * 5000}, twin: generated.csv}}\ncalibrate:\n",
        f"inputs: {{human: human.csv, twin: generated.csv}}\ncalibrate: {{method: {'a' * 5000}}}\n",
    ],
)
def test_a_hostile_study_is_refused_in_one_line(
    example: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = example.with_name("hostile.yaml")
    path.write_text(text, encoding="utf-8")
    refused(capsys, "study", "check", str(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("reweight", "a", "b", "--output", ""),
        ("reweight", "a", "b", "--output", "a" * 5_000),
        ("runs", "export", "a", "--output", ""),
        ("runs", "show", "a" * 5_000),
        ("diagnose", f"{ESCAPE}.csv", "b"),
        (
            "simulate",
            "--extra",
            "[" * 20_000,
            "--model",
            "m",
            "--personas",
            "a",
            "--items",
            "b",
            "--run",
            "c",
        ),
        ("calibrate", "a", "b", "--output", "c.csv", "--set", f"ridge.alpha={'9' * 5_000}"),
        ("calibrate", "a", "b", "--output", "c.csv", "--set", f"ridge.alpha={'[' * 20_000}"),
    ],
)
def test_hostile_options_are_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["api_key", "Authorization", "password", "X-Api-Key", "client_secret"])
def test_extra_fields_hold_no_key(name: str) -> None:
    for extra in ({name: "sk-hidden"}, {"extra_headers": [{name: "sk-hidden"}]}):
        with pytest.raises(ParameterError, match="must hold no key") as caught:
            Simulate(model="m", extra=extra)
        assert "sk-hidden" not in str(caught.value)
    assert Simulate(model="m", extra={"max_tokens": 3, "tokenizer": "x"}).extra["max_tokens"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"extra": '["sk-hidden"]'},
        {"extra": ["sk-hidden"]},
        {"base_url": ["https://me:sk-hidden@host/v1"]},
    ],
)
def test_a_message_about_where_keys_are_put_shows_none(wrong: dict[str, object]) -> None:
    for side in (Side.PYTHON, Side.STUDY, Side.COMMAND_LINE):
        with pytest.raises(ParameterError) as caught:
            read_settings(Simulate, {"model": "m", **wrong}, side)
        assert "sk-hidden" not in str(caught.value)


def test_the_record_of_a_study_has_no_key(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Simulate(model="m", base_url="https://me:sk-hidden@host/v1?key=sk-hidden")
    assert study_record(settings)["base_url"] == "https://host/v1"
    path = example.with_name("keyed.yaml")
    path.write_text(
        SIMULATED + 'simulate: {model: m, base_url: "https://host/v1?key=sk-hidden"}\n', encoding="utf-8"
    )
    assert _run(["study", "check", str(path), "--json"], debug=False) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["settings"]["simulate"]["base_url"] == "https://host/v1"
    assert "sk-hidden" not in out


@pytest.mark.parametrize(
    "values",
    [
        {"methods": [["ridge"]]},
        {"methods": [None]},
        {"methods": np.array([1.5])},
        {"max_folds": np.array([1, 2])},
        {"max_folds": True},
        {"max_folds": float("nan")},
        {"methd": "ridge"},
    ],
)
def test_keyword_arguments_of_the_wrong_kind_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Evaluate(**values)


def test_a_record_that_is_a_folder_or_too_deep_is_named(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = example.with_name("small.yaml")
    path.write_text(FILES + "plan: {budget: 1}\n", encoding="utf-8")
    run = example.parent / "run"
    (run / "steps.json").mkdir(parents=True)
    assert "steps.json must be the record" in refused(capsys, "study", "run", str(path), "--run", str(run))
    (run / "steps.json").rmdir()
    for content in (
        "[" * 100_000,
        '{"plan": {"key": 3, "outputs": []}}',
        '{"plan": {"key": "k", "outputs": [1]}}',
    ):
        (run / "steps.json").write_text(content)
        assert "steps.json must be the record" in refused(
            capsys, "study", "run", str(path), "--run", str(run)
        )
    write_json({}, run / "steps.json")
    assert _run(["study", "run", str(path), "--run", str(run)], debug=False) == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"extra": {"a": float("nan")}}, "extra must be a JSON object"),
        ({"extra": {"a": {1, 2}}}, "extra must be a JSON object"),
        ({"concurrency": 10**30}, "concurrency must be at most"),
        ({"cap_tokens": 10**30}, "cap_tokens must be at most"),
    ],
)
def test_what_no_record_and_no_database_can_hold_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Simulate(model="m", **settings)


def test_a_setting_of_a_method_that_no_computer_counts_to_is_refused(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = example.with_name("endless.yaml")
    path.write_text(
        FILES + f"calibrate: {{method: ridge, parameters: {{ridge: {{alpha: 1{'0' * 400}}}}}}}\n",
        encoding="utf-8",
    )
    assert "must be a number" in refused(
        capsys, "study", "run", str(path), "--run", str(example.parent / "endless")
    )


def test_an_empty_path_is_not_the_folder_of_the_study(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = example.with_name("nowhere.yaml")
    path.write_text('inputs: {human: "", twin: generated.csv}\ncalibrate:\n', encoding="utf-8")
    assert "inputs.human must be a path" in refused(capsys, "study", "check", str(path))


def test_results_of_a_step_that_is_no_longer_in_the_study_may_be_removed(example: Path) -> None:
    path, run = example.with_name("shrinking.yaml"), str(example.parent / "shrinking")
    planned = FILES + "plan: {budget: 1}\n"
    path.write_text(planned + "diagnose:\n", encoding="utf-8")
    assert _run(["study", "run", str(path), "--run", run], debug=False) == 0
    for name in ("diagnosis.json", "diagnosis.csv"):
        Path(run, name).unlink()
    path.write_text(planned, encoding="utf-8")
    assert _run(["study", "run", str(path), "--run", run], debug=False) == 0
