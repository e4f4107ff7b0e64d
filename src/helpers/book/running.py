"""Run a study in a scratch folder and put the run in its place, and draw a run anew."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.errors import InputError
from helpers.keep import store

LATE = 60  # seconds that a cell's last words may come after its end; papermill gives up after 4, as on a busy machine

# Modules that work on tables are imported where they are used: what cannot be used is refused without them, at once.


def run_study(study: str, place: Path, values: dict[str, Any], *, check: Callable[[Path], None] | None = None) -> None:
    """Execute a study in a scratch folder and rename it into place when it has ended well.

    Parameters
    ----------
    study : str
    place : Path
        Folder of the run.
    values : dict
        Its parameters.
    check : callable, optional
        ``check(scratch)`` refuses what was made by an InputError, or changes it, before it takes its place.

    Raises
    ------
    InputError
        The study fails; its notebook is then kept under `runs/.failed/`.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from helpers.book import status
    from helpers.report import recording

    scratch, failed = status.scratch(place), status.failed_notebook(place)
    lock(status.lock_file(place), f"run {status.name_of(place)}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    executed = scratch / f"{study}.ipynb"
    try:
        papermill.execute_notebook(
            paths.notebooks() / f"{study}.ipynb",
            executed,
            {**values, "RUN_DIR": str(scratch)},
            progress_bar=sys.stderr.isatty(),
            cwd=paths.project(),
            kernel_name="python3",
            iopub_timeout=LATE,
            extra_arguments=["--log-level=ERROR"],  # else each kernel warns of eavesdroppers on this machine's ports
        )
    except Exception as error:  # a cell that fails, a kernel that dies: the notebook says how far it came
        _lay_aside(executed, failed)
        where, cause = study, f"{type(error).__name__}: {error}".splitlines()[0]
        if isinstance(error, PapermillExecutionError):
            where = f"{study}, cell {error.exec_count}"
            cause = error.evalue if error.ename == "InputError" else f"{error.ename}: {error.evalue}"
        kept = failed.relative_to(paths.project())
        raise InputError(where, cause.rstrip("."), f"The notebook is kept as {kept}") from None
    if not (scratch / recording.RESULTS).is_file():
        _lay_aside(executed, failed)
        fix = f"Its last cell has to call report.record; the notebook is kept as {failed.name}"
        raise InputError(study, "it ended without results", fix)
    if check is not None:
        check(scratch)
    store.settle(scratch, place)
    failed.unlink(missing_ok=True)


def redraw(place: Path) -> bool:
    """Draw a run anew if the code that it only shows its results with has changed; its values must stay as they are.

    The notebook runs again, on the networks, images and scores that are kept.

    Returns
    -------
    bool
        Whether it was drawn anew.

    Raises
    ------
    InputError
        A value is another: what changed does more than draw.
    """
    from helpers.book.comparing import differences
    from helpers.report import provenance, recording
    from helpers.report.values import write_json

    before = recording.read(place)
    study = before["provenance"]["study"]
    if before["provenance"].get("drawn") == provenance.drawing(study):
        return False
    given = json.loads((place / f"{study}.ipynb").read_text(encoding="utf-8"))["metadata"]["papermill"]["parameters"]

    def check(scratch: Path) -> None:
        if found := differences(place, scratch):
            problem = f"drawn anew from what is kept, it gives other values ({found[0]}, {len(found)} in all)"
            raise InputError(study, problem, f"Delete {place.relative_to(paths.project())} and run the study again")
        after = recording.read(scratch)
        after["provenance"] = {**before["provenance"], "drawn": after["provenance"]["drawn"]}
        write_json(scratch / recording.RESULTS, after)
        stat = (place / recording.RESULTS).stat()
        os.utime(scratch / recording.RESULTS, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the results are as old

    run_study(study, place, {k: v for k, v in given.items() if k != "RUN_DIR"}, check=check)
    return True


def _lay_aside(executed: Path, failed: Path) -> None:
    failed.parent.mkdir(parents=True, exist_ok=True)
    if executed.is_file():
        executed.replace(failed)
    shutil.rmtree(executed.parent)


def lock(file: Path, what: str) -> None:
    """Hold a lock for as long as this process lives; refuse where another process holds it.

    It is the kernel's, so that a killed process leaves none behind, as Snakemake's own would.
    """
    import fcntl  # absent on Windows, where only the workflow cannot be started

    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_CREAT | os.O_RDWR)
    os.set_inheritable(handle, True)  # it outlives the step from this program to Snakemake
    for wait in (0.1, 0.4, 0):  # whoever asks for the state of a run holds its lock for a moment
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
        except OSError as error:
            problem = f"its file system has no locks ({error.strerror})"
            raise InputError(what, problem, "Keep runs/ and .snakemake/ on one that has, or ask for it") from None
    raise InputError(what, "another process is at work on it", "Wait until it has ended, or stop it")
