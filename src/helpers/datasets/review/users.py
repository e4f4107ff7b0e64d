"""Tables of a review with the user's saved works: which of them use its data sets, and which cite its reports."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from helpers.datasets.review.checking import Tables, checked
from helpers.datasets.review.citations import as_table
from helpers.datasets.review.layout import TABLES
from helpers.datasets.review.loader import load_review
from helpers.datasets.review.openalex import OpenAlexWorks, matches, plain_doi, plain_id

OWN = "review"  # folder of the user's tables, below the user's folder
ELSEWHERE = "elsewhere"  # the work that every reference list has, so that a list is known to be there
_SOURCE = "saved OpenAlex pages"


def user_review(root: str | Path) -> Tables:
    """Load the review that a user's works are compared with: ``<root>/review/*.csv`` if there is one, or the book's."""
    folder = Path(root).expanduser() / OWN
    return load_review(folder if folder.exists() else "")


def with_works(tables: Tables, saved: OpenAlexWorks) -> Tables:
    """Add saved works to the tables of a review, which stay as they are.

    A saved work is a work of the review if OpenAlex's id or a DOI is the same, and the paper of a data set if a DOI is
    the data set's. It uses a data set if it cites that paper (``cited``), or if title or abstract have the data set's
    name as whole words (``mentioned``).

    Parameters
    ----------
    tables : dict of str to DataFrame
    saved : OpenAlexWorks

    Returns
    -------
    dict of str to DataFrame
        Tables of the same layout. Titles are as OpenAlex has them, and may hold markup: show them as text.

    Raises
    ------
    InputError
        A rule of the layout is broken, such as two works with one id.
    """
    works, known = saved.works, tables["work"]
    name_of = {plain_id(one): key for one, key in zip(known["openalex"], known["work_id"], strict=True) if one}
    by_doi = {plain_doi(one): key for one, key in zip(known["doi"], known["work_id"], strict=True) if one}
    copies = {kept: copy for copy, kept in saved.same.items() if copy in name_of}
    for row in works.itertuples():
        if row.openalex in copies:
            name_of.setdefault(row.openalex, name_of[copies[row.openalex]])
        name_of.setdefault(row.openalex, next((by_doi[doi] for doi in sorted(row.dois) if doi in by_doi), row.openalex))
    papers = _papers(tables["dataset"], works)
    added = works[[name_of[one] == one for one in works["openalex"]]]
    new = added.assign(work_id=added["openalex"], doi=added["dois"].map(lambda dois: min(dois, default="")))
    new.loc[ELSEWHERE, ["work_id", "title", "published"]] = ELSEWHERE, "Works outside these tables", "1900-01-01"
    cited = matches(works["references"], set(name_of))
    pairs = [(name_of[a], name_of[b]) for a, b in cited]
    pairs += [(name_of[one], ELSEWHERE) for one, listed in works["references"].items() if listed]
    seen = {"citing": [a for a, b in pairs if a != b], "cited": [b for a, b in pairs if a != b]}
    day = max(works["published"], default="")
    rows = {
        "work": new.fillna(""),
        "usage": _uses(tables["dataset"], works, papers, name_of),
        "citation": seen | {"source": _SOURCE, "accessed": day},
    }
    joined = dict(tables)
    for name, cells in rows.items():
        both = pd.concat([tables[name], as_table(name, cells)])
        joined[name] = as_table(name, both.drop_duplicates(list(TABLES[name].key)))
    return checked(joined)


def _papers(datasets: pd.DataFrame, works: pd.DataFrame) -> dict[str, str]:
    """Match the OpenAlex id of a data set's paper to the data set."""
    of_doi = {plain_doi(row.doi): row.dataset_id for row in datasets.itertuples() if row.doi}
    return {row.openalex: of_doi[doi] for row in works.itertuples() for doi in row.dois if doi in of_doi}


def _uses(
    datasets: pd.DataFrame, works: pd.DataFrame, papers: dict[str, str], name_of: dict[str, str]
) -> dict[str, object]:
    cited = {(work, papers[paper]) for work, paper in matches(works["references"], set(papers))}
    mentioned = set()
    for row in datasets.itertuples():
        name = re.compile(rf"(?<!\w){re.escape(row.name)}(?!\w)")
        mentioned |= {(work, row.dataset_id) for work, text in works["text"].items() if name.search(text)}
    pairs = sorted(pair for pair in cited | mentioned if papers.get(pair[0]) != pair[1])
    kinds = ["both" if p in cited & mentioned else "cited" if p in cited else "mentioned" for p in pairs]
    rows = {"work_id": [name_of[work] for work, _ in pairs], "dataset_id": [name for _, name in pairs], "kind": kinds}
    return rows | {"found_by": _SOURCE}
