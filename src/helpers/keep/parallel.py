"""Independent jobs in several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def each(jobs: Sequence[Callable[[], Any]], *, workers: int = 1, unit: str = "job", progress: bool = True) -> list[Any]:
    """Results of jobs, in their order.

    Parameters
    ----------
    jobs : sequence of callable
        ``job()``; they go to other processes, so give functions of modules, or `functools.partial` of them.
    workers : int
        Processes. The threads of all together do not outnumber the cores, whatever OMP_NUM_THREADS says.
    unit : str
        What the progress bar counts.
    """
    from joblib import Parallel, cpu_count, delayed, parallel_config
    from tqdm.auto import tqdm

    with parallel_config("loky", inner_max_num_threads=max(1, cpu_count() // workers)):
        done = Parallel(n_jobs=workers, return_as="generator")(delayed(job)() for job in jobs)
        return list(tqdm(done, desc=f"{unit}s", unit=unit, total=len(jobs), disable=not progress))
