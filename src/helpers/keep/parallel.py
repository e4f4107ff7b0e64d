"""Independent jobs in several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def each(jobs: Sequence[Callable[[], Any]], *, workers: int = 1, unit: str = "job", progress: bool = True) -> list[Any]:
    """Run independent jobs and return their results in the order of the jobs.

    Parameters
    ----------
    jobs : sequence of callable
        Each is called as ``job()``. Jobs are sent to other processes, so give functions of modules, or
        `functools.partial` of them.
    workers : int
        Number of processes. They share the cores, with one thread each at least, whatever OMP_NUM_THREADS is.
    unit : str
        Name of a job on the progress bar.
    """
    from joblib import Parallel, cpu_count, delayed, parallel_config
    from tqdm.auto import tqdm

    with parallel_config("loky", inner_max_num_threads=max(1, cpu_count() // workers)):
        done = Parallel(n_jobs=workers, return_as="generator")(delayed(job)() for job in jobs)
        return list(tqdm(done, desc=f"{unit}s", unit=unit, total=len(jobs), disable=not progress))
