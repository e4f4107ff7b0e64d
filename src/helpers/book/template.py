"""New studies from the template: notebook, tiny profile and answers."""

from __future__ import annotations

import re
from pathlib import Path

from helpers import paths
from helpers.errors import InputError

NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*")


def new_study(name: str) -> list[Path]:
    """Copy the template under a study's name; the book's contents list a study that is there.

    Parameters
    ----------
    name : str
        Two digits and words in lower case, joined by underscores: "08_my_question".

    Returns
    -------
    list of Path
        Files that were written.

    Raises
    ------
    InputError
        The name cannot be used, or the study already exists.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"STUDY={name}", "not a valid name of a study", "Use the form 08_my_question")
    notebook, tiny = paths.notebooks() / f"{name}.ipynb", paths.notebooks() / "params" / f"{name}.tiny.yaml"
    answers = paths.notebooks() / "exercises" / f"{name}.yaml"
    for file in (notebook, tiny, answers):
        if file.exists():
            raise InputError(f"STUDY={name}", f"{file.name} exists already", "Choose another name, or edit that study")
    text = (paths.notebooks() / "template.ipynb").read_text(encoding="utf-8")
    text = text.replace('\\"template\\"', f'\\"{name}\\"')
    text = text.replace('"short": "Template"', f'"short": "{name[3:].replace("_", " ").capitalize()}"')
    text = text.replace("fig-template-", f"fig-{name[3:].replace('_', '-')}-")
    notebook.write_text(text, encoding="utf-8")
    tiny.write_bytes((paths.notebooks() / "params" / "template.tiny.yaml").read_bytes())
    answers.write_bytes((paths.notebooks() / "exercises" / "template.yaml").read_bytes())
    return [notebook, tiny, answers]
