"""What an endpoint says of its models is used before the first request, and harms nobody if it says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import UnknownModelError
from truetwin.llm import RunOptions, Store, open_model, run
from truetwin.llm.providers.served_models import ServedModels

pytestmark = pytest.mark.extra("llm")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"data": "x"},
        {"data": [None, {"id": 3}, {"id": "a", "meta": "x", "max_model_len": "long"}]},
        {"data": [{"id": "a", "n_ctx": -1}]},
    ],
)
def test_what_is_not_understood_tells_nothing(data: Any) -> None:
    served = ServedModels.read(data)
    assert served.in_words("a") == ""
    assert set(served.contexts) <= {"a"}


def test_the_context_is_read_under_the_names_that_servers_use() -> None:
    data = {"data": [{"id": "a", "meta": {"n_ctx_train": 2048}}, {"id": "b:latest", "context_length": 4096}]}
    served = ServedModels.read(data)
    assert served.in_words("a") == "the endpoint serves a with a context of 2,048 tokens"
    assert served.in_words("b") == "the endpoint serves b:latest with a context of 4,096 tokens"
    assert served.instead_of("b") == ""


def test_a_model_that_is_not_served_is_an_error_that_names_those_that_are(
    llm_server: Any, survey: Any, tmp_path: Path
) -> None:
    llm_server.configure(models=["small-model", "large-model"])
    words = r"does not exist\. It serves small-model, large-model\. Did you mean 'small-model'\?"
    with Store(tmp_path) as store, pytest.raises(UnknownModelError, match=words):
        run(survey(), open_model("smal-model", base_url=llm_server.base_url), store, RunOptions())
    assert llm_server.stats()["requests"] == 1


@pytest.mark.parametrize("preflight", [True, False])
def test_a_model_that_answers_under_another_name_is_said_and_kept(
    llm_server: Any, survey: Any, tmp_path: Path, preflight: bool
) -> None:
    llm_server.configure(models=["m"])
    model = open_model("m", base_url=llm_server.base_url, preflight=preflight)
    with Store(tmp_path) as store:
        summary = run(survey(), model, store, RunOptions())
        assert store.totals().models == ("m-2024",)
    assert summary.notes == ("m was asked, and the endpoint says that m-2024 answered",)
