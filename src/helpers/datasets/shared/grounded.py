"""Phrases with boxes: rows of a table, one a box, merged to one row a phrase, and boxes as masks of a square."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import Notes, dropped_frame, refuse_first
from helpers.errors import InputError

SIDES = ("left", "right")  # of the patient, as reports name them
PHRASE = ("picture", "category", "text")
_FIX = "Correct the cell, or take the table again"
_ASPECT = 0.02  # tolerated relative difference of width to height between table and file


class Grounded(NamedTuple):
    """Phrases and their boxes, see `helpers.datasets.load_ms_cxr`.

    phrases : DataFrame
        One row a phrase of a picture: ``picture, category, text, patient, file, split, sex``, ``side`` ("left" or
        "right" if the phrase has exactly one of these words), the table's ``image_width`` and ``image_height`` in
        pixels, and ``boxes``, their number.
    boxes : DataFrame
        One row a box: ``phrase`` (row of `phrases`), ``x, y, width, height`` as shares of the square in the centre.
    dropped : DataFrame
        What was left out or assumed, counted by reason.
    """

    phrases: pd.DataFrame
    boxes: pd.DataFrame
    dropped: pd.DataFrame


def side_of(text: str) -> str | None:
    """Return the side that a phrase names; None if it names none or, as in "left and right", both."""
    words = set(re.findall(r"\w+", text.lower()))
    named = [side for side in SIDES if side in words]
    return named[0] if len(named) == 1 and "bilateral" not in words else None


def merged(rows: pd.DataFrame, path: Path, notes: Notes) -> Grounded:
    """Merge rows to phrases and check their boxes.

    Parameters
    ----------
    rows : DataFrame
        One row a box, with its number in the file as index: `PHRASE`, ``patient, file, split, sex``, and in pixels of
        the table's image ``x, y, width, height, image_width, image_height``.
    path : path
        Table, for errors.
    notes : list
        Is extended by what is left out.

    Raises
    ------
    InputError
        A box is no finite number, has no area or leaves its image; every box is lost; or a patient is in two splits.
    """
    _check_boxes(rows, path)
    _check_splits(rows, path)
    shares = in_square(rows)
    lost = (shares["width"] <= 0) | (shares["height"] <= 0)
    notes.append((path.name, "box outside the square in the centre: left out", int(lost.sum())))
    rows, shares = rows[~lost], shares[~lost]
    if rows.empty:
        raise InputError(path, "no box is in the square in the centre", "Check the image sizes of the table")
    grouped = rows.groupby(list(PHRASE), sort=False)
    phrases = (
        grouped[["patient", "file", "split", "sex", "image_width", "image_height"]]
        .first()
        .assign(boxes=grouped.size())
        .reset_index()
    )
    several = phrases.groupby(["picture", "text"])["category"].transform("nunique") > 1
    notes.append((path.name, "text with two categories in one picture: kept once each", int(several.sum())))
    phrases.insert(7, "side", phrases["text"].map(side_of).astype("str"))
    both = phrases["text"].str.contains(r"bilateral|\bleft\b.*\bright\b|\bright\b.*\bleft\b", case=False)
    notes.append((path.name, "phrase of both sides: has no side", int(both.sum())))
    boxes = shares.assign(phrase=grouped.ngroup().to_numpy())[["phrase", "x", "y", "width", "height"]]
    return Grounded(phrases, boxes.reset_index(drop=True), dropped_frame(notes))


def _check_boxes(rows: pd.DataFrame, path: Path) -> None:
    for name in ("x", "y", "width", "height", "image_width", "image_height"):
        refuse_first(~np.isfinite(rows[name]), rows[name], path, name, "a finite number of pixels", _FIX)
    for name in ("width", "height", "image_width", "image_height"):
        refuse_first(~(rows[name] > 0), rows[name], path, name, "a number of pixels above 0", _FIX)
    for start, length, most in (("x", "width", "image_width"), ("y", "height", "image_height")):
        inside = (rows[start] >= 0) & (rows[start] + rows[length] <= rows[most] + 0.5)
        refuse_first(~inside, rows[start], path, start, "a box within its image", _FIX)


def _check_splits(rows: pd.DataFrame, path: Path) -> None:
    """Refuse a patient of two splits, since maps would be tested on people of the training."""
    several = rows.groupby("patient", sort=False)["split"].unique()
    several = several[several.map(len) > 1]
    if len(several):
        problem = f"patient {several.index[0]} is in {' and in '.join(sorted(several.iloc[0]))}"
        problem += f", and {len(several) - 1} more are in two splits" * (len(several) > 1)
        raise InputError(f"{path.name}, split", problem, "Put all rows of a patient into one split")


def in_square(rows: pd.DataFrame) -> pd.DataFrame:
    """Convert boxes in pixels to shares of the square in the centre of their image, cut at its edges.

    `helpers.datasets.load_pictures` with ``fit="crop"`` cuts the same square. A box outside it has no area.
    """
    short = rows[["image_width", "image_height"]].min(axis=1)
    found = {}
    for start, length, most in (("x", "width", "image_width"), ("y", "height", "image_height")):
        begin = (rows[start] - (rows[most] - short) / 2) / short
        end = (begin + rows[length] / short).clip(0, 1)
        found[start], found[length] = begin.clip(0, 1), end - begin.clip(0, 1)
    return pd.DataFrame(found)


def box_masks(grounded: Grounded, side: int) -> np.ndarray:
    """Draw the boxes of each phrase together.

    Parameters
    ----------
    grounded : Grounded
    side : int
        Cells of a side.

    Returns
    -------
    ndarray of bool, shape (phrases, side, side)
        A cell is in a box if its centre is, and the cell with the centre of a box always is.
    """
    masks = np.zeros((len(grounded.phrases), side, side), bool)
    cells = (np.arange(side) + 0.5) / side
    for row in grounded.boxes.itertuples():
        inside = []
        for start, length in ((row.y, row.height), (row.x, row.width)):
            along = (cells >= start) & (cells < start + length)
            along[min(int((start + length / 2) * side), side - 1)] = True
            inside.append(along)
        masks[row.phrase] |= np.outer(*inside)
    return masks


def check_grounded(grounded: Grounded, *, sample: int | None = 200) -> None:
    """Check that the files of phrases exist, and that those of a sample have the shape that the table gives.

    Images of another release may have another width, if height changes in proportion.

    Raises
    ------
    InputError
        A file is missing or cannot be read, or has another shape.
    """
    from helpers.datasets.shared.headers import check_pictures

    pictures = grounded.phrases.drop_duplicates("picture")
    found = check_pictures(pictures["file"].tolist(), sample=sample).set_index("row")
    table = pictures[["image_width", "image_height"]].reset_index(drop=True).loc[found.index]
    ratio = (table["image_width"] / table["image_height"]) / (found["width"] / found["height"])
    if (bad := (ratio - 1).abs() > _ASPECT).any():
        row = bad.index[bad.to_numpy()][0]
        problem = "is {:.0f} x {:.0f}".format(*found.loc[row, ["width", "height"]])
        problem += ", and {:.0f} x {:.0f} in the table".format(*table.loc[row])
        raise InputError(f"picture {row}", problem, "Give the images of the table")
