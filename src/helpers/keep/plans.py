"""Run a job for every row of a plan: in parallel, kept, gathered in one table."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.errors import InputError
from helpers.keep import cache, parallel


def grid(**axes: Iterable[object]) -> list[dict[str, object]]:
    """List every combination of the values of several axes; the last axis changes fastest.

    Examples
    --------
    >>> grid(seed=[1, 2], world=["none", "labels"])[1]
    {'seed': 1, 'world': 'labels'}
    """
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def repeat(
    job: Callable[..., Any],
    plan: Sequence[Mapping[str, object]],
    *,
    keep: Path | None = None,
    workers: int = 1,
    unit: str = "job",
    progress: bool = True,
    **options: object,
) -> pd.DataFrame:
    """Run a job once for each row of a plan; a second call goes on where the first was stopped.

    Parameters
    ----------
    job : callable
        ``job(**row, **options)`` returns one row of results as a dict, or several rows as a list of dicts, of plain
        numbers and text. With several workers it must be a function of a module, or a `functools.partial` of one.
    plan : sequence of mapping
        One mapping of arguments for each job, such as `grid` lists. Their values are numbers or text. A value that the
        job refuses is refused when its turn comes; what is finished by then is kept.
    keep : Path, optional
        Folder of this plan alone, such as `helpers.keep.cache.folder` names; each finished job is kept there.
    workers : int
        Processes.
    unit : str
        Name of a job on the progress bar.
    progress : bool
        Whether to show a progress bar.
    **options
        Arguments that are the same for all jobs.

    Returns
    -------
    pandas.DataFrame
        The rows of all jobs in the plan's order: first the columns of the plan, then those of the results.

    Raises
    ------
    InputError
        Two rows of the plan are equal, a job returns a column of the plan, or the folder cannot be written.
    """
    names = [_name(row) for row in plan]
    if len(set(names)) < len(names):
        twice = next(row for row, name in zip(plan, names, strict=True) if names.count(name) > 1)
        raise InputError("plan", f"the row {dict(twice)} occurs twice", "Give each row of the plan once")
    files = [None if keep is None else keep / f"{name}.json" for name in names]
    jobs = [partial(cache.once, file, partial(job, **row, **options)) for file, row in zip(files, plan, strict=True)]
    found = parallel.each(jobs, workers=workers, unit=unit, progress=progress)
    rows = []
    for row, made in zip(plan, found, strict=True):
        for one in made if isinstance(made, list) else [made]:
            if both := sorted(row.keys() & one.keys()):
                raise InputError("job", f"it returns {both[0]}, a column of the plan", "Give the result another name")
            rows.append({**row, **one})
    return pd.DataFrame(rows)


def _name(row: Mapping[str, object]) -> str:
    """Name the file of a row: its values as far as a file name takes them, and a hash of columns and values."""
    digest = hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()[:10]
    shown = re.sub(r"[^A-Za-z0-9.=-]+", "_", "-".join(str(row[name]) for name in sorted(row))).strip("._")
    return f"{shown[:60]}-{digest}"
