"""Finished cases on disk, safe against a run that is killed at any moment.

Cases are appended to a file as they finish, one line of JSON each. A line that a killed run left incomplete is not
valid JSON, so it is never taken for a result. The next call starts a new line and scores that case again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

from helpers.errors import InputError


def read(file: Path, key: str, columns: tuple[str, ...]) -> dict[str, dict]:
    """Read the complete records of this key by case; if a case has several, the last one counts."""
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable(file, error) from error
    records = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:  # an incomplete line
            continue
        if isinstance(record, dict) and record.get("key") == key and {"name", "state", *columns} <= record.keys():
            records[record["name"]] = record
    return records


def open_end(file: Path) -> BinaryIO:
    """Open the file for appending, unbuffered and at the start of a line."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+b", buffering=0)
    except OSError as error:
        raise _unusable(file, error) from error
    if stream.seek(0, os.SEEK_END):
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")
    return stream


def append(stream: BinaryIO, file: Path, record: dict) -> None:
    """Write one record as one line."""
    try:
        stream.write((json.dumps(record) + "\n").encode())
    except OSError as error:
        raise _unusable(file, error) from error


def _unusable(file: Path, error: OSError) -> InputError:
    return InputError(
        f"keep = {file}",
        f"finished cases cannot be written ({error.strerror or error})",
        "Name a file in a folder that can be written to",
    )
