"""Reader of saved OpenAlex pages: works with their day, references and words, each work once.

OpenAlex is CC0. The fields are those of its documentation of works; the files are what its interface returns, saved as
they are by the user. Nothing here goes to the network.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from helpers.datasets.shared.files import Notes, dropped_frame, one_line
from helpers.errors import InputError

FOLDER = "openalex"  # below the user's folder
_ID, _DOI = (
    re.compile(r"(?:https?://openalex\.org/(?:works/)?)?(W\d+)", re.I),
    re.compile(r"^https?://(dx\.)?doi\.org/"),
)
_WORDS = 4  # of a title, from which equal titles are one work: a preprint and its paper
_AGAIN = "Save the page again"


class OpenAlexWorks(NamedTuple):
    """Works of saved pages.

    works : DataFrame
        Columns ``openalex, title, published`` (text), ``text`` (title and abstract), ``dois`` and ``references``, a set
        of OpenAlex ids that is empty where the list is not known. The index has the id.
    same : dict
        From the id of a second copy of a work to the id that is kept.
    dropped : DataFrame
        Columns ``table, reason, n``: works that were left out or joined, and days that are doubtful.
    """

    works: pd.DataFrame
    same: dict[str, str]
    dropped: pd.DataFrame


def read_openalex(root: str | Path) -> OpenAlexWorks:
    """Read the works of ``<root>/openalex/*.json``, of which each is one work or one page of a list.

    Retracted works and works without a day are left out, and counted. Works of the same title of at least four words,
    as a preprint and its paper, are one, with the earlier day and the references of both. A day on 1 January is often
    only a year; it is kept, because the work appeared on that day or later, and counted.

    Raises
    ------
    InputError
        There is no such page, or one is cut off, holds an error of OpenAlex, or is neither a work nor a list.
    """
    folder = Path(root).expanduser() / FOLDER
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(folder, "there is no saved page, *.json", "book/how-to/review.md gives the calls")
    found: dict[str, dict[str, Any]] = {}
    notes: Notes = []
    for file in files:
        for entry in _entries(file):
            work = _work(file, entry)
            if entry.get("is_retracted"):
                notes.append((FOLDER, "retracted", 1))
            elif not work["published"]:
                notes.append((FOLDER, "without a day", 1))
            elif work["openalex"] not in found:
                found[work["openalex"]] = work
                notes.append((FOLDER, "kept, on 1 January, perhaps only a year", int(work["published"][5:] == "01-01")))
    same = _copies(found)
    for copy, kept in same.items():
        first, second = found[kept], found.pop(copy)
        for part in ("references", "dois"):
            first[part] |= second[part]
    notes.append((FOLDER, "joined, a second copy of a work", len(same)))
    for key, work in found.items():
        work["references"] = {same.get(other, other) for other in work["references"]} - {key}
    columns = ["openalex", "title", "published", "text", "dois", "references"]
    works = pd.DataFrame(list(found.values()), columns=columns, index=list(found))
    return OpenAlexWorks(works, same, dropped_frame(notes))


def matches(references: pd.Series, wanted: set[str]) -> list[tuple[str, str]]:
    """List the pairs of work and reference of which the reference is wanted: whole ids, not parts of a text.

    Parameters
    ----------
    references : Series of set of str
        Ids that each work cites; the index names the work.
    wanted : set of str
    """
    return [(work, one) for work, listed in references.items() for one in sorted(wanted & listed)]


def plain_id(text: str) -> str:
    """Return an OpenAlex id without its address, in upper case, or "" if the text is none."""
    found = _ID.fullmatch(text.strip())
    return found[1].upper() if found else ""


def plain_doi(text: str | None) -> str:
    """Return a DOI without its address, in lower case."""
    return _DOI.sub("", (text or "").strip().lower()).removeprefix("doi:")


def plain_title(text: str) -> str:
    """Return the words of a title in lower case, without marks and markup."""
    return " ".join(re.findall(r"\w+", re.sub(r"</?\w+[^>]*>", " ", text).casefold()))


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        page = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(file.name, f"is cut off or no JSON ({one_line(error)})", _AGAIN) from error
    if isinstance(page, dict) and "error" in page:
        raise InputError(file.name, f"holds an error of OpenAlex: {one_line(page['error'])}", _AGAIN)
    entries = page.get("results", [page]) if isinstance(page, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, dict) and one.get("id") for one in entries):
        raise InputError(file.name, "is neither a work nor a page of works", "Save the answer of /works as it is")
    return entries


def _work(file: Path, entry: dict[str, Any]) -> dict[str, Any]:
    key = plain_id(str(entry["id"]))
    if not key:
        raise InputError(file.name, f"holds the id {str(entry['id'])[:60]!r}, expected one such as W12", _AGAIN)
    title = " ".join(str(entry.get("title") or entry.get("display_name") or "(no title)").split())
    year = entry.get("publication_year")
    places = [(at, word) for word, ats in (entry.get("abstract_inverted_index") or {}).items() for at in ats]
    return {
        "openalex": key,
        "dois": {plain_doi(entry.get("doi"))} - {""},
        "title": title,
        "published": entry.get("publication_date") or (f"{year}-01-01" if year else ""),
        "text": " ".join([title, *(word for _, word in sorted(places))]),
        "references": {plain_id(str(one)) for one in entry.get("referenced_works") or []} - {""},
    }


def _copies(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Match later copies of a work to the earliest one of the same title."""
    first: dict[str, str] = {}
    same = {}
    for key, work in sorted(found.items(), key=lambda item: (item[1]["published"], item[0])):
        title = plain_title(work["title"])
        if len(title.split()) >= _WORDS and (kept := first.setdefault(title, key)) != key:
            same[key] = kept
    return same
