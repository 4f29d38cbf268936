"""`personas`, `simulate` and `runs`, run for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.errors import DataError, ParameterError
from truetwin.io import read_personas, read_responses, write_table
from truetwin.io.twin_files import read_twins
from truetwin.llm import Cell, Parsed, Reply, Shard, State, Store
from truetwin.llm.decoding_seeds import decoding_seed

TOPICS = [
    "tea",
    "coffee",
    "rain",
    "trains",
    "opera",
    "cycling",
    "gardens",
    "chess",
    "cooking",
    "maps",
    "poetry",
    "birds",
]
N = 15
SHOWN = 5  # items that personas show; the others are asked
NEW = 2  # of these, items that nobody human has answered


class Study:
    """A generated population in a folder: human.csv, twin.csv, items.csv and asked.csv."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.population = generate_population(N, len(TOPICS), n_new_items=NEW, missing=0.05, random_state=4)
        panel = self.population.panel
        for name, matrix in (("human", panel.human), ("twin", panel.twin)):
            write_table(
                to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), folder / f"{name}.csv"
            )
        rows = [
            f"{i},How much do you enjoy {t}?,1,7,1=not at all|7=very much"
            for i, t in zip(panel.twin.item_ids, TOPICS, strict=True)
        ]
        head = "item_id,text,low,high,labels"
        for name, some in (("items", rows), ("asked", rows[SHOWN:])):
            (folder / f"{name}.csv").write_text("\n".join([head, *some]) + "\n", encoding="utf-8")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, *arguments: str, code: int = 0) -> Any:
        found = _run([self.path(a[1:]) if a.startswith("@") else a for a in arguments], debug=True)
        captured = self.capsys.readouterr()
        self.err = captured.err
        assert found == code, captured.err
        return json.loads(captured.out) if "--json" in arguments else captured.out

    def build(self, *options: str) -> Any:
        return self.run(
            "personas",
            "build",
            "@human.csv",
            "--item-file",
            "@items.csv",
            "--target-file",
            "@asked.csv",
            "--output",
            "@personas.jsonl",
            *options,
        )

    def simulate(self, *options: str, code: int = 0) -> Any:
        files = ["--personas", "@personas.jsonl", "--items", "@asked.csv"]
        return self.run("simulate", *files, *options, code=code)


@pytest.fixture
def study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Study:
    made = Study(tmp_path, capsys)
    made.build()
    return made


def test_from_people_to_calibrated_predictions_without_a_key(study: Study) -> None:
    study.simulate(
        "--model", "generated:" + study.path("twin.csv"), "--run", "@run", "--export", "@twins.csv"
    )
    assert "GENERATED" in study.err
    assert json.loads((study.folder / "twins.json").read_text())["disclosure"].startswith("GENERATED")
    twins = read_responses(study.path("twins.csv"))
    expected = study.population.panel.twin
    np.testing.assert_array_equal(twins.values, expected.on_grid(twins.respondent_ids, twins.item_ids))
    study.run(
        "calibrate",
        "@human.csv",
        "@twins.csv",
        "--output",
        "@out.csv",
        "--preset",
        "twin-2k-500",
        "--method",
        "ridge",
        "--check",
        "0",
    )
    predicted = read_responses(study.path("out.csv"))
    assert predicted.item_ids == ("Q11", "Q12")
    assert predicted.n_missing == 0


def test_a_run_is_continued_and_nothing_asked_twice(study: Study) -> None:
    (study.folder / "script.yaml").write_text(
        "rules: [{item: Q06, error: server, times: 99}]\ndefault: '3'\n"
    )
    options = [
        "--model",
        "scripted:" + study.path("script.yaml"),
        "--run",
        "@run",
        "--attempts",
        "1",
        "--json",
    ]
    first = study.simulate(*options, code=1)
    assert (first["settings"]["asked_now"], first["settings"]["remaining"]) == (7 * N, N)
    again = study.simulate(*options, "--resume", code=1)
    assert (again["settings"]["asked_now"], again["settings"]["remaining"]) == (N, N)
    assert {r["state"]: r["calls"] for r in again["rows"]}["valid"] == 6 * N


def test_below_the_validity_floor_the_program_says_so(study: Study) -> None:
    (study.folder / "script.yaml").write_text("rules: [{item: Q06, reply: perhaps}]\ndefault: '3'\n")
    options = ["--model", "scripted:" + study.path("script.yaml"), "--run", "@run"]
    study.simulate(*options, code=1)
    assert "85.7%" in study.err
    assert "floor of 90%" in study.err
    study.simulate(*options, "--validity-floor", "0.8")


def test_of_several_items_a_call_each_counts_for_the_floor(study: Study) -> None:
    reply = json.dumps({"1": 9, **{str(k): 3 for k in range(2, 8)}})
    (study.folder / "script.json").write_text(json.dumps({"default": reply}))
    options = ["--model", "scripted:" + study.path("script.json"), "--run", "@run", "--per-call", "7"]
    found = study.simulate(*options, "--validity-floor", "0.8", "--json")
    assert found["settings"]["valid_share"] == pytest.approx(6 / 7)
    assert {r["state"]: r["calls"] for r in found["rows"]}["off-scale"] == N


def test_a_dry_run_shows_the_exact_prompt_and_sends_nothing(study: Study) -> None:
    out = study.simulate("--model", "gpt-4.1-mini", "--dry-run", "--price-in", "0.4", "--price-out", "1.6")
    assert "How much do you enjoy tea?\nAnswer: " in out
    assert "7: very much" in out
    assert f"{7 * N} calls" in study.err
    assert "--pilot" in study.err
    assert sorted(p.name for p in study.folder.iterdir()) == sorted(
        ["human.csv", "twin.csv", "items.csv", "asked.csv", "personas.jsonl"]
    )


def test_a_pilot_estimates_the_whole_and_belongs_to_the_run(study: Study, llm_server: Any) -> None:
    llm_server.configure(reply="4", reasoning_tokens=50)
    endpoint = ["--model", "m", "--base-url", llm_server.base_url, "--run", "@run", "--json"]
    prices = ["--price-in", "1", "--price-out", "4"]
    pilot = study.simulate(*endpoint, *prices, "--dry-run", "--pilot", "20")
    rows = {r["total"]: r for r in pilot["rows"]}
    assert list(rows) == ["tokens sent", "tokens received", "of these, reasoning", "cost"]
    assert rows["of these, reasoning"]["mean"] == 7 * N * 50
    assert llm_server.stats()["requests"] == 20
    done = study.simulate(*endpoint, *prices)
    stats = llm_server.stats()
    assert (done["settings"]["asked_now"], stats["requests"]) == (7 * N - 20, 7 * N)
    assert rows["tokens sent"]["low"] <= stats["prompt_tokens"] <= rows["tokens sent"]["high"]
    total = (stats["prompt_tokens"] + 4 * stats["completion_tokens"]) / 1e6
    assert rows["cost"]["low"] <= total <= rows["cost"]["high"]
    shown = study.run("runs", "show", "@run", "--json")["rows"][0]
    assert (shown["prompt_tokens"], shown["cost"]) == (stats["prompt_tokens"], pytest.approx(total))


def test_a_pilot_is_shown_as_a_table(study: Study, llm_server: Any) -> None:
    llm_server.configure(reply="4")
    endpoint = ["--model", "m", "--base-url", llm_server.base_url, "--run", "@run"]
    out = study.simulate(*endpoint, "--dry-run", "--pilot", "5")
    assert "tokens received" in out
    assert "no prices were given" in study.err
    assert "5 valid" in study.err


@pytest.mark.parametrize(
    "options",
    [
        ["--per-call", "3", "--reply", "schema", "--strategy", "reasoning"],
        ["--elicit", "logprobs"],
        ["--order", "rotated", "--markers", "codes", "--replicates", "2", "--reply", "schema"],
    ],
)
def test_designs_against_an_endpoint(study: Study, llm_server: Any, options: list[str]) -> None:
    rules = [{"contains": "A: ", "reply": "C"}] if "logprobs" in options else []
    llm_server.configure(rules=rules)
    endpoint = ["--model", "m", "--base-url", llm_server.base_url, "--run", "@run"]
    done = study.simulate(*endpoint, *options, "--export", "@out.csv", "--json")
    assert done["settings"]["valid_share"] == 1.0
    sources = read_twins(Path(study.path("out.csv")))
    assert list(sources) == (["twin/0", "twin/1"] if "--replicates" in options else ["twin"])
    assert all(source.n_missing == 0 for source in sources.values())


def test_structured_output_that_an_endpoint_lacks_is_done_without(study: Study, llm_server: Any) -> None:
    llm_server.configure(rejects_response_format=True, reply='{"1": 5}')
    study.simulate("--model", "m", "--base-url", llm_server.base_url, "--run", "@run", "--reply", "schema")
    assert "the endpoint rejects structured output; replies are asked for in words" in study.err


def test_a_construction_sets_model_strategy_and_temperature(study: Study) -> None:
    found = study.simulate("--construction", "text-repeat-gpt-4.1-mini", "--dry-run", "--json")["settings"]
    assert (found["model"], found["design"]["strategy"]) == ("gpt-4.1-mini", "repeat")
    assert found["settings"]["sampling"]["temperature"] == 0.0


def test_shards_merge_into_the_whole_run(study: Study) -> None:
    for part in ("1/2", "2/2"):
        study.simulate("--model", "generated", "--run", f"@part{part[0]}", "--shard", part)
    study.simulate("--model", "generated", "--run", "@whole", "--export", "@whole.csv")
    study.run("runs", "export", "@part1", "--output", "@one.csv", code=1)
    assert "still to come" in study.err
    study.run("runs", "merge", "@both", "@part1", "@part2")
    study.run("runs", "export", "@both", "--output", "@both.csv")
    assert (study.folder / "both.csv").read_text() == (study.folder / "whole.csv").read_text()


def test_a_merge_says_how_much_is_answered_what_is_missing_and_what_was_given_twice(study: Study) -> None:
    for part in ("1/3", "2/3"):
        study.simulate("--model", "generated", "--run", f"@part{part[0]}", "--shard", part)
    study.run("runs", "merge", "@both", "@part1", "@part2", "@part1")
    assert f"{study.path('part1')} was given twice" in study.err
    assert f"{study.path('part2')} was given twice" not in study.err
    assert "not merged yet: the shards 3/3" in study.err
    found = study.run("runs", "merge", "@both", "@part2", "--json")
    (step,) = found["settings"]["steps"]
    assert (7 * 15, found["settings"]["missing_shards"]) == (step["n_calls"], ["3/3"])
    assert 0 < step["answered"] < step["n_calls"]
    assert found["rows"][0]["there_already"] == found["rows"][0]["answers"]
    study.simulate("--model", "generated", "--run", "@part3", "--shard", "3/3")
    study.run("runs", "merge", "@both", "@part3")
    assert "step answer: 105 of 105 calls are answered" in study.err
    assert "not merged yet" not in study.err


def test_a_run_that_cannot_be_written_is_read_anew_all_the_same(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.simulate("--model", "generated", "--run", "@run")
    with Store(study.folder / "run") as store:
        cell = next(store.calls()).cell
        parsed = Parsed(State.UNPARSEABLE, None, "an older version read it so")

        class Older:
            def parse(self, asked: Cell, reply: Reply) -> Parsed:
                return parsed

        assert store.reparse(Older()) == 105
    monkeypatch.setattr("truetwin.llm.store.run_file._is_read_only", lambda path: True)
    found = study.run("runs", "reparse", "@run", "--json", code=1)
    assert (found["rows"][0]["changed"], found["settings"]["written"]) == (105, False)
    study.run("runs", "reparse", "@run", code=1)
    assert "the changed readings are not kept: copy its folder" in study.err
    study.run("runs", "show", "@run")
    study.run("runs", "export", "@run", "--output", "@out.csv", code=1)
    monkeypatch.undo()
    study.run("runs", "reparse", "@run")
    with Store(study.folder / "run") as store:
        assert store.state(cell) is State.VALID


def test_a_batch_service_is_submitted_to_and_collected_from(
    study: Study, llm_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm_server.configure(reply="2", batch_polls=2)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    options = [
        "--model",
        "m",
        "--base-url",
        llm_server.base_url,
        "--run",
        "@run",
        "--batch",
        "--export",
        "@out.csv",
    ]
    study.simulate(*options, code=1)
    assert f"{7 * N} calls wait" in study.err
    for _ in range(4):
        if (
            _run(
                [
                    "simulate",
                    "--personas",
                    study.path("personas.jsonl"),
                    "--items",
                    study.path("asked.csv"),
                    *[study.path(o[1:]) if o.startswith("@") else o for o in options],
                ],
                debug=True,
            )
            == 0
        ):
            break
    assert set(read_responses(study.path("out.csv")).values.ravel()) == {2.0}
    assert llm_server.stats()["requests"] == 0


@pytest.mark.extra("llm")
def test_requests_are_written_for_an_engine_of_ones_own_and_replies_taken_in(study: Study) -> None:
    options = ["--model", "local", "--base-url", "http://127.0.0.1:9/v1", "--run", "@run", "--write-requests"]
    study.simulate(*options, code=1)
    (requests,) = (study.folder / "run").glob("requests-*.jsonl")
    lines = [json.loads(line) for line in requests.read_text().splitlines()]
    assert len(lines) == 7 * N
    replies = [
        {
            "custom_id": line["custom_id"],
            "response": {
                "status_code": 200,
                "body": {
                    "choices": [{"finish_reason": "stop", "message": {"content": "6"}}],
                    "model": "local",
                    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
                },
            },
        }
        for line in reversed(lines)
    ]
    (study.folder / "replies.jsonl").write_text("".join(json.dumps(r) + "\n" for r in replies))
    assert study.run("runs", "import", "@run", "@replies.jsonl", "--json")["rows"][0]["answered"] == 7 * N
    study.run("runs", "export", "@run", "--output", "@out.csv")
    assert set(read_responses(study.path("out.csv")).values.ravel()) == {6.0}


@pytest.mark.extra("llm")
def test_thoughts_in_files_of_replies_are_read_as_in_live_replies(study: Study) -> None:
    options = ["--model", "local", "--base-url", "http://127.0.0.1:9/v1", "--run", "@run", "--write-requests"]
    study.simulate(*options, code=1)
    (requests,) = (study.folder / "run").glob("requests-*.jsonl")
    names = [json.loads(line)["custom_id"] for line in requests.read_text().splitlines()]
    messages = [
        {"content": "Is it 1? Rather not.</think>\n6<|im_end|>"},
        {"content": "[THINK]1 or 2[/THINK]6"},
        {"content": "6</s>", "reasoning_content": "1, I think"},
    ]
    lines = [
        {"custom_id": name, "response": {"body": {"choices": [{"message": messages[k % 3]}]}}}
        for k, name in enumerate(names)
    ]
    (study.folder / "replies.jsonl").write_text("\n".join(map(json.dumps, lines)))
    study.run("runs", "import", "@run", "@replies.jsonl")
    study.run("runs", "export", "@run", "--output", "@out.csv")
    assert set(read_responses(study.path("out.csv")).values.ravel()) == {6.0}
    with Store(study.folder / "run") as store:
        assert {call.reply and call.reply.reasoning for call in store.calls()} >= {"1, I think"}


@pytest.mark.extra("llm")
def test_a_lost_request_file_is_given_up_and_its_calls_are_asked_again(study: Study, llm_server: Any) -> None:
    llm_server.configure(reply="2")
    options = ["--model", "m", "--base-url", llm_server.base_url, "--run", "@run"]
    study.simulate(*options, "--write-requests", code=1)
    (requests,) = (study.folder / "run").glob("requests-*.jsonl")
    requests.unlink()
    study.simulate(*options, code=1)
    assert f"{7 * N} calls wait for replies to requests-0001.jsonl" in study.err
    assert "the same command asks them again" not in study.err
    assert llm_server.stats()["requests"] == 0
    study.run("runs", "show", "@run")
    assert f"{7 * N} calls wait for replies to requests-0001.jsonl" in study.err
    with pytest.raises(ParameterError, match=r"Waited for: requests-0001\.jsonl"):
        study.simulate(*options, "--give-up", "requests-0009.jsonl")
    study.simulate(*options, "--give-up", "run/requests-0001.jsonl")
    assert f"given up: requests-0001.jsonl; {7 * N} calls are open again" in study.err
    assert llm_server.stats()["served"] == 7 * N


def test_a_run_is_shown_exported_and_read_again(study: Study) -> None:
    (study.folder / "script.yaml").write_text(
        "rules: [{item: Q06, reply: \"Sorry, \\e[31m no.\"}]\ndefault: '3'\n"
    )
    study.simulate(
        "--model", "scripted:" + study.path("script.yaml"), "--run", "@run", "--validity-floor", "0"
    )
    out = study.run("runs", "show", "@run")
    assert "refused: the model declined" in out
    assert "SCRIPTED" in study.err
    one = study.run("runs", "show", "@run", "--persona", "R01", "--item", "Q06")
    assert "state: refused" in one
    assert "\x1b" not in one
    assert study.run("runs", "reparse", "@run", "--json")["rows"][0]["changed"] == 0
    rows = study.run(
        "runs", "export", "@run", "--output", "@out.parquet", "--long", "--validity-floor", "0", "--json"
    )["rows"]
    assert rows[0] | {"item_id": "Q06"} == rows[0]
    assert rows[0]["refused"] == N


def test_portraits_are_written_by_a_model_and_make_personas(study: Study) -> None:
    (study.folder / "portraits.yaml").write_text(
        "rules: [{persona: R07, reply: Sorry}]\ndefault: A person of quiet habits who likes to stay at home.\n"
    )
    model = ["--model", "scripted:" + study.path("portraits.yaml"), "--run", "@portraits"]
    study.run(
        "personas",
        "build",
        "@human.csv",
        "--item-file",
        "@items.csv",
        "--target-file",
        "@asked.csv",
        "--builder",
        "summary+json",
        "--output",
        "@summaries.jsonl",
        *model,
        code=1,
    )
    personas = read_personas(study.path("summaries.jsonl"))
    assert (len(personas), "R07" in {p.id for p in personas}) == (N - 1, False)
    assert personas[0].text.endswith("stay at home.")
    with Store(study.folder / "portraits") as store:
        seeds = {call.cell: store.request(call.cell).sampling.seed for call in store.calls()}
    assert seeds == {cell: decoding_seed(0, cell) for cell in seeds}
    assert "SCRIPTED" in study.err


def test_demographics_come_from_a_table_of_attributes(study: Study) -> None:
    rows = ["id,Region,age", *(f"R{k:02d},North,{20 + k}" for k in range(1, N + 1))]
    (study.folder / "people.csv").write_text("\n".join(rows) + "\n")
    study.build(
        "--builder", "demographics", "--attributes", study.path("people.csv"), "--demographics", "age,Region"
    )
    assert read_personas(study.path("personas.jsonl"))[0].text == "Age: 21\nRegion: North"


def test_fine_tuning_files_leave_targets_out(study: Study) -> None:
    study.run(
        "personas",
        "build",
        "@human.csv",
        "--item-file",
        "@items.csv",
        "--target-file",
        "@asked.csv",
        "--output",
        "@p.jsonl",
    )
    found = study.run(
        "personas",
        "fine-tune",
        "@human.csv",
        "--personas",
        "@p.jsonl",
        "--items",
        "@asked.csv",
        "--targets",
        "Q11,Q12",
        "--people",
        "10",
        "--output",
        "@tuning",
        "--json",
    )
    assert [r["examples"] > 0 for r in found["rows"]] == [True, True]
    assert found["settings"]["people_left_for_measuring"] == N - 10
    text = (study.folder / "tuning" / "train.jsonl").read_text()
    assert TOPICS[10] not in text
    assert TOPICS[11] not in text


def test_fine_tuning_knows_the_batteries_of_a_target_file(study: Study) -> None:
    head = "item_id,text,low,high,block\n"
    (study.folder / "learned.csv").write_text(head + "a,Do you sing?,1,5,music\nb,Do you cook?,1,5,home\n")
    (study.folder / "target.csv").write_text(head + "c,Do you dance?,1,5,music\n")
    (study.folder / "own.csv").write_text("id,a,b,c\nx,1,2,3\ny,2,3,4\nz,3,4,5\n")
    files = ["@own.csv", "--items", "@learned.csv", "--target-file", "@target.csv", "--output", "@tuning"]
    people = study.folder / "people.jsonl"
    people.write_text("".join(f'{{"id": "{who}", "text": "A person."}}\n' for who in "xyz"))
    study.run("personas", "fine-tune", *files, "--personas", "@people.jsonl", "--validation", "0")
    text = (study.folder / "tuning" / "train.jsonl").read_text()
    assert ("cook" in text, "sing" in text, "dance" in text) == (True, False, False)
    people.write_text(
        "".join(f'{{"id": "{who}", "text": "Dances.", "answers": {{"c": 3}}}}\n' for who in "xyz")
    )
    with pytest.raises(DataError, match="'c'"):
        study.run("personas", "fine-tune", *files, "--personas", "@people.jsonl", "--validation", "0")


def test_a_dry_run_of_a_shard_without_personas_says_so(study: Study) -> None:
    shards = [Shard(k, N + 1) for k in range(1, N + 2)]
    ids = [p.id for p in read_personas(study.path("personas.jsonl"))]
    empty = next(s for s in shards if not any(s.holds(Cell(who, "")) for who in ids))
    with pytest.raises(DataError, match="shard"):
        study.simulate("--model", "m", "--dry-run", "--shard", f"{empty.number}/{empty.count}")


def test_a_run_that_a_cap_stopped_is_not_called_invalid(study: Study, llm_server: Any) -> None:
    llm_server.configure(reply="2")
    study.simulate(
        "--model", "m", "--base-url", llm_server.base_url, "--run", "@run", "--cap-requests", "3", code=1
    )
    assert "valid" not in study.err
    found = study.run("runs", "show", "@run", "--json")
    assert "cost" not in found["rows"][0]


def test_money_is_unknown_where_nothing_was_answered(study: Study, llm_server: Any) -> None:
    llm_server.configure(failures={"400": 1.0})
    study.simulate(
        "--model", "m", "--base-url", llm_server.base_url, "--run", "@run", "--cap-requests", "3", code=1
    )
    found = study.run("runs", "show", "@run", "--json")
    assert "cost" not in found["rows"][0]


def test_wordings_that_are_codes_of_other_answers_are_pointed_out(study: Study) -> None:
    (study.folder / "asked.csv").write_text(
        "item_id,text,low,high,labels\nk,Children?,1,3,1=none|2=1|3=2 or more\n"
    )
    study.simulate("--model", "m", "--dry-run")
    assert "warning: wordings of 1 items, such as 'k'" in study.err
    study.simulate("--model", "m", "--dry-run", "--markers", "letters")
    assert "warning" not in study.err


def test_builders_and_constructions_are_listed(study: Study) -> None:
    found = study.run("personas", "list", "--json")
    assert len(found["rows"]) == 13
    assert "rating-history-in-context" in {b["builder"] for b in found["settings"]["builders"]}
    assert "fine-tuned-gpt-4.1-mini" in study.run("personas", "list")
