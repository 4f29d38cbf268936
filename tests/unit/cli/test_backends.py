"""Work is shared out to processes, Dask or Ray, and what is written does not depend on it by a byte."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truetwin.calibration.worker_backends import workers_on
from truetwin.calibration.workers import in_parallel
from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.errors import MissingExtraError, ParameterError
from truetwin.io import write_table
from truetwin.settings.evaluate_settings import EvaluateCommand

RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the extra 'ray' (pip install 'truetwin[ray]')"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    panel = generate_population(60, 9, n_new_items=2, missing=0.1).panel
    for name in ("human", "twin"):
        answers = getattr(panel, name)
        frame = to_frame(answers.values, answers.respondent_ids, answers.item_ids)
        write_table(frame, tmp_path / f"{name}.csv")
    (tmp_path / "study.yaml").write_text(
        "inputs: {human: human.csv, twin: twin.csv}\ncalibrate: {method: ridge}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dask_address() -> Iterator[str]:
    """Address of a Dask cluster whose workers are threads of this process."""
    distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster.scheduler_address


def results(folder: Path, name: str, *options: str) -> dict[str, bytes]:
    """Calibrate, evaluate and run a study. Returns what was written, by the name of the file."""
    out = folder / name
    out.mkdir()
    tables = ("human.csv", "twin.csv")
    _run(["calibrate", *tables, "--method", "ridge", "--check", "0", "--output", f"{name}/predictions.csv", *options],
         debug=True)  # fmt: skip
    _run(
        ["evaluate", *tables, "--methods", "twin,ridge", "--per-target", f"{name}/scores.csv", *options],
        debug=True,
    )
    _run(["study", "run", "study.yaml", "--run", f"{name}/run", *options], debug=True)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*.csv"))}


def test_processes_and_a_dask_cluster_write_the_same_bytes(folder: Path, dask_address: str) -> None:
    plain = results(folder, "plain")
    assert len(plain) >= 3
    assert plain == results(folder, "loky", "--backend", "loky", "--n-jobs", "2")
    assert plain == results(folder, "dask", "--backend", "dask", "--address", dask_address)


@pytest.mark.slow
def test_dask_workers_are_started_on_this_machine() -> None:
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    with workers_on("dask", n_jobs=2):
        workers = list(in_parallel(process_id, [()] * 8, -1))
    assert os.getpid() not in workers


def process_id() -> int:
    return os.getpid()


@RAY
@pytest.mark.slow
def test_ray_workers_write_the_same_bytes(folder: Path) -> None:
    assert results(folder, "plain") == results(folder, "ray", "--backend", "ray", "--n-jobs", "2")


@RAY
def test_a_ray_address_where_nobody_listens_is_told() -> None:
    with (
        pytest.raises(ParameterError, match="no ray cluster answers under"),
        workers_on("ray", closed_address()),
    ):
        pass


def test_a_dask_address_where_nobody_listens_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    monkeypatch.setattr("truetwin.calibration.worker_backends._PATIENCE", 0.3)
    with (
        pytest.raises(ParameterError, match="no dask scheduler answers under"),
        workers_on("dask", f"tcp://{closed_address()}"),
    ):
        pass


def closed_address() -> str:
    """Address of a port that was free a moment ago."""
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{here.getsockname()[1]}"


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_backend_that_is_not_installed_names_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, backend: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"truetwin\[{backend}\]"):
        _run(["evaluate", "human.csv", "twin.csv", "--methods", "twin", "--backend", backend], debug=True)


def test_a_cluster_is_used_whole_unless_the_user_says_otherwise() -> None:
    tables: Any = {"human": "human.csv", "twin": "twin.csv"}
    assert EvaluateCommand(**tables).n_jobs == 1
    assert EvaluateCommand(**tables, backend="dask").n_jobs == -1
    assert EvaluateCommand(**tables, backend="ray", n_jobs=3).n_jobs == 3


def test_an_address_needs_a_backend_of_several_machines(folder: Path) -> None:
    with pytest.raises(ParameterError, match="--address needs --backend dask or ray"):
        _run(["evaluate", "human.csv", "twin.csv", "--address", "tcp://host:8786"], debug=True)
