"""Each cell has a decoding seed of its own, which is stored and the same in every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import RunError
from truetwin.llm import (
    Caps,
    Cell,
    Message,
    Parsed,
    Reply,
    Request,
    RunOptions,
    Sampling,
    State,
    Store,
    run,
    scripted_model,
)
from truetwin.llm.decoding_seeds import SeededTask, decoding_seed
from truetwin.llm.store.stored_call import prompt_and_texts, text_id, to_request


class Twice:
    """Two persons, asked twice."""

    settings = {"task": "twice"}  # noqa: RUF012

    def __init__(self, sampling: Sampling | None = None) -> None:
        self.sampling = sampling or Sampling(0.7)

    def cells(self) -> list[Cell]:
        return [Cell(who, "q", replicate=k) for who in ("anna", "ben") for k in (0, 1)]

    def request(self, cell: Cell) -> Request:
        return Request((Message("user", (f"{cell.persona}?",)),), self.sampling, cell=cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        return Parsed(State.VALID, reply.text)


def test_seeds_differ_between_cells_and_runs_and_repeat() -> None:
    seeds = {(run, cell): decoding_seed(run, cell) for run in (0, 1) for cell in Twice().cells()}
    assert len(set(seeds.values())) == 8
    assert all(0 <= seed < 2**31 for seed in seeds.values())
    assert seeds == {key: decoding_seed(*key) for key in seeds}


def test_a_seed_that_the_task_has_stays() -> None:
    task = SeededTask(Twice(Sampling(seed=5)), 0)
    assert {task.request(cell).sampling.seed for cell in task.cells()} == {5}


def test_a_seed_is_stored_with_its_prompt_and_the_rest_of_the_sampling_once() -> None:
    texts: dict[str, str] = {}

    def known(text: str) -> str:
        texts[text_id(text)] = text
        return text_id(text)

    task = SeededTask(Twice(), 3)
    requests = [task.request(cell) for cell in task.cells()]
    prompts = [prompt_and_texts(each, known) for each in requests]
    assert [
        to_request(p, r.cell or Cell("", ""), texts.__getitem__)
        for p, r in zip(prompts, requests, strict=True)
    ] == requests
    assert len(texts) == 3  # two messages and one sampling


def test_the_endpoint_gets_the_seeds_and_a_run_without_them_sends_none(
    llm_server: Any, tmp_path: Path
) -> None:
    pytest.importorskip("aiohttp", reason="needs the extra 'llm'")
    from truetwin.llm import open_model

    for seed in (3, None):
        llm_server.reset()
        with Store(tmp_path / str(seed)) as store:
            options = RunOptions(concurrency=1, decoding_seed=seed)
            summary = run(Twice(), open_model("m", base_url=llm_server.base_url), store, options)
            assert summary.complete
        last = Twice().cells()[-1]
        expected = None if seed is None else decoding_seed(seed, last)
        assert llm_server.stats()["last_body"].get("seed") == expected


def test_an_endpoint_that_takes_no_seed_is_asked_without(llm_server: Any, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="needs the extra 'llm'")
    from truetwin.llm import open_model

    llm_server.configure(rejects_seed=True)
    with Store(tmp_path) as store:
        options = RunOptions(concurrency=1, decoding_seed=0)
        summary = run(Twice(), open_model("m", base_url=llm_server.base_url), store, options)
    assert summary.complete
    assert summary.notes[0] == "the model forbids decoding seeds; it was left out"


def asked_one(store: Store, seed: int | None, task: Twice | None = None) -> tuple[str, ...]:
    """Ask one more cell of a run. Returns what is said of it."""
    wanted = Caps(requests=store.totals().requests + 1)
    options = RunOptions(concurrency=1, decoding_seed=seed, caps=wanted)
    return run(task or Twice(), scripted_model({"default": "1"}), store, options).notes


def seeds_in(store: Store) -> list[int | None]:
    return [store.request(call.cell).sampling.seed for call in store.calls()]


def test_a_run_that_was_begun_without_seeds_goes_on_without(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert asked_one(store, None) == ()
        (said,) = asked_one(store, 3)
        assert "begun without decoding seeds" in said
        assert seeds_in(store) == [None, None]


def test_a_run_that_was_begun_with_seeds_does_not_go_on_without(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert asked_one(store, 3) == asked_one(store, 3) == ()
        with pytest.raises(RunError, match=r"begun with them\. Leave out --no-decoding-seed"):
            asked_one(store, None)
        assert seeds_in(store) == [decoding_seed(3, cell) for cell in Twice().cells()[:2]]


def test_a_task_with_seeds_of_its_own_is_continued_with_them(tmp_path: Path) -> None:
    task = Twice(Sampling(seed=5))
    with Store(tmp_path) as store:
        assert asked_one(store, None, task) == asked_one(store, 3, task) == ()
        assert seeds_in(store) == [5, 5]
