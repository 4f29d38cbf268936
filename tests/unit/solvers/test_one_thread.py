from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from truetwin.solvers import one_thread as module
from truetwin.solvers.one_thread import one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info()}


def test_libraries_use_one_thread_inside_and_as_many_as_before_outside() -> None:
    np.linalg.eigh(np.eye(3))
    with threadpool_limits(2):
        before = threads()
        for _ in range(2):
            with one_thread():
                assert threads() == {1}
            assert threads() == before


def test_libraries_are_looked_for_again_once_a_module_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    first = module._libraries(len(sys.modules))
    assert module._libraries(len(sys.modules)) is first
    monkeypatch.setitem(sys.modules, "made_up", ModuleType("made_up"))
    assert module._libraries(len(sys.modules)) is not first
