"""Folder of a MAMA-MIA download, and its two folders of masks."""

from __future__ import annotations

from pathlib import Path

from helpers.datasets.mama_mia import layout
from helpers.datasets.shared.files import find
from helpers.errors import InputError


def check_folder(root: str | Path) -> Path:
    """Return `root` as a Path; raise InputError unless it is a folder."""
    folder = Path(root).expanduser()
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise InputError(folder, problem, f"Give the folder that holds {layout.SPREADSHEET}")
    return folder


def masks(root: str | Path) -> tuple[Path, Path] | None:
    """Find the folders of expert and automatic masks. Return None if either is absent."""
    folder = check_folder(root)
    found = [find(folder, "segmentations", name) for name in ("expert", "automatic")]
    if any(path is None or not path.is_dir() for path in found):
        return None
    return found[0], found[1]
