"""Execution of studies: run one in a scratch folder and move it into place, or draw the figures of a run again."""

from __future__ import annotations

import json
import logging
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

LATE = 60  # seconds to wait for a cell's last output after its end; papermill's 4 are too few on a busy machine

# Modules that work on tables are imported where they are used, so that bad input is refused without waiting for them.


def run_study(study: str, place: Path, values: dict[str, Any], *, check: Callable[[Path], None] | None = None) -> None:
    """Execute a study in a scratch folder, which is moved into place if the run succeeds.

    Parameters
    ----------
    study : str
    place : Path
        Folder of the run.
    values : dict
        Parameters of the run.
    check : callable, optional
        ``check(scratch)`` is called before the run is moved into place. It may change the run, or refuse it by an
        InputError.

    Raises
    ------
    InputError
        The study fails, and its notebook is kept under `runs/.failed/`; or another process is making this run.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from helpers.book import executing, status
    from helpers.report import recording

    # The names are checked; papermill warns of those that the parameters cell leaves to the package.
    logging.getLogger("papermill").setLevel(logging.ERROR)
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
            engine_name=executing.ENGINE,
            progress_bar=sys.stderr.isatty(),
            cwd=paths.project(),
            kernel_name="python3",
            iopub_timeout=LATE,
            # Otherwise each kernel warns of eavesdroppers on its ports, and some of the interrupt that ends them.
            extra_arguments=["--log-level=CRITICAL"],
        )
    except Exception as error:  # a cell failed or the kernel died: the notebook shows how far it came
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
        raise InputError(study, "the run ended without results", fix)
    if check is not None:
        check(scratch)
    store.settle(scratch, place)
    failed.unlink(missing_ok=True)


def redraw(place: Path) -> bool:
    """Redraw a run if the code that only shows its results has changed; its values must stay the same.

    The notebook is executed again, with the networks, images and scores from the cache.

    Returns
    -------
    bool
        True if the run was redrawn.

    Raises
    ------
    InputError
        A value has changed, so the change of code affects more than the drawing.
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
            problem = f"redrawn from the kept results, it gives other values ({found[0]}, {len(found)} in all)"
            raise InputError(study, problem, f"Delete {place.relative_to(paths.project())} and run the study again")
        after = recording.read(scratch)
        after["provenance"] = {**before["provenance"], "drawn": after["provenance"]["drawn"]}
        write_json(scratch / recording.RESULTS, after)
        stat = (place / recording.RESULTS).stat()
        os.utime(scratch / recording.RESULTS, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # keep the age of the results

    run_study(study, place, {k: v for k, v in given.items() if k != "RUN_DIR"}, check=check)
    return True


def _lay_aside(executed: Path, failed: Path) -> None:
    failed.parent.mkdir(parents=True, exist_ok=True)
    if executed.is_file():
        executed.replace(failed)
    shutil.rmtree(executed.parent)


def lock(file: Path, what: str) -> None:
    """Lock a file for as long as this process lives; refuse if another process holds the lock.

    The operating system's kernel holds the lock, so a killed process leaves none behind, unlike Snakemake's lock files.
    """
    import fcntl  # absent on Windows, where everything but the workflow works

    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_CREAT | os.O_RDWR)
    os.set_inheritable(handle, True)  # the lock is kept when Snakemake replaces this process
    for wait in (0.1, 0.4, 0):  # a process that checks the status of a run holds its lock for a moment
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
        except OSError as error:
            problem = f"the file system has no locks ({error.strerror})"
            raise InputError(
                what, problem, "Keep runs/ and .snakemake/ on a file system with locks, or ask for one"
            ) from None
    raise InputError(what, "another process is using it", "Wait until that process has ended, or stop it")
