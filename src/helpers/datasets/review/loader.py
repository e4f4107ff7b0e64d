"""Loader of the review, and the review as it was on a day."""

from __future__ import annotations

from pathlib import Path

from helpers import paths
from helpers.datasets.review.checking import Tables, checked
from helpers.datasets.review.layout import PAST, TABLES, is_day
from helpers.datasets.review.reading import file_of, read_table, written
from helpers.errors import InputError


def review_folder() -> Path:
    """Return the folder of the book's review."""
    return paths.project() / "book" / "review"


def load_review(folder: str | Path = "") -> Tables:
    """Load the tables of a review and check them.

    Parameters
    ----------
    folder : str or Path
        Folder of the files ``<table>.csv``. If empty, it is the book's, ``book/review``.

    Returns
    -------
    dict of str to DataFrame
        Name of each table of the layout to its rows, all text, "" where a cell is empty; the index has the numbers of
        the lines.

    Raises
    ------
    InputError
        A file or a row breaks a rule of the layout; the error names file, row and column.
    """
    place = Path(folder).expanduser() if folder else review_folder()
    return checked({name: read_table(place, name) for name in TABLES})


def save_review(tables: Tables, folder: Path) -> None:
    """Save tables as the files of a review, so that equal tables have equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        (folder / file_of(name)).write_text(written(tables[name]), encoding="utf-8", newline="")


def newest_day(tables: Tables) -> str:
    """Find the newest day in the tables, ends of validity left out: the review's today."""
    columns = [tables[name][day] for name, day in PAST]
    return max((column.max() for column in columns if len(column)), default="")


def as_of(tables: Tables, day: str = "") -> Tables:
    """Select what was known on a day.

    Parameters
    ----------
    tables : dict of str to DataFrame
    day : str
        ISO date; if empty, the newest day in the tables.

    Returns
    -------
    dict of str to DataFrame
        Data sets, versions and works of that day or earlier; artefacts that were public and valid on it
        (``reported_on <= day`` and ``valid_from <= day < valid_to``); and evidence, uses and citations of these.

    Raises
    ------
    InputError
        The day is no date, or before the first report became public.
    """
    day = day or newest_day(tables)
    first = tables["artifact"]["reported_on"].min() if len(tables["artifact"]) else ""
    if not is_day(day):
        raise InputError(f"AS_OF = {day}", "is no day", "Write it as 2021-12-31")
    if day < first:
        raise InputError(f"AS_OF = {day}", f"is before the first report, of {first}", "Give a later day")
    known = {
        name: table[table["published" if name == "work" else "released"] <= day]
        for name, table in tables.items()
        if name in ("dataset", "dataset_version", "work")
    }
    works, datasets = set(known["work"]["work_id"]), set(known["dataset"]["dataset_id"])
    found = tables["artifact"]
    now = (found["reported_on"] <= day) & (found["valid_from"] <= day)
    now &= (found["valid_to"] == "") | (day < found["valid_to"])
    known["artifact"] = found[now & found["subject_id"].isin(works | datasets)]
    inside = {"artifact_id": set(known["artifact"]["artifact_id"]), "dataset_id": datasets, "work_id": works}
    inside |= {"citing": works, "cited": works}
    for name in ("dataset_version", "records", "evidence", "usage", "citation"):
        table = known.get(name, tables[name])
        for column in TABLES[name].refers:
            table = table[table[column].isin(inside[column])]
        known[name] = table
    return {name: known[name] for name in TABLES}
