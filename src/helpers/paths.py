"""Folders of data and runs; no other module reads or sets environment variables."""

from __future__ import annotations

import os
from pathlib import Path

from helpers.errors import InputError

DATA_VARIABLE = "BIASED_RULER_DATA"


def project() -> Path:
    """Find the root folder of the project, whatever the working directory."""
    for folder in (Path(__file__).resolve().parents[2], Path.cwd(), *Path.cwd().parents):
        if (folder / "_config.yml").is_file() and (folder / "notebooks").is_dir():
            return folder
    raise InputError(
        "project folder",
        f"no folder with _config.yml and notebooks/ at or above {Path.cwd()}",
        "Work inside a checkout of the book, or install the package with 'pip install -e .'",
    )


def data() -> Path:
    """Return the folder for data that the project makes itself (simulated cohorts, kept scores)."""
    return project() / "data"


def runs() -> Path:
    """Return the folder of executed notebooks and their results."""
    return project() / "runs"


def notebooks() -> Path:
    """Return the folder of the study notebooks."""
    return project() / "notebooks"


def recorded() -> Path:
    """Return the folder of recorded runs, which the book shows."""
    return project() / "book" / "recorded"


def data_root(given: str | Path = "") -> Path:
    """Return the folder of a real data set: `given`, else that in the environment variable ``BIASED_RULER_DATA``.

    Raises
    ------
    InputError
        Neither is set, or there is no such folder.
    """
    name = "DATA_ROOT" if given else DATA_VARIABLE
    value = str(given) or os.environ.get(DATA_VARIABLE, "")
    if not value:
        raise InputError(
            "DATA_ROOT",
            "no folder of real data is named",
            f"Set DATA_ROOT or the environment variable {DATA_VARIABLE}; data/README.md shows where to get the data",
        )
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"{name} = {value}",
            "it is a file, not a folder" if folder.exists() else "there is no such folder",
            "Give the folder of the download; data/README.md shows its layout",
        )
    return folder.resolve()


def variables(**more: str) -> dict[str, str]:
    """Return the environment variables for a process to start: those of this process, updated by `more`."""
    return {**os.environ, **more}


def let_threads_sleep() -> None:
    """Set ``OMP_WAIT_POLICY`` to passive, unless it is set.

    Two trainings at once that each use every core wait for each other's threads: GNU's OpenMP, with which PyTorch
    computes, lets a thread that waits spin on its core, which the other training needs. A passive thread leaves the
    core. OpenMP reads the variable when PyTorch is imported. No number changes.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def processes() -> int:
    """Return the number of processes that torchrun has started together; 1 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1
