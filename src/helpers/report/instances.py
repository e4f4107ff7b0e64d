"""Pages of the book, one for each run that is shown: a study's default run, and the runs in `notebooks/pages/`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report import ipynb, parameters
from helpers.report.private import HIDDEN, PLACES, shorten

MACHINE = (*PLACES, "DEVICE")  # parameters that set where a run is executed, not the computation
SUFFIX = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")  # it becomes part of file names and labels
FIELDS = {"name": str, "title": str, "parameters": dict}
# Optional fields: how `helpers.book.contents` lists the page.
LISTED = {"group": str, "short": str, "question": str, "after": str, "minutes": dict}


class Page(NamedTuple):
    """A page of the book and the run it is made from.

    A study's main page has the notebook's title. Each further page sets its `suffix`, `title` and `parameters`.
    """

    study: str
    suffix: str = ""
    title: str = ""
    parameters: dict[str, Any] = {}  # noqa: RUF012  read only
    about: dict[str, Any] = {}  # noqa: RUF012  fields of `LISTED`

    @property
    def name(self) -> str:
        """Return the page's file name without its extension."""
        return f"{self.study}_{self.suffix}" if self.suffix else self.study

    @property
    def label(self) -> str:
        """Return the short name that the page gives itself, or else one made from its file name."""
        name = " ".join(self.study.split("_")[1:]).capitalize()
        return str(self.about.get("short") or (f"{name} ({self.suffix})" if self.suffix else name))

    @property
    def words(self) -> list[str]:
        """Return the words that `make study` takes as PARAMS to repeat this run."""
        return [f"{name}={value}" for name, value in self.parameters.items()]

    @property
    def instance(self) -> str:
        """Return the name of the run's folder, the same as `make study` gives it."""
        return instance(self.words)

    def run(self, profile: str) -> Path:
        """Return the folder of the page's run at a profile (a size preset)."""
        return paths.runs() / profile / self.study / self.instance


def instance(words: list[str]) -> str:
    """Return a readable name for a run: `default`, or the parameters that were set in addition to the profile."""
    parts = (w.partition("=") for w in words)
    shown = sorted(f"{name}={_short(name, value)}" for name, _, value in parts if name not in MACHINE)
    # Not joined by commas: Snakemake splits the names of cluster jobs at commas.
    return "+".join(re.sub(r"[^\w=.-]", "_", part) for part in shown) or "default"


def _short(name: str, value: str) -> str:
    """Shorten a value for the name of a run's folder; files of one name in two folders have two names."""
    if name in HIDDEN and value:
        file = Path(value).expanduser().resolve()
        return f"{file.stem}-{hashlib.sha256(str(file).encode()).hexdigest()[:6]}"
    return str(shorten(name, value))


def computing(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as the provenance records them, without those that only set where a run is executed."""
    return {name: shorten(name, value) for name, value in values.items() if name not in MACHINE}


def pages(study: str) -> list[Page]:
    """List the pages of one study: its main page first, then those in `notebooks/pages/<study>.yaml`.

    Raises
    ------
    InputError
        The file cannot be read; or a page in it has no name, title or parameters, sets a parameter that the study
        does not take, is listed twice, or shows the same run as another page.
    """
    found = [Page(study, about=_about(study))]
    file = paths.notebooks() / "pages" / f"{study}.yaml"
    if not file.is_file():
        return found
    declared, shown = parameters.read(paths.notebooks() / f"{study}.ipynb"), {found[0].instance: study}
    for number, entry in enumerate(_entries(file.read_text(encoding="utf-8"), f"pages/{file.name}"), start=1):
        where = f"pages/{file.name}, page {number}"
        page = _page(study, entry, where)
        parameters.check(page.parameters, declared.types, declared.limits, where=where)
        # Setting a parameter to the notebook's default does not give a different run.
        other = {name: value for name, value in page.parameters.items() if value != declared.defaults[name]}
        run = page._replace(parameters=other).instance
        if page.name in shown.values():
            raise InputError(where, f"there are two pages {page.suffix}", "Give each page a different name")
        if run in shown:
            raise InputError(
                where, f"it shows the same run as page {shown[run]}", "Change a parameter that makes it different"
            )
        shown[run] = page.name
        found.append(page)
    return found


def book() -> dict[str, Page]:
    """Return every page that the book makes from a run, by page name.

    Raises
    ------
    InputError
        As in `pages`; or pages are listed for a study that does not exist, or two studies have pages with the same
        name.
    """
    studies = sorted(p.stem for p in paths.notebooks().glob("[0-9]*.ipynb"))
    for file in sorted((paths.notebooks() / "pages").glob("*")):
        if file.suffix != ".yaml" or file.stem not in studies:
            raise InputError(
                f"pages/{file.name}", "there is no such study", f"Name it <study>.yaml: {', '.join(studies)}"
            )
    found: dict[str, Page] = {}
    for page in (page for study in studies for page in pages(study)):
        if page.name in found:
            of = f"{found[page.name].study} and {page.study}"
            raise InputError(f"page {page.name}", f"two studies have this page, {of}", "Give one of them another name")
        found[page.name] = page
    return found


def _about(study: str) -> dict[str, Any]:
    """Return the fields of `LISTED` in a notebook's metadata; none if it is unreadable, as its run will report."""
    try:
        about = ipynb.read(paths.notebooks() / f"{study}.ipynb")["metadata"].get("study", {})
    except InputError:
        return {}
    return about if isinstance(about, dict) else {str(about): None}


def _entries(text: str, where: str) -> list[Any]:
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise InputError(where, f"not readable as YAML ({line})", "List pages as '- name: ...'") from None
    if not isinstance(entries, list):
        raise InputError(where, "expected a list of pages", "List pages as '- name: ...'")
    return entries


def _page(study: str, entry: Any, where: str) -> Page:
    fields = ", ".join((*FIELDS, *LISTED))
    if not isinstance(entry, dict) or (odd := set(entry) - {*FIELDS, *LISTED}):
        problem = f"unknown field {', '.join(map(str, odd))}" if isinstance(entry, dict) else f"{entry!r} is not a page"
        raise InputError(where, problem, f"A page has the fields {fields}")
    for field, kind in FIELDS.items():
        value = entry.get(field)
        if not isinstance(value, kind) or not value:
            problem = f"{field} is missing" if value is None else f"{field} is {value!r}"
            raise InputError(where, problem, f"A page has the fields {fields}; parameters are lines of NAME: value")
    if not SUFFIX.fullmatch(entry["name"]):
        fix = "Use small letters, digits and single hyphens"
        raise InputError(where, f"{entry['name']!r} cannot be the name of a page", fix)
    if "\n" in entry["title"].strip():
        raise InputError(where, "the title has more than one line", "Write a title of one line")
    if machine := [name for name in entry["parameters"] if name in MACHINE]:
        raise InputError(
            where, f"{machine[0]} names where a run is made", "Leave it out: a page names only choices of the study"
        )
    about = {field: entry[field] for field in LISTED if field in entry}
    return Page(study, entry["name"], entry["title"].strip(), entry["parameters"], about)
