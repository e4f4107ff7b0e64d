"""Parameters that name the user's folders and files, and the part of each that may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLACES = ("RUN_DIR", "DATA_ROOT", "SHIFTED_ROOT")  # folders of this machine: never shown, never compared
HIDDEN = ("IMAGES", "LABELS", "KEEP", "DUPLICATES", "FEATURES", "WEIGHTS")  # the user's tables and files: never shown
# Of the user's files and folders only the last part of the path is shown.
FILES = ("SCORES", "EXPERT", "PREDICTED", "FACTORS", "GRAPH")


def shorten(name: str, value: Any) -> Any:
    """Return a parameter's value as it may be shown, without any folder of this machine."""
    if name in (*PLACES, *HIDDEN) and value:
        return name
    return Path(value).name if name in FILES and value else value
