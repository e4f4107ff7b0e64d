"""Parameters that name folders and files of the reader, and what may be shown of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLACES = ("RUN_DIR", "DATA_ROOT", "SHIFTED_ROOT")  # folders of this machine: never shown, never compared
FILES = ("SCORES", "EXPERT", "PREDICTED")  # the reader's own files and folders: shown by their last name


def shorten(name: str, value: Any) -> Any:
    """A parameter's value as it may be shown: no folder of this machine."""
    if name in PLACES and value:
        return name
    return Path(value).name if name in FILES and value else value
