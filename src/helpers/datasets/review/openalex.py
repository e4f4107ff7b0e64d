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

from helpers.datasets.review.layout import FORMS, is_day
from helpers.datasets.shared.files import Notes, dropped_frame, one_line
from helpers.errors import InputError

FOLDER = "openalex"  # below the user's folder
_ID, _DOI = (
    re.compile(r"(?:https?://openalex\.org/(?:works/)?)?(W\d+)", re.I),
    re.compile(r"^https?://(dx\.)?doi\.org/"),
)
_WORDS = 4  # of a title, from which equal titles are one work: a preprint and its paper
_AGAIN = "Save each answer of OpenAlex as it is, one page a file, not packed"
_FIELDS: dict[str, tuple[type, str]] = {  # fields that are read, and their type; each may be null
    "doi": (str, "text"),
    "title": (str, "text"),
    "display_name": (str, "text"),
    "publication_date": (str, "a day such as 2026-11-30"),
    "publication_year": (int, "a year"),
    "referenced_works": (list, "a list of ids"),
    "abstract_inverted_index": (dict, "words with lists of their places"),
    "is_retracted": (bool, "true or false"),
}


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
    """Read the works of ``<root>/openalex/*.json``, of which each is one work, a list of works or a page of a list.

    Retracted works and works without a day are left out, and counted. A work in several files is one, with the
    references of all; so are works of the same title of at least four words, as a preprint and its paper, which have
    the earlier day. A day on 1 January is often only a year; it is kept, because the work appeared on that day or
    later, and counted. Works of a list that no page here has are counted too: the list was not saved to its end.

    Raises
    ------
    InputError
        There is no such page, another file, or no work that is left; or a page is cut off, holds an error of OpenAlex,
        is neither a work nor a list, or has a field of another form than OpenAlex documents.
    """
    folder = Path(root).expanduser() / FOLDER
    files = sorted(p for p in folder.glob("*") if not p.name.startswith("."))
    if not files:
        raise InputError(folder, "there is no saved page, *.json", "book/how-to/review.md gives the calls")
    found: dict[str, dict[str, Any]] = {}
    gone: dict[str, str] = {}
    lists: dict[int, int] = {}
    for file in files:
        for entry in _entries(file, lists):
            work = _work(file, entry)
            key = work["openalex"]
            if entry.get("is_retracted"):
                gone[key] = "retracted"
            elif not work["published"]:
                gone.setdefault(key, "without a day")
            elif key in found:
                _join(found[key], work)
            else:
                found[key] = work
    retracted = {key for key, why in gone.items() if why == "retracted"}
    found = {key: work for key, work in found.items() if key not in retracted}
    if not found:
        raise InputError(folder, "holds no work that has a day and is not retracted", "Save works that cite your data")
    notes: Notes = [(FOLDER, why, 1) for key, why in gone.items() if key not in found]
    same = _copies(found)
    for copy, kept in same.items():
        _join(found[kept], found.pop(copy))
    notes.append((FOLDER, "joined, a second copy of a work", len(same)))
    for key, work in found.items():
        work["references"] = {same.get(other, other) for other in work["references"]} - {key}
        notes.append((FOLDER, "kept, on 1 January, perhaps only a year", int(work["published"][5:] == "01-01")))
    notes += [(FOLDER, "not saved, of a list that goes on", max(n - saved, 0)) for n, saved in lists.items()]
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


def _entries(file: Path, lists: dict[int, int]) -> list[dict[str, Any]]:
    """Read the works of a file; `lists` gets, for each length of a list, how many of its works are here."""
    if file.suffix.lower() != ".json":
        raise InputError(file.name, "is no page, *.json", _AGAIN)
    try:
        page = json.loads(file.read_bytes())  # of any encoding that JSON may have
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(file.name, f"is cut off or no JSON ({one_line(error)})", _AGAIN) from error
    if isinstance(page, dict) and "error" in page:
        words = ": ".join(str(page[name]) for name in ("error", "message") if page.get(name))
        raise InputError(
            file.name, f"holds an error of OpenAlex: {one_line(words)}", "Mend the call, and save it again"
        )
    entries = page.get("results", [page]) if isinstance(page, dict) else page
    if not isinstance(entries, list) or not all(isinstance(one, dict) and one.get("id") for one in entries):
        raise InputError(file.name, "is neither a work nor a page of works", "Save the answer of /works as it is")
    known = page.get("meta") if isinstance(page, dict) else None
    if isinstance(known, dict) and isinstance(known.get("count"), int):
        lists[known["count"]] = lists.get(known["count"], 0) + len(entries)
    return entries


def _work(file: Path, entry: dict[str, Any]) -> dict[str, Any]:
    key = plain_id(str(entry["id"]))
    if not key:
        raise InputError(file.name, f"holds the id {str(entry['id'])[:60]!r}, expected one such as W12", _AGAIN)

    def refuse(name: str, value: object, expected: str) -> None:
        where = f"{file.name}, work {key}, field {name}"
        raise InputError(where, f"holds {str(value)[:60]!r}, expected {expected}", _AGAIN)

    for name, (kind, expected) in _FIELDS.items():
        if entry.get(name) is not None and not isinstance(entry[name], kind):
            refuse(name, entry[name], expected)
    year, day = entry.get("publication_year"), entry.get("publication_date")
    published = day or (f"{year:04}-01-01" if year else "")
    if published and not is_day(published):
        refuse("publication_date", published, "a day such as 2026-11-30")
    references = {one: plain_id(str(one)) for one in map(str, entry.get("referenced_works") or [])}
    for one, plain in references.items():
        if not plain:
            refuse("referenced_works", one, "ids such as W12")
    index = entry.get("abstract_inverted_index") or {}
    for word, places in index.items():
        if not isinstance(places, list) or not all(isinstance(place, int) for place in places):
            refuse("abstract_inverted_index", {word: places}, "words with lists of their places")
    title = _readable(entry.get("title") or entry.get("display_name") or "(no title)")
    doi = plain_doi(entry.get("doi"))
    return {
        "openalex": key,
        "dois": {doi} if re.match(FORMS["doi"][0], doi) else set(),
        "title": title,
        "published": published,
        "text": _readable(
            " ".join([title, *(word for _, word in sorted((k, word) for word in index for k in index[word]))])
        ),
        "references": set(references.values()),
    }


def _readable(text: str) -> str:
    """Replace half characters, which no file can hold, and runs of blanks."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _join(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Add to a work what a second copy of it has, with the earlier day and the longer text."""
    for part in ("references", "dois"):
        first[part] |= second[part]
    first["published"] = min(first["published"], second["published"])
    first["text"] = max(first["text"], second["text"], key=len)


def _copies(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Match later copies of a work to the earliest one of the same title."""
    first: dict[str, str] = {}
    same = {}
    for key, work in sorted(found.items(), key=lambda item: (item[1]["published"], item[0])):
        title = plain_title(work["title"])
        if len(title.split()) >= _WORDS and (kept := first.setdefault(title, key)) != key:
            same[key] = kept
    return same
