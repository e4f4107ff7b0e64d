"""Results of many runs, collected in one table or as views for SQL."""

from __future__ import annotations

import difflib
import glob
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from helpers import paths
from helpers.errors import InputError
from helpers.report.run import RESULTS

if TYPE_CHECKING:
    import duckdb

BY_HAND = "by-hand"  # folder of runs that belong to no batch
CASES = "cases.parquet"
ORIGIN = ("started", "wall_seconds", "device", "commit", "dirty", "notebook", "data")
# DuckDB downloads no extension: JSON and Parquet are built in.
OFFLINE = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
# Whole files are read as text and only the needed fields extracted, which is many times faster than read_json.
RUNS_VIEW = """
CREATE VIEW runs AS SELECT
    parse_path(filename)[-4] AS batch, parse_path(filename)[-3] AS study, parse_path(filename)[-2] AS instance,
    content->>'$.provenance.started' AS started,
    CAST(content->>'$.provenance.wall_seconds' AS DOUBLE) AS wall_seconds,
    content->'$.provenance.parameters' AS parameters, content->'$.values' AS results,
    content->'$.claims' AS claims, content->'$.provenance' AS provenance
FROM (SELECT filename, CAST(content AS JSON) AS content FROM read_text({files}))
"""
# A folder named NAME=value is not a Hive partition here. Columns that hold the index of a pandas frame are left out.
CASES_VIEW = """
CREATE VIEW cases AS SELECT
    parse_path(place)[-4] AS batch, parse_path(place)[-3] AS study, parse_path(place)[-2] AS instance,
    COLUMNS(lambda c: lower(c) NOT IN ('place', 'batch', 'study', 'instance') AND NOT starts_with(c, '__index_level_'))
FROM read_parquet({files}, union_by_name=true, filename='place', hive_partitioning=false)
"""


Columns = dict[str, list[Any] | None]


class Finished(NamedTuple):
    """A complete run of a batch, in `<batch>/<study>/<instance>` below the folder of runs."""

    batch: str
    study: str
    instance: str


def collect(
    batch: str = "*", *, study: str = "*", values: str | Sequence[str] = ("*",), folder: Path | None = None
) -> pd.DataFrame:
    """Collect complete runs in a table, one row per run, sorted by batch, study and instance.

    Parameters
    ----------
    batch, study : str
        Shell patterns. A batch is the name of a profile or a sweep. Runs started by hand belong to no batch.
    values : sequence of str
        Shell patterns of the values to keep, such as `gap.*`. They match the names by which prose quotes the values.
    folder : Path, optional
        Folder of runs; default the project's.

    Returns
    -------
    DataFrame
        Columns batch, study, instance; the parameters; the values; the provenance. Cells that a run does not have are
        missing. A value with the same name as another column is called `values.<name>`.

    Raises
    ------
    InputError
        No complete run matches, no value matches a pattern, or the results of a run are not readable.
    """
    patterns = [values] if isinstance(values, str) else list(values)
    root, runs = _finished(folder, batch, study)
    parameters, found, origin = Columns(), Columns(), Columns()
    put = partial(_put, len(runs))
    for row, run in enumerate(runs):
        results = _read(root, run)
        made = {**results["provenance"], **results["provenance"].get("git", {})}
        put(parameters, made.get("parameters", {}), row, lambda name: name != "RUN_DIR")
        put(found, results["values"], row, lambda name: any(fnmatchcase(name, p) for p in patterns))
        put(origin, {name: made.get(name) for name in ORIGIN}, row, lambda name: True)
    for pattern in patterns:
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in found):
            raise InputError(f"values = {pattern}", f"no value of {len(runs)} runs matches", _nearest(pattern, found))
    keys = dict(zip(Finished._fields, map(list, zip(*runs, strict=True)), strict=True))
    taken = {*keys, *parameters, *origin}
    named = {f"values.{name}" if name in taken else name: column for name, column in found.items()}
    columns = {**keys, **parameters, **named, **origin}
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


def database(folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection with the views `runs` and `cases`, which read from the files of the runs.

    `runs` has one row per complete run: batch, study, instance, started, wall_seconds, and as JSON parameters, results
    (the values, as in `results->>'$.gap.estimate'`), claims and provenance. `cases` has the rows of every run's
    `cases.parquet`, with batch, study and instance as the first columns; columns that a run does not have are NULL. The
    view `cases` exists only if at least one run has kept its rows. Runs that end later are not seen: connect again.

    Parameters
    ----------
    folder : Path, optional
        Folder of runs; default the project's.

    Raises
    ------
    InputError
        There is no complete run, or the rows of a run are not readable.
    """
    import duckdb  # imported here, so that only users of SQL wait for it

    root, runs = _finished(folder, "*", "*")
    root = root.absolute()  # a view outlives a change of the working directory
    connection = duckdb.connect(config=OFFLINE)
    connection.execute(RUNS_VIEW.format(files=_sql(root.joinpath(*run, RESULTS) for run in runs)))
    cases = [place for run in runs if (place := root.joinpath(*run, CASES)).is_file()]
    if cases:
        try:
            connection.execute(CASES_VIEW.format(files=_sql(cases)))
        except duckdb.Error as error:
            problem = str(error).splitlines()[0].replace(f"{root}/", "")
            raise InputError(CASES, f"not readable ({problem})", "Run that study again") from None
    return connection


def _finished(folder: Path | None, batch: str, study: str) -> tuple[Path, list[Finished]]:
    """Return the folder of runs, and the complete runs in it that match, each once."""
    root = paths.runs() if folder is None else Path(folder)
    where = f"{folder or 'runs'}/{batch}/{study}"
    if not root.is_dir():
        raise InputError(where, "there is no such folder", "Start runs with 'make study' or 'make sweep'")
    runs = _walk(root, batch, study)
    if not runs:
        others = {f"{run.batch}/{run.study}" for run in _walk(root, "*", "*")}
        fix = _nearest(f"{batch}/{study}", others) if others else "Start some with 'make study' or 'make sweep'"
        raise InputError(where, "no complete run is there", fix)
    return root, runs


def _walk(root: Path, batch: str, study: str) -> list[Finished]:
    return [
        Finished(b, s, i)
        for b in _folders(root, batch)
        if b != BY_HAND
        for s in _folders(root / b, study)
        for i in _folders(root / b / s, "*")
        if (root / b / s / i / RESULTS).is_file()
    ]


def _folders(parent: Path, pattern: str) -> list[str]:
    names = (p.name for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))
    return sorted(name for name in names if fnmatchcase(name, pattern))


def _read(root: Path, run: Finished) -> dict[str, Any]:
    where, fix = "/".join((*run, RESULTS)), "Remove the folder of that run and run it again"
    try:
        results = json.loads(root.joinpath(*run, RESULTS).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(where, f"not readable ({getattr(error, 'strerror', None) or error})", fix) from None
    if not isinstance(results, dict) or not all(isinstance(results.get(k), dict) for k in ("values", "provenance")):
        raise InputError(where, "values or provenance are missing", fix)
    return results


def _put(
    rows: int, columns: Columns, cells: Mapping[str, Any], row: int, wanted: Callable[[str], bool], prefix: str = ""
) -> None:
    """Write the cells of one row to columns named as by `flatten`, without building a flat dict for every run.

    A column that is not wanted is entered as None, so that its name is known but no values are kept.
    """
    for key, value in cells.items():
        if isinstance(value, dict):
            _put(rows, columns, value, row, wanted, f"{prefix}{key}.")
        elif isinstance(value, list):
            _put(rows, columns, dict(enumerate(value)), row, wanted, f"{prefix}{key}.")
        else:
            name = f"{prefix}{key}"
            if name not in columns:
                # NaN marks a missing number or text; pandas would not treat a column of only None as numbers.
                columns[name] = [math.nan] * rows if wanted(name) else None
            column = columns[name]
            if column is not None and value is not None:
                column[row] = value


def _nearest(pattern: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(pattern, list(known), n=3, cutoff=0)
    return f"The nearest are {', '.join(near)}" if near else "They have no values"


def _sql(files: Iterable[Path]) -> str:
    """Format a list of files as SQL; names are escaped, because DuckDB reads each of them as a glob pattern."""
    quoted = (glob.escape(str(file)).replace("'", "''") for file in files)
    return "[" + ", ".join(f"'{file}'" for file in quoted) + "]"
