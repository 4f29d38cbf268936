"""The page of constants against the code and the benchmarks."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import constants
import share_constants

PAGE = (Path(__file__).parents[2] / "docs" / "constants.md").read_text(encoding="utf-8")
LISTED = {
    (f"truetwin.{module}", name): ast.literal_eval(value)
    for module, name, value in re.findall(r"^\| `([a-z_.]+)\.(_?[A-Z_]+)` \| ([^|]+?) \|", PAGE, flags=re.M)
}


@pytest.mark.parametrize(("module", "name"), sorted(LISTED))
def test_listed_constants_have_the_value_that_the_page_states(module: str, name: str) -> None:
    found, stated = getattr(import_module(module), name), LISTED[module, name]
    if isinstance(stated, dict):
        assert found == stated
    else:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(stated))


def test_every_constant_that_a_benchmark_varies_is_listed() -> None:
    varied = {(c.module.__name__, c.name) for c in (*constants.CONSTANTS, *share_constants.CONSTANTS)}
    assert varied <= set(LISTED)


def test_a_constant_is_put_back_after_it_was_varied() -> None:
    constant = next(c for c in constants.CONSTANTS if c.name == "KAPPA")
    before = constant.module.KAPPA
    with constants.set_to(constant, 2 * before):
        assert 2 * before == constant.module.KAPPA
    assert before == constant.module.KAPPA
