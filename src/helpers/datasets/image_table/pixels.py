"""Pictures and masks of a table of images as arrays of one size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from helpers.datasets.image_table.loading import FILES, ImageTable, kept
from helpers.datasets.shared import loading, mask_files
from helpers.datasets.shared.headers import check_masks, check_pictures
from helpers.datasets.shared.pictures import read_picture
from helpers.errors import InputError

LOOKED_AT = 20  # pictures that are decoded to find out whether the collection is in colour
GREY = 2.0  # mean difference between channels, of 255: a JPEG of a grey picture stored in colour is below it


def check_files(table: ImageTable) -> None:
    """Check that the files of a table exist, and compare the headers of a sample of masks with those of their pictures.

    Raises
    ------
    InputError
        As in `helpers.datasets.check_pictures`; or a mask differs in size from its picture.
    """
    rows = table.images["case"].str.removeprefix("row ")
    for column in FILES:
        known = table.images[column].notna()
        if not known.any():
            continue
        part, names = table.images[known], rows[known].tolist()
        if column == "file":
            check_pictures(part["file"].tolist(), rows=names, slices=part["slice"].tolist())
        else:
            check_masks(part[column].tolist(), part["file"].tolist(), rows=names)


def in_colour(table: ImageTable) -> bool:
    """Return True if any of `LOOKED_AT` pictures, evenly spaced over the table, has colour."""
    places = np.unique(np.linspace(0, len(table.images) - 1, LOOKED_AT).astype(int))
    for file, number in table.images[["file", "slice"]].iloc[places].itertuples(index=False):
        values = read_picture(file, slice=None if pd.isna(number) else int(number)).values
        if values.ndim == 3 and np.ptp(values.astype(float), axis=2).mean() > GREY:
            return True
    return False


def table_pictures(
    table: ImageTable, size: int, *, colour: bool | None = None, as_bytes: bool = False, progress: bool = False
) -> tuple[ImageTable, np.ndarray]:
    """Load the pictures of a table as squares, and leave out those in which all pixels are equal.

    Parameters
    ----------
    table : ImageTable
    size : int
        Side in pixels.
    colour : bool, optional
        RGB or grey; by default as `in_colour` finds. Pictures in colour are resized by their shorter side and cropped
        to the centre; grey ones are scaled to the square, and each from its smallest to its largest value.
    as_bytes : bool
        RGB as whole numbers from 0 to 255, as the generative models take them, also of grey pictures. If the headers
        of a sample show more than 8 bits a channel, each picture is scaled from its smallest to its largest value.
    progress : bool

    Returns
    -------
    table : ImageTable
        The rows whose pictures are not blank; the others are counted in its `dropped`.
    pictures : ndarray of shape (n, 1 or 3, size, size)
        float32 from 0 to 1, or uint8.

    Raises
    ------
    InputError
        As in `helpers.datasets.load_pictures`; or all pictures are blank.
    """
    files, slices = table.images["file"].tolist(), table.images["slice"].tolist()
    with _naming_the_row(table, "file"):
        colour = as_bytes or (in_colour(table) if colour is None else colour)
        how = {"channels": 3, "fit": "crop", "scale": "bytes"} if colour else {"channels": 1, "fit": "squeeze"}
        deep = as_bytes and check_pictures(files, slices=slices)["bits"].max() > 8
        how |= {"scale": "minmax"} if deep else {}
        pictures = loading.load_pictures(files, size, **how, slices=slices, blank=True, progress=progress)
    pictures = np.round(pictures * 255).astype(np.uint8) if deep else pictures
    blank = (pictures.min(axis=(2, 3)) == pictures.max(axis=(2, 3))).all(axis=1)
    if blank.any():
        table, pictures = kept(table, ~blank, "all pixels are equal: left out"), pictures[~blank]
    if not len(pictures):
        raise InputError("IMAGES", "in every picture all pixels are equal", "Look at the pictures")
    return table, pictures.astype(np.float32) / 255 if colour and not as_bytes else pictures


def table_masks(
    table: ImageTable, size: int, *, column: str = "mask", colour: bool = False, progress: bool = False
) -> np.ndarray:
    """Load the masks of a table's pictures as squares: uint8 ndarray of shape (n, 1, size, size), 0 or 1.

    Parameters
    ----------
    table : ImageTable
    size : int
        Side in pixels.
    column : {"mask", "second_mask"}
    colour : bool
        True if the pictures are in colour: masks are then cropped as `table_pictures` crops these.
    progress : bool

    Raises
    ------
    InputError
        A row names no mask; or as in `helpers.datasets.load_masks`.
    """
    masks, parameter = table.images[column], column.upper()
    if masks.isna().any():
        case = table.images["case"][masks.isna()].iloc[0]
        fix = f"Name the column of masks as {parameter}=column, and give a mask of zeros where there is nothing"
        raise InputError(case, "no mask is named", fix)
    slices = table.images["slice"].tolist()
    pictures = table.images["file"].tolist()
    how = {"pictures": pictures, "fit": "crop" if colour else "squeeze", "slices": slices, "progress": progress}
    with _naming_the_row(table, column):
        return mask_files.load_masks(masks.tolist(), size, **how)


@contextmanager
def _naming_the_row(table: ImageTable, column: str) -> Iterator[None]:
    """Add the row of the table to an error about a file."""
    try:
        yield
    except InputError as error:
        rows = dict(zip(table.images[column].astype("str"), table.images["case"], strict=True))
        row = rows.get(error.where.partition(", ")[0], rows.get(error.where))
        if row is None:
            raise
        raise InputError(f"{row}, {error.where}", error.problem, error.fix) from None
