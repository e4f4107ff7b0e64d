"""Write files and folders whole or not at all: next to their place first, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.errors import InputError

FIX = "Free some space, or give a folder that you may write to"


@contextmanager
def refused(place: Path, *, problem: str = "cannot be written", fix: str = FIX) -> Iterator[None]:
    """Turn an error of the disk within the block into one that names a place, the reason and what to do.

    An error about a file elsewhere, such as one that the block reads, is raised as it is.

    Parameters
    ----------
    place : Path
        The folder or file that the block uses.
    problem, fix : str
        Parts of the error message; the reason that the system gives follows `problem` in brackets.

    Raises
    ------
    InputError
        The block raises an OSError.
    """
    try:
        yield
    except OSError as error:
        named = Path(error.filename) if isinstance(error.filename, str) else place
        if not (named.is_relative_to(place.parent) or place.is_relative_to(named)):
            raise
        raise InputError(place, f"{problem} ({error.strerror or error})", fix) from error


@contextmanager
def file(place: Path, *, problem: str = "cannot be written", fix: str = FIX, durable: bool = False) -> Iterator[Path]:
    """Write a file: the block fills the path that it is given, which takes its place when the block ends well.

    Two processes may write the same file at once; the last to end is kept.

    Parameters
    ----------
    place : Path
        The file. Its folder is made if it is missing.
    problem, fix : str
        As in `refused`.
    durable : bool
        Whether to wait until the disk holds the file, which then survives a loss of power.

    Raises
    ------
    InputError
        The disk refuses. What was at `place` is still there.
    """
    part = _beside(place)
    try:
        with refused(place, problem=problem, fix=fix):
            place.parent.mkdir(parents=True, exist_ok=True)
            yield part
            if durable:
                _flush(part)
            part.replace(place)
            if durable and os.name == "posix":  # the new name, too, is then on the disk
                _flush(place.parent)
    finally:
        with contextlib.suppress(OSError):  # of a folder that cannot be used
            part.unlink(missing_ok=True)


@contextmanager
def folder(place: Path, *, problem: str = "cannot be written", fix: str = FIX, replace: bool = True) -> Iterator[Path]:
    """Write a folder: the block fills an empty one, which takes its place when the block ends well.

    Parameters
    ----------
    place : Path
        The folder.
    problem, fix : str
        As in `refused`.
    replace : bool
        Whether a folder that is at `place` by then is replaced; otherwise it stays.

    Raises
    ------
    InputError
        The disk refuses.
    """
    part = _beside(place)
    try:
        with refused(place, problem=problem, fix=fix):
            part.mkdir(parents=True)
            yield part
            settle(part, place, replace=replace)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def settle(made: Path, place: Path, *, replace: bool = True) -> None:
    """Give a finished folder its place, on the same disk; one that is there is replaced, or stays.

    The old folder is removed last, so it is still there if the new one cannot take its place.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = _beside(place)
    if replace:
        with contextlib.suppress(FileNotFoundError):
            place.rename(aside)
    try:
        made.rename(place)
    except OSError:
        if not replace and place.is_dir():  # another process was first
            return
        with contextlib.suppress(FileNotFoundError):
            aside.rename(place)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _beside(place: Path) -> Path:
    """Name a hidden path next to `place` that no other process writes to."""
    return place.with_name(f".{place.name}.{uuid.uuid4().hex[:12]}.part")


def _flush(path: Path) -> None:
    entry = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
