"""Run one evaluation on joblib's own workers, on Dask and on Ray. Check that scores agree, and print the seconds.

pip install 'truetwin[dask,ray]'
python benchmarks/backends.py
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import joblib
import numpy as np

import truetwin as tt
from truetwin.datasets import generate_population


@contextlib.contextmanager
def dask_workers() -> Iterator[None]:
    """Start two Dask worker processes on this machine."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config("dask"),
    ):
        yield


@contextlib.contextmanager
def ray_workers() -> Iterator[None]:
    """Start two Ray workers on this machine."""
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    try:
        with joblib.parallel_config("ray"):
            yield
    finally:
        ray.shutdown()


def main() -> None:
    """Run the evaluation on each backend that is installed."""
    panel = generate_population(600, 40, n_new_items=0, missing=0.2).panel
    expected = None
    print(f"{'backend':10}{'seconds':>9}{'largest difference':>22}")
    for name, workers in (
        ("one", contextlib.nullcontext),
        ("loky", contextlib.nullcontext),
        ("dask", dask_workers),
        ("ray", ray_workers),
    ):
        jobs = 1 if name == "one" else 2
        try:
            with workers():
                begin = time.perf_counter()
                table = tt.evaluate(panel, ["ridge", "soft-svd"], preset="twin-2k-500", n_jobs=jobs)
                seconds = time.perf_counter() - begin
        except ImportError as error:
            print(f"{name:10}{'':9}  not installed ({error.name})")
            continue
        scores = np.concatenate(list(table.scores.values()))
        expected = scores if expected is None else expected
        print(f"{name:10}{seconds:9.1f}{np.abs(scores - expected).max():22.1e}", flush=True)


if __name__ == "__main__":
    main()
