"""Sweeps: grids of runs of one study, described in `notebooks/sweeps/<sweep>.yaml`."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report import instances, parameters

FIELDS = {
    "title": str,
    "study": str,
    "profile": str,
    "threads": int,
    "fixed": dict,
    "grid": dict,
    "table": str,
    "values": dict,
}
NEEDED = ("title", "study", "values")
PROFILE, THREADS = "quick", 1
NAME = re.compile(r"[A-Za-z][\w-]*")  # of a sweep's file: it becomes part of the names of folders and jobs


class Sweep(NamedTuple):
    """A grid of runs of one study.

    name, title : str
    study, profile : str
        The study that is run, and its size preset.
    threads : int
        Processor threads of one run; as many runs are executed at a time as the cores allow.
    fixed : dict
        Parameters that all runs share.
    runs : dict
        Name of a run's folder to the parameters in which it differs from the other runs.
    values : dict
        Readable name to the path of a value in a run's results, such as ``gap.dice``. If the results have an interval
        there, it is collected with the estimate. ``{NAME}`` in a path is replaced by that parameter of the run.
    """

    name: str
    title: str
    study: str
    profile: str
    threads: int
    fixed: dict[str, Any]
    runs: dict[str, dict[str, Any]]
    values: dict[str, str]

    def words(self, instance: str) -> list[str]:
        """Return the words that `make study` takes as PARAMS for one run."""
        return words({**self.fixed, **self.runs[instance]})

    def asked(self, instance: str) -> dict[str, Any]:
        """Return all parameters that one run is asked for, including those of the profile."""
        return {**parameters.profile(self.study, self.profile), **self.fixed, **self.runs[instance]}

    @property
    def folder(self) -> Path:
        """Return the folder of the sweep's runs."""
        return paths.runs() / self.name / self.study


def words(values: dict[str, Any]) -> list[str]:
    """Format parameters as ``NAME=value``."""
    return [f"{name}={value}" for name, value in values.items()]


def names() -> list[str]:
    """List the names of all sweeps in `notebooks/sweeps/`."""
    return sorted(file.stem for file in (paths.notebooks() / "sweeps").glob("*.yaml"))


def read(name: str) -> Sweep:
    """Read the sweep that `notebooks/sweeps/<name>.yaml` describes.

    Its fields are ``title``; ``study``; ``profile`` (default quick); ``threads`` (default 1); ``fixed``, parameters of
    all runs; either ``grid``, lists of values of which every combination is run, or ``table``, a CSV file in the same
    folder with one line per run (an empty cell sets nothing); and ``values``, the results to collect from each run.

    Raises
    ------
    InputError
        There is no such sweep; it is not readable; a field is missing, unknown or of the wrong type; a run is asked for
        twice; a parameter sets where a run is executed, or the study does not take it.
    """
    file = paths.notebooks() / "sweeps" / f"{name}.yaml"
    if not file.is_file():
        raise InputError(f"SWEEP={name}", "there is no such sweep", f"Sweeps here: {', '.join(names()) or 'none'}")
    where = f"sweeps/{file.name}"
    asked = _fields(file, where)
    declared = parameters.read(paths.notebooks() / f"{asked['study']}.ipynb")
    fixed, table = asked.get("fixed", {}), asked.get("table")
    runs = _table(file.parent / table, declared.types) if table else _grid(asked.get("grid", {}), where)
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        at = f"{where}, {', '.join(words(run))}"
        if machine := [p for p in (*run, *fixed) if p in instances.MACHINE and p != "DEVICE"]:
            fix = f"Name real data by {paths.DATA_VARIABLE}, where the sweep is started"
            raise InputError(where, f"{machine[0]} names where a run is made and does not change its results", fix)
        if both := set(run) & set(fixed):
            raise InputError(where, f"{sorted(both)[0]} is both fixed and varied", "Keep one of the two")
        parameters.check({**fixed, **run}, declared.types, declared.limits, where=at)
        instance = instances.instance(words(run))
        if instance in found:
            raise InputError(at, "this run is listed twice", "Keep one of them")
        found[instance] = run
    for label, path in asked["values"].items():
        _check_path(label, path, declared, where)
    parameters.profile(asked["study"], asked.get("profile", PROFILE))  # refused here once, not in every run
    settings = {"profile": asked.get("profile", PROFILE), "threads": asked.get("threads", THREADS)}
    return Sweep(
        name, asked["title"].strip(), asked["study"], **settings, fixed=fixed, runs=found, values=asked["values"]
    )


def _fields(file: Path, where: str) -> dict[str, Any]:
    try:
        asked = parameters.read_yaml(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())
        raise InputError(
            where, f"not readable as YAML ({line})", "Write lines such as 'study: 01_label_audit'"
        ) from None
    known = f"A sweep has the fields {', '.join(FIELDS)}"
    if not isinstance(asked, dict):
        raise InputError(where, "expected fields", known)
    if odd := set(asked) - set(FIELDS):
        raise InputError(where, f"unknown field {', '.join(map(str, odd))}", known)
    for field in NEEDED:
        if not asked.get(field):
            raise InputError(where, f"{field} is missing", known)
    for field, value in asked.items():
        if not isinstance(value, FIELDS[field]) or isinstance(value, bool):
            raise InputError(where, f"{field} is {value!r}, expected {_kind(FIELDS[field])}", known)
    if bool(asked.get("grid")) == bool(asked.get("table")):
        raise InputError(
            where, "a sweep has either a grid or a table", "Give lists of values, or a CSV with a line a run"
        )
    if asked.get("threads", THREADS) < 1:
        raise InputError(where, f"threads is {asked['threads']}", "Give 1 or more")
    _apart(file.stem, asked["study"], where)
    return asked


def _kind(kind: type) -> str:
    return {str: "a text", int: "a whole number", dict: "lines of NAME: value"}[kind]


def _check_path(label: Any, path: Any, declared: parameters.Parameters, where: str) -> None:
    where, fix = f"{where}, value {label}", "Write its path in results.json, such as gap.dice"
    if not isinstance(path, str) or not isinstance(label, str):
        raise InputError(where, f"{path!r} is not text", fix)
    try:
        path.format(**declared.defaults)
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise InputError(where, f"{path} cannot be filled in ({error})", f"{fix}; {{NAME}} is a parameter") from None


def _apart(name: str, study: str, where: str) -> None:
    """Refuse a sweep if its name is invalid or is a folder of other runs, or if its study does not exist."""
    profiles = {file.name.split(".")[1] for file in (paths.notebooks() / "params").glob("*.*.yaml")}
    if not NAME.fullmatch(name):
        raise InputError(where, f"'{name}' cannot be the name of a sweep", "Use letters, digits, _ and -")
    if name in {*profiles, PROFILE, "by-hand"}:
        raise InputError(where, f"'{name}' is reserved for other runs", "Give the file another name")
    if not (paths.notebooks() / f"{study}.ipynb").is_file():
        known = ", ".join(sorted(p.stem for p in paths.notebooks().glob("[0-9]*.ipynb")))
        raise InputError(where, f"study {study}: there is no such study", f"Studies here: {known}")


def _grid(grid: dict[str, Any], where: str) -> list[dict[str, Any]]:
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InputError(where, f"grid, {name} is {values!r}, expected a list of values", "Write NAME: [1, 2, 3]")
    return [dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values())]


def _table(file: Path, types: dict[str, type]) -> list[dict[str, Any]]:
    where = f"sweeps/{file.name}"
    try:
        import pandas as pd  # most sweeps are grids

        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(where, "there is no such file", "Put the table next to the sweep's file") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(where, f"not readable as CSV ({error})", "Write a line of names, then a line a run") from None
    if rows.empty:
        raise InputError(where, "the file has no line", "Write a line a run")
    return [
        {name: parameters.parse(text, types.get(name, str)) for name, text in row.items() if text != ""}
        for row in rows.to_dict("records")
    ]
