"""Loader of the planes from five African countries: Sendra-Balcells et al., Scientific Reports 13:2728 (2023)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.fetal_planes import layout
from helpers.datasets.fetal_planes.loader import (
    coded,
    find_table,
    named_once,
    numbered,
    read_table,
    refuse_split_patients,
)
from helpers.datasets.fetal_planes.pictures import with_pictures
from helpers.datasets.shared.files import Notes, dropped_frame


def load_african_planes(
    root: str | Path, *, images: bool = True, workers: int = 1, progress: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the cases of the African planes (Zenodo 7540448), one row for each image.

    Parameters
    ----------
    root : str or Path
        Folder that holds ``African_planes_database.csv`` and a folder of images for each country.
    images : bool
        Look for the images and decode each one.
    workers : int
        Number of processes that decode images.
    progress : bool
        Show a progress bar.

    Returns
    -------
    cases : pandas.DataFrame
        The columns of `load_fetal_planes`. Numbers of patients start again in every country, so ``patient`` is the
        country and the number. ``brain_plane``, ``operator`` and ``machine`` are missing.
    dropped : pandas.DataFrame
        As from `load_fetal_planes`.

    Raises
    ------
    InputError
        As in `load_fetal_planes`.
    """
    path = find_table(Path(root).expanduser(), layout.AFRICAN_TABLE)
    table = read_table(path, layout.AFRICAN_COLUMNS, sep=",")
    country = coded(table["Center"], {name: name for name in layout.COUNTRIES}, path)
    names = {f"{before}{name}": name for name in layout.AFRICAN_PLANES for before in ("Fetal ", "")}
    cases = {
        "image": named_once((country + "/" + table["Filename"]).rename("Filename"), path),
        "patient": country + " " + numbered(table, path),
        "plane": coded(table["Plane"], names, path),
        "country": country,
        "part": coded(table["Train"], layout.PARTS, path),
    }
    frame = pd.DataFrame(cases, index=table.index).reindex(columns=list(layout.CASE_COLUMNS)).astype("str")
    refuse_split_patients(frame, path, "Train")
    notes: Notes = []
    if images:
        frame = with_pictures(frame, path.parent, notes, workers=workers, progress=progress)
    return frame.reset_index(drop=True), dropped_frame(notes)
