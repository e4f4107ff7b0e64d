"""Small runs of a study at two commits, each in a clone of the project."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import helpers
from helpers import paths
from helpers.book.running import LATE
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.report import instances, parameters, recording
from helpers.report.private import FILES, HIDDEN, PLACES

ANEW = "Record it again"
EXECUTE = f"""import json, sys
sys.modules["{helpers.GRAMMAR}"] = None
import papermill
source, executed, parameters, late = sys.argv[1:]
options = dict(kernel_name="python3", progress_bar=False, iopub_timeout=int(late))
papermill.execute_notebook(source, executed, json.loads(parameters), **options)"""


class Checkouts:
    """Clones of the project at some commits, made when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.head = folder, git("rev-parse", "HEAD")
        self.made: dict[tuple[str, Path, str], tuple[Path, Path]] = {}

    def run(self, study: str, before: Path, canary: Mapping[str, Any]) -> dict[Path, Path]:
        """Run the canary (a small run) at a commit and at HEAD, in parallel, and return the folders of both runs.

        Runs that were already made are reused. A parameter that only one of the two commits takes is left out of both:
        its default there should compute the same as the other commit.
        """
        after = self.at(self.head)
        taken = [parameters.read(checkout / "notebooks" / f"{study}.ipynb").types for checkout in (before, after)]
        canary = {name: value for name, value in canary.items() if all(name in types for types in taken)}
        key = study, before, json.dumps(canary, sort_keys=True)
        if key not in self.made:
            with ThreadPoolExecutor(2) as pool:
                self.made[key] = tuple(pool.map(partial(_run, study, canary=canary), (before, after)))
        return dict(zip((before, after), self.made[key], strict=True))

    def at(self, commit: str) -> Path:
        """Return the folder of a clone at a commit; make it if there is none yet.

        Raises
        ------
        InputError
            The commit is not in the history.
        """
        known = git("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}", allowed=True)
        if not known or git("merge-base", known, self.head, allowed=True) != known:
            fix = f"Fetch the whole history (git fetch --unshallow). {ANEW} if it is still missing"
            raise InputError(f"commit {commit}", "not in the history", fix)
        place = self.folder / known[:12]
        if not place.is_dir():
            git("clone", "--quiet", "--shared", "--no-checkout", str(paths.project()), str(place))
            git("checkout", "--quiet", "--detach", known, cwd=place)
        return place


def canary(name: str, known: Mapping[str, Any], given: Mapping[str, Any], data_root: str) -> dict[str, Any]:
    """Choose the parameters of a canary (a small run that tests whether a change of code changes results).

    They are the given parameters with the sizes of the tiny profile, and the study's ``canary`` profile if it has one.
    An integer that the tiny profile does not set is the given value or the notebook's default, whichever is smaller.
    The seed is the tiny profile's, at which its sizes are known to be enough.

    Parameters
    ----------
    name : str
        Name of the record.
    known : mapping
        Provenance of the record.
    given : mapping
        Parameters of the full-size run.
    data_root : str
        As in `stamping.restamp`.

    Raises
    ------
    InputError
        The run needs one of the user's files, or real data that are not available.
    """
    if named := [name for name in (*FILES, *HIDDEN) if given.get(name) and name != parameters.IMAGES]:
        raise InputError(name, f"the record names the file {named[0]} without its contents", ANEW)
    chosen = {k: v for k, v in given.items() if k not in PLACES and k not in instances.MACHINE}
    defaults = parameters.read(paths.notebooks() / f"{known['study']}.ipynb").defaults
    sizes = {k: min(v, defaults[k]) for k, v in chosen.items() if type(v) is int and k in defaults}
    tiny = parameters.profile(known["study"], "tiny")
    chosen |= sizes | {k: v for k, v in tiny.items() if not isinstance(v, str | bool)}
    if (paths.notebooks() / "params" / f"{known['study']}.canary.yaml").is_file():
        chosen |= parameters.profile(known["study"], "canary")
    if given.get(parameters.IMAGES):
        chosen[parameters.IMAGES] = str(_table(name, known["data"], given, data_root))
    elif given.get("SOURCE") == "real":
        chosen["DATA_ROOT"] = str(_real(name, known["data"], data_root))
    return chosen | {"DEVICE": "cpu", "WORKERS": 1}


def _root(name: str, data_root: str) -> Path:
    try:
        return paths.data_root(data_root)
    except InputError as error:
        raise InputError(name, f"the real data are missing ({error.problem})", error.fix) from None


def _table(name: str, wanted: str, given: Mapping[str, Any], data_root: str) -> Path:
    """Find the table of images that the record was made from, by the fingerprint of the table and its files."""
    from helpers import datasets

    root = _root(name, data_root)
    for file in sorted([*root.glob("*.*"), *root.glob("*/*.*")]):
        if file.suffix.lower() in datasets.TABLE_SUFFIXES:
            with contextlib.suppress(InputError):
                pictures = datasets.load_image_table(file, given).files
                # The first records of two studies hash the table last.
                if wanted in (fingerprint.data(file, *pictures), fingerprint.data(*pictures, file)):
                    return file
    problem = "no table there names the images that the record was made from"
    raise InputError(name, problem, "Give the folder of the table, or the one above it, as DATA_ROOT")


def _real(name: str, wanted: str, data_root: str) -> Path:
    """Find the folder of real data that the record was made from, by its fingerprint."""
    root = _root(name, data_root)
    for folder in (root, *sorted(p for p in root.iterdir() if p.is_dir())):
        if fingerprint.data(folder) == wanted:
            return folder
    problem = "the real data are missing: no folder has the files that the record was made from"
    raise InputError(name, problem, "Give their folder, or the one above it, as DATA_ROOT")


def _run(study: str, checkout: Path, *, canary: Mapping[str, Any]) -> Path:
    notebook = checkout / "notebooks" / f"{study}.ipynb"
    shutil.rmtree(checkout / "data" / "networks", ignore_errors=True)  # a cached network would load no training code
    place = Path(tempfile.mkdtemp(prefix="canary-", dir=checkout.parent))
    given = {**canary, "RUN_DIR": str(place)}
    words = ["-c", EXECUTE, str(notebook), str(place / "out.ipynb"), json.dumps(given), str(LATE)]
    variables = paths.variables(PYTHONPATH=str(checkout / "src"), OMP_NUM_THREADS="1")
    done = subprocess.run([sys.executable, *words], cwd=checkout, env=variables, capture_output=True, text=True)
    if done.returncode or not (place / recording.RESULTS).is_file():
        lines = [line for line in (done.stdout + done.stderr).strip().splitlines() if line.strip()]
        why = lines[-1] if lines else "no results were written"
        raise InputError(f"{study} at commit {checkout.name}", f"the study does not run today ({why})", ANEW)
    return place


def git(*words: str, cwd: Path | None = None, allowed: bool = False) -> str:
    """Return the output of a git command; empty if it fails and `allowed` is set."""
    done = subprocess.run(["git", *words], cwd=cwd or paths.project(), capture_output=True, text=True)
    if done.returncode and not allowed:
        lines = done.stderr.strip().splitlines() or ["it fails"]
        raise InputError(f"git {words[0]}", lines[-1], "A stamp needs a checkout with its history")
    return "" if done.returncode else done.stdout.strip("\n")
