"""Report of a table of images, or of a data set's folder, as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.datasets.checking import layouts, looking, suiting, tabulating
from helpers.datasets.checking.masking import masks
from helpers.datasets.checking.mending import mender
from helpers.datasets.checking.scanning import scan
from helpers.datasets.image_table.columns import SINGLE
from helpers.datasets.image_table.loading import ImageTable, load_image_table
from helpers.errors import InputError


class Checked(NamedTuple):
    """Result of a check.

    text : the report
    refused : sentences on rows that a study refuses
    found : sentences on what to look at
    """

    text: str
    refused: list[str]
    found: list[str]


def check_images(file: str | Path, columns: Mapping[str, object] | None = None, *, progress: bool = True) -> Checked:
    """Check a table of images, with all its pictures, before a study.

    Parameters
    ----------
    file : str or Path
        Table as in `load_image_table`.
    columns : mapping, optional
        Parameters as in `load_image_table`.
    progress : bool
        Show a progress bar if there are many pictures.

    Raises
    ------
    InputError
        The table cannot be read, or no row has an image; a parameter names an absent column or value. Rows that a study
        refuses are reported instead.
    """
    given = {name: str(value) for name, value in (columns or {}).items() if str(value or "")}
    refused: list[str] = []
    seen: dict[str, object] = {}
    mend = mender(refused)

    def kept(rows: pd.DataFrame, roles: Mapping[str, str], path: Path) -> pd.DataFrame:
        mended = mend(rows, roles, path)
        if mended.empty:
            raise InputError(path.name, "no row has an image that is there", "Correct the paths: " + "; ".join(refused))
        seen.update(cells=rows.loc[mended.index].reset_index(drop=True), roles=roles)
        return mended

    table = load_image_table(file, given, mend=kept)
    head = [f"{Path(file).name}: {_size(table)}", "", "Columns"]
    rows = [[name, seen["roles"].get(name, "none"), SINGLE[name].meaning] for name in SINGLE]
    rows += [["GROUPS", ", ".join(table.groups) or "none", ""], ["TARGETS", ", ".join(table.labels) or "none", ""]]
    used = {*seen["roles"].values(), *table.groups, *(str(one).partition("=")[0] for one in table.labels)}
    rows += [["not used", ", ".join(name for name in seen["cells"] if name not in used) or "none", ""]]
    head += _indented(tabulating.aligned(rows))
    words = {"IMAGES": str(file), **given}
    ways = tabulating.aligned(suiting.studies(table, words))
    return _report(head, table, seen["cells"], refused, ways, progress=progress)


def check_folder(root: str | Path, *, progress: bool = True) -> Checked | None:
    """Check a folder of a known data set; return None if its layout is that of MAMA-MIA, which has `check_data`.

    Raises
    ------
    InputError
        The folder has no known layout, or its loader refuses it.
    """
    root = Path(root)
    known = layouts.recognise(root)
    if known is None:
        return None
    table, pictures = known.load(root)
    published = known.published(root)
    data = "the published table" if published else "other rows in the same layout than the published ones"
    head = [f"{root.name}: {known.title}, {_size(table)}", f"It holds {data}."]
    cells = pd.concat([table.groups.astype(object), table.labels], axis=1)
    ways = [f"{command} DATA_ROOT={root}" for command in known.commands]
    return _report(head, table, cells, [], ways, progress=progress, pictures=pictures)


def _report(
    head: list[str],
    table: ImageTable,
    cells: pd.DataFrame,
    refused: list[str],
    ways: list[str],
    *,
    progress: bool,
    pictures: bool = True,
) -> Checked:
    left = [f"{n} of {name}: {reason}" for name, reason, n in table.dropped.itertuples(index=False)]
    shares, found = tabulating.missing(cells, table)
    found += tabulating.one_class(table)
    seen = ["No picture was looked at: there is none, only the table."]
    if pictures:
        facts, thumbs = scan(table, progress=progress)
        bad, empty = masks(table)
        refused += looking.unreadable(facts, table) + bad
        found += empty
        seen, mixed = looking.described(facts, table)
        found += mixed + looking.duplicates(facts, table) + looking.blank_or_inverted(facts, thumbs, table)
    parts = {
        "Refused by a study until corrected": refused,
        "Left out": left,
        "Assumed": table.notes,
        "Groups and labels: patients with each label, of those for whom it is known": tabulating.by_group(table),
        "Missing cells": shares,
        "Pictures": seen,
        f"To look at: {len(found)}": [f"- {one}" for one in found] or ["Nothing was found."],
        "Studies": ways,
    }
    lines = list(head)
    for title, body in parts.items():
        if body:
            lines += ["", title, *_indented(body)]
    return Checked("\n".join(lines), refused, found)


def _size(table: ImageTable) -> str:
    n = table.images["patient_id"].nunique()
    return f"{len(table.images)} images" + (f" of {n} patients" if table.has_patients else ", patients not named")


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]
