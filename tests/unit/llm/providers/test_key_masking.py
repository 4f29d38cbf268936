"""A key that an endpoint repeats is stored and shown masked."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from truetwin.cli import _run
from truetwin.llm.providers.key_masking import KeyMask

KEY = "sk-Quite/Secret+0123456789"


def test_a_key_is_masked_as_it_is_and_in_escapes() -> None:
    mask = KeyMask(KEY)
    partly = KEY.replace("/", "%2f").replace("Q", "%51")
    doubly = KEY.replace("+", "%252B")
    json_form = KEY.replace("+", "\\u002b")
    for form in (KEY, quote(KEY, safe=""), partly, doubly, json_form, f"Authorization: Bearer {KEY}"):
        assert mask.text(f"<{form}>").removeprefix("<Authorization: Bearer ").endswith("[key]>"), form
        assert "Secret" not in mask.text(form)
    assert mask.value({KEY: [{"a": KEY}, 3, None]}) == {"[key]": [{"a": "[key]"}, 3, None]}


def test_what_servers_without_keys_take_is_no_key() -> None:
    assert KeyMask("1").text("1") == "1"
    assert KeyMask(None).text("1") == "1"


def test_deep_bodies_end_in_words() -> None:
    deep: Any = KEY
    for _ in range(5000):
        deep = [deep]
    assert KeyMask(KEY).value(deep) == "a body that is nested too deeply"


@pytest.mark.parametrize("form", [KEY, quote(KEY, safe="")])
def test_no_file_and_no_line_holds_a_key_that_a_reply_or_an_error_repeats(
    form: str,
    tmp_path: Path,
    llm_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    (tmp_path / "items.csv").write_text("item_id,text,low,high\nQ1,Do you like tea?,1,5\n")
    (tmp_path / "personas.csv").write_text("id,text\na,A cook.\n")
    arguments = [
        "simulate",
        "--personas",
        str(tmp_path / "personas.csv"),
        "--items",
        str(tmp_path / "items.csv"),
    ]
    arguments += ["--run", str(tmp_path / "run"), "--export", str(tmp_path / "out.csv"), "--model", "m"]
    arguments += ["--base-url", llm_server.base_url, "--key-variable", "SOME_KEY", "--validity-floor", "0"]
    llm_server.configure(reply=f"your key is {form}")
    assert _run(arguments, debug=False) == 0
    said = capsys.readouterr()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"Secret" not in path.read_bytes(), path
    assert "[key]" in (tmp_path / "out.not-valid.csv").read_text()
    assert "Secret" not in said.out + said.err


def test_a_key_is_masked_before_an_error_is_cut(llm_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    import openai

    from truetwin.errors import AccessError
    from truetwin.llm.providers.endpoint import Endpoint

    monkeypatch.setenv("SOME_KEY", KEY)
    endpoint = Endpoint("m", llm_server.base_url, "SOME_KEY")
    body = {"message": "x" * 285 + KEY}
    response = httpx.Response(401, request=httpx.Request("POST", llm_server.base_url))
    found = endpoint.failure(openai.APIStatusError("no", response=response, body=body))
    assert isinstance(found, AccessError)
    assert "sk-Q" not in str(found)
