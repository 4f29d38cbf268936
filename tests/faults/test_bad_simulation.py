"""Bad input to `personas`, `simulate` and `runs`: one line that says what is wrong, and nothing paid."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run

ITEMS = (
    "item_id,text,low,high,labels\nQ1,Do you like tea?,1,2,1=no|2=yes\nQ2,Do you like rain?,1,2,1=no|2=yes\n"
)
PEOPLE = [{"id": "007", "text": "A quiet person."}, {"id": "12", "text": "A loud person."}]
KEY = "sk-this-is-a-secret-0123456789"


class Job:
    """Runs `truetwin simulate` in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.write("items.csv", ITEMS)
        self.write_personas(PEOPLE)

    def write(self, name: str, text: str | bytes) -> None:
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def write_personas(self, personas: list[Any]) -> None:
        self.write("p.jsonl", "".join(json.dumps(p) + "\n" for p in personas))

    def simulate(self, *options: str, model: str = "generated", run: str = "run") -> int:
        files = ["--personas", "p.jsonl", "--items", "items.csv"]
        return self.command("simulate", *files, "--model", model, "--run", run, *options)

    def command(self, *arguments: str) -> int:
        self.before = sorted(self.folder.rglob("*"))
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            code = _run(list(arguments), debug=False)
        finally:
            os.chdir(before)
        captured = self.capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        return code

    def refused(self, code: int, *words: str) -> None:
        """Refused in one line, nothing written."""
        self.failed(code, *words)
        assert sorted(self.folder.rglob("*")) == self.before

    def failed(self, code: int, *words: str) -> None:
        assert code == 2, (code, self.err)
        lines = self.err.strip().splitlines()
        assert [line.startswith("error: ") for line in lines] == [True], self.err
        for word in words:
            assert word in lines[0], lines[0]
        assert self.out == ""


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    return Job(tmp_path, capsys)


def test_the_untouched_files_are_fine(job: Job) -> None:
    assert job.simulate("--export", "out.csv") == 0
    assert (job.folder / "out.csv").read_text().startswith("respondent_id,Q1,Q2\n007,")


@pytest.mark.parametrize(
    ("persona", "words"),
    [
        ({"text": "x"}, ("line 3", "id")),
        ({"id": "", "text": "x"}, ("line 3", "id")),
        ({"id": "12", "text": "x"}, ("'12'", "p.jsonl")),
        ({"id": 12, "text": "x"}, ("'12'",)),
        ({"id": "13"}, ("'13'", "text")),
        ({"id": "13", "text": " "}, ("'13'", "text")),
        ({"id": "13", "text": 5}, ("'13'", "text")),
        ({"id": "13", "text": "x", "name": "y"}, ("'name'", "known are")),
        ({"id": "13", "text": "x", "answers": {"Q9": "often"}}, ("'13'", "numbers")),
        ({"id": "13", "text": "x", "passages": ["y"]}, ("'13'", "item_id")),
        ({"id": "13", "text": "half \ud800"}, ("'13'", "half a character")),
        (["13", "x"], ("line 3", "object")),
        ({"id": "13", "text": "x", "answers": {"Q1": 2}}, ("'13'", "'Q1'", "--targets")),
        ({"id": "13", "text": "x" * 10_000_000}, ("'13'", "2,500,", "Nothing was sent")),
    ],
)
def test_personas(job: Job, persona: Any, words: tuple[str, ...]) -> None:
    job.write_personas([*PEOPLE, persona])
    job.refused(job.simulate(), *words)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "at least one persona"),
        (b'{"id": "1", "text": "x"}\n{"id": "2", "text": "Gr\xf6\xdfe"}\n', "UTF-8"),
        (b'{"id": "1", "text": "x"}\n{"id": "2", \n', "line 2"),
        (b"[" * 100_000, "line 1"),
        (b"\x00\x01\x02", "line 1"),
    ],
)
def test_persona_files(job: Job, content: bytes, word: str) -> None:
    job.write("p.jsonl", content)
    job.refused(job.simulate(), "p.jsonl", word)


def test_a_table_of_personas_needs_id_and_text(job: Job) -> None:
    job.write("p.csv", "name,text\na,x\n")
    command = [
        "simulate",
        "--personas",
        "p.csv",
        "--items",
        "items.csv",
        "--model",
        "generated",
        "--run",
        "run",
    ]
    job.refused(job.command(*command), "id and text", "lacks id")
    job.write("p.csv", "id,text\na,x\nb,y\n")
    assert job.command(*command) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Q3,Do you like snow?,,,", ("'Q3'", "scale")),
        ("Q3,,1,5,", ("'Q3'", "text")),
        ("Q1,Do you like snow?,1,5,", ("'Q1'", "once")),
        ("Q3,Do you like snow?,5,1,", ("'Q3'",)),
        ("Q3,Do you like snow?,1,2,1=yes|2=yes", ("'Q3'", "labels")),
        (",Do you like snow?,1,2,", ("item_id",)),
    ],
)
def test_items(job: Job, line: str, words: tuple[str, ...]) -> None:
    job.write("items.csv", ITEMS + line + "\n")
    job.refused(job.simulate(), "item", *words)


def test_items_in_western_european_text_are_read(job: Job) -> None:
    job.write("items.csv", ITEMS.replace("item_id", "größe").encode("latin-1"))
    job.refused(job.simulate(), "items.csv", "größe")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "Q9"], ("'Q9'",)),
        (["--per-call", "two"], ("--per-call", "'two'")),
        (["--per-call", "2", "--reply", "code"], ("JSON",)),
        (["--strategy", "resoning"], ("Did you mean 'reasoning'",)),
        (["--construction", "text"], ("no construction",)),
        (["--construction", "text-gpt-4.1-mini", "--strategy", "repeat"], ("--strategy default",)),
        (["--construction", "text-gpt-4.1-mini", "--temperature", "1"], ("--temperature 0",)),
        (["--shard", "3/2"], ("3/2",)),
        (["--cap-cost", "5"], ("prices",)),
        (["--price-in", "5"], ("--price-out",)),
        (["--price-in", "-1", "--price-out", "1"], ("price",)),
        (["--temperature", "3"], ("--temperature",)),
        (["--validity-floor", "90"], ("--validity-floor",)),
        (["--pilot", "5"], ("--dry-run",)),
        (["--extra", "{"], ("--extra", "JSON")),
        (["--export", "out.docx"], (".csv", "out.docx")),
        (["--export", "items.csv"], ("overwrite",)),
        (["--export", "no/out.csv"], ("folder",)),
        (["--resume"], ("no run to resume",)),
        (["--prompts", "nowhere"], ("nowhere",)),
        (["--batch", "--dry-run"], ("exclude",)),
        (["--elicit", "logprobs", "--per-call", "2"], ("first token",)),
        (["--elicit", "words"], ("elicit",)),
        (["--prices", "prices.yaml"], ("prices.yaml",)),
        (["--engine", "opnai"], ()),
    ],
)
def test_options(job: Job, options: list[str], words: tuple[str, ...]) -> None:
    model = "m" if "--engine" in options else "generated"
    job.refused(job.simulate(*options, model=model), *words)


def test_a_run_is_needed(job: Job) -> None:
    files = ["--personas", "p.jsonl", "--items", "items.csv"]
    job.refused(job.command("simulate", *files, "--model", "generated"), "--run")
    job.refused(job.command("simulate", *files, "--run", "run"), "--model")


def test_a_missing_key(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    job.refused(job.simulate(model="gpt-4.1-mini"), "OPENAI_API_KEY")


def test_a_rejected_key_is_said_once_and_stands_nowhere(
    job: Job, llm_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    llm_server.configure(key="another")
    job.failed(job.simulate("--base-url", llm_server.base_url, model="m"), "key", llm_server.base_url)
    assert llm_server.stats()["requests"] == 1
    assert KEY not in job.err
    assert not any(KEY.encode() in p.read_bytes() for p in job.folder.rglob("*") if p.is_file())
    llm_server.configure(key=KEY, reply="2")
    assert job.simulate("--base-url", llm_server.base_url, "--export", "out.csv", model="m") == 0
    assert not any(KEY.encode() in p.read_bytes() for p in job.folder.rglob("*") if p.is_file())


def test_an_unknown_model_is_said_once_and_another_may_be_named(job: Job, llm_server: Any) -> None:
    llm_server.configure(models=["right"], reply="1")
    job.failed(job.simulate("--base-url", llm_server.base_url, model="wrong"), "'wrong'")
    assert llm_server.stats()["requests"] == 1
    assert job.simulate("--base-url", llm_server.base_url, model="right") == 0


@pytest.mark.extra("llm")
def test_an_endpoint_that_is_down_is_named(job: Job) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        job.failed(job.simulate("--base-url", url, model="m"), url)


def test_a_spend_cap_stops_the_run_and_what_was_paid_is_kept(job: Job, llm_server: Any) -> None:
    llm_server.configure(reply="1")
    endpoint = ["--base-url", llm_server.base_url, "--concurrency", "1"]
    assert job.simulate(*endpoint, "--cap-requests", "3", model="m") == 1
    assert "cap of 3 requests" in job.err
    assert llm_server.stats()["served"] == 3
    assert job.simulate(*endpoint, model="m") == 0
    assert llm_server.stats()["served"] == 4


def test_a_run_of_other_settings_is_not_mixed_and_says_what_differs(job: Job) -> None:
    assert job.simulate() == 0
    job.refused(job.simulate("--order", "reversed"), "task.design.order", '"fixed"', '"reversed"')
    job.refused(job.simulate("--temperature", "0.5"), "temperature")
    job.write("items.csv", ITEMS.replace("like tea", "love tea"))
    job.refused(job.simulate(), "item 'Q1' has another text", "love tea")
    job.write("items.csv", ITEMS)
    job.write_personas([PEOPLE[0], {**PEOPLE[1], "text": "Somebody else."}])
    job.refused(job.simulate(), f"persona {PEOPLE[1]['id']!r} has another text")
    job.write("script.yaml", "default: '1'\n")
    job.write_personas(PEOPLE)
    job.refused(job.simulate(model="scripted:script.yaml"), "model.name")
    assert job.simulate() == 0


def test_a_run_that_is_something_else(job: Job) -> None:
    job.write("notes.sqlite", "my notes\n" * 100)
    job.refused(job.simulate(run="notes.sqlite"), "notes.sqlite")
    job.write("file", "my notes\n")
    job.refused(job.simulate(run="file"), "file")
    job.refused(job.command("runs", "show", "nowhere"), "nowhere")
    job.refused(job.command("runs", "export", "nowhere", "--output", "x.csv"), "nowhere")
    job.refused(job.command("runs", "merge", "target", "nowhere"), "nowhere")


def test_a_call_that_is_not_there(job: Job) -> None:
    assert job.simulate() == 0
    job.refused(job.command("runs", "show", "run", "--persona", "007", "--item", "Q9"), "'Q9'")
    job.refused(job.command("runs", "show", "run", "--persona", "007"), "--item")


def test_a_sidecar_of_something_else_is_not_overwritten(job: Job) -> None:
    job.write("out.json", '{"mine": 1}')
    job.refused(job.simulate("--export", "out.csv"), "out.json")


def test_hostile_texts_stay_texts(job: Job) -> None:
    hostile = "{{questions}} {0} {{persona}} %s ${HOME} {% raw %}\n[system]\x1b[31m\x00 <script>"
    job.write_personas([{"id": "=1+1", "text": hostile}, {"id": "{{x}}", "text": hostile}])
    assert job.simulate("--dry-run", "--json") == 0
    assert hostile in json.loads(job.out)["rows"][0]["messages"][1]["content"]
    assert job.simulate("--dry-run") == 0
    assert "\x1b" not in job.out
    assert job.simulate("--export", "out.csv") == 0
    assert [line.split(",")[0] for line in (job.folder / "out.csv").read_text().splitlines()[1:]] == [
        "=1+1",
        "{{x}}",
    ]


BUILD = ["personas", "build", "human.csv", "--item-file", "items.csv", "--output", "out.jsonl"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--builder", "sumary"], ("Did you mean 'summary'",)),
        (["--builder", "summary"], ("--model", "--run")),
        (["--builder", "demographics"], ("region", "--attributes")),
        (["--targets", "Q9"], ("'Q9'",)),
        (["--targets", "Q1,Q2"], ("at least one answered item",)),
        (["--model", "m"], ("summary",)),
        (["--attributes", "twice.csv"], ("'007'", "twice.csv")),
        (["--attributes", "nowhere.csv"], ("nowhere.csv",)),
        (["--respondents", "99"], ("'99'",)),
        (["--output", "out.csv"], (".jsonl",)),
        (["--output", "human.csv"], (".jsonl",)),
    ],
)
def test_building(job: Job, options: list[str], words: tuple[str, ...]) -> None:
    job.write("human.csv", "id,Q1,Q2\n007,1,2\n12,2,2\n")
    job.write("twice.csv", "id,region\n007,North\n007,South\n")
    job.refused(job.command(*BUILD, *options), *words)


def test_a_person_without_answers_is_named(job: Job) -> None:
    job.write("human.csv", "id,Q1,Q2\n007,1,2\n12,,\n")
    job.refused(job.command(*BUILD), "'12'")


def test_learning_from_targets_is_refused(job: Job) -> None:
    job.write("human.csv", "id,Q1,Q2\n007,1,2\n12,2,2\n")
    tune = [
        "personas",
        "fine-tune",
        "human.csv",
        "--personas",
        "p.jsonl",
        "--items",
        "items.csv",
        "--output",
        "tuning",
    ]
    job.refused(job.command(*tune), "--targets")
    job.refused(job.command(*tune, "--targets", "Q1", "--people", "5"), "1 to 2")
    job.write_personas([{**p, "answers": {"Q2": 1}} for p in PEOPLE])
    job.refused(job.command(*tune, "--targets", "Q1"), "'Q2'")
