"""Checksums of the NIH label tables, by which the published ones are recognised."""

from __future__ import annotations

import hashlib
from pathlib import Path

from helpers.datasets.nih_labels import layout
from helpers.datasets.shared.files import find
from helpers.keep import store


def is_nih_release(root: str | Path) -> bool:
    """Return True if a folder holds the three published tables, byte by byte, and not others in the same layout.

    Raises
    ------
    InputError
        A table cannot be read.
    """
    places = {name: find(Path(root).expanduser(), name) for name in layout.TABLES}
    return all(file is not None and has_checksum(file, layout.TABLES[name]) for name, file in places.items())


def has_checksum(file: Path, expected: str) -> bool:
    """Return True if there is such a file with this SHA-256."""
    return file.is_file() and checksum_of(file) == expected


def checksum_of(file: Path) -> str:
    """Compute the SHA-256 of a file, in hex digits; raise InputError if it cannot be read."""
    with store.refused(file, problem="cannot be read", fix="Give a file that you may read"), file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
