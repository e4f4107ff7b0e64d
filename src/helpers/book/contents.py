"""Contents of the book, made from the studies that are there: groups, questions, run times, and pages of functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report import instances, ipynb
from helpers.report.instances import LISTED, Page

# What a reader wants to know, in the order of the contents; the last is for studies that name no group.
GROUPS = {
    "gap": "Is there a gap?",
    "cause": "Where does it come from?",
    "warning": "Does the model warn?",
    "explanation": "Can it explain?",
    "help": "What helps?",
    "own": "Your own data",
    "": "Further studies",
}
MACHINES = {
    "quick": "laptop, quick: minutes",
    "more": "laptop, more: minutes",
    "colab": "Colab-class GPU",
    "gpu": "full GPU, published size: hours",
}
NOT_YET = "not yet measured"
MEASURED = re.compile(rf"\d.*|{NOT_YET}|uses none")
INDEX = "studies/api/index"
ESCAPED = "\\|"  # in a cell of a table


class Entry(NamedTuple):
    """A page as the contents list it.

    page : Page
        The page.
    group : str
        A key of `GROUPS`.
    short : str
        A short name for the sidebar and for tables.
    question : str
        The reader's question that the page answers.
    after : str
        The study that it follows in its group; empty for its place by name.
    minutes : dict
        Run times by the keys of `MACHINES`.
    """

    page: Page
    group: str
    short: str
    question: str
    after: str
    minutes: dict[str, str]

    @property
    def place(self) -> tuple[int, str, bool]:
        """Return the key by which pages are sorted; pages of one study keep their order."""
        return list(GROUPS).index(self.group), self.after or self.page.study, bool(self.after)


def entries() -> list[Entry]:
    """List all pages of studies as the contents show them: by group, then by study.

    A study describes itself in its notebook's metadata, under `study`: `group`, `short`, `question`, `after` and
    `minutes`. A further page has the same fields in `notebooks/pages/<study>.yaml`, and the group, question and place
    of its study where it has none. All fields are optional.

    Raises
    ------
    InputError
        A field is not known or has the wrong type, or a run time is not a number, "not yet measured" or "uses none".
    """
    found: dict[str, Entry] = {}
    known = instances.book()
    for page in known.values():
        if page.suffix:
            where, main = f"pages/{page.study}.yaml, page {page.suffix}", found[page.study]
            default = {"group": main.group, "question": main.question, "after": main.after}
        else:
            where = f"{page.study}.ipynb, metadata, study"
            default = {"group": "", "question": _title(page.study), "after": ""}
        about = default | _checked(page.about, where)
        if about["after"] not in ("", *known):
            raise InputError(f"{where}, after", f"there is no study {about['after']!r}", "Name one that is there")
        times = {machine: str(about.get("minutes", {}).get(machine, NOT_YET)) for machine in MACHINES}
        found[page.name] = Entry(page, about["group"], page.label, about["question"], about["after"], times)
    return sorted(found.values(), key=lambda entry: entry.place)


def _title(study: str) -> str:
    notebook = ipynb.read(paths.notebooks() / f"{study}.ipynb")
    texts = (ipynb.TITLE.search(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return next((title[1] for title in texts if title), study)


def _checked(about: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the fields of a page; refuse what the contents cannot show."""
    if odd := sorted(set(about) - set(LISTED)):
        raise InputError(where, f"unknown field {', '.join(odd)}", f"Give any of {', '.join(LISTED)}")
    for field, value in about.items():
        if not isinstance(value, LISTED[field]) or not value or "\n" in str(value):
            raise InputError(f"{where}, {field}", f"got {value!r}", "Write one line, or run times for minutes")
    if (group := about.get("group")) not in (None, *GROUPS):
        names = ", ".join(name for name in GROUPS if name)
        raise InputError(f"{where}, group", f"must be one of {names}, got {group!r}", "Name one, or leave it out")
    for machine, time in about.get("minutes", {}).items():
        if machine not in MACHINES:
            raise InputError(f"{where}, minutes", f"{machine!r} is not a column", f"Columns are {', '.join(MACHINES)}")
        if not MEASURED.fullmatch(str(time)):
            fix = f"Write a number, {NOT_YET} or uses none"
            raise InputError(f"{where}, minutes, {machine}", f"got {time!r}", fix)
    return about


def write(place: Path) -> None:
    """Write the contents to `place`, a `_toc.yml`, and next to it the parts that hand-written pages include.

    These are `questions.md`, `minutes.md` and, in the folder `api`, a page of functions for each room of studies.
    """
    listed = entries()
    api = place.with_name("api")
    api.mkdir(parents=True, exist_ok=True)
    place.write_text(yaml.safe_dump(table(listed), sort_keys=False, allow_unicode=True), encoding="utf-8")
    place.with_name("questions.md").write_text(questions(listed), encoding="utf-8")
    place.with_name("minutes.md").write_text(minutes(listed), encoding="utf-8")
    (api / "index.md").write_text(index(), encoding="utf-8")
    for room in rooms():
        (api / f"{room.name}.md").write_text(functions(room), encoding="utf-8")


def write_one(page: str, place: Path) -> None:
    """Write the contents of a book of one page to `place`, a `_toc.yml`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"format: jb-book\nroot: studies/{page}\n", encoding="utf-8")


def table(listed: Iterable[Entry]) -> dict[str, Any]:
    """Return the whole table of contents: that of `book/_toc.yml`, with the studies after its first part.

    The pages of functions of studies are put under `api/index`.
    """
    contents = yaml.safe_load((paths.project() / "book" / "_toc.yml").read_text(encoding="utf-8"))
    parts: dict[str, list[dict[str, str]]] = {}
    for entry in listed:
        chapter = {"file": f"studies/{entry.page.name}", "title": entry.short}
        parts.setdefault(GROUPS[entry.group], []).append(chapter)
    studies = [{"caption": caption, "chapters": chapters} for caption, chapters in parts.items()]
    contents["parts"] = [*contents["parts"][:1], *studies, *contents["parts"][1:]]
    for chapter in (chapter for part in contents["parts"] for chapter in part["chapters"]):
        for section in [chapter, *chapter.get("sections", [])]:
            if section["file"] == INDEX:
                section["sections"] = [{"file": f"studies/api/{room.name}", "title": room.name} for room in rooms()]
    return contents


def questions(listed: Iterable[Entry]) -> str:
    """Return a Markdown table for each group: the questions, and the pages that answer them."""
    rows: dict[str, dict[str, list[str]]] = {}
    for entry in listed:
        link = f"[{entry.short}](studies/{entry.page.name}.ipynb)"
        rows.setdefault(GROUPS[entry.group], {}).setdefault(entry.question, []).append(link)
    parts = []
    for caption, asked in rows.items():
        lines = "".join(f"| {q.replace('|', ESCAPED)} | {'; '.join(links)} |\n" for q, links in asked.items())
        parts.append(f"## {caption}\n\n| you ask | read |\n|---|---|\n{lines}")
    return "\n".join(parts)


def minutes(listed: Iterable[Entry]) -> str:
    """Return the Markdown table of run times, with a row for each page of which any is known."""
    head = ["study", *MACHINES.values()]
    rows = [
        [f"[{entry.short}](../studies/{entry.page.name}.ipynb)", *entry.minutes.values()]
        for entry in listed
        if not entry.page.suffix or set(entry.minutes.values()) != {NOT_YET}
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])


def rooms() -> list[Path]:
    """List the rooms of studies: packages under `helpers/studies`."""
    return sorted(p.parent for p in (paths.project() / "src" / "helpers" / "studies").glob("*/__init__.py"))


def functions(room: Path) -> str:
    """Return the page of a room's functions: those of the package, then those of each module that it makes public."""
    package, public = f"helpers.studies.{room.name}", {}
    if (stub := room / "__init__.pyi").is_file():
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                public.setdefault(str(node.module), []).extend(alias.name for alias in node.names)
    modules = public.get(package, [])
    text = f"# {package}\n\n{_directive(package, modules)}"
    for module in modules:
        name = f"{package}.{module}"
        text += f"\n## {module.capitalize()}\n\n{_directive(name, public.get(name, []))}"
    return text


def _directive(module: str, left_out: list[str]) -> str:
    exclude = f"   :exclude-members: {', '.join(left_out)}\n" if left_out else ""
    return f"```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n{exclude}```\n"


def index() -> str:
    """Return the page that lists the rooms of studies, each with the first line of its docstring."""
    rows = "".join(f"| {{doc}}`{room.name}` | {_first_line(room)} |\n" for room in rooms())
    return f"""# helpers.studies

A room for each study: its experiment, its summaries, its views.
They call the rest of the package. Nothing else imports them, and no study imports another.

| study | functions for |
|---|---|
{rows}"""


def _first_line(room: Path) -> str:
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or room.name).splitlines()[0]
