"""A small project for tests of the workflow: the checkout with one study of two pages, which runs in a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import yaml

from tests.tiny import ROOT, but_compiled

STUDY = "00_shapes"
OPENING = """# How large is a disc?

**Data:** {glue:text}`source`, {glue:text}`shape`; see {numref}`fig-shapes-area` and [below](#the-area)."""
PARAMETERS = """SEED: int = 0  # seed
SOURCE: str = "simulated"  # no real shapes
DATASET: str = "disc"  # disc or square
SECONDS: float = 0.0  # to wait before the end
RUN_DIR: str = ""  # folder of the run"""
SETUP = f"""import os
import time

import matplotlib.pyplot as plt
import pandas as pd

from helpers import disclosure, figures, report

run = report.start("{STUDY}", globals(), limits={{"DATASET": ["disc", "square"]}})
figures.style()"""
FIGURE = "plt.subplots(figsize=(2, 2));"
RECORD = f"""time.sleep(SECONDS)
area = {{"disc": 3.14159, "square": 4.0}}[DATASET]
assert area < disclosure.SMALLEST_CELL
values = {{"shape": DATASET, "area": area, "threads": os.environ.get("OMP_NUM_THREADS")}}
claims = report.judge("{STUDY}", run.parameters, values)
report.record(run, values=values, claims=claims, dropped=pd.DataFrame(), cases=pd.DataFrame({{"seed": [SEED]}}))"""
CLAIM = {"id": "area", "statement": "Of radius one", "reference": "lopezperez2025generative", "statistic": "area"}
SECRET = "Xylophones explain the whole of this gap."
SOLUTION = f":::{{admonition}} Solution 1\n:class: dropdown\n{SECRET}\n:::"
CHECK = f'from helpers import exercises\n\nanswer_1 = None  # "two" or "three"\nexercises.check("{STUDY}", 1, answer_1)'
KEY = "1:\n  choose: [two, three]\n  salt: a\n  hash: b\n"
PAGES = [{"name": "square", "title": "How large is a square?", "parameters": {"DATASET": "square"}}]


def notebook() -> nbformat.NotebookNode:
    """The study, without outputs."""
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    look = {"figure": {"name": "fig-shapes-area", "caption": "Nothing."}, "image": {"alt": "Empty axes."}}
    cells = [markdown(OPENING), code(PARAMETERS, metadata={"tags": ["parameters"]}), code(SETUP)]
    cells += [markdown("(the-area)=\n## The area\n\nA figure:"), code(FIGURE, metadata={"mystnb": look}), code(RECORD)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def make(folder: Path) -> None:
    """Write the project into a folder."""
    own = shutil.ignore_patterns("tests", "notebooks", "recorded")
    shutil.copytree(ROOT, folder, ignore=lambda at, names: but_compiled(at, names) | own(at, names))
    for name in ("pages", "claims", "params", "sweeps"):
        (folder / "notebooks" / name).mkdir(parents=True)
    nbformat.write(notebook(), folder / "notebooks" / f"{STUDY}.ipynb")
    claim = {**CLAIM, "published": "3.14", "by": "digits", "scope": "cohort", "estimate": "area"}
    (folder / "notebooks" / "claims" / f"{STUDY}.yaml").write_text(yaml.safe_dump([claim]))
    (folder / "notebooks" / "pages" / f"{STUDY}.yaml").write_text(yaml.safe_dump(PAGES))
    (folder / "notebooks" / "params" / f"{STUDY}.tiny.yaml").write_text("SEED: 11\n")
    links = f"[A disc](studies/{STUDY}.ipynb), [a square](studies/{STUDY}_square.ipynb).\n"
    (folder / "book" / "intro.md").write_text(f"# Shapes\n\n{links}")
    (folder / "book" / "methods" / "verdicts.md").write_text("# Verdicts\n")
    files = ["studies/claims", "methods/verdicts", "references"]
    parts = [{"caption": "Start", "chapters": [{"file": file} for file in files]}]
    contents = {"format": "jb-book", "root": "intro", "parts": parts}
    (folder / "book" / "_toc.yml").write_text(yaml.safe_dump(contents))


def teach(folder: Path) -> None:
    """Give the study an exercise with its solution, and the book a page for teachers that the first page links."""
    path = folder / "notebooks" / f"{STUDY}.ipynb"
    study, markdown = nbformat.read(path, as_version=4), nbformat.v4.new_markdown_cell
    check = nbformat.v4.new_code_cell(CHECK, metadata={"tags": ["exercise"]})
    study.cells[-1:-1] = [markdown("## Exercises\n\n1. **Predict.** Why?"), check, markdown(SOLUTION)]
    nbformat.write(study, path)
    (folder / "notebooks" / "exercises").mkdir()
    (folder / "notebooks" / "exercises" / f"{STUDY}.yaml").write_text(KEY)
    (folder / "book" / "how-to" / "teach.md").write_text(f"# Teach with it\n\n{SECRET}\n")
    intro = folder / "book" / "intro.md"
    intro.write_text(intro.read_text() + "\nFor teachers there is [a guide](how-to/teach.md).\nOne more line.\n")
    contents = yaml.safe_load((folder / "book" / "_toc.yml").read_text())
    contents["parts"][0]["chapters"].append({"file": "how-to/teach"})
    (folder / "book" / "_toc.yml").write_text(yaml.safe_dump(contents))


def everything(folder):
    """Text of all files of a folder."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix not in {".woff", ".woff2", ".png", ".pickle"}]
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8", errors="replace") for p in files}
