"""New studies from the template: notebook, tiny profile, answers, and lines in the book's tables."""

from __future__ import annotations

import re
from pathlib import Path

from helpers import paths
from helpers.errors import InputError

NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*")
LAST = "      - file: studies/claims\n"  # the page of claims comes after the studies


def new_study(name: str) -> list[Path]:
    """Copy the template under a study's name, and add its page to the contents and to the table of run times.

    Parameters
    ----------
    name : str
        Two digits and words in lower case, joined by underscores: "08_my_question".

    Returns
    -------
    list of Path
        Files that were written or changed.

    Raises
    ------
    InputError
        The name cannot be used, the study already exists, or the contents lack the page of claims.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"STUDY={name}", "it cannot be the name of a study", "Use the form 08_my_question")
    notebook, tiny = paths.notebooks() / f"{name}.ipynb", paths.notebooks() / "params" / f"{name}.tiny.yaml"
    answers = paths.notebooks() / "exercises" / f"{name}.yaml"
    for file in (notebook, tiny, answers):
        if file.exists():
            raise InputError(
                f"STUDY={name}", f"{file.name} is there already", "Choose another name, or edit that study"
            )
    contents = paths.project() / "book" / "_toc.yml"
    listed = contents.read_text(encoding="utf-8")
    if listed.count(LAST) != 1:
        raise InputError(contents.name, "the line 'file: studies/claims' is not there once", "Put it back")
    text = (paths.notebooks() / "template.ipynb").read_text(encoding="utf-8")
    text = text.replace('\\"template\\"', f'\\"{name}\\"')
    text = text.replace("fig-template-", f"fig-{name[3:].replace('_', '-')}-")
    notebook.write_text(text, encoding="utf-8")
    tiny.write_bytes((paths.notebooks() / "params" / "template.tiny.yaml").read_bytes())
    answers.write_bytes((paths.notebooks() / "exercises" / "template.yaml").read_bytes())
    minutes = paths.project() / "book" / "how-to" / "minutes.csv"
    title = name[3:].replace("_", " ").capitalize()
    with minutes.open("a", encoding="utf-8") as table:
        table.write(f"[{title}](../studies/{name}.ipynb){4 * ',not yet measured'}\n")
    contents.write_text(listed.replace(LAST, f"      - file: studies/{name}\n{LAST}"), encoding="utf-8")
    return [notebook, tiny, answers, minutes, contents]
