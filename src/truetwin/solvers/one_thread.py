"""Let the libraries of linear algebra use one thread."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which every library of linear algebra uses one thread.

    The matrices are mostly small, so that threads would only wait for each other, and results then do not depend on the
    number of threads.

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    context: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=1)
    return context


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> Any:
    """Look for the libraries that are loaded, which takes milliseconds: again only if modules were imported since."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
