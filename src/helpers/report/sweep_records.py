"""Recorded sweeps: tables kept in the book, one row per run."""

from __future__ import annotations

import difflib
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import paths
from helpers.errors import InputError
from helpers.keep import store
from helpers.report import instances, provenance, recording, sweeps
from helpers.report.private import shorten
from helpers.report.values import flatten, write_json

TABLE, ABOUT = "runs.csv", "sweep.json"


def folder(name: str) -> Path:
    """Return the folder in which a sweep is recorded."""
    return paths.recorded() / "sweeps" / name


def keep(name: str) -> Path:
    """Record a complete sweep in the book: its values, one row per run, and their provenance.

    Values of groups with fewer than ten cases are suppressed, as in every recorded run.

    Raises
    ------
    InputError
        A run is missing, was made with other parameters or code than the current ones, or lacks a value to collect.
    """
    sweep = sweeps.read(name)
    made = {instance: sweep.folder / instance for instance in sweep.runs}
    missing = [instance for instance, place in made.items() if not (place / recording.RESULTS).is_file()]
    if missing:
        problem = f"{len(missing)} of {len(made)} runs are not complete, {missing[0]} for one"
        raise InputError(
            f"sweep {name}", problem, f"Go on with 'make sweep SWEEP={name}'; 'make status' shows the rest"
        )
    results = {instance: recording.read(place) for instance, place in made.items()}
    varied = dict.fromkeys(["SEED", *(name for run in sweep.runs.values() for name in run)])
    rows = [_row(sweep, list(varied), instance, found) for instance, found in results.items()]
    about = {
        "title": sweep.title,
        "study": sweep.study,
        "profile": sweep.profile,
        "fixed": shown(sweep.fixed),
        "values": sweep.values,
        "provenance": _provenance(sweep, {instance: found["provenance"] for instance, found in results.items()}),
    }
    table = pd.DataFrame(rows)
    for text in (json.dumps(about), table.to_csv()):
        if recording.CASE_ID.search(text):
            raise InputError(f"sweep {name}", "its table names a case of the data set", "Collect aggregates only")
    place = folder(name)
    with store.folder(place) as part:
        table.to_csv(part / TABLE, index=False, float_format="%.6g")
        write_json(part / ABOUT, about)
    return place


def shown(fixed: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as they may be shown, without folders of this machine."""
    return {name: shorten(name, value) for name, value in fixed.items()}


def _row(sweep: sweeps.Sweep, varied: list[str], instance: str, results: dict[str, Any]) -> dict[str, Any]:
    known = results["provenance"]["parameters"]
    row: dict[str, Any] = {"instance": instance, **{name: known[name] for name in varied if name in known}}
    flat = flatten(recording.suppress(results["values"]))
    for label, named in sweep.values.items():
        path = named.format(**known)
        parts = _parts(path, flat)
        if not parts:
            near = difflib.get_close_matches(path, flat, n=3, cutoff=0.3) or list(results["values"])
            raise InputError(f"{instance}, value {path}", "not in the results of the run", f"Near: {', '.join(near)}")
        row |= {f"{label}{end}": _number(flat[where], label, instance) for end, where in parts.items()}
    return {**row, "wall_seconds": results["provenance"]["wall_seconds"]}


def _parts(path: str, flat: dict[str, Any]) -> dict[str, str]:
    """Find the paths of a bare number, or of an estimate and the ends of its interval."""
    if path in flat:
        return {"": path}
    ends = {"": f"{path}.estimate", " low": f"{path}.low", " high": f"{path}.high"}
    return ends if ends[""] in flat else {}


def _number(value: Any, label: str, instance: str) -> float:
    if value is None or (isinstance(value, str) and value.startswith("<")):
        return math.nan  # not available, or suppressed
    if isinstance(value, bool | str):
        raise InputError(f"{instance}, value {label}", f"{value!r} is not a number", "Collect numbers")
    return float(value)


def _provenance(sweep: sweeps.Sweep, runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Merge the provenance of all runs; every run must have been made with the current code and parameters."""
    helpers: dict[str, str] = {}
    for instance, known in runs.items():
        asked = instances.computing(sweep.asked(instance))
        if why := [*provenance.changed(known), *provenance.asked_otherwise(known, asked)]:
            fix = f"Run 'make sweep SWEEP={sweep.name}' again, which repeats outdated runs"
            raise InputError(f"sweep {sweep.name}, {instance}", f"changed since this run: {', '.join(why)}", fix)
        helpers |= known["helpers"]
    one = next(iter(runs.values()))
    commits = sorted({known["git"]["commit"] for known in runs.values()})
    return {
        "study": sweep.study,
        "command": f"make sweep SWEEP={sweep.name}",
        "source": ", ".join(sorted({known["source"] for known in runs.values()})),
        "started": min(known["started"] for known in runs.values()),
        "git": {"commit": ", ".join(commits), "dirty": any(known["git"]["dirty"] for known in runs.values())},
        "versions": one["versions"],
        "device": ", ".join(sorted({known["device"] for known in runs.values()})),
        "notebook": one["notebook"],
        "helpers": helpers,
        "loaded": sorted(set().union(*(known.get("loaded", known["helpers"]) for known in runs.values()))),
        "wall_seconds": round(sum(known["wall_seconds"] for known in runs.values()), 1),
    }


class RecordedSweep:
    """A recorded sweep.

    name, title, study : str
    runs : DataFrame
        One row per run: ``instance``; the parameters that vary; for each value ``<name>``, ``<name> low`` and
        ``<name> high`` (its interval in that run); and ``wall_seconds``. It has no rows if nothing is recorded yet.
    values : list of str
        Names of the values; `paths` has the path of each in a run's results.
    fixed : dict
        Parameters that all runs share.
    changed : list of str
        Code that has changed since.
    """

    def __init__(self, name: str) -> None:
        place = folder(name)
        about = json.loads((place / ABOUT).read_text(encoding="utf-8")) if place.is_dir() else {}
        self.name, self.title, self.study = name, about.get("title", name), about.get("study", "")
        self.profile: str = about.get("profile", "")
        self.paths: dict[str, str] = about.get("values", {})
        self.values, self.fixed = list(self.paths), about.get("fixed", {})
        numbers = [f"{value}{end}" for value in self.values for end in ("", " low", " high")]
        # Only a number can be missing: a parameter's value may be the text NA.
        empty = {"keep_default_na": False, "na_values": {name: [""] for name in numbers}}
        self.runs = pd.read_csv(place / TABLE, **empty) if about else pd.DataFrame({"instance": []})
        self.provenance: dict[str, Any] = about.get("provenance", {})
        self.changed = provenance.changed(self.provenance) if about else []

    def notice(self) -> pd.DataFrame:
        """Tabulate when, how and on which data the sweep was made, and which code has changed since."""
        if not self.provenance:
            return pd.DataFrame({"recorded sweep": {"made": f"not yet; make record SWEEP={self.name} makes one"}})
        rows = {"study": self.study, "size": f"{len(self.runs)} runs at the {self.profile} profile"}
        return pd.DataFrame({"recorded sweep": rows | recording.made(self.provenance, self.changed)})


def recorded_sweep(name: str) -> RecordedSweep:
    """Load the sweep recorded in `book/recorded/sweeps/<name>/`; without a record, that of a sweep file has no rows.

    Raises
    ------
    InputError
        Neither the record nor `notebooks/sweeps/<name>.yaml` exists, or that file is invalid.
    """
    if not folder(name).is_dir():
        sweeps.read(name)
    return RecordedSweep(name)
