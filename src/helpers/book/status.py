"""Status of the book's runs, the sweeps and the records: done, running, failed, stale (out of date) or still to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from helpers import paths
from helpers.errors import InputError
from helpers.report import instances, ipynb, parameters, provenance, recording, sweep_records, sweeps

STATES = ("done", "running", "failed", "stale", "to do")
MOST = 10  # runs that are listed of one state


class State(NamedTuple):
    """State of a run, one of `STATES`, and the reason if it failed or is stale."""

    state: str
    why: str = ""


def of(place: Path, asked: dict[str, object]) -> State:
    """Return the state of one run.

    Parameters
    ----------
    place : Path
        Folder of the run, ``runs/<batch>/<study>/<instance>``.
    asked : dict
        Parameters that the run should have now. The run is stale if it was made without one of them, or with another
        value.
    """
    if is_running(place):
        return State("running")
    if not (place / recording.RESULTS).is_file():
        failed = failed_notebook(place)
        return State("failed", failure(failed) or died(failed)) if failed.is_file() else State("to do")
    known = recording.read(place)["provenance"]
    if why := [*provenance.changed(known), *provenance.asked_otherwise(known, instances.computing(asked))]:
        return State("stale", "changed since: " + ", ".join(why))
    return State("done")


def is_running(place: Path) -> bool:
    """Return True if a process is making a run."""
    return _held(lock_file(place))


def name_of(place: Path) -> str:
    """Name a run in one word, for its scratch folder, its lock file and the notebook that is kept if it fails."""
    return "-".join(place.parts[-3:])


def scratch(place: Path) -> Path:
    """Return the folder in which a run is made before it is moved into place."""
    return paths.runs() / ".scratch" / name_of(place)


def lock_file(place: Path) -> Path:
    """Return the file that is locked by the process that makes a run."""
    return paths.runs() / ".scratch" / f".{name_of(place)}.lock"


def failed_notebook(place: Path) -> Path:
    """Return the file in which the notebook of a failed run is kept."""
    return paths.runs() / ".failed" / f"{name_of(place)}.ipynb"


def failure(notebook: Path) -> str | None:
    """Describe the cell at which a notebook stopped, with its error; None if no cell failed."""
    for cell in _code_cells(notebook):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                lines = output["evalue"].strip().splitlines()
                return f"cell {cell['execution_count']}: {output['ename']}: {lines[0] if lines else 'no message'}"
    return None


def died(notebook: Path) -> str:
    """Report the last cell that a notebook started before its kernel died."""
    begun = [cell["execution_count"] for cell in _code_cells(notebook) if cell["execution_count"]]
    return f"the kernel died after cell {max(begun, default=0)}"


def _code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in ipynb.read(notebook)["cells"] if cell["cell_type"] == "code"]


def _held(file: Path) -> bool:
    """Return True if a process holds a lock on a file; the kernel keeps the lock, so a killed process holds none."""
    import fcntl  # absent on Windows, where everything but the workflow works

    try:
        handle = file.open("rb")
    except OSError:
        return False
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # the file system has no locks, and no run can be started on it
            return False
    return False


def sweep_runs(sweep: sweeps.Sweep) -> dict[str, State]:
    """Return the state of every run of a sweep, by instance (the name of its folder)."""
    return {instance: of(sweep.folder / instance, sweep.asked(instance)) for instance in sweep.runs}


def page_run(page: instances.Page, profile: str) -> State:
    """Return the state of the run that a page of the book is made from."""
    return of(page.run(profile), {**parameters.profile(page.study, profile), **page.parameters})


def unfinished(profile: str) -> list[str]:
    """List the pages of the book without a complete and current run, one line each with the reason."""
    found = []
    for page in instances.book().values():
        place = page.run(profile)
        state, executed = page_run(page, profile), place / f"{page.study}.ipynb"
        if state.state != "done":
            found.append(f"{page.name}: {state.state}{f', {state.why}' if state.why else ''}")
        elif not executed.is_file():
            found.append(f"{page.name}: its executed notebook is not there")
        elif (why := failure(executed)) is not None:
            found.append(f"{page.name}: {why}")
    return found


def summary(title: str, runs: dict[str, State]) -> list[str]:
    """Summarise how many runs are in each state, and list the runs that are not done, with the reason."""
    counts = Counter(state.state for state in runs.values())
    told = ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name])
    lines = [f"{title}: {told} (of {len(runs)})"]
    for name in STATES[1:]:
        here = [(instance, state) for instance, state in runs.items() if state.state == name]
        lines += [f"  {name:8}{instance}{f': {state.why}' if state.why else ''}" for instance, state in here[:MOST]]
        if len(here) > MOST:
            lines.append(f"  {name:8}and {len(here) - MOST} more")
    return lines


def recorded() -> list[str]:
    """Summarise the states of the book's records: a record is stale if its code or its sweep's file has changed."""
    found: dict[str, State] = {}
    for file in sorted(paths.recorded().glob(f"[!.]*/[!.]*/{recording.RESULTS}")):
        found["/".join(file.parts[-3:-1])] = _record(provenance.changed(recording.read(file.parent)["provenance"]))
    for file in sorted(paths.recorded().glob(f"sweeps/[!.]*/{sweep_records.ABOUT}")):
        record = sweep_records.recorded_sweep(file.parent.name)
        found[f"sweeps/{record.name}"] = _record([*record.changed, *_asked_otherwise(record)])
    return summary("recorded", found) if found else []


def _record(changed: Iterable[str]) -> State:
    why = ", ".join(changed)
    return State("stale", f"changed since: {why}") if why else State("done")


def _asked_otherwise(record: sweep_records.RecordedSweep) -> list[str]:
    """Return the sweep's file if it cannot be read, or asks for other runs, parameters or values than were recorded."""
    try:
        sweep = sweeps.read(record.name)
    except InputError:
        return [f"notebooks/sweeps/{record.name}.yaml"]
    same = (sweep.profile, sweep_records.shown(sweep.fixed)) == (record.profile, record.fixed)
    same &= set(sweep.runs) == set(record.runs["instance"]) and sweep.values == record.paths
    return [] if same else [f"notebooks/sweeps/{record.name}.yaml"]
