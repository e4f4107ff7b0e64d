"""Where a result comes from: code, versions, data."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.keep import fingerprint

PACKAGES = ("biased-ruler", "numpy", "pandas", "scipy", "statsmodels", "matplotlib", "monai", "torch", "papermill")


def notebook_of(study: str) -> Path:
    """Name the file of a study's notebook."""
    return paths.notebooks() / f"{study}.ipynb"


def code_of(study: str) -> dict[str, Any]:
    """Describe the code that a study computes with.

    Returns
    -------
    dict
        ``notebook`` (hash of its cells that compute), ``helpers`` (hash of each module that they compute with, by name)
        and ``drawn`` (hash of the code that only shows).
    """
    notebook = notebook_of(study)
    return {
        "notebook": fingerprint.notebook(notebook),
        "helpers": fingerprint.modules_of(notebook),
        "drawn": drawing(study),
    }


def drawing(study: str) -> str:
    """Hash the code that a study's run shows its results with: cells that change none, and modules that only look."""
    notebook = notebook_of(study)
    return f"{fingerprint.notebook(notebook, aside=True)}-{fingerprint.code_of(notebook, looking=True)}"


def loaded() -> list[str]:
    """Name every module of `helpers` that this process has loaded and that computes."""
    return sorted(name for name, module in sys.modules.items() if module is not None and fingerprint.computes(name))


def changed(known: Mapping[str, Any]) -> list[str]:
    """Names of what has changed in a run's code since it was made: its notebook, modules of `helpers` that it loaded.

    Parameters
    ----------
    known : mapping
        ``provenance`` of the run.
    """
    notebook = notebook_of(known["study"])
    found = [] if _current(notebook) == known["notebook"] else [f"notebooks/{notebook.name}"]
    modules = {name: hashed for name, hashed in known["helpers"].items() if fingerprint.computes(name)}
    return found + [name for name, hashed in modules.items() if _current(_file(name)) != hashed]


def asked_otherwise(known: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Parameters that a run was made without, or with another value than is asked for now, and both values."""
    had = known["parameters"]
    return [f"{name} was {had.get(name)!r}, is {value!r}" for name, value in asked.items() if had.get(name) != value]


def _file(module: str) -> Path:
    return (paths.project() / "src").joinpath(*module.split(".")).with_suffix(".py")


def _current(file: Path) -> str | None:
    """Hash of the code in a module or notebook as it is now; None where there is none."""
    if not file.is_file():
        return None
    return fingerprint.notebook(file) if file.suffix == ".ipynb" else fingerprint.module(file)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def git_state() -> dict[str, object]:
    """Commit of the checkout and whether anything in it is uncommitted."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=paths.project(), capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit, changes = git("rev-parse", "--short=12", "HEAD"), git("status", "--porcelain")
    return {"commit": commit or "unknown", "dirty": bool(changes) if changes is not None else None}


def device(wanted: str) -> str:
    """The processor that did the work, in words."""
    torch = sys.modules.get("torch")
    if torch is not None and wanted in {"auto", "cuda"} and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {os.cpu_count()} cores"
