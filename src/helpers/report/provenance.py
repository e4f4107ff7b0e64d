"""Where a result comes from: code, versions, data."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat

from helpers import fingerprint, paths

PACKAGES = ("biased-ruler", "numpy", "pandas", "scipy", "statsmodels", "matplotlib", "monai", "torch", "papermill")


ASIDE = {"explore", "exercise"}  # tags of cells that look at results and change none


def notebook_fingerprint(notebook: Path, *, aside: bool = False) -> str:
    """Hash of a notebook's code cells, without prose; cells of explorers and exercises change it only with `aside`."""
    cells = (c for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code")
    return fingerprint.code("\n".join(c.source for c in cells if aside or not ASIDE & set(c.metadata.get("tags", []))))


def computes(module: str) -> bool:
    """Whether numbers can depend on a module of `helpers`; those that only write, show, check answers or start are
    left out."""
    parts = module.split(".")
    looking = {"exercises", "figures", "report", "widgets", "workflow"}
    return parts[0] == "helpers" and (len(parts) == 1 or parts[1] not in looking)


def helpers_fingerprint() -> dict[str, str]:
    """Name and hash of every module of `helpers` that this process has loaded and that computes.

    Packages are left out: their own file only names what their modules define.
    """
    files = {
        name: Path(module.__file__)
        for name, module in sys.modules.items()
        if computes(name) and getattr(module, "__file__", None) and not hasattr(module, "__path__")
    }
    return {name: fingerprint.code(files[name].read_text(encoding="utf-8")) for name in sorted(files)}


def changed(known: Mapping[str, Any]) -> list[str]:
    """Names of what has changed in a run's code since it was made: its notebook, modules of `helpers` that it loaded.

    Parameters
    ----------
    known : mapping
        ``provenance`` of the run.
    """
    root, notebook = paths.project() / "src", paths.notebooks() / f"{known['study']}.ipynb"
    found = [] if _current(notebook) == known["notebook"] else [f"notebooks/{notebook.name}"]
    files = {name: root.joinpath(*name.split(".")).with_suffix(".py") for name in known["helpers"] if computes(name)}
    return found + [name for name, file in files.items() if _current(file) != known["helpers"][name]]


def asked_otherwise(known: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Parameters that a run was made without, or with another value than is asked for now, and both values."""
    had = known["parameters"]
    return [f"{name} was {had.get(name)!r}, is {value!r}" for name, value in asked.items() if had.get(name) != value]


def _current(file: Path) -> str | None:
    """Hash of the code in a module or notebook as it is now; None where there is none."""
    stat = file.stat() if file.is_file() else None
    return _hashed(file, stat.st_mtime_ns, stat.st_size) if stat else None


@functools.cache
def _hashed(file: Path, changed_ns: int, size: int) -> str:
    # By time of change: a sweep asks the same of thousands of runs.
    if file.suffix == ".ipynb":
        return notebook_fingerprint(file)
    return fingerprint.code(file.read_text(encoding="utf-8"))


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
