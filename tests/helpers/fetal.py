"""The real labels of FETAL_PLANES_DB in the layout of the download: ``python -m tests.helpers.fetal TABLE FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from helpers.datasets.fetal_planes import layout


def as_downloaded(table: Path, folder: Path) -> Path:
    """Write the joined labels of `../shared/data/fetal_planes`, which have no names of images, with made-up names."""
    found = pd.read_csv(table, dtype=str)
    number = (found.groupby("patient").cumcount() + 1).astype(str)
    digit = found["Plane"].map(layout.PLANES).map(layout.DIGITS).astype(str)
    found["Image_name"] = "Patient" + found["patient"].str.zfill(5) + "_Plane" + digit + "_" + number + "_of_1"
    found = found.rename(columns={"patient": "Patient_num", "Train": "Train "})[list(layout.COLUMNS)]
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / layout.TABLE, sep=";", index=False)
    return folder


if __name__ == "__main__":
    as_downloaded(Path(sys.argv[1]), Path(sys.argv[2]))
