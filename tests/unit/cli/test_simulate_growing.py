"""A stored run grows by personas, items, replicates and arms; nothing is asked twice and nothing is changed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.llm import Store
from truetwin.simulation.survey.growing import PEOPLE, Continued
from truetwin.simulation.survey.survey_answers import collect_answers

TEXTS = {"Q1": "Do you like tea?", "Q2": "Do you like rain?", "Q3": "Do you like maps?", "Q4": "And chess?"}


class Folder:
    """A folder with personas and items, and a server to ask."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], server: Any) -> None:
        self.path, self.capsys, self.server = path, capsys, server
        server.configure(reply="4")

    def personas(self, numbers: range, **texts: str) -> None:
        rows = [f"p{k},{texts.get(f'p{k}', f'Person {k}.')}\n" for k in numbers]
        (self.path / "personas.csv").write_text("id,text\n" + "".join(rows))

    def items(self, *names: str, texts: Mapping[str, str] = TEXTS) -> None:
        rows = "".join(f"{name},{texts[name]},1,5\n" for name in names)
        (self.path / "items.csv").write_text("item_id,text,low,high\n" + rows)

    def simulate(self, *options: str, code: int = 0) -> int:
        """Simulate, and return how many requests the server got."""
        before = self.server.stats()["requests"]
        files = ["--personas", "@personas.csv", "--items", "@items.csv", "--run", "@run"]
        model = ["--model", "m", "--base-url", self.server.base_url]
        arguments = ["simulate", *files, *model, *options]
        found = _run([str(self.path / a[1:]) if a.startswith("@") else a for a in arguments], debug=False)
        self.err = self.capsys.readouterr().err
        assert found == code, self.err
        return int(self.server.stats()["requests"]) - before

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.path / name).open(newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any) -> Folder:
    made = Folder(tmp_path, capsys, llm_server)
    made.personas(range(3))
    made.items("Q1", "Q2")
    assert made.simulate() == 6
    return made


def test_more_personas_items_and_replicates_are_asked_and_nothing_twice(folder: Folder) -> None:
    folder.personas(range(5))
    assert folder.simulate() == 2 * 2
    assert "the run grows by 2 personas ('p3', 'p4')" in folder.err
    folder.items("Q1", "Q2", "Q3")
    assert folder.simulate() == 5
    assert "the run grows by 1 item ('Q3')" in folder.err
    assert folder.simulate("--replicates", "2", "--export", "@out.csv") == 15
    assert "the run grows from 1 to 2 replicates" in folder.err
    assert folder.simulate("--replicates", "2") == 0
    assert len(folder.rows("out.csv")) == 10
    with Store(folder.path / "run") as store:
        assert collect_answers(store).n_not_asked == 0


def test_a_grown_run_is_the_same_as_one_that_was_whole_from_the_beginning(folder: Folder) -> None:
    folder.personas(range(5))
    folder.items("Q1", "Q2", "Q3")
    folder.simulate()
    with Store(folder.path / "run") as store:
        grown = store.settings("answer")
    (folder.path / "run").rename(folder.path / "grown")
    folder.simulate()
    with Store(folder.path / "run") as store:
        assert store.settings("answer") == grown


def test_fewer_personas_or_items_leave_what_is_there(folder: Folder) -> None:
    folder.personas(range(1, 4))
    folder.items("Q2", "Q3")
    assert folder.simulate("--export", "@out.csv") == 1 * 2 + 2 * 1
    assert "also holds 1 persona ('p0'), not asked now; what is stored of it stays" in folder.err
    assert "also holds 1 item ('Q1'), not asked now" in folder.err
    assert [row["id"] for row in folder.rows("out.csv")] == ["p0", "p1", "p2", "p3"]
    assert folder.rows("out.csv")[0] == {"id": "p0", "Q1": "4", "Q2": "4", "Q3": ""}
    folder.personas(range(2))
    assert folder.simulate("--replicates", "1") == 1  # Q3 of p0


def test_another_text_of_an_item_or_a_persona_is_an_error_that_names_it(folder: Folder) -> None:
    folder.items("Q1", "Q2", texts={**TEXTS, "Q2": "Do you like snow?"})
    assert folder.simulate(code=2) == 0
    assert "item 'Q2' has another text" in folder.err
    assert "rain" in folder.err
    assert "snow" in folder.err
    folder.items("Q1", "Q2")
    folder.personas(range(4), p1="Somebody else.")
    assert folder.simulate(code=2) == 0
    assert "persona 'p1' has another text" in folder.err
    with Store(folder.path / "run") as store:  # as in runs of earlier versions
        store.note(PEOPLE, None)
    assert folder.simulate(code=2) == 0
    assert "persona 'p1' has another text" in folder.err
    folder.personas(range(4))
    assert folder.simulate() == 2


def test_other_settings_still_make_another_run(folder: Folder) -> None:
    folder.personas(range(5))
    assert folder.simulate("--temperature", "0.5", code=2) == 0
    assert "task.sampling.temperature" in folder.err
    with Store(folder.path / "run") as store:
        assert store.settings("answer")["task"]["personas"]["count"] == 3


def test_items_that_were_asked_together_stay_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any
) -> None:
    folder = Folder(tmp_path, capsys, llm_server)
    llm_server.configure(reply='{"1": 2, "2": 3}')
    folder.personas(range(2))
    folder.items("Q1", "Q2")
    folder.simulate("--per-call", "2")
    folder.items("Q1", "Q2", "Q3", "Q4")
    assert folder.simulate("--per-call", "2") == 2
    folder.items("Q4", "Q1", "Q2", "Q3")
    assert folder.simulate("--per-call", "2", code=2) == 0
    assert "items that were asked in one call must stay together" in folder.err


def test_arms_grow_and_people_stay_in_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any
) -> None:
    folder = Folder(tmp_path, capsys, llm_server)
    texts = {"Q1": "{{message}} Would you buy it?", "Q2": "Do you like rain?"}
    folder.items("Q1", "Q2", texts=texts)
    arms = tmp_path / "arms.csv"
    arms.write_text("condition,arm,text\nmessage,A,Tea is healthy.\nmessage,B,Tea is cheap.\n")
    folder.personas(range(8))
    assert folder.simulate("--arms", "@arms.csv", "--export", "@out.csv") == 16
    before = {row["id"]: row["message"] for row in folder.rows("out.conditions.csv")}
    arms.write_text(arms.read_text() + "message,C,Tea is rare.\n")
    folder.personas(range(12))
    assert folder.simulate("--arms", "@arms.csv", "--export", "@out.csv") == 8
    assert "the run grows by 1 arm ('message C')" in folder.err
    after = {row["id"]: row["message"] for row in folder.rows("out.conditions.csv")}
    assert {k: after[k] for k in before} == before
    assert [list(after.values()).count(level) for level in "ABC"] == [4, 4, 4]
    assert folder.simulate("--arms", "@arms.csv") == 0
    with Store(tmp_path / "run") as store:
        assert collect_answers(store).n_not_asked == 0
    arms.write_text(arms.read_text().replace("rare", "good"))
    assert folder.simulate("--arms", "@arms.csv", code=2) == 0


def test_every_twin_is_asked_under_a_further_arm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any
) -> None:
    folder = Folder(tmp_path, capsys, llm_server)
    folder.items("Q1", "Q2", texts={"Q1": "{{message}} Would you buy it?", "Q2": "Do you like rain?"})
    arms = tmp_path / "arms.csv"
    arms.write_text("condition,arm,text\nmessage,A,Tea is healthy.\nmessage,B,Tea is cheap.\n")
    folder.personas(range(3))
    assert folder.simulate("--arms", "@arms.csv", "--every-arm") == 9
    arms.write_text(arms.read_text() + "message,C,Tea is rare.\n")
    assert folder.simulate("--arms", "@arms.csv", "--every-arm", "--export", "@out.csv") == 3
    assert list(folder.rows("out.csv")[0])[1:] == ["Q1@message=A", "Q1@message=B", "Q1@message=C", "Q2"]


def test_a_dry_run_of_a_growing_run_counts_what_is_new(folder: Folder) -> None:
    folder.personas(range(5))
    assert folder.simulate("--dry-run") == 0
    assert "6 stay as" in folder.err
    assert "4 would be made: 4 were never asked" in folder.err


def meanwhile(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another command add a persona when the next one has looked at the run, and has not written to it."""
    write = Continued.write

    def late(self: Continued, *given: Any) -> None:
        monkeypatch.setattr(Continued, "write", write)
        folder.personas(range(4))
        folder.items("Q1", "Q2")
        assert folder.simulate() == 2
        write(self, *given)

    monkeypatch.setattr(Continued, "write", late)


def test_of_two_commands_that_add_at_once_neither_undoes_the_other(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(folder, monkeypatch)
    folder.items("Q1", "Q2", "Q3")
    folder.simulate(code=2)
    assert "run the same command again" in folder.err
    folder.items("Q1", "Q2", "Q3")
    assert folder.simulate() == 4
    with Store(folder.path / "run") as store:
        settings = store.settings("answer")["task"]
        assert (settings["personas"]["count"], list(settings["items"])) == (4, ["Q1", "Q2", "Q3"])


def test_what_another_command_notes_of_its_people_stays(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(folder, monkeypatch)
    folder.simulate(code=2)  # the settings are no longer those that it looked at
    with Store(folder.path / "run") as store:
        assert set(store.notes(PEOPLE)[PEOPLE]) == {"p0", "p1", "p2", "p3"}
