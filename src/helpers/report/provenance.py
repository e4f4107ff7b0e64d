"""Provenance of a result: code, package versions, commit and device."""

from __future__ import annotations

import hashlib
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
    """Return the file of a study's notebook."""
    return paths.notebooks() / f"{study}.ipynb"


def code_of(study: str) -> dict[str, Any]:
    """Describe the code that a study computes with.

    Returns
    -------
    dict
        ``notebook`` (hash of the cells that compute), ``helpers`` (hash of each module that they compute with, by name)
        and ``drawn`` (hash of the code that only shows results, and of the published claims).
    """
    notebook = notebook_of(study)
    return {
        "notebook": fingerprint.notebook(notebook),
        "helpers": fingerprint.modules_of(notebook),
        "drawn": drawing(study),
    }


def drawing(study: str) -> str:
    """Hash all code cells of a study's notebook, the modules that it only draws or shows results with, and its claims.

    Claims are judged by a rule from values, so that another margin or word makes no value old.
    """
    notebook = notebook_of(study)
    files = sorted((paths.notebooks() / "claims").glob(f"{study}.*yaml"))
    published = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    code = f"{fingerprint.notebook(notebook, aside=True)}-{fingerprint.code_of(notebook, looking=True)}"
    return f"{code}-{published}"


def loaded() -> list[str]:
    """List the loaded modules of `helpers` that numbers can depend on."""
    return sorted(name for name, module in sys.modules.items() if module is not None and fingerprint.computes(name))


def changed(known: Mapping[str, Any]) -> list[str]:
    """List the parts of a run's code that have changed since it was made: its notebook and its modules of `helpers`.

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
    """List parameters that the run did not have, or had with another value than is asked for now, with both values."""
    had = known["parameters"]
    return [f"{name} was {had.get(name)!r}, is {value!r}" for name, value in asked.items() if had.get(name) != value]


def _file(module: str) -> Path:
    return (paths.project() / "src").joinpath(*module.split(".")).with_suffix(".py")


def _current(file: Path) -> str | None:
    """Hash the current code of a module or notebook; None if the file does not exist."""
    if not file.is_file():
        return None
    return fingerprint.notebook(file) if file.suffix == ".ipynb" else fingerprint.module(file)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def git_state() -> dict[str, object]:
    """Return the commit of the checkout, and whether it has uncommitted changes (None if git cannot tell)."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=paths.project(), capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit, changes = git("rev-parse", "--short=12", "HEAD"), git("status", "--porcelain")
    return {"commit": commit or "unknown", "dirty": bool(changes) if changes is not None else None}


def device(wanted: str) -> str:
    """Describe the processor that does the work: the GPU if PyTorch is loaded and may use one, else the CPU."""
    torch = sys.modules.get("torch")
    if torch is not None and wanted in {"auto", "cuda"} and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {os.cpu_count()} cores"
