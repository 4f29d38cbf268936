"""Share work out over joblib's workers, with any backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from truetwin.errors import ParameterError

T = TypeVar("T")


def in_parallel(function: Callable[..., T], calls: Iterable[tuple[Any, ...]], n_jobs: int) -> Iterator[T]:
    """Yield the results of ``function(*call)`` in the order of ``calls``, each as soon as it is there.

    Every worker runs on one BLAS thread: workers then do not slow each other down, and results do not depend on their
    number. The backend is joblib's own, or the one set by :func:`joblib.parallel_config` (Dask, Ray).
    """
    from joblib import Parallel, delayed

    if n_jobs == 0:
        raise ParameterError("n_jobs must be a number of workers, or -1 for all cores; got 0")
    from joblib.parallel import get_active_backend

    streams = getattr(get_active_backend()[0], "supports_return_generator", False)
    tasks = (delayed(on_one_thread)(function, call) for call in calls)
    yield from Parallel(n_jobs=n_jobs, return_as="generator" if streams else "list")(tasks)


def on_one_thread(function: Callable[..., T], call: tuple[Any, ...]) -> T:
    """Call a function on one BLAS thread."""
    from truetwin.solvers.one_thread import one_thread

    with one_thread():
        return function(*call)
