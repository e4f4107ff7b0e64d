"""Check of every mask of a table of images against its picture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from helpers.datasets.image_table.loading import FILES, ImageTable
from helpers.datasets.shared.mask_files import read_mask
from helpers.errors import InputError

WORDS = {"mask": "mask", "second_mask": "second mask"}


def masks(table: ImageTable) -> tuple[list[str], list[str]]:
    """Read every mask of a table once.

    Returns
    -------
    refused : list of str
        A sentence on the masks that cannot be used, with the first of them.
    found : list of str
        A sentence on the masks in which no pixel is above 0.
    """
    from joblib import cpu_count

    refused, found = [], []
    for column in FILES[1:]:
        rows = table.images[table.images[column].notna()]
        if rows.empty:
            continue
        with ThreadPoolExecutor(cpu_count()) as pool:
            problems = list(pool.map(lambda row, of=column: _problem(row, of), rows.to_dict("records")))
        bad = [(case, why) for case, why in zip(rows["case"], problems, strict=True) if why]
        empty = sum(why == "" for why in problems)
        if bad:
            case, why = bad[0]
            more = f" ({len(bad)} such rows)" if len(bad) > 1 else ""
            refused.append(f"{case}: the {WORDS[column]} {why}{more}")
        if empty:
            found.append(f"{empty} of {len(rows)} {WORDS[column]}s are empty")
    return refused, found


def _problem(row: dict[str, object], column: str) -> str | None:
    """Describe the problem of a mask; empty if no pixel is inside, None if there is no problem."""
    number = None if pd.isna(row["slice"]) else int(row["slice"])
    try:
        return None if read_mask(row[column], slice=number, picture=row["file"]).any() else ""
    except InputError as error:
        return error.problem.replace(f" {row['file']}", "")
