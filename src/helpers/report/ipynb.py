"""Reading and writing notebooks as plain JSON, because nbformat, which also validates them, takes seconds to import."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.errors import InputError

FORMAT, MINOR = 4, 5
JSON = re.compile(r"application/(.*\+)?json")  # MIME types of outputs that are not text
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)  # the title in the source of a Markdown cell
# Texts that a file stores as a list of lines: names in a cell or an output, and prefixes of MIME types.
LINES = ("source", "text", "application/javascript", "image/svg+xml")


def read(file: Path) -> dict[str, Any]:
    """Read a notebook.

    Returns
    -------
    dict
        ``cells``, ``metadata``, ``nbformat`` and ``nbformat_minor``, as in the notebook format 4.5.
        A cell has ``id``, ``cell_type``, ``metadata`` and ``source``; a code cell also ``execution_count`` and
        ``outputs``. Every text is one string. A cell without an id, as in older formats, gets ``cell-<number>``.

    Raises
    ------
    InputError
        The file cannot be read, or is not a notebook in format 4.
    """
    try:
        notebook = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(notebook, dict) or notebook.get("nbformat") != FORMAT:
            raise ValueError(f"expected format {FORMAT}")
        notebook["metadata"].keys()
        for number, cell in enumerate(notebook["cells"], start=1):
            _complete(cell, number)
    except OSError as error:
        raise _unreadable(file, error.strerror) from None
    except KeyError as error:
        raise _unreadable(file, f"{error} is missing") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(file, error) from None
    return notebook | {"nbformat_minor": max(MINOR, notebook.get("nbformat_minor", 0))}


def _unreadable(file: Path, why: object) -> InputError:
    return InputError(file.name, f"not a readable notebook ({why})", "Restore it from git")


def _complete(cell: dict[str, Any], number: int) -> None:
    """Join the lines of a cell's texts; fail if a part is missing or has the wrong type."""
    cell["metadata"].keys()
    cell.setdefault("id", f"cell-{number}")
    if cell["cell_type"] == "code":
        cell.setdefault("execution_count", None)
        cell["outputs"] = list(cell["outputs"])
    for holder, name in _texts(cell):
        if isinstance(holder[name], list):
            holder[name] = "".join(holder[name])
    if not isinstance(cell["source"], str):
        raise TypeError("a source is not text")


def _texts(cell: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each text of a cell and its outputs, as the dict that holds it and its key there."""
    yield cell, "source"
    outputs = cell.get("outputs", [])
    for bundle in [*cell.get("attachments", {}).values(), *(o["data"] for o in outputs if "data" in o)]:
        yield from ((bundle, kind) for kind in bundle if not JSON.fullmatch(kind))
    yield from ((output, "text") for output in outputs if "text" in output)


def text(notebook: dict[str, Any]) -> str:
    """Return the text of a notebook's file, the same as nbformat writes it."""
    written = copy.deepcopy(notebook)
    for holder, name in (found for cell in written["cells"] for found in _texts(cell)):
        if name.startswith(LINES) and isinstance(holder[name], str):
            holder[name] = holder[name].splitlines(keepends=True)
    return json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def tags(cell: dict[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    return cell["metadata"].get("tags", [])


def markdown(source: str) -> dict[str, Any]:
    """Make a Markdown cell with a random id."""
    return {"cell_type": "markdown", "id": uuid.uuid4().hex[:8], "metadata": {}, "source": source}
