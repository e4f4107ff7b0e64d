"""Rows of a table of images that a study refuses: each kind is reported, and the rest of the table is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from helpers.datasets.image_table.places import unfound
from helpers.datasets.shared.cells import numeric
from helpers.datasets.shared.missing import not_recorded
from helpers.datasets.shared.splits import PARTS


def mender(refused: list[str]) -> Callable[[pd.DataFrame, Mapping[str, str], Path], pd.DataFrame]:
    """Make the function that `load_image_table` takes as `mend`; it adds a sentence to `refused` for each kind of row.

    Rows without an image file, and an image's second row, are left out. A mask that is not there, a patient who is not
    named and a part that cannot be used are left empty.
    """

    def mend(table: pd.DataFrame, roles: Mapping[str, str], path: Path) -> pd.DataFrame:
        table = table.copy()

        def report(odd: pd.Series, parameter: str, text: str) -> None:
            if odd.any():
                row, more = odd.index[odd.to_numpy()][0], f" ({int(odd.sum())} such rows)" * bool(odd.sum() > 1)
                refused.append(f"{path.name}, row {row}, column {roles[parameter]}: {text}{more}")

        absent = unfound(table[roles["FILE"]], path)
        report(absent, "FILE", "there is no such image file, or several have the name")
        table = table[~absent]
        for parameter, odd, text in _odd_cells(table, roles, path):
            report(odd, parameter, text)
            table.loc[odd, roles[parameter]] = pd.NA
        if "PATIENT" in roles:
            name = roles["PATIENT"]
            nobody = table[name].isna() | not_recorded(table[name])
            report(nobody, "PATIENT", "no patient is named")
            alone = pd.Series([f"(row {row})" for row in table.index], table.index, dtype="str")
            table[name] = table[name].mask(nobody, alone)
        twice = table.duplicated([roles[p] for p in ("FILE", "SLICE") if p in roles])
        report(twice, "FILE", "this image is also in another row")
        table = table[~twice].copy()
        if {"PATIENT", "SPLIT"} <= set(roles):
            part = table[roles["SPLIT"]].str.casefold().map(PARTS)
            several = part.groupby(table[roles["PATIENT"]]).transform("nunique") > 1
            n = table[roles["PATIENT"]][several].nunique()
            report(several, "SPLIT", f"this patient is in two parts; {n} patient{'s are' if n > 1 else ' is'}")
            table.loc[several, roles["SPLIT"]] = pd.NA
        return table

    return mend


def _odd_cells(table: pd.DataFrame, roles: Mapping[str, str], path: Path) -> list[tuple[str, pd.Series, str]]:
    """List parameter, rows and problem of the cells that are left empty."""
    found = []
    if "MASK" in roles:
        found.append(("MASK", unfound(table[roles["MASK"]], path), "there is no such mask file, or several"))
    if "SLICE" in roles:
        values = table[roles["SLICE"]]
        numbers = numeric(values)
        odd = values.notna() & ~((numbers >= 0) & (numbers % 1 == 0))
        found.append(("SLICE", odd, "expected a whole number from 0"))
    if "SPLIT" in roles:
        values = table[roles["SPLIT"]]
        odd = values.notna() & ~values.str.casefold().isin(PARTS)
        found.append(("SPLIT", odd, "expected train, validation or test"))
    return found
