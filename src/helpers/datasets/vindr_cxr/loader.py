"""Loader of VinDr-CXR: findings of chest radiographs with boxes by radiologists, as phrases that are a class's name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.shared.files import Notes, find, read_csv, refuse_first
from helpers.datasets.shared.grounded import Grounded, merged
from helpers.datasets.shared.headers import check_pictures
from helpers.datasets.vindr_cxr import layout
from helpers.errors import InputError, check_choice

_FIX = "Correct the cell, or take the table again"


PARTS = (*layout.TABLES, "both")


def load_vindr_cxr(root: str | Path, *, part: str = "test") -> Grounded:
    """Load the boxes of VinDr-CXR; the phrase of a box is the name of its class.

    In training three radiologists read each image, each without the others, and here the boxes of all of them count
    together; those of the test set are a consensus. The table has no sizes of images, so the header of every file is
    read.

    Parameters
    ----------
    root : str or Path
        Folder of the tables and of the folders ``train`` and ``test`` of DICOM files.
    part : {"test", "train", "both"}

    Returns
    -------
    Grounded
        Without sex; the patient is the image, since none is named. Images without a finding have no phrase.

    Raises
    ------
    InputError
        A table or a file is missing, a column is not there, a cell is no number, a box leaves its image, a table has no
        finding, or an image is in both parts.
    """
    check_choice("part", part, PARTS)
    folder = Path(root).expanduser()
    if part != "both":
        return _load(folder, part)
    training, test = (_load(folder, name) for name in ("train", "test"))
    if shared := sorted(set(training.phrases["picture"]) & set(test.phrases["picture"])):
        problem = f"image {shared[0]} is in train and in test"
        raise InputError(f"{layout.TABLES['test']}, {layout.PICTURE}", problem, "Leave it out of one table")
    boxes = [training.boxes, test.boxes.assign(phrase=test.boxes["phrase"] + len(training.phrases))]
    tables = ([training.phrases, test.phrases], boxes, [training.dropped, test.dropped])
    return Grounded(*(pd.concat(table, ignore_index=True) for table in tables))


def _load(folder: Path, part: str) -> Grounded:
    path = find(folder, layout.TABLES[part])
    if path is None:
        raise InputError(folder, f"there is no {layout.TABLES[part]}", "Give the folder of the download")
    table = read_csv(path)
    table.index = table.index + 2
    if absent := [name for name in (layout.PICTURE, layout.CLASS, *layout.BOX) if name not in table]:
        raise InputError(f"{path.name}, column {absent[0]}", "there is no such column", "Give the published table")
    for column in (layout.PICTURE, layout.CLASS):
        refuse_first(table[column].isna(), table[column], path, column, "a value", _FIX)
    notes: Notes = []
    nothing = table[layout.CLASS] == layout.NO_FINDING
    notes.append((path.name, "no finding: has no box", int(nothing.sum())))
    if nothing.all():
        problem = f"all {len(table)} rows are {layout.NO_FINDING!r}" if len(table) else "has a header and no rows"
        raise InputError(path, problem, "Give the published table, which has boxes of findings")
    table = table[~nothing]
    if layout.READER in table:
        readers = table.groupby([layout.PICTURE, layout.CLASS])[layout.READER].nunique()
        notes.append((path.name, "phrase with boxes of several readers: taken together", int((readers > 1).sum())))
    rows = pd.DataFrame({"picture": table[layout.PICTURE], "category": table[layout.CLASS]})
    rows = rows.assign(text=rows["category"].str.lower(), patient=rows["picture"], split=part)
    rows["sex"] = pd.Series(None, index=rows.index, dtype="str")
    rows["file"] = [str(folder / layout.FOLDERS[part] / f"{name}{layout.ENDING}") for name in rows["picture"]]
    ends = {}
    for column in layout.BOX:
        ends[column] = pd.to_numeric(table[column], errors="coerce")
        refuse_first(ends[column].isna(), table[column], path, column, "a number of pixels", _FIX)
    rows["x"], rows["y"] = ends["x_min"], ends["y_min"]
    rows["width"], rows["height"] = ends["x_max"] - ends["x_min"], ends["y_max"] - ends["y_min"]
    sizes = _sizes(rows)
    return merged(rows.assign(image_width=sizes["width"], image_height=sizes["height"]), path, notes)


def _sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """Read width and height of the image of each row from the headers of the files."""
    files = rows["file"].drop_duplicates()
    found = check_pictures(files.tolist(), rows=files.tolist(), sample=None).set_index("row")
    return found.loc[rows["file"], ["width", "height"]].set_index(rows.index)
