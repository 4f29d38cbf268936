"""Start or find the workers that :func:`truetwin.calibration.workers.in_parallel` shares work out to: Dask's or Ray's.

Results do not depend on the workers, because every piece of work is computed by the same function on one thread.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from truetwin.errors import MissingExtraError, ParameterError

_PATIENCE = 15  # seconds to wait for a cluster's answer


@contextmanager
def workers_on(backend: str, address: str | None = None, n_jobs: int = -1) -> Iterator[None]:
    """Have the work inside the ``with`` block done by the workers of a backend.

    Parameters
    ----------
    backend : {"loky", "dask", "ray"}
        ``loky``: processes of joblib on this machine, as without this function.
    address : str, optional
        Address of a cluster. Without it, Dask or Ray workers are started here, and ended with the block.
    n_jobs : int, default=-1
        Number of workers that are started here; -1 for one a core.

    Raises
    ------
    MissingExtraError
        If the backend's package is not installed.
    ParameterError
        If no cluster answers under the address.

    Examples
    --------
    >>> import truetwin as tt
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(60, 8, n_new_items=1).panel
    >>> with workers_on("loky"):
    ...     result = tt.calibrate(panel, "ridge", preset="twin-2k-500", n_jobs=1)
    """
    import joblib

    if backend == "loky":
        yield
        return
    started = {"dask": _dask, "ray": _ray}.get(backend)
    if started is None:
        raise ParameterError(f"the backend must be loky, dask or ray; got {backend!r}")
    with ExitStack() as stack:
        stack.enter_context(started(address, n_jobs if n_jobs > 0 else os.cpu_count() or 1))
        stack.enter_context(joblib.parallel_config(backend))
        yield


@contextmanager
def _dask(address: str | None, n_workers: int) -> Iterator[None]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise MissingExtraError("distributed", "dask", "the backend dask") from None
    with ExitStack() as stack:
        where: Any = address
        if address is None:
            where = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=n_workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = distributed.Client(where, timeout=_PATIENCE)
        except (OSError, ValueError, TypeError) as error:
            raise _no_cluster("dask scheduler", address, "tcp://HOST:8786", error) from None
        stack.enter_context(client)
        yield


@contextmanager
def _ray(address: str | None, n_workers: int) -> Iterator[None]:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise MissingExtraError("ray", "ray", "the backend ray") from None
    options: dict[str, Any] = {"num_cpus": n_workers} if address is None else {"address": address}
    try:
        if address is not None:
            _knock(address)
        ray.init(
            **options,
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, OverflowError, ValueError, RuntimeError) as error:
        raise _no_cluster("ray cluster", address, "HOST:6379, ray://HOST:10001 or auto", error) from None
    try:
        register_ray()
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise :class:`OSError` if nobody listens under an address with a port: Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


def _no_cluster(what: str, address: str | None, example: str, error: Exception) -> ParameterError:
    said = (str(error).splitlines() or [type(error).__name__])[0][:300]
    if address is None:
        return ParameterError(f"no {what} can be started on this machine: {said}")
    return ParameterError(f"no {what} answers under {address!r} (such as {example}): {said}")
