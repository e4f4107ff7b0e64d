"""Files of two folders, matched by the names of cases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from helpers.datasets.shared.files import MASK_ENDINGS, case_name
from helpers.errors import InputError
from helpers.scores.segments import read_fields
from helpers.scores.volumes import mask_files, not_read

# Files next to masks that nobody takes for one.
TABLES = (
    ".json",
    ".txt",
    ".csv",
    ".tsv",
    ".xlsx",
    ".xml",
    ".yaml",
    ".yml",
    ".md",
    ".log",
    ".pdf",
    ".py",
    ".db",
    ".ini",
)
UNREAD = "a file of a format that is not read"


class Found(NamedTuple):
    """Masks of a folder by the lower-case name of their case, and files of other formats in the same way."""

    masks: dict[str, Path]
    others: dict[str, Path]


def find(folder: str | Path, what: str) -> Found:
    """Find the masks of a folder: files, and folders of a case that hold masks.

    Raises
    ------
    InputError
        There is no such folder, or it holds two masks of one case.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{what} = {folder}", "there is no such folder", "Give the folder that holds the masks")
    masks: dict[str, Path] = {}
    others: dict[str, Path] = {}
    folders: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name.startswith(".") or name.endswith(TABLES):
            continue
        case = case_name(path.name).lower()
        if path.is_dir():
            if mask_files(path):
                folders[case] = path
        elif not name.endswith(MASK_ENDINGS):
            others.update(dict.fromkeys({case_name(stem).lower() for stem in _stems(path)}, path))
        elif case in masks:
            raise InputError(
                folder, f"holds two masks of one case, {masks[case].name} and {path.name}", "Keep one of them"
            )
        else:
            masks[case] = path
    masks = folders | masks
    return Found(masks, {case: path for case, path in others.items() if case not in masks})


def unread(here: Found, there: Found) -> set[str]:
    """Return the cases of which this folder has only a file of a format that is not read."""
    return here.others.keys() & (there.masks.keys() | there.others.keys())


def no_match(expert: object, first: Found, predicted: object, second: Found) -> InputError:
    """Make the error for two folders without a common case."""
    problem = f"no file names match ({len(first.masks)} expert masks found, {len(second.masks)} predicted)"
    others = [
        found.others[case] for found, other in ((first, second), (second, first)) for case in unread(found, other)
    ]
    if others:
        problem += f"; {not_read(min(others)).args[0]}"
    fix = "Give both masks of a case one file name, such as DUKE_000.nii.gz"
    if _zeros_apart(first, second):
        fix = "Write numbers alike: 1 and 001 are two names"
    return InputError(f"{expert} and {predicted}", problem, fix)


def notes(first: Found, second: Found) -> list[str]:
    """List remarks on names: formats that are not read, and numbers with and without leading zeros."""
    found = []
    for side, here, there in (("expert", first, second), ("predicted", second, first)):
        endings = sorted({here.others[case].suffix or "no ending" for case in unread(here, there)})
        if endings:
            found.append(
                f"{side} masks: {', '.join(endings)} is no mask format that is read: {', '.join(MASK_ENDINGS)}"
            )
    zeros = _zeros_apart(first, second)
    if zeros:
        note = "names that differ by leading zeros alone, as 1 and 001, were not matched"
        found.append(f"{note} ({zeros} case{'s' * (zeros != 1)})")
    return found


def _zeros_apart(first: Found, second: Found) -> int:
    """Count the names without a partner that would have one if numbers were written without leading zeros."""

    def bare(names: set[str]) -> set[str]:
        return {re.sub(r"\d+", lambda match: str(int(match[0])), name) for name in names}

    return len(bare(first.masks.keys() - second.masks.keys()) & bare(second.masks.keys() - first.masks.keys()))


def state(path: Path) -> list[int]:
    """Return size and time of change of a mask's files, to detect changes; an empty list if it cannot be found."""
    try:
        found = [file.stat() for file in (mask_files(path) if path.is_dir() else [path, *_data_files(path)])]
    except OSError:  # a dangling link: reported when it is read
        return []
    return [sum(status.st_size for status in found), max((status.st_mtime_ns for status in found), default=0)]


def _stems(path: Path) -> tuple[str, str]:
    """Return the name without its last ending, and without its last two."""
    return path.stem, Path(path.stem).stem


def _data_files(path: Path) -> list[Path]:
    """Return the file with the voxels of a file that holds the header alone."""
    ending = path.suffix.lower()
    names = []
    if ending == ".hdr":
        names = [path.with_suffix(".img").name]
    elif ending in {".mhd", ".nhdr"}:
        fields = read_fields(path)
        names = [fields.get("elementdatafile") or fields.get("data file") or fields.get("datafile") or ""]
    return [path.parent / name for name in names if name and (path.parent / name).is_file()]
