"""Reader of the public tables of Sourget et al. (arXiv 2402.03003): data sets that papers mention and cite."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.datasets.review.openalex import plain_title
from helpers.datasets.shared.files import dropped_frame, find, read_csv, refuse_first
from helpers.errors import InputError

MENTIONED = ("Results", "extraction", "grobid_fulltext_detection.csv")
CITED = ("Results", "extraction", "oa_papers_datasets_reference.csv")


class Mentions(NamedTuple):
    """Pairs of document and data set that were found in the full text.

    pairs : DataFrame ``title, dataset, cited`` (bool), each pair once
    dropped : DataFrame ``table, reason, n``
    """

    pairs: pd.DataFrame
    dropped: pd.DataFrame


def has_companion(root: str | Path) -> bool:
    """Return True if a folder holds both tables."""
    return all(find(root, *parts) is not None for parts in (MENTIONED, CITED))


def load_companion(root: str | Path) -> Mentions:
    """Load the pairs of document and data set, and whether the document cites the data set's paper.

    Documents of both tables are matched by the words of their titles. The tables have no licence: they are read in
    place, and nothing of them is kept.

    Raises
    ------
    InputError
        A table is missing, lacks a column, or a cell is neither True nor False.
    """
    seen, listed = _table(root, MENTIONED, ["doc_name", "label1", "value"]), _table(root, CITED, ["name"])
    seen = seen[_flag(seen["value"], MENTIONED)]
    pairs = pd.DataFrame({"title": seen["doc_name"].map(plain_title), "dataset": seen["label1"]}).drop_duplicates()
    columns = [column for column in listed if column not in ("doi", "name")]
    flags = pd.DataFrame({column: _flag(listed[column], CITED) for column in columns})
    cites = flags.groupby(listed["name"].fillna("").map(plain_title)).any().stack()
    cites = cites.rename_axis(["title", "dataset"]).rename("cited").reset_index()
    found = pairs.merge(cites, how="left", on=["title", "dataset"])
    lost = int(found["cited"].isna().sum())
    notes = [(MENTIONED[-1], "no such title or data set among the references", lost)]
    found = found.dropna(subset="cited").astype({"cited": bool}).sort_values(["dataset", "title"], ignore_index=True)
    return Mentions(found, dropped_frame(notes))


def _table(root: str | Path, parts: tuple[str, ...], columns: list[str]) -> pd.DataFrame:
    path = find(root, *parts)
    if path is None:
        raise InputError(Path(root), f"there is no {'/'.join(parts)}", "Give a checkout of the companion's tables")
    table = read_csv(path)
    if absent := [column for column in columns if column not in table]:
        raise InputError(f"{path.name}, column {absent[0]}", "there is no such column", "Give the published table")
    return table.set_axis(table.index + 2)


def _flag(cells: pd.Series, parts: tuple[str, ...]) -> pd.Series:
    bad = ~cells.isin(["True", "False"])
    refuse_first(bad, cells, parts[-1], str(cells.name), "True or False", "Give the published table")
    return cells == "True"
