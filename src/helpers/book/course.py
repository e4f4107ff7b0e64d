"""Students' copy of the project: everything that is needed to run the studies, without the solutions."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.errors import InputError
from helpers.keep import store
from helpers.report import ipynb

# Glob patterns from the project's root.
COPIED = ("book", "notebooks", "src/helpers", "profiles", "data/README.md", "Makefile", "Snakefile")
COPIED += ("*.yml", "*.toml", "*.lock", "*.cff", "LICENSE*")
TEACHERS = ("book/how-to/teach.md", "notebooks/assignment")  # files that are only for teachers
# A line of prose is one sentence: lines that link to the teacher's guide are removed with it.
TO_TEACHERS = re.compile(r"^.*\bhow-to/teach\b.*\n|^.*\(teach\.md\).*\n", re.MULTILINE)
SOLUTION = re.compile(r"\{admonition\} *Solution\b", re.IGNORECASE)
# Targets of the Makefile that need files which students do not get; each is removed with the comment above it.
OURS = "student book-student test test-all test-slow test-browser faults mutants bench restamp lint".replace(" ", "|")
TARGETS = rf"(?:^#.*\n)?^(?:{OURS}):.*\n(?:\t.*\n)+\n?"
README = """# The Biased Ruler, course copy

The studies of the book, for students.

```bash
make lab     # makes .venv and opens JupyterLab on the notebooks; Run All needs neither data nor a GPU
make book    # runs every study at its quick size and builds the pages
```

Each study ends with three exercises.
A check cell below each says whether your answer is right; nothing is sent anywhere.
Without make: `pip install -r requirements.lock`, `pip install --no-deps -e .`, `jupyter lab notebooks`.

Code: MIT. Prose: CC BY 4.0.
"""


def is_solution(cell: dict[str, Any]) -> bool:
    """Return True if a notebook's cell is a solution: tagged `solution`, or an admonition with that title."""
    return "solution" in ipynb.tags(cell) or cell["source"].startswith(":::{admonition} Solution")


def without_solutions(notebook: Path) -> str:
    """Return the text of a notebook, stripped or executed, without its solutions.

    Raises
    ------
    InputError
        A solution is part of another cell, so that it would not be removed.
    """
    read = ipynb.read(notebook)
    read["cells"] = [cell for cell in read["cells"] if not is_solution(cell)]
    texts = [cell for cell in read["cells"] if cell["cell_type"] == "markdown"]
    if left := [cell["id"] for cell in texts if SOLUTION.search(cell["source"])]:
        raise InputError(
            f"{notebook.name}, cell {left[0]}",
            "the cell holds a solution and other text",
            "Move the solution to a separate cell",
        )
    return ipynb.text(read)


def write(*, pages: bool = False) -> Path:
    """Write the students' copy, replacing an earlier one, and return its folder, `_build/student`.

    Parameters
    ----------
    pages : bool
        Include the executed pages of the book, from which the students' book is built; the folder is then
        `_build/student-book`.

    Raises
    ------
    InputError
        As in `without_solutions`, or `pages` is set and the book's pages do not exist.
    """
    root = paths.project()
    place = root / "_build" / ("student-book" if pages else "student")
    if pages and not list((root / "book" / "studies").glob("*.ipynb")):
        raise InputError("book/studies", "there are no pages of the studies", "Make them: make book")
    scratch = place.with_name(f".{place.name}")
    shutil.rmtree(scratch, ignore_errors=True)

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(root).as_posix()
        made = {"studies"} if here == "book" and not pages else set()
        theirs = {name for name in names if f"{here}/{name}" in TEACHERS}
        return theirs | made | {n for n in names if n.startswith(".") or n.endswith((".egg-info", "__pycache__"))}

    for source in (path for pattern in COPIED for path in root.glob(pattern)):
        copy = scratch / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=left_out)
        else:
            shutil.copy2(source, copy)
    for notebook in [*(scratch / "notebooks").rglob("*.ipynb"), *(scratch / "book").rglob("*.ipynb")]:
        notebook.write_text(without_solutions(notebook), encoding="utf-8")
    for prose in [*(scratch / "book").rglob("_toc.yml"), *(scratch / "book").rglob("*.md")]:
        text = prose.read_text(encoding="utf-8")
        if TO_TEACHERS.search(text):
            prose.write_text(TO_TEACHERS.sub("", text), encoding="utf-8")
    makefile = scratch / "Makefile"
    text = makefile.read_text(encoding="utf-8")
    makefile.write_text(re.sub(TARGETS, "", text, flags=re.MULTILINE), encoding="utf-8")
    (scratch / "README.md").write_text(README, encoding="utf-8")
    store.settle(scratch, place)
    return place
