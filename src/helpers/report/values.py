"""Values of a result: nested, of JSON types, written to a file as a whole, and quoted in prose by name."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.keep import store

# Prefix of the types of an output that holds a value and is not shown; MyST-NB's `glue` writes the same outputs, but
# imports nbformat and its checker of schemas.
GLUED = "application/papermill.record/"


def write_json(place: Path, content: Any) -> None:
    """Write JSON to a file, either completely or not at all (atomically)."""
    with store.file(place) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def plain(value: Any, where: str) -> Any:
    """Convert a value to JSON types; refuse NaN.

    An infinite number, such as the open end of a ratio's interval, becomes None, because JSON has no infinity.
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray | pd.Index):
        return [plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and not math.isnan(value):
        return value if math.isfinite(value) else None
    raise InputError(where, f"{value!r} is not a number, text, list or mapping", "Store None and give the reason")


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested values to names such as `a.b.c`; items of a list are named by position."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        elif isinstance(value, list):
            flat |= flatten({str(i): v for i, v in enumerate(value)}, f"{name}.")
        else:
            flat[name] = value
    return flat


def glue(values: Mapping[str, Any]) -> None:
    """Make values available to the book's prose by their names (MyST-NB's glue); None becomes "not available"."""
    from IPython.core.formatters import format_display_data
    from IPython.display import display

    for name, value in values.items():
        data, metadata = format_display_data("not available" if value is None else value)
        mark = {"name": name, "mime_prefix": GLUED}
        display({f"{GLUED}{kind}": of for kind, of in data.items()}, raw=True, metadata={**metadata, "scrapbook": mark})
