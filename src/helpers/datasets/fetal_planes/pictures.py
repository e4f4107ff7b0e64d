"""Pictures of fetal planes: the file of each row, its state, and files with the same bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pandas as pd

from helpers.datasets.shared import formats, raster
from helpers.datasets.shared.files import Notes
from helpers.datasets.shared.folder import each_case
from helpers.errors import InputError

_SUFFIXES = {".png", ".jpg", ".jpeg"}


def with_pictures(cases: pd.DataFrame, folder: Path, notes: Notes, *, workers: int, progress: bool) -> pd.DataFrame:
    """Add the file and the digest of its bytes to each case, and keep the cases whose file can be decoded to 8 bits.

    Parameters
    ----------
    cases : DataFrame
        ``image`` is a file name without its ending, or a path of such a name below the folder; also ``patient``,
        ``plane`` and ``part``.
    folder : Path
    notes : list
        Counts of what was left out are added.
    workers : int
    progress : bool

    Raises
    ------
    InputError
        No row has a file that can be decoded.
    """
    from tqdm.auto import tqdm

    files = _files(folder)
    found = cases["image"].map(lambda name: files.get(_key(name)))
    notes += [
        ("images", "file of no row", len(set(files.values()) - set(found.dropna()))),
        ("images", "no such file: row left out", int(found.isna().sum())),
    ]
    cases = cases.assign(file=found.astype("str"))[found.notna()]
    looked = each_case(_looked_at, [(file,) for file in cases["file"]], workers)
    bar = tqdm(looked, desc="images", unit="image", total=len(cases), disable=not progress)
    state = pd.DataFrame(list(bar), columns=["problem", "digest"], index=cases.index, dtype="str")
    bad = state["problem"] != ""
    for problem, n in Counter(state["problem"][bad]).items():
        notes.append(("images", f"file {problem}: row left out", n))
    cases = cases.assign(digest=state["digest"])[~bad]
    if cases.empty:
        problem = f"holds no image of the {len(found)} rows that can be read"
        raise InputError(folder, problem, "Put the images below the folder of the table, or take images=False")
    notes += _same_bytes(cases)
    return cases


def _files(folder: Path) -> dict[str, str]:
    """Map the names of images, alone and after the name of their folder, to paths, those nearest to `folder` first."""
    files: dict[str, str] = {}
    for path in sorted(folder.rglob("*"), key=lambda p: (len(p.parts), p)):
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file():
            files.setdefault(_key(path.stem), str(path))
            files.setdefault(_key(f"{path.parent.name}/{path.stem}"), str(path))
    return files


def _key(name: str) -> str:
    name = name.replace("\\", "/").lower()
    return name.rpartition(".")[0] if name.endswith(tuple(_SUFFIXES)) else name


def _looked_at(file: str) -> tuple[str, str]:
    """Return the problem of an image file in words, empty if there is none, and the MD5 of its bytes."""
    try:
        content = Path(file).read_bytes()
        formats.check_bytes(raster.decode(content, file), file)
    except OSError:
        return "cannot be read", ""
    except InputError as error:
        return error.problem, ""
    return "", hashlib.md5(content, usedforsecurity=False).hexdigest()


def _same_bytes(cases: pd.DataFrame) -> Notes:
    """Count the files with the bytes of an earlier row's file."""
    first = cases.groupby("digest").transform("first")
    copy = cases["digest"].duplicated()
    counts = [("images", "file has the bytes of another: kept", int(copy.sum()))]
    for column in ("plane", "patient", "part"):
        differs = copy & (cases[column] != first[column])
        counts.append(("images", f"of these, with another {column}", int(differs.sum())))
    return counts
